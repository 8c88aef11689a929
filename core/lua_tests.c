/* lua_tests.c - runs the tests of scripts, with a trace of what each decision was made from. */
#include "lua_tests.h"

#include "lua_decision.h"
#include "lua_judge.h"
#include "lua_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 4096, TRACE_MAX = 200 };

/* ---- the trace ---- */

struct reads {
    struct view_trace trace; /* first: the view knows only this */
    const cJSON *ctx;
    cJSON *lines;
};

/* Writes the path from `at` down to `wanted`; false when it is not below. */
static bool write_path(const cJSON *at, const cJSON *wanted, char *path, size_t room) {
    if (at == wanted) return true;
    int place = 1;
    for (const cJSON *child = at->child; child; child = child->next, place++) {
        if (!(child->type & (cJSON_Object | cJSON_Array))) continue;
        int used = child->string ? snprintf(path, room, "%s.", child->string)
                                 : snprintf(path, room, "%d.", place);
        if (used > 0 && (size_t)used < room &&
            write_path(child, wanted, path + used, room - (size_t)used))
            return true;
        *path = '\0';
    }
    return false;
}

static void note_read(struct view_trace *trace, const cJSON *parent, const char *name,
                      const cJSON *value) {
    struct reads *reads = (struct reads *)trace;
    char path[256] = "", line[600];
    if (cJSON_GetArraySize(reads->lines) >= TRACE_MAX) return;
    write_path(reads->ctx, parent, path, sizeof path);
    char *printed = value ? cJSON_PrintUnformatted(value) : NULL;
    snprintf(line, sizeof line, "%s%s = %.200s", path, name ? name : "#",
             printed ? printed : "nil");
    cJSON_free(printed);
    cJSON_AddItemToArray(reads->lines, cJSON_CreateString(line));
}

cJSON *judge_traced(struct script *script, const cJSON *ctx, cJSON *trace) {
    struct reads reads = {.trace = {.read = note_read}, .ctx = ctx, .lines = trace};
    return script_judge(script, NULL, ctx, &reads.trace);
}

/* ---- opening ---- */

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* "folder/of/x.lua" and "../y" -> "folder/of/../y" */
static void beside(char *result, const char *path, const char *other) {
    int folder = (int)(base_name(path) - path);
    if (*other == '/') folder = 0;
    snprintf(result, PATH_BYTES, "%.*s%s", folder, path, other);
}

struct script *script_open_alone(const char *path) {
    char folder[PATH_BYTES];
    beside(folder, path, "../lib");
    struct script_library *library = library_open(folder);
    struct script_text as = {
        .file = base_name(path), .kinds = SCRIPT_POLICY | SCRIPT_GATE, .library = library};
    struct script *script = script_open_file(path, &as);
    library_unref(library);
    return script;
}

static void read_tests(lua_State *lua, struct script_run *run) {
    value_read(lua, -1, run->arg, "tests");
}

/* The declared table as JSON under `tests` of `holder`; NULL with `why`. */
static const cJSON *open_tests(const char *path, cJSON *holder, char *why, size_t why_size) {
    struct script_text as = {.file = base_name(path), .kinds = SCRIPT_TESTS};
    struct script *script = script_open_file(path, &as);
    struct script_run run = {.script = script, .act = read_tests, .arg = holder};
    const cJSON *tests = NULL;
    if (script->fault)
        snprintf(why, why_size, "%s:%d: %s", script->fault->file, script->fault->line,
                 script->fault->text);
    else if (script_execute(&run) != 0)
        snprintf(why, why_size, "%s", run.message);
    else
        tests = cJSON_GetObjectItemCaseSensitive(holder, "tests");
    script_unref(script);
    return tests;
}

/* ---- one case ---- */

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static bool misses(const cJSON *wanted, const cJSON *verdict, const char *name, char *why,
                   size_t size) {
    const char *expected = text_of(wanted, name), *got = text_of(verdict, name);
    if (!expected || (got && strstr(got, expected))) return false;
    snprintf(why, size, "expected a %s with '%s', got '%s'", name, expected, got ? got : "none");
    return true;
}

