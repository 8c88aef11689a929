#include "redact.h"

#include "text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static const char mark[] = "[REDACTED]";

/* Beginnings of tokens that are told apart by them, and how long the token is at least. */
static const struct {
    const char *begin;
    size_t least;
} tokens[] = {
    {"AKIA", 20},     {"ASIA", 20},        {"ghp_", 30},   {"gho_", 30},  {"ghu_", 30},
    {"ghs_", 30},     {"github_pat_", 40}, {"glpat-", 20}, {"sk-", 20},   {"sk_live_", 20},
    {"rk_live_", 20}, {"xoxb-", 20},       {"xoxp-", 20},  {"xoxa-", 20}, {"xapp-", 20},
    {"slk_", 20},     {"AIza", 35},        {"ya29.", 20},  {"eyJ", 40},   {"npm_", 36},
    {"pypi-", 40},    {"dop_v1_", 40},     {"hvs.", 24},   {"SG.", 40},   {"-----BEGIN", 0}};

static const char *const names[] = {"password",   "passwd",        "pwd",           "secret",
                                    "token",      "api_key",       "apikey",        "api-key",
                                    "access_key", "access-key",    "private_key",   "credential",
                                    "auth_key",   "authorization", "client_secret", "bearer"};

static bool in_token(char c) {
    return isalnum((unsigned char)c) || (c && strchr("_-.+/=~", c));
}

static size_t token_size(const char *at, const char *end) {
    const char *from = at;
    while (at < end && in_token(*at)) at++;
    return (size_t)(at - from);
}

/* A block from -----BEGIN to the line of -----END, when it is a private key. */
static size_t key_block(const char *at, size_t size) {
    static const char finish[] = "-----END";
    const char *line = memchr(at, '\n', size);
    const size_t head = line ? (size_t)(line - at) : size;
    if (!memmem(at, head < 80 ? head : 80, "PRIVATE KEY", 11)) return 0;
    const char *end = memmem(at + 10, size - 10, finish, sizeof finish - 1);
    if (!end) return size; /* cut off: all of it may be key */
    const char *after = memchr(end, '\n', size - (size_t)(end - at));
    return after ? (size_t)(after - at) : size;
}

static size_t known_token(const char *at, size_t size) {
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
        const size_t begin = strlen(tokens[i].begin);
        if (size < begin || memcmp(at, tokens[i].begin, begin) != 0) continue;
        if (!tokens[i].least) return key_block(at, size);
        const size_t length = token_size(at, at + size);
        if (length >= tokens[i].least) return length;
    }
    return 0;
}

/* user:password@ of a URL, from behind "://": the offset and size of the password. */
static size_t url_password(const char *at, size_t size, size_t *skip) {
    size_t colon = 0;
    for (size_t i = 0; i < size && i < 300; i++) {
        const char c = at[i];
        if (c == '@') {
            *skip = colon + 1;
            return colon && i > colon + 1 ? i - colon - 1 : 0;
        }
        if (isspace((unsigned char)c) || c == '/' || c == '"' || c == '\'') return 0;
        if (c == ':' && !colon) colon = i;
    }
    return 0;
}

/* Is it more than a word of prose or a type's name? It has letters and digits, or signs. */
static bool is_random(const char *at, size_t size) {
    bool digit = false, letter = false, sign = false;
    for (size_t i = 0; i < size; i++) {
        digit |= isdigit((unsigned char)at[i]) != 0;
        letter |= isalpha((unsigned char)at[i]) != 0;
        sign |= at[i] && strchr("!@#$%^&*+=~", at[i]) != NULL;
    }
    return size >= 6 && letter && (digit || sign);
}

/* The value that follows a name: `name` ["'] [:=] ["'] value. */
static size_t named_value(const char *at, size_t size, size_t *skip) {
    size_t i = 0;
    while (i < size && (isalnum((unsigned char)at[i]) || at[i] == '_' || at[i] == '-')) i++;
    while (i < size && (at[i] == '"' || at[i] == '\'' || at[i] == ' ' || at[i] == '\\')) i++;
    if (i == size || (at[i] != ':' && at[i] != '=')) return 0;
    while (i < size && strchr(":= \"'\\", at[i]) && at[i]) i++;
    if (size - i > 7 && strncasecmp(at + i, "bearer ", 7) == 0) i += 7;
    if (size - i > 6 && strncasecmp(at + i, "basic ", 6) == 0) i += 6;
    size_t value = i;
    while (value < size && !isspace((unsigned char)at[value]) && at[value] &&
           !strchr("\"',;)}]>\\", at[value]))
        value++;
    if (!is_random(at + i, value - i)) return 0;
    *skip = i;
    return value - i;
}

/* Do these two letters begin one of the names? Most places in a text are passed by here. */
static bool may_begin_name(char first, char second) {
    static const char *const pairs[] = {"pawr", "se", "to", "apcu", "crl", "be"};
    const char a = (char)(first | 0x20), b = (char)(second | 0x20);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (a == pairs[i][0]) return b && strchr(pairs[i] + 1, b) != NULL;
    return false;
}

static bool may_begin_token(char c) {
    return strchr("AgsrxeynpdhS-", c) != NULL;
}

static size_t secret_at(const char *text, size_t at, size_t size, size_t *skip) {
    const char *here = text + at;
    const size_t left = size - at;
    *skip = 0;
    if (left > 3 && memcmp(here, "://", 3) == 0) {
        const size_t found = url_password(here + 3, left - 3, skip);
        *skip += 3;
        return found;
    }
    const bool begins = *here == '-' || !at || !in_token(text[at - 1]);
    const size_t token = begins && may_begin_token(*here) ? known_token(here, left) : 0;
    if (token || left < 2 || !may_begin_name(*here, here[1])) return token;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const size_t length = strlen(names[i]);
        if (left > length && strncasecmp(here, names[i], length) == 0) {
            const size_t found = named_value(here + length, left - length, skip);
            *skip += length;
            if (found) return found;
        }
    }
    return 0;
}

/* Letters that begin one of the words above, and the colon of a URL: others are passed by. */
static bool may_begin(char c) {
    return c && strchr("AaBbCcEeGgHhNnPpSsTtXxYyRrDd-:", c) != NULL;
}

char *redact(const char *text, size_t size, int *found) {
    struct text out = {0};
    size_t copied = 0;
    bool good = true;
    for (size_t at = 0; at < size && good;) {
        size_t skip = 0;
        const size_t secret = may_begin(text[at]) ? secret_at(text, at, size, &skip) : 0;
        if (!secret) {
            at++;
            continue;
        }
        good = text_add(&out, SIZE_MAX / 2, text + copied, at + skip - copied) &&
               text_add(&out, SIZE_MAX / 2, mark, sizeof mark - 1);
        at = copied = at + skip + secret;
        ++*found;
    }
    if (!copied && good) return NULL;
    good = good && text_add(&out, SIZE_MAX / 2, text + copied, size - copied);
    if (good) return out.data;
    text_fini(&out);
    *found = -1;
    return NULL;
}
