/* What scripts can say, and that one run leaves nothing to the next. */
#include "lua_folder.h"
#include "lua_judge.h"
#include "lua_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char ctx_text[] =
    "{\"environment\":\"prod\",\"risk\":{\"level\":\"HIGH\",\"score\":0.5},\"tags\":[\"a\",\"b\"],"
    "\"config\":{\"image\":\"registry.internal:5000/team/shop:1.4\",\"replicas\":3},\"gone\":null,"
    "\"now\":1795341600000}";

static struct script *open_source(const char *source) {
    struct script_text text = {.file = "it.lua",
                               .source = source,
                               .size = strlen(source),
                               .kinds = SCRIPT_POLICY | SCRIPT_GATE};
    return script_open(&text);
}

static const char *text_of(const cJSON *verdict, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(verdict, name));
    return text ? text : "";
}

static cJSON *judge_text(const char *source) {
    struct script *script = open_source(source);
    cJSON *ctx = cJSON_Parse(ctx_text), *verdict = script_judge(script, NULL, ctx, NULL);
    cJSON_Delete(ctx);
    script_unref(script);
    return verdict;
}

/* The reason that a body of check gives: deny(tostring(EXPRESSION)). */
static void value_is(const char *expression, const char *expected) {
    char source[1000];
    snprintf(source, sizeof source,
             "return policy { name = 'it', check = function(ctx) return deny(tostring(%s)) end }",
             expression);
    cJSON *verdict = judge_text(source);
    assert_string_equal(text_of(verdict, "reason"), expected);
    assert_string_equal(text_of(verdict, "class"), "decision");
    cJSON_Delete(verdict);
}

static void decisions_carry_reason_fix_and_evidence(void **state) {
    (void)state;
    cJSON *verdict = judge_text("return policy { name = 'it',\n check = function(ctx)\n"
                                "  return deny('no', { fix = 'do', evidence = { risk = ctx.risk, "
                                "list = { 1, 'x' } } })\n end }");
    assert_string_equal(text_of(verdict, "name"), "it");
    assert_string_equal(text_of(verdict, "outcome"), "deny");
    assert_string_equal(text_of(verdict, "reason"), "no");
    assert_string_equal(text_of(verdict, "fix"), "do");
    assert_string_equal(text_of(verdict, "class"), "decision");
    assert_string_equal(text_of(verdict, "file"), "it.lua");
    assert_int_equal(strlen(text_of(verdict, "script_hash")), 64);
    assert_int_equal(cJSON_GetObjectItem(verdict, "line")->valueint, 3);
    char *evidence = cJSON_PrintUnformatted(cJSON_GetObjectItem(verdict, "evidence"));
    assert_non_null(strstr(evidence, "\"risk\":{\"level\":\"HIGH\",\"score\":0.5}"));
    assert_non_null(strstr(evidence, "\"list\":[1,\"x\"]"));
    cJSON_free(evidence);
    cJSON_Delete(verdict);
}

