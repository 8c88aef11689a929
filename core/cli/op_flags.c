/* op_flags.c - the flags that the fields of an operation make, and its help. */
#include "client.h"
#include "git.h"
#include "op_fields.h"
#include "op_help.h"
#include "op_input.h"

#include <string.h>

enum { FLAGS_MAX = 200 };

struct flag_list {
    struct cli *cli;
    const cJSON *op;
    struct cli_flag flags[FLAGS_MAX + 1];
    size_t count;
};

/* Names that stay the frame's own; such a member goes by --input. */
static bool is_reserved(const char *name) {
    static const char *const names[] = {"help",  "json",       "output", "addr",
                                        "token", "token-file", "input",  "print-curl"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (cli_name_matches(names[i], name)) return true;
    return false;
}

static const char *value_name(struct cli *cli, const cJSON *row) {
    const char *type = member_text(row, "type", "string");
    const cJSON *values = cJSON_GetObjectItemCaseSensitive(row, "values"), *value;
    if (member_true(row, "file")) return "FILE|-";
    if (cJSON_IsString(values)) return values->valuestring;
    if (cJSON_IsArray(values)) {
        const char *names = "";
        cJSON_ArrayForEach(value, values) if (cJSON_IsString(value)) names =
            arena_printf(&cli->arena, "%s%s%s", names, *names ? "|" : "", value->valuestring);
        return names;
    }
    if (row_is_object(row)) return "JSON";
    char *upper = arena_strdup(&cli->arena, type);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    return !strcmp(upper, "STRING") ? "TEXT" : !strcmp(upper, "LIST") ? "ITEM" : upper;
}

static const char *help_of(struct cli *cli, const cJSON *row) {
    const cJSON *def = cJSON_GetObjectItemCaseSensitive(row, "default");
    const char *type = member_text(row, "type", ""), *help = member_text(row, "help", "");
    const char *tail = "";
    if (member_true(row, "required")) tail = " (required)";
    if (!strcmp(type, "list")) tail = arena_printf(&cli->arena, "%s (may be repeated)", tail);
    if (def && !cJSON_IsNull(def))
        tail = arena_printf(&cli->arena, " (default %s)",
                            cJSON_IsString(def) ? def->valuestring : cli_json(def));
    return cli_clean(cli, arena_printf(&cli->arena, "%s%s", help, tail), false);
}

static bool is_bool(const cJSON *row) {
    return !strncmp(member_text(row, "type", ""), "bool", 4);
}

static void add_flag(struct flag_list *list, const char *name, const cJSON *row) {
    if (list->count == FLAGS_MAX || is_reserved(name)) return;
    for (size_t i = 0; i < list->count; i++)
        if (cli_name_matches(list->flags[i].name, name)) return;
    char *dashed = arena_strdup(&list->cli->arena, name);
    for (char *c = dashed; *c; c++)
        if (*c == '_') *c = '-';
    list->flags[list->count++] =
        (struct cli_flag){.name = cli_clean(list->cli, dashed, false),
                          .value = is_bool(row) ? "true|false" : value_name(list->cli, row),
                          .help = help_of(list->cli, row),
                          .maybe = is_bool(row)};
}

static void add_rows(struct flag_list *list, const cJSON *rows, const char *prefix, int depth) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const char *name = member_text(row, "name", ""), *alias = member_text(row, "cli", NULL);
        const char *path = arena_printf(&list->cli->arena, "%s%s", prefix, name);
        if (alias) add_flag(list, alias, row);
        const cJSON *fields = cJSON_GetObjectItemCaseSensitive(row, "fields");
        bool object = !strcmp(member_text(row, "type", ""), "object") && cJSON_IsArray(fields);
        if (!alias) add_flag(list, path, row);
        if (object && depth < OP_DEPTH_MAX)
            add_rows(list, fields, arena_printf(&list->cli->arena, "%s.", path), depth + 1);
    }
}

/* The declared name of a field that has a short one, and members of open objects. */
static const struct cli_flag *flag_of_place(void *arg, const char *name) {
    struct flag_list *list = arg;
    struct op_place place;
    if (!op_place_of(list->cli, list->op, name, &place)) return NULL;
    struct cli_flag *flag = arena_zalloc(&list->cli->arena, sizeof *flag);
    flag->name = name;
    flag->value = place.row && is_bool(place.row) ? "true|false" : "VALUE";
    flag->maybe = place.row && is_bool(place.row);
    return flag;
}

