/* lua_decision.c - declarations and decisions of scripts. */
#include "lua_decision.h"

#include "lua_value.h"

#include <string.h>

static const char declared_key = 'd';

struct decision {
    enum outcome outcome;
    int line;
};

static const struct word {
    const char *word, *outcome;
    bool reason; /* must be given */
    unsigned kinds;
} words[] = {
    [OUTCOME_ALLOW] = {"allow", "allow", false, SCRIPT_POLICY | SCRIPT_GATE},
    [OUTCOME_WARN] = {"warn", "warn", true, SCRIPT_POLICY | SCRIPT_GATE},
    [OUTCOME_WAIT] = {"wait", "wait", true, SCRIPT_GATE},
    [OUTCOME_APPROVAL] = {"needs_approval", "approval", true, SCRIPT_POLICY},
    [OUTCOME_DENY] = {"deny", "deny", true, SCRIPT_POLICY | SCRIPT_GATE},
};

/* ---- declarations ---- */

static const struct declaration {
    enum script_kind kind;
    const char *word;
    const char *members; /* " a b " */
    const char *must;    /* the member without which it means nothing */
    int must_type;
} declarations[] = {
    {SCRIPT_POLICY, "policy", " name summary applies calls check ", "check", LUA_TFUNCTION},
    {SCRIPT_GATE, "gate", " name summary applies calls check ", "check", LUA_TFUNCTION},
    {SCRIPT_PLUGIN, "plugin", " name version summary license requires config operations on ",
     "name", LUA_TSTRING},
    {SCRIPT_TESTS, "tests", " script settings cases ", "cases", LUA_TTABLE},
};
enum { DECLARATIONS = sizeof declarations / sizeof *declarations };

const char *kind_name(enum script_kind kind) {
    for (size_t i = 0; i < DECLARATIONS; i++)
        if (declarations[i].kind == kind) return declarations[i].word;
    return "script";
}

static void check_members(lua_State *lua, const struct declaration *kind) {
    char wanted[NAME_BYTES_MAX + 3];
    for (lua_pushnil(lua); lua_next(lua, 1); lua_pop(lua, 1)) {
        size_t size = 0;
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tolstring(lua, -2, &size) : "?";
        if (size > 0 && size <= NAME_BYTES_MAX && !strchr(name, ' ')) {
            wanted[0] = ' ';
            memcpy(wanted + 1, name, size);
            memcpy(wanted + 1 + size, " ", 2);
            if (strstr(kind->members, wanted)) continue;
        }
        luaL_error(lua, "%s has no member '%s'; known are:%s", kind->word, name, kind->members);
    }
    lua_pushstring(lua, kind->must);
    if (lua_rawget(lua, 1) != kind->must_type)
        luaL_error(lua, "%s needs '%s' = a %s", kind->word, kind->must,
                   lua_typename(lua, kind->must_type));
    lua_pop(lua, 1);
}

static void check_name(lua_State *lua, const struct declaration *kind) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    lua_pushliteral(lua, "name");
    int type = lua_rawget(lua, 1);
    size_t size = 0;
    const char *name = type == LUA_TSTRING ? lua_tolstring(lua, -1, &size) : NULL;
    if (type != LUA_TNIL && (!name || size == 0 || size > NAME_BYTES_MAX ||
                             strspn(name, letters) != size || !strchr(letters, *name)))
        luaL_error(lua, "%s: 'name' must be 1 to %d of a-z, 0-9, '-', '_' and '.'", kind->word,
                   NAME_BYTES_MAX);
    lua_pop(lua, 1);
}

static void check_table(lua_State *lua, const struct declaration *kind, const char *member) {
    lua_pushstring(lua, member);
    int type = lua_rawget(lua, 1);
    if (type != LUA_TNIL && type != LUA_TTABLE)
        luaL_error(lua, "%s: '%s' must be a table", kind->word, member);
    lua_pop(lua, 1);
}