static void each_outcome_is_said_by_its_word(void **state) {
    (void)state;
    static const struct {
        const char *source, *outcome, *class;
    } cases[] = {
        {"return policy { check = function() return allow() end }", "allow", "decision"},
        {"return policy { check = function() return warn('x') end }", "warn", "decision"},
        {"return policy { check = function() return needs_approval('x') end }", "approval",
         "decision"},
        {"return gate { check = function() return wait('x') end }", "wait", "decision"},
        {"return gate { check = function() return needs_approval('x') end }", "deny", "error"},
        {"return policy { check = function() return wait('x') end }", "deny", "error"},
        {"return policy { check = function(ctx) return ctx.slo.left end }", "deny", "error"},
        {"return policy { check = function() while true do end end }", "deny", "limit"},
        {"return policy { check = ", "deny", "error"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cJSON *verdict = judge_text(cases[i].source);
        assert_string_equal(text_of(verdict, "outcome"), cases[i].outcome);
        assert_string_equal(text_of(verdict, "class"), cases[i].class);
        cJSON_Delete(verdict);
    }
}

static void failures_name_their_line(void **state) {
    (void)state;
    static const char *const sources[] = {
        "return policy { name = 'it',\n\ncheck = function(ctx) return ctx.slo.left end }",
        "return policy { name = 'it', check = function(ctx)\n\nwhile true do end end }",
        ("return policy { name = 'it', check = function(ctx)\n local s = 'x'\nwhile true do s = s .. "
         "s end end }"),
        "return policy { name = 'it', check = function(ctx)\n\nstring.rep('x', 1e15) end }",
        "return policy {\n\n check == }",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        cJSON *verdict = judge_text(sources[i]);
        assert_string_equal(text_of(verdict, "file"), "it.lua");
        assert_int_equal(cJSON_GetObjectItem(verdict, "line")->valueint, 3);
        cJSON_Delete(verdict);
    }
}

static void the_context_reads_like_a_table(void **state) {
    (void)state;
    value_is("ctx.environment", "prod");
    value_is("ctx.config.replicas + 1", "4");
    value_is("ctx.risk.score * 2", "1.0");
    value_is("ctx.missing", "nil");
    value_is("ctx.gone", "nil");
    value_is("ctx.tags[2]", "b");
    value_is("ctx.tags[3]", "nil");
    value_is("ctx.tags[0]", "nil");
    value_is("ctx.tags[1.5]", "nil");
    value_is("ctx['environment\\0']", "nil");
    value_is("#ctx.tags", "2");
    value_is("type(ctx.tags)", "table");
    value_is("ctx.risk == ctx.risk", "true");
    value_is("ctx.risk == ctx.config", "false");
    value_is("table.concat(ctx.tags, '+')", "a+b");
    value_is("select('#', table.unpack(ctx.tags))", "2");
    value_is("(function() local t = {} for i, v in ipairs(ctx.tags) do t[i] = i .. v end return "
             "table.concat(t, ',') end)()",
             "1a,2b");
    value_is("(function() local t = {} for k, v in pairs(ctx.risk) do t[#t + 1] = k .. tostring(v) "
             "end return table.concat(t, ',') end)()",
             "levelHIGH,score0.5");
    value_is("(function() local n = 0 for _ in pairs(ctx) do n = n + 1 end return n end)()", "5");
}

static void helpers_do_what_they_say(void **state) {
    (void)state;
    value_is("percent(0.083)", "8.3%");
    value_is("percent(0.5)", "50%");
    value_is("has_prefix('registry.internal/x', 'registry.')", "true");
    value_is("has_suffix('a.lua', '.lua')", "true");
    value_is("glob('registry.*/team/*', 'registry.internal/team/shop')", "true");
    value_is("glob('a?c', 'abc')", "true");
    value_is("glob('a*c', 'abcd')", "false");
    value_is("table.concat(split('a,b,,c', ','), '|')", "a|b||c");
    value_is("trim('  x y ')", "x y");
    value_is("image.parse(ctx.config.image).registry", "registry.internal:5000");
    value_is("image.parse(ctx.config.image).repository", "team/shop");
    value_is("image.parse(ctx.config.image).tag", "1.4");
    value_is("image.parse('nginx').registry", "docker.io");
    value_is("image.parse('nginx').tag", "nil");
    value_is("image.parse('localhost/x:1').registry", "localhost");
    value_is("image.parse('a:5000/x').registry", "a:5000");
    value_is("image.parse('UPPER')", "nil");
    value_is("image.parse('x:')", "nil");
    value_is("image.parse('x@sha256:12')", "nil");
    value_is("image.parse('x:1@sha256:' .. ('a'):rep(64)).digest", /* 64 digits */
             "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    value_is("image.parse('')", "nil");
    value_is("image.parse('a//b')", "nil");
    value_is("time.fields(ctx.now).weekday", "Sun");
    value_is("time.fields(ctx.now).year", "2026");
    value_is("time.fields(ctx.now, 60).hour - time.fields(ctx.now).hour", "1");
    value_is("time.parse('1970-01-01T00:00:01Z')", "1000");
    value_is("time.parse('1970-01-01T01:00:00.250+01:00')", "0");
    value_is("time.parse('yesterday')", "nil");
}

static void a_script_applies_where_it_says(void **state) {
    (void)state;
    static const struct {
        const char *applies;
        bool expected;
    } cases[] = {
        {"{}", true},
        {"{ environment = 'prod' }", true},
        {"{ environment = 'dev' }", false},
        {"{ environment = 'pr*' }", true},
        {"{ environment = { 'stage', 'prod' } }", true},
        {"{ environment = { 'stage', 'dev' } }", false},
        {"{ ['risk.level'] = 'HIGH' }", true},
        {"{ ['config.replicas'] = 3 }", true},
        {"{ ['config.replicas'] = 4 }", false},
        {"{ environment = 'prod', ['risk.level'] = 'LOW' }", false},
        {"{ quite_unknown = 'x' }", false},
        {"{ config = '*' }", true},
        {"{ ['config.replicas'] = '*' }", true},
        {"{ ['config.quite_unknown'] = '*' }", false},
    };
    cJSON *ctx = cJSON_Parse(ctx_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char source[300], *trouble;
        snprintf(source, sizeof source,
                 "return policy { applies = %s, check = function() return allow() end }",
                 cases[i].applies);
        struct script *script = open_source(source);
        assert_null(script->fault);
        assert_int_equal(script_applies(script, ctx, &trouble), cases[i].expected);
        assert_null(trouble);
        script_unref(script);
    }
    char *trouble;
    struct script *script = open_source(
        "return policy { applies = { enviroment = 'prod' }, check = function() return allow() end }");
    assert_true(script_applies(script, ctx, &trouble));
    assert_non_null(strstr(trouble, "did you mean 'environment'?"));
    free(trouble);
    script_unref(script);
    cJSON_Delete(ctx);
}

/* Locals of the file, globals and counters start anew in each run of the same state. */
static void no_state_passes_from_run_to_run(void **state) {
    (void)state;
    struct script *script = open_source(
        "local count = 0\nlocal kept = {}\nreturn policy { check = function(ctx)\n count = count + 1 "
        "kept[#kept + 1] = ctx total = (total or 0) + 1\n return warn(count .. '/' .. #kept .. '/' .. "
        "total) end }");
    cJSON *ctx = cJSON_Parse(ctx_text);
    for (int i = 0; i < 3; i++) {
        cJSON *verdict = script_judge(script, NULL, ctx, NULL);
        assert_string_equal(text_of(verdict, "reason"), "1/1/1");
        cJSON_Delete(verdict);
    }
    assert_int_equal(script->live, 1);
    cJSON_Delete(ctx);
    script_unref(script);
}

static void many_runs_do_not_grow_the_heap(void **state) {
    (void)state;
    struct script *script = open_source(
        "return policy { check = function(ctx) local t = {} for i = 1, 20 do t[i] = 'k' .. i end "
        "return warn(table.concat(t)) end }");
    cJSON *ctx = cJSON_Parse(ctx_text);
    for (int i = 0; i < 3000; i++) cJSON_Delete(script_judge(script, NULL, ctx, NULL));
    assert_int_equal(script->idle_count, 1);
    assert_true(script->idle[0]->bytes < 1024 * 1024);
    cJSON_Delete(ctx);
    script_unref(script);
}

/* `end` in a file with 300 constants. Static. */
static const char *faulty_bits_source(const char *end) {
    static char source[20000];
    char *at = source + sprintf(source, "local t = {");
    for (int i = 0; i < 300; i++) at += sprintf(at, "'k%d',", i);
    sprintf(at, "} %s", end);
    return source;
}

static bool lua_is_faulty(void) {
    lua_State *lua = luaL_newstate();
    assert_int_equal(luaL_dostring(lua, faulty_bits_source("return 1 | (2 or 3)")), 0);
    bool faulty = lua_tointeger(lua, -1) != 3;
    lua_close(lua);
    return faulty;
}

/* Debian's Lua 5.4.4: the function with 300 constants would compute 2 in place of 3. */
static void wrong_bit_operations_are_refused(void **state) {
    (void)state;
    bool faulty = lua_is_faulty();
    cJSON *verdict =
        judge_text(faulty_bits_source("\n\nlocal x = 1 | (2 or 3) return policy { check "
                                      "= function() return allow() end }"));
    assert_string_equal(text_of(verdict, "class"), faulty ? "error" : "decision");
    if (faulty) {
        assert_non_null(strstr(text_of(verdict, "reason"), "more than 256 constants"));
        assert_int_equal(cJSON_GetObjectItem(verdict, "line")->valueint, 3);
    }
    cJSON_Delete(verdict);
    /* Without a bit operation, or without the constants, nothing is refused. */
    verdict = judge_text("return policy { check = function() if 1 | (2 or 3) == 3 then return "
                         "allow() end return deny('x') end }");
    assert_string_equal(text_of(verdict, "outcome"), "allow");
    cJSON_Delete(verdict);
    verdict =
        judge_text(faulty_bits_source("return policy { check = function() return allow() end }"));
    assert_string_equal(text_of(verdict, "outcome"), "allow");
    cJSON_Delete(verdict);
}

/* ---- folders ---- */

static const struct script *named(struct script_folder *folder, const char *name) {
    const struct script_set *set = folder_set(folder);
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->scripts[i]->name, name) == 0) return set->scripts[i];
    return NULL;
}

