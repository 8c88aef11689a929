/* argo_ops.h - operations on the Rollouts of a cluster as they are, whoever made them: rows for the
 * plugin's table. */
#ifndef ROLLOUT_ARGO_OPS_H
#define ROLLOUT_ARGO_OPS_H

#include <sluice/sluice.h>

extern const sl_field argo_name_in[], argo_act_in[], argo_out[];
int argo_get(sl_call *call, const cJSON *in, cJSON *out);
int argo_act(sl_call *call, const cJSON *in, cJSON *out);
int argo_watch(sl_call *call, const cJSON *in, cJSON *out);

/* clang-format off */
#define ARGO_OPS                                                                                   \
    {.name = "argo.get",                                                                           \
     .route = "GET /argo/rollouts/{namespace}/{name}",                                             \
     .summary = "Show an Argo Rollout: phase, step, weight, image, and why it stopped",            \
     .in = argo_name_in, .out = argo_out, .needs = "deploy:read", .effect = SL_READS,              \
     .run = argo_get},                                                                             \
    {.name = "argo.act",                                                                           \
     .route = "POST /argo/rollouts/{namespace}/{name}/{verb}",                                     \
     .summary = "Promote, abort, retry, pause, resume, restart, undo or set the image of an Argo Rollout", \
     .help = "Writes what kubectl-argo-rollouts writes, with the version that was read as a "      \
             "precondition, so that two callers cannot skip two steps.",                           \
     .in = argo_act_in, .out = argo_out, .needs = "deploy:write", .effect = SL_WRITES,             \
     .example = "{\"verb\":\"promote\"}", .run = argo_act},                                       \
    {.name = "argo.watch",                                                                         \
     .route = "GET /argo/rollouts/{namespace}/{name}/watch",                                       \
     .summary = "Watch an Argo Rollout: one event (SSE) a change of phase, step, weight or image", \
     .in = argo_name_in, .out = argo_out, .needs = "deploy:read", .effect = SL_READS,              \
     .flags = SL_OP_STREAMS | SL_OP_LONG, .run = argo_watch}
/* clang-format on */

#endif
