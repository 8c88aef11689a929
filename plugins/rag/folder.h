/* folder.h - the documents below a folder: their names, and what is in those that are wanted. Pure
 * but for reading files; blocks, so it runs beside the loop. Links are not followed. */
#ifndef RAG_FOLDER_H
#define RAG_FOLDER_H

#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

enum folder_limits { FOLDER_FILES = 20000, FOLDER_DEPTH = 24 };

struct folder_file {
    const char *path; /* below the folder, "a/b.md" */
    int64_t size, mtime_ns;
    char *text;        /* of folder_read; malloc'ed by the pool */
    const char *error; /* why it was not read */
};

struct folder {
    struct folder_file *files; /* sorted by path */
    size_t count;
    bool git;      /* a work tree of git */
    char head[64]; /* the commit that is checked out there, "" when it is not known */
    char error[200];
};

/* Lists. 0, or -1 with error set. */
int folder_list(struct folder *folder, struct pool *pool, const char *root);
/* Reads one file of the list: text, or error. */
void folder_read(struct folder_file *file, struct pool *pool, const char *root);

#endif
