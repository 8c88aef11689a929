/* text_place.c - lines, columns and characters of a text. */
#include "text_place.h"

#include <string.h>

size_t character_size(const char *text, size_t size) {
    if (size == 0) return 0;
    unsigned char first = (unsigned char)text[0];
    size_t want = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
    if (want > size) return 1;
    for (size_t i = 1; i < want; i++)
        if (((unsigned char)text[i] & 0xc0) != 0x80) return 1;
    return want;
}

/* Bytes of the line end at `text`, or 0. */
static size_t line_end(const char *text, size_t size) {
    if (size == 0) return 0;
    if (text[0] == '\n') return 1;
    if (text[0] == '\r') return size > 1 && text[1] == '\n' ? 2 : 1;
    if (size > 1 && memcmp(text, "\xc2\x85", 2) == 0) return 2;
    if (size > 2 && (memcmp(text, "\xe2\x80\xa8", 3) == 0 || memcmp(text, "\xe2\x80\xa9", 3) == 0))
        return 3;
    return 0;
}

bool source_line(const struct source *source, unsigned line, const char **start, size_t *size) {
    size_t at = 0;
    for (unsigned n = 1; line > 0; n++) {
        size_t from = at, end = 0;
        while (at < source->size && !(end = line_end(source->text + at, source->size - at))) at++;
        if (n == line) {
            *start = source->text + from;
            *size = at - from;
            return true;
        }
        if (at >= source->size) return false;
        at += end;
    }
    return false;
}

struct text_place source_place(const struct source *source, size_t offset) {
    struct text_place place = {.source = source, .line = 1, .column = 1};
    for (size_t at = 0; at < offset && at < source->size;) {
        size_t end = line_end(source->text + at, source->size - at);
        if (end) {
            place.line++;
            place.column = 1;
            at += end;
        } else {
            place.column++;
            at += character_size(source->text + at, source->size - at);
        }
    }
    place.end_line = place.line;
    place.end_column = place.column + 1;
    return place;
}