/* policy{}, gate{}...: upvalue 1 is the row of the table above. */
static int declare(lua_State *lua) {
    const struct declaration *kind = &declarations[lua_tointeger(lua, lua_upvalueindex(1))];
    luaL_checktype(lua, 1, LUA_TTABLE);
    if (lua_getmetatable(lua, 1)) return luaL_error(lua, "%s takes a plain table", kind->word);
    lua_settop(lua, 1);
    check_members(lua, kind);
    check_name(lua, kind);
    check_table(lua, kind, "applies");
    check_table(lua, kind, "calls");
    if (lua_rawgetp(lua, LUA_REGISTRYINDEX, &declared_key) == LUA_TTABLE)
        return luaL_error(lua, "the file declares more than once");
    lua_pop(lua, 1);
    lua_createtable(lua, 2, 0);
    lua_pushinteger(lua, kind->kind);
    lua_rawseti(lua, -2, 1);
    lua_pushvalue(lua, 1);
    lua_rawseti(lua, -2, 2);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &declared_key);
    return 1;
}

void declaration_reset(lua_State *lua) {
    lua_pushnil(lua);
    lua_rawsetp(lua, LUA_REGISTRYINDEX, &declared_key);
}

enum script_kind declaration_kind(lua_State *lua) {
    if (lua_rawgetp(lua, LUA_REGISTRYINDEX, &declared_key) != LUA_TTABLE) {
        lua_pop(lua, 1);
        return SCRIPT_FUNCTIONS;
    }
    lua_rawgeti(lua, -1, 1);
    enum script_kind kind = (enum script_kind)lua_tointeger(lua, -1);
    lua_pop(lua, 2);
    return kind;
}

/* A file of functions declares nothing: what it returns is looked at when a function is asked for. */
static void check_functions(lua_State *lua, const struct script *script) {
    if (lua_gettop(lua) != 2 || !(lua_istable(lua, 2) || lua_isfunction(lua, 2)))
        luaL_error(lua,
                   "%s:1: the file must end in 'return function(input) ... end' or in a table "
                   "of functions",
                   script->file);
}

void declaration_check(lua_State *lua, const struct script *script) {
    if (script->kinds & SCRIPT_FUNCTIONS) {
        check_functions(lua, script);
        return;
    }
    bool declared = lua_rawgetp(lua, LUA_REGISTRYINDEX, &declared_key) == LUA_TTABLE;
    if (!declared || lua_gettop(lua) != 3 || lua_rawgeti(lua, -1, 2) != LUA_TTABLE ||
        !lua_rawequal(lua, -1, 2)) {
        const char *word = script->kinds & SCRIPT_PLUGIN  ? "plugin"
                           : script->kinds & SCRIPT_TESTS ? "tests"
                           : script->kinds & SCRIPT_GATE  ? "gate"
                                                          : "policy";
        luaL_error(lua, "%s:1: the file must end in 'return %s { ... }'", script->file, word);
    }
    enum script_kind kind = declaration_kind(lua);
    if (!(script->kinds & kind))
        luaL_error(lua, "%s:1: this is a %s, which is not expected here", script->file,
                   kind_name(kind));
    lua_replace(lua, 2);
    lua_settop(lua, 2);
}

/* ---- decisions ---- */

static void check_options(lua_State *lua, const struct word *word) {
    for (lua_pushnil(lua); lua_next(lua, 2); lua_pop(lua, 1)) {
        const char *name = lua_type(lua, -2) == LUA_TSTRING ? lua_tostring(lua, -2) : "?";
        if (strcmp(name, "fix") == 0) {
            if (lua_type(lua, -1) != LUA_TSTRING)
                luaL_error(lua, "%s: 'fix' must be a text", word->word);
        } else if (strcmp(name, "evidence") != 0) {
            luaL_error(lua, "%s has no option '%s'; known are: fix, evidence", word->word, name);
        }
    }
}

static int decide(lua_State *lua) {
    enum outcome outcome = (enum outcome)lua_tointeger(lua, lua_upvalueindex(1));
    const struct word *word = &words[outcome];
    size_t size = 0;
    lua_settop(lua, 2);
    if (lua_type(lua, 1) == LUA_TSTRING)
        lua_tolstring(lua, 1, &size);
    else if (!lua_isnil(lua, 1))
        luaL_error(lua, "%s: the reason must be a text", word->word);
    if (word->reason && size == 0) luaL_error(lua, "%s needs a reason", word->word);
    const struct script_run *run = script_running(lua);
    if (run && run->script->kind && !(word->kinds & run->script->kind))
        luaL_error(lua, "%s() is not for a %s", word->word, kind_name(run->script->kind));
    if (!lua_isnil(lua, 2)) {
        luaL_argexpected(lua, lua_istable(lua, 2), 2, "table");
        check_options(lua, word);
    }
    struct decision *decision = lua_newuserdatauv(lua, sizeof *decision, 2);
    *decision = (struct decision){.outcome = outcome};
    lua_Debug at;
    if (lua_getstack(lua, 1, &at) && lua_getinfo(lua, "l", &at)) decision->line = at.currentline;
    lua_pushvalue(lua, 1);
    lua_setiuservalue(lua, -2, 1);
    lua_pushvalue(lua, 2);
    lua_setiuservalue(lua, -2, 2);
    lua_rawgetp(lua, LUA_REGISTRYINDEX, words);
    lua_setmetatable(lua, -2);
    return 1;
}

