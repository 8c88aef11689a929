#include "render.h"

#include "../json.h"
#include "table.h"

#include <string.h>
#include <time.h>

enum { YEAR_2001_MS = 978307200 };

/* Milliseconds since 1970 as people read them. */
static const char *time_text(double ms) {
    time_t seconds = (time_t)(ms / 1000.0);
    struct tm parts;
    char text[40];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return arena_strdup(arena_current(), text);
}

static bool is_time(const cJSON *value) {
    const char *name = value->string;
    size_t size = name ? strlen(name) : 0;
    return cJSON_IsNumber(value) && size > 3 && !strcmp(name + size - 3, "_ms") &&
           value->valuedouble > (double)YEAR_2001_MS * 1000.0 && value->valuedouble < 1e14;
}

/* A scalar, or a short form of what is deeper. */
static const char *cell_text(const cJSON *value) {
    if (cJSON_IsString(value)) return value->valuestring;
    if (!value || cJSON_IsNull(value)) return "";
    return is_time(value) ? time_text(value->valuedouble) : cli_json(value);
}

static bool is_scalar(const cJSON *value) {
    return !cJSON_IsObject(value) && !cJSON_IsArray(value);
}

static bool all_objects(const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) if (!cJSON_IsObject(item)) return false;
    return list->child != NULL;
}

enum { HEADS_MAX = 12 };

struct heads {
    const char *names[HEADS_MAX];
    size_t count;
};

static void heads_add(struct heads *heads, const char *name) {
    for (size_t i = 0; i < heads->count; i++)
        if (!strcmp(heads->names[i], name)) return;
    if (heads->count < HEADS_MAX) heads->names[heads->count++] = name;
}

/* Columns: the scalar members, in the order in which they are met. */
static struct heads heads_of(const cJSON *list) {
    struct heads heads = {.count = 0};
    const cJSON *item, *member;
    cJSON_ArrayForEach(item, list) cJSON_ArrayForEach(member, item) {
        bool longish = cJSON_IsString(member) && strchr(member->valuestring, '\n');
        if (is_scalar(member) && !longish) heads_add(&heads, member->string);
    }
    return heads;
}

static void render_list(struct cli *cli, const cJSON *list) {
    struct heads heads = heads_of(list);
    char names[1024] = "";
    for (size_t i = 0; i < heads.count; i++) {
        size_t at = strlen(names);
        snprintf(names + at, sizeof names - at, "%s%.60s", i ? "|" : "", heads.names[i]);
    }
    for (char *c = names; *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    struct table *table = table_new(cli, names);
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        table_row(table);
        for (size_t i = 0; i < heads.count; i++)
            table_cell(table, CLI_PLAIN,
                       cell_text(cJSON_GetObjectItemCaseSensitive(item, heads.names[i])));
    }
    table_print(table);
}

static void render_tree(struct cli *cli, const cJSON *value, int depth);

static void render_member(struct cli *cli, const cJSON *member, int depth) {
    int indent = depth * 2;
    const char *name = member->string ? cli_clean(cli, member->string, false) : "-";
    if (is_scalar(member)) {
        const char *text = cli_clean(cli, cell_text(member), true);
        if (!strchr(text, '\n')) {
            cli_out(cli, "%*s%s  %s\n", indent, "", cli_paint(cli, CLI_BOLD, name), text);
            return;
        }
        cli_out(cli, "%*s%s\n", indent, "", cli_paint(cli, CLI_BOLD, name));
        while (*text) {
            int size = (int)strcspn(text, "\n");
            cli_out(cli, "%*s%.*s\n", indent + 2, "", size, text);
            text += size + (text[size] == '\n');
        }
        return;
    }
    if (!member->child) return;
    cli_out(cli, "%*s%s\n", indent, "", cli_paint(cli, CLI_BOLD, name));
    render_tree(cli, member, depth + 1);
}

static void render_tree(struct cli *cli, const cJSON *value, int depth) {
    const cJSON *member;
    cJSON_ArrayForEach(member, value) render_member(cli, member, depth);
}

void render_any(struct cli *cli, const cJSON *value) {
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(value, "items");
    const cJSON *list = cJSON_IsArray(items) ? items : value;
    if (cJSON_IsArray(list) && all_objects(list)) {
        render_list(cli, list);
        const cJSON *next = cJSON_GetObjectItemCaseSensitive(value, "next_cursor");
        if (cJSON_IsString(next)) cli_note(cli, "more: --cursor %s", next->valuestring);
    } else if (cJSON_IsArray(items) && !items->child) {
        cli_note(cli, "none");
    } else if (is_scalar(value)) {
        cli_out(cli, "%s\n", cli_clean(cli, cell_text(value), true));
    } else {
        render_tree(cli, value, 0);
    }
}

static void print_lines(struct cli *cli, const cJSON *value) {
    const cJSON *items = cJSON_GetObjectItemCaseSensitive(value, "items");
    const cJSON *list = cJSON_IsArray(items) ? items : value, *item;
    if (!cJSON_IsArray(list)) {
        cli_out(cli, "%s\n", cli_json(value));
        return;
    }
    cJSON_ArrayForEach(item, list) cli_out(cli, "%s\n", cli_json(item));
}

char *cli_json(const cJSON *value) {
    return json_print(arena_current(), value, NULL);
}

void cli_value(struct cli *cli, const cJSON *value) {
    if (cli->format == CLI_JSON)
        cli_out(cli, "%s\n", cli_json(value));
    else if (cli->format == CLI_JSONL)
        print_lines(cli, value);
    else if (cli->format == CLI_YAML)
        yaml_print(cli, value);
    else
        render_any(cli, value);
}
