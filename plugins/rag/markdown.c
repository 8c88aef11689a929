/* markdown.c - Markdown by md4c: where its blocks begin and end.
 *
 * md4c tells no positions, but the texts that it hands over lie in the input, so their addresses say
 * the lines. A fence or a table's rule has no text: the lines around are looked at for those. */
#include "reading.h"

#include <md4c.h>
#include <string.h>

enum { HEADING_BYTES = 300 };

struct leaf {
    size_t first, last; /* offsets of its text; first > last: none yet */
    unsigned kind, level;
    bool open, html, comment;
};

struct walk {
    struct reading *reading;
    const char *base; /* of the text that md4c sees */
    size_t size;
    struct leaf leaf;
    unsigned table; /* depth of tables that are open */
    char heading[HEADING_BYTES];
    size_t heading_size;
};

static void open_leaf(struct walk *walk, unsigned kind, unsigned level, bool html) {
    walk->leaf =
        (struct leaf){.first = SIZE_MAX, .kind = kind, .level = level, .open = true, .html = html};
    walk->heading_size = 0;
}

/* Is line `at` nothing but a fence, after quote marks, list marks and blanks? */
static bool is_fence(const struct reading *reading, uint32_t at) {
    const char *text = reading->text + reading->starts[at];
    const char *end = reading->text + reading->starts[at + 1];
    while (text < end && strchr(" \t>*+-.)0123456789", *text)) text++;
    return end - text >= 3 && (!memcmp(text, "```", 3) || !memcmp(text, "~~~", 3));
}

static bool is_rule_of_table(const struct reading *reading, uint32_t at) {
    const char *text = reading->text + reading->starts[at];
    const char *end = reading->text + reading->starts[at + 1];
    bool dash = false;
    for (; text < end; text++) {
        if (!strchr(" \t\n>|:-", *text)) return false;
        dash |= *text == '-';
    }
    return dash;
}

static void close_leaf(struct walk *walk) {
    struct reading *reading = walk->reading;
    struct leaf *leaf = &walk->leaf;
    leaf->open = false;
    if (leaf->first == SIZE_MAX) return;
    uint32_t from = reading_line_at(reading, leaf->first);
    uint32_t to = reading_line_at(reading, leaf->last);
    const size_t n = reading->block_count;
    const uint32_t floor = n ? reading->blocks[n - 1].to : 0;
    if (n && from < floor) from = floor;
    if (to < from) return;
    if (leaf->kind == BLOCK_WHOLE) {
        if (from > 0 && is_fence(reading, from - 1)) from--;
        if (to + 1 < reading->lines &&
            (is_fence(reading, to + 1) || is_rule_of_table(reading, to + 1)))
            to++;
    }
    struct block *block = reading_add_block(reading, leaf->kind, from, to);
    if (leaf->kind != BLOCK_HEADING) return;
    block->level = leaf->level;
    block->heading = reading_tidy(reading, walk->heading, walk->heading_size, HEADING_BYTES);
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    struct walk *walk = arg;
    if (type == MD_BLOCK_TABLE && !walk->table++) open_leaf(walk, BLOCK_WHOLE, 0, false);
    if (walk->table) return 0;
    /* A tight list item holds its text without a paragraph around it. */
    if (type == MD_BLOCK_LI || type == MD_BLOCK_P) {
        if (walk->leaf.open) close_leaf(walk);
        open_leaf(walk, BLOCK_TEXT, 0, false);
    }
    if (type == MD_BLOCK_UL || type == MD_BLOCK_OL || type == MD_BLOCK_QUOTE)
        if (walk->leaf.open) close_leaf(walk);
    if (type == MD_BLOCK_H || type == MD_BLOCK_CODE || type == MD_BLOCK_HTML) {
        if (walk->leaf.open) close_leaf(walk);
        if (type == MD_BLOCK_H)
            open_leaf(walk, BLOCK_HEADING, ((MD_BLOCK_H_DETAIL *)detail)->level, false);
        if (type == MD_BLOCK_CODE) open_leaf(walk, BLOCK_WHOLE, 0, false);
        if (type == MD_BLOCK_HTML) open_leaf(walk, BLOCK_TEXT, 0, true);
    }
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg) {
    struct walk *walk = arg;
    (void)detail;
    if (type == MD_BLOCK_TABLE && walk->table) {
        if (!--walk->table) close_leaf(walk);
        return 0;
    }
    if (walk->table) return 0;
    if (type == MD_BLOCK_P || type == MD_BLOCK_LI || type == MD_BLOCK_H || type == MD_BLOCK_CODE ||
        type == MD_BLOCK_HTML)
        if (walk->leaf.open) close_leaf(walk);
    return 0;
}

