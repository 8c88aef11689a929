/* http_head.h - the strict check in front of llhttp, and what it learns on the way. Pure. */
#ifndef SLUICE_CORE_HTTP_HEAD_H
#define SLUICE_CORE_HTTP_HEAD_H

#include "http.h"

/* What decides the framing of a request. */
struct head_facts {
    enum http_method method;
    int64_t content_length; /* 0 without a body, -1: chunked */
    bool http10;
    bool expects;       /* an Expect field is there... */
    bool expects_known; /* ...and says 100-continue */
    const char *why;    /* of a refusal: a clause for people, "the field Host is missing" */
};

/* Checks "request-line CRLF fields CRLF CRLF" of `size` bytes. 0, or an HTTP status. */
int head_scan(const char *head, size_t size, const struct http_limits *limits,
              struct head_facts *facts);

/* Looks for the end of a head in `data`, from `*scanned` on (kept between calls). Returns the size
 * of the head with its empty line; 0: not there yet; -1: a line that does not end in CRLF. */
int64_t head_end(const char *data, size_t size, size_t *scanned);

#endif
