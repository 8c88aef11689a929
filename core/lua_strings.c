/* lua_strings.c - the string library, with every function paying for what it is about to do. */
#include "lua_pattern.h"
#include "lua_sandbox.h"

#include <ctype.h>
#include <lualib.h>
#include <string.h>

enum { RESULT_MAX = 1024 * 1024, BYTES_A_UNIT = 16 };

static const char *checked(lua_State *lua, int at, size_t *size) {
    const char *text = luaL_checklstring(lua, at, size);
    sandbox_charge(lua, (int64_t)(*size / BYTES_A_UNIT));
    return text;
}

/* 1-based and negative positions, as in the manual; past the end: size + 1. */
static size_t start_of(lua_Integer position, size_t size) {
    if (position > 0) return (size_t)position > size + 1 ? size + 1 : (size_t)position;
    if (position == 0 || position < -(lua_Integer)size) return 1;
    return (size_t)((lua_Integer)size + position + 1);
}

/* ---- plain functions of Lua's own, behind a charge for the length of their text ---- */

static int charged(lua_State *lua) {
    size_t size;
    checked(lua, 1, &size);
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, LUA_MULTRET);
    return lua_gettop(lua);
}

static int guarded_rep(lua_State *lua) {
    size_t size, between;
    const char *text = luaL_checklstring(lua, 1, &size);
    lua_Integer times = luaL_checkinteger(lua, 2);
    const char *separator = luaL_optlstring(lua, 3, "", &between);
    if (times <= 0 || size + between == 0) {
        lua_pushliteral(lua, "");
        return 1;
    }
    if ((lua_Unsigned)times > RESULT_MAX / (size + between))
        return luaL_error(lua, "string.rep: more than %d bytes wanted", RESULT_MAX);
    sandbox_charge(lua, times + (lua_Integer)((size + between) * (size_t)times / BYTES_A_UNIT));
    luaL_Buffer result;
    luaL_buffinit(lua, &result);
    for (; times > 0; times--) {
        luaL_addlstring(&result, text, size);
        if (times > 1) luaL_addlstring(&result, separator, between);
    }
    luaL_pushresult(&result);
    return 1;
}

/* ---- format ---- */

/* The conversion character of the directive that begins after '%'. */
static const char *conversion_of(const char *at, const char *end) {
    while (at < end && strchr("-+ #0123456789.", *at) && *at) at++;
    return at;
}

/* Lua's own format on checked arguments: texts are made here, and no address is shown. */
static int guarded_format(lua_State *lua) {
    size_t size;
    const char *at = checked(lua, 1, &size), *end = at + size;
    int argument = 1;
    while (at < end && (at = memchr(at, '%', (size_t)(end - at)))) {
        at = conversion_of(at + 1, end);
        if (at == end) break;
        if (*at++ == '%') continue;
        argument++;
        if (at[-1] == 'p') return luaL_error(lua, "string.format: '%%p' is not available");
        sandbox_charge(lua, 10);
        if (at[-1] != 's' || argument > lua_gettop(lua)) continue;
        if (lua_type(lua, argument) != LUA_TSTRING) {
            lua_pushvalue(lua, lua_upvalueindex(2)); /* our tostring */
            lua_pushvalue(lua, argument);
            lua_call(lua, 1, 1);
            lua_replace(lua, argument);
        }
        size_t length;
        checked(lua, argument, &length);
    }
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_insert(lua, 1);
    lua_call(lua, lua_gettop(lua) - 1, 1);
    return 1;
}

/* ---- patterns ---- */

struct search {
    lua_State *lua;
    struct pattern match;
    const char *pattern; /* behind the '^' */
    bool anchored;
};

static void search_init(struct search *search, lua_State *lua, const char *text, size_t size) {
    search->lua = lua;
    search->match.source = text;
    search->match.source_end = text + size;
}

static void search_pattern(struct search *search, const char *pattern, size_t size) {
    search->anchored = size > 0 && *pattern == '^';
    search->pattern = pattern + search->anchored;
    search->match.pattern_end = pattern + size;
}

/* Takes what the run has left as the budget of the tries to come. */
static int64_t search_begin(struct search *search) {
    const struct sandbox *box = sandbox_of(search->lua);
    int64_t budget = box->limits.work - box->work + 1;
    search->match.steps_left = budget < 0 ? 0 : budget;
    search->match.fault = NULL;
    return search->match.steps_left;
}

/* Charges what was used of `budget`; raises what is wrong with the pattern. */
static void search_end(struct search *search, int64_t budget) {
    sandbox_charge(search->lua, budget - search->match.steps_left);
    if (search->match.fault) luaL_error(search->lua, "%s", search->match.fault);
}

static const char *try_at(struct search *search, const char *s) {
    search->match.depth = 0, search->match.levels = 0;
    return pattern_match(&search->match, s, search->pattern);
}

/* One try at `s`. */
static const char *search_at(struct search *search, const char *s) {
    int64_t budget = search_begin(search);
    const char *end = try_at(search, s);
    search_end(search, budget);
    return end;
}

