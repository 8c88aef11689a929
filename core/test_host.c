/* test_host.c - sluice/test.h: a whole host on a clock that is moved by hand, without sockets. */
#include "bus.h"
#include "host.h"
#include "json.h"
#include "loader.h"
#include "metrics.h"
#include "op.h"
#include "reply.h"
#include "store.h"
#include "test_inside.h"

#include <math.h>
#include <sluice/test.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char *last_error;

const char *sl_test_error(void) {
    return last_error ? last_error : "";
}

static void tell(char *sentence) {
    free(last_error);
    last_error = sentence;
}

/* ---- running fibers to their end ---- */

struct task {
    struct loop *loop;
    void (*run)(void *arg);
    void *arg;
};

static void run_task(void *arg) {
    struct task *task = arg;
    task->run(task->arg);
    loop_stop(task->loop);
}

/* Runs `run(arg)` in a fiber and turns the loop until it has ended. */
static void in_fiber(struct loop *loop, void (*run)(void *arg), void *arg) {
    struct task task = {.loop = loop, .run = run, .arg = arg};
    fiber_start_later(loop, run_task, &task);
    loop_run(loop);
}

/* ---- making and freeing ---- */

struct start {
    sl_test_host *test;
    char *error;
    bool good;
};

static void start_host(void *arg) {
    struct start *start = arg;
    start->good = host_start(&start->test->host, &start->error);
}

static void stop_host(void *arg) {
    sl_test_host *test = arg;
    host_stop(&test->host);
}

static char *add_plugins(sl_test_host *test, const sl_test_options *options) {
    struct host *host = &test->host;
    char *error = NULL;
    const char *fault = NULL;
    struct plugin *plugin = NULL;
    if (options->plugin) {
        plugin = loader_adopt(host, options->plugin, NULL, &error);
        if (!plugin) return error;
        test->under_test = plugin;
        fault = host_add_plugin(host, plugin);
    }
    for (const char *const *file = options->files; file && *file && !fault; file++) {
        plugin = loader_open(host, *file, &error);
        if (!plugin) return error;
        if (!test->under_test) test->under_test = plugin;
        fault = host_add_plugin(host, plugin);
    }
    if (fault) plugin_free(plugin);
    return fault ? strdup(fault) : loader_order(host->plugins, host->plugin_count);
}

struct option_faults {
    struct field_sink base;
    char *first;
};

static void keep_first(struct field_sink *base, const struct field_fault *fault) {
    struct option_faults *faults = (struct option_faults *)base;
    if (!faults->first &&
        asprintf(&faults->first, "config%s: %s%s%s", fault->pointer, fault->detail,
                 fault->suggestion ? ": " : "", fault->suggestion ? fault->suggestion : "") < 0)
        abort();
}

/* The options of one plugin: what the test gives, checked and completed as a file's would be. */
static char *give_options(sl_test_host *test, struct plugin *plugin, const char *text) {
    struct json_fault fault;
    char *error = NULL;
    cJSON *options = json_parse(&test->memory, text, strlen(text), &fault);
    if (!cJSON_IsObject(options)) {
        if (asprintf(&error, "config is no JSON object: %s", options ? text : fault.why) < 0)
            abort();
        return error;
    }
    struct option_faults faults = {
        .base = {.fault = keep_first, .arena = &test->memory, .limit = 50}};
    struct field_rows rows = {plugin->face.config, plugin->face.field_size};
    fields_check(rows, options, false, &faults.base);
    plugin->options = options;
    return faults.first;
}

static char *check_plugin(sl_test_host *test, struct plugin *plugin) {
    if (!plugin->face.check) return NULL;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_init(&call, &test->host, plugin, &arena);
    bool bad = plugin->face.check(&call, plugin->options) != 0;
    char *error = bad ? strdup(sl_failure(&call)) : NULL;
    arena_use(before);
    arena_fini(&arena);
    return error;
}

static char *configure(sl_test_host *test, const char *config) {
    struct host *host = &test->host;
    host->config = config_read_text("test host", "{}", 2);
    for (size_t i = 0; i < host->plugin_count; i++) {
        struct plugin *plugin = host->plugins[i];
        bool own = plugin == test->under_test && config;
        struct arena *before = arena_use(&test->memory);
        char *error = give_options(test, plugin, own ? config : "{}");
        arena_use(before);
        if (!error) error = check_plugin(test, plugin);
        if (error) return error;
    }
    return NULL;
}

