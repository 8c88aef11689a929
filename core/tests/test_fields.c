/* Rows of fields at work: what they take and refuse, in which words, and what they fill in. */
#include "arena.h"
#include "fields.h"
#include "json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const sl_field config_rows[] = {
    SL_STRING("image", .help = "container image", .format = "image", .flags = SL_REQUIRED),
    SL_INT("replicas", .def = "1", .min = 1, .max = 1000), SL_END};

static const sl_field probe_rows[] = {SL_STRING("path", .min = 1, .max = 10), SL_END};

static const sl_field rows[] = {SL_STRING("app_name", .help = "name of the application",
                                          .format = "name", .flags = SL_REQUIRED,
                                          .example = "\"shop\""),
                                SL_ENUM("environment", "dev|stage|prod", .def = "dev"),
                                SL_OBJECT("config", config_rows),
                                SL_LIST("tags", SL_T_STRING, .max = 3),
                                SL_MAP("labels", SL_T_STRING, .max = 4),
                                SL_LIST_OF("probes", probe_rows),
                                SL_DURATION("timeout", .min = 1000, .max = 3600000),
                                SL_SIZE("memory"),
                                SL_NUMBER("ratio", .max = 1),
                                SL_BOOL("force"),
                                SL_STRING("note", .flags = SL_NULLABLE, .def = "none"),
                                SL_STRING("token", .flags = SL_SECRET, .max = 5),
                                SL_ANY("extra"),
                                SL_OBJECT("free", NULL),
                                SL_LIST("levels", SL_T_ENUM, .values = "low|high"),
                                SL_END};

static const struct field_rows all = {rows, sizeof(sl_field)};

struct told {
    struct field_sink sink;
    struct arena arena;
    char text[32768];
};

static void note(struct field_sink *sink, const struct field_fault *fault) {
    struct told *told = (struct told *)(void *)sink;
    size_t size = strlen(told->text);
    snprintf(told->text + size, sizeof told->text - size, "%s%s%s: %s%s%s\n", fault->pointer,
             fault->at_name ? "#" : "", "", fault->detail, fault->suggestion ? " | " : "",
             fault->suggestion ? fault->suggestion : "");
}

static cJSON *check_rows(struct told *told, struct field_rows with, const char *text) {
    *told = (struct told){.sink = {.fault = note}};
    arena_init(&told->arena);
    told->sink.arena = &told->arena;
    struct json_fault fault;
    cJSON *json = json_parse(&told->arena, text, strlen(text), &fault);
    if (!json) fail_msg("%s: %s", text, fault.why);
    bool ok = fields_check(with, json, false, &told->sink);
    assert_int_equal(ok, told->sink.count == 0);
    return json;
}

static void expect_fault(const char *text, const char *words) {
    struct told told;
    check_rows(&told, all, text);
    if (!strstr(told.text, words)) fail_msg("%s\ntold: %snot: %s", text, told.text, words);
    arena_fini(&told.arena);
}

static void expect_result(const char *text, const char *result) {
    struct told told;
    cJSON *json = check_rows(&told, all, text);
    assert_string_equal(told.text, "");
    assert_string_equal(json_print(&told.arena, json, NULL), result);
    arena_fini(&told.arena);
}

static void fills_in_defaults_and_units(void **state) {
    (void)state;
    expect_result("{\"app_name\":\"shop\"}",
                  "{\"app_name\":\"shop\",\"environment\":\"dev\",\"note\":\"none\"}");
    expect_result("{\"app_name\":\"a\",\"environment\":\"prod\",\"note\":null,"
                  "\"config\":{\"image\":\"a:1\"},\"timeout\":\"1m30s\",\"memory\":\"64KiB\"}",
                  "{\"app_name\":\"a\",\"environment\":\"prod\","
                  "\"config\":{\"image\":\"a:1\",\"replicas\":1},\"timeout\":90000,"
                  "\"memory\":65536,\"note\":\"none\"}");
    expect_result("{\"note\":\"x\",\"environment\":\"dev\",\"timeout\":1.5,\"memory\":7,"
                  "\"app_name\":\"a\"}",
                  "{\"note\":\"x\",\"environment\":\"dev\",\"timeout\":1500,\"memory\":7,"
                  "\"app_name\":\"a\"}");
}

