/* cmd_policy.c - policy eval, policy test, gate test: scripts without a server. */
#include "../json.h"
#include "../lua_decision.h"
#include "../lua_judge.h"
#include "../lua_tests.h"
#include "cli.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- policy eval ---- */

/* JSON from the flag itself, "@file" or "-". NULL after telling why. */
static cJSON *read_input(struct cli *cli, int *code) {
    const char *given = cli_option(cli, "input"), *name = "--input";
    struct json_fault fault;
    *code = CLI_USAGE;
    if (!given) {
        cli_usage(cli, "policy eval needs --input: JSON, @FILE, or - for standard input");
        return NULL;
    }
    size_t size = strlen(given);
    if (*given == '@' || strcmp(given, "-") == 0) {
        name = *given == '@' ? given + 1 : given;
        given = cli_read(cli, name, &size);
        *code = CLI_BAD_INPUT;
        if (!given) return NULL;
    }
    cJSON *input = json_parse(&cli->arena, given, size, &fault);
    if (input && cJSON_IsObject(input)) return input;
    *code = CLI_BAD_INPUT;
    if (input)
        cli_fail(cli, *code, "%s: the context must be a JSON object", name);
    else
        cli_fail(cli, *code, "%s:%zu:%zu: the context is no JSON: %s", name, fault.line,
                 fault.column, fault.why);
    return NULL;
}

static const char *text_of(const cJSON *object, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
    return text ? text : "";
}

static bool lets_pass(const cJSON *verdict) {
    const char *outcome = text_of(verdict, "outcome");
    return strcmp(outcome, "allow") == 0 || strcmp(outcome, "warn") == 0;
}

static void print_trace(struct cli *cli, const cJSON *trace) {
    const cJSON *line;
    cJSON_ArrayForEach(line, trace) {
        cli_out(cli, "    read %s\n", cli_clean(cli, line->valuestring, false));
    }
}

static void print_verdict(struct cli *cli, const cJSON *verdict, const cJSON *trace) {
    const char *outcome = text_of(verdict, "outcome"), *class = text_of(verdict, "class");
    enum cli_color color = !lets_pass(verdict) ? CLI_RED : CLI_GREEN;
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(verdict, "line");
    cli_out(cli, "%s  %s", cli_paint(cli, color, outcome), text_of(verdict, "name"));
    if (strcmp(class, "decision") != 0) cli_out(cli, " (%s)", class);
    cli_out(cli, "  %s", cli_clean(cli, text_of(verdict, "file"), false));
    if (cJSON_IsNumber(line) && line->valueint > 0) cli_out(cli, ":%d", line->valueint);
    cli_out(cli, "\n");
    if (*text_of(verdict, "reason"))
        cli_out(cli, "  %s\n", cli_clean(cli, text_of(verdict, "reason"), false));
    if (*text_of(verdict, "fix"))
        cli_out(cli, "  fix: %s\n", cli_clean(cli, text_of(verdict, "fix"), false));
    if (cli->verbose) print_trace(cli, trace);
}

/* Judges also where `applies` says no: that is what was asked for; but says so. */
static void note_applies(struct cli *cli, const struct script *script, const cJSON *input,
                         cJSON *verdict) {
    char *trouble;
    bool applies = script_applies(script, input, &trouble);
    if (trouble) cli_note(cli, "%s", trouble);
    free(trouble);
    cJSON_AddBoolToObject(verdict, "applies", applies);
    if (!applies) cli_note(cli, "the script does not apply to this context; judged all the same");
}

