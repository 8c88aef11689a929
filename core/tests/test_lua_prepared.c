/* A judgement that spares the execution of the file cannot be told from one that does not. */
#include "lua_judge.h"
#include "lua_prepared.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = 4 };

static const char helper_function[] = "local calls = 0 return function(x) calls = calls + 1 "
                                      "return x .. calls end";
static const char helper_table[] = "local m = { n = 0, names = { 'a', 'b' } } function m.next() "
                                   "m.n = m.n + 1 return m.n end return m";

static struct script *open_source(const char *source, struct script_library *library) {
    struct script_text text = {.file = "it.lua",
                               .source = source,
                               .size = strlen(source),
                               .kinds = SCRIPT_POLICY,
                               .library = library};
    return script_open(&text);
}

/* Every run answers `expected`; and was the file executed once, or each time? */
static void each_run_says(const char *source, const char *expected, bool ready) {
    char function[] = "f", table[] = "m";
    struct script_helper helpers[] = {
        {function, (char *)helper_function, sizeof helper_function - 1},
        {table, (char *)helper_table, sizeof helper_table - 1}};
    struct script_library library = {.refs = 100, .count = 2, .helpers = helpers};
    struct script *script = open_source(source, &library);
    cJSON *ctx = cJSON_Parse("{\"list\":[1,2],\"a\":{\"b\":1}}");
    for (int i = 0; i < RUNS; i++) {
        cJSON *verdict = script_judge(script, NULL, ctx, NULL);
        const char *reason = cJSON_GetStringValue(cJSON_GetObjectItem(verdict, "reason"));
        assert_string_equal(reason ? reason : "", expected);
        cJSON_Delete(verdict);
        assert_int_equal(script->idle_count, 1);
        assert_int_equal(prepared_is_ready(script->idle[0]), ready);
    }
    cJSON_Delete(ctx);
    script_unref(script);
}

static void a_plain_check_is_kept(void **state) {
    (void)state;
    each_run_says("return policy { check = function(ctx) return warn('x' .. #ctx.list) end }", "x2",
                  true);
    each_run_says("local function f(n) return n == 0 and 'end' or g(n) end\n"
                  "function g(n) return 'g' end\n"
                  "return policy { check = function() return warn(f(1) .. f(0)) end }",
                  "gend", true);
}

static void upvalues_begin_anew(void **state) {
    (void)state;
    each_run_says("local n, on, s, gone = 1, true, 'a', nil\n"
                  "local function more() n = n + 1 return n end\n"
                  "return policy { check = function(ctx)\n"
                  "  local was = tostring(n) .. tostring(on) .. s .. tostring(gone)\n"
                  "  more() on, s, gone = not on, s .. 'b', ctx\n"
                  "  return warn(was .. n) end }",
                  "1trueanil2", true);
    /* a function is put in the place of another */
    each_run_says("local function f() return 'first' end\n"
                  "return policy { check = function()\n"
                  "  local said = f() f = function() return 'second' end\n"
                  "  return warn(said .. f()) end }",
                  "firstsecond", true);
}

static void tables_begin_anew(void **state) {
    (void)state;
    each_run_says("local t = { 'a', 'b', x = { y = 1 } } local same = t.x\n"
                  "return policy { check = function(ctx)\n"
                  "  local was = #t .. t.x.y\n"
                  "  t[#t + 1] = ctx t.x.y = t.x.y + 1 table.insert(t.x, ctx)\n"
                  "  t.self = t setmetatable(t.x, { __index = function() return 'leak' end })\n"
                  "  return warn(was .. #t .. same.y .. tostring(same == t.x)) end }",
                  "2132true", true);
    each_run_says("local t = {} t.t = t\n"
                  "return policy { check = function()\n"
                  "  t.n = (t.n or 0) + 1 return warn(t.t.t.n .. tostring(t == t.t)) end }",
                  "1true", true);
    each_run_says("local t = { 1, nil, 3 }\n"
                  "return policy { check = function()\n"
                  "  local n = #t t[4] = 4 return warn(n .. '/' .. #t) end }",
                  "3/4", true);
}

