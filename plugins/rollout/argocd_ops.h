/* argocd_ops.h - applications of Argo CD, by its REST API: rows for the plugin's table. */
#ifndef ROLLOUT_ARGOCD_OPS_H
#define ROLLOUT_ARGOCD_OPS_H

#include <sluice/sluice.h>

extern const sl_field argocd_get_in[], argocd_sync_in[], argocd_out[];
int argocd_get(sl_call *call, const cJSON *in, cJSON *out);
int argocd_sync(sl_call *call, const cJSON *in, cJSON *out);

/* clang-format off */
#define ARGOCD_OPS                                                                                 \
    {.name = "argocd.get", .route = "GET /argocd/applications/{name}",                             \
     .summary = "Show an Argo CD application: sync, health, last operation, and whether it may sync", \
     .in = argocd_get_in, .out = argocd_out, .needs = "deploy:read", .effect = SL_READS,           \
     .run = argocd_get},                                                                           \
    {.name = "argocd.sync", .route = "POST /argocd/applications/{name}/sync",                      \
     .summary = "Ask Argo CD to sync an application, unless a sync window forbids it",             \
     .in = argocd_sync_in, .out = argocd_out, .needs = "deploy:write", .effect = SL_WRITES,        \
     .example = "{\"dry_run\":true}", .run = argocd_sync}
/* clang-format on */

#endif