static void takes_every_type(void **state) {
    (void)state;
    const char *text = "{\"app_name\":\"a-1\",\"environment\":\"dev\",\"tags\":[\"x\",\"y\"],"
                       "\"labels\":{\"a/b\":\"c\"},\"probes\":[{\"path\":\"/\"}],\"ratio\":0.5,"
                       "\"force\":false,\"note\":\"\",\"token\":\"12345\",\"extra\":[{\"x\":null}],"
                       "\"free\":{\"y\":1},\"levels\":[\"low\"]}";
    expect_result(text, text);
}

static void tells_what_is_wrong(void **state) {
    (void)state;
    static const struct {
        const char *member, *words;
    } cases[] = {
        {"\"environment\":\"prd\"",
         "/environment: expected one of: dev, stage, prod, found \"prd\" | did you mean 'prod'?"},
        {"\"environment\":\"PROD\"", "| did you mean 'prod'?"},
        {"\"environment\":1", "/environment: expected one of: dev, stage, prod, found 1"},
        {"\"environment\":\"\"", "found an empty string"},
        {"\"environment\":\"dev|stage\"", "found \"dev|stage\""},
        {"\"imge\":1,\"config\":{\"imge\":\"x\"}", "/config/imge#: unknown member 'imge' | did you "
                                                   "mean 'image'?"},
        {"\"zzzzzz\":1", "/zzzzzz#: unknown member 'zzzzzz' | known members: app_name, environ"},
        {"\"enviroment\":1", "did you mean 'environment'?"},
        {"\"Environment\":1", "did you mean 'environment'?"},
        {"\"config\":{}", "/config: the member 'image' is missing: expected a container image"},
        {"\"config\":[]", "/config: expected an object, found a list"},
        {"\"config\":null", "found null | leave the member out"},
        {"\"config\":{\"image\":\"UPPER/x:1\",\"replicas\":1.5}",
         "/config/replicas: expected a whole number from 1 to 1000, found 1.5"},
        {"\"config\":{\"image\":\"a b\"}", "/config/image: expected a container image such as"},
        {"\"config\":{\"image\":\"a\",\"replicas\":\"3\"}",
         "found \"3\" | write 3 without the quotes"},
        {"\"config\":{\"image\":\"a\",\"replicas\":0}", "from 1 to 1000, found 0"},
        {"\"tags\":\"x\"", "/tags: expected a list of strings, found \"x\" | put it into a list"},
        {"\"tags\":[\"a\",\"b\",\"c\",\"d\"]", "/tags: expected 0 to 3 items, found 4"},
        {"\"tags\":[\"a\",2]", "/tags/1: expected a string, found 2 | put it in quotes"},
        {"\"labels\":{\"a/b~\":1}", "/labels/a~1b~0: expected a string, found 1"},
        {"\"labels\":{\"1\":\"\",\"2\":\"\",\"3\":\"\",\"4\":\"\",\"5\":\"\"}",
         "/labels: expected 0 to 4 members, found 5"},
        {"\"probes\":[{\"path\":\"12345678901\"}]",
         "/probes/0/path: expected a string of 1 to 10 bytes, found a string of 11 bytes"},
        {"\"probes\":[{\"path\":\"\"}]", "/probes/0/path: expected a string of 1 to 10 bytes"},
        {"\"probes\":[{\"pat\":1}]", "/probes/0/pat#: unknown member 'pat' | did you mean 'path'"},
        {"\"probes\":[1]", "/probes/0: expected an object, found 1"},
        {"\"timeout\":\"5\"", "/timeout: expected a duration from 1s to 1h such as"},
        {"\"timeout\":\"2h\"", "found \"2h\""},
        {"\"timeout\":0.5", "found 0.5"},
        {"\"memory\":\"8Mi\"", "/memory: expected a size such as \"8MiB\""},
        {"\"memory\":-1", "found -1"},
        {"\"memory\":1.5", "found 1.5"},
        {"\"ratio\":2", "/ratio: expected a number from 0 to 1, found 2"},
        {"\"force\":\"true\"", "expected true or false, found \"true\" | write true without"},
        {"\"levels\":[\"hihg\"]", "/levels/0: expected one of: low, high, found \"hihg\" | did you "
                                  "mean 'high'?"},
        {"\"note\":5", "/note: expected a string, found 5"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[512];
        snprintf(text, sizeof text, "{\"app_name\":\"a\",%s}", cases[i].member);
        expect_fault(text, cases[i].words);
    }
    expect_fault("{}", ": the member 'app_name' is missing: expected a name of lower-case letters, "
                       "digits and '-' (at most 63) | add \"app_name\": \"shop\" (name of the "
                       "application)");
}

static void never_echoes_secrets(void **state) {
    (void)state;
    static const char *const texts[] = {"{\"app_name\":\"a\",\"token\":\"hunter2\"}",
                                        "{\"app_name\":\"a\",\"token\":123456789}"};
    for (size_t i = 0; i < 2; i++) {
        struct told told;
        check_rows(&told, all, texts[i]);
        assert_int_equal(told.sink.count, 1);
        assert_null(strstr(told.text, "hunter2"));
        assert_null(strstr(told.text, "1234"));
        arena_fini(&told.arena);
    }
}

static void tells_every_fault_up_to_the_limit(void **state) {
    (void)state;
    char text[8192] = "{\"app_name\":\"a\"";
    for (int i = 0; i < 100; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, ",\"unknown%d\":1", i);
    }
    strcat(text, "}");
    struct told told;
    check_rows(&told, all, text);
    assert_int_equal(told.sink.count, 100);
    size_t lines = 0;
    for (const char *c = told.text; *c; c++) lines += *c == '\n';
    assert_int_equal(lines, 50);
    arena_fini(&told.arena);
}

