/* Single functions of Lua files (sl_script_run): what they get, give, and how they are refused. */
#include <sluice/sluice.h>
#include <sluice/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int run(sl_call *call, const cJSON *in, cJSON *out) {
    const char *source = sl_get_text(in, "source", "");
    cJSON *result = NULL;
    int rc = sl_script_run(call, "it.lua", source, strlen(source),
                           sl_get_text(in, "function", NULL), sl_get(in, "in"), &result);
    if (rc) return rc;
    assert_non_null(result);
    cJSON_AddItemToObject(out, "result", result);
    return 0;
}

static const sl_field run_in[] = {SL_STRING("source", .max = SL_MIB(1)), SL_STRING("function"),
                                  SL_ANY("in"), SL_END};
static const sl_op ops[] = {{.name = "map.run",
                             .summary = "Run a function",
                             .in = run_in,
                             .needs = "any",
                             .effect = SL_READS,
                             .max_body = 1 << 20,
                             .run = run},
                            SL_END};
static const sl_plugin plugin = {.magic = SL_ABI_MAGIC,
                                 .abi_major = SL_ABI_MAJOR,
                                 .abi_minor = SL_ABI_MINOR,
                                 .size = sizeof(sl_plugin),
                                 .op_size = sizeof(sl_op),
                                 .field_size = sizeof(sl_field),
                                 .listen_size = sizeof(sl_listen),
                                 .job_size = sizeof(sl_job),
                                 .migration_size = sizeof(sl_migration),
                                 .metric_size = sizeof(sl_metric),
                                 .name = "map",
                                 .version = "1.0.0",
                                 .ops = ops};

static sl_test_host *host;

static int open_host(void **state) {
    (void)state;
    host = sl_test_host_new(&(sl_test_options){.plugin = &plugin});
    if (!host) fprintf(stderr, "%s\n", sl_test_error());
    return host ? 0 : -1;
}

static int close_host(void **state) {
    (void)state;
    sl_test_host_free(host);
    return 0;
}

static int call_with(const char *source, const char *function, const char *in) {
    cJSON *input = cJSON_CreateObject();
    cJSON_AddStringToObject(input, "source", source);
    if (function) cJSON_AddStringToObject(input, "function", function);
    if (in) cJSON_AddItemToObject(input, "in", cJSON_Parse(in));
    char *text = cJSON_PrintUnformatted(input);
    int status = sl_test_call(host, "map.run", text);
    cJSON_free(text);
    cJSON_Delete(input);
    return status;
}

static void gives(const char *source, const char *function, const char *in, const char *result) {
    char expected[400];
    snprintf(expected, sizeof expected, "{\"result\":%s}", result);
    if (call_with(source, function, in) != 0) fail_msg("%s", sl_test_answer(host));
    assert_string_equal(sl_test_answer(host), expected);
}

static void fails(const char *source, const char *function, int status, const char *sentence) {
    assert_int_equal(call_with(source, function, "{\"a\":1}"), status);
    if (!strstr(sl_test_answer(host), sentence)) fail_msg("%s", sl_test_answer(host));
}

static void any_json_goes_in_and_comes_out(void **state) {
    (void)state;
    static const char same[] = "return function(v) return v end";
    gives(same, NULL, "{\"a\":[1,{\"b\":null}],\"c\":\"x\\ny\"}",
          "{\"a\":[1,{\"b\":null}],\"c\":\"x\\ny\"}");
    gives(same, NULL, "[1,2.5,true]", "[1,2.5,true]");
    gives(same, NULL, "\"text\"", "\"text\"");
    gives(same, NULL, "false", "false");
    gives(same, NULL, NULL, "null");
    gives("return function(v) return { n = #v, list = list{} } end", NULL, "[1,2,3]",
          "{\"list\":[],\"n\":3}");
}

static void a_table_holds_several(void **state) {
    (void)state;
    static const char two[] = "local function twice(v) return v.n * 2 end\n"
                              "return { twice = twice, name = function(v) return 'n' .. v.n end }";
    gives(two, "twice", "{\"n\":21}", "42");
    gives(two, "name", "{\"n\":21}", "\"n21\"");
    fails(two, "thrice", SL_NOT_FOUND, "it.lua:1: there is no function 'thrice'");
    fails(two, NULL, SL_NOT_FOUND, "it.lua:1: the file returns no function");
    fails("return { text = tostring }", "text", SL_NOT_FOUND, "there is no function 'text'");
    fails("return function() end", "name", SL_NOT_FOUND, "there is no function 'name'");
}

static void troubles_name_file_and_line(void **state) {
    (void)state;
    fails("return {\n f = function(v) return v.b.c end }", "f", SL_INVALID, "it.lua:2: ");
    fails("return function(\n", NULL, SL_INVALID, "it.lua:2: ");
    fails("\nerror('on load')", NULL, SL_INVALID, "it.lua:2: on load");
    fails("local x = 1", NULL, SL_INVALID, "it.lua:1: the file must end in 'return function");
    fails("return 3", NULL, SL_INVALID, "it.lua:1: the file must end in");
    fails("\n\nreturn function() return tostring end", NULL, SL_INVALID,
          "it.lua:3: the answer holds a");
    fails("return function() return 0/0 end", NULL, SL_INVALID, "not finite");
}

static void nothing_outside_is_reached(void **state) {
    (void)state;
    fails("return function(v) return sluice.call('map.run', {}) end", NULL, SL_INVALID,
          "only maps its input");
    fails("return function(v) v.a = 2 end", NULL, SL_INVALID, "it.lua:1: ");
    fails("return function(v) return io.open('/etc/passwd') end", NULL, SL_INVALID, "it.lua:1: ");
    fails("return function(v) return deny('x') end", NULL, SL_INVALID, "it.lua:1: ");
}

static void one_that_overruns_is_stopped(void **state) {
    (void)state;
    fails("return function()\n while true do end end", NULL, SL_LIMIT, "it.lua:2: ");
    fails("while true do end", NULL, SL_LIMIT, "it.lua:1: ");
    fails("return function() local s = 'x' while true do s = s .. s end end", NULL, SL_LIMIT,
          "it.lua:1: ");
    char *large = malloc(70000);
    memset(large, ' ', 69999);
    large[69999] = '\0';
    fails(large, NULL, SL_INVALID, "it.lua:1: the script is larger than");
    free(large);
}

static void no_run_leaves_anything_behind(void **state) {
    (void)state;
    static const char counts[] = "local n = 0\nreturn function() n = n + 1; g = (g or 0) + 1\n"
                                 "return { n, g } end";
    for (int i = 0; i < 3; i++) gives(counts, NULL, NULL, "[1,1]");
}

/* More files than are kept, twice: the ones that were let go are compiled anew. */
static void many_files_take_turns(void **state) {
    (void)state;
    for (int i = 0; i < 60; i++) {
        char source[80], result[10];
        snprintf(source, sizeof source, "return function() return %d end", i % 30);
        snprintf(result, sizeof result, "%d", i % 30);
        gives(source, NULL, NULL, result);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_json_goes_in_and_comes_out),
        cmocka_unit_test(a_table_holds_several),
        cmocka_unit_test(troubles_name_file_and_line),
        cmocka_unit_test(nothing_outside_is_reached),
        cmocka_unit_test(one_that_overruns_is_stopped),
        cmocka_unit_test(no_run_leaves_anything_behind),
        cmocka_unit_test(many_files_take_turns),
    };
    return cmocka_run_group_tests(tests, open_host, close_host);
}
