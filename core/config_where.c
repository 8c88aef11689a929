/* config_where.c - from JSON pointers to places, dotted names and rows. */
#include "config_inside.h"

#include <stdlib.h>
#include <string.h>

bool next_token(const char **pointer, char *token, size_t room) {
    const char *at = *pointer;
    if (*at != '/') return false;
    size_t n = 0;
    for (at++; *at && *at != '/'; at++) {
        char c = *at;
        if (c == '~' && (at[1] == '0' || at[1] == '1')) c = *++at == '1' ? '/' : '~';
        if (n + 1 < room) token[n++] = c;
    }
    token[n] = '\0';
    *pointer = at;
    return true;
}

static const struct yaml_member *child(const struct yaml_node *node, const char *token) {
    if (node->kind == YAML_IS_MAP) return yaml_find(node, token);
    if (node->kind != YAML_IS_LIST) return NULL;
    unsigned long index = strtoul(token, NULL, 10);
    const struct yaml_member *member = node->first;
    while (member && index-- > 0) member = member->next;
    return member;
}

struct config_spot config_spot(const struct config *config, const char *pointer) {
    struct config_spot spot = {.node = config->root, .exact = true};
    char token[YAML_KEY_BYTES_MAX + 1];
    while (spot.node && next_token(&pointer, token, sizeof token)) {
        const struct yaml_member *member = child(spot.node, token);
        /* One value in the place of a list is its own first item. */
        if (!member && spot.node->kind == YAML_IS_SCALAR && strcmp(token, "0") == 0) continue;
        if (!member) {
            spot.exact = false;
            break;
        }
        /* An item of a list has no key: its list's stays the best name for it. */
        if (member->key || !spot.member) spot.member = member;
        spot.node = member->value;
    }
    return spot;
}

cJSON *json_at(const cJSON *tree, const char *pointer) {
    char token[YAML_KEY_BYTES_MAX + 1];
    const cJSON *at = tree;
    while (at && next_token(&pointer, token, sizeof token))
        at = cJSON_IsArray(at) ? cJSON_GetArrayItem(at, (int)strtol(token, NULL, 10))
                               : cJSON_GetObjectItemCaseSensitive(at, token);
    return (cJSON *)at;
}

const char *dotted(struct arena *arena, const char *pointer) {
    const char *text = "";
    char token[YAML_KEY_BYTES_MAX + 1];
    while (next_token(&pointer, token, sizeof token)) {
        bool index = *token && strspn(token, "0123456789") == strlen(token);
        text = index ? arena_printf(arena, "%s[%s]", text, token)
                     : arena_printf(arena, "%s%s%s", text, *text ? "." : "", token);
    }
    return text;
}

const char *without_indexes(struct arena *arena, const char *name) {
    char *plain = arena_strdup(arena, name), *to = plain;
    for (const char *from = name; *from; from++) {
        if (*from == '[') from += strcspn(from, "]");
        if (*from == '\0') break;
        if (*from != ']') *to++ = *from;
    }
    *to = '\0';
    return plain;
}

bool is_plugin_pointer(const char *pointer) {
    return strncmp(pointer, "/plugins/", 9) == 0 && pointer[9] && !strchr(pointer + 9, '/');
}

struct field_rows rows_of(const sl_field *row, struct field_rows parent) {
    return (struct field_rows){.first = row->fields, .row_size = parent.row_size};
}

const struct config_section *section_of(const struct config_section *sections, size_t count,
                                        const char *pointer, const char **rest) {
    const struct config_section *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(sections[i].pointer);
        if (strncmp(pointer, sections[i].pointer, size) != 0) continue;
        if (pointer[size] && pointer[size] != '/') continue;
        if (best && size < longest) continue;
        best = &sections[i];
        longest = size;
    }
    if (best) *rest = pointer + longest;
    return best;
}

const sl_field *config_row(const struct config_section *sections, size_t count,
                           const char *pointer) {
    const struct config_section *section = section_of(sections, count, pointer, &pointer);
    if (!section) return NULL;
    struct field_rows rows = section->rows;
    const sl_field *row = NULL;
    char token[YAML_KEY_BYTES_MAX + 1];
    while (next_token(&pointer, token, sizeof token)) {
        if (row && (row->type == SL_T_MAP || row->type == SL_T_LIST)) {
            rows = rows_of(row, rows);
            if (row->item != SL_T_OBJECT || !next_token(&pointer, token, sizeof token)) return row;
        } else if (row) {
            rows = rows_of(row, rows);
        }
        row = rows.first ? field_find(rows, token) : NULL;
        if (!row) return NULL;
    }
    return row;
}

enum { SEARCH_DEPTH = 8 };

static const char *search(struct arena *arena, struct field_rows rows, const char *path,
                          const char *name, unsigned depth) {
    const sl_field *row = NULL;
    while (rows.first && depth < SEARCH_DEPTH && (row = field_next(rows, row))) {
        const char *here = arena_printf(arena, "%s%s%s", path, *path ? "." : "", row->name);
        if (strcmp(row->name, name) == 0) return here;
        if (row->type != SL_T_OBJECT || !row->fields) continue;
        const char *found = search(arena, rows_of(row, rows), here, name, depth + 1);
        if (found) return found;
    }
    return NULL;
}

const char *config_elsewhere(struct arena *arena, const struct config_section *sections,
                             size_t count, const char *name) {
    for (size_t i = 0; i < count; i++) {
        const char *found =
            search(arena, sections[i].rows, dotted(arena, sections[i].pointer), name, 0);
        if (found) return found;
    }
    return NULL;
}

/* A plugin's rows behind the common ones. The stride stays the plugin's, since its nested tables
 * have it too. */
static struct field_rows with_common_rows(struct arena *arena, struct field_rows own) {
    size_t stride = own.first ? own.row_size : sizeof(sl_field), count = 1;
    for (const sl_field *row = config_plugin_rows; row->name; row++) count++;
    for (const sl_field *row = NULL; own.first && (row = field_next(own, row));) count++;
    char *rows = arena_zalloc(arena, count * stride), *at = rows;
    size_t common = stride < sizeof(sl_field) ? stride : sizeof(sl_field);
    for (const sl_field *row = config_plugin_rows; row->name; row++) {
        if (own.first && field_find(own, row->name)) continue;
        memcpy(at, row, common);
        at += stride;
    }
    for (const sl_field *row = NULL; own.first && (row = field_next(own, row)); at += stride)
        memcpy(at, row, stride);
    return (struct field_rows){.first = (const sl_field *)rows, .row_size = stride};
}

const struct config_section *
sections_complete(struct arena *arena, const struct config_section *sections, size_t count) {
    struct config_section *complete = arena_alloc(arena, (count + 1) * sizeof *complete);
    for (size_t i = 0; i < count; i++) {
        complete[i] = sections[i];
        complete[i].pointer = arena_strdup(arena, sections[i].pointer);
        if (is_plugin_pointer(complete[i].pointer))
            complete[i].rows = with_common_rows(arena, sections[i].rows);
    }
    return complete;
}