static void open_objects_keep_other_members(void **state) {
    (void)state;
    struct told told = {.sink = {.fault = note}};
    arena_init(&told.arena);
    told.sink.arena = &told.arena;
    struct json_fault fault;
    const char *text = "{\"path\":\"x\",\"more\":1}";
    cJSON *json = json_parse(&told.arena, text, strlen(text), &fault);
    const struct field_rows probe = {probe_rows, sizeof(sl_field)};
    assert_true(fields_check(probe, json, true, &told.sink));
    assert_non_null(cJSON_GetObjectItem(json, "more"));
    arena_fini(&told.arena);
}

static void works_on_trees_from_malloc(void **state) {
    (void)state;
    struct told told = {.sink = {.fault = note}};
    struct json_fault fault;
    const char *text = "{\"app_name\":\"a\",\"note\":null,\"timeout\":\"1s\",\"bad\":1}";
    cJSON *json = json_parse(NULL, text, strlen(text), &fault);
    assert_false(fields_check(all, json, false, &told.sink));
    assert_non_null(strstr(told.text, "/bad#"));
    assert_string_equal(cJSON_GetObjectItem(json, "note")->valuestring, "none");
    cJSON_Delete(json); /* ASan tells a leak or a double free */
}

static void allocates_nothing_without_faults_and_defaults(void **state) {
    (void)state;
    struct told told = {.sink = {.fault = note}};
    arena_init(&told.arena);
    told.sink.arena = &told.arena;
    const char *text = "{\"app_name\":\"a\",\"environment\":\"dev\",\"note\":\"n\","
                       "\"config\":{\"image\":\"a:1\",\"replicas\":2},\"timeout\":\"5s\"}";
    struct json_fault fault;
    cJSON *json = json_parse(&told.arena, text, strlen(text), &fault);
    const char *before = told.arena.at;
    assert_true(fields_check(all, json, false, &told.sink));
    assert_ptr_equal(told.arena.at, before);
    arena_fini(&told.arena);
}