static bool case_fails(const cJSON *wanted, const cJSON *verdict, char *why, size_t size) {
    const char *expected = text_of(wanted, "expect"), *class = text_of(wanted, "class");
    const char *outcome = verdict ? text_of(verdict, "outcome") : "skip";
    if (!expected) {
        snprintf(why, size, "the case has no 'expect'");
        return true;
    }
    if (strcmp(expected, "needs_approval") == 0) expected = "approval";
    if (strcmp(expected, outcome) != 0) {
        const char *reason = verdict ? text_of(verdict, "reason") : "it does not apply";
        snprintf(why, size, "expected %s, got %s: %s", expected, outcome, reason ? reason : "");
        return true;
    }
    if (!verdict) return false;
    if (strcmp(text_of(verdict, "class"), class ? class : "decision") != 0) {
        snprintf(why, size, "the script failed: %s", text_of(verdict, "reason"));
        return true;
    }
    return misses(wanted, verdict, "reason", why, size) ||
           misses(wanted, verdict, "fix", why, size);
}

static bool run_case(struct script *script, const cJSON *wanted, cJSON *cases) {
    const cJSON *ctx = cJSON_GetObjectItemCaseSensitive(wanted, "ctx");
    const char *name = text_of(wanted, "name");
    char why[500], *trouble = NULL;
    cJSON *result = cJSON_CreateObject(), *verdict = NULL, *trace = cJSON_CreateArray();
    if (script_applies(script, ctx, &trouble))
        verdict =
            trouble ? verdict_denied(script, "error", trouble) : judge_traced(script, ctx, trace);
    free(trouble);
    bool failed = case_fails(wanted, verdict, why, sizeof why);
    cJSON_AddStringToObject(result, "name", name ? name : "unnamed");
    cJSON_AddBoolToObject(result, "ok", !failed);
    if (failed) cJSON_AddStringToObject(result, "why", why);
    if (verdict) cJSON_AddItemToObject(result, "verdict", verdict);
    cJSON_AddItemToObject(result, "trace", trace);
    cJSON_AddItemToArray(cases, result);
    return !failed;
}

/* ---- one file ---- */

static void run_cases(const char *path, const cJSON *tests, cJSON *report) {
    char script_path[PATH_BYTES];
    const char *named = text_of(tests, "script");
    cJSON *cases = cJSON_CreateArray();
    int passed = 0, failed = 0;
    if (!named) {
        cJSON_AddStringToObject(report, "error", "tests: 'script' names no file");
    } else {
        const cJSON *wanted, *list = cJSON_GetObjectItemCaseSensitive(tests, "cases");
        beside(script_path, path, named);
        struct script *script = script_open_alone(script_path);
        cJSON_AddStringToObject(report, "script", script->name);
        cJSON_AddStringToObject(report, "kind", kind_name(script->kind));
        cJSON_ArrayForEach(wanted, list) {
            if (run_case(script, wanted, cases))
                passed++;
            else
                failed++;
        }
        script_unref(script);
        if (passed + failed == 0) cJSON_AddStringToObject(report, "error", "tests: no cases");
    }
    cJSON_AddNumberToObject(report, "passed", passed);
    cJSON_AddNumberToObject(report, "failed", failed);
    cJSON_AddItemToObject(report, "cases", cases);
}

cJSON *tests_run(const char *path) {
    char why[1200];
    cJSON *report = cJSON_CreateObject(), *holder = cJSON_CreateObject();
    cJSON_AddStringToObject(report, "file", path);
    const cJSON *tests = open_tests(path, holder, why, sizeof why);
    if (tests)
        run_cases(path, tests, report);
    else
        cJSON_AddStringToObject(report, "error", why);
    cJSON_Delete(holder);
    return report;
}