/* The byte that every match begins with, or -1. */
static int first_byte(const struct search *search) {
    const char *p = search->pattern, *end = search->match.pattern_end;
    if (search->anchored || p == end || *p == '\0' || strchr("().%[$", *p)) return -1;
    return p + 1 < end && p[1] && strchr("*?-", p[1]) ? -1 : (unsigned char)*p;
}

/* The first match at or after `*s`; `*s` becomes its start. */
static const char *search_from(struct search *search, const char **s) {
    int64_t budget = search_begin(search);
    int first = first_byte(search);
    const char *end = NULL;
    for (;; (*s)++) {
        if (first >= 0) {
            const char *from = *s;
            *s = memchr(from, first, (size_t)(search->match.source_end - from));
            if (!*s) *s = search->match.source_end;
            search->match.steps_left -= (*s - from) / BYTES_A_UNIT;
        }
        end = try_at(search, *s);
        if (end || search->anchored || search->match.fault || *s >= search->match.source_end) break;
    }
    search_end(search, budget);
    return end;
}

/* Pushes capture `i`; without captures the 0-th is the whole match. */
static void push_capture(struct search *search, int i, const char *s, const char *end) {
    struct pattern *match = &search->match;
    if (i >= match->levels) {
        if (i > 0) luaL_error(search->lua, "invalid capture index %%%d", i + 1);
        lua_pushlstring(search->lua, s, (size_t)(end - s));
        return;
    }
    ptrdiff_t size = match->captures[i].size;
    if (size == PATTERN_OPEN) luaL_error(search->lua, "unfinished capture");
    if (size == PATTERN_POSITION)
        lua_pushinteger(search->lua, match->captures[i].start - match->source + 1);
    else
        lua_pushlstring(search->lua, match->captures[i].start, (size_t)size);
}

static int push_captures(struct search *search, const char *s, const char *end) {
    int count = search->match.levels ? search->match.levels : (s ? 1 : 0);
    luaL_checkstack(search->lua, count, "too many captures");
    for (int i = 0; i < count; i++) push_capture(search, i, s, end);
    return count;
}

static int find_plain(lua_State *lua, const char *text, size_t size, size_t from) {
    size_t wanted_size;
    const char *wanted = luaL_checklstring(lua, 2, &wanted_size);
    sandbox_charge(lua, (int64_t)(size / BYTES_A_UNIT));
    const char *at = memmem(text + from, size - from, wanted, wanted_size);
    if (!at) {
        lua_pushnil(lua);
        return 1;
    }
    lua_pushinteger(lua, at - text + 1);
    lua_pushinteger(lua, at - text + (lua_Integer)wanted_size);
    return 2;
}

static int find_or_match(lua_State *lua, bool find) {
    size_t size, pattern_size;
    const char *text = luaL_checklstring(lua, 1, &size);
    const char *pattern = luaL_checklstring(lua, 2, &pattern_size);
    size_t from = start_of(luaL_optinteger(lua, 3, 1), size) - 1;
    if (luaL_optinteger(lua, 3, 1) > (lua_Integer)size + 1) {
        lua_pushnil(lua);
        return 1;
    }
    if (find && (lua_toboolean(lua, 4) || !strpbrk(pattern, "^$*+?.([%-")) &&
        (lua_toboolean(lua, 4) || strlen(pattern) == pattern_size))
        return find_plain(lua, text, size, from);
    struct search search;
    search_init(&search, lua, text, size);
    search_pattern(&search, pattern, pattern_size);
    const char *s = text + from, *end = search_from(&search, &s);
    if (!end) {
        lua_pushnil(lua);
        return 1;
    }
    if (!find) return push_captures(&search, s, end);
    lua_pushinteger(lua, s - text + 1);
    lua_pushinteger(lua, end - text);
    return push_captures(&search, NULL, NULL) + 2;
}

static int guarded_find(lua_State *lua) {
    return find_or_match(lua, true);
}

static int guarded_match(lua_State *lua) {
    return find_or_match(lua, false);
}

