/*
 * One change, measured: totals, its files, and its heaviest hunks. Fed by the diff reader, by a
 * numstat or by hand. Pure; memory is malloc'ed and grows with the number of files only.
 */
#ifndef RISK_CHANGE_H
#define RISK_CHANGE_H

#include "diff.h"
#include "lexicon.h"
#include "message.h"

enum { CHANGE_HOT_HUNKS = 8 };

struct change_file {
    uint32_t path_at, path_len; /* in change.paths */
    uint32_t added, deleted, branches;
    uint32_t line; /* of the input */
    uint8_t kind;  /* enum file_kind */
    uint8_t how;   /* enum diff_change */
    bool binary;
};

struct change_hunk {
    uint32_t file; /* index in change.files */
    uint32_t start, added, deleted, branches;
};

struct change_words {
    uint64_t branches, branches_deleted, concurrency, exceptions, nulls, todos;
    uint64_t code, comments; /* added lines of source that are neither blank … nor code */
};

struct change_places; /* the set of folders and roots seen */

struct change {
    bool from_diff; /* lines were seen, so the words are known */
    bool from_numstat;
    uint64_t added, deleted;
    uint64_t added_by[KIND_COUNT], deleted_by[KIND_COUNT];
    uint32_t files_by[KIND_COUNT], files_how[DIFF_COPIED + 1];
    uint32_t binary_files, submodules, mode_changes;
    uint32_t folders, roots, hunks;
    double entropy;            /* bits, over the files' changed lines; set by change_close */
    struct change_words words; /* of source files; tests are not counted */
    struct message_words message;

    struct change_file *files;
    uint32_t file_count, file_room;
    char *paths;
    uint32_t paths_len, paths_room;
    struct change_hunk hot[CHANGE_HOT_HUNKS]; /* heaviest first after change_close */
    uint32_t hot_count;
    bool out_of_memory; /* sticky; the totals are then too small */

    /* while reading */
    const struct lexicon *lexicon;
    struct change_places *places;
    struct change_hunk now;
    enum file_syntax syntax;
};

/* The lexicon is borrowed for as long as the change is fed. */
void change_init(struct change *change, const struct lexicon *lexicon);
void change_fini(struct change *change);

/* The diff reader's sink functions; `of` is a struct change. */
void change_on_file(void *of, const struct diff_file *file);
void change_on_hunk(void *of, const struct diff_hunk *hunk);
void change_on_line(void *of, const struct diff_line *line);
void change_on_file_end(void *of, const struct diff_file *file);

/* A file of which only the numbers are known. */
void change_add_file(struct change *change, struct diff_text path,
                     const struct change_file *numbers);

/* Computes what needs the whole: entropy, the order of the hot hunks. */
void change_close(struct change *change);

struct diff_text change_path(const struct change *change, uint32_t file);

#endif
