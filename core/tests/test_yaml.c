/* test_yaml.c - YAML to a tree: meanings, places, limits, refusals. */
#include "../arena.h"
#include "../yaml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct heard {
    struct yaml_sink sink; /* first */
    struct arena arena, *before;
    struct source source;
    unsigned count;
    char code[8], message[200], suggestion[200];
    struct text_place at;
};

static void hear(struct yaml_sink *sink, const struct yaml_fault *fault) {
    struct heard *heard = (struct heard *)sink;
    if (heard->count++ > 0) return;
    snprintf(heard->code, sizeof heard->code, "%s", fault->code);
    snprintf(heard->message, sizeof heard->message, "%s", fault->message);
    snprintf(heard->suggestion, sizeof heard->suggestion, "%s",
             fault->suggestion ? fault->suggestion : "");
    heard->at = fault->at;
}

static int set_up(void **state) {
    struct heard *heard = calloc(1, sizeof *heard);
    arena_install_json_hooks();
    arena_init(&heard->arena);
    heard->before = arena_use(&heard->arena);
    heard->sink.fault = hear;
    *state = heard;
    return 0;
}

static int tear_down(void **state) {
    struct heard *heard = *state;
    arena_use(heard->before);
    arena_fini(&heard->arena);
    free(heard);
    return 0;
}

static struct yaml_node *read_bytes(struct heard *heard, const char *text, size_t size) {
    heard->count = 0;
    heard->code[0] = '\0';
    heard->source = (struct source){.name = "test", .text = text, .size = size};
    return yaml_read(&heard->arena, &heard->source, &heard->sink);
}

static struct yaml_node *read_yaml(struct heard *heard, const char *text) {
    return read_bytes(heard, text, strlen(text));
}

static const char *json_of(struct heard *heard, const char *text) {
    struct yaml_node *root = read_yaml(heard, text);
    return root ? cJSON_PrintUnformatted(yaml_json(root)) : NULL;
}

