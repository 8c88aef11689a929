/* chunk.c - blocks to passages: about 200 words under one heading, code and tables whole.
 *
 * Measured on runbooks: windows of 200 words with neighbours under 80 words merged found best, and
 * overlap gained nothing (docs/rag.md). A passage is one run of bytes of the reading text. */
#include "reading.h"

#include <string.h>

enum {
    WORDS_MOST = 200,
    WORDS_SMALL = 80,  /* below this a neighbour is taken in */
    WORDS_WHOLE = 600, /* a code block or table may be this long before it is cut */
    WORDS_CUT = 120,   /* a cut looks for an end of a sentence or line from here on */
    PATH_LEVELS = 6,
    PATH_BYTES = 400
};

struct window {
    size_t from, to; /* bytes, `to` behind the last */
    size_t words;
    const char *heading;
};

struct chunker {
    struct reading *reading;
    struct window *windows;
    size_t count;
    struct window open; /* words == 0: none */
    const char *path[PATH_LEVELS + 1];
    const char *heading;
};

static bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\t';
}

static size_t count_words(const char *text, size_t size) {
    size_t words = 0;
    bool inside = false;
    for (size_t i = 0; i < size; i++) {
        const bool blank = is_blank(text[i]);
        words += inside && blank;
        inside = !blank;
    }
    return words + inside;
}

static void flush(struct chunker *chunker) {
    if (!chunker->open.words) return;
    chunker->windows = pool_grow(&chunker->reading->pool, chunker->windows, chunker->count,
                                 sizeof *chunker->windows);
    chunker->windows[chunker->count++] = chunker->open;
    chunker->open = (struct window){0};
}

/* Joins the path's levels from the highest one on; the document's title is not repeated. */
static const char *join_path(struct chunker *chunker) {
    const char *title = chunker->reading->title;
    char *out = NULL;
    for (size_t i = 1; i <= PATH_LEVELS; i++) {
        const char *part = chunker->path[i];
        if (!part || !*part || (title && !strcmp(part, title))) continue;
        if (out && strlen(out) + strlen(part) > PATH_BYTES) break;
        out = out ? pool_printf(&chunker->reading->pool, "%s > %s", out, part)
                  : pool_strndup(&chunker->reading->pool, part, strlen(part));
    }
    return out ? out : "";
}

static void take_heading(struct chunker *chunker, const struct block *block) {
    const size_t level = block->level < 1             ? 1
                         : block->level > PATH_LEVELS ? PATH_LEVELS
                                                      : block->level;
    flush(chunker);
    for (size_t i = level; i <= PATH_LEVELS; i++) chunker->path[i] = NULL;
    chunker->path[level] = block->heading;
    chunker->heading = join_path(chunker);
}

/* Where to cut `text` so that at most `most` words stay before: the last end of a line or sentence
 * behind the first `WORDS_CUT` ones, else the last blank; `size` when it is short enough. */
static size_t cut_at(const char *text, size_t size, size_t most) {
    size_t words = 0, good = 0, blank = 0;
    for (size_t i = 1; i < size && i < READING_PASSAGE_BYTES; i++) {
        if (!is_blank(text[i]) || is_blank(text[i - 1])) continue;
        words++;
        blank = i;
        const bool ends = text[i] == '\n' || strchr(".!?:", text[i - 1]);
        if (ends && words >= WORDS_CUT) good = i;
        if (words >= most) return good ? good : blank;
    }
    if (size <= READING_PASSAGE_BYTES) return size;
    size_t cut = good ? good : blank ? blank : READING_PASSAGE_BYTES;
    while (cut > 1 && ((unsigned char)text[cut] & 0xC0) == 0x80) cut--;
    return cut;
}

static void take_long(struct chunker *chunker, size_t from, size_t to, size_t most) {
    const char *text = chunker->reading->text;
    flush(chunker);
    while (from < to) {
        while (from < to && text[from] == '\n') from++;
        if (from == to) break;
        const size_t size = cut_at(text + from, to - from, most);
        chunker->open =
            (struct window){from, from + size, count_words(text + from, size), chunker->heading};
        from += size;
        if (from < to) flush(chunker);
    }
}