static int enter_span(MD_SPANTYPE type, void *detail, void *arg) {
    (void)type, (void)detail, (void)arg;
    return 0;
}

/* Blanks what lies in HTML comments: nobody who looks at the page sees it. Pieces come in order; a
 * comment may span them. */
static void blank_comments(struct walk *walk, char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (!walk->leaf.comment && size - i >= 4 && !memcmp(text + i, "<!--", 4))
            walk->leaf.comment = true;
        if (!walk->leaf.comment) continue;
        if (size - i >= 3 && !memcmp(text + i, "-->", 3)) {
            memset(text + i, ' ', 3);
            walk->leaf.comment = false;
        } else if (text[i] != '\n') {
            text[i] = ' ';
        }
    }
}

static int on_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg) {
    struct walk *walk = arg;
    const bool inside = text >= walk->base && text < walk->base + walk->size;
    if (walk->leaf.kind == BLOCK_HEADING && walk->leaf.open) {
        size_t room = HEADING_BYTES - walk->heading_size;
        if (size < room) room = size;
        const bool line_end = type == MD_TEXT_SOFTBR || type == MD_TEXT_BR;
        if (!line_end && type != MD_TEXT_HTML)
            memcpy(walk->heading + walk->heading_size, text, room);
        if (line_end && room) walk->heading[walk->heading_size] = ' ';
        if (type != MD_TEXT_HTML) walk->heading_size += line_end ? room > 0 : room;
    }
    if (!inside || !size || !walk->leaf.open) return 0;
    const size_t at = (size_t)(text - walk->base);
    if (type == MD_TEXT_HTML) blank_comments(walk, walk->reading->text + at, size);
    size_t end = at + size - 1;
    while (end > at && text[end - at] == '\n') end--;
    if (walk->leaf.first == SIZE_MAX) walk->leaf.first = at;
    if (at < walk->leaf.first) walk->leaf.first = at;
    if (end > walk->leaf.last) walk->leaf.last = end;
    return 0;
}

/* The first heading of level 1 is the title, where the front matter gave none. */
static void find_title(struct reading *reading) {
    for (size_t i = 0; i < reading->block_count && !reading->title; i++) {
        const struct block *block = &reading->blocks[i];
        if (block->kind == BLOCK_HEADING && block->level == 1 && *block->heading)
            reading->title = block->heading;
    }
}

int read_markdown(struct reading *reading) {
    const uint32_t skip = read_front_matter(reading);
    const size_t offset = reading->lines ? reading->starts[skip] : 0;
    /* base stays the whole text, so that offsets are those of the document. */
    struct walk walk = {.reading = reading, .base = reading->text, .size = reading->size};
    const MD_PARSER parser = {.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS,
                              .enter_block = enter_block,
                              .leave_block = leave_block,
                              .enter_span = enter_span,
                              .leave_span = enter_span,
                              .text = on_text};
    if (md_parse(reading->text + offset, (MD_SIZE)(reading->size - offset), &parser, &walk))
        return reading_fail(reading, "the Markdown cannot be read: memory is out");
    find_title(reading);
    return 0;
}
