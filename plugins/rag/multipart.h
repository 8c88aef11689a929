/* multipart.h - multipart/form-data (RFC 7578), strictly and within bounds. Pure.
 *
 * Parts point into the body. Refused: a boundary that is none, lines without CRLF, a part without a
 * name, unknown transfer encodings, anything before the first or behind the last boundary. */
#ifndef RAG_MULTIPART_H
#define RAG_MULTIPART_H

#include "pool.h"

enum multipart_limits { MULTIPART_PARTS = 500, MULTIPART_HEAD_BYTES = 4096, MULTIPART_NAME = 1000 };

struct part {
    const char *name;     /* of the form's field; in the pool */
    const char *filename; /* NULL: a plain field */
    const char *data;     /* not ended by NUL */
    size_t size;
};

struct multipart {
    struct part *parts;
    size_t count;
    char error[200]; /* what, and at which byte of the body */
};

/* 0, or -1 with error set. */
int multipart_read(struct multipart *out, struct pool *pool, const char *content_type,
                   const char *body, size_t size);

#endif