static void reads_values_from_text(void **state) {
    (void)state;
    static const struct {
        const char *name, *text, *json;
    } cases[] = {
        {"ratio", "0.5", "0.5"},
        {"ratio", "x", "\"x\""},
        {"ratio", "", "\"\""},
        {"force", "true", "true"},
        {"force", "", "true"},
        {"force", "no", "\"no\""},
        {"tags", "a,b", "[\"a\",\"b\"]"},
        {"tags", "", "[]"},
        {"tags", "[\"a\"]", "[\"a\"]"},
        {"timeout", "5", "5"},
        {"timeout", "5s", "\"5s\""},
        {"app_name", "5", "\"5\""},
        {"config", "{\"image\":1}", "{\"image\":1}"},
        {"config", "{", "\"{\""},
        {"extra", "[1]", "[1]"},
        {"probes", "[{}]", "[{}]"},
        {"levels", "low", "[\"low\"]"},
    };
    struct arena arena;
    arena_init(&arena);
    arena_use(&arena);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sl_field *row = field_find(all, cases[i].name);
        cJSON *value = field_from_text(row, cases[i].text, strlen(cases[i].text));
        assert_string_equal(json_print(&arena, value, NULL), cases[i].json);
    }
    arena_use(NULL);
    arena_fini(&arena);
}

static void parses_durations_and_sizes(void **state) {
    (void)state;
    assert_int_equal(duration_parse("250ms"), 250);
    assert_int_equal(duration_parse("30s"), 30000);
    assert_int_equal(duration_parse("1h30m"), 5400000);
    assert_int_equal(duration_parse("1d"), 86400000);
    static const char *const wrong[] = {"",
                                        "s",
                                        "5",
                                        "5 s",
                                        "-5s",
                                        "5S",
                                        "5sx",
                                        "1.5h",
                                        "99999999999999999d",
                                        "9999999999999999d",
                                        "5s5"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_int_equal(duration_parse(wrong[i]), -1);
    }
    assert_int_equal(size_parse("8MiB"), 8388608);
    assert_int_equal(size_parse("1GB"), 1000000000);
    assert_int_equal(size_parse("3B"), 3);
    assert_int_equal(size_parse("8"), -1);
    assert_int_equal(size_parse("8MiBs"), -1);
    assert_int_equal(size_parse("9999999999999TiB"), -1);
}

