/* Each hostile script ends within its limits and denies, inside a fiber's small stack. */
#include "lua_hostile.h"

#include "loop.h"
#include "lua_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const char ctx_text[] = "{\"environment\":\"prod\",\"config\":{\"image\":\"a:b\"},"
                               "\"list\":[1,2,3,{\"x\":null}],\"now\":1700000000000}";

static int64_t cpu_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static cJSON *judge_source(const char *source, const cJSON *ctx) {
    struct script_text text = {.file = "hostile.lua",
                               .source = source,
                               .size = strlen(source),
                               .kinds = SCRIPT_POLICY | SCRIPT_GATE};
    struct script *script = script_open(&text);
    cJSON *verdict = script_judge(script, NULL, ctx, NULL);
    script_unref(script);
    return verdict;
}

static const char *text_of(const cJSON *verdict, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdict, name));
    return text ? text : "";
}

static unsigned failures;

/* Far above the limit of 50 ms, so that a busy machine does not matter, and far below for ever. */
enum { MUCH_CPU_MS = 2000 };

static void judge_all(void *arg) {
    const cJSON *ctx = arg;
    for (size_t i = 0; i < sizeof hostile_scripts / sizeof *hostile_scripts; i++) {
        const struct hostile *one = &hostile_scripts[i];
        char source[2048];
        snprintf(source, sizeof source,
                 "return policy { name = 'hostile', check = function(ctx) do %s end return "
                 "error('went on') end }",
                 one->body);
        int64_t before = cpu_ms();
        cJSON *verdict = judge_source(source, ctx);
        int64_t took = cpu_ms() - before;
        bool denied = strcmp(text_of(verdict, "outcome"), "deny") == 0;
        bool explained = *text_of(verdict, "reason") && *text_of(verdict, "file") &&
                         *text_of(verdict, "class") && !strstr(text_of(verdict, "reason"), "0x");
        if (getenv("VERBOSE"))
            printf("%-9s %5d ms %-8s %.60s => %.100s\n", one->class, (int)took,
                   text_of(verdict, "class"), one->body, text_of(verdict, "reason"));
        if (!denied || !explained || took > MUCH_CPU_MS) {
            printf("FAILED %s: %s\n  outcome %s, class %s, %d ms, reason %s\n", one->class,
                   one->body, text_of(verdict, "outcome"), text_of(verdict, "class"), (int)took,
                   text_of(verdict, "reason"));
            failures++;
        }
        cJSON_Delete(verdict);
    }
}

static void hostile_scripts_end_and_deny(void **state) {
    (void)state;
    struct loop loop;
    cJSON *ctx = cJSON_Parse(ctx_text);
    assert_int_equal(loop_init(&loop), 0);
    fiber_start(&loop, judge_all, ctx);
    loop_turn(&loop);
    loop_fini(&loop);
    cJSON_Delete(ctx);
    assert_int_equal(failures, 0);
}

/* What is written outside of check runs under the same limits, already when it is opened. */
static void bodies_of_files_are_limited_too(void **state) {
    (void)state;
    static const char *const sources[] = {
        "while true do end",
        "local s = 'x' while true do s = s .. s end",
        "return policy { name = 'x', check = function() return allow() end }, 1",
        "policy { name = 'x', check = function() return allow() end }",
        "return { check = function() return allow() end }",
        "return nil",
        "",
        "return policy",
        "return policy {}",
        "return policy { check = 1 }",
        "return policy { name = 'x', chek = function() end }",
        "return policy { name = 'X Y', check = function() end }",
        "return policy { name = 'x', applies = 'prod', check = function() end }",
        "policy { check = function() end } return policy { check = function() end }",
        "return gate",
        "return plugin { name = 'x' }",
        "return setmetatable({}, {__index = function() return allow end})",
        "\x1bLua",
        "#!/usr/bin/lua\nreturn 1",
        "return policy { name = 'x', check = ",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        cJSON *verdict = judge_source(sources[i], NULL);
        assert_string_equal(text_of(verdict, "outcome"), "deny");
        assert_string_not_equal(text_of(verdict, "class"), "decision");
        cJSON_Delete(verdict);
    }
}

/* The parser has no hooks: deep nesting and large files are refused. */
static void deep_or_large_sources_are_refused(void **state) {
    (void)state;
    static char source[300000];
    static const char *const nests[] = {
        "(",   "{", "a(", "not ", "if a then ", "function f() ",
        "a..", "-", "2^", "a[",   "repeat ",    "x=function() return "};
    for (size_t i = 0; i < sizeof nests / sizeof *nests; i++) {
        char *at = source + sprintf(source, "local x = ");
        size_t one = strlen(nests[i]);
        for (size_t n = 0; n < 60000 / one; n++, at += one) memcpy(at, nests[i], one);
        *at = '\0';
        cJSON *verdict = judge_source(source, NULL);
        assert_string_equal(text_of(verdict, "outcome"), "deny");
        cJSON_Delete(verdict);
    }
    memset(source, ' ', sizeof source);
    strcpy(source + 70000, "return policy { check = function() return allow() end }");
    cJSON *verdict = judge_source(source, NULL);
    assert_string_equal(text_of(verdict, "outcome"), "deny");
    assert_non_null(strstr(text_of(verdict, "reason"), "larger than"));
    cJSON_Delete(verdict);
}

static void parse_in_fiber(void *arg) {
    deep_or_large_sources_are_refused(arg);
}

static void deep_sources_fit_the_stack_of_a_fiber(void **state) {
    (void)state;
    struct loop loop;
    assert_int_equal(loop_init(&loop), 0);
    fiber_start(&loop, parse_in_fiber, NULL);
    loop_turn(&loop);
    loop_fini(&loop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bodies_of_files_are_limited_too),
        cmocka_unit_test(deep_or_large_sources_are_refused),
        cmocka_unit_test(deep_sources_fit_the_stack_of_a_fiber),
        cmocka_unit_test(hostile_scripts_end_and_deny),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