static char *trouble_of_plugins(const struct host *host) {
    char *error = NULL;
    for (size_t i = 0; i < host->plugin_count && !error; i++) {
        const struct plugin *plugin = host->plugins[i];
        if (plugin->state == PLUGIN_FAILED &&
            asprintf(&error, "plugin %s does not start: %s", plugin->name, plugin->trouble) < 0)
            abort();
    }
    return error;
}

static char *open_host(sl_test_host *test, const sl_test_options *options) {
    char *error = add_plugins(test, options);
    if (!error) error = configure(test, options->config);
    if (error) return error;
    struct start start = {.test = test};
    in_fiber(&test->loop, start_host, &start);
    test->started = true;
    if (start.good) bus_settle(test->host.bus);
    return start.good ? trouble_of_plugins(&test->host) : start.error;
}

sl_test_host *sl_test_host_new(const sl_test_options *options) {
    sl_test_host *test = calloc(1, sizeof *test);
    if (loop_init(&test->loop)) {
        free(test);
        return tell(strdup("the event loop cannot be made")), NULL;
    }
    enum { NEW_YEAR_2026_S = 1767225600 };
    test->loop.fake_now_ms = options->now_ms ? options->now_ms : (int64_t)NEW_YEAR_2026_S * 1000;
    arena_install_json_hooks();
    arena_init(&test->memory);
    arena_init(&test->answers);
    test->tenant = arena_strdup(&test->memory, options->tenant ? options->tenant : "default");
    test->hooks.loop = &test->loop;
    host_init(&test->host, &test->loop);
    test->host.test = &test->hooks;
    char *error = open_host(test, options);
    tell(error);
    if (!error) return test;
    sl_test_host_free(test);
    return NULL;
}

void sl_test_host_free(sl_test_host *test) {
    if (!test) return;
    if (test->started) in_fiber(&test->loop, stop_host, test);
    test_hooks_clear(&test->hooks);
    host_fini(&test->host);
    loop_fini(&test->loop);
    arena_fini(&test->memory);
    arena_fini(&test->answers);
    free(test);
}

/* ---- calling ---- */

struct test_call {
    sl_test_host *test;
    const char *permissions, *op, *json;
    int status;
};

/* The call under test; it lives on the fiber's stack and dies with it. */
static void call_open(struct sl_call *call, sl_test_host *test, const char *permissions,
                      struct arena *arena) {
    call_init(call, &test->host, NULL, arena);
    call->who = (struct identity){
        .tenant = test->tenant, .actor = "token:test", .permissions = permissions};
    test->hooks.foreground = call;
}

static const char *answer_of(sl_test_host *test, struct sl_call *call, const cJSON *out) {
    if (call->failure.status) out = op_problem(call);
    if (!call->failure.status && call->reply.content_type)
        return arena_strndup(&test->answers, reply_bytes(call), call->reply.size);
    return arena_strdup(&test->answers, json_print(call->arena, out, NULL));
}

static int run_op(struct sl_call *call, const struct test_call *run, cJSON *out) {
    struct op *op = registry_find(run->test->host.registry, run->op);
    if (!op) return sl_fail(call, SL_NOT_FOUND, "there is no operation '%s'", run->op);
    cJSON *in = NULL;
    const char *json = run->json && *run->json ? run->json : "{}";
    int rc = sl_json_parse(call, "the input", json, strlen(json), &in);
    if (rc) return rc;
    if (!cJSON_IsObject(in)) return sl_fail(call, SL_INVALID, "the input is no JSON object");
    return op_run(call, op, in, out, true);
}

static void call_in_fiber(void *arg) {
    struct test_call *run = arg;
    sl_test_host *test = run->test;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_open(&call, test, run->permissions, &arena);
    cJSON *out = cJSON_CreateObject();
    call.out = out;
    run->status = run_op(&call, run, out);
    /* a handler may go on after another operation has failed it: then it has answered */
    if (!run->status) call.failure = (struct failure){0};
    arena_reset(&test->answers);
    test->answer = answer_of(test, &call, out);
    arena_use(before);
    arena_fini(&arena);
    test->hooks.foreground = NULL;
}

int sl_test_call_as(sl_test_host *test, const char *permissions, const char *op, const char *json) {
    struct test_call run = {.test = test, .permissions = permissions, .op = op, .json = json};
    in_fiber(&test->loop, call_in_fiber, &run);
    bus_settle(test->host.bus);
    return run.status;
}

