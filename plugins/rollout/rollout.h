/* rollout.h - the plugin's state and its operations; the pure files beside it know neither. */
#ifndef ROLLOUT_ROLLOUT_H
#define ROLLOUT_ROLLOUT_H

#include "skeletons.h"

#include <sluice/sluice.h>

/* Kept from start to stop. */
struct rollout {
    cJSON *config; /* what the strings below live in */
    const char *approval_from;
    struct manifest_settings manifests;
    struct skeleton *skeletons[MANIFEST_SHAPES]; /* made when first needed */
    char success_floor[24], success_target[24];
    sl_scripts *gates; /* Lua gates, or NULL */
    /* up to where approvals were taken, of which tenant, and when last */
    int64_t heard_seq, heard_ms, gather_ms;
    char heard_tenant[128];
};

int deploy_request(sl_call *call, const cJSON *in, cJSON *out);
int deploy_get(sl_call *call, const cJSON *in, cJSON *out);
int deploy_list(sl_call *call, const cJSON *in, cJSON *out);
int deploy_manifests(sl_call *call, const cJSON *in, cJSON *out);
int deploy_explain(sl_call *call, const cJSON *in, cJSON *out);
int deploy_stored(sl_call *call, const cJSON *in, cJSON *out);

#endif
