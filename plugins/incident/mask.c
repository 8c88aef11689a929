#include "mask.h"

#include <string.h>

/* What a byte can be part of. Bytes above 127 are letters: names in any script. */
enum { SPACE = 1, DIGIT = 2, LETTER = 4, JOIN = 8 };

static const uint8_t classes[256] = {
    [0] = SPACE,
    [9] = SPACE,
    [10] = SPACE,
    [11] = SPACE,
    [12] = SPACE,
    [13] = SPACE,
    [' '] = SPACE,
    ['0' ... '9'] = DIGIT,
    ['A' ... 'Z'] = LETTER,
    ['a' ... 'z'] = LETTER,
    [128 ... 255] = LETTER,
    ['_'] = LETTER,
    ['.'] = JOIN,
    ['-'] = JOIN,
    ['+'] = JOIN,
    [':'] = JOIN,
    ['/'] = JOIN,
    ['@'] = JOIN,
    ['#'] = JOIN,
    ['$'] = JOIN,
    ['%'] = JOIN,
    ['~'] = JOIN,
    ['\\'] = JOIN,
};

static unsigned class_of(char c) {
    return classes[(unsigned char)c];
}

struct writer {
    struct masked *out;
    size_t token_at; /* where the token in work begins */
    bool wild;       /* it holds "<*>" */
};

static void put(struct writer *w, const char *bytes, size_t size) {
    struct masked *out = w->out;
    if (size > sizeof out->text - 2 - out->used) size = sizeof out->text - 2 - out->used;
    memcpy(out->text + out->used, bytes, size);
    out->used += size;
}

/* "<*>", merged with one that stands right before it: "<*>,<*>" and "<*>:<*>" are one value. */
static void put_wild(struct writer *w) {
    struct masked *out = w->out;
    w->wild = true;
    size_t back = out->used;
    while (back > w->token_at && strchr(",:./-;", out->text[back - 1])) back--;
    if (back >= w->token_at + 3 && memcmp(out->text + back - 3, "<*>", 3) == 0) {
        out->used = back;
        return;
    }
    if (out->used > w->token_at && out->text[out->used - 1] == '<') out->used--; /* "<1 sec" */
    put(w, "<*>", 3);
}

/* ---- what a run of letters, digits and joints is ---- */

/* Digits, paths, addresses with a scheme, and what stands behind "=" vary. A host name without a
 * digit is left to the columns (templates.c): "org.example.Action" is as often text. */
static bool varies(const char *p, size_t n, bool value) {
    if (value) return true;
    if (n > 1 && p[0] == '/' && class_of(p[1]) != JOIN) return true;
    if (n > 2 && p[1] == ':' && p[2] == '\\') return true;
    for (size_t i = 0; i < n; i++) {
        if (class_of(p[i]) & DIGIT) return true;
        if (p[i] == ':' && i + 2 < n && p[i + 1] == '/' && p[i + 2] == '/') return true;
    }
    return false;
}

/* "illegal instruction......0": dots or dashes in a row part two runs. */
static size_t until_row(const char *p, size_t n) {
    for (size_t i = 0; i + 2 < n; i++)
        if ((p[i] == '.' || p[i] == '-') && p[i + 1] == p[i] && p[i + 2] == p[i]) return i;
    return n;
}

/* Writes one run; trailing joints ("done.", "path:") are punctuation, not part of a value. */
static void put_run(struct writer *w, const char *p, size_t n, bool value) {
    while (n) {
        const size_t part = until_row(p, n);
        size_t core = part;
        while (core && class_of(p[core - 1]) == JOIN) core--;
        if (core && varies(p, core, value))
            put_wild(w);
        else
            put(w, p, core);
        size_t rest = part;
        while (rest < n && class_of(p[rest]) == JOIN && p[rest] == p[part]) rest++;
        put(w, p + core, rest - core);
        p += rest;
        n -= rest;
    }
}

/* A quoted value behind "=": up to its closing quote, spaces included. */
static const char *quoted_end(const char *p, const char *end) {
    const char quote = *p++;
    while (p < end && *p != quote) p += *p == '\\' && p + 1 < end ? 2 : 1;
    return p < end ? p + 1 : NULL;
}

static const char *put_token(struct writer *w, const char *p, const char *end) {
    while (p < end && !(class_of(*p) & SPACE)) {
        const bool value = w->out->used > w->token_at && w->out->text[w->out->used - 1] == '=';
        if (value && (*p == '"' || *p == '\'')) {
            const char *after = quoted_end(p, end);
            if (after) {
                put_wild(w);
                p = after;
                continue;
            }
        }
        if (class_of(*p)) {
            const char *from = p;
            while (p < end && (class_of(*p) & (DIGIT | LETTER | JOIN))) p++;
            if (memmem(from, (size_t)(p - from), "://", 3)) /* a query belongs to its URL */
                while (p < end && !(class_of(*p) & SPACE) && !strchr("\"<>)]},", *p)) p++;
            put_run(w, from, (size_t)(p - from), value);
        } else {
            put(w, p++, 1);
        }
    }
    return p;
}

/* ---- words that belong to a value: dates and units ---- */

static bool one_of(const char *word, size_t n, const char *list) {
    for (const char *p = list; *p;) {
        const size_t size = strcspn(p, " ");
        if (size == n && memcmp(p, word, n) == 0) return true;
        p += size + (p[size] == ' ');
    }
    return false;
}

