/* The HTTP client against a server that misbehaves on request. The server runs on threads of its
 * own, the client on this one's loop. */
#include "fetch_api.h"
#include "fetch_policy.h"
#include "fetcher.h"
#include "host.h"
#include "metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* ---- the server ---- */

struct server {
    int listening, local;
    int port;
    char path[64];
    atomic_int requests, flaky_left, threads;
};

static struct server server;

static void say(int client, const char *text, size_t size) {
    for (size_t at = 0; at < size;) {
        ssize_t sent = send(client, text + at, size - at, MSG_NOSIGNAL);
        if (sent <= 0) return;
        at += (size_t)sent;
    }
}

static void say_text(int client, const char *text) {
    say(client, text, strlen(text));
}

static void reply_with(int client, const char *status, const char *fields, const char *body) {
    char text[20000];
    int size = snprintf(text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s", status,
                        strlen(body), fields, body);
    say(client, text, (size_t)size);
}

static void wait_until_closed(int client) {
    char byte;
    while (recv(client, &byte, 1, 0) > 0) {
    }
}

static void send_much(int client, size_t size) {
    static const char block[65536];
    char head[100];
    say(client, head,
        (size_t)sprintf(head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", size));
    for (size_t at = 0; at < size; at += sizeof block) say(client, block, sizeof block);
}

static void trickle(int client) {
    say_text(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 20000; i++) {
        if (send(client, "1\r\nx\r\n", 6, MSG_NOSIGNAL) != 6) return;
        usleep(500);
    }
}

/* Whether the connection may take another request. */
static bool misbehave(int client, const char *request, const char *path) {
    if (strcmp(path, "/echo") == 0) {
        reply_with(client, "200 OK", "X-Seen: Yes \r\nContent-Type: text/plain\r\n", request);
        return true;
    }
    if (strcmp(path, "/flaky") == 0) {
        bool good = atomic_fetch_sub(&server.flaky_left, 1) <= 0;
        reply_with(client, good ? "200 OK" : "503 Service Unavailable", "Retry-After: 0\r\n",
                   good ? "at last" : "not yet");
        return true;
    }
    if (strcmp(path, "/later") == 0)
        reply_with(client, "429 Too Many Requests", "Retry-After: 1000\r\n", "later");
    else if (strcmp(path, "/broken") == 0)
        reply_with(client, "500 Internal Server Error", "", "sorry");
    else if (strcmp(path, "/moved") == 0)
        reply_with(client, "302 Found", "Location: /echo\r\n", "");
    else if (strcmp(path, "/cut") == 0)
        say_text(client, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
    else if (strcmp(path, "/garbage") == 0)
        say_text(client, "\x01\x02 this is no HTTP\r\n\r\n");
    else if (strcmp(path, "/much") == 0)
        send_much(client, 10 << 20);
    else if (strcmp(path, "/trickle") == 0)
        trickle(client);
    else if (strcmp(path, "/hang") == 0)
        wait_until_closed(client);
    else if (strcmp(path, "/fields") == 0)
        for (int i = 0; i < 20000; i++)
            say_text(client, i ? "X: 0123456789abcdef\r\n" : "HTTP/1.1 200 OK\r\n");
    return false; /* "/nothing": just closed */
}

static void *serve_one(void *arg) {
    int client = *(int *)arg;
    free(arg);
    char request[8192], path[200];
    bool more = true;
    for (size_t size = 0; more; size = 0) {
        char *end = NULL;
        while (!end && size < sizeof request - 1) {
            ssize_t got = recv(client, request + size, sizeof request - 1 - size, 0);
            if (got <= 0) goto out;
            size += (size_t)got;
            request[size] = 0;
            end = strstr(request, "\r\n\r\n");
        }
        const char *length = strcasestr(request, "content-length: ");
        size_t all =
            end ? (size_t)(end + 4 - request) + (length ? strtoul(length + 16, NULL, 10) : 0) : 0;
        while (size < all && size < sizeof request - 1) {
            ssize_t got = recv(client, request + size, sizeof request - 1 - size, 0);
            if (got <= 0) goto out;
            size += (size_t)got;
            request[size] = 0;
        }
        if (sscanf(request, "%*s %199s", path) != 1) break;
        atomic_fetch_add(&server.requests, 1);
        more = misbehave(client, request, path);
    }
out:
    close(client);
    atomic_fetch_sub(&server.threads, 1);
    return NULL;
}

static void *accept_all(void *arg) {
    int listening = *(int *)arg, client;
    while ((client = accept(listening, NULL, NULL)) >= 0) {
        pthread_t thread;
        int *given = malloc(sizeof *given);
        *given = client;
        atomic_fetch_add(&server.threads, 1);
        pthread_create(&thread, NULL, serve_one, given);
        pthread_detach(thread);
    }
    return NULL;
}

static pthread_t acceptors[2];

static int server_start(void **state) {
    (void)state;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    server.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.listening, (struct sockaddr *)&address, size) != 0) return -1;
    if (listen(server.listening, 128) != 0) return -1;
    getsockname(server.listening, (struct sockaddr *)&address, &size);
    server.port = ntohs(address.sin_port);
    struct sockaddr_un local = {.sun_family = AF_UNIX};
    snprintf(server.path, sizeof server.path, "/tmp/test_fetch.%d.sock", (int)getpid());
    snprintf(local.sun_path, sizeof local.sun_path, "%s", server.path);
    server.local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(server.local, (struct sockaddr *)&local, sizeof local) != 0) return -1;
    if (listen(server.local, 16) != 0) return -1;
    pthread_create(&acceptors[0], NULL, accept_all, &server.listening);
    pthread_create(&acceptors[1], NULL, accept_all, &server.local);
    return 0;
}