static void formats_take_and_refuse(void **state) {
    (void)state;
    static const struct {
        const char *format, *text;
        bool fits;
    } cases[] = {
        {"name", "a", true},
        {"name", "pay-ments-2", true},
        {"name", "", false},
        {"name", "-a", false},
        {"name", "a-", false},
        {"name", "A", false},
        {"name", "a.b", false},
        {"image", "shop", true},
        {"image", "registry.internal/shop:1.4.2", true},
        {"image", "localhost:5000/a/b__c.d-e:latest", true},
        {"image", "UPPER.example.com/a", true},
        {"image", "a@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
         true},
        {"image", "a:1@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde",
         false},
        {"image", "", false},
        {"image", "a:", false},
        {"image", "a//b", false},
        {"image", "/a", false},
        {"image", "a/", false},
        {"image", "A", false},
        {"image", "a___b", false},
        {"image", "a..b", false},
        {"image", "a:-x", false},
        {"image", "a b", false},
        {"image", "-h.com/a", false},
        {"image", "a@", false},
        {"image", "h:/a", false},
        {"image", "a_/b", false},
        {"uri", "https://example.com/x?y#z", true},
        {"uri", "mailto:a@b", true},
        {"uri", "example.com", false},
        {"uri", "1a:b", false},
        {"uri", "http:", false},
        {"uri", "http://a b", false},
        {"uri", "http://a/%zz", false},
        {"uri", "http://a/%2", false},
        {"time", "2026-11-22T10:00:00Z", true},
        {"time", "2024-02-29T23:59:59.123+05:30", true},
        {"time", "2023-02-29T00:00:00Z", false},
        {"time", "2026-13-01T00:00:00Z", false},
        {"time", "2026-11-22 10:00:00Z", false},
        {"time", "2026-11-22T10:00:00", false},
        {"time", "2026-11-22T24:00:00Z", false},
        {"time", "2026-11-22T10:00:00.Z", false},
        {"time", "2026-11-22T10:00:00Zx", false},
        {"time", "", false},
        {"email", "a.b+c@example.com", true},
        {"email", "a@b", true},
        {"email", "@b", false},
        {"email", "a@", false},
        {"email", "a@-b", false},
        {"email", "a@b..c", false},
        {"sha", "abc1234", true},
        {"sha", "abc123", false},
        {"sha", "ABC1234", false},
        {"pointer", "", true},
        {"pointer", "/a/~0~1", true},
        {"pointer", "a", false},
        {"pointer", "/~2", false},
        {"json", "{\"a\":[1]}", true},
        {"json", "{a:1}", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (field_format(cases[i].format)->fits(cases[i].text) != cases[i].fits) {
            fail_msg("%s: %s", cases[i].format, cases[i].text);
        }
    }
    assert_null(field_format("nmae"));
}

static const char *candidate(const void *arg, size_t i) {
    return ((const char *const *)arg)[i];
}

static void finds_the_nearest_name(void **state) {
    (void)state;
    static const char *const names[] = {"image", "replicas", "environment", "data_class",
                                        "env",   "id",       NULL};
    static const struct {
        const char *name, *nearest;
    } cases[] = {{"imge", "image"},
                 {"iamge", "image"},
                 {"Image", "image"},
                 {"replica", "replicas"},
                 {"data-class", "data_class"},
                 {"dataClass", "data_class"},
                 {"zzz", NULL},
                 {"repl", "replicas"},
                 {"x", NULL},
                 {"", NULL},
                 {"envv", "env"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *nearest = nearest_name(cases[i].name, candidate, names);
        if (cases[i].nearest) {
            assert_string_equal(nearest, cases[i].nearest);
        } else if (nearest) {
            fail_msg("%s: %s", cases[i].name, nearest);
        }
    }
}

static void expect_trouble(const sl_field *row, const char *words) {
    sl_field table[] = {*row, SL_END};
    struct arena arena;
    arena_init(&arena);
    const char *trouble = fields_trouble((struct field_rows){table, sizeof(sl_field)}, &arena);
    if (!words) assert_null(trouble);
    if (words && (!trouble || !strstr(trouble, words))) fail_msg("%s: %s", words, trouble);
    arena_fini(&arena);
}

static void finds_faults_of_declarations(void **state) {
    (void)state;
    expect_trouble(&(sl_field)SL_STRING("a b"), "name is not valid");
    expect_trouble(&(sl_field){.name = "a"}, "no known type");
    expect_trouble(&(sl_field)SL_ENUM("a", NULL), "enum without values");
    expect_trouble(&(sl_field)SL_STRING("a", .format = "nmae"), "unknown format 'nmae'");
    expect_trouble(&(sl_field)SL_INT("a", .def = "x"), "default of field 'a': expected a whole");
    expect_trouble(&(sl_field)SL_INT("a", .def = "0", .min = 1, .max = 2), "from 1 to 2, found 0");
    expect_trouble(&(sl_field)SL_INT("a", .example = "\"x\""), "example of field 'a'");
    expect_trouble(&(sl_field)SL_INT("a", .example = "{"), "is not JSON");
    expect_trouble(&(sl_field)SL_DURATION("a", .def = "30s", .example = "\"5m\""), NULL);
    static const sl_field twice[] = {SL_INT("x"), SL_INT("x"), SL_END};
    expect_trouble(&(sl_field)SL_OBJECT("o", twice), "in 'o': field 'x' is declared twice");
    static const sl_field endless[] = {SL_OBJECT("self", endless), SL_END};
    expect_trouble(&endless[0], "contain themselves");
    struct arena arena;
    arena_init(&arena);
    assert_null(fields_trouble(all, &arena));
    arena_fini(&arena);
}

static void more_rows_than_marks_still_work(void **state) {
    (void)state;
    static char names[80][8];
    sl_field many[81];
    memset(many, 0, sizeof many);
    for (int i = 0; i < 80; i++) {
        snprintf(names[i], sizeof names[i], "f%d", i);
        many[i] = (sl_field){.name = names[i], .type = SL_T_INT, .flags = SL_REQUIRED};
    }
    struct told told;
    check_rows(&told, (struct field_rows){many, sizeof(sl_field)}, "{\"f0\":1,\"f70\":2}");
    assert_int_equal(told.sink.count, 78);
    assert_null(strstr(told.text, "'f70'"));
    arena_fini(&told.arena);
}

static void describes_rows_as_json_schema(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    arena_use(&arena);
    const char *text = json_print(&arena, fields_schema(all, false), NULL);
    arena_use(NULL);
    static const char *const parts[] = {
        "\"required\":[\"app_name\"]",
        "\"environment\":{\"type\":\"string\",\"enum\":[\"dev\",\"stage\",\"prod\"],\"default\":"
        "\"dev\"}",
        "\"replicas\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"default\":1}",
        "\"tags\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"maxLength\":65536},"
        "\"maxItems\":3}",
        "\"token\":{\"type\":\"string\",\"maxLength\":5,\"writeOnly\":true}",
        "\"extra\":{}",
        "\"free\":{\"type\":\"object\"}",
        "\"note\":{\"type\":[\"string\",\"null\"]",
        "\"additionalProperties\":false"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!strstr(text, parts[i])) fail_msg("%s\nnot in\n%s", parts[i], text);
    }
    arena_fini(&arena);
}

/* "test_fields schema" prints the schema of the rows above; "test_fields check" answers each line
 * of JSON with "ok" or its faults. tests/integration/test_fields.py compares the two. */
static int as_oracle(const char *what) {
    struct told told;
    if (strcmp(what, "schema") == 0) {
        arena_init(&told.arena);
        arena_use(&told.arena);
        puts(json_print(&told.arena, fields_schema(all, false), NULL));
        return 0;
    }
    static char line[1 << 20];
    while (fgets(line, sizeof line, stdin)) {
        check_rows(&told, all, line);
        for (char *c = told.text; *c; c++) {
            if (*c == '\n') *c = ';';
        }
        puts(told.sink.count ? told.text : "ok");
        arena_fini(&told.arena);
    }
    return 0;
}

int main(int argc, char **argv) {
    arena_install_json_hooks();
    if (argc > 1) return as_oracle(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_in_defaults_and_units),
        cmocka_unit_test(takes_every_type),
        cmocka_unit_test(tells_what_is_wrong),
        cmocka_unit_test(never_echoes_secrets),
        cmocka_unit_test(tells_every_fault_up_to_the_limit),
        cmocka_unit_test(open_objects_keep_other_members),
        cmocka_unit_test(works_on_trees_from_malloc),
        cmocka_unit_test(allocates_nothing_without_faults_and_defaults),
        cmocka_unit_test(reads_values_from_text),
        cmocka_unit_test(parses_durations_and_sizes),
        cmocka_unit_test(formats_take_and_refuse),
        cmocka_unit_test(finds_the_nearest_name),
        cmocka_unit_test(finds_faults_of_declarations),
        cmocka_unit_test(more_rows_than_marks_still_work),
        cmocka_unit_test(describes_rows_as_json_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
