#include "dispatch.h"
#include "auth.h"
#include "health.h"
#include "host.h"
#include "idempotency.h"
#include "ids.h"
#include "json.h"
#include "logging.h"
#include "metrics.h"
#include "op.h"
#include "reply.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_DEFAULT = 1 << 20, TIMEOUT_MS = 30000, IDLE_MAX = 256 };

/* One request on its way through the platform. */
struct running {
    struct sl_call call; /* first: the exchange's slot points here */
    struct arena arena;
    struct dispatch *dispatch;
    struct op *op;
    struct route_match match;
    struct running *next, *before; /* among those in progress, or idle */
};

struct dispatch {
    struct host *host;
    struct running *active, *idle;
    unsigned idle_count;
};

/* The last token seen on a connection, so that it is hashed once. */
struct known_token {
    struct identity who;
    size_t size;
    char text[];
};

struct dispatch *dispatch_open(struct host *host) {
    struct dispatch *dispatch = calloc(1, sizeof *dispatch);
    dispatch->host = host;
    return dispatch;
}

void dispatch_close(struct dispatch *dispatch) {
    while (dispatch && dispatch->idle) {
        struct running *running = dispatch->idle;
        dispatch->idle = running->next;
        arena_fini(&running->arena);
        free(running);
    }
    free(dispatch);
}

static struct running *running_new(struct dispatch *dispatch, struct http_exchange *exchange) {
    struct running *running = dispatch->idle;
    if (running) {
        dispatch->idle = running->next;
        dispatch->idle_count--;
    } else {
        running = malloc(sizeof *running);
        if (!running) abort();
        arena_init(&running->arena);
        running->dispatch = dispatch;
    }
    running->op = NULL;
    running->match.param_count = 0;
    call_init(&running->call, dispatch->host, NULL, &running->arena);
    running->call.who =
        (struct identity){.tenant = "default", .actor = "anonymous", .permissions = ""};
    running->call.http = exchange;
    running->before = NULL;
    running->next = dispatch->active;
    if (running->next) running->next->before = running;
    dispatch->active = running;
    *http_exchange_slot(exchange) = running;
    return running;
}

static void running_free(struct running *running) {
    struct dispatch *dispatch = running->dispatch;
    if (running->next) running->next->before = running->before;
    if (running->before)
        running->before->next = running->next;
    else
        dispatch->active = running->next;
    if (dispatch->idle_count >= IDLE_MAX) {
        arena_fini(&running->arena);
        free(running);
        return;
    }
    arena_reset(&running->arena);
    running->next = dispatch->idle;
    dispatch->idle = running;
    dispatch->idle_count++;
}

void dispatch_drain(struct dispatch *dispatch) {
    for (struct running *running = dispatch->active, *next; running; running = next) {
        next = running->next;
        if (running->call.reply.streaming || running->call.deadline_ns == INT64_MAX)
            call_cancel(&running->call);
    }
}

/* ---- answers ---- */

static struct http_span span(const char *text) {
    return (struct http_span){text, strlen(text)};
}

static void answer(struct running *running, int status, const char *type, struct http_span body) {
    struct http_span headers = reply_headers(&running->call, status, type);
    *http_exchange_slot(running->call.http) = NULL;
    http_reply(running->call.http, status, headers, body);
    running_free(running);
}

static void answer_written(struct running *running, int status) {
    struct sl_call *call = &running->call;
    const struct reply *reply = &call->reply;
    struct http_span headers = reply_headers(call, status, reply->content_type);
    *http_exchange_slot(call->http) = NULL;
    http_reply_written(call->http, status, headers,
                       (struct http_writer){reply->size, reply->write, reply->write_arg});
    running_free(running);
}

static void answer_problem(struct running *running) {
    struct sl_call *call = &running->call;
    size_t size;
    char *text = json_print(call->arena, op_problem(call), &size);
    int status = http_status_of(call->failure.status);
    if (call->failure.status == SL_UNAUTHENTICATED)
        sl_reply_header(call, "WWW-Authenticate", "Bearer realm=\"sluice\"");
    call->reply.etag = NULL;
    if (status >= 500 && status != 503 && status != 504)
        sl_log(call, SL_ERROR, "%s", sl_failure(call));
    answer(running, status, "application/problem+json", (struct http_span){text, size});
}

