#include "op_fields.h"

#include "op_input.h"

#include <string.h>

const char *member_text(const cJSON *object, const char *name, const char *otherwise) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : otherwise;
}

bool member_true(const cJSON *object, const char *name) {
    return cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(object, name));
}

bool row_is_object(const cJSON *row) {
    const char *type = member_text(row, "type", "");
    return !strcmp(type, "object") || !strcmp(type, "map") || !strcmp(type, "any");
}

bool op_in_path(const cJSON *op, const char *name) {
    const char *path = member_text(op, "path", "");
    size_t size = strlen(name);
    for (const char *at = path; (at = strchr(at, '{')); at++)
        if (!strncmp(at + 1, name, size) && strchr("}.", at[1 + size])) return true;
    return false;
}

static const cJSON *rows_in(const cJSON *row) {
    return cJSON_GetObjectItemCaseSensitive(row, "fields");
}

static const cJSON *row_named(const cJSON *rows, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const char *alias = member_text(row, "cli", NULL);
        if (cli_name_matches(member_text(row, "name", ""), name)) return row;
        if (alias && cli_name_matches(alias, name)) return row;
    }
    return NULL;
}

/* Does it take members that no row names? */
static bool takes_any(const cJSON *row) {
    bool described = cJSON_GetArraySize(rows_in(row)) > 0;
    return row && row_is_object(row) && (!described || member_true(row, "open"));
}

/* The rest of a path below a row without fields: free members. */
static bool free_members(struct cli *cli, const char *rest, struct op_place *place) {
    while (*rest && place->depth < OP_DEPTH_MAX) {
        size_t size = strcspn(rest, ".");
        if (!size) return false;
        place->names[place->depth++] = arena_strndup(&cli->arena, rest, size);
        rest += size + (rest[size] == '.');
    }
    place->row = NULL;
    return !*rest;
}

static bool by_path(struct cli *cli, const cJSON *rows, const char *path, struct op_place *place) {
    const cJSON *row = NULL;
    while (*path && place->depth < OP_DEPTH_MAX) {
        size_t size = strcspn(path, ".");
        const char *name = arena_strndup(&cli->arena, path, size);
        const cJSON *next = row_named(rows, name);
        if (!next) return takes_any(row) && free_members(cli, path, place);
        row = next;
        place->names[place->depth++] = member_text(row, "name", "");
        path += size + (path[size] == '.');
        if (*path && !row_is_object(row)) return false;
        rows = rows_in(row);
    }
    place->row = row;
    return row && !*path;
}

static bool by_alias(const cJSON *rows, const char *alias, struct op_place *place) {
    const cJSON *row;
    if (place->depth == OP_DEPTH_MAX) return false;
    cJSON_ArrayForEach(row, rows) {
        const char *own = member_text(row, "cli", NULL);
        place->names[place->depth++] = member_text(row, "name", "");
        if (own && cli_name_matches(own, alias)) return place->row = row, true;
        bool object = !strcmp(member_text(row, "type", ""), "object");
        if (object && by_alias(rows_in(row), alias, place)) return true;
        place->depth--;
    }
    return false;
}

bool op_place_of(struct cli *cli, const cJSON *op, const char *flag, struct op_place *place) {
    const cJSON *rows = cJSON_GetObjectItemCaseSensitive(op, "in");
    *place = (struct op_place){.depth = 0};
    if (by_path(cli, rows, flag, place)) return true;
    *place = (struct op_place){.depth = 0};
    if (by_alias(rows, flag, place)) return true;
    *place = (struct op_place){.depth = 0};
    return member_true(op, "open") && free_members(cli, flag, place);
}

/* Bytes of the character at `at`, or 0 when it is no UTF-8: RFC 3629, no surrogates, no overlong. */
static size_t utf8_size(const unsigned char *at, size_t left) {
    unsigned char c = at[0];
    size_t size = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
    if (!size || size > left) return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80) return 0;
    bool overlong = (c == 0xe0 && at[1] < 0xa0) || (c == 0xf0 && at[1] < 0x90);
    bool beyond = (c == 0xed && at[1] > 0x9f) || (c == 0xf4 && at[1] > 0x8f);
    return overlong || beyond ? 0 : size;
}

char *utf8_mend(struct arena *arena, const char *bytes, size_t size, size_t *replaced) {
    const unsigned char *from = (const unsigned char *)bytes;
    size_t bad = 0;
    for (size_t i = 0; i < size;) {
        size_t step = from[i] ? utf8_size(from + i, size - i) : 0;
        bad += !step, i += step ? step : 1;
    }
    *replaced = bad;
    char *text = arena_alloc(arena, size + bad * 2 + 1), *to = text;
    for (size_t i = 0; i < size;) {
        size_t step = from[i] ? utf8_size(from + i, size - i) : 0;
        memcpy(to, step ? (const char *)from + i : "\xef\xbf\xbd", step ? step : 3);
        to += step ? step : 3, i += step ? step : 1;
    }
    *to = '\0';
    return text;
}
