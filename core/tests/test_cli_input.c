/* Flags to input: what an operation's declared fields make of the command line. */
#include "cli/client.h"
#include "cli/flags.h"
#include "cli/op_fields.h"
#include "cli/op_input.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char deploy_request[] =
    "{\"name\":\"deploy.request\",\"method\":\"POST\",\"path\":\"/deployments/request\",\"in\":["
    "{\"name\":\"app_name\",\"cli\":\"app\",\"type\":\"string\",\"required\":true},"
    "{\"name\":\"environment\",\"cli\":\"env\",\"type\":\"enum\",\"values\":[\"dev\",\"prod\"]},"
    "{\"name\":\"dry_run\",\"type\":\"bool\"},"
    "{\"name\":\"diff\",\"type\":\"string\",\"file\":true},"
    "{\"name\":\"tags\",\"cli\":\"tag\",\"type\":\"list\",\"item\":\"string\"},"
    "{\"name\":\"ports\",\"type\":\"list\",\"item\":\"int\"},"
    "{\"name\":\"config\",\"type\":\"object\",\"fields\":["
    "{\"name\":\"image\",\"cli\":\"image\",\"type\":\"string\",\"required\":true},"
    "{\"name\":\"replicas\",\"cli\":\"replicas\",\"type\":\"int\"},"
    "{\"name\":\"env\",\"type\":\"map\",\"item\":\"string\"}]},"
    "{\"name\":\"context\",\"type\":\"object\"}]}";
static const char deploy_get[] =
    "{\"name\":\"deploy.get\",\"method\":\"GET\",\"path\":\"/deployments/{id}/log/{file...}\","
    "\"in\":[{\"name\":\"id\",\"type\":\"string\",\"required\":true},"
    "{\"name\":\"file\",\"type\":\"string\",\"required\":true},"
    "{\"name\":\"status\",\"type\":\"list\",\"item\":\"string\"},"
    "{\"name\":\"limit\",\"type\":\"int\"}]}";

struct made {
    struct cli cli;
    char *err;
    size_t err_size;
    int code;
    const char *body, *path;
};

/* `line` is split at blanks; `stdin_text` is what - reads. */
static void make(struct made *made, const char *op_text, const char *line, const char *stdin_text) {
    *made = (struct made){
        .cli = {.in = fmemopen((void *)stdin_text, strlen(stdin_text), "r"), .out = stdout}};
    struct cli *cli = &made->cli;
    cli->err = open_memstream(&made->err, &made->err_size);
    arena_init(&cli->arena);
    arena_install_json_hooks();
    arena_use(&cli->arena);
    globals_reset(cli);
    char *words[32], *rest = NULL, *copy = arena_strdup(&cli->arena, line);
    size_t count = 0;
    for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    cJSON *op = cJSON_Parse(op_text);
    struct flag_syntax syntax = op_syntax(cli, op);
    made->code = flags_parse(cli, &syntax, words, count);
    cJSON *input = made->code ? NULL : op_input(cli, op, &made->code);
    made->path = input ? op_path(cli, op, input) : NULL;
    made->body = input ? cJSON_PrintUnformatted(input) : NULL;
    fflush(cli->err);
}

static void unmake(struct made *made) {
    cli_fini(&made->cli);
    fclose(made->cli.in), fclose(made->cli.err);
    free(made->err);
}

static void makes(const char *op, const char *line, const char *input, const char *body) {
    struct made made;
    make(&made, op, line, input);
    if (made.code) print_error("%s -> %s", line, made.err);
    assert_int_equal(made.code, 0);
    assert_string_equal(made.body, body);
    unmake(&made);
}

static void refuses(const char *op, const char *line, int code, const char *why) {
    struct made made;
    make(&made, op, line, "x");
    assert_int_equal(made.code, code);
    if (!strstr(made.err, why)) print_error("%s -> %s", line, made.err);
    assert_non_null(strstr(made.err, why));
    unmake(&made);
}

static void short_names_reach_nested_members(void **state) {
    (void)state;
    makes(deploy_request, "--app shop --env prod --image r/shop:1 --replicas 3", "x",
          "{\"app_name\":\"shop\",\"environment\":\"prod\",\"config\":{\"image\":\"r/shop:1\","
          "\"replicas\":3}}");
}

static void full_names_and_paths_are_the_same(void **state) {
    (void)state;
    makes(deploy_request, "--app_name shop --config.image i --config.replicas=2", "x",
          "{\"app_name\":\"shop\",\"config\":{\"image\":\"i\",\"replicas\":2}}");
    makes(deploy_request, "--app-name shop --dry-run", "x",
          "{\"app_name\":\"shop\",\"dry_run\":true}");
    makes(deploy_request, "--dry-run=false", "x", "{\"dry_run\":false}");
}

static void maps_and_open_objects_take_any_member(void **state) {
    (void)state;
    makes(deploy_request, "--config.env.LOG_LEVEL debug --context.a.b 5 --context.s text", "x",
          "{\"config\":{\"env\":{\"LOG_LEVEL\":\"debug\"}},\"context\":{\"a\":{\"b\":5},"
          "\"s\":\"text\"}}");
}