static bool is_date_word(const char *p, size_t n) {
    if (n == 4 && p[3] == ',') n = 3;
    return n == 3 && one_of(p, n,
                            "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec Mon Tue Wed Thu Fri "
                            "Sat Sun");
}

static bool begins_date(const char *p, size_t n, const char *end) {
    if (!is_date_word(p, n)) return false;
    p += n;
    while (p < end && (class_of(*p) & SPACE)) p++;
    size_t next = 0;
    while (p + next < end && !(class_of(p[next]) & SPACE)) next++;
    return next && ((class_of(*p) & DIGIT) || is_date_word(p, next));
}

static bool is_unit(const char *p, size_t n) {
    return n <= 4 && one_of(p, n,
                            "B KB MB GB TB PB KiB MiB GiB TiB kB ms us ns s sec secs AM PM UTC GMT "
                            "EST EDT CET CEST PST PDT");
}

/* ---- tokens ---- */

static uint32_t hash_bytes(const char *p, size_t n) {
    uint64_t h = 0x9E3779B97F4A7C15u ^ n;
    for (size_t i = 0; i < n; i++) h = (h ^ (unsigned char)p[i]) * 0x100000001B3u;
    h ^= h >> 32;
    return (uint32_t)h | 2; /* never WILD_HASH */
}

static void close_token(struct writer *w) {
    struct masked *out = w->out;
    const size_t size = out->used - w->token_at;
    struct masked_token *token = &out->tokens[out->count++];
    token->at = (uint16_t)w->token_at;
    token->size = (uint16_t)size;
    token->holds_wild = w->wild;
    out->text[out->used++] = ' ';
}

static bool is_mark(char c) {
    return strchr(",:;./-", c) != NULL;
}

/* A value right behind a value is one value: "<*>, <*>)" becomes "<*>)". The tail of the later one
 * joins the token before. Returns false when the token was taken up. */
static bool stands_alone(struct writer *w) {
    struct masked *out = w->out;
    if (!out->count) return true;
    struct masked_token *before = &out->tokens[out->count - 1];
    const char *now = out->text + w->token_at;
    size_t size = out->used - w->token_at;
    size_t keep = before->size;
    while (keep && is_mark(out->text[before->at + keep - 1])) keep--;
    if (keep < 3 || memcmp(out->text + before->at + keep - 3, "<*>", 3) != 0) return true;
    size_t skip = 0;
    if (size >= 3 && memcmp(now, "<*>", 3) == 0) {
        skip = 3;
    } else {
        size_t word = size;
        while (word && strchr(".,;:)]", now[word - 1])) word--;
        if (keep != before->size || !is_unit(now, word)) return true;
        skip = word;
    }
    memmove(out->text + before->at + keep, now + skip, size - skip);
    before->size = (uint16_t)(keep + size - skip);
    out->used = before->at + (size_t)before->size;
    out->text[out->used++] = ' ';
    return false;
}

static void finish(struct masked *out) {
    uint64_t h = out->count;
    for (size_t i = 0; i < out->count; i++) {
        struct masked_token *token = &out->tokens[i];
        const char *text = out->text + token->at;
        const bool wild = token->size == 3 && memcmp(text, "<*>", 3) == 0;
        token->hash = wild ? (uint32_t)WILD_HASH : hash_bytes(text, token->size);
        h = (h ^ token->hash) * 0xFF51AFD7ED558CCDu;
        h ^= h >> 29;
    }
    out->hash = h ? h : 1;
}

void mask_line(const char *line, size_t size, struct masked *out) {
    if (size > MASK_LINE_BYTES) { /* cut between two tokens, where there is such a place */
        size = MASK_LINE_BYTES;
        while (size > MASK_LINE_BYTES / 2 && !(class_of(line[size]) & SPACE)) size--;
    }
    const char *end = line + size;
    out->count = out->used = 0;
    const char *p = line;
    for (;;) {
        while (p < end && (class_of(*p) & SPACE)) p++;
        if (p >= end || out->count >= MASK_TOKENS || out->used + 8 >= sizeof out->text) break;
        struct writer w = {.out = out, .token_at = out->used};
        size_t word = 0;
        if (*p >= 'A' && *p <= 'Z')
            while (word < 5 && p + word < end && !(class_of(p[word]) & SPACE)) word++;
        if (word >= 3 && begins_date(p, word, end)) {
            put_wild(&w);
            p += word;
        } else {
            p = put_token(&w, p, end);
        }
        if (stands_alone(&w)) close_token(&w);
    }
    finish(out);
}

void mask_read_back(const char *text, size_t size, struct masked *out) {
    const char *p = text, *end = text + (size < MASK_TEXT_BYTES / 2 ? size : MASK_TEXT_BYTES / 2);
    out->count = out->used = 0;
    while (p < end && out->count < MASK_TOKENS) {
        const char *from = p;
        while (p < end && *p != ' ') p++;
        struct writer w = {.out = out, .token_at = out->used};
        put(&w, from, (size_t)(p - from));
        for (size_t i = w.token_at; i + 3 <= out->used; i++)
            if (memcmp(out->text + i, "<*>", 3) == 0) w.wild = true;
        if (out->used > w.token_at) close_token(&w);
        if (p < end) p++;
    }
    finish(out);
}
