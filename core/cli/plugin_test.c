/* plugin_test.c - cases in a file, run against a plugin in a test host: tests without C. */
#include "../config.h"
#include "../json.h"
#include "op_input.h"
#include "plugin_check.h"

#include <sluice/test.h>
#include <stdlib.h>
#include <string.h>

const struct cli_flag plugin_test_flags[] = {
    {"cases", "FILE", "the cases, as JSON or YAML (required)", 0, false},
    {"config", "JSON", "the plugin's options", 0, false},
    {"with", "FILE", "another plugin to load (may be repeated)", 0, false},
    {0}};

/* ---- reading ---- */

static bool is_yaml(const char *file) {
    const char *dot = strrchr(file, '.');
    return dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
}

static cJSON *read_yaml(struct cli *cli, const char *file, const char *text, size_t size) {
    arena_use(NULL); /* the configuration has memory of its own */
    struct config *config = config_read_text(file, text, size);
    bool good = config_ok(config);
    char *report = good ? NULL : config_report(config, cli->color_err);
    arena_use(&cli->arena);
    cJSON *cases = good ? cJSON_Duplicate(config_tree(config), true) : NULL;
    if (report) fputs(report, cli->err);
    arena_use(NULL);
    free(report);
    config_free(config);
    arena_use(&cli->arena);
    return cases;
}

static const cJSON *read_cases(struct cli *cli) {
    const char *file = cli_option(cli, "cases");
    size_t size;
    if (!file) return cli_usage(cli, "--cases FILE is missing"), NULL;
    char *text = cli_read(cli, file, &size);
    if (!text) return NULL;
    struct json_fault fault;
    cJSON *cases = is_yaml(file) ? read_yaml(cli, file, text, size)
                                 : json_parse(&cli->arena, text, size, &fault);
    if (!cases && !is_yaml(file))
        cli_fail(cli, CLI_BAD_INPUT, "%s:%zu:%zu: %s", file, fault.line, fault.column, fault.why);
    if (cases && cJSON_IsObject(cases)) cases = cJSON_GetObjectItemCaseSensitive(cases, "cases");
    if (cases && cJSON_IsArray(cases) && cases->child) return cases;
    if (cases) cli_fail(cli, CLI_BAD_INPUT, "%s holds no list of cases", file);
    return NULL;
}

/* ---- judging ---- */

/* Is all of `wanted` in `got`? Objects may hold more; lists and scalars are equal. */
static bool holds(const cJSON *got, const cJSON *wanted) {
    if (!cJSON_IsObject(wanted)) return cJSON_Compare(got, wanted, true);
    const cJSON *member;
    cJSON_ArrayForEach(member, wanted) {
        const cJSON *own = cJSON_GetObjectItemCaseSensitive(got, member->string);
        if (!own || !holds(own, member)) return false;
    }
    return cJSON_IsObject(got);
}

/* NULL, or what is not as the case wants it. */
static const char *judge_call(struct cli *cli, sl_test_host *host, const cJSON *one) {
    const char *op = member_text(one, "call", NULL), *as = member_text(one, "as", "*");
    if (!op) return NULL;
    const cJSON *with = cJSON_GetObjectItemCaseSensitive(one, "with");
    char *input = with ? cli_json(with) : arena_strdup(&cli->arena, "{}");
    arena_use(NULL);
    int status = sl_test_call_as(host, as, op, input);
    arena_use(&cli->arena);
    const char *answer = sl_test_answer(host), *wanted = member_text(one, "status", "ok");
    if (strcmp(sl_status_name(status), wanted) != 0)
        return arena_printf(&cli->arena, "expected the status %s, got %s: %s", wanted,
                            sl_status_name(status), answer);
    const cJSON *expect = cJSON_GetObjectItemCaseSensitive(one, "expect");
    if (expect && !holds(cJSON_Parse(answer), expect))
        return arena_printf(&cli->arena, "expected %s in the answer, got %s", cli_json(expect),
                            answer);
    const char *text = member_text(one, "contains", NULL);
    if (text && !strstr(answer, text))
        return arena_printf(&cli->arena, "expected the text '%s' in the answer, got %s", text,
                            answer);
    return NULL;
}

static const char *judge_events(struct cli *cli, sl_test_host *host, const cJSON *one) {
    const cJSON *event;
    cJSON_ArrayForEach(event, cJSON_GetObjectItemCaseSensitive(one, "events")) {
        arena_use(NULL);
        size_t count = sl_test_event_count(host, event->string);
        arena_use(&cli->arena);
        if (cJSON_IsNumber(event) && (double)count != event->valuedouble)
            return arena_printf(&cli->arena, "expected %g events %s, there are %zu",
                                event->valuedouble, event->string, count);
    }
    return NULL;
}

static void prepare(struct cli *cli, sl_test_host *host, const cJSON *one) {
    const cJSON *publish = cJSON_GetObjectItemCaseSensitive(one, "publish");
    const cJSON *advance = cJSON_GetObjectItemCaseSensitive(one, "advance_ms");
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(publish, "data");
    char *json = data ? cli_json(data) : NULL;
    arena_use(NULL);
    if (publish)
        sl_test_publish(host, member_text(publish, "type", "test.published"),
                        member_text(publish, "subject", ""), json);
    if (cJSON_IsNumber(advance)) sl_test_advance(host, (int64_t)advance->valuedouble);
    arena_use(&cli->arena);
}

static const char *run_case(struct cli *cli, sl_test_host *host, const cJSON *one) {
    prepare(cli, host, one);
    const char *fault = judge_call(cli, host, one);
    return fault ? fault : judge_events(cli, host, one);
}

int plugin_test(struct cli *cli) {
    const cJSON *cases = read_cases(cli), *one;
    if (!cases) return cli_option(cli, "cases") ? CLI_BAD_INPUT : CLI_USAGE;
    sl_test_options options = {.files = plugin_files(cli), .config = cli_option(cli, "config")};
    arena_use(NULL); /* the host has memory of its own */
    sl_test_host *host = sl_test_host_new(&options);
    arena_use(&cli->arena);
    if (!host) return cli_fail(cli, CLI_BAD_INPUT, "%s", sl_test_error());
    unsigned count = 0, failed = 0;
    cJSON_ArrayForEach(one, cases) {
        const char *fault = run_case(cli, host, one);
        const char *name = member_text(one, "name", member_text(one, "call", "case"));
        count++, failed += fault != NULL;
        cli_out(cli, "%s  %s\n",
                fault ? cli_paint(cli, CLI_RED, "fail") : cli_paint(cli, CLI_GREEN, "ok  "),
                cli_clean(cli, name, false));
        if (fault) cli_out(cli, "      %s\n", cli_clean(cli, fault, false));
    }
    arena_use(NULL);
    sl_test_host_free(host);
    arena_use(&cli->arena);
    cli_note(cli, "%u cases, %u failed", count, failed);
    return failed ? CLI_FAILED : CLI_DONE;
}
