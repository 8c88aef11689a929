/* call.c - who asks, memory, failing: the public functions of sluice/call.h that need no HTTP. */
#include "call.h"
#include "host.h"
#include "ids.h"
#include "logging.h"
#include "metrics.h"
#include "op.h"
#include "test_hooks.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const status_names[] = {
    "ok",          "invalid",     "unauthenticated", "denied",
    "not_found",   "conflict",    "stale",           "mismatch",
    "too_large",   "limit",       "timeout",         "cancelled",
    "unavailable", "unsupported", "internal",        "precondition_required"};

const char *sl_status_name(int status) {
    size_t count = sizeof status_names / sizeof *status_names;
    return status >= 0 && (size_t)status < count ? status_names[status] : "internal";
}

void call_init(struct sl_call *call, struct host *host, struct plugin *plugin,
               struct arena *arena) {
    memset(call, 0, sizeof *call);
    call->magic = CALL_MAGIC;
    call->host = host;
    call->plugin = plugin ? plugin : &host->core;
    call->who = call->plugin->identity;
    call->arena = arena;
    call->deadline_ns = INT64_MAX;
}

int call_park(struct sl_call *call, struct wait *wait) {
    if (call->cancelled && !wait->done) return call->cancelled;
    for (struct sl_call *up = call; up; up = up->parent) up->waiting = wait;
    int status = wait_park(wait, call->deadline_ns);
    for (struct sl_call *up = call; up; up = up->parent) up->waiting = NULL;
    return status;
}

void call_cancel(struct sl_call *call) {
    call->cancelled = SL_CANCELLED;
    if (call->waiting) wait_done(call->waiting, SL_CANCELLED);
}

/* ---- who and when ---- */

const char *sl_tenant(const sl_call *call) {
    return call->who.tenant;
}

const char *sl_actor(const sl_call *call) {
    return call->who.actor;
}

const char *sl_request_id(const sl_call *call) {
    return call->request_id;
}

const char *sl_traceparent(const sl_call *call) {
    struct trace *trace = (struct trace *)&call->trace; /* made when first asked for */
    if (trace->traceparent[0]) return trace->traceparent;
    if (!trace->trace_id[0]) random_hex(trace->trace_id, 32);
    if (!trace->span_id[0]) random_hex(trace->span_id, 16);
    snprintf(trace->traceparent, sizeof trace->traceparent, "00-%s-%s-%s", trace->trace_id,
             trace->span_id, trace->sampled ? "01" : "00");
    return trace->traceparent;
}

/* "deploy:*" grants "deploy:write"; "*" grants all. */
static bool one_grants(const char *granted, size_t size, const char *needed) {
    if (size == 1 && *granted == '*') return true;
    if (size > 2 && granted[size - 1] == '*' && granted[size - 2] == ':')
        return strncmp(granted, needed, size - 1) == 0;
    return strlen(needed) == size && memcmp(granted, needed, size) == 0;
}

bool permission_granted(const char *granted, const char *needed) {
    while (granted && *granted) {
        granted += strspn(granted, " ");
        size_t size = strcspn(granted, " ");
        if (size && one_grants(granted, size, needed)) return true;
        granted += size;
    }
    return false;
}

int sl_can(const sl_call *call, const char *permission) {
    return permission_granted(call->who.permissions, permission);
}

int sl_act_for(sl_call *call, const char *tenant) {
    if (strcmp(call->who.tenant, tenant) == 0) return 0;
    if (strcmp(call->who.tenant, "system") != 0)
        return sl_fail(call, SL_DENIED, "a call of the tenant '%s' cannot act for '%s'",
                       call->who.tenant, tenant);
    call->who.tenant = sl_strdup(call, tenant);
    return 0;
}

int64_t sl_now_ms(const sl_call *call) {
    return loop_now_ms(call->host->loop);
}

int64_t sl_clock_ns(const sl_call *call) {
    (void)call;
    return loop_clock_ns();
}

int64_t sl_left_ms(const sl_call *call) {
    if (call->deadline_ns == INT64_MAX) return INT64_MAX;
    int64_t left = call->deadline_ns - loop_clock_ns();
    return left > 0 ? left / 1000000 : 0;
}

void sl_set_state(sl_call *call, void *state) {
    call->plugin->user = state;
}

void *sl_state(const sl_call *call) {
    return call->plugin->user;
}

/* ---- memory ---- */

void *sl_alloc(sl_call *call, size_t size) {
    return arena_zalloc(call->arena, size);
}

void *sl_alloc_raw(sl_call *call, size_t size) {
    return arena_alloc(call->arena, size);
}

void *sl_alloc_lasting(sl_call *call, size_t size) {
    return arena_alloc(call_lasting(call), size);
}

int sl_scratch(sl_call *call, int (*work)(sl_call *call, void *arg), void *arg) {
    struct arena scratch, *own = call->arena, *lasting = call->lasting;
    const struct failure before = call->failure;
    arena_init(&scratch);
    call->arena = &scratch;
    call->lasting = lasting ? lasting : own;
    arena_use(&scratch);
    int rc = work(call, arg);
    arena_use(own);
    call->arena = own;
    call->lasting = lasting;
    if (rc) {
        arena_merge(own, &scratch); /* the sentence of the failure lies there */
        return rc;
    }
    call->failure = before; /* one that was dealt with inside lies there too */
    arena_fini(&scratch);
    return 0;
}

