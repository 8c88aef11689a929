#include "span_text.h"

/* Bytes of the well-formed UTF-8 sequence at p (RFC 3629), 0 when there is none. */
static size_t sequence(const unsigned char *p, size_t n) {
    if (p[0] < 0x80) return 1;
    const size_t size = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || n < size) return 0;
    for (size_t i = 1; i < size; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0;
    if (p[0] == 0xED && p[1] > 0x9F) return 0;
    if (p[0] == 0xF0 && p[1] < 0x90) return 0;
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0;
    return size;
}

size_t text_clean(struct text from, char *to, size_t room) {
    size_t used = 0;
    for (size_t i = 0; i < from.size;) {
        const unsigned char *p = (const unsigned char *)from.at + i;
        const size_t size = sequence(p, from.size - i);
        const size_t put = size ? size : 1;
        if (used + put + 1 > room) break;
        if (!size)
            to[used] = '?';
        else if (size == 1 && (*p < ' ' || *p == 127))
            to[used] = ' ';
        else
            memcpy(to + used, p, size);
        used += put;
        i += put;
    }
    if (room) to[used] = 0;
    return used;
}
