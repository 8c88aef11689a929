/* lua_image.c - [registry/]repository[:tag][@digest]. */
#include "lua_image.h"

#include <ctype.h>
#include <string.h>

enum { NAME_MAX_BYTES = 255, TAG_MAX_BYTES = 128 };

static bool all_of(struct image_part part, const char *more) {
    for (size_t i = 0; i < part.size; i++)
        if (!isalnum((unsigned char)part.at[i]) && !strchr(more, part.at[i])) return false;
    return part.size > 0 && !memchr(part.at, '\0', part.size);
}

/* Cuts what follows the last `mark` off `rest`. */
static struct image_part cut(struct image_part *rest, char mark) {
    const char *at = memrchr(rest->at, mark, rest->size);
    if (!at) return (struct image_part){0};
    struct image_part part = {at + 1, (size_t)(rest->at + rest->size - at - 1)};
    rest->size = (size_t)(at - rest->at);
    return part;
}

/* The first component is a registry when it looks like a host: a dot, a port, or localhost. */
static bool is_registry(struct image_part part) {
    return memchr(part.at, '.', part.size) || memchr(part.at, ':', part.size) ||
           (part.size == 9 && memcmp(part.at, "localhost", 9) == 0);
}

static bool repository_ok(struct image_part part) {
    char before = '/';
    if (part.size == 0) return false;
    for (size_t i = 0; i < part.size; i++) {
        char c = part.at[i];
        bool letter = islower((unsigned char)c) || isdigit((unsigned char)c);
        bool mark = c != '\0' && strchr("._-/", c) != NULL;
        if (!letter && !mark) return false;
        if (c == '/' && before == '/') return false;
        before = c;
    }
    return before != '/';
}

static bool digest_ok(struct image_part part) {
    const char *colon = memchr(part.at, ':', part.size);
    if (!colon) return false;
    struct image_part hex = {colon + 1, (size_t)(part.at + part.size - colon - 1)};
    for (size_t i = 0; i < hex.size; i++)
        if (!isxdigit((unsigned char)hex.at[i])) return false;
    bool sha256 = colon - part.at == 6 && memcmp(part.at, "sha256", 6) == 0;
    return sha256 ? hex.size == 64 : hex.size >= 32;
}

bool image_parse(const char *name, size_t size, struct image_name *image, const char **why) {
    struct image_part rest = {name, size};
    *image = (struct image_name){0};
    *why = "it is empty";
    if (size == 0) return false;
    image->digest = cut(&rest, '@');
    *why = "its digest is no 'sha256:' and 64 hex digits";
    if (image->digest.at && !digest_ok(image->digest)) return false;
    const char *slash = memrchr(rest.at, '/', rest.size);
    size_t before = slash ? (size_t)(slash - rest.at) + 1 : 0;
    struct image_part last = {rest.at + before, rest.size - before};
    image->tag = cut(&last, ':');
    rest.size = before + last.size;
    *why = "its tag is not 1 to 128 letters, digits, '_', '.' and '-'";
    if (image->tag.at && (image->tag.size > TAG_MAX_BYTES || !all_of(image->tag, "_.-") ||
                          strchr(".-", *image->tag.at)))
        return false;
    const char *first = memchr(rest.at, '/', rest.size);
    struct image_part host = {rest.at, first ? (size_t)(first - rest.at) : 0};
    if (host.size && is_registry(host)) {
        image->registry = host;
        rest.at += host.size + 1, rest.size -= host.size + 1;
        *why = "its registry is no host name";
        if (!all_of(host, ".-:")) return false;
    }
    image->repository = rest;
    *why = "its repository is not lower-case letters, digits and '.', '_', '-' between '/'";
    return rest.size <= NAME_MAX_BYTES && repository_ok(rest);
}
