#include "fetcher.h"

#include "fetch_api.h"
#include "fetch_policy.h"
#include "host.h"
#include "ids.h"
#include "metrics.h"
#include "test_hooks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USUAL_TIMEOUT_MS = 10 * 1000, RETRIES_MAX = 5 };

struct named_breaker {
    struct named_breaker *next;
    struct breaker breaker;
    char name[];
};

struct fetcher {
    struct host *host;
    const struct fetch_module *module;
    struct fetch_engine *engine;
    struct named_breaker *breakers;
    struct fetching *running;
    bool closed;
};

/* One sl_fetch; lives in its fiber. */
struct fetching {
    struct fetching *next;
    struct fetcher *fetcher;
    struct sl_call *call;
    const sl_request *request;
    struct breaker *breaker;
    int64_t until_ns;
    int tries;
    /* of the try that runs */
    struct fetch_transfer *transfer;
    struct fetch_answer answer;
    struct wait *wait; /* set while the fiber is parked */
    int status;
    bool done, held; /* held: libcurl waits until the piece is consumed */
    bool told;       /* on_bytes has had a piece: not to be repeated */
    char *piece;
    size_t piece_size;
};

const sl_metric fetch_metrics[] = {
    {.name = "fetch_requests_total",
     .help = "HTTP requests to others, by host and outcome (2xx..5xx, or the failure)",
     .labels = "host,outcome",
     .type = SL_COUNTER},
    {.name = "fetch_retries_total",
     .help = "Further tries of HTTP requests to others",
     .labels = "host",
     .type = SL_COUNTER},
    {.name = "fetch_duration_seconds",
     .help = "Time of HTTP requests to others, tries included",
     .labels = "host",
     .type = SL_HISTOGRAM},
    {.name = "fetch_breaker_open",
     .help = "1 while a circuit breaker refuses requests",
     .labels = "breaker",
     .type = SL_GAUGE},
    SL_END};

struct fetcher *fetcher_open(struct host *host) {
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    if (fetcher) fetcher->host = host;
    return fetcher;
}

void fetcher_use(struct fetcher *fetcher, const struct fetch_module *module) {
    fetcher->module = module;
}

static void fetcher_free_when_done(struct fetcher *fetcher) {
    if (!fetcher->closed || fetcher->running) return;
    while (fetcher->breakers) {
        struct named_breaker *next = fetcher->breakers->next;
        free(fetcher->breakers);
        fetcher->breakers = next;
    }
    free(fetcher);
}

static void wake(struct fetching *fetching) {
    if (fetching->wait) wait_done(fetching->wait, 0);
}

void fetcher_close(struct fetcher *fetcher) {
    fetcher->closed = true;
    if (fetcher->engine) fetcher->module->close(fetcher->engine, NULL, NULL);
    for (struct fetching *at = fetcher->running; at; at = at->next) {
        at->transfer = NULL;
        if (!at->done) at->status = SL_CANCELLED;
        at->done = true;
        wake(at);
    }
    fetcher_free_when_done(fetcher);
}

/* ---- one try ---- */

static bool on_piece(void *owner, const char *bytes, size_t size) {
    struct fetching *fetching = owner;
    if (fetching->piece) {
        fetching->held = true;
        return false;
    }
    fetching->piece = malloc(size ? size : 1);
    if (!fetching->piece) return false;
    memcpy(fetching->piece, bytes, size);
    fetching->piece_size = size;
    wake(fetching);
    return true;
}

static void on_done(void *owner, int status, struct fetch_answer *answer) {
    struct fetching *fetching = owner;
    fetching->transfer = NULL;
    fetching->answer = *answer;
    fetching->status = status;
    fetching->done = true;
    wake(fetching);
}

static void stop_try(struct fetching *fetching, int status) {
    if (fetching->transfer) fetching->fetcher->module->cancel(fetching->transfer);
    fetching->transfer = NULL;
    fetching->done = true;
    fetching->status = status;
}

