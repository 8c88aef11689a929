/* ask.h - what other plugins are asked about a request: risk.score and policy.evaluate.
 *
 * A plugin that is absent, down or fails is no error of the request: the answer is then NULL, and
 * `*failure` says why. Both suspend. */
#ifndef ROLLOUT_ASK_H
#define ROLLOUT_ASK_H

#include <sluice/sluice.h>

/* The change behind a request, as evidence. */
struct change {
    size_t diff_bytes;
    char diff_sha256[65]; /* "" without a diff */
};

/* Takes the measure of `in`'s diff; large ones are hashed beside the loop: suspends then. */
int change_of(sl_call *call, const cJSON *in, struct change *change);

const cJSON *ask_risk(sl_call *call, const cJSON *in, const char **failure);
const cJSON *ask_policy(sl_call *call, const cJSON *in, const cJSON *risk,
                        const struct change *change, const char **failure);

#endif
