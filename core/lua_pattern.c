/* lua_pattern.c - the matcher: recursive over the pattern, every step paid for. */
#include "lua_pattern.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const char *fail(struct pattern *match, const char *fault) {
    if (!match->fault) match->fault = fault;
    return NULL;
}

static bool spend(struct pattern *match, int64_t steps) {
    match->steps_left -= steps;
    if (match->steps_left >= 0 && !match->fault) return true;
    fail(match, "the pattern takes too many steps");
    return false;
}

/* The end of the single-character item that begins at `p`. */
static const char *item_end(struct pattern *match, const char *p) {
    char first = *p++;
    if (first == '%') {
        if (p == match->pattern_end) return fail(match, "malformed pattern (ends with '%')");
        return p + 1;
    }
    if (first != '[') return p;
    if (p < match->pattern_end && *p == '^') p++;
    do { /* a ']' in the first place stands for itself */
        if (p == match->pattern_end) return fail(match, "malformed pattern (missing ']')");
        char next = *p++;
        if (next == '%' && p < match->pattern_end) p++;
    } while (p == match->pattern_end || *p != ']');
    return p + 1;
}

static bool class_has(int c, int class) {
    bool in;
    switch (tolower(class)) {
    case 'a':
        in = isalpha(c);
        break;
    case 'c':
        in = iscntrl(c);
        break;
    case 'd':
        in = isdigit(c);
        break;
    case 'g':
        in = isgraph(c);
        break;
    case 'l':
        in = islower(c);
        break;
    case 'p':
        in = ispunct(c);
        break;
    case 's':
        in = isspace(c);
        break;
    case 'u':
        in = isupper(c);
        break;
    case 'w':
        in = isalnum(c);
        break;
    case 'x':
        in = isxdigit(c);
        break;
    case 'z':
        in = c == 0;
        break; /* deprecated, and still in use */
    default:
        return class == c;
    }
    return isupper(class) ? !in : in;
}

/* `p` is at '[', `end` at its ']'. */
static bool set_has(int c, const char *p, const char *end) {
    bool sign = true;
    if (p[1] == '^') sign = false, p++;
    while (++p < end) {
        if (*p == '%') {
            p++;
            if (class_has(c, (unsigned char)*p)) return sign;
        } else if (p[1] == '-' && p + 2 < end) {
            if ((unsigned char)p[0] <= c && c <= (unsigned char)p[2]) return sign;
            p += 2;
        } else if ((unsigned char)*p == c) {
            return sign;
        }
    }
    return !sign;
}

static bool item_matches(struct pattern *match, const char *s, const char *p, const char *end) {
    if (s >= match->source_end) return false;
    if (!spend(match, *p == '[' ? 1 + (end - p) / 4 : 1)) return false;
    int c = (unsigned char)*s;
    switch (*p) {
    case '.':
        return true;
    case '%':
        return class_has(c, (unsigned char)p[1]);
    case '[':
        return set_has(c, p, end - 1);
    default:
        return (unsigned char)*p == c;
    }
}

/* "%bxy": from an x to the y that balances it. */
static const char *match_balance(struct pattern *match, const char *s, const char *p) {
    if (p + 1 >= match->pattern_end)
        return fail(match, "malformed pattern (missing arguments to '%b')");
    if (s >= match->source_end || *s != *p) return NULL;
    char open = p[0], close = p[1];
    int64_t depth = 1;
    const char *at = s;
    while (++at < match->source_end) {
        if (*at == close) {
            if (--depth == 0) break;
        } else if (*at == open) {
            depth++;
        }
    }
    if (!spend(match, at - s)) return NULL;
    return at < match->source_end ? at + 1 : NULL;
}

static const char *max_expand(struct pattern *match, const char *s, const char *p,
                              const char *end) {
    ptrdiff_t count = 0;
    while (item_matches(match, s + count, p, end)) count++;
    for (; count >= 0 && !match->fault; count--) {
        const char *result = pattern_match(match, s + count, end + 1);
        if (result) return result;
    }
    return NULL;
}

static const char *min_expand(struct pattern *match, const char *s, const char *p,
                              const char *end) {
    while (!match->fault) {
        const char *result = pattern_match(match, s, end + 1);
        if (result) return result;
        if (!item_matches(match, s, p, end)) return NULL;
        s++;
    }
    return NULL;
}

