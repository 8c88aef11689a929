/* verify.h - does each sentence of a model's answer rest on what operations really returned?
 *
 * A sentence stays when it names evidence that exists ([e1]), when every number, id, version, time,
 * path and name in it stands in that evidence (or in the question), and when enough of its other
 * words do. Pure. */
#ifndef CHAT_VERIFY_H
#define CHAT_VERIFY_H

#include <cjson/cJSON.h>
#include <stddef.h>

struct verified {
    char *text; /* the sentences that stay; the caller frees it; NULL: memory is out */
    int kept, cut;
    char first_cut[200]; /* why, for the first that went */
};

/* `evidence`: {e1: "what was returned", ...}. */
struct verified verify(const char *answer, const cJSON *evidence, const char *question);

#endif