/* In the fiber, which on_bytes may suspend. */
static void consume_piece(struct fetching *fetching) {
    const sl_request *request = fetching->request;
    char *piece = fetching->piece;
    fetching->told = true;
    int stop = request->on_bytes(request->on_bytes_arg, piece, fetching->piece_size);
    free(piece);
    fetching->piece = NULL;
    if (stop) {
        stop_try(fetching, SL_CANCELLED);
        snprintf(fetching->answer.trouble, sizeof fetching->answer.trouble,
                 "the transfer was stopped");
    } else if (fetching->held && fetching->transfer) {
        fetching->held = false;
        fetching->fetcher->module->resume(fetching->transfer);
    }
}

/* Parks until `wait` is done, the call is cancelled, or the time of this request is up. */
static int park(struct fetching *fetching, struct wait *wait, int64_t until_ns) {
    struct sl_call *call = fetching->call;
    int64_t deadline_ns = call->deadline_ns;
    if (until_ns < deadline_ns) call->deadline_ns = until_ns;
    int status = call_park(call, wait);
    call->deadline_ns = deadline_ns;
    return status;
}

static void await(struct fetching *fetching) {
    while (!fetching->done || fetching->piece) {
        if (fetching->piece) {
            consume_piece(fetching);
            continue;
        }
        struct wait wait;
        wait_init(&wait, fetching->fetcher->host->loop);
        fetching->wait = &wait;
        int status = park(fetching, &wait, fetching->until_ns);
        fetching->wait = NULL;
        if (fetching->done || fetching->piece || !status) continue;
        stop_try(fetching, status);
        snprintf(fetching->answer.trouble, sizeof fetching->answer.trouble, "%s",
                 status == SL_CANCELLED ? "the caller left" : "the time for the request is up");
    }
}

static void try_once(struct fetching *fetching) {
    struct fetcher *fetcher = fetching->fetcher;
    sl_request request = *fetching->request;
    request.timeout_ms = (fetching->until_ns - loop_clock_ns()) / 1000000 + 1;
    struct fetch_events events = {.owner = fetching,
                                  .on_piece = on_piece,
                                  .on_done = on_done,
                                  .streams = request.on_bytes != NULL};
    free(fetching->piece);
    fetching->piece = NULL;
    fetch_answer_free(&fetching->answer);
    fetching->done = fetching->held = false;
    fetching->tries++;
    fetching->transfer =
        fetcher->module->start(fetcher->engine, &request, &events, fetching->answer.trouble);
    if (!fetching->transfer) {
        fetching->done = true;
        fetching->status = SL_INVALID;
        return;
    }
    await(fetching);
}

/* ---- tries ---- */

static const char *answer_header(const char *headers, const char *name, size_t *size) {
    size_t length = strlen(name);
    for (const char *line = headers; line && *line;) {
        const char *end = strchrnul(line, '\n');
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            const char *value = line + length + 1;
            while (*value == ' ') value++;
            *size = (size_t)(end - value);
            return value;
        }
        line = *end ? end + 1 : end;
    }
    return NULL;
}

static bool worth_another(const struct fetching *fetching) {
    const sl_request *request = fetching->request;
    uint32_t retries = request->retries < RETRIES_MAX ? request->retries : RETRIES_MAX;
    if ((uint32_t)fetching->tries > retries || fetching->told || fetching->fetcher->closed)
        return false;
    const char *method = request->method ? request->method : request->body ? "POST" : NULL;
    if (fetching->status == SL_UNAVAILABLE)
        return fetch_may_repeat(method) || fetching->answer.unsent;
    return fetching->status == 0 && fetch_may_repeat(method) &&
           fetch_status_retries(fetching->answer.status);
}

static int64_t wait_before_next_ms(const struct fetching *fetching) {
    size_t size = 0;
    const char *asked = answer_header(fetching->answer.headers, "retry-after", &size);
    if (asked && fetching->status == 0 && size < 64) {
        char value[64];
        memcpy(value, asked, size);
        value[size] = 0;
        int64_t now_s = loop_now_ms(fetching->fetcher->host->loop) / 1000;
        int64_t after_ms = fetch_retry_after_ms(value, now_s);
        if (after_ms >= 0) return after_ms;
    }
    uint64_t random;
    random_bytes(&random, sizeof random);
    return fetch_backoff_ms(fetching->tries, random);
}

