/* structured.c - runbooks written as YAML or JSON: keys are headings, values are text. */
#include "clean.h"
#include "reading.h"
#include "rules.h"
#include "yaml_doc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADING_DEPTH = 4, SMALL_WORDS = 150, KEY_BYTES = 120 };

/* ---- what is said of the document itself ---- */

static void take_labels(struct reading *reading, const struct yaml_node *labels) {
    if (!labels || labels->kind == YAML_SCALAR) {
        if (labels && *labels->text) reading_add_label(reading, labels->text, strlen(labels->text));
        return;
    }
    for (const struct yaml_node *at = labels->child; at; at = at->next) {
        if (at->kind != YAML_SCALAR) continue;
        const char *label =
            at->key ? pool_printf(&reading->pool, "%.*s=%s", KEY_BYTES, at->key, at->text)
                    : at->text;
        reading_add_label(reading, label, strlen(label));
    }
}

static const char *first_text(const struct yaml_node *map, const char *const *keys) {
    for (; *keys; keys++) {
        const char *text = yaml_text(map, *keys);
        if (text && *text) return text;
    }
    return NULL;
}

static void take_about(struct reading *reading, const struct yaml_node *map) {
    static const char *const titles[] = {"title", "name", "alert", "alertname", "runbook", NULL};
    static const char *const urls[] = {"url", "runbook_url", "link", NULL};
    const char *title = first_text(map, titles);
    if (!title) title = yaml_text(yaml_get(map, "metadata"), "name");
    if (title && !reading->title)
        reading->title = reading_tidy(reading, title, strlen(title), READING_TITLE_BYTES);
    const char *url = first_text(map, urls);
    if (url && !reading->url) reading->url = reading_tidy(reading, url, strlen(url), 1000);
    take_labels(reading, yaml_get(map, "labels"));
    take_labels(reading, yaml_get(map, "tags"));
}

uint32_t read_front_matter(struct reading *reading) {
    if (reading->lines < 2 || strncmp(reading->text, "---", 3) != 0) return 0;
    uint32_t end = 0;
    for (uint32_t i = 0; i < reading->lines && !end; i++) {
        const char *line = reading->text + reading->starts[i];
        const size_t size = reading->starts[i + 1] - reading->starts[i];
        size_t used = size;
        while (used && strchr(" \n", line[used - 1])) used--;
        const bool fence = used == 3 && (!memcmp(line, "---", 3) || (i && !memcmp(line, "...", 3)));
        if (!i && !fence) return 0;
        if (i && fence) end = i;
    }
    if (!end) return 0;
    char why[160];
    const struct yaml_node *root =
        yaml_read(&reading->pool, reading->text + reading->starts[1],
                  reading->starts[end] - reading->starts[1], why, sizeof why);
    if (!root || !root->child || root->child->kind != YAML_MAP) return 0; /* a rule and a heading */
    take_about(reading, root->child);
    return end + 1;
}

/* ---- a tree as blocks ---- */

struct emit {
    struct reading *reading;
    /* JSON: the text that is made of the values, and the source line of each of its lines. */
    bool extract;
    char *text;
    size_t size, room;
    uint32_t *origin;
    uint32_t lines, origin_room;
};

static void put(struct emit *emit, const char *text, size_t size) {
    if (emit->size + size + 1 > emit->room) {
        emit->room = (emit->size + size + 1) * 2;
        emit->text = realloc(emit->text, emit->room);
        if (!emit->text) abort();
    }
    for (size_t i = 0; i < size; i++) emit->text[emit->size++] = text[i] == '\r' ? ' ' : text[i];
}

static void end_line(struct emit *emit, uint32_t source) {
    if (emit->lines == emit->origin_room) {
        emit->origin_room = emit->origin_room ? emit->origin_room * 2 : 64;
        emit->origin = realloc(emit->origin, emit->origin_room * sizeof *emit->origin);
        if (!emit->origin) abort();
    }
    put(emit, "\n", 1);
    emit->origin[emit->lines++] = source + 1;
}

/* "key: value", the lines of a long value below each other. */
static void extract_scalar(struct emit *emit, const struct yaml_node *node) {
    const char *text = node->text;
    if (node->key) {
        put(emit, node->key, strcspn(node->key, "\n"));
        put(emit, ": ", 2);
    } else {
        put(emit, "- ", 2);
    }
    for (;;) {
        const size_t size = strcspn(text, "\n");
        put(emit, text, size);
        end_line(emit, node->from);
        if (!text[size]) return;
        text += size + 1;
    }
}

static void extract(struct emit *emit, const struct yaml_node *node) {
    if (node->kind == YAML_SCALAR) {
        extract_scalar(emit, node);
        return;
    }
    if (node->key) {
        put(emit, node->key, strcspn(node->key, "\n"));
        put(emit, ":", 1);
        end_line(emit, node->from);
    }
    for (const struct yaml_node *at = node->child; at; at = at->next) extract(emit, at);
}

static size_t words_of(const struct yaml_node *node) {
    size_t words = node->key != NULL;
    for (const char *c = node->kind == YAML_SCALAR ? node->text : ""; *c; c++)
        words += *c == ' ' || *c == '\n';
    for (const struct yaml_node *at = node->child; at; at = at->next) words += words_of(at);
    return words + 1;
}

