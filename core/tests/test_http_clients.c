/* test_http_clients.c - clients that leave, dawdle or crowd, and the end of the server. */
#include "http_fixture.h"

static bool one_gone(void) {
    return world.gone == 1;
}

static void the_owner_hears_that_the_client_left(void **state) {
    (void)state;
    int client = client_open();
    client_send(client, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    assert_non_null(world.held);
    struct linger at_once = {.l_onoff = 1};
    setsockopt(client, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    close(client);
    assert_true(wait_for(one_gone));
    assert_int_equal(http_server_connections(world.server), 1); /* held by its exchange */
    assert_string_equal(http_exchange_request(world.held)->path.data, "/never");
    answer(world.held, 200, "too late", 8);
    world.held = NULL;
    assert_true(wait_for(none_left));
    assert_int_equal(world.slots_dropped, 1);
}

static void a_half_closed_client_still_gets_its_answer(void **state) {
    (void)state;
    int client = client_open();
    client_send(client, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    shutdown(client, SHUT_WR);
    assert_true(wait_for(one_gone));
    answer(world.held, 200, "anyway", 6);
    world.held = NULL;
    assert_true(client_read(client, 0, false));
    expect_start(body_of(reply), "anyway");
    close(client);
    assert_true(wait_for(none_left));
}

static void a_client_may_leave_at_any_byte(void **state) {
    (void)state;
    const char *text =
        HEAD("POST", "/echo") "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    for (size_t size = 0; size < strlen(text); size++) {
        int client = client_open();
        client_send(client, text, size, 1 << 20);
        close(client);
    }
    assert_true(wait_for(none_left));
    assert_int_equal(world.requests, 0);
    assert_int_equal(world.gone, 0);
}

static struct http_limits hasty(void) {
    struct http_limits limits;
    http_limits_default(&limits);
    limits.head_timeout_ms = limits.body_timeout_ms = 40;
    limits.idle_timeout_ms = limits.write_timeout_ms = 40;
    return limits;
}

static void slow_clients_are_told_and_dropped(void **state) {
    (void)state;
    struct http_limits limits = hasty();
    restart(&limits);
    expect_start(talk("GET /slow HTTP/1.1\r\nHo", 0), "HTTP/1.1 408 ");
    expect_start(talk(HEAD("POST", "/a") "Content-Length: 4\r\n\r\nbo", 0), "HTTP/1.1 408 ");
    assert_string_equal(talk("", 0), ""); /* idle: just closed */
    assert_int_equal(world.refused, 2);
}

/* Each byte comes in time, but all of them would take for ever. */
static void a_body_must_come_at_a_least_rate(void **state) {
    (void)state;
    struct http_limits limits;
    http_limits_default(&limits);
    limits.idle_timeout_ms = 100; /* a quicker sweep */
    limits.body_rate_grace_ms = 20;
    limits.body_min_rate = 1000000;
    restart(&limits);
    int client = client_open();
    const char *head = HEAD("POST", "/a") "Content-Length: 1000000\r\n\r\n";
    client_send(client, head, strlen(head), 999);
    for (int i = 0; i < HOPE_MS && !world.refused; i++) {
        client_send(client, "x", 1, 1);
        usleep(1000);
    }
    assert_int_equal(world.last_refused, 408);
    assert_true(client_read(client, 0, false));
    expect_start(reply, "HTTP/1.1 408 ");
    close(client);
}

static void a_client_that_reads_nothing_is_dropped(void **state) {
    (void)state;
    struct http_limits limits = hasty();
    limits.idle_timeout_ms = 100000;
    restart(&limits);
    int client = client_open();
    const char *text = HEAD("GET", "/big") "\r\n";
    for (int i = 0; i < 64; i++) client_send(client, text, strlen(text), 999);
    assert_true(wait_for(none_left));
    close(client);
}

static void a_slow_client_hurts_only_itself(void **state) {
    (void)state;
    int slow[50];
    for (int i = 0; i < 50; i++) {
        slow[i] = client_open();
        client_send(slow[i], "POST / HTTP/1.1\r\nHost: a\r\nX-", 28, 7);
    }
    expect_start(talk(HEAD("GET", "/x") "\r\n", 1), "HTTP/1.1 200");
    assert_int_equal(http_server_connections(world.server), 50);
    for (int i = 0; i < 50; i++) close(slow[i]);
    assert_true(wait_for(none_left));
}

static bool all_thousand(void) {
    return world.requests == 1001;
}

static void many_requests_at_once_let_others_through(void **state) {
    (void)state;
    static char crowd[100000];
    static const char one[] = HEAD("GET", "/a") "\r\n";
    for (size_t i = 0; i < 1000; i++) memcpy(crowd + i * (sizeof one - 1), one, sizeof one);
    int greedy = client_open(), modest = client_open();
    turn();
    assert_int_equal(send(greedy, crowd, 1000 * (sizeof one - 1), 0), 1000 * (sizeof one - 1));
    assert_int_equal(send(modest, one, sizeof one - 1, 0), sizeof one - 1);
    assert_true(client_read(modest, 1, false));
    assert_true(world.requests < 1000);
    assert_true(wait_for(all_thousand));
    assert_true(client_read(greedy, 1000, false));
    close(greedy);
    close(modest);
}

static void too_many_connections_are_shed(void **state) {
    (void)state;
    struct http_limits limits;
    http_limits_default(&limits);
    limits.max_connections = 2;
    restart(&limits);
    int first = client_open(), second = client_open();
    turn();
    const char *text = talk(HEAD("GET", "/x") "\r\n", 0);
    expect_start(text, "HTTP/1.1 503 ");
    assert_non_null(strstr(text, "Retry-After: "));
    client_send(first, HEAD("GET", "/x") "\r\n", strlen(HEAD("GET", "/x") "\r\n"), 999);
    assert_true(client_read(first, 1, false));
    expect_start(reply, "HTTP/1.1 200 ");
    close(first);
    close(second);
    assert_true(wait_for(none_left));
    expect_start(talk(HEAD("GET", "/x") "\r\n", 1), "HTTP/1.1 200 ");
}

static void a_unix_socket_serves_too(void **state) {
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/test_http.%d.sock", (int)getpid());
    int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listening, 4), 0);
    struct http_limits limits;
    http_limits_default(&limits);
    struct http_server *server =
        http_server_open(&world.loop, &listening, 1, &limits,
                         &(struct http_callbacks){.on_head = on_head, .on_request = on_request});
    int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&address, sizeof address), 0);
    unlink(address.sun_path);
    fcntl(client, F_SETFL, O_NONBLOCK);
    client_send(client, HEAD("GET", "/peer") "\r\n", strlen(HEAD("GET", "/peer") "\r\n"), 999);
    assert_true(client_read(client, 1, false));
    assert_string_equal(body_of(reply), "local");
    close(client);
    http_server_close(server);
}

