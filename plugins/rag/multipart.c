#include "multipart.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { BOUNDARY_MOST = 70 };

struct reader {
    struct multipart *out;
    struct pool *pool;
    const char *body;
    size_t size, at;
    char mark[BOUNDARY_MOST + 5]; /* "\r\n--boundary" */
    size_t mark_size;
};

static int fail(struct multipart *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int fail(struct multipart *out, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(out->error, sizeof out->error, format, args);
    va_end(args);
    return -1;
}

static bool is_boundary_sign(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("'()+_,-./:=?", c));
}

/* boundary=abc or boundary="abc", the last parameter or not. */
static int read_boundary(struct reader *reader, const char *type) {
    static const char wanted[] = "multipart/form-data";
    const char *at = type;
    if (!type || strncasecmp(type, wanted, sizeof wanted - 1) != 0)
        return fail(reader->out, "the content type is not multipart/form-data");
    while ((at = strchr(at, ';'))) {
        at++;
        at += strspn(at, " \t");
        if (!strncasecmp(at, "boundary=", 9)) break;
    }
    if (!at) return fail(reader->out, "the content type names no boundary");
    at += 9;
    const bool quoted = *at == '"';
    at += quoted;
    size_t size = 0;
    while (is_boundary_sign(at[size])) size++;
    const bool ended = quoted ? at[size] == '"' : !at[size] || strchr("; \t", at[size]);
    if (!size || size > BOUNDARY_MOST || !ended)
        return fail(reader->out, "the boundary must be 1 to %d plain characters", BOUNDARY_MOST);
    memcpy(reader->mark, "\r\n--", 4);
    memcpy(reader->mark + 4, at, size);
    reader->mark_size = size + 4;
    return 0;
}

/* ---- the head of a part ---- */

/* A quoted string behind `key` in the value of a header; browsers write a quote as %22. */
static const char *parameter(struct reader *reader, const char *value, size_t size,
                             const char *key) {
    const size_t key_size = strlen(key);
    for (size_t i = 0; i + key_size + 2 < size; i++) {
        if (strncasecmp(value + i, key, key_size) != 0 || value[i + key_size] != '=' ||
            value[i + key_size + 1] != '"' || !i || !strchr("; \t", value[i - 1]))
            continue;
        const size_t from = i + key_size + 2;
        char *out = pool_alloc(reader->pool, size - from + 1);
        size_t n = 0;
        for (size_t j = from; j < size; j++) {
            if (value[j] == '"') return n <= MULTIPART_NAME ? out : NULL;
            if (value[j] == '\\' && j + 1 < size && strchr("\"\\", value[j + 1])) j++;
            if (!strncmp(value + j, "%22", size - j < 3 ? size - j : 3) && size - j >= 3) {
                out[n++] = '"';
                j += 2;
                continue;
            }
            if ((unsigned char)value[j] < 0x20 || value[j] == 0x7F) return NULL;
            out[n++] = value[j];
        }
        return NULL;
    }
    return NULL;
}

static bool is_header(const char *line, size_t size, const char *name, size_t *value) {
    const size_t n = strlen(name);
    if (size <= n || strncasecmp(line, name, n) != 0 || line[n] != ':') return false;
    *value = n + 1;
    while (*value < size && (line[*value] == ' ' || line[*value] == '\t')) ++*value;
    return true;
}

static int read_header(struct reader *reader, const char *line, size_t size, struct part *part) {
    size_t at;
    if (is_header(line, size, "Content-Disposition", &at)) {
        if (part->name || size - at < 9 || strncasecmp(line + at, "form-data", 9) != 0)
            return fail(reader->out, "byte %zu: one Content-Disposition: form-data is expected",
                        (size_t)(line - reader->body));
        part->name = parameter(reader, line + at, size - at, "name");
        part->filename = parameter(reader, line + at, size - at, "filename");
        return 0;
    }
    if (is_header(line, size, "Content-Transfer-Encoding", &at)) {
        const bool plain = (size - at == 6 && !strncasecmp(line + at, "binary", 6)) ||
                           (size - at == 4 && !strncasecmp(line + at, "8bit", 4)) ||
                           (size - at == 4 && !strncasecmp(line + at, "7bit", 4));
        if (!plain)
            return fail(reader->out, "byte %zu: parts must not be encoded",
                        (size_t)(line - reader->body));
    }
    return 0;
}

static int read_head(struct reader *reader, struct part *part) {
    const size_t start = reader->at;
    for (;;) {
        const char *line = reader->body + reader->at;
        const size_t left = reader->size - reader->at;
        const char *end = memchr(line, '\n', left);
        const size_t size = end ? (size_t)(end - line) : 0;
        if (!end || reader->at - start > MULTIPART_HEAD_BYTES || !size || end[-1] != '\r')
            return fail(reader->out, "byte %zu: a part's head ends in an empty line, with CRLF",
                        reader->at);
        reader->at += size + 1;
        if (size == 1) break;
        if (read_header(reader, line, size - 1, part)) return -1;
    }
    if (part->name) return 0;
    return fail(reader->out, "byte %zu: a part needs Content-Disposition: form-data; name=\"...\"",
                start);
}

/* ---- parts ---- */

/* Behind a boundary: 1 another part, 0 the end, -1 neither. */
static int after_boundary(struct reader *reader) {
    const char *at = reader->body + reader->at;
    const size_t left = reader->size - reader->at;
    if (left >= 2 && !memcmp(at, "\r\n", 2)) return reader->at += 2, 1;
    if (left >= 2 && !memcmp(at, "--", 2)) {
        const bool clean = left == 2 || (left == 4 && !memcmp(at + 2, "\r\n", 2));
        if (clean) return 0;
        return fail(reader->out, "byte %zu: there is more behind the last boundary",
                    reader->at + 2);
    }
    return fail(reader->out, "byte %zu: CRLF or -- is expected behind a boundary", reader->at);
}

static int read_part(struct reader *reader) {
    struct part part = {0};
    if (reader->out->count == MULTIPART_PARTS)
        return fail(reader->out, "there are more than %d parts", MULTIPART_PARTS);
    if (read_head(reader, &part)) return -1;
    /* An empty part's mark begins with the CRLF that ended its head. */
    const size_t from = reader->at - 2;
    const char *end =
        memmem(reader->body + from, reader->size - from, reader->mark, reader->mark_size);
    if (!end) return fail(reader->out, "byte %zu: the boundary behind this part is missing", from);
    part.data = reader->body + reader->at;
    part.size = end < part.data ? 0 : (size_t)(end - part.data);
    reader->at = (size_t)(end - reader->body) + reader->mark_size;
    struct multipart *out = reader->out;
    out->parts = pool_grow(reader->pool, out->parts, out->count, sizeof *out->parts);
    out->parts[out->count++] = part;
    return 0;
}

int multipart_read(struct multipart *out, struct pool *pool, const char *content_type,
                   const char *body, size_t size) {
    struct reader reader = {.out = out, .pool = pool, .body = body, .size = size};
    *out = (struct multipart){0};
    if (read_boundary(&reader, content_type)) return -1;
    const char *first = reader.mark + 2; /* no CRLF before the first one */
    const size_t first_size = reader.mark_size - 2;
    if (size < first_size || memcmp(body, first, first_size) != 0)
        return fail(out, "byte 0: the body must begin with the boundary");
    reader.at = first_size;
    for (;;) {
        const int more = after_boundary(&reader);
        if (more <= 0) return more;
        if (read_part(&reader)) return -1;
    }
}