static int server_stop(void **state) {
    (void)state;
    shutdown(server.listening, SHUT_RDWR);
    shutdown(server.local, SHUT_RDWR);
    for (int i = 0; i < 2; i++) pthread_join(acceptors[i], NULL);
    close(server.listening);
    close(server.local);
    unlink(server.path);
    for (int i = 0; i < 5000 && atomic_load(&server.threads); i++) usleep(1000);
    return 0;
}

/* ---- the client ---- */

struct world {
    struct loop loop;
    struct host host;
    struct arena arena;
    struct sl_call call;
    int left; /* fibers that have not ended */
    bool looping;
};

static struct world world;

static int setup(void **state) {
    (void)state;
    char trouble[256] = "";
    memset(&world, 0, sizeof world);
    if (loop_init(&world.loop) != 0) return -1;
    arena_init(&world.arena);
    world.host.loop = &world.loop;
    world.host.metrics = metrics_new();
    for (const sl_metric *row = fetch_metrics; row->name; row++)
        metrics_declare(world.host.metrics, row);
    world.host.fetcher = fetcher_open(&world.host);
    const struct fetch_module *module = fetch_module_load(SLUICE_BUILD_DIR, trouble);
    if (!module) fail_msg("%s", trouble);
    fetcher_use(world.host.fetcher, module);
    call_init(&world.call, &world.host, NULL, &world.arena);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    if (world.host.fetcher) fetcher_close(world.host.fetcher);
    loop_fini(&world.loop);
    metrics_free(world.host.metrics);
    arena_fini(&world.arena);
    return 0;
}

struct job {
    sl_request request;
    sl_response response;
    int status;
};

static void run_job(void *arg) {
    struct job *job = arg;
    job->status = sl_fetch(&world.call, &job->request, &job->response);
    if (--world.left == 0 && world.looping) loop_stop(&world.loop);
}

static void run_jobs(struct job *jobs, int count) {
    world.left = count;
    for (int i = 0; i < count; i++) fiber_start(&world.loop, run_job, &jobs[i]);
    world.looping = world.left > 0; /* else a stop would meet the next run */
    if (world.looping) loop_run(&world.loop);
    world.looping = false;
    assert_int_equal(world.left, 0);
}

