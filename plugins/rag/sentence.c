#include "sentence.h"

#include <string.h>

struct split {
    struct pool *pool;
    const char *text;
    size_t size;
    struct span *spans;
    size_t count;
};

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n';
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80);
}

static void add(struct split *split, size_t from, size_t to, uint32_t line, enum span_kind kind) {
    const char *text = split->text;
    while (from < to && (kind == SPAN_CODE ? text[from] == '\n' : is_space(text[from])))
        line += text[from++] == '\n';
    while (to > from && is_space(text[to - 1])) to--;
    bool says = false;
    uint32_t line_to = line;
    for (size_t i = from; i < to; i++) {
        says |= is_letter(text[i]);
        line_to += text[i] == '\n';
    }
    if (!says) return;
    split->spans = pool_grow(split->pool, split->spans, split->count, sizeof *split->spans);
    split->spans[split->count++] =
        (struct span){(uint32_t)from, (uint32_t)(to - from), line, line_to, kind};
}

/* Is the full stop at `at` one of "e.g.", "i.e.", "vs.", of a number or of a single letter? */
static bool is_abbreviation(const char *text, size_t from, size_t at) {
    size_t start = at;
    while (start > from && !is_space(text[start - 1]) && text[start - 1] != '(') start--;
    const size_t size = at - start;
    static const char *const words[] = {"e.g", "i.e", "vs", "etc", "approx",
                                        "cf",  "Dr",  "Mr", "no"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == size && !memcmp(words[i], text + start, size)) return true;
    return size <= 1;
}

static void split_paragraph(struct split *split, size_t from, size_t to, uint32_t line) {
    const char *text = split->text;
    uint32_t at_line = line;
    size_t start = from;
    for (size_t i = from; i < to; i++) {
        const bool stop = strchr(".!?", text[i]) != NULL && text[i];
        at_line += text[i] == '\n';
        if (!stop || (text[i] == '.' && is_abbreviation(text, start, i))) continue;
        size_t end = i + 1;
        while (end < to && text[end] && strchr("\")'`*_]", text[end])) end++;
        if (end < to && !is_space(text[end])) continue;
        add(split, start, end, line, SPAN_SENTENCE);
        start = end;
        line = at_line;
        i = end - 1;
    }
    add(split, start, to, line, SPAN_SENTENCE);
}

/* ---- lines ---- */

struct cursor {
    size_t from, end; /* of the line, without its "\n" */
    size_t indent;    /* bytes of blanks and quote marks before its text */
    uint32_t line;
};

static bool next_line(const struct split *split, struct cursor *cursor) {
    cursor->from = cursor->line == UINT32_MAX ? 0 : cursor->end + 1;
    cursor->line++;
    if (cursor->from >= split->size) return false;
    const char *nl = memchr(split->text + cursor->from, '\n', split->size - cursor->from);
    cursor->end = nl ? (size_t)(nl - split->text) : split->size;
    size_t i = cursor->from;
    while (i < cursor->end && split->text[i] && strchr(" \t>", split->text[i])) i++;
    cursor->indent = i - cursor->from;
    return true;
}

static size_t fence_at(const struct split *split, const struct cursor *cursor) {
    const char *text = split->text + cursor->from + cursor->indent;
    const size_t size = cursor->end - cursor->from - cursor->indent;
    size_t n = 0;
    while (n < size && (text[n] == '`' || text[n] == '~') && text[n] == text[0]) n++;
    return n >= 3 ? n : 0;
}

/* Bytes of "- ", "* ", "12. ", "- [ ] " before an item's text. */
static size_t mark_at(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && n < 4 && text[n] >= '0' && text[n] <= '9') n++;
    const bool number = n && n < size && (text[n] == '.' || text[n] == ')');
    if (!number && !(size && text[0] && strchr("-*+", text[0]))) return 0;
    n = number ? n + 1 : 1;
    if (n < size && text[n] != ' ' && text[n] != '\t') return 0;
    while (n < size && text[n] == ' ') n++;
    if (size - n >= 4 && text[n] == '[' && text[n + 2] == ']' && text[n + 3] == ' ') n += 4;
    return n;
}

static bool is_heading(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && text[n] == '#') n++;
    return n >= 1 && n <= 6 && (n == size || text[n] == ' ');
}

/* A whole fenced block; leaves the cursor on its last line. */
static void take_code(struct split *split, struct cursor *cursor) {
    const char fence = split->text[cursor->from + cursor->indent];
    const size_t from = cursor->end < split->size ? cursor->end + 1 : split->size;
    const uint32_t line = cursor->line + 1;
    size_t to = from;
    while (next_line(split, cursor)) {
        const size_t marks = fence_at(split, cursor);
        if (marks && split->text[cursor->from + cursor->indent] == fence &&
            cursor->from + cursor->indent + marks == cursor->end)
            break;
        to = cursor->end;
    }
    add(split, from, to, line, SPAN_CODE);
}

struct span *sentences_of(struct pool *pool, const char *text, size_t size, size_t *count) {
    struct split split = {.pool = pool, .text = text, .size = size};
    struct cursor cursor = {.line = UINT32_MAX};
    size_t open = SIZE_MAX, open_end = 0; /* of the paragraph */
    uint32_t open_line = 0;
    while (next_line(&split, &cursor)) {
        const size_t at = cursor.from + cursor.indent;
        const size_t mark = mark_at(text + at, cursor.end - at);
        const bool code = fence_at(&split, &cursor) > 0, row = at < cursor.end && text[at] == '|';
        const bool heading = is_heading(text + at, cursor.end - at), blank = at == cursor.end;
        if (open != SIZE_MAX && (mark || code || row || heading || blank)) {
            split_paragraph(&split, open, open_end, open_line);
            open = SIZE_MAX;
        }
        if (code) {
            take_code(&split, &cursor);
        } else if (row) {
            add(&split, at, cursor.end, cursor.line, SPAN_ROW);
        } else if (!heading && !blank) {
            if (open == SIZE_MAX) open = at + mark, open_line = cursor.line;
            open_end = cursor.end;
        }
    }
    if (open != SIZE_MAX) split_paragraph(&split, open, open_end, open_line);
    return *count = split.count, split.spans;
}
