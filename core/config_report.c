/* config_report.c - notes for people: the line, a caret, what may have been meant. Secrets are
 * blotted out of the line. */
#include "config_inside.h"

#include <stdlib.h>
#include <string.h>

enum { WINDOW = 120, BEFORE = 40 };

struct report {
    const struct config *config;
    FILE *out;
    bool color;
};

static const char *paint(const struct report *report, const char *code) {
    return report->color ? code : "";
}

/* ---- what must not be seen ---- */

static bool covers(const struct text_place *at, unsigned line, unsigned column) {
    bool begun = at->line < line || (at->line == line && at->column <= column);
    bool ended = at->end_line < line || (at->end_line == line && at->end_column <= column);
    return begun && !ended;
}

/* The places of secrets on one line. */
struct secrets {
    struct text_place *places;
    size_t count, room;
};

static void collect_secrets(const struct yaml_node *node, const struct text_place *line,
                            struct secrets *secrets) {
    bool here = node->at.source == line->source && node->at.line <= line->line &&
                node->at.end_line >= line->line;
    if (node->secret && here) {
        if (secrets->count == secrets->room) {
            secrets->room = secrets->room * 2 + 8;
            secrets->places = reallocarray(secrets->places, secrets->room, sizeof *secrets->places);
            if (!secrets->places) abort(); /* only without memory */
        }
        secrets->places[secrets->count++] = node->at;
        return; /* it covers what is in it */
    }
    for (const struct yaml_member *member = node->first; member; member = member->next)
        collect_secrets(member->value, line, secrets);
}

/* The name before ':' of a line, or false. */
static bool key_of_line(const char *text, size_t size, char *name, size_t room, size_t *indent) {
    size_t from = 0;
    while (from < size && (text[from] == ' ' || text[from] == '-' || text[from] == '\t')) from++;
    *indent = from;
    const char *colon = memchr(text + from, ':', size - from);
    if (!colon || from == size || text[from] == '#') return false;
    size_t length = (size_t)(colon - text) - from;
    snprintf(name, room, "%.*s", (int)(length < room ? length : room - 1), text + from);
    return true;
}

static bool has_secret_word(const char *text, size_t size) {
    char *line = strndup(text, size);
    bool found = line && name_is_secret(line);
    free(line);
    return found;
}

/* For text that gave no tree: a line is hidden when its key, or one that it stands under, sounds
 * like a secret's. */
static bool sounds_secret(const struct source *source, unsigned line) {
    enum { LINES_UP = 200 };
    size_t least = SIZE_MAX;
    for (unsigned n = line; n > 0 && line - n < LINES_UP; n--) {
        const char *text;
        size_t size, indent;
        char name[200];
        if (!source_line(source, n, &text, &size)) continue;
        bool keyed = key_of_line(text, size, name, sizeof name, &indent);
        if (n == line && has_secret_word(text, size)) return true;
        if (indent == size || (n != line && indent >= least)) continue;
        least = indent;
        if (keyed && name_is_secret(name)) return true;
    }
    return false;
}

/* What stands for a character that must not be seen, or NULL. Behind an unknown key may stand
 * anything: it may be a misspelt secret. */
static const char *blot(const struct note *note, const struct secrets *secrets, unsigned column) {
    if (note->cut && column >= note->at.end_column) return "...";
    for (size_t i = 0; i < secrets->count; i++)
        if (covers(&secrets->places[i], note->at.line, column)) return "***";
    return NULL;
}

/* ---- the line ---- */

struct line {
    const char *text;
    size_t size;
    unsigned first; /* column shown first */
    struct secrets secrets;
};

static void print_character(FILE *out, const char *text, size_t size) {
    bool control = (unsigned char)*text < ' ' || *text == 0x7f;
    if (control)
        fputc(*text == '\t' ? ' ' : '?', out);
    else
        fwrite(text, 1, size, out);
}

static void print_line(const struct report *report, const struct note *note,
                       const struct line *line) {
    unsigned column = 1;
    bool blotted = false;
    for (size_t at = 0, n; at < line->size && column < line->first + WINDOW; at += n, column++) {
        const char *text = line->text + at;
        n = character_size(text, line->size - at);
        if (column < line->first) continue;
        const char *instead = blot(note, &line->secrets, column);
        bool gap = instead && !blotted && (*text == ' ' || *text == ':');
        if (!instead || gap)
            print_character(report->out, text, n);
        else if (!blotted)
            fputs(instead, report->out);
        blotted = instead && !gap;
    }
    fputc('\n', report->out);
}