char *sl_strdup(sl_call *call, const char *text) {
    return arena_strdup(call->arena, text);
}

char *sl_strndup(sl_call *call, const char *text, size_t size) {
    return arena_strndup(call->arena, text, strnlen(text, size));
}

char *sl_printf(sl_call *call, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(call->arena, format, args);
    va_end(args);
    return text;
}

const char *sl_new_id(sl_call *call) {
    char *id = arena_alloc(call->arena, 27);
    new_ulid(id, sl_now_ms(call), &call->host->id_pool);
    return id;
}

/* ---- failing ---- */

int sl_fail(sl_call *call, int status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    call->failure.sentence = arena_vprintf(call->arena, format, args);
    va_end(args);
    call->failure.status = status ? status : SL_INTERNAL;
    return call->failure.status;
}

void sl_fault(sl_call *call, const char *pointer, const char *suggestion, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *detail = arena_vprintf(call->arena, format, args);
    va_end(args);
    struct arena *before = arena_use(call->arena);
    if (!call->failure.faults) call->failure.faults = cJSON_CreateArray();
    cJSON *fault = cJSON_CreateObject();
    cJSON_AddStringToObject(fault, "pointer", pointer ? pointer : "");
    cJSON_AddStringToObject(fault, "detail", detail);
    if (suggestion) cJSON_AddStringToObject(fault, "suggestion", suggestion);
    cJSON_AddItemToArray(call->failure.faults, fault);
    arena_use(before);
}

void sl_retry_after(sl_call *call, int seconds) {
    call->failure.retry_after_s = seconds;
}

const char *sl_failure(const sl_call *call) {
    return call->failure.sentence ? call->failure.sentence : "";
}

int sl_failure_status(const sl_call *call) {
    return call->failure.status;
}

/* ---- waiting ---- */

int sl_cancelled(sl_call *call) {
    if (call->cancelled) return sl_fail(call, SL_CANCELLED, "the caller left");
    if (call->deadline_ns != INT64_MAX && loop_clock_ns() > call->deadline_ns)
        return sl_fail(call, SL_TIMEOUT, "the deadline passed");
    return 0;
}

int sl_sleep(sl_call *call, int64_t ms) {
    if (call->host->test) return test_sleep(call, ms);
    struct wait wait;
    wait_init(&wait, call->host->loop);
    int64_t deadline = call->deadline_ns, until = loop_clock_ns() + ms * 1000000;
    if (until < deadline) call->deadline_ns = until;
    int status = call_park(call, &wait);
    call->deadline_ns = deadline;
    if (status == SL_CANCELLED) return sl_fail(call, SL_CANCELLED, "the caller left");
    return until > deadline ? sl_fail(call, SL_TIMEOUT, "the deadline passed") : 0;
}

int sl_offload(sl_call *call, int (*work)(void *arg), void *arg) {
    return loop_offload(call->host->loop, call->arena, work, arg);
}

struct spawned {
    sl_call call;
    struct arena arena;
    void (*run)(sl_call *call, void *arg);
    void *arg;
};

static void run_spawned(void *arg) {
    struct spawned *spawned = arg;
    arena_use(&spawned->arena);
    host_track(spawned->call.host, &spawned->call);
    spawned->run(&spawned->call, spawned->arg);
    host_untrack(spawned->call.host, &spawned->call);
    arena_use(NULL);
    struct arena arena = spawned->arena; /* it holds `spawned` itself */
    arena_fini(&arena);
}

int sl_spawn(sl_call *call, void (*run)(sl_call *call, void *arg), void *arg) {
    struct arena arena;
    arena_init(&arena);
    struct spawned *spawned = arena_zalloc(&arena, sizeof *spawned);
    spawned->arena = arena;
    call_init(&spawned->call, call->host, call->plugin, &spawned->arena);
    spawned->call.who.tenant = arena_strdup(&spawned->arena, call->who.tenant);
    memcpy(spawned->call.request_id, call->request_id, sizeof call->request_id);
    spawned->run = run, spawned->arg = arg;
    fiber_start_later(call->host->loop, run_spawned, spawned);
    return 0;
}

/* ---- log lines and metrics ---- */

void sl_log(const sl_call *call, int level, const char *format, ...) {
    if (!log_enabled(level)) return;
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    const char *fields[] = {"plugin",     call->plugin->name,
                            "operation",  call->op ? call->op->row.name : NULL,
                            "tenant",     call->who.tenant,
                            "request_id", call->request_id[0] ? call->request_id : NULL,
                            "trace_id",   call->trace.trace_id[0] ? call->trace.trace_id : NULL,
                            NULL};
    log_line(level, text, fields);
}

static struct metric_series *series_of(const sl_call *call, const char *name, const char *labels) {
    struct metric *metric = metrics_find(call->host->metrics, name);
    if (metric) return metric_series(metric, labels);
    sl_log(call, SL_WARN, "metric %s is not declared in the plugin's rows", name);
    return NULL;
}

void sl_count(const sl_call *call, const char *metric, double add, const char *labels) {
    struct metric_series *series = series_of(call, metric, labels);
    if (series) metric_add(series, add);
}

void sl_gauge(const sl_call *call, const char *metric, double value, const char *labels) {
    struct metric_series *series = series_of(call, metric, labels);
    if (series) metric_set(series, value);
}

void sl_observe(const sl_call *call, const char *metric, double value, const char *labels) {
    struct metric_series *series = series_of(call, metric, labels);
    if (series) metric_observe(series, value);
}