static void lists_grow_by_repetition(void **state) {
    (void)state;
    makes(deploy_request, "--tag 1 --tag b --ports 80 --ports 81", "x",
          "{\"tags\":[\"1\",\"b\"],\"ports\":[80,81]}");
    makes(deploy_request, "--tag [\"a\",\"b\"]", "x", "{\"tags\":[\"a\",\"b\"]}");
}

static void values_that_do_not_fit_are_left_to_the_server(void **state) {
    (void)state;
    makes(deploy_request, "--replicas many --dry-run=perhaps --env stag", "x",
          "{\"config\":{\"replicas\":\"many\"},\"dry_run\":\"perhaps\",\"environment\":\"stag\"}");
}

static void a_file_field_reads_standard_input(void **state) {
    (void)state;
    makes(deploy_request, "--diff -", "--- a\n+++ b\n", "{\"diff\":\"--- a\\n+++ b\\n\"}");
    makes(deploy_request, "--context @-", "{\"x\":1}", "{\"context\":{\"x\":1}}");
    makes(deploy_request, "--app @@me", "", "{\"app_name\":\"@me\"}");
}

static void bytes_that_are_no_utf8_are_replaced_and_told(void **state) {
    (void)state;
    struct made made;
    make(&made, deploy_request, "--diff -", "caf\xe9 \xed\xa0\x80 \xc3\xa9");
    assert_int_equal(made.code, 0);
    assert_string_equal(made.body,
                        "{\"diff\":\"caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
                        " \xc3\xa9\"}");
    assert_non_null(strstr(made.err, "4 bytes that are no UTF-8"));
    unmake(&made);
}

static void input_is_the_base_that_flags_complete(void **state) {
    (void)state;
    makes(deploy_request, "--input - --replicas 4",
          "{\"app_name\":\"a\",\"config\":{\"image\":\"i\"}}",
          "{\"app_name\":\"a\",\"config\":{\"image\":\"i\",\"replicas\":4}}");
    makes(deploy_request, "--input {\"app_name\":\"a\"} --app b", "x", "{\"app_name\":\"b\"}");
}

static void arguments_fill_the_path_then_what_is_required(void **state) {
    (void)state;
    struct made made;
    make(&made, deploy_get, "a/b c/d --limit 5 --status x --status y&z", "x");
    assert_int_equal(made.code, 0);
    assert_string_equal(made.path, "/deployments/a%2Fb/log/c/d?limit=5&status=x&status=y%26z");
    unmake(&made);
    makes(deploy_request, "shop", "x", "{\"app_name\":\"shop\"}");
}

static void mistakes_are_told_before_anything_is_sent(void **state) {
    (void)state;
    refuses(deploy_request, "--imge x", CLI_USAGE, "unknown flag --imge");
    refuses(deploy_request, "--config.imge x", CLI_USAGE, "unknown flag --config.imge");
    refuses(deploy_request, "--config {bad", CLI_USAGE, "--config takes JSON");
    refuses(deploy_request, "--input - --diff -", CLI_BAD_INPUT, "standard input is no JSON");
    refuses(deploy_request, "--app @/nowhere/file", CLI_BAD_INPUT, "cannot read /nowhere/file");
    refuses(deploy_request, "shop more", CLI_USAGE, "one argument too many");
    refuses(deploy_request, "--config 5 --config.image i", CLI_USAGE, "is no object");
    refuses(deploy_request, "--diff - --context @-", CLI_USAGE, "is read already");
}

static void a_path_parameter_is_needed(void **state) {
    (void)state;
    struct made made;
    make(&made, deploy_get, "--limit 5", "x");
    assert_null(made.path);
    assert_non_null(strstr(made.err, "the argument id is missing"));
    unmake(&made);
}

static void shells_and_urls_are_quoted(void **state) {
    (void)state;
    struct cli cli = {0};
    arena_init(&cli.arena);
    assert_string_equal(shell_quote(&cli, "plain-1.2"), "plain-1.2");
    assert_string_equal(shell_quote(&cli, "it's $HOME"), "'it'\\''s $HOME'");
    assert_string_equal(shell_quote(&cli, ""), "''");
    assert_string_equal(url_encode(&cli, "a b/\xc3\xa9~"), "a%20b%2F%C3%A9~");
    cli_fini(&cli);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_names_reach_nested_members),
        cmocka_unit_test(full_names_and_paths_are_the_same),
        cmocka_unit_test(maps_and_open_objects_take_any_member),
        cmocka_unit_test(lists_grow_by_repetition),
        cmocka_unit_test(values_that_do_not_fit_are_left_to_the_server),
        cmocka_unit_test(a_file_field_reads_standard_input),
        cmocka_unit_test(bytes_that_are_no_utf8_are_replaced_and_told),
        cmocka_unit_test(input_is_the_base_that_flags_complete),
        cmocka_unit_test(arguments_fill_the_path_then_what_is_required),
        cmocka_unit_test(mistakes_are_told_before_anything_is_sent),
        cmocka_unit_test(a_path_parameter_is_needed),
        cmocka_unit_test(shells_and_urls_are_quoted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