static const char *url(const char *path) {
    return sl_printf(&world.call, "http://127.0.0.1:%d%s", server.port, path);
}

static struct job fetch(sl_request request) {
    struct job job = {.request = request};
    run_jobs(&job, 1);
    return job;
}

static void expect_failure(struct job job, int status, const char *sentence) {
    assert_int_equal(job.status, status);
    if (!strstr(sl_failure(&world.call), sentence))
        fail_msg("expected \"%s\" in: %s", sentence, sl_failure(&world.call));
}

/* ---- tests ---- */

static void an_answer_arrives(void **state) {
    (void)state;
    struct job job = fetch((sl_request){.url = url("/echo")});
    assert_int_equal(job.status, 0);
    assert_int_equal(job.response.status, 200);
    assert_int_equal(job.response.tries, 1);
    assert_string_equal(job.response.content_type, "text/plain");
    assert_string_equal(sl_response_header(&world.call, &job.response, "x-seen"), "Yes");
    assert_null(sl_response_header(&world.call, &job.response, "x-see"));
    assert_int_equal(strlen(job.response.body), job.response.body_size);
    assert_int_equal(strncmp(job.response.body, "GET /echo HTTP/1.1\r\n", 20), 0);
    const char *trace = strstr(job.response.body, "\r\ntraceparent: 00-");
    assert_non_null(trace);
    assert_int_equal(strncmp(trace + 15, sl_traceparent(&world.call), 55), 0);
    char series[100];
    snprintf(series, sizeof series,
             "sluice_fetch_requests_total{host=\"127.0.0.1:%d\",outcome=\"2xx\"}", server.port);
    assert_true(metric_value(world.host.metrics, series) == 1.0);
}

