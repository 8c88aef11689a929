/*
 * The unified diff reader: git, svn, Mercurial and plain `diff -u` in one pass, told to a sink line
 * by line. It allocates once (diff_reader_new) and keeps only paths and a line cut by a chunk border,
 * so a diff may come in pieces of any size. Pure: no host, no I/O, never suspends a fiber.
 *
 * A damaged diff is read as far as it makes sense; what was skipped is told by diff_report.notes.
 * Only input in which no file at all was found, or more than the limit of bytes, is an error.
 *
 * Combined diffs (merges, `diff --cc`): a line counts as deleted when any parent's column says '-',
 * else as added when any says '+'.
 */
#ifndef RISK_DIFF_H
#define RISK_DIFF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIFF_LIMIT_BYTES = 8 * 1024 * 1024, DIFF_PATH_BYTES = 4096, DIFF_NOTES = 8 };

/* Borrowed bytes, not terminated, of any encoding. */
struct diff_text {
    const char *at;
    size_t len;
};

enum diff_change { DIFF_MODIFIED, DIFF_CREATED, DIFF_REMOVED, DIFF_RENAMED, DIFF_COPIED };
enum diff_side { DIFF_CONTEXT, DIFF_ADDED, DIFF_DELETED };

struct diff_file {
    struct diff_text path;     /* the new path; the old one when the file is removed */
    struct diff_text old_path; /* equal to path unless renamed or copied */
    enum diff_change change;
    bool binary;
    bool mode_changed;
    bool executable; /* the new mode has the x bit */
    bool submodule;
    bool symlink;
    bool combined;
    uint32_t line; /* of the input, from 1 */
};

struct diff_hunk {
    uint32_t old_start, old_count;
    uint32_t new_start, new_count;
    struct diff_text section; /* the text after the second @@ */
    uint32_t line;
};

struct diff_line {
    enum diff_side side;
    struct diff_text text; /* without the mark and the line end; valid during the call only */
    uint32_t number;       /* in the new file; for deleted lines in the old one */
};

/* Any of the functions may be NULL. file() comes before the file's hunks, file_end() after them. */
struct diff_sink {
    void *of;
    void (*file)(void *of, const struct diff_file *file);
    void (*hunk)(void *of, const struct diff_hunk *hunk);
    void (*line)(void *of, const struct diff_line *line);
    void (*file_end)(void *of, const struct diff_file *file);
    bool changes_only; /* line() is not called for context */
};

struct diff_note {
    uint32_t line;
    char text[96];
};

struct diff_report {
    uint64_t bytes;
    uint32_t files, hunks, lines, added, deleted;
    uint32_t skipped;    /* lines that belonged nowhere */
    uint32_t note_count; /* may exceed DIFF_NOTES; the first ones are kept */
    struct diff_note notes[DIFF_NOTES];
    uint32_t error_line; /* 0 without error */
    char error[160];
};

struct diff_reader;

/* NULL when memory is out. limit_bytes 0 means DIFF_LIMIT_BYTES. The sink is copied. */
struct diff_reader *diff_reader_new(const struct diff_sink *sink, size_t limit_bytes);
void diff_reader_free(struct diff_reader *reader);

/* Reads the next bytes, cut anywhere. 0, or -1 once the limit was passed (then finish says so). */
int diff_feed(struct diff_reader *reader, const char *bytes, size_t len);

/* Ends the reading. 0, or -1 with report->error and error_line set. Blank input is 0 with 0 files. */
int diff_finish(struct diff_reader *reader, struct diff_report *report);

/* All at once: new, feed, finish, free. */
int diff_read(struct diff_text diff, const struct diff_sink *sink, struct diff_report *report);

#endif
