/* plain.c - plain text: paragraphs between blank lines, headings that are underlined. */
#include "reading.h"

#include <string.h>

static size_t line_size(const struct reading *reading, uint32_t at) {
    size_t size = reading->starts[at + 1] - reading->starts[at];
    const char *text = reading->text + reading->starts[at];
    while (size && strchr(" \t\n", text[size - 1])) size--;
    return size;
}

/* A line of one repeated sign, as long as the line above: reStructuredText, setext, most READMEs. */
static unsigned underline_level(const struct reading *reading, uint32_t at) {
    if (at + 1 >= reading->lines) return 0;
    const size_t size = line_size(reading, at + 1), above = line_size(reading, at);
    const char *text = reading->text + reading->starts[at + 1];
    static const char signs[] = "=-~^\"#*+";
    const char *sign = size ? strchr(signs, text[0]) : NULL;
    if (!sign || !*sign || !above || size < 3 || size + 2 < above || above > READING_TITLE_BYTES)
        return 0;
    for (size_t i = 1; i < size; i++)
        if (text[i] != text[0]) return 0;
    return (unsigned)(sign - signs) + 1;
}

/* AsciiDoc and the like: "== Heading". */
static unsigned mark_level(const struct reading *reading, uint32_t at, size_t *skip) {
    const char *text = reading->text + reading->starts[at];
    size_t n = 0;
    while (n < 6 && (text[n] == '=' || text[n] == '#') && text[n] == text[0]) n++;
    *skip = n + 1;
    return n && text[n] == ' ' && line_size(reading, at) > n + 1 ? (unsigned)n : 0;
}

static void add_heading(struct reading *reading, uint32_t at, uint32_t to, unsigned level,
                        size_t skip) {
    struct block *block = reading_add_block(reading, BLOCK_HEADING, at, to);
    block->level = level;
    block->heading = reading_tidy(reading, reading->text + reading->starts[at] + skip,
                                  line_size(reading, at) - skip, READING_TITLE_BYTES);
    if (!reading->title) reading->title = block->heading;
}

/* The heading at this line; how many lines it takes, 0: it is none. */
static uint32_t heading_at(struct reading *reading, uint32_t at) {
    size_t skip = 0;
    unsigned level = underline_level(reading, at);
    if (level) return add_heading(reading, at, at + 1, level, 0), 2;
    level = mark_level(reading, at, &skip);
    if (level) return add_heading(reading, at, at, level, skip), 1;
    return 0;
}

int read_plain(struct reading *reading) {
    uint32_t from = 0, at = 0;
    while (at < reading->lines) {
        const bool blank = line_size(reading, at) == 0;
        uint32_t taken = 0;
        if (blank || (from == at && (taken = heading_at(reading, at)))) {
            if (from < at) reading_add_block(reading, BLOCK_TEXT, from, at - 1);
            from = at += taken ? taken : 1;
            continue;
        }
        at++;
    }
    if (from < at) reading_add_block(reading, BLOCK_TEXT, from, at - 1);
    return 0;
}
