#include "analyse.h"

#include <stdbool.h>
#include <string.h>
#include <utf8proc.h>

enum byte_kind { OTHER = 0, LOWER, UPPER, DIGIT, JOINER, WIDE };

/* A raw token is read to this length; what is longer is no identifier that anybody wrote. */
enum { RAW_MAX = 512, MAX_PARTS = 24 };

struct reader {
    token_fn emit;
    void *to;
    struct analysis *about;
};

static enum byte_kind class_of(unsigned char c) {
    if (c >= 'a' && c <= 'z') return LOWER;
    if (c >= 'A' && c <= 'Z') return UPPER;
    if (c >= '0' && c <= '9') return DIGIT;
    if (c == '_' || c == '.' || c == '-' || c == '/' || c == ':' || c == '@') return JOINER;
    return c >= 0x80 ? WIDE : OTHER;
}

static bool is_pictographic(utf8proc_int32_t c) {
    return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
           (c >= 0xac00 && c <= 0xd7af) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0x20000 && c <= 0x3ffff);
}

static bool is_letter(utf8proc_int32_t c) {
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
        return true;
    default:
        return false;
    }
}

/* Bytes of the word character at `at`; 0: there is none. */
static size_t word_bytes(const char *at, const char *end) {
    const enum byte_kind kind = class_of((unsigned char)*at);
    if (kind == LOWER || kind == UPPER || kind == DIGIT) return 1;
    if (kind != WIDE) return 0;
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
    return n > 0 && is_letter(c) && !is_pictographic(c) ? (size_t)n : 0;
}

/* Folds what holds more than ASCII; 0: nothing is left, or it is too long. */
static size_t fold_wide(const char *text, size_t len, char *out, size_t room) {
    utf8proc_int32_t points[4 * EXACT_MAX];
    enum { CAPACITY = sizeof points / sizeof points[0] };
    const utf8proc_option_t how =
        UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK;
    const utf8proc_ssize_t n = utf8proc_decompose((const utf8proc_uint8_t *)text,
                                                  (utf8proc_ssize_t)len, points, CAPACITY - 1, how);
    if (n <= 0 || n >= CAPACITY) return 0;
    const utf8proc_ssize_t bytes = utf8proc_reencode(points, n, UTF8PROC_COMPOSE);
    if (bytes <= 0 || (size_t)bytes > room) return 0;
    memcpy(out, points, (size_t)bytes);
    return (size_t)bytes;
}

static size_t fold(const char *text, size_t len, char *out, size_t room) {
    if (len > room) return 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x80) return fold_wide(text, len, out, room);
        out[i] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
    }
    return len;
}

static void say(const struct reader *r, const char *text, size_t len, enum token_kind kind) {
    char folded[EXACT_MAX];
    const size_t n = fold(text, len, folded, kind == TOKEN_EXACT ? EXACT_MAX : TOKEN_MAX);
    if (n) r->emit(r->to, folded, n, kind);
}

/* End of the camelCase part that starts at `at`: "HTTPServer" is HTTP, Server; "5xx" is 5, xx. */
static size_t part_end(const char *text, size_t at, size_t len) {
    const enum byte_kind first = class_of((unsigned char)text[at]);
    size_t i = at + 1;
    if (first != UPPER) {
        while (i < len && class_of((unsigned char)text[i]) == first) i++;
        return i;
    }
    while (i < len && class_of((unsigned char)text[i]) == UPPER) i++;
    if (i < len && class_of((unsigned char)text[i]) == LOWER) {
        if (i - at > 1) return i - 1;
        while (i < len && class_of((unsigned char)text[i]) == LOWER) i++;
    }
    return i;
}

static bool has_wide(const char *text, size_t len) {
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 0x80) return true;
    return false;
}

static void read_segment(const struct reader *r, const char *text, size_t len, bool *many) {
    if (has_wide(text, len)) { /* camelCase is a habit of ASCII */
        say(r, text, len, TOKEN_WORD);
        return;
    }
    size_t ends[MAX_PARTS], parts = 0;
    bool digits = false, camel = false;
    for (size_t at = 0; at < len && parts < MAX_PARTS; at = ends[parts - 1]) {
        ends[parts++] = part_end(text, at, len);
        digits |= class_of((unsigned char)text[at]) == DIGIT;
        camel |= at > 0 && class_of((unsigned char)text[at]) == UPPER &&
                 class_of((unsigned char)text[at - 1]) != DIGIT;
    }
    if (parts == 1 || ends[parts - 1] < len) {
        say(r, text, len, TOKEN_WORD);
        return;
    }
    *many = true;
    /* "k8s" is a word in spite of its digit, and "CrashLooping" is two. */
    const bool whole = digits && !camel;
    say(r, text, len, whole ? TOKEN_WORD : TOKEN_PART);
    for (size_t i = 0, at = 0; i < parts; at = ends[i++])
        say(r, text + at, ends[i] - at, whole ? TOKEN_PART : TOKEN_WORD);
}

static void read_raw(const struct reader *r, const char *text, size_t len, bool joined) {
    bool many = joined;
    for (size_t from = 0, i = 0; i <= len; i++)
        if (i == len || class_of((unsigned char)text[i]) == JOINER) {
            if (i > from) read_segment(r, text + from, i - from, &many);
            from = i + 1;
        }
    if (joined) say(r, text, len, TOKEN_EXACT);
    r->about->runs++;
    r->about->identifiers += many;
}

static const char *take_raw(const struct reader *r, const char *from, const char *end) {
    const char *at = from;
    bool joined = false;
    while (at < end && at - from < RAW_MAX) {
        const size_t n = word_bytes(at, end);
        const bool joins =
            !n && class_of((unsigned char)*at) == JOINER && at + 1 < end && word_bytes(at + 1, end);
        if (!n && !joins) break;
        joined |= joins;
        at += n ? n : 1;
    }
    read_raw(r, from, (size_t)(at - from), joined);
    return at;
}

/* Pairs of characters, since there are no spaces to part words by; a single one stands alone. */
static const char *take_pictographs(const struct reader *r, const char *from, const char *end) {
    const char *before = NULL, *at = from;
    while (at < end) {
        utf8proc_int32_t c = 0;
        const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
        if (n <= 0 || !is_pictographic(c)) break;
        if (before) say(r, before, (size_t)(at + n - before), TOKEN_WORD);
        before = at;
        at += n;
    }
    if (before == from) say(r, from, (size_t)(at - from), TOKEN_WORD);
    r->about->runs++;
    return at;
}

/* Steps over what is no word character: a whole character, or one byte that is not UTF-8. */
static const char *take_wide(const struct reader *r, const char *at, const char *end) {
    utf8proc_int32_t c = 0;
    const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)at, end - at, &c);
    if (n <= 0) return at + 1;
    return is_pictographic(c) ? take_pictographs(r, at, end) : at + n;
}

void analyse(const char *text, size_t len, token_fn emit, void *to, struct analysis *out) {
    *out = (struct analysis){0};
    const struct reader r = {.emit = emit, .to = to, .about = out};
    const char *at = text, *const end = text + len;
    while (at < end) {
        if (word_bytes(at, end))
            at = take_raw(&r, at, end);
        else if ((unsigned char)*at >= 0x80)
            at = take_wide(&r, at, end);
        else
            at++;
    }
}