static void add_lines(struct emit *emit, const struct yaml_node *node) {
    uint32_t from = node->from, to = node->to;
    if (emit->extract) {
        from = emit->lines;
        extract(emit, node);
        if (emit->lines == from) return;
        to = emit->lines - 1;
    }
    reading_add_block(emit->reading, node->kind == YAML_SCALAR ? BLOCK_TEXT : BLOCK_WHOLE, from,
                      to);
}

static void add_heading(struct emit *emit, const struct yaml_node *node, unsigned level,
                        size_t number) {
    static const char *const names[] = {"title", "name", "alert", "summary", NULL};
    const char *name = node->key ? node->key : first_text(node, names);
    if (!name) name = pool_printf(&emit->reading->pool, "%zu", number);
    struct block *block = reading_add_block(emit->reading, BLOCK_HEADING, node->from, node->from);
    block->level = level;
    block->heading = reading_tidy(emit->reading, name, strlen(name), KEY_BYTES);
}

/* Small trees are one block under their heading; large ones have a heading for each child. */
static void emit_children(struct emit *emit, const struct yaml_node *node, unsigned level) {
    size_t number = 0;
    for (const struct yaml_node *at = node->child; at; at = at->next) {
        number++;
        if (at->kind == YAML_SCALAR && !(at->key && words_of(at) > SMALL_WORDS)) {
            add_lines(emit, at);
            continue;
        }
        add_heading(emit, at, level, number);
        if (at->kind == YAML_SCALAR || level >= HEADING_DEPTH || words_of(at) <= SMALL_WORDS)
            add_lines(emit, at);
        else
            emit_children(emit, at, level + 1);
    }
}

static void emit_documents(struct emit *emit, const struct yaml_node *root) {
    for (const struct yaml_node *at = root->child; at; at = at->next) {
        if (at->kind == YAML_SCALAR)
            add_lines(emit, at);
        else
            emit_children(emit, at, 1);
    }
}

int read_yaml(struct reading *reading) {
    char why[160] = "memory is out";
    const struct yaml_node *root =
        yaml_read(&reading->pool, reading->text, reading->size, why, sizeof why);
    if (!root) return reading_fail(reading, "the YAML cannot be read: %s", why);
    if (root->child) take_about(reading, root->child);
    if (read_rules(reading, root)) return 0;
    struct emit emit = {.reading = reading};
    emit_documents(&emit, root);
    return 0;
}

/* ---- JSON ---- */

static int hex4(const char *text, uint32_t *out) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++) {
        const char c = text[i];
        const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c | 0x20) : NULL;
        if (!at || !*at) return -1;
        value = value << 4 | (uint32_t)(at - digits);
    }
    return *out = value, 0;
}

static size_t put_utf8(char *out, uint32_t code) {
    out[0] = (char)(0xF0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3F));
    out[2] = (char)(0x80 | (code >> 6 & 0x3F));
    out[3] = (char)(0x80 | (code & 0x3F));
    return 4;
}

/* JSON writes characters beyond U+FFFF as two escapes, which YAML does not know. Lines stay. */
static size_t join_surrogates(char *text, size_t size) {
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        uint32_t high, low;
        const bool pair = size - i >= 12 && text[i] == '\\' && text[i + 1] == 'u' &&
                          text[i + 6] == '\\' && text[i + 7] == 'u' && !hex4(text + i + 2, &high) &&
                          !hex4(text + i + 8, &low) && high >= 0xD800 && high < 0xDC00 &&
                          low >= 0xDC00 && low < 0xE000;
        if (pair) {
            n += put_utf8(text + n, 0x10000 + ((high - 0xD800) << 10 | (low - 0xDC00)));
            i += 12;
        } else if (text[i] == '\\' && i + 1 < size) {
            text[n++] = text[i++];
            text[n++] = text[i++];
        } else {
            text[n++] = text[i++];
        }
    }
    text[n] = '\0';
    return n;
}

int read_json(struct reading *reading) {
    char why[160] = "memory is out";
    char *copy = pool_strndup(&reading->pool, reading->text, reading->size);
    const size_t size = join_surrogates(copy, reading->size);
    const struct yaml_node *root = yaml_read(&reading->pool, copy, size, why, sizeof why);
    if (!root) return reading_fail(reading, "the JSON cannot be read: %s", why);
    if (!root->child || root->child->kind == YAML_SCALAR)
        return reading_fail(reading, "the JSON cannot be read: line 1: an object or a list is "
                                     "expected");
    take_about(reading, root->child);
    if (read_rules(reading, root)) return 0;
    struct emit emit = {.reading = reading, .extract = true};
    emit_documents(&emit, root);
    char *text = pool_alloc(&reading->pool, emit.size + 1);
    size_t cleaned = 0, bad_at = 0;
    const int rc = clean_text(emit.text ? emit.text : "", emit.size, text, &cleaned, &bad_at);
    free(emit.text);
    uint32_t *origin = pool_alloc(&reading->pool, (emit.lines + 1) * sizeof *origin);
    if (emit.lines) memcpy(origin, emit.origin, emit.lines * sizeof *origin);
    free(emit.origin);
    if (rc) return reading_fail(reading, "the JSON cannot be read: a text in it holds NUL");
    reading->text = text;
    reading->size = cleaned;
    reading->origin = origin;
    reading_find_lines(reading);
    return 0;
}
