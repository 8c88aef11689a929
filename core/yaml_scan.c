/* yaml_scan.c - a look at the text before libyaml sees it.
 *
 * libyaml keeps a possible simple key for each open '[' and '{' and walks them all at each token:
 * 40 KB of '[' take it 20 seconds. This pass counts open brackets in one go. It knows comments,
 * quotes and block scalars well enough not to count a bracket that is text; where it is not sure it
 * counts too little, and the depth check on libyaml's events, which is exact, stands behind it.
 */
#include "yaml_tree.h"

#include <string.h>

enum { DIRECTIVES_MAX = 8 };

struct scan {
    const char *text;
    size_t size, at;
    size_t indent; /* of the current line */
    unsigned depth, directives;
    bool start; /* a value may begin here */
};

static char peek(const struct scan *scan, size_t ahead) {
    return scan->at + ahead < scan->size ? scan->text[scan->at + ahead] : '\n';
}

static void skip_line(struct scan *scan) {
    while (scan->at < scan->size && scan->text[scan->at] != '\n') scan->at++;
}

static void skip_quoted(struct scan *scan, char quote) {
    for (scan->at++; scan->at < scan->size; scan->at++) {
        char c = scan->text[scan->at];
        if (quote == '"' && c == '\\') {
            scan->at++;
        } else if (c == quote) {
            if (quote == '"' || peek(scan, 1) != quote) break;
            scan->at++;
        }
    }
    if (scan->at < scan->size) scan->at++;
}

/* Is this '|' or '>' the head of a block scalar: followed by indicators and a comment at most? */
static bool heads_block(const struct scan *scan) {
    size_t i = 1;
    while (strchr("+-123456789", peek(scan, i))) i++;
    while (peek(scan, i) == ' ' || peek(scan, i) == '\t' || peek(scan, i) == '\r') i++;
    return peek(scan, i) == '\n' || (peek(scan, i) == '#' && peek(scan, i - 1) == ' ');
}

static size_t count_indent(const struct scan *scan) {
    size_t indent = 0;
    while (peek(scan, indent) == ' ') indent++;
    return indent;
}

/* Passes all lines that are blank or deeper than the line of the block's head. */
static void skip_block(struct scan *scan) {
    skip_line(scan);
    while (scan->at < scan->size) {
        size_t line = scan->at++;
        size_t indent = count_indent(scan);
        char first = peek(scan, indent);
        if (first != '\n' && first != '\r' && indent <= scan->indent) {
            scan->at = line;
            return;
        }
        skip_line(scan);
    }
}

static void begin_line(struct scan *scan) {
    scan->indent = count_indent(scan);
    if (scan->depth == 0) scan->start = true;
    if (peek(scan, 0) == '%') scan->directives++;
}

static bool blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Does this character, outside quotes, leave a place where a value may begin? */
static bool starts_value(const struct scan *scan, char c) {
    if (blank(c)) return scan->start;
    if (scan->depth > 0) return strchr("[{,:", c) != NULL;
    return strchr("-?:", c) && blank(peek(scan, 1));
}

/* An anchor or a tag before a value. */
static void skip_property(struct scan *scan) {
    while (!blank(peek(scan, 0))) scan->at++;
}

static void pass_plain(struct scan *scan, char c) {
    /* In block context a bracket opens only where a value begins; elsewhere it is text. */
    if ((c == '[' || c == '{') && (scan->start || scan->depth > 0)) scan->depth++;
    if ((c == ']' || c == '}') && scan->depth > 0) scan->depth--;
    scan->start = starts_value(scan, c);
    scan->at++;
}

static void pass(struct scan *scan) {
    char c = scan->text[scan->at];
    if (c == '\n') {
        scan->at++;
        begin_line(scan);
    } else if (c == '#' && (scan->at == 0 || blank(scan->text[scan->at - 1]))) {
        skip_line(scan);
    } else if ((c == '"' || c == '\'') && scan->start) {
        skip_quoted(scan, c);
        scan->start = false;
    } else if ((c == '&' || c == '!') && scan->start && scan->depth == 0) {
        skip_property(scan);
    } else if ((c == '|' || c == '>') && scan->start && scan->depth == 0 && heads_block(scan)) {
        skip_block(scan);
    } else {
        pass_plain(scan, c);
    }
}

bool yaml_scan(const char *text, size_t size, size_t *offset) {
    struct scan scan = {.text = text, .size = size};
    begin_line(&scan);
    while (scan.at < size && scan.depth <= YAML_DEPTH_MAX && scan.directives <= DIRECTIVES_MAX)
        pass(&scan);
    *offset = scan.at > 0 ? scan.at - 1 : 0;
    return scan.depth <= YAML_DEPTH_MAX && scan.directives <= DIRECTIVES_MAX;
}