static struct decision *decision_at(lua_State *lua, int at) {
    if (lua_type(lua, at) != LUA_TUSERDATA || !lua_getmetatable(lua, at)) return NULL;
    lua_rawgetp(lua, LUA_REGISTRYINDEX, words);
    bool ours = lua_rawequal(lua, -1, -2);
    lua_pop(lua, 2);
    return ours ? lua_touserdata(lua, at) : NULL;
}

/* "check" must give one decision: says what it gave in its place. */
static void refuse_answer(lua_State *lua, const struct script_run *run, int count) {
    const char *got = count == 0 ? "nothing" : count > 1 ? "more than one value" : NULL;
    if (!got) {
        int type = lua_type(lua, -1);
        got = type == LUA_TUSERDATA ? "a part of the context" : lua_typename(lua, type);
    }
    luaL_error(lua, "%s:1: check answered %s; expected allow(), deny(\"why\", { fix = ... }), ...",
               run->script->file, got);
}

static void add_text(lua_State *lua, cJSON *verdict, const char *name) {
    size_t size;
    const char *text = lua_tolstring(lua, -1, &size);
    char *clean = value_text(text, size, REASON_BYTES_MAX);
    /* Nothing here raises, so the text can be handed over as it is. */
    cJSON *item = cJSON_CreateStringReference(clean ? clean : "");
    cJSON_AddItemToObjectCS(verdict, name, item);
    if (item && clean)
        item->type &= ~cJSON_IsReference;
    else
        cJSON_free(clean);
}

static void add_options(lua_State *lua, cJSON *verdict) {
    lua_pushliteral(lua, "fix");
    if (lua_rawget(lua, -2) == LUA_TSTRING) add_text(lua, verdict, "fix");
    lua_pop(lua, 1);
    lua_pushliteral(lua, "evidence");
    if (lua_rawget(lua, -2) != LUA_TNIL) value_read(lua, -1, verdict, "evidence");
    lua_pop(lua, 1);
}

void decision_take(lua_State *lua, const struct script_run *run, cJSON *verdict) {
    int below = lua_gettop(lua) - 1;
    view_push(lua, run->ctx);
    lua_call(lua, 1, LUA_MULTRET);
    int count = lua_gettop(lua) - below;
    const struct decision *decision = count == 1 ? decision_at(lua, -1) : NULL;
    if (!decision) {
        refuse_answer(lua, run, count);
        return; /* not reached: it raises */
    }
    if (lua_getiuservalue(lua, -1, 1) == LUA_TSTRING) add_text(lua, verdict, "reason");
    lua_pop(lua, 1);
    if (lua_getiuservalue(lua, -1, 2) == LUA_TTABLE) add_options(lua, verdict);
    lua_pop(lua, 1);
    /* Last, so that a fault on the way leaves no outcome behind. */
    cJSON_AddItemToObjectCS(verdict, "line", cJSON_CreateNumber(decision->line));
    cJSON_AddItemToObjectCS(verdict, "outcome",
                            cJSON_CreateStringReference(words[decision->outcome].outcome));
}

void decision_open(lua_State *lua) {
    lua_createtable(lua, 0, 2);
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_pushliteral(lua, "decision");
    lua_setfield(lua, -2, "__name");
    lua_rawsetp(lua, LUA_REGISTRYINDEX, words);
    sandbox_push_globals(lua);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        lua_pushinteger(lua, (lua_Integer)i);
        lua_pushcclosure(lua, decide, 1);
        lua_setfield(lua, -2, words[i].word);
    }
    for (size_t i = 0; i < DECLARATIONS; i++) {
        lua_pushinteger(lua, (lua_Integer)i);
        lua_pushcclosure(lua, declare, 1);
        lua_setfield(lua, -2, declarations[i].word);
    }
    lua_pop(lua, 1);
}