static void methods_bodies_and_headers_are_sent(void **state) {
    (void)state;
    const char *const headers[] = {"Content-Type: application/json",
                                   "X-Empty:", "traceparent: mine", NULL};
    struct job job = fetch(
        (sl_request){.url = url("/echo"), .body = "{\"a\":1}", .body_size = 7, .headers = headers});
    assert_int_equal(strncmp(job.response.body, "POST ", 5), 0);
    assert_non_null(strstr(job.response.body, "\r\n\r\n{\"a\":1}"));
    assert_non_null(strstr(job.response.body, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(job.response.body, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(job.response.body, "\r\ntraceparent: mine\r\n"));
    assert_null(strstr(job.response.body, "\r\nExpect:"));
    job = fetch((sl_request){.url = url("/echo"), .method = "PUT", .body = "x", .body_size = 1});
    assert_int_equal(strncmp(job.response.body, "PUT ", 4), 0);
    assert_null(strstr(job.response.body, "Content-Type"));
    job = fetch((sl_request){.url = url("/echo"), .method = "DELETE"});
    assert_int_equal(strncmp(job.response.body, "DELETE ", 7), 0);
    job = fetch((sl_request){.url = url("/echo"), .method = "POST"});
    assert_non_null(strstr(job.response.body, "\r\nContent-Length: 0\r\n"));
}

static void wrong_requests_are_refused(void **state) {
    (void)state;
    const char *const split[] = {"X: a\r\nY: b", NULL};
    const char *const nameless[] = {"no colon", NULL};
    expect_failure(fetch((sl_request){.url = "file:///etc/passwd"}), SL_INVALID, "only http");
    expect_failure(fetch((sl_request){.url = "gopher://a/"}), SL_INVALID, "");
    expect_failure(fetch((sl_request){.url = "http://"}), SL_INVALID, "malformed");
    expect_failure(fetch((sl_request){.url = NULL}), SL_INVALID, "no URL");
    expect_failure(fetch((sl_request){.url = url("/echo"), .headers = split}), SL_INVALID,
                   "header");
    expect_failure(fetch((sl_request){.url = url("/echo"), .headers = nameless}), SL_INVALID, "");
    expect_failure(fetch((sl_request){.url = url("/echo"), .method = "GET /x"}), SL_INVALID,
                   "method");
}

static void a_refused_connection_says_where(void **state) {
    (void)state;
    int spare = socket(AF_INET, SOCK_STREAM, 0); /* bound, not listening: nobody else gets it */
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(spare, (struct sockaddr *)&address, size), 0);
    getsockname(spare, (struct sockaddr *)&address, &size);
    char target[100], sentence[100];
    snprintf(target, sizeof target, "http://127.0.0.1:%d/", ntohs(address.sin_port));
    snprintf(sentence, sizeof sentence, "cannot connect to 127.0.0.1:%d: Connection refused",
             ntohs(address.sin_port));
    expect_failure(fetch((sl_request){.url = target, .method = "POST", .retries = 1}),
                   SL_UNAVAILABLE, sentence);
    close(spare);
}

static void passing_troubles_are_tried_again(void **state) {
    (void)state;
    atomic_store(&server.flaky_left, 2);
    struct job job = fetch((sl_request){.url = url("/flaky"), .retries = 3});
    assert_int_equal(job.response.status, 200);
    assert_int_equal(job.response.tries, 3);
    atomic_store(&server.flaky_left, 9);
    job = fetch((sl_request){.url = url("/flaky"), .retries = 1});
    assert_int_equal(job.response.status, 503);
    assert_int_equal(job.response.tries, 2);
    job = fetch((sl_request){.url = url("/flaky"), .retries = 3, .method = "POST"});
    assert_int_equal(job.response.tries, 1);
    job = fetch((sl_request){.url = url("/broken"), .retries = 3});
    assert_int_equal(job.response.status, 500);
    assert_int_equal(job.response.tries, 1);
    atomic_store(&server.flaky_left, 0);
}

static void a_wait_beyond_the_deadline_is_not_begun(void **state) {
    (void)state;
    struct job job = fetch((sl_request){.url = url("/later"), .retries = 3});
    assert_int_equal(job.response.status, 429);
    assert_int_equal(job.response.tries, 1);
    assert_string_equal(job.response.body, "later");
}

static void broken_answers_are_unavailable(void **state) {
    (void)state;
    expect_failure(fetch((sl_request){.url = url("/cut")}), SL_UNAVAILABLE, "broke");
    expect_failure(fetch((sl_request){.url = url("/nothing")}), SL_UNAVAILABLE, "broke");
    expect_failure(fetch((sl_request){.url = url("/garbage")}), SL_UNAVAILABLE, "in HTTP");
}

static void too_much_is_cut_off(void **state) {
    (void)state;
    expect_failure(fetch((sl_request){.url = url("/much")}), SL_TOO_LARGE, "larger");
    expect_failure(fetch((sl_request){.url = url("/echo"), .max_bytes = 10}), SL_TOO_LARGE, "");
    expect_failure(fetch((sl_request){.url = url("/fields")}), SL_TOO_LARGE, "");
    struct job job = fetch((sl_request){.url = url("/much"), .max_bytes = 10 << 20});
    assert_int_equal(job.status, 0);
    assert_int_equal(job.response.body_size, 10 << 20);
}

static void time_is_limited(void **state) {
    (void)state;
    expect_failure(fetch((sl_request){.url = url("/hang"), .timeout_ms = 40}), SL_TIMEOUT, "");
    expect_failure(fetch((sl_request){.url = url("/trickle"), .timeout_ms = 40}), SL_TIMEOUT, "");
    world.call.deadline_ns = loop_clock_ns() + 40000000;
    expect_failure(fetch((sl_request){.url = url("/hang"), .retries = 5}), SL_TIMEOUT, "");
    world.call.deadline_ns = INT64_MAX;
}

static void redirects_are_not_followed(void **state) {
    (void)state;
    struct job job = fetch((sl_request){.url = url("/moved")});
    assert_int_equal(job.response.status, 302);
    assert_string_equal(sl_response_header(&world.call, &job.response, "location"), "/echo");
}

static void cancel(struct deferred *deferred) {
    (void)deferred;
    call_cancel(&world.call);
}

static void a_caller_that_leaves_ends_it(void **state) {
    (void)state;
    struct deferred deferred = {.run = cancel};
    loop_defer(&world.loop, &deferred);
    expect_failure(fetch((sl_request){.url = url("/hang"), .retries = 3}), SL_CANCELLED, "left");
}

static void close_fetcher(struct deferred *deferred) {
    (void)deferred;
    fetcher_close(world.host.fetcher);
    world.host.fetcher = NULL;
}

static void closing_ends_what_runs(void **state) {
    (void)state;
    struct deferred deferred = {.run = close_fetcher};
    struct job jobs[3];
    for (int i = 0; i < 3; i++) jobs[i] = (struct job){.request = {.url = url("/hang")}};
    loop_defer(&world.loop, &deferred);
    run_jobs(jobs, 3);
    for (int i = 0; i < 3; i++) assert_int_equal(jobs[i].status, SL_CANCELLED);
    expect_failure(fetch((sl_request){.url = url("/echo")}), SL_CANCELLED, "stops");
}

struct sink {
    size_t size, calls, stop_after;
    bool slow;
};

static int take_bytes(void *arg, const char *bytes, size_t size) {
    struct sink *sink = arg;
    assert_non_null(bytes);
    sink->size += size;
    sink->calls++;
    if (sink->slow) sl_sleep(&world.call, 1); /* suspends: the server is held back meanwhile */
    return sink->stop_after && sink->size >= sink->stop_after;
}

static void a_body_can_be_taken_in_pieces(void **state) {
    (void)state;
    struct sink sink = {0};
    struct job job = fetch((sl_request){.url = url("/much"),
                                        .max_bytes = 100, /* of what is collected: nothing */
                                        .on_bytes = take_bytes,
                                        .on_bytes_arg = &sink});
    assert_int_equal(job.status, 0);
    assert_int_equal(sink.size, 10 << 20);
    assert_int_equal(job.response.body_size, 0);
    assert_true(sink.calls > 10);
    sink = (struct sink){.slow = true};
    job = fetch((sl_request){.url = url("/much"), .on_bytes = take_bytes, .on_bytes_arg = &sink});
    assert_int_equal(job.status, 0);
    assert_int_equal(sink.size, 10 << 20);
    sink = (struct sink){.stop_after = 1};
    expect_failure(
        fetch((sl_request){.url = url("/trickle"), .on_bytes = take_bytes, .on_bytes_arg = &sink}),
        SL_CANCELLED, "stopped");
    assert_true(sink.size < 1000);
    sink = (struct sink){0};
    expect_failure(
        fetch((sl_request){
            .url = url("/cut"), .retries = 5, .on_bytes = take_bytes, .on_bytes_arg = &sink}),
        SL_UNAVAILABLE, "broke");
    assert_int_equal(sink.size, 5); /* what has been told is not told again */
    sink = (struct sink){0};
    job = fetch((sl_request){.url = url("/broken"), .on_bytes = take_bytes, .on_bytes_arg = &sink});
    assert_string_equal(job.response.body, "sorry"); /* only a 2xx goes to on_bytes */
    assert_int_equal(sink.calls, 0);
}

static void a_breaker_leaves_a_failing_server_alone(void **state) {
    (void)state;
    for (int i = 0; i < BREAKER_FAILURES; i++)
        if (fetch((sl_request){.url = url("/broken"), .breaker = "b"}).status)
            fail_msg("%s", sl_failure(&world.call));
    int before = atomic_load(&server.requests);
    expect_failure(fetch((sl_request){.url = url("/echo"), .breaker = "b"}), SL_UNAVAILABLE,
                   "b has failed 5 times");
    assert_int_equal(atomic_load(&server.requests), before);
    assert_int_equal(fetch((sl_request){.url = url("/echo"), .breaker = "other"}).status, 0);
    assert_int_equal(fetch((sl_request){.url = url("/echo")}).status, 0);
    assert_true(metric_value(world.host.metrics, "sluice_fetch_breaker_open{breaker=\"b\"}") ==
                1.0);
}

static void many_at_once(void **state) {
    (void)state;
    struct job jobs[60];
    for (int i = 0; i < 60; i++)
        jobs[i] = (struct job){.request = {.url = url(i % 3 ? "/echo" : "/cut"), .retries = 2}};
    run_jobs(jobs, 60);
    for (int i = 0; i < 60; i++) assert_int_equal(jobs[i].status, i % 3 ? 0 : SL_UNAVAILABLE);
}

static void a_unix_socket_takes_the_place_of_the_host(void **state) {
    (void)state;
    struct job job = fetch((sl_request){.url = "http://sluice/echo", .unix_socket = server.path});
    assert_int_equal(job.status, 0);
    assert_non_null(strstr(job.response.body, "\r\nHost: sluice\r\n"));
}

static void the_command_line_may_block(void **state) {
    (void)state;
    char trouble[256];
    const struct fetch_module *module = fetch_module_load(SLUICE_BUILD_DIR, trouble);
    struct fetch_answer answer;
    assert_int_equal(module->blocking(&(sl_request){.url = url("/echo")}, &answer), 0);
    assert_int_equal(answer.status, 200);
    assert_int_equal(strncmp(answer.body, "GET /echo", 9), 0);
    fetch_answer_free(&answer);
    struct sink sink = {.stop_after = 3};
    sl_request follow = {
        .url = url("/trickle"), .timeout_ms = -1, .on_bytes = take_bytes, .on_bytes_arg = &sink};
    assert_int_equal(module->blocking(&follow, &answer), SL_CANCELLED);
    assert_true(sink.size >= 3);
    fetch_answer_free(&answer);
    assert_int_equal(module->blocking(&(sl_request){.url = url("/cut")}, &answer), SL_UNAVAILABLE);
    assert_non_null(strstr(answer.trouble, "broke"));
    fetch_answer_free(&answer);
    assert_int_equal(module->blocking(&(sl_request){.url = "file:///x"}, &answer), SL_INVALID);
    fetch_answer_free(&answer);
}

static void a_missing_module_is_named(void **state) {
    (void)state;
    char trouble[256] = "";
    assert_null(fetch_module_load("/nonexistent", trouble));
    assert_non_null(strstr(trouble, "/nonexistent/sluice-fetch.so"));
}

int main(void) {
    struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_arrives),
        cmocka_unit_test(methods_bodies_and_headers_are_sent),
        cmocka_unit_test(wrong_requests_are_refused),
        cmocka_unit_test(a_refused_connection_says_where),
        cmocka_unit_test(passing_troubles_are_tried_again),
        cmocka_unit_test(a_wait_beyond_the_deadline_is_not_begun),
        cmocka_unit_test(broken_answers_are_unavailable),
        cmocka_unit_test(too_much_is_cut_off),
        cmocka_unit_test(time_is_limited),
        cmocka_unit_test(redirects_are_not_followed),
        cmocka_unit_test(a_caller_that_leaves_ends_it),
        cmocka_unit_test(closing_ends_what_runs),
        cmocka_unit_test(a_body_can_be_taken_in_pieces),
        cmocka_unit_test(a_breaker_leaves_a_failing_server_alone),
        cmocka_unit_test(many_at_once),
        cmocka_unit_test(a_unix_socket_takes_the_place_of_the_host),
        cmocka_unit_test(the_command_line_may_block),
        cmocka_unit_test(a_missing_module_is_named),
    };
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        tests[i].setup_func = setup;
        tests[i].teardown_func = teardown;
    }
    return cmocka_run_group_tests(tests, server_start, server_stop);
}
