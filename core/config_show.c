/* config_show.c - the configuration as it is in force, as YAML that reads back, with origins. */
#include "config_inside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct show {
    struct arena arena; /* for names */
    const struct config *config;
    const struct config_section *sections;
    size_t section_count;
    FILE *out;
    bool defaults; /* also what nobody has set */
};

/* A value on its way to the page. */
struct shown {
    const cJSON *json;
    const struct yaml_node *node; /* NULL: a default */
    const sl_field *row;          /* NULL: nothing describes it */
    struct field_rows rows;       /* of the table that `row` stands in */
    uint32_t type;                /* of the row, or of its items; 0: unknown */
    bool secret;
    const char *pointer;
    int indent;
};

static void print_value(struct show *show, const struct shown *value);

/* ---- scalars ---- */

static bool is_plain(const char *text) {
    const struct yaml_node probe = {.text = text, .size = strlen(text), .plain = true};
    cJSON *value = yaml_value(&probe);
    bool text_again = cJSON_IsString(value);
    cJSON_Delete(value);
    if (!text_again) return false;
    if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@:+-") !=
        strlen(text))
        return false;
    return !strchr("-:@", text[0]) && text[strlen(text) - 1] != ':';
}

/* In a value a '$' is doubled, so that read again it is one; keys hold no variables. */
static void print_text(FILE *out, const char *text, bool key) {
    if (*text && is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (const char *c = text; *c; c++) {
        if (*c == '$' && !key)
            fputs("$$", out);
        else if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c == '\n')
            fputs("\\n", out);
        else if ((unsigned char)*c < ' ' || *c == 0x7f)
            fprintf(out, "\\x%02x", (unsigned)*c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void print_amount(FILE *out, double amount, uint32_t type) {
    static const struct {
        double worth;
        const char *name;
        uint32_t type;
    } units[] = {{86400000, "d", SL_T_DURATION},
                 {3600000, "h", SL_T_DURATION},
                 {60000, "m", SL_T_DURATION},
                 {1000, "s", SL_T_DURATION},
                 {1, "ms", SL_T_DURATION},
                 {1073741824, "GiB", SL_T_SIZE},
                 {1048576, "MiB", SL_T_SIZE},
                 {1024, "KiB", SL_T_SIZE},
                 {1, "B", SL_T_SIZE}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (units[i].type != type || fmod(amount, units[i].worth) != 0) continue;
        if (amount == 0 && units[i].worth != 1) continue;
        fprintf(out, "%.0f%s", amount / units[i].worth, units[i].name);
        return;
    }
}

static void print_number(FILE *out, double number) {
    char text[40];
    for (int digits = 1; digits <= 17; digits++) { /* the shortest that reads back */
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    if (fabs(number) < 1e15 && number == trunc(number)) snprintf(text, sizeof text, "%.0f", number);
    fputs(text, out);
}

static void print_scalar(FILE *out, const struct shown *value) {
    const cJSON *json = value->json;
    if (value->secret)
        fputs("\"***\"", out);
    else if (cJSON_IsString(json))
        print_text(out, json->valuestring, false);
    else if (!cJSON_IsNumber(json))
        fputs(cJSON_IsTrue(json) ? "true" : cJSON_IsFalse(json) ? "false" : "null", out);
    else if (value->type == SL_T_DURATION || value->type == SL_T_SIZE)
        print_amount(out, json->valuedouble, value->type);
    else
        print_number(out, json->valuedouble);
}

static void print_origin(FILE *out, const struct yaml_node *node) {
    if (!node)
        fputs("  # default", out);
    else if (node->origin)
        fprintf(out, "  # %s:%u %s", node->at.source->name, node->at.line, node->origin);
    else
        fprintf(out, "  # %s:%u", node->at.source->name, node->at.line);
    fputc('\n', out);
}

/* ---- collections ---- */

static const struct yaml_node *node_of(const struct yaml_node *parent, const char *name,
                                       size_t index) {
    if (!parent) return NULL;
    if (parent->kind == YAML_IS_SCALAR) return name ? NULL : parent; /* a list of one */
    const struct yaml_member *member = parent->first;
    if (parent->kind == YAML_IS_MAP) member = name ? yaml_find(parent, name) : NULL;
    for (; parent->kind == YAML_IS_LIST && member && index > 0; index--) member = member->next;
    return member ? member->value : NULL;
}

/* What is known of a member: from its own section, from its parent's fields, or from its name. */
static struct shown member_of(struct show *show, const struct shown *parent, const cJSON *json,
                              size_t index) {
    struct arena *arena = &show->arena;
    const char *name = cJSON_IsObject(parent->json) ? json->string : NULL;
    struct shown value = {.json = json,
                          .node = node_of(parent->node, name, index),
                          .secret = parent->secret,
                          .rows = parent->rows,
                          .indent = parent->indent + 1};
    value.pointer = name ? arena_printf(arena, "%s/%s", parent->pointer, name) : parent->pointer;
    const sl_field *row = parent->row;
    if (row && (row->type == SL_T_LIST || row->type == SL_T_MAP) && parent->type == row->type) {
        value.row = row;
        value.type = row->item;
    } else if (name && parent->rows.first) {
        value.row = field_find(parent->rows, name);
        value.type = value.row ? value.row->type : 0;
    }
    if (value.type == SL_T_OBJECT && value.row->fields)
        value.rows = rows_of(value.row, value.rows);
    else if (value.type != SL_T_LIST && value.type != SL_T_MAP)
        value.rows = (struct field_rows){0};
    const char *rest = "";
    const struct config_section *section =
        section_of(show->sections, show->section_count, value.pointer, &rest);
    if (name && section && *rest == '\0') {
        value.rows = section->rows;
        value.type = SL_T_OBJECT;
        value.row = NULL;
    }
    if (value.row && (value.row->flags & SL_SECRET)) value.secret = true;
    if (value.node && value.node->secret) value.secret = true;
    /* Nothing describes it: a misspelt secret, or a member of what is open. */
    bool open = !parent->rows.first || (row && (row->flags & SL_OPEN));
    if (name && !value.type && (!open || name_is_secret(name))) value.secret = true;
    return value;
}

static bool is_block(const struct shown *value) {
    bool nested = cJSON_IsObject(value->json) || cJSON_IsArray(value->json);
    return nested && value->json->child && !value->secret;
}

static void print_members(struct show *show, const struct shown *parent) {
    size_t index = 0;
    const cJSON *json;
    cJSON_ArrayForEach(json, parent->json) {
        const struct shown value = member_of(show, parent, json, index++);
        if (!value.node && !show->defaults) continue;
        fprintf(show->out, "%*s", value.indent * 2, "");
        if (cJSON_IsObject(parent->json)) {
            print_text(show->out, json->string, true);
            fputc(':', show->out);
        } else {
            fputc('-', show->out);
        }
        print_value(show, &value);
    }
}

static void print_value(struct show *show, const struct shown *value) {
    if (is_block(value)) {
        fputc('\n', show->out);
        print_members(show, value);
        return;
    }
    fputc(' ', show->out);
    bool nested = cJSON_IsObject(value->json) || cJSON_IsArray(value->json);
    if (nested && !value->secret)
        fputs(cJSON_IsArray(value->json) ? "[]" : "{}", show->out);
    else
        print_scalar(show->out, value);
    print_origin(show->out, value->node);
}

/* Fills `show` and gives the root. */
static struct shown begin(struct show *show, const struct config *config,
                          const struct config_section *sections, size_t count) {
    arena_init(&show->arena);
    show->config = config;
    show->sections = config->sections;
    show->section_count = config->section_count;
    if (!show->sections) {
        show->sections = sections_complete(&show->arena, sections, count);
        show->section_count = count;
    }
    const char *rest;
    const struct config_section *top = section_of(show->sections, show->section_count, "", &rest);
    return (struct shown){.json = config->tree,
                          .node = config->root,
                          .rows = top ? top->rows : (struct field_rows){0},
                          .type = SL_T_OBJECT,
                          .pointer = "",
                          .indent = -1};
}

char *config_show(const struct config *config, const struct config_section *sections, size_t count,
                  bool defaults) {
    char *text = NULL;
    size_t size = 0;
    struct show show = {.defaults = defaults, .out = open_memstream(&text, &size)};
    if (!show.out) abort(); /* only without memory */
    const struct shown root = begin(&show, config, sections, count);
    struct arena *before = arena_use(&show.arena);
    print_members(&show, &root);
    arena_use(before);
    arena_fini(&show.arena);
    fclose(show.out);
    return text;
}

static cJSON *json_of(struct show *show, const struct shown *value) {
    bool nested = cJSON_IsObject(value->json) || cJSON_IsArray(value->json);
    if (value->secret) return cJSON_CreateString("***");
    if (!nested) return cJSON_Duplicate(value->json, false);
    bool list = cJSON_IsArray(value->json);
    cJSON *copy = list ? cJSON_CreateArray() : cJSON_CreateObject();
    size_t index = 0;
    const cJSON *json;
    cJSON_ArrayForEach(json, value->json) {
        const struct shown member = member_of(show, value, json, index++);
        if (!member.node && !show->defaults) continue;
        cJSON *item = json_of(show, &member);
        if (list)
            cJSON_AddItemToArray(copy, item);
        else
            cJSON_AddItemToObject(copy, json->string, item);
    }
    return copy;
}

cJSON *config_show_json(const struct config *config, const struct config_section *sections,
                        size_t count, bool defaults) {
    struct show show = {.defaults = defaults};
    const struct shown root = begin(&show, config, sections, count);
    cJSON *json = json_of(&show, &root);
    arena_fini(&show.arena);
    return json;
}
