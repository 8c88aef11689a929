/* Guarded natives answer as Lua's own do: the same calls in the sandbox and in a plain state. */
#include "lua_sandbox.h"

#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Runs `source` as a chunk; its one text result, or "error". */
static void run_chunk(lua_State *lua, const char *source, char *result, size_t size) {
    snprintf(result, size, "error");
    if (luaL_loadstring(lua, source) == LUA_OK && lua_pcall(lua, 0, 1, 0) == LUA_OK &&
        lua_isstring(lua, -1))
        snprintf(result, size, "%s", lua_tostring(lua, -1));
    lua_settop(lua, 0);
}

struct guarded_run {
    const char *source;
    char *result;
    size_t size;
};

static int run_guarded(lua_State *lua) {
    struct guarded_run *run = lua_touserdata(lua, 1);
    snprintf(run->result, run->size, "error");
    if (luaL_loadstring(lua, run->source) != LUA_OK) return 0;
    sandbox_push_env(lua);
    lua_setupvalue(lua, -2, 1);
    if (lua_pcall(lua, 0, 1, 0) == LUA_OK && lua_isstring(lua, -1))
        snprintf(run->result, run->size, "%s", lua_tostring(lua, -1));
    return 0;
}

/* Turns all results of an expression into one text. */
static const char wrapper[] =
    "local function show(...) local t = {} for i = 1, select('#', ...) do local v = select(i, ...) "
    "t[i] = type(v) .. ':' .. tostring(v) end return table.concat(t, '|') end return show(%s)";

static void same(const char *expression) {
    char source[2048], plain[4096], guarded[4096];
    snprintf(source, sizeof source, wrapper, expression);
    lua_State *lua = luaL_newstate();
    luaL_openlibs(lua);
    run_chunk(lua, source, plain, sizeof plain);
    lua_close(lua);
    struct sandbox *box = sandbox_open(NULL);
    struct guarded_run run = {source, guarded, sizeof guarded};
    assert_int_equal(sandbox_run(box, run_guarded, &run), 0);
    sandbox_close(box);
    if (strcmp(plain, guarded) != 0) print_message("expression: %s\n", expression);
    assert_string_equal(guarded, plain);
}

static void strings_behave_as_in_plain_lua(void **state) {
    (void)state;
    static const char *const expressions[] = {
        "('hello world'):find('o w')",
        "('hello'):find('l', 1, true)",
        "('a.b'):find('.', 2, true)",
        "('x'):find('', 2)",
        "('x'):find('', 3)",
        "('x'):find('', 10)",
        "('abc'):find('b', -2)",
        "('abc'):find('b', -100)",
        "('key = value'):match('^(%w+)%s*=%s*(%w+)$')",
        "('2026-11-22'):match('(%d+)-(%d+)-(%d+)')",
        "('  trim  '):match('^%s*(.-)%s*$')",
        "('THE (quick) fox'):find('%((%a+)%)')",
        "('f(a(b)c)d'):match('%b()')",
        "('hello'):gsub('l', 'L')",
        "('hello'):gsub('', '-')",
        "('abc'):gsub('%w', '%0%0')",
        "('hello world'):gsub('(%w+) (%w+)', '%2 %1')",
        "('abc'):gsub('b', '%%')",
        "('abc'):gsub('b', '%2')",
        "('abc'):gsub('b', '%')",
        "('abc'):gsub('.', {a = 1, b = true})",
        "('abc'):gsub('.', function(c) return c:upper() end)",
        "('abc'):gsub('a*', 'x')",
        "('abc'):gsub('^a', 'x')",
        "('aaa'):gsub('a', 'b', 2)",
        "('abc'):gsub('(', 'x')",
        "('abc'):find('[a')",
        "('abc'):find('%')",
        "('abc'):find('(()')",
        "('abc'):match('()b()')",
        "('THE'):match('%f[%a]%a+')",
        "('aXb'):match('%u')",
        "('a]b'):match('[]]')",
        "('a-b'):match('[a-]+')",
        "('a^b'):match('[%^]')",
        "('abc'):match('[^a]+')",
        "('x=1, y=2'):gsub('(%w)=(%w)', '%2=%1')",
        "('abab'):match('(ab)%1')",
        "('ab'):match('%1')",
        "('a\\0b'):find('\\0')",
        "('a\\0b'):match('%z')",
        "#(('a\\0b'):rep(3, '\\0'))",
        "('ab'):rep(3, ',')",
        "('ab'):rep(0)",
        "('ab'):rep(-1)",
        "('abc'):byte(1, -1)",
        "('abc'):sub(-2)",
        "('abc'):upper()",
        "('abc'):reverse()",
        "('abc'):len()",
        "string.char(72, 105)",
        "string.format('%5.2f|%d|%s|%q|%%|%x', 3.14159, 42, 'x', 'a\\nb', 255)",
        "string.format('%-10s|', 'ab')",
        "string.format('%s %s', nil, true)",
        "string.format('%d', 1.5)",
        "string.format('%d')",
        "string.format('%y', 1)",
        "string.format('%')",
        "string.format('%c%c', 72, 105)",
        "string.format('%10.3s|', 'abcdef')",
        "string.format('%i', 3)",
        "string.format('%5s', 1)",
        "('x'):gmatch('.')()",
        ("string.format('%s', setmetatable({}, {__tostring = function() return "
         "'me' end}))"),
        ("(function() local t = {} for k, v in ('a=1, b=2'):gmatch('(%w+)=(%w+)') do t[#t+1] = k .. v "
         "end return table.concat(t, ';') end)()"),
        "(function() local t = {} for w in ('abc'):gmatch('') do t[#t+1] = 'x' end return #t end)()",
        ("(function() local t = {} for w in ('one two'):gmatch('%a*') do t[#t+1] = w end return "
         "table.concat(t, ',') end)()"),
    };
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) same(expressions[i]);
}