/* False: there is no time left for another try, or the caller left. */
static bool pause_before_next(struct fetching *fetching) {
    int64_t until_ns = loop_clock_ns() + wait_before_next_ms(fetching) * 1000000;
    if (until_ns >= fetching->until_ns) return false;
    struct wait wait;
    wait_init(&wait, fetching->fetcher->host->loop);
    fetching->wait = &wait; /* a fetcher that closes wakes it */
    int status = park(fetching, &wait, until_ns);
    fetching->wait = NULL;
    if (status == SL_CANCELLED) fetching->status = SL_CANCELLED;
    return status == SL_TIMEOUT && !fetching->fetcher->closed;
}

/* ---- breakers and metrics ---- */

static struct breaker *breaker_of(struct fetcher *fetcher, const char *name) {
    for (struct named_breaker *at = fetcher->breakers; at; at = at->next)
        if (strcmp(at->name, name) == 0) return &at->breaker;
    size_t size = strlen(name) + 1;
    struct named_breaker *made = calloc(1, sizeof *made + size);
    if (!made) return NULL;
    memcpy(made->name, name, size);
    made->next = fetcher->breakers;
    fetcher->breakers = made;
    return &made->breaker;
}

static int64_t now_ms(void) {
    return loop_clock_ns() / 1000000;
}

static void report_breaker(struct fetching *fetching) {
    if (!fetching->breaker) return;
    int status = fetching->status;
    bool bad = status == SL_UNAVAILABLE || status == SL_TIMEOUT ||
               (status == 0 && fetching->answer.status >= 500);
    enum breaker_result result = status ? BREAKER_UNKNOWN : BREAKER_GOOD;
    if (bad) result = BREAKER_BAD;
    breaker_report(fetching->breaker, result, now_ms());
    struct metric *metric = metrics_find(fetching->fetcher->host->metrics, "fetch_breaker_open");
    if (metric)
        metric_set(metric_series(metric, fetching->request->breaker),
                   breaker_is_open(fetching->breaker));
}

/* "host:port" of the URL, for labels. */
static void host_label(const char *url, char *to, size_t capacity) {
    const char *begin = strstr(url, "://");
    begin = begin ? begin + 3 : url;
    size_t size = strcspn(begin, "/?#");
    for (size_t i = 0; i < size; i++)
        if (begin[i] == '@') begin += i + 1, size -= i + 1, i = 0;
    if (size >= capacity) size = capacity - 1;
    memcpy(to, begin, size);
    to[size] = 0;
    for (char *at = to; *at; at++)
        if (*at == '|') *at = '_';
}

static void count(struct fetching *fetching, int64_t began_ns) {
    struct metrics *metrics = fetching->fetcher->host->metrics;
    char host[100], labels[140];
    host_label(fetching->request->url, host, sizeof host);
    if (fetching->status)
        snprintf(labels, sizeof labels, "%s|%s", host, sl_status_name(fetching->status));
    else
        snprintf(labels, sizeof labels, "%s|%dxx", host, fetching->answer.status / 100 % 10);
    struct metric *requests = metrics_find(metrics, "fetch_requests_total");
    struct metric *retries = metrics_find(metrics, "fetch_retries_total");
    struct metric *seconds = metrics_find(metrics, "fetch_duration_seconds");
    if (requests) metric_add(metric_series(requests, labels), 1);
    if (retries && fetching->tries > 1)
        metric_add(metric_series(retries, host), fetching->tries - 1);
    if (seconds)
        metric_observe(metric_series(seconds, host), (double)(loop_clock_ns() - began_ns) / 1e9);
}

/* ---- the public calls ---- */

static bool has_header(const char *const *headers, const char *name) {
    size_t size = strlen(name);
    for (; headers && *headers; headers++)
        if (strncasecmp(*headers, name, size) == 0 && (*headers)[size] == ':') return true;
    return false;
}