static const char good[] = "return policy { name = 'one', check = function() return allow() end }";

static void folders_follow_their_files(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    char policies[256];
    strcpy(policies, scratch_folder(&scratch, "policies"));
    scratch_write(&scratch, "policies/one.lua", good);
    scratch_write(&scratch, "policies/.hidden.lua", "broken");
    scratch_write(&scratch, "policies/notes.txt", "broken");
    char *trouble = NULL;
    struct script_folder *folder = folder_open(policies, SCRIPT_POLICY, NULL, &trouble);
    assert_non_null(folder);
    assert_int_equal(folder_set(folder)->count, 1);
    char hash[65];
    strcpy(hash, folder_set(folder)->hash);
    const struct script *first = named(folder, "one");
    assert_null(first->fault);

    /* Within a second nobody looks; then a file that does not compile denies until it is mended. */
    folder_refresh(folder, 1000000001);
    assert_ptr_equal(named(folder, "one"), first);
    scratch_write(&scratch, "policies/one.lua", "return policy {");
    folder_refresh(folder, 1500000000);
    assert_ptr_equal(named(folder, "one"), first);
    folder_refresh(folder, 2500000000);
    assert_non_null(named(folder, "one")->fault);
    assert_string_not_equal(folder_set(folder)->hash, hash);
    scratch_write(&scratch, "policies/one.lua", good);
    scratch_write(&scratch, "policies/two.lua",
                  "return policy { name = 'one', check = function() return allow() end }");
    folder_refresh(folder, 4000000000);
    assert_int_equal(folder_set(folder)->count, 2);
    assert_null(folder_set(folder)->scripts[0]->fault);
    assert_non_null(strstr(folder_set(folder)->scripts[1]->fault->text, "is taken by one.lua"));
    scratch_remove(&scratch, "policies/two.lua");
    folder_refresh(folder, 6000000000);
    assert_int_equal(folder_set(folder)->count, 1);
    assert_string_equal(folder_set(folder)->hash, hash);

    /* A folder that is gone denies everything. */
    scratch_clean(&scratch);
    folder_refresh(folder, 8000000000);
    assert_int_equal(folder_set(folder)->count, 1);
    assert_non_null(strstr(folder_set(folder)->scripts[0]->fault->text, "cannot be read"));
    folder_close(folder);
    assert_null(folder_open("/nonexistent/policies", SCRIPT_POLICY, NULL, &trouble));
    assert_non_null(strstr(trouble, "/nonexistent/policies"));
    free(trouble);
}

