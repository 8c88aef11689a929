#include "percent.h"
#include "arena.h"
#include "json.h"

#include <string.h>

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static bool is_utf8(const char *at, const char *end) {
    while (at < end) {
        unsigned length = json_utf8_length(at, end);
        if (!length) return false;
        at += length;
    }
    return true;
}

char *percent_decode(struct arena *arena, const char *text, size_t size, bool plus,
                     size_t *decoded_size) {
    char *decoded = arena_alloc(arena, size + 1), *to = decoded;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            if (size - i < 3) return NULL;
            int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
            if (high < 0 || low < 0) return NULL;
            c = (char)(high * 16 + low);
            i += 2;
        } else if (plus && c == '+') {
            c = ' ';
        }
        if (!c) return NULL;
        *to++ = c;
    }
    *to = 0;
    *decoded_size = (size_t)(to - decoded);
    return is_utf8(decoded, to) ? decoded : NULL;
}

const char *percent_encode(struct arena *arena, const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = arena_alloc(arena, strlen(text) * 3 + 1), *to = encoded;
    for (; *text; text++) {
        if (strchr(plain, *text)) {
            *to++ = *text;
            continue;
        }
        unsigned char byte = (unsigned char)*text;
        *to++ = '%';
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    *to = '\0';
    return encoded;
}
