/* lua_plugin.c - operations and listeners in Lua. */
#include "lua_plugin.h"

#include "host.h"
#include "lua_call.h"
#include "lua_face.h"
#include "lua_value.h"
#include "op.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct lua_plugin {
    struct lua_plugin *next;
    char *path;
    struct sandbox_limits limits;
    struct script *script;
    struct arena arena; /* of the descriptor and what it points to */
    const sl_plugin *face;
    struct stat seen;
    int64_t looked_ns;
};

static const int64_t LOOK_EVERY_NS = 1000000000;

/* ---- reading the file ---- */

static struct script *open_script(const struct lua_plugin *plugin) {
    const char *slash = strrchr(plugin->path, '/');
    struct script_text as = {
        .file = slash ? slash + 1 : plugin->path, .kinds = SCRIPT_PLUGIN, .limits = plugin->limits};
    return script_open_file(plugin->path, &as);
}

/* Serves the new file once it compiles and still is the same plugin. Operations that it adds come
 * with the next start: the routes of a running server are fixed. */
static void reread(struct lua_plugin *plugin, sl_call *call) {
    struct stat now;
    int64_t clock_ns = sl_clock_ns(call);
    if (clock_ns - plugin->looked_ns < LOOK_EVERY_NS) return;
    plugin->looked_ns = clock_ns;
    if (stat(plugin->path, &now) != 0) return;
    if (now.st_ino == plugin->seen.st_ino && now.st_size == plugin->seen.st_size &&
        now.st_mtim.tv_sec == plugin->seen.st_mtim.tv_sec &&
        now.st_mtim.tv_nsec == plugin->seen.st_mtim.tv_nsec)
        return;
    plugin->seen = now;
    struct script *fresh = open_script(plugin);
    if (fresh->fault) {
        sl_log(call, SL_ERROR, "%s:%d: %s; the version before serves on", fresh->fault->file,
               fresh->fault->line, fresh->fault->text);
        script_unref(fresh);
        return;
    }
    script_unref(plugin->script);
    plugin->script = fresh;
}

static struct lua_plugin *plugin_of(const sl_call *call) {
    return (struct lua_plugin *)call->plugin->face.reserved[0];
}

/* ---- running ---- */

struct operation_run {
    sl_call *call;
    cJSON *holder; /* gets the answer as "out" */
};

static void push_text(lua_State *lua, const char *name, const char *text) {
    lua_pushstring(lua, text);
    lua_setfield(lua, -2, name);
}

/* What `run` gets first: who asks, and the plugin's options. */
static void push_call(lua_State *lua, const sl_call *call) {
    lua_createtable(lua, 0, 6);
    push_text(lua, "tenant", sl_tenant(call));
    push_text(lua, "actor", sl_actor(call));
    push_text(lua, "request_id", sl_request_id(call));
    lua_pushinteger(lua, sl_now_ms(call));
    lua_setfield(lua, -2, "now");
    view_push(lua, call->plugin->options);
    lua_setfield(lua, -2, "config");
}

static void push_member(lua_State *lua, int table, const char *name) {
    lua_pushstring(lua, name);
    lua_rawget(lua, table);
}

static void act_operation(lua_State *lua, struct script_run *run) {
    struct operation_run *operation = run->arg;
    const char *name = operation->call->op->row.name;
    int table = lua_gettop(lua);
    push_member(lua, table, "operations");
    if (!lua_istable(lua, -1)) luaL_error(lua, "the file has no operations any more");
    push_member(lua, table + 1, name);
    if (!lua_istable(lua, -1)) luaL_error(lua, "the file has no operation '%s' any more", name);
    push_member(lua, table + 2, "run");
    push_call(lua, operation->call);
    view_push(lua, run->ctx);
    lua_call(lua, 2, 1);
    if (lua_isnil(lua, -1)) return;
    value_read(lua, -1, operation->holder, "out");
    if (!cJSON_IsObject(operation->holder->child))
        luaL_error(lua, "%s must return a table of members", name);
}

/* The sentence of a run that failed: the script's own, or where and how it failed. */
static int fail(sl_call *call, const struct script_run *run) {
    char *file;
    int line;
    const char *text = script_locate(run->message, &file, &line);
    int status = run->status && run->over == OVER_NOTHING ? run->status : SL_INTERNAL;
    char *clean = value_text(text, strlen(text), sizeof run->message);
    int rc = status == run->status
                 ? sl_fail(call, status, "%s", clean)
                 : sl_fail(call, status, "%s:%d: %s", file ? file : run->script->file, line, clean);
    cJSON_free(clean);
    free(file);
    return rc;
}

