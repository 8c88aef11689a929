#include "op.h"
#include "host.h"
#include "json.h"
#include "metrics.h"
#include "route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct registry {
    struct op **by_name; /* sorted */
    size_t count, room;
    struct router *router;
    char trouble[512];
};

struct registry *registry_new(void) {
    struct registry *registry = calloc(1, sizeof *registry);
    registry->router = router_new();
    return registry;
}

void registry_free(struct registry *registry) {
    if (!registry) return;
    for (size_t i = 0; i < registry->count; i++) free(registry->by_name[i]);
    free(registry->by_name);
    router_free(registry->router);
    free(registry);
}

struct router *registry_router(const struct registry *registry) {
    return registry->router;
}

struct op *registry_at(const struct registry *registry, size_t i) {
    return i < registry->count ? registry->by_name[i] : NULL;
}

/* Where `name` stands or would stand. */
static size_t place_of(const struct registry *registry, const char *name) {
    size_t low = 0, high = registry->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(registry->by_name[middle]->row.name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct op *registry_find(const struct registry *registry, const char *name) {
    size_t at = place_of(registry, name);
    if (at < registry->count && strcmp(registry->by_name[at]->row.name, name) == 0)
        return registry->by_name[at];
    return NULL;
}

static void insert(struct registry *registry, struct op *op) {
    if (registry->count == registry->room) {
        registry->room = registry->room ? registry->room * 2 : 64;
        registry->by_name = realloc(registry->by_name, registry->room * sizeof(struct op *));
    }
    size_t at = place_of(registry, op->row.name);
    memmove(registry->by_name + at + 1, registry->by_name + at,
            (registry->count - at) * sizeof(struct op *));
    registry->by_name[at] = op;
    registry->count++;
}

static bool well_named(const char *name) {
    size_t noun = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_");
    if (!noun || name[noun] != '.') return false;
    size_t verb = strspn(name + noun + 1, "abcdefghijklmnopqrstuvwxyz0123456789-_.");
    return verb && !name[noun + 1 + verb];
}

static const char *refuse(struct registry *registry, const char *format, const char *a,
                          const char *b) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(registry->trouble, sizeof registry->trouble, format, a, b);
#pragma GCC diagnostic pop
    return registry->trouble;
}

/* What an operation must say of itself before it may be offered. */
static const char *row_fault(struct registry *registry, const sl_op *row) {
    if (!well_named(row->name))
        return refuse(registry, "operation '%s' is not named noun.verb%s", row->name, "");
    if (!row->run) return refuse(registry, "operation %s has no run function%s", row->name, "");
    if (!row->summary) return refuse(registry, "operation %s has no summary%s", row->name, "");
    if (!row->needs)
        return refuse(
            registry,
            "operation %s names no permission (.needs: \"noun:verb\", \"any\" or \"public\")%s",
            row->name, "");
    if (row->effect != SL_READS && row->effect != SL_WRITES)
        return refuse(registry, "operation %s does not say whether it reads or writes (.effect)%s",
                      row->name, "");
    struct op *known = registry_find(registry, row->name);
    if (known)
        return refuse(registry, "operation %s is already offered by plugin %s", row->name,
                      known->plugin->name);
    return NULL;
}

/* Fields that contradict themselves would fail their users; better they fail the loader. */
static const char *fields_fault(const struct plugin *plugin, const sl_op *row,
                                struct arena *arena) {
    const char *fault =
        fields_trouble((struct field_rows){row->in, plugin->face.field_size}, arena);
    if (fault) return fault;
    return fields_trouble((struct field_rows){row->out, plugin->face.field_size}, arena);
}

static const char *add_row(struct registry *registry, struct plugin *plugin, const sl_op *row) {
    const char *fault = row_fault(registry, row);
    if (fault) return fault;
    struct op *op = calloc(1, sizeof *op);
    op->row = *row;
    op->plugin = plugin;
    op->in = (struct field_rows){row->in, plugin->face.field_size};
    op->out = (struct field_rows){row->out, plugin->face.field_size};
    const char *routes[] = {row->route, row->also};
    for (int i = 0; i < 2; i++) {
        const char *clash = routes[i] ? router_add(registry->router, routes[i], op) : NULL;
        if (!clash) continue;
        refuse(registry, "operation %s: %s", row->name, clash);
        if (i == 0) free(op); /* with the first route in the router the op must stay */
        return registry->trouble;
    }
    insert(registry, op);
    return NULL;
}

/* Routes cannot be taken out again, so everything is checked before the first one is added. */
static const char *check_all(struct registry *registry, const struct plugin *plugin) {
    struct registry probe = {.router = router_new()};
    struct arena arena;
    arena_init(&arena);
    const char *fault = NULL;
    const char *at = (const char *)plugin->face.ops;
    for (; !fault && at; at += plugin->face.op_size) {
        sl_op row = {0};
        memcpy(&row, at, plugin->face.op_size < sizeof row ? plugin->face.op_size : sizeof row);
        if (!row.name) break;
        fault = row_fault(registry, &row);
        if (fault) break;
        const char *trouble = fields_fault(plugin, &row, &arena);
        if (trouble) {
            fault = refuse(registry, "operation %s: %s", row.name, trouble);
            break;
        }
        for (const char *before = (const char *)plugin->face.ops; before < at;
             before += plugin->face.op_size)
            if (strcmp(((const sl_op *)(const void *)before)->name, row.name) == 0)
                fault = refuse(registry, "operation %s is declared twice%s", row.name, "");
        const char *routes[] = {row.route, row.also};
        for (int i = 0; !fault && i < 2; i++) {
            if (!routes[i]) continue;
            const char *clash = router_add(probe.router, routes[i], registry);
            if (!clash) clash = router_clash(registry->router, routes[i]);
            if (clash) fault = refuse(registry, "operation %s: %s", row.name, clash);
        }
    }
    arena_fini(&arena);
    router_free(probe.router);
    return fault;
}

const char *registry_add(struct registry *registry, struct plugin *plugin) {
    if (!registry) abort(); /* cannot happen; said for the analyzer */
    const char *fault = check_all(registry, plugin);
    if (fault) return fault;
    const char *at = (const char *)plugin->face.ops;
    for (; at; at += plugin->face.op_size) {
        sl_op row = {0};
        memcpy(&row, at, plugin->face.op_size < sizeof row ? plugin->face.op_size : sizeof row);
        if (!row.name) break;
        fault = add_row(registry, plugin, &row);
        if (fault) return fault;
    }
    return NULL;
}

/* ---- running one ---- */

int http_status_of(int status) {
    static const int map[] = {200, 400, 401, 403, 404, 409, 412, 422,
                              413, 429, 504, 499, 503, 415, 500, 428};
    return status >= 0 && (size_t)status < sizeof map / sizeof *map ? map[status] : 500;
}

struct call_sink {
    struct field_sink base;
    struct sl_call *call;
    const char *first;
};

static void on_fault(struct field_sink *base, const struct field_fault *fault) {
    struct call_sink *sink = (struct call_sink *)base;
    sl_fault(sink->call, fault->pointer, fault->suggestion, "%s", fault->detail);
    if (!sink->first)
        sink->first =
            arena_printf(sink->call->arena, "%s%s%s%s%s", *fault->pointer ? fault->pointer : "",
                         *fault->pointer ? ": " : "", fault->detail, fault->suggestion ? "; " : "",
                         fault->suggestion ? fault->suggestion : "");
}

static int check_input(struct sl_call *call, struct op *op, cJSON *in) {
    struct call_sink sink = {.base = {.fault = on_fault, .arena = call->arena, .limit = 50},
                             .call = call};
    if (fields_check(op->in, in, op->row.flags & SL_OP_OPEN, &sink.base)) return 0;
    if (sink.base.count > 1)
        return sl_fail(call, SL_INVALID, "the request has %u faults; the first: %s",
                       sink.base.count, sink.first);
    return sl_fail(call, SL_INVALID, "%s", sink.first);
}

int op_permitted(struct sl_call *call, const struct op *op) {
    const char *needs = op->row.needs;
    if (strcmp(needs, "public") == 0) return 0;
    if (!*call->who.permissions)
        return sl_fail(call, SL_UNAUTHENTICATED,
                       "%s needs a token: send the header 'Authorization: Bearer TOKEN'",
                       op->row.name);
    if (strcmp(needs, "any") == 0 || sl_can(call, needs)) return 0;
    return sl_fail(call, SL_DENIED,
                   "%s needs the permission '%s', which %s does not have; ask an administrator of "
                   "tenant %s for a token with it",
                   op->row.name, needs, call->who.actor, call->who.tenant);
}

static int check_running(struct sl_call *call, const struct plugin *plugin) {
    if (plugin->state == PLUGIN_RUNNING || plugin->state == PLUGIN_DECLARED) return 0;
    sl_retry_after(call, 5);
    return sl_fail(call, SL_UNAVAILABLE, "plugin %s is not running: %s", plugin->name,
                   plugin->trouble ? plugin->trouble : "it was stopped");
}

static void count_result(struct op *op, int status, int64_t began_ns) {
    if (!op->seconds) return;
    if (!op->results[status]) op->results[status] = host_op_result(op, status);
    metric_add(op->results[status], 1);
    metric_observe(op->seconds, (double)(loop_clock_ns() - began_ns) * 1e-9);
}

int op_run(struct sl_call *call, struct op *op, cJSON *in, cJSON *out, bool ask) {
    int64_t began_ns = loop_clock_ns();
    struct loop *loop = call->host->loop;
    const char *was_running = loop->running;
    loop->running = op->row.name;
    call->op = op;
    call->plugin = op->plugin;
    call->out = out;
    int rc = ask ? op_permitted(call, op) : 0;
    if (!rc) rc = check_running(call, op->plugin);
    if (!rc) rc = check_input(call, op, in);
    if (!rc) rc = op->row.run(call, in, out);
    if (rc && (rc < 0 || rc > SL_PRECONDITION || !call->failure.sentence))
        rc = sl_fail(call, SL_INTERNAL, "operation %s failed without saying why (code %d)",
                     op->row.name, rc);
    loop->running = was_running;
    count_result(op, rc, began_ns);
    return rc;
}

const char *problem_title(int status) {
    static const char *const titles[] = {"OK",
                                         "The request is not valid",
                                         "Authentication is needed",
                                         "Not permitted",
                                         "Not found",
                                         "Conflict",
                                         "The version is stale",
                                         "The key was used for another request",
                                         "Too large",
                                         "Limit reached",
                                         "Timed out",
                                         "Cancelled",
                                         "Unavailable",
                                         "Not supported",
                                         "Internal error",
                                         "A precondition is required"};
    return titles[status >= 0 && status <= SL_PRECONDITION ? status : SL_INTERNAL];
}

cJSON *op_problem(struct sl_call *call) {
    struct failure *failure = &call->failure;
    struct arena *before = arena_use(call->arena);
    cJSON *problem = cJSON_CreateObject();
    const char *code = sl_status_name(failure->status);
    cJSON_AddStringToObject(problem, "type", arena_printf(call->arena, "/problems/%s", code));
    cJSON_AddStringToObject(problem, "title", problem_title(failure->status));
    cJSON_AddNumberToObject(problem, "status", http_status_of(failure->status));
    cJSON_AddStringToObject(problem, "detail", failure->sentence ? failure->sentence : "");
    cJSON_AddStringToObject(problem, "code", code);
    if (call->request_id[0]) cJSON_AddStringToObject(problem, "instance", call->request_id);
    if (call->trace.trace_id[0]) cJSON_AddStringToObject(problem, "trace_id", call->trace.trace_id);
    if (failure->retry_after_s)
        cJSON_AddNumberToObject(problem, "retry_after", failure->retry_after_s);
    if (failure->faults) cJSON_AddItemReferenceToObject(problem, "errors", failure->faults);
    arena_use(before);
    return problem;
}

/* ---- operations calling operations ---- */

static void share_children(struct arena *arena, struct field_rows rows, cJSON *copy);

/* What the check of a value by `row` may change below it gets nodes of its own. */
static void share_below(struct arena *arena, const sl_field *row, size_t row_size, cJSON *value) {
    static const struct field_rows none = {NULL, 0};
    const struct field_rows fields = {row->fields, row_size};
    if (row->type != SL_T_LIST && row->type != SL_T_MAP) {
        if (row->fields) share_children(arena, fields, value);
        return;
    }
    share_children(arena, none, value);
    for (cJSON *item = value->child; item && row->fields; item = item->next)
        if (item->child) share_children(arena, fields, item);
}

/* One block for all children of an object or list: most of a request is small objects. Members that
 * no row describes stay as they are: nobody changes them. */
static void share_children(struct arena *arena, struct field_rows rows, cJSON *copy) {
    size_t count = 0;
    for (const cJSON *child = copy->child; child; child = child->next) count++;
    if (!count) return;
    cJSON *items = arena_alloc(arena, count * sizeof *items);
    const cJSON *child = copy->child;
    for (size_t i = 0; i < count; i++, child = child->next) {
        items[i] = *child;
        items[i].prev = i ? &items[i - 1] : &items[count - 1]; /* the first knows the last */
        items[i].next = i + 1 < count ? &items[i + 1] : NULL;
        if (!child->child || !child->string || !rows.first) continue;
        const sl_field *row = field_find(rows, child->string);
        if (row) share_below(arena, row, rows.row_size, &items[i]);
    }
    copy->child = items;
}

/* A tree that shares with `json` what no callee changes, so that fields_check may complete it. In
 * the arena. */
static cJSON *share(struct arena *arena, struct field_rows rows, const cJSON *json) {
    cJSON *copy = arena_alloc(arena, sizeof *copy);
    *copy = *json;
    copy->next = copy->prev = NULL;
    share_children(arena, rows, copy);
    return copy;
}

static int invoke(sl_call *call, const char *name, const cJSON *in, cJSON **out, bool ask) {
    *out = NULL;
    struct op *op = registry_find(call->host->registry, name);
    if (!op) return sl_fail(call, SL_NOT_FOUND, "there is no operation '%s'", name);
    struct sl_call child = *call;
    child.parent = call;
    child.failure = (struct failure){0};
    child.reply = (struct reply){0};
    child.http = NULL; /* it must not answer the caller's request */
    child.idempotency = NULL;
    child.claim = NULL;
    child.lasting = NULL;
    child.waiting = NULL;
    struct arena *before = arena_use(call->arena);
    cJSON *answer = cJSON_CreateObject();
    cJSON *input = in ? share(call->arena, op->in, in) : cJSON_CreateObject();
    int rc = op_run(&child, op, input, answer, ask);
    arena_use(before);
    if (child.cancelled) call->cancelled = child.cancelled;
    if (rc) {
        call->failure = child.failure;
        return rc;
    }
    *out = answer;
    return 0;
}

int sl_invoke(sl_call *call, const char *op, const cJSON *in, cJSON **out) {
    return invoke(call, op, in, out, false);
}

int sl_invoke_as_caller(sl_call *call, const char *op, const cJSON *in, cJSON **out) {
    return invoke(call, op, in, out, true);
}

int sl_has_op(const sl_call *call, const char *op) {
    return registry_find(call->host->registry, op) != NULL;
}
