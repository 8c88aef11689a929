/* docs_example.c - examples from the rows and the operation's own example, so that the docs show
 * what a test has sent. */
#include "docs_example.h"
#include "arena.h"
#include "docs.h"
#include "json.h"

#include <string.h>

enum { EXAMPLE_FLAGS_MAX = 12 };

static cJSON *parse(const char *text, struct arena *arena) {
    struct json_fault fault;
    return json_parse(arena, text, strlen(text), &fault);
}

static cJSON *rows_example(struct field_rows rows, struct arena *arena);

/* The least number that a row takes, or 1. */
static double least(const sl_field *row, double worth) {
    return row->min < row->max ? row->min / worth : 1;
}

static cJSON *made_value(struct field_rows rows, const sl_field *row, struct arena *arena) {
    static const struct {
        const char *format, *text;
    } texts[] = {{"name", "shop"},
                 {"image", "registry.example.com/shop:1.4.2"},
                 {"uri", "https://example.com/"},
                 {"time", "2026-11-22T10:00:00Z"},
                 {"email", "ops@example.com"},
                 {"sha", "3f786850e387550fdab836ed7e6dc881de23001b"},
                 {"json", "{}"}};
    switch (row->type) {
    case SL_T_INT:
    case SL_T_NUMBER:
    case SL_T_SIZE:
        return cJSON_CreateNumber(least(row, 1));
    case SL_T_DURATION:
        return cJSON_CreateNumber(least(row, 1000));
    case SL_T_BOOL:
        return cJSON_CreateTrue();
    case SL_T_ENUM:
        return cJSON_CreateString(arena_strndup(arena, row->values, strcspn(row->values, "|")));
    case SL_T_OBJECT:
        return rows_example((struct field_rows){row->fields, rows.row_size}, arena);
    case SL_T_MAP:
        return cJSON_CreateObject();
    case SL_T_LIST:
        return cJSON_CreateArray();
    default:
        break;
    }
    for (size_t i = 0; row->format && i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].format, row->format) == 0) return cJSON_CreateString(texts[i].text);
    }
    return cJSON_CreateString(row->name);
}

static cJSON *row_example(struct field_rows rows, const sl_field *row, struct arena *arena) {
    cJSON *value = row->example ? parse(row->example, arena) : NULL;
    return value ? value : made_value(rows, row, arena);
}

static cJSON *rows_example(struct field_rows rows, struct arena *arena) {
    cJSON *object = cJSON_CreateObject();
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) {
        bool shown = ((row->flags & SL_REQUIRED) && !row->def) || row->example;
        if (shown) cJSON_AddItemToObject(object, row->name, row_example(rows, row, arena));
    }
    return object;
}

static cJSON *example_input(const struct op *op, struct arena *arena) {
    cJSON *input = op->row.example ? parse(op->row.example, arena) : NULL;
    return input ? input : rows_example(op->in, arena);
}

const char *example_body(const struct op *op, const char *path, struct arena *arena) {
    cJSON *input = example_input(op, arena), *next;
    for (cJSON *member = input->child; member; member = next) {
        next = member->next;
        if (path_has_param(path, member->string)) cJSON_DetachItemViaPointer(input, member);
    }
    return json_print(arena, input, NULL);
}

static const char *value_text(const cJSON *value, struct arena *arena) {
    if (cJSON_IsString(value)) return value->valuestring;
    return json_print(arena, value, NULL);
}

/* As one word of a shell. */
static const char *quoted(const char *text, struct arena *arena) {
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "@%+=:,./_-";
    if (*text && !text[strspn(text, safe)]) return text;
    char *word = arena_alloc(arena, strlen(text) * 4 + 3), *to = word;
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *text;
        }
    }
    *to++ = '\'';
    *to = 0;
    return word;
}

/* As a part of a URL. */
static const char *encoded(const char *text, struct arena *arena) {
    static const char hex[] = "0123456789ABCDEF";
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    char *url = arena_alloc(arena, strlen(text) * 3 + 1), *to = url;
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        bool plain = strchr(safe, byte) != NULL;
        *to++ = plain ? *text : '%';
        if (!plain) *to++ = hex[byte >> 4];
        if (!plain) *to++ = hex[byte & 15];
    }
    *to = 0;
    return url;
}

/* The path with its parameters filled in from the example. */
static const char *filled_path(const char *path, const cJSON *input, struct arena *arena) {
    const char *filled = "";
    while (*path) {
        size_t plain = strcspn(path, "{");
        filled = arena_printf(arena, "%s%.*s", filled, (int)plain, path);
        path += plain;
        if (!*path) break;
        size_t size = strcspn(path, "}");
        size_t name_size = strcspn(path + 1, ".}");
        const char *name = arena_strndup(arena, path + 1, name_size);
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(input, name);
        filled = arena_printf(arena, "%s%s", filled,
                              value ? encoded(value_text(value, arena), arena) : name);
        path += size + 1;
    }
    return filled;
}

