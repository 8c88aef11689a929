#include "html.h"
#include "../clean.h"

#include <libxml/HTMLparser.h>
#include <libxml/SAX2.h>
#include <stdlib.h>
#include <string.h>

enum { ELEMENTS_MOST = 400000, SKIP_DEPTH_MOST = 1000 };

enum effect { INLINE, SKIP, BREAK, HEADING, PRE, ITEM, TABLE, ROW, CELL, TITLE };

static const struct {
    const char *name;
    enum effect effect;
} elements[] = {{"script", SKIP},  {"style", SKIP},       {"noscript", SKIP}, {"template", SKIP},
                {"iframe", SKIP},  {"object", SKIP},      {"svg", SKIP},      {"math", SKIP},
                {"select", SKIP},  {"button", SKIP},      {"nav", SKIP},      {"textarea", SKIP},
                {"p", BREAK},      {"div", BREAK},        {"section", BREAK}, {"article", BREAK},
                {"ul", BREAK},     {"ol", BREAK},         {"dl", BREAK},      {"dt", BREAK},
                {"dd", BREAK},     {"blockquote", BREAK}, {"hr", BREAK},      {"header", BREAK},
                {"footer", BREAK}, {"main", BREAK},       {"figure", BREAK},  {"br", BREAK},
                {"li", ITEM},      {"pre", PRE},          {"table", TABLE},   {"tr", ROW},
                {"td", CELL},      {"th", CELL},          {"title", TITLE},   {"h1", HEADING},
                {"h2", HEADING},   {"h3", HEADING},       {"h4", HEADING},    {"h5", HEADING},
                {"h6", HEADING}};

struct walk {
    struct reading *reading;
    xmlParserCtxtPtr parser;
    char *text;
    size_t size, room;
    uint32_t *origin;
    uint32_t lines, origin_room;
    uint32_t line_source; /* source line of the line that is open; 0: nothing in it yet */
    uint32_t block_from;  /* first line of the block that is open */
    unsigned skip, pre, table, elements;
    bool in_title;
    char *title;
    size_t heading_at; /* offset of the heading's text */
    unsigned heading;  /* its level; 0: none is open */
};

static enum effect effect_of(const char *name) {
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++)
        if (!strcmp(elements[i].name, name)) return elements[i].effect;
    return INLINE;
}

static void put(struct walk *walk, const char *text, size_t size) {
    if (walk->size + size + 2 > walk->room) {
        walk->room = (walk->size + size + 2) * 2;
        walk->text = realloc(walk->text, walk->room);
        if (!walk->text) abort();
    }
    for (size_t i = 0; i < size; i++) /* "&#13;" must not make a line */
        walk->text[walk->size++] = text[i] == '\r' ? ' ' : text[i];
    if (!walk->line_source) {
        const int line = xmlSAX2GetLineNumber(walk->parser);
        walk->line_source = line > 0 ? (uint32_t)line : 1;
    }
}

static void end_line(struct walk *walk) {
    if (!walk->line_source) return;
    while (walk->size && walk->text[walk->size - 1] == ' ') walk->size--;
    if (walk->lines == walk->origin_room) {
        walk->origin_room = walk->origin_room ? walk->origin_room * 2 : 256;
        walk->origin = realloc(walk->origin, walk->origin_room * sizeof *walk->origin);
        if (!walk->origin) abort();
    }
    walk->origin[walk->lines++] = walk->line_source;
    walk->line_source = 0;
    walk->text[walk->size++] = '\n';
}