/* The caller's headers and traceparent, so that the next server's spans join this trace. */
static const char *const *with_trace(struct sl_call *call, const char *const *headers) {
    if (has_header(headers, "traceparent")) return headers;
    size_t count = 0;
    while (headers && headers[count]) count++;
    const char **all = sl_alloc(call, (count + 3) * sizeof *all);
    if (count) memcpy(all, headers, count * sizeof *all);
    all[count++] = sl_printf(call, "traceparent: %s", sl_traceparent(call));
    if (call->trace.state && !strpbrk(call->trace.state, "\r\n"))
        all[count++] = sl_printf(call, "tracestate: %s", call->trace.state);
    return all;
}

static int ready(struct fetcher *fetcher, struct sl_call *call) {
    char trouble[256] = "";
    if (!fetcher || fetcher->closed) return sl_fail(call, SL_CANCELLED, "the server stops");
    if (!fetcher->module) fetcher->module = fetch_module_load(NULL, trouble);
    if (!fetcher->module) return sl_fail(call, SL_UNAVAILABLE, "%s", trouble);
    if (!fetcher->engine) fetcher->engine = fetcher->module->open(&fetcher->host->loop->uv);
    return fetcher->engine ? 0 : sl_fail(call, SL_UNAVAILABLE, "the HTTP client does not start");
}

static int finish(struct fetching *fetching, sl_response *response) {
    struct sl_call *call = fetching->call;
    struct fetch_answer *answer = &fetching->answer;
    if (fetching->status) {
        int status = fetching->status;
        return sl_fail(call, status, "%s", *answer->trouble ? answer->trouble : "the server stops");
    }
    const char *body = answer->body ? answer->body : "";
    size_t size = answer->body ? answer->body_size : 0;
    char *copy = arena_alloc(call->arena, size + 1);
    memcpy(copy, body, size);
    copy[size] = 0;
    *response = (sl_response){.status = answer->status,
                              .tries = fetching->tries,
                              .body = copy,
                              .body_size = size,
                              .content_type = sl_strdup(call, answer->content_type),
                              .headers = sl_strdup(call, answer->headers)};
    return 0;
}

static void run(struct fetching *fetching) {
    struct fetcher *fetcher = fetching->fetcher;
    int64_t began_ns = loop_clock_ns();
    fetching->next = fetcher->running;
    fetcher->running = fetching;
    try_once(fetching);
    while (worth_another(fetching) && pause_before_next(fetching)) try_once(fetching);
    struct fetching **at = &fetcher->running;
    while (*at != fetching) at = &(*at)->next;
    *at = fetching->next;
    if (!fetcher->closed) {
        report_breaker(fetching);
        count(fetching, began_ns);
    }
    fetcher_free_when_done(fetcher);
}

int sl_fetch(sl_call *call, const sl_request *request, sl_response *response) {
    struct fetcher *fetcher = call->host->fetcher;
    *response = (sl_response){.body = "", .content_type = "", .headers = ""};
    if (!request->url) return sl_fail(call, SL_INVALID, "the request has no URL");
    if (call->host->test) return fetch_scripted(call, request, response);
    int status = ready(fetcher, call);
    if (status) return status;
    sl_request full = *request;
    full.headers = with_trace(call, request->headers);
    struct fetching fetching = {.fetcher = fetcher, .call = call, .request = &full};
    if (request->breaker) fetching.breaker = breaker_of(fetcher, request->breaker);
    if (fetching.breaker && !breaker_allows(fetching.breaker, now_ms()))
        return sl_fail(call, SL_UNAVAILABLE,
                       "%s has failed %d times in a row and is left alone for up to %d seconds",
                       request->breaker, BREAKER_FAILURES, BREAKER_OPEN_MS / 1000);
    int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : USUAL_TIMEOUT_MS;
    fetching.until_ns = loop_clock_ns() + timeout_ms * 1000000;
    if (call->deadline_ns < fetching.until_ns) fetching.until_ns = call->deadline_ns;
    run(&fetching);
    status = finish(&fetching, response);
    free(fetching.piece);
    fetch_answer_free(&fetching.answer);
    return status;
}

const char *sl_response_header(sl_call *call, const sl_response *response, const char *name) {
    size_t size;
    const char *value = answer_header(response->headers, name, &size);
    return value ? sl_strndup(call, value, size) : NULL;
}
