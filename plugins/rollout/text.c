#include "text.h"

#include <stdio.h>
#include <string.h>

void text_begin(struct text *text, size_t room) {
    *text = (struct text){.bytes = cJSON_malloc(room), .room = room};
}

static void grow(struct text *text, size_t more) {
    size_t room = (text->size + more) * 2;
    char *bytes = cJSON_malloc(room);
    memcpy(bytes, text->bytes, text->size);
    cJSON_free(text->bytes);
    text->bytes = bytes;
    text->room = room;
}

char *text_end(struct text *text) {
    text_add(text, "", 1);
    text->size--;
    return text->bytes;
}

void text_add(struct text *text, const char *bytes, size_t size) {
    if (text->size + size > text->room) grow(text, size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

size_t text_join(char *to, size_t room, const char *const *parts) {
    size_t used = 0;
    for (; *parts; parts++) {
        size_t size = strlen(*parts);
        if (size > room - 1 - used) size = room - 1 - used;
        memcpy(to + used, *parts, size);
        used += size;
    }
    to[used] = 0;
    return used;
}

void text_digits(char to[24], unsigned number) {
    char digits[12], *at = digits + sizeof digits;
    *--at = 0;
    do *--at = (char)('0' + number % 10);
    while (number /= 10);
    memcpy(to, at, (size_t)(digits + sizeof digits - at));
}

void text_number(struct text *text, long long number) {
    char digits[24];
    char *at = digits + sizeof digits;
    unsigned long long rest =
        number < 0 ? 0ULL - (unsigned long long)number : (unsigned long long)number;
    do *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) *--at = '-';
    text_add(text, at, (size_t)(digits + sizeof digits - at));
}

static inline bool is_plain(unsigned char byte) {
    return byte >= 0x20 && byte != '"' && byte != '\\';
}

bool text_is_plain(const char *value) {
    for (; *value; value++)
        if (!is_plain((unsigned char)*value)) return false;
    return true;
}

void text_escaped_part(struct text *text, const char *value, size_t size) {
    const char *from = value, *at = value;
    for (const char *end = value + size; at < end; at++) {
        unsigned char byte = (unsigned char)*at;
        if (is_plain(byte)) continue;
        text_add(text, from, (size_t)(at - from));
        from = at + 1;
        char escape[8];
        int length = byte >= 0x20 ? snprintf(escape, sizeof escape, "\\%c", byte)
                                  : snprintf(escape, sizeof escape, "\\u%04x", byte);
        text_add(text, escape, (size_t)length);
    }
    text_add(text, from, (size_t)(at - from));
}

void text_escaped(struct text *text, const char *value) {
    text_escaped_part(text, value, strlen(value));
}

void text_string(struct text *text, const char *value) {
    text_say(text, "\"");
    text_escaped(text, value);
    text_say(text, "\"");
}

void text_tree(struct text *text, const cJSON *tree) {
    char *printed = cJSON_PrintUnformatted(tree);
    if (printed) text_add(text, printed, strlen(printed));
    cJSON_free(printed);
}
