#include "safe.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool in_word(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c > 127;
}

/* ---- known words ---- */

/* As a word of its own, or as part of a compound ("shop" in "shop-db"). */
static bool holds_word(const char *text, const char *word) {
    const size_t n = strlen(word);
    if (n < 3) return false;
    for (const char *p = text; (p = strcasestr(p, word)) != NULL; p++)
        if ((p == text || !in_word(p[-1])) && !in_word(p[n])) return true;
    return false;
}

/* ---- shapes of one token: what stands between blanks, brackets and quotes ---- */

struct shape {
    size_t letters, digits, hex, upper, lower, dots, dashes, colons, slashes, at_signs, underscores;
    bool inner_capital;
};

static struct shape shape_of(const char *p, size_t n) {
    struct shape s = {0};
    for (size_t i = 0; i < n; i++) {
        const unsigned char c = (unsigned char)p[i];
        s.letters += isalpha(c) || c > 127;
        s.digits += isdigit(c) != 0;
        s.hex += isxdigit(c) != 0;
        s.upper += isupper(c) != 0;
        s.lower += islower(c) != 0;
        s.dots += c == '.';
        s.dashes += c == '-';
        s.colons += c == ':';
        s.slashes += c == '/' || c == '\\';
        s.at_signs += c == '@';
        s.underscores += c == '_';
        if (i && isupper(c) && islower((unsigned char)p[i - 1])) s.inner_capital = true;
    }
    return s;
}

static bool is_clock(const char *p, size_t n, const struct shape *s) {
    return n <= 8 && s->colons <= 2 && s->digits + s->colons == n && isdigit((unsigned char)*p);
}

static bool is_date(size_t n, const struct shape *s) {
    return n == 10 && s->dashes == 2 && s->digits == 8;
}

static bool is_number(size_t n, const struct shape *s) {
    return s->digits && s->dots <= 1 && s->digits + s->dots == n;
}

/* "OPS-123": capitals, a dash, digits. */
static bool is_ticket(const char *p, size_t n) {
    size_t i = 0;
    while (i < n && isupper((unsigned char)p[i])) i++;
    if (i < 2 || i > 12 || i >= n || p[i] != '-') return false;
    const size_t from = ++i;
    while (i < n && isdigit((unsigned char)p[i])) i++;
    return i > from && i == n;
}

static const char *forbidden_shape(const char *p, size_t n) {
    const struct shape s = shape_of(p, n);
    if (is_number(n, &s) || is_clock(p, n, &s) || is_date(n, &s)) return NULL;
    if (s.at_signs) return "an address or handle";
    if (s.slashes) return "a path or URL";
    if (s.underscores) return "an identifier";
    if (is_ticket(p, n)) return "a ticket";
    if (s.digits && s.dots >= 2) return "an IP address or version";
    if (s.dots && s.letters && n > 3 && p[n - 1] != '.') return "a host, file or version";
    if (s.colons >= 2) return "an address";
    if (s.colons && s.digits && s.letters) return "an address";
    if (s.digits && s.letters) return "an id";
    if (s.hex == n && n >= 12) return "an id";
    if (s.dashes && s.digits && s.letters) return "an id";
    if (s.inner_capital) return "a name of code";
    if (*p == '#' && s.digits) return "a ticket";
    return NULL;
}

/* ---- words that only engineers use ---- */

static const char *const jargon[] = {"traceback",    "exception",    "stack trace",
                                     "stacktrace",   "panic:",       "segfault",
                                     "errno",        "null pointer", "undefined is not",
                                     "caused by:",   "at line",      "localhost",
                                     "kubernetes",   "pod ",         "kubectl",
                                     "namespace",    "container",    "rollback",
                                     "canary",       "commit ",      "sql",
                                     "goroutine",    "core dump",    "heap",
                                     "oom",          "crashloop",    "deadlock",
                                     "root password"};

static bool cuts(char c) {
    return isspace((unsigned char)c) || strchr("()[]{}<>\"'`,;!?|=", c) != NULL;
}

bool safe_for_customers(const char *text, const struct internal_words *internal, char why[120]) {
    for (size_t i = 0; internal && i < internal->count; i++) {
        if (!internal->words[i] || !holds_word(text, internal->words[i])) continue;
        (void)snprintf(why, 120, "it names \"%.80s\"", internal->words[i]);
        return false;
    }
    for (size_t i = 0; i < sizeof jargon / sizeof *jargon; i++) {
        if (!strcasestr(text, jargon[i])) continue;
        (void)snprintf(why, 120, "it says \"%s\"", jargon[i]);
        return false;
    }
    for (const char *p = text; *p;) {
        if (cuts(*p)) {
            p++;
            continue;
        }
        size_t n = 0;
        while (p[n] && !cuts(p[n])) n++;
        size_t core = n;
        while (core && strchr(".:%-", p[core - 1])) core--;
        const char *found = core ? forbidden_shape(p, core) : NULL;
        if (found) {
            (void)snprintf(why, 120, "\"%.*s\" looks like %s", (int)(n > 60 ? 60 : n), p, found);
            return false;
        }
        p += n;
    }
    return true;
}