static void end_block(struct walk *walk, enum block_kind kind) {
    end_line(walk);
    if (walk->lines > walk->block_from)
        reading_add_block(walk->reading, kind, walk->block_from, walk->lines - 1);
    walk->block_from = walk->lines;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Outside <pre> blanks count once. */
static void put_flowing(struct walk *walk, const char *text, size_t size) {
    size_t from = 0;
    for (size_t i = 0; i <= size; i++) {
        if (i < size && !is_blank(text[i])) continue;
        if (i > from) put(walk, text + from, i - from);
        if (i < size && walk->line_source && walk->text[walk->size - 1] != ' ') put(walk, " ", 1);
        from = i + 1;
    }
}

static void put_verbatim(struct walk *walk, const char *text, size_t size) {
    while (size) {
        const char *nl = memchr(text, '\n', size);
        const size_t n = nl ? (size_t)(nl - text) : size;
        put(walk, text, n);
        if (nl) end_line(walk);
        text += n + (nl != NULL);
        size -= n + (nl != NULL);
    }
}

static void on_text(void *arg, const xmlChar *text, int size) {
    struct walk *walk = arg;
    if (size <= 0) return;
    if (walk->in_title) {
        if (!walk->title)
            walk->title =
                reading_tidy(walk->reading, (const char *)text, (size_t)size, READING_TITLE_BYTES);
        return;
    }
    if (walk->skip) return;
    if (walk->pre)
        put_verbatim(walk, (const char *)text, (size_t)size);
    else
        put_flowing(walk, (const char *)text, (size_t)size);
}

/* Nobody who looks at the page sees these. */
static bool is_hidden(const xmlChar **attributes) {
    for (; attributes && attributes[0]; attributes += 2) {
        const char *name = (const char *)attributes[0], *value = (const char *)attributes[1];
        if (!strcmp(name, "hidden")) return true;
        if (!value) continue;
        if (!strcmp(name, "aria-hidden") && !strcmp(value, "true")) return true;
        if (strcmp(name, "style") != 0) continue;
        char style[256];
        size_t n = 0;
        for (; *value && n + 1 < sizeof style; value++)
            if (!is_blank(*value)) style[n++] = (char)(*value | 0x20);
        style[n] = '\0';
        if (strstr(style, "display:none") || strstr(style, "visibility:hidden") ||
            strstr(style, "font-size:0"))
            return true;
    }
    return false;
}

/* Elements that have no end, and so can hide nothing. */
static bool is_void(const char *name) {
    static const char *const names[] = {"br", "hr", "img", "input", "meta", "link", "wbr", "col"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(names[i], name)) return true;
    return false;
}

static void on_start(void *arg, const xmlChar *element, const xmlChar **attributes) {
    struct walk *walk = arg;
    const char *name = (const char *)element;
    const enum effect effect = effect_of(name);
    if (++walk->elements > ELEMENTS_MOST) xmlStopParser(walk->parser);
    if (walk->skip || (!is_void(name) && (effect == SKIP || is_hidden(attributes)))) {
        walk->skip += !is_void(name);
        return;
    }
    if (effect == TITLE) walk->in_title = true;
    if (effect == INLINE || effect == TITLE) return;
    if (walk->table && effect != TABLE) { /* rows are lines, cells lie side by side */
        if (effect == ROW) end_line(walk);
        if (effect == CELL && walk->line_source) put(walk, " | ", 3);
        if (effect != CELL && effect != ROW && walk->line_source) put(walk, " ", 1);
        return;
    }
    if (effect == BREAK && walk->pre) return;
    if (!walk->table) end_block(walk, BLOCK_TEXT);
    if (effect == HEADING) walk->heading = (unsigned)(name[1] - '0'), walk->heading_at = walk->size;
    if (effect == PRE) walk->pre++;
    if (effect == TABLE) walk->table++;
    if (effect == ITEM) put(walk, "- ", 2);
}

static void end_heading(struct walk *walk) {
    const uint32_t from = walk->block_from;
    const char *title = reading_tidy(walk->reading, walk->text ? walk->text + walk->heading_at : "",
                                     walk->size - walk->heading_at, READING_TITLE_BYTES);
    end_line(walk);
    if (walk->lines > from && *title) {
        struct block *block =
            reading_add_block(walk->reading, BLOCK_HEADING, from, walk->lines - 1);
        block->level = walk->heading;
        block->heading = title;
        if (walk->heading == 1 && !walk->reading->title) walk->reading->title = title;
    }
    walk->block_from = walk->lines;
    walk->heading = 0;
}

static void on_end(void *arg, const xmlChar *element) {
    struct walk *walk = arg;
    const char *name = (const char *)element;
    if (walk->skip) {
        walk->skip -= !is_void(name);
        return;
    }
    switch (effect_of(name)) {
    case TITLE:
        walk->in_title = false;
        break;
    case HEADING:
        if (walk->heading && !walk->table) end_heading(walk);
        break;
    case PRE:
        if (walk->table) break;
        if (walk->pre) walk->pre--;
        end_block(walk, BLOCK_WHOLE);
        break;
    case TABLE:
        if (walk->table) walk->table--;
        if (!walk->table) end_block(walk, BLOCK_WHOLE);
        break;
    case BREAK:
    case ITEM:
        if (!walk->table && !walk->pre) end_block(walk, BLOCK_TEXT);
        break;
    default:
        break;
    }
}

static void on_trouble(void *arg, const char *format, ...) {
    (void)arg, (void)format; /* broken HTML is read as browsers read it */
}

static int finish(struct walk *walk) {
    struct reading *reading = walk->reading;
    end_block(walk, walk->pre || walk->table ? BLOCK_WHOLE : BLOCK_TEXT);
    /* Once more: "&#8203;" has become what it names. */
    size_t bad_at = 0;
    reading->text = pool_alloc(&reading->pool, walk->size + 1);
    const int unclean = clean_text(walk->text ? walk->text : "", walk->size, reading->text,
                                   &reading->size, &bad_at);
    uint32_t *origin = pool_alloc(&reading->pool, (walk->lines + 1) * sizeof *origin);
    if (walk->lines) memcpy(origin, walk->origin, walk->lines * sizeof *origin);
    free(walk->text);
    free(walk->origin);
    reading->origin = origin;
    if (unclean) return reading_fail(reading, "the HTML holds what is no UTF-8");
    reading_find_lines(reading);
    if (!reading->title) reading->title = walk->title;
    if (walk->elements > ELEMENTS_MOST)
        return reading_fail(reading, "the HTML has more than %d elements", ELEMENTS_MOST);
    return 0;
}

int rag_read_html(struct reading *reading) {
    struct walk walk = {.reading = reading};
    htmlSAXHandler handler = {.startElement = on_start,
                              .endElement = on_end,
                              .characters = on_text,
                              .ignorableWhitespace = on_text,
                              .warning = on_trouble,
                              .error = on_trouble};
    const char *bytes = reading->text;
    const size_t size = reading->size;
    walk.parser = htmlCreatePushParserCtxt(&handler, &walk, NULL, 0, NULL, XML_CHAR_ENCODING_UTF8);
    if (!walk.parser) return reading_fail(reading, "the HTML cannot be read: memory is out");
    htmlCtxtUseOptions(walk.parser, HTML_PARSE_NONET | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING);
    htmlParseChunk(walk.parser, bytes, (int)size, 1);
    htmlFreeParserCtxt(walk.parser);
    walk.parser = NULL;
    return finish(&walk);
}