struct flag_syntax op_syntax(struct cli *cli, const cJSON *op) {
    struct flag_list *list = arena_zalloc(&cli->arena, sizeof *list);
    list->cli = cli, list->op = op;
    add_rows(list, cJSON_GetObjectItemCaseSensitive(op, "in"), "", 0);
    if (list->count < FLAGS_MAX && git_flag_fits(op)) list->flags[list->count++] = git_flag;
    if (list->count < FLAGS_MAX)
        list->flags[list->count++] = (struct cli_flag){
            .name = "input", .value = "FILE|-|JSON", .help = "the whole input as a JSON object"};
    return (struct flag_syntax){.flags = list->flags, .more = flag_of_place, .arg = list};
}

/* ---- help ---- */

static const char *words_of(struct cli *cli, const cJSON *op) {
    char *words = arena_strdup(&cli->arena, cli_clean(cli, member_text(op, "name", "?"), false));
    char *dot = strchr(words, '.');
    if (dot) *dot = ' ';
    return words;
}

/* An example is declared as JSON; on a command line a string stands without its quotes. */
static const char *sample_value(struct cli *cli, const cJSON *row, const char *fallback) {
    const cJSON *example = cJSON_GetObjectItemCaseSensitive(row, "example");
    if (cJSON_IsString(example)) {
        const cJSON *parsed = cJSON_Parse(example->valuestring);
        if (parsed) example = parsed;
    }
    if (cJSON_IsString(example)) return shell_quote(cli, example->valuestring);
    return example && !cJSON_IsNull(example) ? shell_quote(cli, cli_json(example)) : fallback;
}

static const char *first_value(struct cli *cli, const cJSON *row) {
    const char *values = value_name(cli, row);
    bool file = member_true(row, "file");
    return arena_strndup(&cli->arena, values, file ? strlen(values) : strcspn(values, "|"));
}

/* A line that shows the required fields; file fields come from standard input. */
static const char *example_of(struct cli *cli, const cJSON *op, const cJSON *rows,
                              const char *prefix, const char *line) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const char *name = member_text(row, "name", "");
        if (!member_true(row, "required") && !op_in_path(op, name)) continue;
        const cJSON *fields = cJSON_GetObjectItemCaseSensitive(row, "fields");
        const char *flag = member_text(row, "cli", NULL);
        if (!flag) flag = arena_printf(&cli->arena, "%s%s", prefix, name);
        if (cJSON_IsArray(fields) && row_is_object(row))
            line =
                example_of(cli, op, fields, arena_printf(&cli->arena, "%s%s.", prefix, name), line);
        else if (!*prefix && op_in_path(op, name))
            line = arena_printf(&cli->arena, "%s %s", line, sample_value(cli, row, "ID"));
        else
            line = arena_printf(&cli->arena, "%s --%s %s", line, flag,
                                sample_value(cli, row, first_value(cli, row)));
    }
    return line;
}

struct cli_command op_command(struct cli *cli, const cJSON *op) {
    struct cli_command command = {.words = words_of(cli, op)};
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(op, "in"), *row;
    const char *args = "", *name = member_text(op, "name", "?");
    cJSON_ArrayForEach(row, rows) if (op_in_path(op, member_text(row, "name", ""))) args =
        arena_printf(&cli->arena, "%s%s%s", args, *args ? " " : "", member_text(row, "name", ""));
    command.args = *args ? args : NULL;
    command.summary = cli_clean(cli, member_text(op, "summary", ""), false);
    command.more = cli_clean(
        cli,
        arena_printf(&cli->arena,
                     "Operation %s: %s %s, permission %s.\nValues: @FILE reads a file, @@ is the "
                     "sign itself; fields marked FILE take - for standard input.",
                     name, member_text(op, "method", "(no route)"), member_text(op, "path", ""),
                     member_text(op, "needs", "?")),
        true);
    const char *line = arena_printf(&cli->arena, "sluice %s", command.words);
    command.example = cli_clean(cli, example_of(cli, op, rows, "", line), false);
    command.flags = op_syntax(cli, op).flags;
    return command;
}
