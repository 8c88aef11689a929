/* skeletons.h - the skeletons of manifests, each kept once: in memory compiled, in the store as text
 * that the rows of deployments name by its hash. */
#ifndef ROLLOUT_SKELETONS_H
#define ROLLOUT_SKELETONS_H

#include "manifests.h"

#include <sluice/sluice.h>

enum { SKELETON_NAME = 32, SKELETON_TENANTS = 4 };

struct skeleton {
    struct template *template;
    char *text;
    char name[SKELETON_NAME + 1];        /* the first half of its SHA-256, in hex */
    char kept_for[SKELETON_TENANTS][64]; /* tenants in whose store it is known to be */
    unsigned next;
};

/* The skeleton of the plan's shape, made when it is first needed. NULL: no memory. */
struct skeleton *skeleton_of(struct skeleton *known[MANIFEST_SHAPES], const struct plan *plan,
                             const struct manifest_settings *settings);
void skeletons_free(struct skeleton *known[MANIFEST_SHAPES]);

/* Adds what keeps it to the batch, unless it is known to be there; skeleton_is_kept once the batch
 * has been committed. */
void skeleton_keep(sl_call *call, sl_batch *batch, const struct skeleton *skeleton);
void skeleton_is_kept(sl_call *call, struct skeleton *skeleton);

/* Puts the objects back where the kept answer has only their values. Whole ones stay as they are. */
int skeleton_restore(sl_call *call, cJSON *answer);

#endif