static void has_the_types_of_yaml_1_2(void **state) {
    static const char *const cases[][2] = {
        {"true", "true"},
        {"False", "false"},
        {"no", "\"no\""},
        {"on", "\"on\""},
        {"y", "\"y\""},
        {"~", "null"},
        {"", "null"},
        {"Null", "null"},
        {"nULL", "\"nULL\""},
        {"12", "12"},
        {"-12", "-12"},
        {"+12", "12"},
        {"0o7", "\"0o7\""},
        {"010", "10"},
        {"0x1f", "31"},
        {"0xg", "\"0xg\""},
        {"1.5", "1.5"},
        {".5", "0.5"},
        {"1.", "1"},
        {"1e3", "1000"},
        {"1_000", "\"1_000\""},
        {"1:30", "\"1:30\""},
        {".", "\".\""},
        {"-", NULL},
        {".inf", "\".inf\""},
        {".nan", "\".nan\""},
        {"1e999", "\"1e999\""},
        {"\"12\"", "\"12\""},
        {"'true'", "\"true\""},
        {"!!str 12", "\"12\""},
        {"!!int \"12\"", "12"},
        {"2026-01-02", "\"2026-01-02\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64], wanted[64];
        snprintf(text, sizeof text, "k: %s\n", cases[i][0]);
        const char *got = json_of(*state, text);
        if (!cases[i][1]) {
            assert_null(got);
            continue;
        }
        snprintf(wanted, sizeof wanted, "{\"k\":%s}", cases[i][1]);
        assert_string_equal(got, wanted);
    }
}

static void reads_blocks_and_flows(void **state) {
    assert_string_equal(json_of(*state, "a:\n  - 1\n  - b: [x, {y: z}]\nc: |\n  l1\n  l2\n"),
                        "{\"a\":[1,{\"b\":[\"x\",{\"y\":\"z\"}]}],\"c\":\"l1\\nl2\\n\"}");
    assert_string_equal(json_of(*state, ""), "{}");
    assert_string_equal(json_of(*state, "# only words\n"), "{}");
    assert_string_equal(json_of(*state, "%YAML 1.2\n---\na: 1\n...\n"), "{\"a\":1}");
    assert_string_equal(json_of(*state, "on: off\n"), "{\"on\":\"off\"}");
    assert_string_equal(json_of(*state, "\xef\xbb\xbf"
                                        "a: 1\n"),
                        "{\"a\":1}");
}

static void knows_the_places(void **state) {
    struct yaml_node *root = read_yaml(*state, "a: 1\nr\xc3\xa4ume:\n  b: \"x\xc3\xa4y\"\n");
    const struct yaml_member *member = root->first->next;
    assert_int_equal(member->key_at.line, 2);
    assert_int_equal(member->key_at.column, 1);
    assert_int_equal(member->key_at.end_column, 6);
    const struct text_place at = member->value->first->value->at;
    assert_int_equal(at.line, 3);
    assert_int_equal(at.column, 6);
    assert_int_equal(at.end_column, 11);
}

static void expands_aliases(void **state) {
    assert_string_equal(json_of(*state, "a: &x {k: 1}\nb: *x\nc: [*x, *x]\n"),
                        "{\"a\":{\"k\":1},\"b\":{\"k\":1},\"c\":[{\"k\":1},{\"k\":1}]}");
}

struct refusal {
    const char *text, *code, *message;
    unsigned line, column;
};

static void assert_refused(struct heard *heard, const struct refusal *refusal) {
    struct yaml_node *root = read_yaml(heard, refusal->text);
    bool syntax = strcmp(refusal->code, "C0108") != 0 && strcmp(refusal->code, "C0111") != 0;
    assert_true(heard->count > 0);
    if (strcmp(heard->code, refusal->code) != 0)
        fail_msg("%s%s %s", refusal->text, heard->code, heard->message);
    if (!strstr(heard->message, refusal->message))
        fail_msg("'%s' has no '%s'", heard->message, refusal->message);
    if (heard->at.line != refusal->line || heard->at.column != refusal->column)
        fail_msg("%s%u:%u", refusal->text, heard->at.line, heard->at.column);
    assert_true(syntax == !root);
}

static void refuses_with_the_place(void **state) {
    static const struct refusal refusals[] = {
        {"a: 1\nb: 2\na: 3\n", "C0108", "'a' stands here twice", 3, 1},
        {"x: {k: 1, k: 2}\n", "C0108", "'k' stands here twice", 1, 11},
        {"a:\n\tb: 1\n", "C0104", "tab", 2, 1},
        {"a:\n  \tb: 1\n", "C0104", "tab", 2, 3},
        {"a: [1, 2\nb: 3\n", "C0105", "expected ',' or ']'", 2, 2},
        {"a: b: c\n", "C0105", "check the indentation", 1, 5},
        {"a: 'x\n", "C0105", "ends inside a quoted", 2, 1},
        {"a: @x\n", "C0105", "quote it", 1, 4},
        {"a: 1\n--- \nb: 2\n", "C0107", "second document", 2, 1},
        {"? [a]\n: b\n", "C0109", "plain name", 1, 3},
        {"\"\": b\n", "C0109", "without a name", 1, 1},
        {"<<: {a: 1}\n", "C0109", "merge keys", 1, 1},
        {"a: *x\n", "C0110", "no anchor", 1, 4},
        {"a: &x [*x]\n", "C0110", "inside its own anchor", 1, 8},
        {"a: !thing 1\n", "C0111", "tag", 1, 4},
        {"a: \"x\\0y\"\n", "C0103", "NUL", 1, 4},
        {"a: 1\nb: \x01\n", "C0103", "control character", 2, 4},
        {"a: 1\nb: \xff\n", "C0103", "not UTF-8", 2, 4},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct heard *heard = *state;
        bool tree = strstr(refusals[i].text, "\\0") != NULL;
        if (tree) { /* told, and read on */
            read_yaml(heard, refusals[i].text);
            assert_string_equal(heard->code, refusals[i].code);
            continue;
        }
        assert_refused(heard, &refusals[i]);
    }
}

static void never_repeats_what_may_be_a_password(void **state) {
    static const char *const texts[] = {"password: !hunter2\n",  "password: *hunter2\n",
                                        "password: @hunter2\n",  "password: %hunter2\n",
                                        "password: \"hunter2\n", "password: `hunter2\n"};
    struct heard *heard = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        read_yaml(heard, texts[i]);
        assert_true(heard->count > 0);
        assert_null(strstr(heard->message, "hunter2"));
        assert_null(strstr(heard->suggestion, "hunter2"));
    }
}

static void tells_to_quote_references_in_flows(void **state) {
    struct heard *heard = *state;
    read_yaml(heard, "a: [${X}, ${Y}]\n");
    if (heard->count) assert_non_null(strstr(heard->suggestion, "quotes"));
}

/* ---- limits ---- */

static char *repeated(const char *piece, size_t times) {
    size_t size = strlen(piece);
    char *text = malloc(size * times + 1);
    for (size_t i = 0; i < times; i++) memcpy(text + i * size, piece, size);
    text[size * times] = '\0';
    return text;
}