static int run_eval(struct cli *cli) {
    int code;
    cJSON *input = read_input(cli, &code);
    if (!input) return code;
    const char *path = cli->args[0];
    struct stat status;
    if (stat(path, &status) != 0)
        return cli_fail(cli, CLI_BAD_INPUT, "there is no script '%s'", path);
    struct script *script = script_open_alone(path);
    cJSON *trace = cJSON_CreateArray(), *verdict = judge_traced(script, input, trace);
    code = script->fault ? CLI_BAD_INPUT : lets_pass(verdict) ? CLI_DONE : CLI_DENIED;
    if (!script->fault) note_applies(cli, script, input, verdict);
    if (cli->format == CLI_TABLE) {
        print_verdict(cli, verdict, trace);
    } else {
        cJSON_AddItemToObject(verdict, "trace", trace);
        cli_value(cli, verdict);
    }
    script_unref(script);
    return code;
}

/* ---- policy test, gate test ---- */

struct test_session {
    struct cli *cli;
    const char *kind; /* only tests of these, where a folder was named; NULL: all */
    cJSON *files;
    int passed, failed, broken;
};

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void print_case(struct cli *cli, const char *script, const cJSON *one) {
    bool ok = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(one, "ok"));
    const cJSON *verdict = cJSON_GetObjectItemCaseSensitive(one, "verdict");
    cli_out(cli, "%s  %s: %s\n", cli_paint(cli, ok ? CLI_GREEN : CLI_RED, ok ? "ok  " : "FAIL"),
            script, cli_clean(cli, text_of(one, "name"), false));
    if (!ok) cli_out(cli, "    %s\n", cli_clean(cli, text_of(one, "why"), false));
    if (ok && !cli->verbose) return;
    print_trace(cli, cJSON_GetObjectItemCaseSensitive(one, "trace"));
    if (verdict)
        cli_out(cli, "    %s at %s:%d\n", text_of(verdict, "outcome"), text_of(verdict, "file"),
                cJSON_GetObjectItemCaseSensitive(verdict, "line")->valueint);
}

static void run_file(struct test_session *session, const char *path, bool filtered) {
    struct cli *cli = session->cli;
    cJSON *report = tests_run(path);
    const char *error = text_of(report, "error");
    if (filtered && session->kind && *text_of(report, "kind") &&
        strcmp(text_of(report, "kind"), session->kind) != 0)
        return;
    cJSON_AddItemToArray(session->files, report);
    if (*error) {
        session->broken++;
        cli_fail(cli, CLI_BAD_INPUT, "%s: %s", path, error);
        return;
    }
    session->passed += cJSON_GetObjectItemCaseSensitive(report, "passed")->valueint;
    session->failed += cJSON_GetObjectItemCaseSensitive(report, "failed")->valueint;
    const cJSON *one;
    if (cli->format != CLI_TABLE) return;
    cJSON_ArrayForEach(one, cJSON_GetObjectItemCaseSensitive(report, "cases")) {
        print_case(cli, text_of(report, "script"), one);
    }
}

static int is_test_file(const struct dirent *entry) {
    return ends_with(entry->d_name, "_test.lua");
}

