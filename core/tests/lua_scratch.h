/* lua_scratch.h - a folder of files for one test, removed at its end. */
#ifndef SLUICE_TEST_LUA_SCRATCH_H
#define SLUICE_TEST_LUA_SCRATCH_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
    char path[64], at[256];
};

static inline const char *scratch_at(struct scratch *scratch, const char *name) {
    snprintf(scratch->at, sizeof scratch->at, "%s/%s", scratch->path, name);
    return scratch->at;
}

static inline void scratch_make(struct scratch *scratch) {
    strcpy(scratch->path, "/tmp/sluice-lua-XXXXXX");
    if (!mkdtemp(scratch->path)) abort();
}

static inline const char *scratch_folder(struct scratch *scratch, const char *name) {
    if (mkdir(scratch_at(scratch, name), 0700) != 0) abort();
    return scratch->at;
}

static inline void scratch_write(struct scratch *scratch, const char *name, const char *text) {
    /* A new inode each time, as editors do: no test depends on the clock of the file system. */
    char fresh[300];
    snprintf(fresh, sizeof fresh, "%s.new", scratch_at(scratch, name));
    FILE *file = fopen(fresh, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || rename(fresh, scratch->at) != 0)
        abort();
}

static inline void scratch_remove(struct scratch *scratch, const char *name) {
    if (unlink(scratch_at(scratch, name)) != 0) abort();
}

static inline int scratch_drop(const char *path, const struct stat *status, int type,
                               struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static inline void scratch_clean(struct scratch *scratch) {
    nftw(scratch->path, scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