/* libyaml alone needs some 20 s for the first of these. */
static void stops_at_the_depth(void **state) {
    static const char *const pieces[] = {"[", "{a: ", "[{\"\": ", "- ", "[ # x\n", "? "};
    struct heard *heard = *state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = repeated(pieces[i], 40000 / strlen(pieces[i]));
        assert_null(read_yaml(heard, text));
        assert_int_equal(heard->count, 1);
        assert_true(strcmp(heard->code, "C0106") == 0 || strcmp(heard->code, "C0109") == 0);
        free(text);
    }
}

static void takes_64_levels_and_no_more(void **state) {
    struct heard *heard = *state;
    char text[400];
    for (int levels = 63; levels <= 64; levels++) { /* and the map around them */
        int n = snprintf(text, sizeof text, "a: ");
        memset(text + n, '[', (size_t)levels);
        memset(text + n + levels, ']', (size_t)levels);
        text[n + 2 * levels] = '\0';
        assert_int_equal(read_yaml(heard, text) != NULL, levels == 63);
    }
    assert_string_equal(heard->code, "C0106");
}

static void does_not_hide_depth_behind_aliases(void **state) {
    struct heard *heard = *state;
    char text[8192] = "a0: &a0 [1]\n";
    for (int i = 1; i < 90; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size, "a%d: &a%d [*a%d]\n", i, i, i - 1);
    }
    assert_null(read_yaml(heard, text));
    assert_string_equal(heard->code, "C0106");
}

static void stops_a_billion_laughs(void **state) {
    struct heard *heard = *state;
    char text[4096] = "a0: &a0 [1,1,1,1,1,1,1,1,1]\n";
    for (int i = 1; i < 12; i++) {
        size_t size = strlen(text);
        snprintf(text + size, sizeof text - size,
                 "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1,
                 i - 1, i - 1, i - 1, i - 1, i - 1);
    }
    assert_null(read_yaml(heard, text));
    assert_string_equal(heard->code, "C0113");
}

static void limits_size_nodes_anchors_directives(void **state) {
    struct heard *heard = *state;
    static const struct {
        const char *piece, *code;
        size_t times;
    } cases[] = {{"# 34567\n", "C0102", YAML_BYTES_MAX / 8 + 1},
                 {"- 1\n", "C0113", YAML_NODES_MAX + 1},
                 {"- &x 1\n", "C0110", YAML_ANCHORS_MAX + 1},
                 {"%TAG !a! tag:x\n", "C0106", 5000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = repeated(cases[i].piece, cases[i].times);
        assert_null(read_yaml(heard, text));
        assert_string_equal(heard->code, cases[i].code);
        free(text);
    }
}

static void finds_twins_among_many(void **state) {
    struct heard *heard = *state;
    char *text = malloc((size_t)20000 * 12), *at = text;
    for (int i = 0; i < 20000; i++) at += sprintf(at, "k%d: 1\n", i == 19999 ? 7 : i);
    assert_non_null(read_yaml(heard, text));
    assert_int_equal(heard->count, 1);
    assert_string_equal(heard->code, "C0108");
    assert_int_equal(heard->at.line, 20000);
    free(text);
}

static void does_not_count_brackets_in_texts(void **state) {
    static const char *const pieces[] = {
        "- \"[[[[\"\n",          "- '{{{{ it''s'\n",  "# [[[[\n",
        "- a # [[[[\n",          "- use option [x\n", "- |\n  [[[[\n",
        "- >-\n  {{{{\n\n  [\n", "- it's [\n",        "- [a, \"]\"]\n",
        "- k: |+ # x\n    [[\n"};
    struct heard *heard = *state;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = repeated(pieces[i], 100);
        if (!read_yaml(heard, text)) fail_msg("%s: %s", pieces[i], heard->message);
        free(text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(has_the_types_of_yaml_1_2),
        TEST(reads_blocks_and_flows),
        TEST(knows_the_places),
        TEST(expands_aliases),
        TEST(refuses_with_the_place),
        TEST(never_repeats_what_may_be_a_password),
        TEST(tells_to_quote_references_in_flows),
        TEST(stops_at_the_depth),
        TEST(takes_64_levels_and_no_more),
        TEST(does_not_hide_depth_behind_aliases),
        TEST(stops_a_billion_laughs),
        TEST(limits_size_nodes_anchors_directives),
        TEST(finds_twins_among_many),
        TEST(does_not_count_brackets_in_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