/* 404 and 405 come from the router, not from an operation. */
static void answer_no_route(struct running *running, const struct http_request *request) {
    struct sl_call *call = &running->call;
    const char *path = arena_strndup(call->arena, request->path.data, request->path.size);
    if (!running->match.allow) {
        const char *near = router_nearest(registry_router(call->host->registry), request->path.data,
                                          request->path.size, call->arena);
        sl_fail(call, SL_NOT_FOUND, "there is nothing at %s; %s%s%s/docs lists what is there", path,
                near ? "did you mean " : "", near ? near : "", near ? "? " : "");
        answer_problem(running);
        return;
    }
    sl_reply_header(call, "Allow", running->match.allow);
    if (request->method == HTTP_M_OPTIONS) {
        answer(running, 204, NULL, (struct http_span){"", 0});
        return;
    }
    const char *text = arena_printf(
        call->arena,
        "{\"type\":\"/problems/method_not_allowed\",\"title\":\"Method not allowed\",\"status\":405,"
        "\"code\":\"method_not_allowed\",\"detail\":\"%.*s is not served here; allowed: %s\","
        "\"instance\":\"%s\"}",
        (int)request->method_name.size, request->method_name.data, running->match.allow,
        call->request_id);
    answer(running, 405, "application/problem+json", span(text));
}

static void answer_success(struct running *running, cJSON *out) {
    struct sl_call *call = &running->call;
    struct reply *reply = &call->reply;
    struct http_span body = {reply->bytes, reply->size};
    const char *type = reply->content_type;
    if (!type) {
        size_t size;
        body.data = json_print(call->arena, out, &size);
        body.size = size;
        type = "application/json";
    }
    int status = reply->http_status ? reply->http_status : 200;
    if (reply_not_modified(call)) {
        status = 304;
        body = (struct http_span){"", 0};
    } else if (type == reply->content_type && reply->write) {
        answer_written(running, status);
        return;
    }
    answer(running, status, type, body);
}

/* ---- who asks ---- */

static void drop_known_token(void *known) {
    free(known);
}

static void remember(struct http_exchange *exchange, const struct identity *who, const char *token,
                     size_t size) {
    void **slot = http_connection_slot(exchange, drop_known_token);
    struct known_token *known = malloc(sizeof *known + size);
    if (!known) return;
    free(*slot);
    known->who = *who;
    known->size = size;
    memcpy(known->text, token, size);
    *slot = known;
}

static void identify(struct running *running) {
    struct http_exchange *exchange = running->call.http;
    struct auth *auth = running->dispatch->host->auth;
    size_t size;
    const char *header = http_exchange_header(exchange, "authorization", &size);
    if (!header || size < 8 || strncasecmp(header, "Bearer ", 7) != 0) return;
    const char *token = header + 7;
    size -= 7;
    struct known_token *known = *http_connection_slot(exchange, drop_known_token);
    if (known && known->size == size && memcmp(known->text, token, size) == 0 &&
        known->who.generation == auth_generation(auth)) {
        running->call.who = known->who;
        return;
    }
    const struct identity *who = auth_identify(auth, token, size);
    if (!who) return;
    running->call.who = *who;
    /* One that expires is looked up each time. */
    if (!who->expires_ms) remember(exchange, who, token, size);
}

/* ---- the head ---- */

