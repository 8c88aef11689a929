/* answer.h - the answer of deploy.request, and what is kept and told of it. Pure. */
#ifndef ROLLOUT_ANSWER_H
#define ROLLOUT_ANSWER_H

#include "decide.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All that an answer is made of. Borrowed; the answer shows parts of it. */
struct case_file {
    const cJSON *in; /* the request */
    const char *id;  /* NULL: a dry run */
    int64_t now_ms;
    const struct judgement *judgement;
    const struct decision *decision;
    const cJSON *manifests;
    size_t diff_bytes;       /* 0: no diff */
    const char *diff_sha256; /* lower-case hex */
};

enum { TIME_TEXT = 32 };
/* "2026-01-01T00:00:00.000Z" */
void time_text(int64_t ms, char text[TIME_TEXT]);

void answer_fill(cJSON *out, const struct case_file *file);
/* The request as it is kept: without the diff, which may hold secrets; its size and hash stand for
 * it. */
cJSON *request_kept(const struct case_file *file);
/* Data of the events deployment.requested and deployment.<decision>; the latter has the reasons of
 * what was not approved. */
cJSON *requested_event(const struct case_file *file);
cJSON *decided_event(const struct case_file *file);
const char *decided_event_type(enum outcome outcome);

#endif
