/*
 * One file of a work tree, written and committed by libgit2. In a module of its own (rollout-git.so,
 * loaded on first use), because libgit2 costs three megabytes that most servers never need. Blocks:
 * run it beside the loop.
 *
 * First the file, then the index, then the commit: whatever a crash leaves behind is either what HEAD
 * has or what is wanted, so a repetition goes on, and the commit exists once.
 */
#ifndef ROLLOUT_GIT_COMMIT_H
#define ROLLOUT_GIT_COMMIT_H

#include <stddef.h>
#include <stdint.h>

enum {
    GIT_WALK_MOST = 20000,   /* commits that are looked through for a trailer */
    GIT_FILE_MOST = 16 << 20 /* bytes of a file that is there already */
};

enum git_outcome {
    GIT_WRITTEN = 1,
    GIT_FOUND,      /* the commit was there already */
    GIT_SAME,       /* HEAD has this content: nothing to commit */
    GIT_SUPERSEDED, /* a later deployment of the service is there already: the older stays away */
    GIT_REFUSED     /* somebody has to tidy up, or to wait; nothing was changed */
};

/* All borrowed. */
struct git_write_ask {
    const char *repository; /* a work tree; folders above it are not searched */
    const char *folder, *file;
    const char *text; /* NULL: the file goes */
    size_t size;
    const char *message;
    const char *deployment, *cause, *service; /* as in the message's trailers */
    const char *author, *mail;
    int64_t at_s;
    const char *push; /* name of a remote whose URL is a folder; NULL: none */
};

struct git_write_told {
    enum git_outcome outcome;
    char commit[41]; /* of GIT_WRITTEN and GIT_FOUND */
    char error[400]; /* of GIT_REFUSED */
};

typedef void (*git_write_fn)(const struct git_write_ask *ask, struct git_write_told *told);
__attribute__((visibility("default"))) void rollout_git_write(const struct git_write_ask *ask,
                                                              struct git_write_told *told);

#endif
