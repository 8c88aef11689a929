#include "path_words.h"

#include "kind.h"
#include "wordset.h"

#include <string.h>

enum place {
    ANYWHERE,
    IN_NAME, /* in the last component */
    ALONE    /* between borders: "auth" fits auth/x.c and authToken.go, not author.c */
};

static const struct {
    const char *word; /* lower case */
    enum place place;
    uint32_t says;
} rows[] = {
    {"auth", ALONE, PATH_AUTH},
    {"oauth", ALONE, PATH_AUTH},
    {"oauth2", ALONE, PATH_AUTH},
    {"login", ALONE, PATH_AUTH},
    {"session", ALONE, PATH_AUTH},
    {"permission", ALONE, PATH_AUTH},
    {"acl", ALONE, PATH_AUTH},
    {"rbac", ALONE, PATH_AUTH},
    {"jwt", ALONE, PATH_AUTH},
    {"saml", ALONE, PATH_AUTH},
    {"password", ALONE, PATH_AUTH},
    {"authz", ALONE, PATH_AUTH},
    {"authn", ALONE, PATH_AUTH},
    {"security", ALONE, PATH_AUTH},
    {"crypto", ALONE, PATH_CRYPTO},
    {"cipher", ALONE, PATH_CRYPTO},
    {"tls", ALONE, PATH_CRYPTO},
    {"ssl", ALONE, PATH_CRYPTO},
    {"x509", ALONE, PATH_CRYPTO},
    {"keystore", ALONE, PATH_CRYPTO},
    {"down.", ANYWHERE, PATH_DOWN},
    {"/down/", ANYWHERE, PATH_DOWN},
    {"_down", ANYWHERE, PATH_DOWN},
    {"rollback", ANYWHERE, PATH_DOWN},
    {"dockerfile", IN_NAME, PATH_DOCKER},
    {"containerfile", IN_NAME, PATH_DOCKER},
    {".github/workflows", ANYWHERE, PATH_CI},
    {".circleci/", ANYWHERE, PATH_CI},
    {"gitlab-ci", IN_NAME, PATH_CI},
    {"jenkinsfile", IN_NAME, PATH_CI},
    {".travis", IN_NAME, PATH_CI},
    {"azure-pipelines", IN_NAME, PATH_CI},
    {"makefile", IN_NAME, PATH_SHELL},
    {"entrypoint", IN_NAME, PATH_SHELL},
};

enum { ROWS = sizeof rows / sizeof *rows };

struct wordset *path_words_new(void) {
    struct wordset_word words[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        words[i] = (struct wordset_word){rows[i].word, strlen(rows[i].word), (uint16_t)i};
    return wordset_new(words, ROWS);
}

struct reading {
    struct diff_text path;
    size_t name_from;
    uint32_t says;
};

static bool border(char c) {
    return c == '/' || c == '_' || c == '-' || c == '.';
}

static bool is_alone(struct diff_text path, size_t from, size_t end) {
    const char after = end < path.len ? path.at[end] : '/';
    return (!from || border(path.at[from - 1])) &&
           (border(after) || (after >= 'A' && after <= 'Z'));
}

static void on_word(void *of, uint16_t tag, size_t end) {
    struct reading *reading = of;
    const size_t from = end - strlen(rows[tag].word);
    if (rows[tag].place == IN_NAME && from < reading->name_from) return;
    if (rows[tag].place == ALONE && !is_alone(reading->path, from, end)) return;
    reading->says |= rows[tag].says;
}

uint32_t path_words_read(const struct wordset *words, struct diff_text path) {
    struct reading reading = {.path = path, .name_from = path.len - path_name(path).len};
    wordset_scan(words, path.at, path.len, on_word, &reading);
    return reading.says;
}