static const char *begin_capture(struct pattern *match, const char *s, const char *p,
                                 ptrdiff_t size) {
    int level = match->levels;
    if (level >= PATTERN_CAPTURES) return fail(match, "too many captures");
    match->captures[level].start = s;
    match->captures[level].size = size;
    match->levels = level + 1;
    const char *result = pattern_match(match, s, p);
    if (!result) match->levels--;
    return result;
}

static const char *end_capture(struct pattern *match, const char *s, const char *p) {
    int level = match->levels - 1;
    while (level >= 0 && match->captures[level].size != PATTERN_OPEN) level--;
    if (level < 0) return fail(match, "invalid pattern capture");
    match->captures[level].size = s - match->captures[level].start;
    const char *result = pattern_match(match, s, p);
    if (!result) match->captures[level].size = PATTERN_OPEN;
    return result;
}

/* "%1": the text of an earlier capture again. */
static const char *match_again(struct pattern *match, const char *s, char digit) {
    int level = digit - '1';
    if (level < 0 || level >= match->levels || match->captures[level].size == PATTERN_OPEN)
        return fail(match, "invalid capture index in the pattern");
    ptrdiff_t size = match->captures[level].size;
    if (size < 0) return NULL; /* a position is no text */
    if (!spend(match, 1 + size / 8) || match->source_end - s < size) return NULL;
    return memcmp(match->captures[level].start, s, (size_t)size) == 0 ? s + size : NULL;
}

static const char *match_frontier(struct pattern *match, const char *s, const char *p) {
    if (p >= match->pattern_end || *p != '[')
        return fail(match, "missing '[' after '%f' in pattern");
    const char *end = item_end(match, p);
    if (!end || !spend(match, 1 + (end - p) / 2)) return NULL;
    int before = s == match->source ? 0 : (unsigned char)s[-1];
    int here = s == match->source_end ? 0 : (unsigned char)*s;
    if (set_has(before, p, end - 1) || !set_has(here, p, end - 1)) return NULL;
    return pattern_match(match, s, end);
}

/* One item with its suffix, then the rest. */
static const char *match_item(struct pattern *match, const char *s, const char *p) {
    const char *end = item_end(match, p);
    if (!end) return NULL;
    char suffix = end < match->pattern_end ? *end : '\0';
    if (suffix == '*') return max_expand(match, s, p, end);
    if (suffix == '-') return min_expand(match, s, p, end);
    bool here = item_matches(match, s, p, end);
    if (match->fault) return NULL;
    if (suffix == '?') {
        const char *result = here ? pattern_match(match, s + 1, end + 1) : NULL;
        return result ? result : pattern_match(match, s, end + 1);
    }
    if (!here) return NULL;
    return suffix == '+' ? max_expand(match, s + 1, p, end) : pattern_match(match, s + 1, end);
}

/* Plain items in a row are matched without recursion. */
static const char *skip_plain(struct pattern *match, const char **s, const char *p) {
    while (p < match->pattern_end && !strchr("()$%[", *p)) {
        const char *end = p + 1;
        if (end < match->pattern_end && strchr("*+?-", *end)) break;
        if (!item_matches(match, *s, p, end)) return NULL;
        (*s)++, p = end;
    }
    return p;
}

static const char *match_special(struct pattern *match, const char *s, const char *p) {
    char next = p + 1 < match->pattern_end ? p[1] : '\0';
    if (*p == '(') {
        if (next == ')') return begin_capture(match, s, p + 2, PATTERN_POSITION);
        return begin_capture(match, s, p + 1, PATTERN_OPEN);
    }
    if (*p == ')') return end_capture(match, s, p + 1);
    if (*p == '$' && p + 1 == match->pattern_end) return s == match->source_end ? s : NULL;
    if (*p != '%') return match_item(match, s, p);
    if (next == 'f') return match_frontier(match, s, p + 2);
    if (next == 'b') {
        s = match_balance(match, s, p + 2);
        return s ? pattern_match(match, s, p + 4) : NULL;
    }
    if (isdigit((unsigned char)next)) {
        s = match_again(match, s, next);
        return s ? pattern_match(match, s, p + 2) : NULL;
    }
    return match_item(match, s, p);
}

const char *pattern_match(struct pattern *match, const char *s, const char *p) {
    if (!spend(match, 1)) return NULL;
    if (match->depth >= PATTERN_DEPTH) return fail(match, "pattern too complex");
    match->depth++;
    p = skip_plain(match, &s, p);
    const char *result = NULL;
    if (p) result = p == match->pattern_end ? s : match_special(match, s, p);
    match->depth--;
    return result;
}