static int run_operation(sl_call *call, const cJSON *in, cJSON *out) {
    struct lua_plugin *plugin = plugin_of(call);
    struct operation_run operation = {.call = call, .holder = cJSON_CreateObject()};
    reread(plugin, call);
    struct script *script = script_ref(plugin->script);
    struct script_run run = {.script = script,
                             .call = call,
                             .ctx = in,
                             .act = act_operation,
                             .arg = &operation,
                             .calls_left = SCRIPT_CALLS_MAX};
    int rc = script_execute(&run) == 0 ? 0 : fail(call, &run);
    script_unref(script);
    cJSON *answer = rc ? NULL : cJSON_GetObjectItemCaseSensitive(operation.holder, "out");
    while (answer && answer->child) {
        cJSON *member = cJSON_DetachItemViaPointer(answer, answer->child);
        cJSON_AddItemToObject(out, member->string, member);
    }
    return rc;
}

/* The pattern whose listener is served: the claim names it, "plugin.deployment-all". */
static const char *pattern_of(const sl_call *call, const sl_event *event) {
    const sl_listen *row = plugin_of(call)->face->on;
    const char *name = call->claim ? call->claim->listener : NULL;
    const char *dot = name ? strchr(name, '.') : NULL;
    for (; dot && row->name; row++)
        if (strcmp(row->name, dot + 1) == 0) return row->type;
    return event->type;
}

static void act_event(lua_State *lua, struct script_run *run) {
    int table = lua_gettop(lua);
    push_member(lua, table, "on");
    if (!lua_istable(lua, -1)) return;
    push_member(lua, table + 1, run->arg);
    if (!lua_isfunction(lua, -1)) return;
    view_push(lua, run->ctx);
    push_call(lua, run->call);
    lua_call(lua, 2, 0);
}

static cJSON *event_json(const sl_event *event) {
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seq", (double)event->seq);
    cJSON_AddNumberToObject(json, "at", (double)event->at_ms);
    cJSON_AddStringToObject(json, "type", event->type);
    cJSON_AddStringToObject(json, "tenant", event->tenant);
    if (event->actor) cJSON_AddStringToObject(json, "actor", event->actor);
    if (event->subject) cJSON_AddStringToObject(json, "subject", event->subject);
    cJSON_AddNumberToObject(json, "attempt", event->attempt);
    if (event->data) cJSON_AddItemReferenceToObject(json, "data", (cJSON *)event->data);
    return json;
}

static int hear_event(sl_call *call, const sl_event *event) {
    struct lua_plugin *plugin = plugin_of(call);
    char pattern[128];
    snprintf(pattern, sizeof pattern, "%s", pattern_of(call, event));
    reread(plugin, call);
    struct script *script = script_ref(plugin->script);
    struct script_run run = {.script = script,
                             .call = call,
                             .ctx = event_json(event),
                             .act = act_event,
                             .arg = pattern,
                             .calls_left = SCRIPT_CALLS_MAX};
    int rc = script_execute(&run) == 0 ? 0 : fail(call, &run);
    script_unref(script);
    return rc;
}

/* ---- opening ---- */

static void act_face(lua_State *lua, struct script_run *run) {
    face_read(lua, run->arg);
}

static const char *read_face(struct lua_plugin *plugin) {
    const struct script *script = plugin->script;
    if (script->fault)
        return arena_printf(&plugin->arena, "%s:%d: %s", script->fault->file, script->fault->line,
                            script->fault->text);
    const char *trouble = NULL;
    cJSON *json = cJSON_CreateObject();
    struct script_run run = {.script = plugin->script, .act = act_face, .arg = json};
    if (script_execute(&run) != 0) return arena_strdup(&plugin->arena, run.message);
    struct face_handlers handlers = {.run = run_operation, .hear = hear_event};
    const sl_plugin *face = face_build(&plugin->arena, json, handlers, &trouble);
    if (!face) return arena_printf(&plugin->arena, "%s: %s", script->file, trouble);
    ((sl_plugin *)face)->reserved[0] = plugin;
    plugin->face = face;
    return NULL;
}

struct lua_plugin *lua_plugin_open(const char *file, const struct sandbox_limits *limits,
                                   char **error) {
    struct lua_plugin *plugin = calloc(1, sizeof *plugin);
    plugin->path = strdup(file);
    plugin->limits = *limits;
    arena_init(&plugin->arena);
    if (stat(file, &plugin->seen) != 0) memset(&plugin->seen, 0, sizeof plugin->seen);
    plugin->script = open_script(plugin);
    struct arena *before = arena_use(&plugin->arena);
    const char *trouble = read_face(plugin);
    arena_use(before);
    if (!trouble) return plugin;
    *error = strdup(trouble);
    lua_plugin_close(plugin);
    return NULL;
}

const sl_plugin *lua_plugin_face(const struct lua_plugin *plugin) {
    return plugin->face;
}

struct lua_plugin **lua_plugin_next(struct lua_plugin *plugin) {
    return &plugin->next;
}

void lua_plugin_close(struct lua_plugin *plugin) {
    if (!plugin) return;
    script_unref(plugin->script);
    arena_fini(&plugin->arena);
    free(plugin->path);
    free(plugin);
}
