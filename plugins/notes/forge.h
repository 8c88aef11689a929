/* What is asked of a forge's API, and told to it. All functions suspend. */
#ifndef NOTES_FORGE_H
#define NOTES_FORGE_H

#include <sluice/sluice.h>

struct forge {
    int is_gitlab;
    const cJSON *options; /* api, token */
    const char *fail_at;  /* level of risk from which a status is a failure */
};

/* Fetches the diff of a task's change, scores it, and writes the status at its commit. */
int forge_score(sl_call *call, const struct forge *forge, const cJSON *task);
/* Writes the text of a release that has none. */
int forge_release(sl_call *call, const struct forge *forge, const cJSON *task);

/* Why a task from outside cannot be worked on (a name that is none of a repository…), or NULL. */
const char *forge_task_problem(const cJSON *task);

#endif
