/* store_guard_text.c - the two things about tenants that SQLite's authorizer does not tell: which
 * value an INSERT gives to a column, and that a comparison with $1 is there. */
#include "store_guard.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct token {
    const char *at;
    size_t size; /* 0: the end */
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static const char *skip_blank(const char *at) {
    for (;;) {
        while (isspace((unsigned char)*at)) at++;
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *end = strstr(at + 2, "*/");
            at = end ? end + 2 : at + strlen(at);
        } else {
            return at;
        }
    }
}

static struct token next_token(const char **at) {
    const char *start = skip_blank(*at), *end = start;
    if (*start == '\'' || *start == '"') {
        end++;
        while (*end && (*end != *start || end[1] == *start)) end += *end == *start ? 2 : 1;
        if (*end) end++;
    } else if (is_word(*start)) {
        while (is_word(*end)) end++;
    } else if (*start) {
        end++;
    }
    *at = end;
    return (struct token){start, (size_t)(end - start)};
}

static bool token_is(struct token token, const char *word) {
    size_t size = strlen(word);
    if (token.size == size + 2 && token.at[0] == '"')
        return strncasecmp(token.at + 1, word, size) == 0;
    return token.size == size && strncasecmp(token.at, word, size) == 0;
}

/* Reads up to the ',' or ')' that ends this item of a list, past inner brackets. Says whether the
 * item, as a whole, is $1 or ends in a tenant column. */
static bool read_item(const char **at, struct token *end) {
    int depth = 0;
    size_t tokens = 0;
    struct token token, last = {*at, 0};
    while ((token = next_token(at)).size) {
        bool closes =
            depth == 0 && (token_is(token, ",") || token_is(token, ")") || token_is(token, "FROM"));
        if (closes) break;
        if (token_is(token, "(")) depth++;
        if (token_is(token, ")")) depth--;
        last = token;
        tokens++;
    }
    *end = token;
    return (tokens == 1 && token_is(last, "$1")) ||
           ((tokens == 1 || tokens == 3) && token_is(last, "tenant"));
}

/* The place of `tenant` in "(a, tenant, b)", the bracket already read; -1: not there. */
static int tenant_place(const char **at) {
    int place = -1, i = 0;
    for (struct token end = {"(", 1}; end.size && !token_is(end, ")"); i++)
        if (read_item(at, &end)) place = i;
    return place;
}

static bool item_gives_tenant(const char **at, int place, struct token *end) {
    bool gives = false;
    for (int i = 0;; i++) {
        bool good = read_item(at, end);
        if (i == place) gives = good;
        if (!token_is(*end, ",")) return gives;
    }
}

/* VALUES (..), (..): every row must give it. */
static bool values_give_tenant(const char **at, int place) {
    struct token token = next_token(at);
    bool gives = token_is(token, "(");
    while (gives && token_is(token, "(")) {
        struct token end;
        gives = item_gives_tenant(at, place, &end);
        token = next_token(at);
        if (token_is(token, ",")) token = next_token(at);
    }
    return gives;
}

bool sql_insert_gives_tenant(const char *sql) {
    const char *at = sql;
    struct token token;
    do token = next_token(&at);
    while (token.size && !token_is(token, "INSERT"));
    token = next_token(&at);
    if (token_is(token, "OR")) return false; /* OR REPLACE could remove another tenant's row */
    while (token.size && !token_is(token, "(")) token = next_token(&at);
    if (!token.size) return false;
    int place = tenant_place(&at);
    if (place < 0) return false;
    token = next_token(&at);
    if (token_is(token, "VALUES")) return values_give_tenant(&at, place);
    if (!token_is(token, "SELECT")) return false;
    struct token end;
    return item_gives_tenant(&at, place, &end);
}

bool sql_compares_tenant(const char *sql) {
    const char *at = sql;
    struct token before = {sql, 0}, middle = {sql, 0}, token;
    while ((token = next_token(&at)).size) {
        bool equals = token_is(middle, "=");
        if (equals && token_is(before, "tenant") && token_is(token, "$1")) return true;
        if (equals && token_is(before, "$1") && token_is(token, "tenant")) return true;
        before = middle;
        middle = token;
    }
    return false;
}