static const char *query_text(const cJSON *input, const char *path, struct arena *arena) {
    const char *query = "";
    for (const cJSON *member = input->child; member; member = member->next) {
        if (path_has_param(path, member->string)) continue;
        query = arena_printf(arena, "%s%c%s=%s", query, *query ? '&' : '?', member->string,
                             encoded(value_text(member, arena), arena));
    }
    return query;
}

const char *example_curl(const struct op *op, struct arena *arena) {
    char method[8];
    const char *path;
    if (!op_route(op, method, &path)) return "";
    cJSON *input = example_input(op, arena);
    bool body = strcmp(method, "GET") != 0 && strcmp(method, "DELETE") != 0;
    bool raw = (op->row.flags & SL_OP_RAW) != 0;
    const char *query = body ? "" : query_text(input, path, arena);
    const char *url = quoted(
        arena_printf(arena, "http://127.0.0.1:8000%s%s", filled_path(path, input, arena), query),
        arena);
    const char *line = "curl";
    if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0) {
        line = arena_printf(arena, "%s -X %s", line, method);
    } else if (body && raw) {
        line = arena_printf(arena, "%s --data-binary @FILE", line);
    }
    if (strcmp(op->row.needs, "public") != 0) {
        line = arena_printf(arena, "%s -H \"Authorization: Bearer $SLUICE_TOKEN\"", line);
    }
    if (body && !raw) {
        line = arena_printf(arena, "%s -H 'Content-Type: application/json' \\\n  -d %s", line,
                            quoted(example_body(op, path, arena), arena));
    }
    return arena_printf(arena, "%s \\\n  %s", line, url);
}

/* ---- the command line ---- */

struct flags {
    const char *text;
    unsigned count;
    struct arena *arena;
};

static const char *dashed(const char *name, struct arena *arena) {
    char *flag = arena_strdup(arena, name);
    for (char *c = flag; *c; c++) {
        if (*c == '_') *c = '-';
    }
    return flag;
}

static void add_flag(struct flags *flags, const char *name, const cJSON *value) {
    struct arena *arena = flags->arena;
    if (flags->count++ >= EXAMPLE_FLAGS_MAX) return;
    if (cJSON_IsTrue(value)) {
        flags->text = arena_printf(arena, "%s --%s", flags->text, name);
        return;
    }
    flags->text = arena_printf(arena, "%s --%s %s", flags->text, name,
                               quoted(value_text(value, arena), arena));
}

static void add_member(struct flags *flags, struct field_rows rows, const char *prefix,
                       const cJSON *member) {
    struct arena *arena = flags->arena;
    const sl_field *row = rows.first ? field_find(rows, member->string) : NULL;
    const char *own = row && row->cli ? row->cli : dashed(member->string, arena);
    const char *name = row && row->cli ? own
                       : *prefix       ? arena_printf(arena, "%s.%s", prefix, own)
                                       : own;
    if (cJSON_IsObject(member) && row && row->fields) {
        const struct field_rows inner = {row->fields, rows.row_size};
        for (const cJSON *child = member->child; child; child = child->next) {
            add_member(flags, inner, name, child);
        }
    } else if (cJSON_IsArray(member)) {
        for (const cJSON *item = member->child; item; item = item->next) {
            add_flag(flags, name, item);
        }
    } else {
        add_flag(flags, name, member);
    }
}

const char *example_cli(const struct op *op, struct arena *arena) {
    const char *dot = strchr(op->row.name, '.');
    const char *line = dot ? arena_printf(arena, "sluice %.*s %s", (int)(dot - op->row.name),
                                          op->row.name, dot + 1)
                           : arena_printf(arena, "sluice call %s", op->row.name);
    const cJSON *input = example_input(op, arena);
    char method[8];
    const char *path = "";
    op_route(op, method, &path);
    for (const char *at = path; (at = strchr(at, '{')); at++) {
        const char *name = arena_strndup(arena, at + 1, strcspn(at + 1, ".}"));
        const cJSON *value = cJSON_GetObjectItemCaseSensitive(input, name);
        line = arena_printf(arena, "%s %s", line,
                            value ? quoted(value_text(value, arena), arena) : name);
    }
    struct flags flags = {.text = "", .arena = arena};
    for (const cJSON *member = input->child; member; member = member->next) {
        if (!path_has_param(path, member->string)) add_member(&flags, op->in, "", member);
    }
    return arena_printf(arena, "%s%s", line, flags.text);
}