static void take_block(struct chunker *chunker, const struct block *block) {
    const struct reading *reading = chunker->reading;
    size_t from = reading->starts[block->from], to = reading->starts[block->to + 1];
    while (to > from && is_blank(reading->text[to - 1])) to--;
    if (chunker->open.words && from < chunker->open.to) from = chunker->open.to;
    if (from >= to) return;
    const size_t words = count_words(reading->text + from, to - from);
    const size_t most = block->kind == BLOCK_WHOLE ? WORDS_WHOLE : WORDS_MOST;
    if (!words) return;
    if (words > most || to - from > READING_PASSAGE_BYTES) {
        take_long(chunker, from, to, most);
        return;
    }
    struct window *open = &chunker->open;
    if (open->words &&
        (open->words + words > WORDS_MOST || to - open->from > READING_PASSAGE_BYTES))
        flush(chunker);
    if (!open->words) *open = (struct window){.from = from, .heading = chunker->heading};
    open->to = to;
    open->words += words;
}

/* A window that is small takes the next one in, or goes into it, while both stay short enough. */
static void merge_small(struct chunker *chunker) {
    struct window *windows = chunker->windows;
    size_t kept = 0;
    for (size_t i = 0; i < chunker->count; i++) {
        struct window *last = kept ? &windows[kept - 1] : NULL;
        const struct window *now = &windows[i];
        const bool small = last && (last->words < WORDS_SMALL || now->words < WORDS_SMALL);
        if (small && last->words + now->words <= WORDS_MOST &&
            now->to - last->from <= READING_PASSAGE_BYTES) {
            last->to = now->to;
            last->words += now->words;
        } else {
            windows[kept++] = *now;
        }
    }
    chunker->count = kept;
}

static uint32_t source_line(const struct reading *reading, size_t offset) {
    const uint32_t line = reading_line_at(reading, offset);
    return reading->origin ? reading->origin[line] : line + 1;
}

static void make_passages(struct chunker *chunker) {
    struct reading *reading = chunker->reading;
    reading->passages = pool_alloc(&reading->pool, (chunker->count + 1) * sizeof(struct passage));
    for (size_t i = 0; i < chunker->count; i++) {
        const struct window *window = &chunker->windows[i];
        reading->passages[i] = (struct passage){.heading = window->heading,
                                                .text = reading->text + window->from,
                                                .size = window->to - window->from,
                                                .from = source_line(reading, window->from),
                                                .to = source_line(reading, window->to - 1)};
    }
    reading->passage_count = chunker->count;
}

/* A document of headings alone says something too: its headings are then its text. */
static void take_headings(struct chunker *chunker) {
    struct reading *reading = chunker->reading;
    for (size_t i = 0; i < reading->block_count; i++) {
        struct block block = reading->blocks[i];
        block.kind = BLOCK_TEXT;
        take_block(chunker, &block);
    }
    flush(chunker);
}

int chunk_blocks(struct reading *reading) {
    if (reading->passage_count) return 0; /* the reader made them: alert rules */
    struct chunker chunker = {.reading = reading, .heading = ""};
    for (size_t i = 0; i < reading->block_count; i++) {
        if (reading->blocks[i].kind == BLOCK_HEADING)
            take_heading(&chunker, &reading->blocks[i]);
        else
            take_block(&chunker, &reading->blocks[i]);
    }
    flush(&chunker);
    if (!chunker.count) take_headings(&chunker);
    merge_small(&chunker);
    if (chunker.count > READING_MOST_PASSAGES)
        return reading_fail(reading, "it makes %zu passages, and a document may have %d: split it",
                            chunker.count, READING_MOST_PASSAGES);
    make_passages(&chunker);
    return 0;
}
