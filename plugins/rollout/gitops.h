/* gitops.h - a promotion as a commit of a git work tree. docs/rollout.md, section GitOps. */
#ifndef ROLLOUT_GITOPS_H
#define ROLLOUT_GITOPS_H

#include "rollout.h"

static const sl_field gitops_settings[] = {
    SL_STRING("repository", .flags = SL_PATH | SL_REQUIRED, .max = 4096,
              .help = "a git work tree on this machine; it is only written below `path`"),
    SL_STRING("path", .def = "apps/{app}/{environment}", .max = 400,
              .help = "folder of a service's manifests.yaml; {tenant} keeps tenants apart"),
    SL_STRING("author", .def = "Sluice <sluice@localhost>", .max = 255,
              .help = "of the commits: Name <mail>"),
    SL_ANY("push", .def = "false",
           .help = "false, or the name of a remote that is a folder (file:///…)"),
    SL_ENUM("on", "approved|promoted", .def = "promoted",
            .help = "write when a deployment is approved, or when its rollout has ended well"),
    SL_END};

#define GITOPS_SETTINGS                                                                            \
    SL_OBJECT("gitops", gitops_settings, .help = "write manifests to git, one commit a promotion")

#define GITOPS_LISTENS                                                                             \
    {.name = "git-promoted", .type = "rollout.promoted", .run = gitops_hear},                      \
        {.name = "git-rolled-back", .type = "rollout.rolled_back", .run = gitops_hear}, {          \
        .name = "git-approved", .type = "deployment.approved", .run = gitops_hear                  \
    }

#define GITOPS_JOBS                                                                                \
    { .name = "git", .run = gitops_job, .timeout_ms = 120000 }

int gitops_check(sl_call *call, const cJSON *config);
int gitops_hear(sl_call *call, const sl_event *event);
int gitops_job(sl_call *call, const cJSON *in);

#endif
