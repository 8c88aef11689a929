#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct text *text, size_t more) {
    if (text->failed || text->size + more + 1 > TEXT_BYTES_MAX) return false;
    if (text->size + more + 1 <= text->room) return true;
    size_t room = text->room ? text->room : 512;
    while (room < text->size + more + 1) room *= 2;
    char *grown = realloc(text->at, room);
    if (!grown) return false;
    text->at = grown;
    text->room = room;
    return true;
}

static void add_bytes(struct text *text, const char *bytes, size_t size) {
    if (!make_room(text, size)) {
        text->failed = true;
        return;
    }
    memcpy(text->at + text->size, bytes, size);
    text->size += size;
    text->at[text->size] = 0;
}

void text_add(struct text *text, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    const int size = vsnprintf(NULL, 0, format, args);
    if (size < 0 || !make_room(text, (size_t)size)) {
        text->failed = true;
    } else {
        (void)vsnprintf(text->at + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
    va_end(args);
}

void text_free(struct text *text) {
    free(text->at);
    *text = (struct text){.at = NULL};
}

void text_add_escaped(struct text *text, const char *plain) {
    static const char *const entities[256] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    for (; *plain; plain++) {
        const char *entity = entities[(unsigned char)*plain];
        if (entity)
            add_bytes(text, entity, strlen(entity));
        else if ((unsigned char)*plain >= 0x20)
            add_bytes(text, plain, 1);
    }
}

void text_add_quoted(struct text *text, const char *plain) {
    add_bytes(text, "\"", 1);
    for (; *plain; plain++) {
        if (*plain == '"' || *plain == '\\')
            text_add(text, "\\%c", *plain);
        else if (*plain == '\n')
            add_bytes(text, "\\n", 2);
        else if ((unsigned char)*plain < 0x20 || *plain == 0x7f)
            text_add(text, "\\x%02x", (unsigned char)*plain);
        else
            add_bytes(text, plain, 1);
    }
    add_bytes(text, "\"", 1);
}
