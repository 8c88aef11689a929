#include "out.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void out_bytes(struct out *out, const char *bytes, size_t len) {
    if (out->failed) return;
    if (out->len + len + 1 > out->room) {
        const size_t room = (out->len + len + 1) * 2;
        char *grown = realloc(out->at, room);
        if (!grown) {
            out->failed = true;
            return;
        }
        out->at = grown;
        out->room = room;
    }
    memcpy(out->at + out->len, bytes, len);
    out->len += len;
    out->at[out->len] = 0;
}

void out_text(struct out *out, const char *text) {
    out_bytes(out, text, strlen(text));
}

void out_number(struct out *out, uint64_t number) {
    char digits[24];
    snprintf(digits, sizeof digits, "%llu", (unsigned long long)number);
    out_text(out, digits);
}

void out_markdown(struct out *out, struct span text) {
    bool code = false, blank = false;
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        if (c == '`') code = !code;
        if (c == ' ' || c == '\t' || c == '\n') {
            blank = true;
            continue;
        }
        if (blank && i) out_text(out, " ");
        blank = false;
        if (!code && c == '<')
            out_text(out, "&lt;");
        else if (!code && c == '>')
            out_text(out, "&gt;");
        else if ((unsigned char)c >= 0x20)
            out_bytes(out, &c, 1);
    }
}

void out_drop(struct out *out) {
    free(out->at);
    *out = (struct out){0};
}
