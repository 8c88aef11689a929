/* config_notes.c - errors and warnings of a configuration: kept by position, shown with the line.
 */
#include "config_inside.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static int compare(const struct note *a, const struct note *b) {
    if (a->file->number != b->file->number) return a->file->number < b->file->number ? -1 : 1;
    if (a->at.line != b->at.line) return a->at.line < b->at.line ? -1 : 1;
    if (a->at.column != b->at.column) return a->at.column < b->at.column ? -1 : 1;
    return 0;
}

static bool same(const struct note *a, const struct note *b) {
    return compare(a, b) == 0 && strcmp(a->face.message, b->face.message) == 0;
}

/* Behind all that stand before it, or nowhere when it has been told already. */
static void insert(struct config *config, struct note *note) {
    struct note **at = &config->notes;
    while (*at && compare(*at, note) <= 0) {
        if (same(*at, note)) return;
        at = &(*at)->next;
    }
    note->next = *at;
    *at = note;
    config->face_count++;
}

static void collect_faces(struct config *config) {
    size_t shown =
        config->face_count < CONFIG_NOTES_SHOWN ? config->face_count : CONFIG_NOTES_SHOWN;
    if (!config->faces)
        config->faces = arena_alloc(&config->arena, CONFIG_NOTES_SHOWN * sizeof *config->faces);
    const struct note *note = config->notes;
    for (size_t i = 0; note && i < shown; i++, note = note->next) config->faces[i] = note->face;
}

void config_tell(struct config *config, struct config_trouble trouble) {
    enum { KEPT_MAX = 1000 };
    if (!trouble.warning) config->failed = true;
    if (config->face_count >= KEPT_MAX) return;
    struct note *note = arena_zalloc(&config->arena, sizeof *note);
    note->at = trouble.at;
    note->file = trouble.at.source ? (const struct config_file *)trouble.at.source : config->file;
    note->value = trouble.value;
    note->cut = trouble.cut;
    note->help = trouble.help ? without_indexes(&config->arena, trouble.help) : NULL;
    note->face = (struct config_note){
        .file = note->file->source.name,
        .line = trouble.at.line,
        .column = trouble.at.column,
        .warning = trouble.warning,
        .message = arena_strdup(&config->arena, trouble.message),
        .suggestion = trouble.suggestion ? arena_strdup(&config->arena, trouble.suggestion) : NULL};
    snprintf(note->face.code, sizeof note->face.code, "%s", trouble.code);
    insert(config, note);
    collect_faces(config);
}

/* `text` with "***" for each `secret`; `text` itself when it has none. */
static const char *masked(struct arena *arena, const char *text, const char *secret) {
    if (!text || !*secret || !strstr(text, secret)) return text;
    const char *out = "";
    for (const char *hit; (hit = strstr(text, secret)); text = hit + strlen(secret))
        out = arena_printf(arena, "%s%.*s***", out, (int)(hit - text), text);
    return arena_printf(arena, "%s%s", out, text);
}

void config_mask_notes(struct config *config) {
    for (struct note *note = config->notes; note; note = note->next) {
        const struct yaml_node *value = note->value;
        if (!value || !value->secret || value->kind != YAML_IS_SCALAR) continue;
        note->face.message = masked(&config->arena, note->face.message, value->text);
        note->face.suggestion = masked(&config->arena, note->face.suggestion, value->text);
    }
    if (config->notes) collect_faces(config);
}

/* A block of lines is best shown by its key. */
static struct text_place place_at(const struct config_spot *spot, bool at_name) {
    const struct yaml_node *node = spot->node;
    bool at_key = at_name || !spot->exact || !node ||
                  (node->kind != YAML_IS_SCALAR && node->at.end_line != node->at.line);
    if (spot->member && spot->member->key && at_key) return spot->member->key_at;
    return node ? node->at : (struct text_place){0};
}

/* A fault or warning at a pointer. */
static void tell_at(struct config *config, const char *pointer, bool at_name,
                    struct config_trouble trouble) {
    struct config_spot spot = config_spot(config, pointer);
    const char *help = dotted(&config->arena, pointer);
    trouble.at = place_at(&spot, at_name);
    trouble.value = spot.exact ? spot.node : NULL;
    trouble.help = *help ? help : NULL;
    trouble.cut = at_name;
    config_tell(config, trouble);
    config_mask_notes(config);
}

void config_fault(struct config *config, const char *pointer, bool at_name, const char *code,
                  const char *suggestion, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(&config->arena, format, args);
    va_end(args);
    tell_at(config, pointer, at_name,
            (struct config_trouble){.code = code, .message = message, .suggestion = suggestion});
}

void config_warn(struct config *config, const char *pointer, const char *code, const char *format,
                 ...) {
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(&config->arena, format, args);
    va_end(args);
    tell_at(config, pointer, true,
            (struct config_trouble){.code = code, .message = message, .warning = true});
}

bool config_ok(const struct config *config) {
    return !config->failed;
}

bool config_readable(const struct config *config) {
    return config->root != NULL;
}

size_t config_notes(const struct config *config, const struct config_note **notes) {
    if (notes) *notes = config->faces;
    return config->face_count < CONFIG_NOTES_SHOWN ? config->face_count : CONFIG_NOTES_SHOWN;
}
