/* config_explain.c - `sluice config explain`: a key, a section or an error's code in words. */
#include "config_codes.h"
#include "config_inside.h"
#include "fields_check.h"

#include <stdlib.h>
#include <string.h>

struct explain {
    struct arena arena;
    const struct config_section *sections;
    size_t section_count;
    FILE *out;
};

/* "plugins.risk.labels.x" -> "/plugins/risk/labels/x"; a name with dots cannot be said. */
static const char *pointer_of(struct arena *arena, const char *name) {
    const char *pointer = "";
    while (*name) {
        size_t size = strcspn(name, ".[");
        if (size)
            pointer = arena_printf(arena, "%s/%.*s", pointer, (int)size, name);
        else if (*name == '[')
            pointer = arena_printf(arena, "%s/0", pointer);
        name += size;
        if (*name == '[') name += strcspn(name, "].");
        if (*name) name++;
    }
    return pointer;
}

static const char *traits(const sl_field *row) {
    if (row->flags & SL_REQUIRED) return ", required";
    if (row->flags & SL_DEPRECATED) return ", deprecated";
    return "";
}

static void print_head(struct explain *explain, const char *name, const sl_field *row) {
    FILE *out = explain->out;
    fprintf(out, "%s: %s", name, field_expected(row, &explain->arena));
    if (row->def) fprintf(out, ", default %s", *row->def ? row->def : "\"\"");
    fprintf(out, "%s\n", traits(row));
    if (row->help) fprintf(out, "  %s\n", row->help);
    if (row->flags & SL_SECRET)
        fputs("  a secret: never shown; best given as ${file:PATH} or ${NAME}\n", out);
    if (row->flags & SL_PATH) fputs("  a path, relative to the file it stands in\n", out);
    if (row->example) fprintf(out, "  example: %s\n", row->example);
}

static void print_members(struct explain *explain, struct field_rows rows) {
    int widest = 0;
    for (const sl_field *row = NULL; rows.first && (row = field_next(rows, row));)
        if ((int)strlen(row->name) > widest) widest = (int)strlen(row->name);
    for (const sl_field *row = NULL; rows.first && (row = field_next(rows, row));) {
        fprintf(explain->out, "  %-*s  %s", widest, row->name, row->help ? row->help : "");
        if (row->type != SL_T_OBJECT || !row->fields)
            fprintf(explain->out, "%s%s", row->help ? ": " : "",
                    field_expected(row, &explain->arena));
        if (row->def) fprintf(explain->out, " (default %s)", *row->def ? row->def : "\"\"");
        fprintf(explain->out, "%s\n", traits(row));
    }
}

static bool explain_code(FILE *out, const char *name) {
    for (const struct config_code *code = config_codes; code->code; code++) {
        if (strcasecmp(code->code, name) != 0) continue;
        fprintf(out, "%s: %s\n  %s\n", code->code, code->title, code->help);
        return true;
    }
    return false;
}

static const struct config_section *section_at(const struct explain *explain, const char *pointer) {
    for (size_t i = 0; i < explain->section_count; i++)
        if (strcmp(explain->sections[i].pointer, pointer) == 0) return &explain->sections[i];
    return NULL;
}

static bool explain_key(struct explain *explain, const char *name) {
    const char *pointer = pointer_of(&explain->arena, name);
    const struct config_section *section = section_at(explain, pointer);
    if (section) {
        fprintf(explain->out, "%s\n",
                *name ? arena_printf(&explain->arena, "%s: options of the plugin", name)
                      : "the configuration file");
        print_members(explain, section->rows);
        return true;
    }
    const sl_field *row = config_row(explain->sections, explain->section_count, pointer);
    if (!row) return false;
    print_head(explain, name, row);
    const char *rest;
    section = section_of(explain->sections, explain->section_count, pointer, &rest);
    print_members(explain, (struct field_rows){row->fields, section->rows.row_size});
    return true;
}

/* ---- the nearest name, when there is none ---- */

struct siblings {
    struct field_rows rows;
};

static const char *sibling_at(const void *arg, size_t i) {
    const struct siblings *siblings = arg;
    const sl_field *row = NULL;
    while (siblings->rows.first && (row = field_next(siblings->rows, row)) && i > 0) i--;
    return row ? row->name : NULL;
}

static char *nearest_key(struct explain *explain, const char *name) {
    struct arena *arena = &explain->arena;
    const char *dot = strrchr(name, '.'), *last = dot ? dot + 1 : name;
    const char *parent = dot ? arena_strndup(arena, name, (size_t)(dot - name)) : "";
    const char *pointer = pointer_of(arena, parent), *rest;
    const struct config_section *section = section_at(explain, pointer);
    struct siblings siblings = {.rows = section ? section->rows : (struct field_rows){0}};
    if (!section) {
        const sl_field *row = config_row(explain->sections, explain->section_count, pointer);
        section = section_of(explain->sections, explain->section_count, pointer, &rest);
        if (row) siblings.rows = rows_of(row, section->rows);
    }
    const char *near = nearest_name(last, sibling_at, &siblings);
    const char *full =
        near ? arena_printf(arena, "%s%s%s", parent, dot ? "." : "", near)
             : config_elsewhere(arena, explain->sections, explain->section_count, last);
    return full ? strdup(full) : NULL;
}

char *config_explain(const struct config_section *sections, size_t count, const char *name,
                     char **nearest) {
    char *text = NULL;
    size_t size = 0;
    struct explain explain = {.section_count = count, .out = open_memstream(&text, &size)};
    if (!explain.out) abort(); /* only without memory */
    arena_init(&explain.arena);
    explain.sections = sections_complete(&explain.arena, sections, count);
    bool known = explain_code(explain.out, name) || explain_key(&explain, name);
    *nearest = known ? NULL : nearest_key(&explain, name);
    arena_fini(&explain.arena);
    fclose(explain.out);
    if (known) return text;
    free(text);
    return NULL;
}