static void helpers_are_required_and_reloaded(void **state) {
    (void)state;
    struct scratch scratch;
    scratch_make(&scratch);
    char policies[256];
    strcpy(policies, scratch_folder(&scratch, "policies"));
    scratch_folder(&scratch, "lib");
    scratch_write(&scratch, "lib/words.lua", "return { hello = function() return 'first' end }");
    scratch_write(&scratch, "lib/loop.lua", "require 'loop' return {}");
    scratch_write(&scratch, "lib/bits.lua", faulty_bits_source("return { n = 1 | (2 or 3) }"));
    scratch_write(&scratch, "policies/other.lua",
                  "require 'bits' return policy { check = function() return allow() end }");
    scratch_write(&scratch, "policies/it.lua",
                  "local words = require 'words' return policy { check = function() return "
                  "warn(words.hello()) end }");
    scratch_write(&scratch, "policies/loop.lua",
                  "require 'loop' return policy { check = function() return allow() end }");
    char *trouble = NULL;
    struct script_folder *folder = folder_open(policies, SCRIPT_POLICY, NULL, &trouble);
    cJSON *verdict = script_judge(folder_set(folder)->scripts[0], NULL, NULL, NULL);
    assert_string_equal(text_of(verdict, "reason"), "first");
    cJSON_Delete(verdict);
    verdict = script_judge(folder_set(folder)->scripts[1], NULL, NULL, NULL);
    assert_string_equal(text_of(verdict, "outcome"), "deny");
    assert_non_null(strstr(text_of(verdict, "reason"), "requires itself"));
    cJSON_Delete(verdict);
    verdict = script_judge(folder_set(folder)->scripts[2], NULL, NULL, NULL);
    assert_string_equal(text_of(verdict, "outcome"), lua_is_faulty() ? "deny" : "allow");
    assert_string_equal(text_of(verdict, "file"), lua_is_faulty() ? "lib/bits.lua" : "other.lua");
    cJSON_Delete(verdict);
    scratch_write(&scratch, "lib/words.lua", "return { hello = function() return 'second' end }");
    folder_refresh(folder, 1000000000);
    verdict = script_judge(folder_set(folder)->scripts[0], NULL, NULL, NULL);
    assert_string_equal(text_of(verdict, "reason"), "second");
    cJSON_Delete(verdict);
    folder_close(folder);
    scratch_clean(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decisions_carry_reason_fix_and_evidence),
        cmocka_unit_test(each_outcome_is_said_by_its_word),
        cmocka_unit_test(failures_name_their_line),
        cmocka_unit_test(the_context_reads_like_a_table),
        cmocka_unit_test(helpers_do_what_they_say),
        cmocka_unit_test(a_script_applies_where_it_says),
        cmocka_unit_test(no_state_passes_from_run_to_run),
        cmocka_unit_test(many_runs_do_not_grow_the_heap),
        cmocka_unit_test(wrong_bit_operations_are_refused),
        cmocka_unit_test(folders_follow_their_files),
        cmocka_unit_test(helpers_are_required_and_reloaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