static bool id_is_good(const char *id, size_t size) {
    if (size < 1 || size > 128) return false;
    for (size_t i = 0; i < size; i++) {
        char c = id[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static void take_request_id(struct running *running) {
    struct host *host = running->dispatch->host;
    size_t size;
    const char *given = http_exchange_header(running->call.http, "x-request-id", &size);
    if (given && id_is_good(given, size)) {
        memcpy(running->call.request_id, given, size);
        running->call.request_id[size] = 0;
        return;
    }
    static const char digits[] = "0123456789abcdef";
    char *out = running->call.request_id;
    for (int i = 0; i < 12; i++) *out++ = digits[host->request_prefix >> (4 * i) & 15];
    *out++ = '-';
    uint64_t count = ++host->request_count;
    for (int i = 28; i >= 0; i -= 4)
        if (i < 16 || count >> i) *out++ = digits[count >> i & 15];
    *out = 0;
}

static bool is_hex(const char *text, size_t size) {
    bool any = false;
    for (size_t i = 0; i < size; i++) {
        if (!((text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f')))
            return false;
        any |= text[i] != '0';
    }
    return any;
}

/* W3C: "00-<32 hex>-<16 hex>-<2 hex>"; anything else starts a new trace. */
static void take_trace(struct running *running) {
    struct trace *trace = &running->call.trace;
    size_t size;
    const char *header = http_exchange_header(running->call.http, "traceparent", &size);
    if (!header) return;
    if (size != 55 || header[2] != '-' || header[35] != '-' || header[52] != '-') return;
    if (memcmp(header, "00", 2) != 0 || !is_hex(header + 3, 32) || !is_hex(header + 36, 16)) return;
    memcpy(trace->trace_id, header + 3, 32);
    memcpy(trace->parent_id, header + 36, 16);
    trace->sampled = (header[54] >= 'a' ? header[54] - 'a' + 10 : header[54] - '0') & 1;
}

static int64_t refuse(struct running *running) {
    answer_problem(running);
    return -1;
}

static int64_t on_head(void *owner, struct http_exchange *exchange) {
    struct dispatch *dispatch = owner;
    struct host *host = dispatch->host;
    const struct http_request *request = http_exchange_request(exchange);
    if (health_answer(host, exchange)) return -1;
    struct running *running = running_new(dispatch, exchange);
    take_request_id(running);
    take_trace(running);
    char method[16];
    snprintf(method, sizeof method, "%.*s", (int)request->method_name.size,
             request->method_name.data);
    if (!router_match(registry_router(host->registry), method, request->path.data,
                      request->path.size, &running->arena, &running->match)) {
        sl_fail(&running->call, SL_INVALID, "the path is malformed: bad escape, NUL or '..'");
        return refuse(running);
    }
    struct op *op = running->match.target;
    if (!op) {
        answer_no_route(running, request);
        return -1;
    }
    running->op = op;
    running->call.op = op;
    running->call.plugin = op->plugin;
    identify(running);
    if (op_permitted(&running->call, op) != 0) return refuse(running);
    return op->row.max_body ? op->row.max_body : BODY_DEFAULT;
}

/* ---- the body ---- */

static bool is_json_type(const char *type, size_t size) {
    size_t end = 0;
    while (end < size && type[end] != ';' && type[end] != ' ') end++;
    if (end == 16 && strncasecmp(type, "application/json", 16) == 0) return true;
    return end > 5 && strncasecmp(type + end - 5, "+json", 5) == 0;
}

static int parse_body(struct running *running, cJSON **in) {
    struct sl_call *call = &running->call;
    const struct http_request *request = http_exchange_request(call->http);
    *in = NULL;
    call->body = request->body.data;
    call->body_size = request->body.size;
    if (!request->body.size || running->op->row.flags & SL_OP_RAW) {
        *in = cJSON_CreateObject();
        return 0;
    }
    size_t size;
    const char *type = http_exchange_header(call->http, "content-type", &size);
    if (type && !is_json_type(type, size))
        return sl_fail(call, SL_UNSUPPORTED,
                       "the body is %.*s; this operation takes JSON: send the header "
                       "'Content-Type: application/json'",
                       (int)(size > 100 ? 100 : size), type);
    struct json_fault fault;
    *in = json_parse(call->arena, request->body.data, request->body.size, &fault);
    if (!*in)
        return sl_fail(call, SL_INVALID, "the body is not valid JSON: line %zu, column %zu: %s",
                       fault.line, fault.column, fault.why);
    if (!cJSON_IsObject(*in))
        return sl_fail(call, SL_INVALID,
                       "the body must be a JSON object, like {\"name\": \"value\"}");
    return 0;
}

struct taking {
    struct running *running;
    cJSON *in;
};

static void add_value(struct taking *taking, const char *name, const char *value, size_t size) {
    const sl_field *row = field_find(taking->running->op->in, name);
    cJSON *item = row ? field_from_text(row, value, size)
                      : cJSON_CreateString(arena_strndup(&taking->running->arena, value, size));
    cJSON_DeleteItemFromObjectCaseSensitive(taking->in, name);
    cJSON_AddItemToObject(taking->in, name, item);
}

static void take_query(void *arg, const char *name, const char *value, size_t size) {
    add_value(arg, name, value, size);
}

/* The path's values win over the query's, and both over the body's. */
static int read_input(struct running *running, cJSON **in) {
    struct sl_call *call = &running->call;
    int rc = parse_body(running, in);
    if (rc) return rc;
    const struct http_request *request = http_exchange_request(call->http);
    struct taking taking = {running, *in};
    if (request->query.size &&
        !query_each(request->query.data, request->query.size, call->arena, take_query, &taking))
        return sl_fail(call, SL_INVALID,
                       "the query string is malformed: a bad %%-escape, or too many");
    for (size_t i = 0; i < running->match.param_count; i++) {
        const struct route_param *param = &running->match.params[i];
        add_value(&taking, param->name, param->value, param->size);
    }
    return 0;
}

/* ---- running ---- */

static int check_if_match(struct sl_call *call, const struct op *op) {
    if (!(op->row.flags & SL_OP_IF_MATCH) || sl_if_match(call)) return 0;
    return sl_fail(call, SL_PRECONDITION,
                   "%s needs the header If-Match with the ETag that you have read (or *)",
                   op->row.name);
}

static int run_once(struct running *running, cJSON *in, cJSON *out,
                    struct idempotency_replay *replay) {
    struct sl_call *call = &running->call;
    struct op *op = running->op;
    const char *key = op->row.effect == SL_WRITES
                          ? http_exchange_header(call->http, "idempotency-key", NULL)
                          : NULL;
    if (!key) return op_run(call, op, in, out, false);
    int rc = idempotency_begin(call, key, op->row.name, call->body, call->body_size, replay);
    if (rc) return rc;
    if (!replay->http_status) rc = op_run(call, op, in, out, false);
    idempotency_end(call, rc);
    return rc;
}

static void finish(struct running *running, int rc, cJSON *out,
                   const struct idempotency_replay *replay) {
    struct sl_call *call = &running->call;
    if (call->reply.streaming) {
        struct http_exchange *exchange = call->http;
        running_free(running);
        http_stream_close(exchange);
    } else if (rc) {
        answer_problem(running);
    } else if (replay->http_status) {
        sl_reply_header(call, "Idempotency-Replayed", "true");
        answer(running, replay->http_status,
               replay->content_type ? replay->content_type : "application/json",
               (struct http_span){replay->body, replay->size});
    } else {
        answer_success(running, out);
    }
}

static void handle(void *arg) {
    struct running *running = arg;
    struct sl_call *call = &running->call;
    struct idempotency_replay replay = {0};
    arena_use(&running->arena);
    cJSON *in = NULL, *out = cJSON_CreateObject();
    int rc = read_input(running, &in);
    if (!rc) rc = check_if_match(call, running->op);
    if (!rc) rc = run_once(running, in, out, &replay);
    finish(running, rc, out, &replay);
    arena_use(NULL);
}

static void on_request(void *owner, struct http_exchange *exchange) {
    struct dispatch *dispatch = owner;
    struct running *running = *http_exchange_slot(exchange);
    const sl_op *row = &running->op->row;
    bool endless =
        row->flags & SL_OP_LONG || (row->flags & SL_OP_STREAMS && sl_wants_stream(&running->call));
    if (!endless)
        running->call.deadline_ns = http_exchange_request(exchange)->began_ns +
                                    (row->timeout_ms ? row->timeout_ms : TIMEOUT_MS) * 1000000LL;
    fiber_start(dispatch->host->loop, handle, running);
}

static void on_gone(void *owner, struct http_exchange *exchange) {
    (void)owner;
    struct running *running = *http_exchange_slot(exchange);
    call_cancel(&running->call);
}

static void on_dropped(void *owner, struct http_exchange *exchange) {
    (void)owner;
    running_free(*http_exchange_slot(exchange));
}

static void on_refused(void *owner, int status, const char *why, const char *peer) {
    struct dispatch *dispatch = owner;
    char label[8];
    snprintf(label, sizeof label, "%d", status);
    struct metric *metric = metrics_find(dispatch->host->metrics, "http_refused_total");
    if (metric) metric_add(metric_series(metric, label), 1);
    if (log_enabled(SL_DEBUG))
        log_line(SL_DEBUG, "refused a request",
                 (const char *[]){"status", label, "why", why, "peer", peer, NULL});
}

void dispatch_callbacks(struct dispatch *dispatch, struct http_callbacks *callbacks) {
    *callbacks = (struct http_callbacks){.owner = dispatch,
                                         .on_head = on_head,
                                         .on_request = on_request,
                                         .on_gone = on_gone,
                                         .on_dropped = on_dropped,
                                         .on_refused = on_refused};
}