static void print_caret(const struct report *report, const struct note *note, unsigned first,
                        size_t characters) {
    unsigned width = 1;
    if (note->at.end_line == note->at.line && note->at.end_column > note->at.column)
        width = note->at.end_column - note->at.column;
    else if (note->at.end_line > note->at.line && characters >= note->at.column)
        width = (unsigned)characters - note->at.column + 1;
    if (width > WINDOW / 2) width = WINDOW / 2;
    const struct yaml_node *value = note->value;
    if (value && value->secret) width = 3; /* as wide as what is shown */
    fprintf(report->out, "%*s", (int)(note->at.column - first), "");
    fputs(paint(report, note->face.warning ? "\33[33m" : "\33[31m"), report->out);
    for (unsigned i = 0; i < width; i++) fputc('^', report->out);
    if (note->face.suggestion) fprintf(report->out, " %s", note->face.suggestion);
    fprintf(report->out, "%s\n", paint(report, "\33[0m"));
}

static bool print_excerpt(const struct report *report, const struct note *note) {
    const char *text;
    size_t size, characters = 0;
    if (!note->at.line || !source_line(note->at.source, note->at.line, &text, &size)) return false;
    const struct config_file *file = note->file;
    if (!file->readable && sounds_secret(note->at.source, note->at.line)) return false;
    for (size_t at = 0; at < size; at += character_size(text + at, size - at)) characters++;
    bool wide = characters > WINDOW && note->at.column > BEFORE;
    unsigned first = wide ? note->at.column - BEFORE : 1;
    int gutter = snprintf(NULL, 0, "%u", note->at.line);
    struct line line = {.text = text, .size = size, .first = first};
    if (report->config->root) collect_secrets(report->config->root, &note->at, &line.secrets);
    fprintf(report->out, "  %u | ", note->at.line);
    print_line(report, note, &line);
    free(line.secrets.places);
    fprintf(report->out, "  %*s | ", gutter, "");
    print_caret(report, note, first, characters);
    return true;
}

static void print_note(const struct report *report, const struct note *note) {
    const struct config_note *face = &note->face;
    FILE *out = report->out;
    fputs(paint(report, "\33[1m"), out);
    if (face->line)
        fprintf(out, "%s:%u:%u: ", face->file, face->line, face->column);
    else
        fprintf(out, "%s: ", face->file);
    fprintf(out, "%s%s[%s]%s: %s%s\n", paint(report, face->warning ? "\33[33m" : "\33[31m"),
            face->warning ? "warning" : "error", face->code, paint(report, "\33[0;1m"),
            face->message, paint(report, "\33[0m"));
    if (!print_excerpt(report, note) && face->suggestion) fprintf(out, "  %s\n", face->suggestion);
    fprintf(out, "  help: sluice config explain %s\n", note->help ? note->help : face->code);
}

static void print_count(FILE *out, size_t count, const char *what) {
    fprintf(out, "%zu %s%s", count, what, count == 1 ? "" : "s");
}

char *config_report(const struct config *config, bool color) {
    char *text = NULL;
    size_t size = 0, shown = 0, errors = 0, warnings = 0;
    struct report report = {.config = config, .out = open_memstream(&text, &size), .color = color};
    if (!report.out) abort(); /* only without memory */
    for (const struct note *note = config->notes; note; note = note->next) {
        if (note->face.warning)
            warnings++;
        else
            errors++;
        if (shown == CONFIG_NOTES_SHOWN) continue;
        print_note(&report, note);
        fputc('\n', report.out);
        shown++;
    }
    if (errors) print_count(report.out, errors, "error");
    if (errors && warnings) fputs(", ", report.out);
    if (warnings) print_count(report.out, warnings, "warning");
    if (errors + warnings > shown) fprintf(report.out, " (the first %zu are shown)", shown);
    if (errors + warnings) fputc('\n', report.out);
    fclose(report.out);
    return text;
}