static void tables_behave_as_in_plain_lua(void **state) {
    (void)state;
    static const char *const expressions[] = {
        "table.concat({1, 2, 3}, ', ')",
        "table.concat({}, 'x')",
        "table.concat({1, {}, 3})",
        "table.concat({1, 2, 3}, '-', 2, 3)",
        "table.unpack({1, 2, 3})",
        "table.unpack({1, 2, 3}, 2)",
        "table.pack(1, nil, 3).n",
        "select('#', table.unpack({}, 1, 3))",
        "table.remove({1, 2, 3})",
        "table.remove({1, 2, 3}, 1)",
        "table.remove({})",
        "table.remove({}, 5)",
        "table.remove({1, 2, 3}, 4)",
        "table.remove({1, 2, 3}, 5)",
        "table.concat(table.move({1, 2, 3}, 2, 3, 1), ',')",
        "table.concat(table.move({1, 2, 3}, 1, 3, 2), ',')",
        "(function() local t = {5, 2, 8, 1} table.sort(t) return table.concat(t, ',') end)()",
        ("(function() local t = {5, 2, 8, 1} table.sort(t, function(a, b) return a > b end) return "
         "table.concat(t, ',') end)()"),
        ("(function() local t = {1, 3} table.insert(t, 2, 2) table.insert(t, 4) return "
         "table.concat(t, ',') end)()"),
        "(function() local t = {1, 3} table.insert(t, 9, 2) end)()",
        "pcall(error, 'x', 0)",
        "pcall(error)",
        "select(2, pcall(error, {code = 1})).code",
        "xpcall(function(a) return a + 1 end, error, 41)",
        "xpcall(error, function(e) return e .. '!' end, 'x')",
        "select(-1, 1, 2, 3)",
        "tonumber('0x10')",
        "tonumber('z', 36)",
        "tonumber('abc')",
        "#setmetatable({}, {__len = function() return 7 end})",
        "setmetatable({}, {__index = {x = 5}}).x",
        "rawequal('a', 'a')",
        ("(function() local C = {} C.__index = C function C.new() return setmetatable({v = 3}, C) end "
         "function C:get() return self.v end return C.new():get() end)()"),
        "(function() local m = {} return getmetatable(setmetatable({}, m)) == m end)()",
        "pcall(setmetatable, setmetatable({}, {__metatable = 1}), {})",
        "getmetatable(setmetatable({}, {__metatable = 'mine'}))",
        "tostring(1e15), tostring(2^53), tostring(-0.0), 7 // 2, 7 % -3, 1 << 4",
        "math.floor(3.7), math.max(1, 5, 3), math.tointeger(3.0), math.type(1)",
        "next({}), type(next), type({}), type(nil)",
    };
    for (size_t i = 0; i < sizeof expressions / sizeof *expressions; i++) same(expressions[i]);
}

/* Random patterns over a small alphabet: same answer, or an error in both. */
static void random_patterns_match_alike(void **state) {
    (void)state;
    static const char *const pieces[] = {"a", "b", ".",    "%a",    "%d", "[ab]", "[^a]",
                                         "*", "+", "-",    "?",     "(",  ")",    "%1",
                                         "$", "^", "%b()", "%f[a]", "%",  "()"};
    unsigned seed = 20261122;
    for (int round = 0; round < 3000; round++) {
        char pattern[200] = "", text[32], expression[400];
        size_t used = 0;
        for (int n = 0; n < 7; n++) {
            seed = seed * 1103515245u + 12345u;
            const char *piece = pieces[(seed >> 16) % (sizeof pieces / sizeof *pieces)];
            used += (size_t)sprintf(pattern + used, "%s", piece);
        }
        for (int n = 0; n < 12; n++) {
            seed = seed * 1103515245u + 12345u;
            text[n] = "ab(1)a"[(seed >> 16) % 6];
        }
        text[12] = '\0';
        snprintf(expression, sizeof expression, "('%s'):%s('%s'%s)", text,
                 round % 3 == 0   ? "find"
                 : round % 3 == 1 ? "match"
                                  : "gsub",
                 pattern, round % 3 == 2 ? ", '<%0>'" : "");
        same(expression);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(strings_behave_as_in_plain_lua),
        cmocka_unit_test(tables_behave_as_in_plain_lua),
        cmocka_unit_test(random_patterns_match_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
