/* lua_script.c - compiling, declaring and running one script. */
#include "lua_script.h"

#include "arena.h"
#include "lua_call.h"
#include "lua_decision.h"
#include "lua_helpers.h"
#include "lua_lint.h"
#include "lua_prepared.h"
#include "lua_value.h"
#include "sha256.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char main_key = 'm';

struct script_run *script_running(lua_State *lua) {
    return sandbox_of(lua)->run;
}

/* ---- states ---- */

static int compile(lua_State *lua) {
    const struct script *script = lua_touserdata(lua, 1);
    char chunk[80];
    view_open(lua);
    value_open(lua);
    helpers_open(lua);
    decision_open(lua);
    call_words_open(lua);
    snprintf(chunk, sizeof chunk, "@%s", script->file);
    if (script->size > SANDBOX_SOURCE_MAX)
        return luaL_error(lua, "%s:1: the script is larger than %d bytes", script->file,
                          SANDBOX_SOURCE_MAX);
    if (luaL_loadbufferx(lua, script->source, script->size, chunk, "t") != LUA_OK)
        return lua_error(lua);
    lint_refuse(lua, script->file);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &main_key);
    return 0;
}

static void copy_outcome(struct script_run *run, const struct sandbox *box) {
    run->over = box->over;
    memcpy(run->message, box->message, box->message_size + 1);
}

/* A compiled state; NULL with the run's message set. */
static struct sandbox *take_state(struct script_run *run) {
    struct script *script = run->script;
    if (script->idle_count) return script->idle[--script->idle_count];
    if (script->live >= SCRIPT_STATES_MAX) {
        run->over = OVER_WALL;
        snprintf(run->message, sizeof run->message, "%d runs of this script are waiting already",
                 SCRIPT_STATES_MAX);
        return NULL;
    }
    struct sandbox *box = sandbox_open(&script->limits);
    if (!box) {
        run->over = OVER_MEMORY;
        snprintf(run->message, sizeof run->message, "no memory for a Lua state");
        return NULL;
    }
    if (sandbox_run(box, compile, script) != 0) {
        copy_outcome(run, box);
        sandbox_close(box);
        return NULL;
    }
    script->live++;
    return box;
}

/* A state that passed a limit is not used again. */
static void give_state(struct script *script, struct sandbox *box) {
    if (box->over == OVER_NOTHING) {
        script->idle[script->idle_count++] = box;
        return;
    }
    script->live--;
    sandbox_close(box);
}

/* ---- running ---- */

/* Leaves `check` of the declared table in its place. */
static void take_check(lua_State *lua, const struct script_run *run) {
    lua_pushliteral(lua, "check");
    lua_rawget(lua, 2);
    lua_replace(lua, 2);
    if (run->effects || !prepared_keep(lua)) return;
    lua_settop(lua, 1);
    prepared_push(lua);
}

static int execute(lua_State *lua) {
    struct script_run *run = lua_touserdata(lua, 1);
    if (run->checks && prepared_push(lua)) {
        run->act(lua, run);
        return 0;
    }
    lua_rawgetp(lua, LUA_REGISTRYINDEX, &main_key);
    sandbox_push_env(lua);
    lua_setupvalue(lua, -2, 1);
    declaration_reset(lua);
    lua_call(lua, 0, LUA_MULTRET);
    declaration_check(lua, run->script);
    if (run->checks) take_check(lua, run);
    run->act(lua, run);
    return 0;
}

int script_execute(struct script_run *run) {
    struct script *script = run->script;
    struct sandbox *box = take_state(run);
    int status = -1;
    if (box) {
        box->run = run;
        box->trace = run->trace;
        status = sandbox_run(box, execute, run) == 0 ? 0 : -1;
        box->run = NULL;
        box->trace = NULL;
        copy_outcome(run, box);
        give_state(script, box);
    }
    return status;
}

/* ---- opening ---- */

static void keep_declared(lua_State *lua, struct script_run *run) {
    struct script *script = run->script;
    int at = lua_gettop(lua);
    static const char *const kept[] = {"name", "summary", "applies", "calls"};
    script->kind = declaration_kind(lua);
    script->declared = cJSON_CreateObject();
    if (script->kinds & SCRIPT_FUNCTIONS) return;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        lua_pushstring(lua, kept[i]);
        if (lua_rawget(lua, at) != LUA_TNIL) value_read(lua, -1, script->declared, kept[i]);
        lua_pop(lua, 1);
    }
    lua_pushliteral(lua, "name");
    if (lua_rawget(lua, at) == LUA_TSTRING) script->name = strdup(lua_tostring(lua, -1));
    lua_pop(lua, 1);
}

const char *script_locate(const char *message, char **file, int *line) {
    const char *colon = strstr(message, ".lua:");
    char *end = NULL;
    *file = NULL, *line = 0;
    if (!colon || colon - message > 100) return message;
    long number = strtol(colon + 5, &end, 10);
    if (end == colon + 5 || strncmp(end, ": ", 2) != 0 || number < 1) return message;
    *file = strndup(message, (size_t)(colon - message) + 4);
    *line = (int)number;
    return end + 2;
}

static void keep_fault(struct script *script, const struct script_run *run) {
    script->fault = calloc(1, sizeof *script->fault);
    if (!script->fault) return;
    const char *text = script_locate(run->message, &script->fault->file, &script->fault->line);
    script->fault->text = strdup(text);
    script->fault->limit = run->over != OVER_NOTHING;
    if (!script->fault->file) script->fault->file = strdup(script->file);
}

void script_fail(struct script *script, const char *trouble) {
    struct script_run run = {.script = script};
    snprintf(run.message, sizeof run.message, "%s", trouble);
    if (!script->fault) keep_fault(script, &run);
}

struct script *script_open(const struct script_text *text) {
    struct script *script = calloc(1, sizeof *script);
    if (!script) return NULL;
    *script = (struct script){.refs = 1,
                              .kinds = text->kinds,
                              .file = strndup(text->file, SCRIPT_FILE_MAX),
                              .source = malloc(text->size + 1),
                              .size = text->size,
                              .library = library_ref(text->library),
                              .limits = text->limits};
    if (text->size) memcpy(script->source, text->source, text->size);
    script->source[text->size] = '\0';
    sha256_hex(script->source, script->size, script->hash);
    struct arena *before = arena_use(NULL); /* what is declared outlives the call */
    struct script_run run = {.script = script, .act = keep_declared};
    if (text->trouble)
        script_fail(script, text->trouble);
    else if (script_execute(&run) != 0)
        keep_fault(script, &run);
    arena_use(before);
    if (!script->name) {
        script->name = strdup(script->file);
        char *dot = strrchr(script->name, '.');
        if (dot) *dot = '\0';
    }
    return script;
}

struct script *script_ref(struct script *script) {
    script->refs++;
    return script;
}

void script_unref(struct script *script) {
    if (!script || --script->refs) return;
    while (script->idle_count) sandbox_close(script->idle[--script->idle_count]);
    if (script->fault) {
        free(script->fault->text);
        free(script->fault->file);
        free(script->fault);
    }
    struct arena *before = arena_use(NULL);
    cJSON_Delete(script->declared);
    arena_use(before);
    library_unref(script->library);
    free(script->file);
    free(script->source);
    free(script->name);
    free(script);
}