/* The tests in a folder, and in `tests` below it. */
static void run_folder(struct test_session *session, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, is_test_file, alphasort);
    for (int i = 0; i < count; i++) {
        run_file(session, arena_printf(&session->cli->arena, "%s/%s", folder, entries[i]->d_name),
                 true);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

/* Tests of "policies/x.lua" are "tests/x_test.lua" beside the folder, or "x_test.lua" beside it;
 * those of a gate, which may have a policy's name, "tests/gates/x_test.lua". */
static const char *tests_of(struct cli *cli, const char *script) {
    const char *slash = strrchr(script, '/');
    int folder = slash ? (int)(slash - script) + 1 : 0;
    int name = (int)strlen(script) - folder - 4;
    const bool gate = folder >= 6 && strncmp(script + folder - 6, "gates/", 6) == 0;
    const char *places[] = {gate ? "../tests/gates/" : "../tests/", "../tests/", ""};
    for (size_t i = 0; i < 3; i++) {
        struct stat status;
        const char *path = arena_printf(&cli->arena, "%.*s%s%.*s_test.lua", folder, script,
                                        places[i], name, script + folder);
        if (stat(path, &status) == 0) return path;
    }
    return NULL;
}

static int run_path(struct test_session *session, const char *path) {
    struct cli *cli = session->cli;
    struct stat status;
    if (stat(path, &status) != 0) return cli_fail(cli, CLI_NOT_FOUND, "there is no '%s'", path);
    if (S_ISDIR(status.st_mode)) {
        run_folder(session, path);
        run_folder(session, arena_printf(&cli->arena, "%s/tests", path));
        run_folder(session, arena_printf(&cli->arena, "%s/tests/gates", path));
        return CLI_DONE;
    }
    if (!ends_with(path, ".lua")) return cli_fail(cli, CLI_BAD_INPUT, "'%s' is no script", path);
    const char *tests = ends_with(path, "_test.lua") ? path : tests_of(cli, path);
    if (!tests)
        return cli_fail(cli, CLI_NOT_FOUND,
                        "there are no tests of '%s': write ../tests/NAME_test.lua", path);
    run_file(session, tests, false);
    return CLI_DONE;
}

static int run_tests(struct cli *cli, const char *kind) {
    struct test_session session = {.cli = cli, .kind = kind, .files = cJSON_CreateArray()};
    int code = CLI_DONE;
    for (size_t i = 0; i < cli->arg_count && code == CLI_DONE; i++)
        code = run_path(&session, cli->args[i]);
    if (cli->arg_count == 0) code = run_path(&session, "scripts/lua");
    if (code != CLI_DONE) return code;
    if (cJSON_GetArraySize(session.files) == 0)
        return cli_fail(cli, CLI_NOT_FOUND, "no tests of a %s were found", kind);
    if (cli->format != CLI_TABLE) {
        cJSON *report = cJSON_CreateObject();
        cJSON_AddNumberToObject(report, "passed", session.passed);
        cJSON_AddNumberToObject(report, "failed", session.failed);
        cJSON_AddItemToObject(report, "files", session.files);
        cli_value(cli, report);
    } else {
        cli_out(cli, "%d passed, %d failed\n", session.passed, session.failed);
    }
    return session.broken ? CLI_BAD_INPUT : session.failed ? CLI_FAILED : CLI_DONE;
}

static int run_policy_test(struct cli *cli) {
    return run_tests(cli, "policy");
}

static int run_gate_test(struct cli *cli) {
    return run_tests(cli, "gate");
}

/* ---- the rows ---- */

static const struct cli_flag eval_flags[] = {
    {.name = "input", .value = "JSON", .help = "the context: JSON, @FILE, or - for standard input"},
    {0}};

extern const struct cli_command policy_commands[];
const struct cli_command policy_commands[] = {
    {.words = "policy eval",
     .args = "FILE",
     .args_min = 1,
     .args_max = 1,
     .summary = "Run one policy or gate on a context, without a server",
     .more =
         "Prints the outcome with its class (a decision, an error or a limit), reason, fix, file\n"
         "and line; -v adds what the script read. Exit code 0: allow or warn; 6: anything else;\n"
         "3: the script does not compile.",
     .example = "sluice policy eval scripts/lua/policies/no-latest.lua "
                "--input '{\"environment\":\"prod\",\"config\":{\"image\":\"shop:latest\"}}'",
     .flags = eval_flags,
     .run = run_eval},
    {.words = "policy test",
     .args = "[PATH...]",
     .args_max = 100,
     .summary = "Run the tests of policies",
     .more = "PATH is a script, a file of tests (NAME_test.lua) or a folder; default scripts/lua.\n"
             "A test that fails is shown with a trace of what the script read; -v shows all.",
     .example = "sluice policy test scripts/lua",
     .run = run_policy_test},
    {.words = "gate test",
     .args = "[PATH...]",
     .args_max = 100,
     .summary = "Run the tests of gates, with a trace of each decision",
     .more = "PATH is a script, a file of tests (NAME_test.lua) or a folder; default scripts/lua.",
     .example = "sluice gate test scripts/lua/gates/error-budget.lua -v",
     .run = run_gate_test},
    {0}};
