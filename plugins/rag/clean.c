#include "clean.h"

#include <stdbool.h>
#include <string.h>

static bool continues(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static bool legal(uint32_t code, size_t bytes) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    return code >= least[bytes] && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
}

size_t utf8_decode(const char *text, size_t size, uint32_t *code) {
    if (!size) return 0;
    const unsigned char c = (unsigned char)text[0];
    if (c < 0x80) return *code = c, 1;
    const size_t bytes = c >= 0xF0 && c < 0xF8 ? 4 : c >= 0xE0 ? 3 : c >= 0xC0 ? 2 : 0;
    if (!bytes || c >= 0xF8 || bytes > size) return 0;
    uint32_t value = c & (0x7FU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (!continues(text[i])) return 0;
        value = value << 6 | ((unsigned char)text[i] & 0x3FU);
    }
    if (!legal(value, bytes)) return 0;
    *code = value;
    return bytes;
}

/* Marks that show nothing or turn the direction of what follows, the tag block included. */
static bool invisible(uint32_t code) {
    return code == 0xAD || code == 0x61C || code == 0x180E || (code >= 0x200B && code <= 0x200F) ||
           (code >= 0x202A && code <= 0x202E) || (code >= 0x2060 && code <= 0x206F) ||
           code == 0xFEFF || (code >= 0xFFF9 && code <= 0xFFFB) ||
           (code >= 0xE0000 && code <= 0xE0FFF) || (code >= 0x80 && code < 0xA0);
}

static bool is_control(unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n') || c == 0x7F;
}

int clean_text(const char *text, size_t size, char *out, size_t *out_size, size_t *bad_at) {
    size_t n = 0;
    for (size_t i = 0; i < size;) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7F) {
            out[n++] = text[i++];
            continue;
        }
        uint32_t code = 0;
        const size_t bytes = utf8_decode(text + i, size - i, &code);
        if (!bytes || !c) return *bad_at = i, -1;
        if (c == '\r') { /* CRLF and a lone CR are line ends */
            if (i + 1 == size || text[i + 1] != '\n') out[n++] = '\n';
        } else if (bytes > 1 ? !invisible(code) : !is_control(c)) {
            memcpy(out + n, text + i, bytes);
            n += bytes;
        }
        i += bytes;
    }
    out[n] = '\0';
    *out_size = n;
    return 0;
}
