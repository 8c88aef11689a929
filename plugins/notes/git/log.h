/*
 * Commits of a range, read by libgit2. In a module of its own (notes-git.so, loaded on first use),
 * because libgit2 costs three megabytes that most servers never need. Blocks: run it beside the loop.
 */
#ifndef NOTES_GIT_LOG_H
#define NOTES_GIT_LOG_H

#include <stddef.h>
#include <stdint.h>

enum { GIT_LOG_MOST = 100000 };

struct git_log_ask {
    const char *path;
    const char *from, *to; /* from NULL or "": the nearest tag before `to`, else the beginning */
    const char *const *folders; /* only commits that touch one of them; NULL-ended, may be NULL */
    uint32_t most;
};

struct git_log_commit {
    char id[41];
    char *message, *author, *email; /* malloc'ed, UTF-8 is not promised */
    int64_t at_s;
    uint32_t parents;
};

struct git_log_told {
    struct git_log_commit *commits; /* newest first */
    size_t count;
    char from[256]; /* the tag that was found */
    int cut;        /* there are more than `most` */
    char error[200];
};

/* 0, or -1 with error set. The drop is due in both cases. */
typedef int (*git_log_fn)(const struct git_log_ask *ask, struct git_log_told *told);
typedef void (*git_log_drop_fn)(struct git_log_told *told);

__attribute__((visibility("default"))) int notes_git_log(const struct git_log_ask *ask,
                                                         struct git_log_told *told);
__attribute__((visibility("default"))) void notes_git_log_drop(struct git_log_told *told);

#endif
