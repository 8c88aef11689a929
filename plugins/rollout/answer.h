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
    size_t diff_bytes;       /* 0: no diff */
    const char *diff_sha256; /* lower-case hex */
};

enum { TIME_TEXT = 32 };
/* "2026-01-01T00:00:00.000Z" */
void time_text(int64_t ms, char text[TIME_TEXT]);

/* All of the answer but its last members: manifests, version, created_at, and dry_run. */
void answer_begin(cJSON *out, const struct case_file *file);
/* Those: the manifests as a tree, or as text that is JSON; `manifests` is borrowed. */
void answer_end(cJSON *out, const struct case_file *file, const cJSON *manifests);
/* The end of an answer that is kept as text: what stands before the manifests, and behind. */
#define ANSWER_MANIFESTS ",\"manifests\":"
enum { ANSWER_TAIL_BYTES = 80 };
size_t answer_tail(const struct case_file *file, char tail[ANSWER_TAIL_BYTES]);
/* The request as it is kept: without the diff, which may hold secrets; its size and hash stand for
 * it. */
cJSON *request_kept(const struct case_file *file);
/* Data of the events deployment.requested and deployment.<decision>; the latter has the reasons of
 * what was not approved. */
cJSON *requested_event(const struct case_file *file);
cJSON *decided_event(const struct case_file *file);
const char *decided_event_type(enum outcome outcome);

#endif