static void note_drained(void *arg) {
    (void)arg;
    world.server_drained = true;
}

static bool drained(void) {
    return world.server_drained;
}

static void draining_finishes_what_has_begun(void **state) {
    (void)state;
    int idle = client_open(), busy = client_open(), late = client_open();
    client_send(busy, HEAD("GET", "/never") "\r\n", strlen(HEAD("GET", "/never") "\r\n"), 999);
    http_server_drain(world.server, note_drained, NULL);
    /* on its way already when the drain began */
    client_send(late, HEAD("GET", "/x") "\r\n", strlen(HEAD("GET", "/x") "\r\n"), 999);
    assert_true(client_read(late, 0, false));
    expect_start(reply, "HTTP/1.1 200 ");
    assert_non_null(strstr(reply, "\r\nConnection: close\r\n"));
    assert_true(client_read(idle, 0, false));
    assert_false(world.server_drained);
    answer(world.held, 200, "done", 4);
    world.held = NULL;
    assert_true(client_read(busy, 0, false));
    expect_start(body_of(reply), "done");
    close(idle);
    close(busy);
    close(late);
    assert_true(wait_for(drained));
    assert_int_not_equal(connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&world.address,
                                 sizeof world.address),
                         0);
}

static void an_idle_server_drains_at_once(void **state) {
    (void)state;
    http_server_drain(world.server, note_drained, NULL);
    assert_true(wait_for(drained));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        with_server(the_owner_hears_that_the_client_left),
        with_server(a_half_closed_client_still_gets_its_answer),
        with_server(a_client_may_leave_at_any_byte),
        with_server(slow_clients_are_told_and_dropped),
        with_server(a_body_must_come_at_a_least_rate),
        with_server(a_client_that_reads_nothing_is_dropped),
        with_server(a_slow_client_hurts_only_itself),
        with_server(many_requests_at_once_let_others_through),
        with_server(too_many_connections_are_shed),
        with_server(a_unix_socket_serves_too),
        with_server(draining_finishes_what_has_begun),
        with_server(an_idle_server_drains_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