int sl_test_call(sl_test_host *test, const char *op, const char *json) {
    return sl_test_call_as(test, "*", op, json);
}

const char *sl_test_answer(sl_test_host *test) {
    return test->answer ? test->answer : "";
}

/* ---- time ---- */

/* In steps, so that what falls due on the way runs in order and sees its own time. */
void sl_test_advance(sl_test_host *test, int64_t ms) {
    enum { STEPS_MAX = 500, STEP_MIN_MS = 1000 };
    int64_t end_ms = test->loop.fake_now_ms + (ms > 0 ? ms : 0);
    int64_t step_ms = ms / STEPS_MAX > STEP_MIN_MS ? ms / STEPS_MAX : STEP_MIN_MS;
    do {
        int64_t left_ms = end_ms - test->loop.fake_now_ms;
        int64_t next_ms = test_next_waking(
            &test->hooks, test->loop.fake_now_ms + (left_ms < step_ms ? left_ms : step_ms));
        test->loop.fake_now_ms = next_ms;
        test_wake(&test->hooks);
        bus_settle(test->host.bus);
    } while (test->loop.fake_now_ms < end_ms);
}

/* ---- events ---- */

struct test_events {
    sl_test_host *test;
    const char *type, *subject, *json;
    size_t count;
    const char *last;
    int status;
};

static void read_events(void *arg) {
    struct test_events *events = arg;
    sl_test_host *test = events->test;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_open(&call, test, "*", &arena);
    sl_rows rows;
    int rc = store_query(&call, &rows,
                         "SELECT type, subject, data FROM sluice_event"
                         " WHERE $1 = '*' OR type = $1 ORDER BY seq",
                         SL_ARGS(sl_text(events->type)));
    events->count = rc ? 0 : rows.count;
    if (events->count) {
        cJSON *event = cJSON_CreateObject();
        cJSON_AddStringToObject(event, "type", sl_cell_text(&rows, rows.count - 1, "type"));
        const char *subject = sl_cell_text(&rows, rows.count - 1, "subject");
        cJSON_AddStringToObject(event, "subject", subject ? subject : "");
        cJSON *data = sl_cell_json(&call, &rows, rows.count - 1, "data");
        cJSON_AddItemToObject(event, "data", data ? data : cJSON_CreateObject());
        events->last = arena_strdup(&test->answers, json_print(&arena, event, NULL));
    }
    test->hooks.foreground = NULL;
    arena_use(before);
    arena_fini(&arena);
}

size_t sl_test_event_count(sl_test_host *test, const char *type) {
    struct test_events events = {.test = test, .type = type};
    in_fiber(&test->loop, read_events, &events);
    return events.count;
}

const char *sl_test_last_event(sl_test_host *test, const char *type) {
    struct test_events events = {.test = test, .type = type};
    in_fiber(&test->loop, read_events, &events);
    return events.last;
}

static void publish(void *arg) {
    struct test_events *events = arg;
    sl_test_host *test = events->test;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_open(&call, test, "*", &arena);
    cJSON *data = NULL;
    const char *json = events->json ? events->json : "{}";
    events->status = sl_json_parse(&call, "the event", json, strlen(json), &data);
    if (!events->status) {
        sl_batch *batch = store_batch(&call);
        sl_batch_emit(batch, events->type, events->subject, data);
        events->status = sl_commit(batch);
    }
    arena_use(before);
    arena_fini(&arena);
    test->hooks.foreground = NULL;
}

int sl_test_publish(sl_test_host *test, const char *type, const char *subject, const char *json) {
    struct test_events events = {.test = test, .type = type, .subject = subject, .json = json};
    in_fiber(&test->loop, publish, &events);
    bus_settle(test->host.bus);
    return events.status;
}

/* ---- faults and figures ---- */

void sl_test_fail_commit(sl_test_host *test, int nth) {
    store_fail_commit(test->host.store, nth);
}

double sl_test_metric(sl_test_host *test, const char *series) {
    return metric_value(test->host.metrics, series);
}

void sl_test_answer_fetch(sl_test_host *test, const char *request, int status, const char *body) {
    test_script_fetch(&test->hooks, request, status, body);
}

size_t sl_test_unmet(sl_test_host *test) {
    return test->hooks.unmet;
}