static void environments_begin_anew(void **state) {
    (void)state;
    each_run_says("count = 5 names = { 'a' }\n"
                  "function bump() count = count + 1 names[#names + 1] = 'b' end\n"
                  "return policy { check = function()\n"
                  "  bump() late = (late or 0) + 1 string_ = string\n"
                  "  return warn(count .. #names .. late) end }",
                  "621", true);
    each_run_says("return policy { check = function()\n"
                  "  local was = tostring(allow == nil) allow = nil deny = warn\n"
                  "  return deny(was) end }",
                  "false", true);
    each_run_says("local mine = _ENV\n"
                  "return policy { check = function()\n"
                  "  mine.n = (mine.n or 0) + 1 return warn(n .. tostring(mine == _ENV)) end }",
                  "1true", true);
}

static void helpers_begin_anew(void **state) {
    (void)state;
    each_run_says("local f = require 'f'\n"
                  "return policy { check = function() f('') return warn(f('n')) end }",
                  "n2", true);
    each_run_says("local m = require 'm'\n"
                  "return policy { check = function()\n"
                  "  m.next() m.names[3] = 'c' m.more = true\n"
                  "  return warn(m.next() .. #m.names) end }",
                  "23", true);
    /* within one run there is one of each helper, wherever it is required */
    each_run_says("local m, f = require 'm', require 'f'\n"
                  "return policy { check = function()\n"
                  "  m.next() return warn(require('m').next() .. tostring(require 'f' == f)\n"
                  "    .. tostring(require 'm' == m)) end }",
                  "2truetrue", true);
    each_run_says("return policy { check = function()\n"
                  "  require('m').next() return warn(require('m').next() .. require('f')('-')) "
                  "end }",
                  "2-1", true);
}

static void a_failed_run_leaves_nothing(void **state) {
    (void)state;
    each_run_says("local t, n = {}, 0\n"
                  "return policy { check = function()\n"
                  "  n = n + 1 t[n] = n policy = nil error('stop ' .. n .. #t) end }",
                  "stop 11", true);
    each_run_says("return policy { check = function()\n"
                  "  return policy { check = function() end } end }",
                  "the file declares more than once", true);
}

/* Whatever could remember by itself is made anew by the whole file. */
static void what_cannot_be_renewed_is_executed_again(void **state) {
    (void)state;
    each_run_says("local next_word = string.gmatch('a b c', '%a')\n"
                  "return policy { check = function() return warn(next_word()) end }",
                  "a", false);
    each_run_says("local n = 0\n"
                  "local t = setmetatable({}, { __index = function() n = n + 1 return n end })\n"
                  "return policy { check = function() return warn('' .. t.x) end }",
                  "1", false);
    each_run_says("local one = warn('kept')\n"
                  "return policy { check = function() return one end }",
                  "kept", false);
    each_run_says("local t = list {}\n"
                  "return policy { check = function() t[#t + 1] = 1 return warn('' .. #t) end }",
                  "1", false);
    each_run_says(
        "local t = {} t[t] = 0\n"
        "return policy { check = function() t[t] = t[t] + 1 return warn('' .. t[t]) end }",
        "1", false);
    each_run_says("local t = {} for i = 1, 500 do t[i] = i end\n"
                  "return policy { check = function() t[#t + 1] = 1 return warn('' .. #t) end }",
                  "501", false);
    /* what was asked outside, or told, is asked and told anew */
    each_run_says("local ok = pcall(sluice.call, 'risk.score')\n"
                  "return policy { check = function() return warn(tostring(ok)) end }",
                  "false", false);
    each_run_says("sluice.log('hello')\n"
                  "return policy { check = function() return warn('x') end }",
                  "x", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_check_is_kept),
        cmocka_unit_test(upvalues_begin_anew),
        cmocka_unit_test(tables_begin_anew),
        cmocka_unit_test(environments_begin_anew),
        cmocka_unit_test(helpers_begin_anew),
        cmocka_unit_test(a_failed_run_leaves_nothing),
        cmocka_unit_test(what_cannot_be_renewed_is_executed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
