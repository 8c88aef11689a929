/*
 * What a git repository tells of a range of commits: its diff, its messages, and the history of the
 * files it touches. In a module of its own (risk-git.so, loaded on first use), because libgit2 costs
 * three megabytes that most servers never need. Blocks: run it beside the loop.
 */
#ifndef RISK_GIT_REPO_H
#define RISK_GIT_REPO_H

#include "feature.h"

struct repo_ask {
    const char *path;
    const char *range;     /* "A..B", "A...B" (from their merge base), or one commit */
    uint32_t most_commits; /* of history that are walked */
    uint32_t most_ms;      /* and for how long */
    /* Facts that are known already spare the walk; may be NULL. Called in the reading's thread. */
    bool (*recall)(void *of, const char *key, struct history_facts *facts);
    void *of;
};

enum { REPO_KEY_BYTES = 84 };

struct repo_told {
    char *diff; /* malloc'ed, ends in NUL, as the message */
    size_t diff_len;
    char *message;
    int64_t authored_s;
    int32_t zone_minutes;
    struct history_facts facts;
    char key[REPO_KEY_BYTES]; /* of the two commits that the facts belong to */
    uint32_t walked;          /* commits */
    bool cut;                 /* the walk ended by a limit: there is more history */
    char error[200];
};

/* 0, or -1 with error set. repo_drop is due in both cases. */
typedef int (*repo_read_fn)(const struct repo_ask *ask, struct repo_told *told);
typedef void (*repo_drop_fn)(struct repo_told *told);

__attribute__((visibility("default"))) int risk_repo_read(const struct repo_ask *ask,
                                                          struct repo_told *told);
__attribute__((visibility("default"))) void risk_repo_drop(struct repo_told *told);

#endif
