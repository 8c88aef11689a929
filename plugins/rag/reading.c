#include "reading.h"
#include "clean.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int reading_fail(struct reading *reading, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(reading->error, sizeof reading->error, format, args);
    va_end(args);
    return -1;
}

/* ---- formats ---- */

static const struct {
    const char *name;
    enum reading_format format;
} formats[] = {{"markdown", FORMAT_MARKDOWN}, {"text", FORMAT_TEXT}, {"html", FORMAT_HTML},
               {"json", FORMAT_JSON},         {"yaml", FORMAT_YAML}, {"auto", FORMAT_AUTO}};

static const struct {
    const char *end;
    enum reading_format format;
} endings[] = {{".md", FORMAT_MARKDOWN}, {".markdown", FORMAT_MARKDOWN}, {".mdx", FORMAT_MARKDOWN},
               {".txt", FORMAT_TEXT},    {".text", FORMAT_TEXT},         {".rst", FORMAT_TEXT},
               {".adoc", FORMAT_TEXT},   {".html", FORMAT_HTML},         {".htm", FORMAT_HTML},
               {".json", FORMAT_JSON},   {".yaml", FORMAT_YAML},         {".yml", FORMAT_YAML}};

const char *reading_format_name(enum reading_format format) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (formats[i].format == format) return formats[i].name;
    return "auto";
}

enum reading_format reading_format_named(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (!strcmp(formats[i].name, name)) return formats[i].format;
    return FORMAT_AUTO;
}

static enum reading_format format_by_ending(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i].end)) return endings[i].format;
    return FORMAT_AUTO;
}

bool reading_is_document(const char *name) {
    return format_by_ending(name) != FORMAT_AUTO;
}

/* Without an ending the bytes tell: JSON and HTML by their first character, else Markdown, which
 * plain text is too. */
enum reading_format reading_format_of(const char *name, const char *bytes, size_t size) {
    enum reading_format format = format_by_ending(name ? name : "");
    if (format != FORMAT_AUTO) return format;
    size_t i = 0;
    while (i < size && strchr(" \t\r\n", bytes[i]) && bytes[i]) i++;
    static const char *const heads[] = {"<!doctype html", "<html", "<body", "<head"};
    for (size_t h = 0; h < sizeof heads / sizeof *heads; h++) {
        const size_t n = strlen(heads[h]);
        if (size - i >= n && !strncasecmp(bytes + i, heads[h], n)) return FORMAT_HTML;
    }
    if (i < size && bytes[i] == '{') return FORMAT_JSON;
    return FORMAT_MARKDOWN;
}

/* ---- lines, blocks, labels ---- */

void reading_find_lines(struct reading *reading) {
    uint32_t lines = 1;
    const char *end = reading->text + reading->size;
    for (const char *at = reading->text; (at = memchr(at, '\n', (size_t)(end - at))); at++) lines++;
    if (reading->size == 0 || end[-1] == '\n') lines--;
    reading->starts = pool_alloc(&reading->pool, (lines + 1) * sizeof *reading->starts);
    reading->lines = lines;
    const char *at = reading->text;
    for (uint32_t i = 0; i < lines; i++) {
        reading->starts[i] = (uint32_t)(at - reading->text);
        const char *nl = memchr(at, '\n', (size_t)(end - at));
        at = nl ? nl + 1 : end;
    }
    reading->starts[lines] = (uint32_t)reading->size;
}

uint32_t reading_line_at(const struct reading *reading, size_t offset) {
    uint32_t low = 0, high = reading->lines ? reading->lines - 1 : 0;
    while (low < high) {
        const uint32_t middle = low + (high - low + 1) / 2;
        if (reading->starts[middle] <= offset)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

struct block *reading_add_block(struct reading *reading, enum block_kind kind, uint32_t from,
                                uint32_t to) {
    reading->blocks =
        pool_grow(&reading->pool, reading->blocks, reading->block_count, sizeof *reading->blocks);
    struct block *block = &reading->blocks[reading->block_count++];
    *block = (struct block){.from = from, .to = to, .kind = kind};
    return block;
}

char *reading_tidy(struct reading *reading, const char *text, size_t size, size_t most) {
    char *out = pool_alloc(&reading->pool, size + 1);
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        const bool blank = strchr(" \t\r\n", text[i]) != NULL;
        if (!blank)
            out[n++] = text[i];
        else if (n && out[n - 1] != ' ')
            out[n++] = ' ';
    }
    if (n > most) {
        n = most;
        while (n && ((unsigned char)out[n] & 0xC0) == 0x80) n--;
    }
    while (n && out[n - 1] == ' ') n--;
    out[n] = '\0';
    return out;
}

void reading_add_label(struct reading *reading, const char *text, size_t size) {
    if (reading->label_count >= READING_MOST_LABELS) return;
    const char *label = reading_tidy(reading, text, size, READING_LABEL_BYTES);
    if (!*label) return;
    for (size_t i = 0; i < reading->label_count; i++)
        if (!strcmp(reading->labels[i], label)) return;
    reading->labels =
        pool_grow(&reading->pool, reading->labels, reading->label_count, sizeof *reading->labels);
    reading->labels[reading->label_count++] = label;
}

/* ---- reading ---- */

static int take_bytes(struct reading *reading, const char *bytes, size_t size) {
    if (size > READING_MOST_BYTES)
        return reading_fail(reading, "it is %zu bytes long, and a document may have %d: split it",
                            size, READING_MOST_BYTES);
    reading->text = pool_alloc(&reading->pool, size + 1);
    size_t bad_at;
    if (!clean_text(bytes, size, reading->text, &reading->size, &bad_at)) return 0;
    size_t line = 1;
    for (size_t i = 0; i < bad_at; i++) line += bytes[i] == '\n';
    return reading_fail(reading, "byte %zu (line %zu) is no UTF-8 text: is it a text file?", bad_at,
                        line);
}

/* "runbooks/disk-full.md" is "disk-full". */
static const char *stem_of(struct reading *reading, const char *name) {
    const char *slash = strrchr(name, '/'), *base = slash && slash[1] ? slash + 1 : name;
    const char *dot = strrchr(base, '.');
    const size_t size =
        dot && dot != base && reading_is_document(base) ? (size_t)(dot - base) : strlen(base);
    return reading_tidy(reading, base, size, READING_TITLE_BYTES);
}

static int read_as(struct reading *reading, enum reading_format format, read_html_fn html) {
    switch (format) {
    case FORMAT_TEXT:
        return read_plain(reading);
    case FORMAT_JSON:
        return read_json(reading);
    case FORMAT_YAML:
        return read_yaml(reading);
    case FORMAT_HTML:
        if (html) return html(reading);
        return reading_fail(reading, "HTML cannot be read here: rag-html.so is not loaded");
    default:
        return read_markdown(reading);
    }
}

int reading_of(struct reading *reading, const struct reading_ask *ask) {
    *reading = (struct reading){0};
    const char *name = ask->name && *ask->name ? ask->name : "untitled";
    enum reading_format format = ask->format;
    if (take_bytes(reading, ask->bytes, ask->size)) return -1;
    reading_find_lines(reading);
    if (format == FORMAT_AUTO) format = reading_format_of(name, ask->bytes, ask->size);
    if (read_as(reading, format, ask->html)) return -1;
    if (!reading->title || !*reading->title) reading->title = stem_of(reading, name);
    if (chunk_blocks(reading)) return -1;
    if (reading->passage_count) return 0;
    return reading_fail(reading, "there is no text in it");
}

void reading_fini(struct reading *reading) {
    pool_fini(&reading->pool);
    *reading = (struct reading){0};
}