/* Upvalues: text, pattern, offset of the next try, offset of the last match's end (or -1). */
static int gmatch_next(lua_State *lua) {
    size_t size, pattern_size;
    const char *text = lua_tolstring(lua, lua_upvalueindex(1), &size);
    const char *pattern = lua_tolstring(lua, lua_upvalueindex(2), &pattern_size);
    lua_Integer from = lua_tointeger(lua, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(lua, lua_upvalueindex(4));
    struct search search;
    search_init(&search, lua, text, size);
    search_pattern(&search, pattern, pattern_size);
    search.pattern = pattern, search.anchored = false; /* no anchors in gmatch */
    for (const char *s = text + from; s <= text + size; s++) {
        const char *end = search_from(&search, &s);
        if (!end) break;
        if (end - text == last) continue;
        lua_pushinteger(lua, end - text);
        lua_pushvalue(lua, -1);
        lua_replace(lua, lua_upvalueindex(3));
        lua_replace(lua, lua_upvalueindex(4));
        return push_captures(&search, s, end);
    }
    return 0;
}

static int guarded_gmatch(lua_State *lua) {
    size_t size;
    luaL_checklstring(lua, 1, &size);
    luaL_checkstring(lua, 2);
    size_t from = start_of(luaL_optinteger(lua, 3, 1), size) - 1;
    lua_settop(lua, 2);
    lua_pushinteger(lua, (lua_Integer)from);
    lua_pushinteger(lua, -1);
    lua_pushcclosure(lua, gmatch_next, 4);
    return 1;
}

/* "%1 and %%" of a replacement text. */
static void add_template(struct search *search, luaL_Buffer *result, const char *s,
                         const char *end) {
    lua_State *lua = search->lua;
    size_t size;
    const char *text = lua_tolstring(lua, 3, &size), *stop = text + size;
    sandbox_charge(lua, (int64_t)(size / BYTES_A_UNIT) + 1);
    for (; text < stop; text++) {
        if (*text != '%') {
            luaL_addchar(result, *text);
            continue;
        }
        if (++text == stop || !(*text == '%' || isdigit((unsigned char)*text)))
            luaL_error(lua, "invalid use of '%%' in replacement string");
        if (*text == '%') {
            luaL_addchar(result, '%');
        } else if (*text == '0') {
            luaL_addlstring(result, s, (size_t)(end - s));
        } else {
            push_capture(search, *text - '1', s, end);
            luaL_tolstring(lua, -1, NULL);
            lua_remove(lua, -2);
            luaL_addvalue(result);
        }
    }
}

static void add_replacement(struct search *search, luaL_Buffer *result, const char *s,
                            const char *end) {
    lua_State *lua = search->lua;
    int type = lua_type(lua, 3);
    if (type == LUA_TSTRING || type == LUA_TNUMBER) {
        add_template(search, result, s, end);
        return;
    }
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(lua, 3);
        lua_call(lua, push_captures(search, s, end), 1);
    } else {
        push_capture(search, 0, s, end);
        lua_gettable(lua, 3);
    }
    if (!lua_toboolean(lua, -1)) {
        lua_pop(lua, 1);
        luaL_addlstring(result, s, (size_t)(end - s));
    } else if (lua_isstring(lua, -1)) {
        luaL_addvalue(result);
    } else {
        luaL_error(lua, "invalid replacement value (a %s)", luaL_typename(lua, -1));
    }
}

static int guarded_gsub(lua_State *lua) {
    size_t size, pattern_size;
    const char *text = checked(lua, 1, &size), *last = NULL;
    const char *pattern = luaL_checklstring(lua, 2, &pattern_size);
    int type = lua_type(lua, 3);
    luaL_argexpected(lua,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer times = luaL_optinteger(lua, 4, (lua_Integer)size + 1), done = 0;
    if (type == LUA_TNUMBER) luaL_checkstring(lua, 3); /* becomes text in its place */
    lua_settop(lua, 3);
    sandbox_deeper(lua);
    struct search search;
    search_init(&search, lua, text, size);
    search_pattern(&search, pattern, pattern_size);
    luaL_Buffer result;
    luaL_buffinit(lua, &result);
    const char *s = text;
    while (done < times) {
        const char *end = search_at(&search, s);
        if (end && end != last) {
            done++;
            add_replacement(&search, &result, s, end);
            s = last = end;
        } else if (s < text + size) {
            luaL_addchar(&result, *s++);
        } else {
            break;
        }
        if (search.anchored) break;
    }
    luaL_addlstring(&result, s, (size_t)(text + size - s));
    luaL_pushresult(&result);
    lua_pushinteger(lua, done);
    return 2;
}

/* ---- assembly ---- */

void lua_open_strings(lua_State *lua) {
    static const char *const plain[] = {"byte", "lower", "reverse", "sub", "upper", "len", NULL};
    static const luaL_Reg guarded[] = {{"find", guarded_find},     {"match", guarded_match},
                                       {"gmatch", guarded_gmatch}, {"gsub", guarded_gsub},
                                       {"rep", guarded_rep},       {NULL, NULL}};
    lua_createtable(lua, 0, 12);
    luaL_setfuncs(lua, guarded, 0);
    lua_pushcfunction(lua, luaopen_string);
    lua_call(lua, 0, 1);
    for (size_t i = 0; plain[i]; i++) {
        lua_getfield(lua, -1, plain[i]);
        lua_pushcclosure(lua, charged, 1);
        lua_setfield(lua, -3, plain[i]);
    }
    lua_getfield(lua, -1, "char");
    lua_setfield(lua, -3, "char");
    lua_getfield(lua, -1, "format");
    lua_getfield(lua, -4, "tostring"); /* of the globals, below the two tables */
    lua_pushcclosure(lua, guarded_format, 2);
    lua_setfield(lua, -3, "format");
    lua_pop(lua, 1);

    lua_pushliteral(lua, ""); /* ("x"):upper() finds our functions, and nobody finds the table */
    lua_createtable(lua, 0, 2);
    lua_pushvalue(lua, -3);
    lua_setfield(lua, -2, "__index");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
    lua_pop(lua, 1);
    sandbox_freeze(lua);
    lua_setfield(lua, -2, "string");
}
