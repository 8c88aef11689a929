/* Inside the diff reader: what diff.c (lines and hunks) and diff_header.c (headers, paths) share. */
#ifndef RISK_DIFF_READER_H
#define RISK_DIFF_READER_H

#include "diff.h"

#include <string.h>

enum diff_where {
    DIFF_OUTSIDE, /* before the first file, or in prose between patches */
    DIFF_HEADER,  /* after a line that begins a file */
    DIFF_MAYBE,   /* after a "--- " that may begin a file: the next line decides */
    DIFF_HUNK,
    DIFF_AFTER,  /* a hunk is complete */
    DIFF_BINARY, /* the base85 lines of a git binary patch */
    DIFF_PROPERTIES
};

enum { DIFF_PARENTS = 16 };

struct diff_path {
    char bytes[DIFF_PATH_BYTES];
    size_t len;
    bool known;
    bool null; /* /dev/null */
};

struct diff_reader {
    struct diff_sink sink;
    struct diff_report report;
    uint64_t limit_bytes;
    enum diff_where where;
    struct diff_file file;
    struct diff_path old_path, new_path;
    bool begun;     /* a file's header is being read, the sink does not know yet */
    bool announced; /* the sink knows the file, file_end is due */
    bool exact;     /* the paths carry no a/ b/ prefix */
    uint32_t line_no;
    uint32_t parents;
    uint32_t old_left[DIFF_PARENTS], new_left;
    uint32_t old_no, new_no;
    uint32_t first_text_line; /* first line that is not blank */
    char *carry;              /* a line cut by the end of a chunk */
    size_t carry_len, carry_room;
    bool out_of_memory;
};

/* Here, so that the length of a written-out prefix costs nothing. */
static inline bool diff_starts(struct diff_text text, const char *prefix) {
    const size_t len = strlen(prefix);
    return text.len >= len && memcmp(text.at, prefix, len) == 0;
}

void diff_note(struct diff_reader *r, const char *what);
void diff_begin_file(struct diff_reader *r);
void diff_announce(struct diff_reader *r);
void diff_end_file(struct diff_reader *r);

/* Reads one line that is not inside a hunk. */
void diff_header_line(struct diff_reader *r, struct diff_text line);

/* "@@ -1,2 +3,4 @@ section", any number of parents; false when it is not one. */
bool diff_hunk_header(struct diff_reader *r, struct diff_text line);

/* Copies a path of a header line: unquotes it, cuts time stamps, knows /dev/null. */
void diff_take_path(struct diff_reader *r, struct diff_path *path, struct diff_text text);
void diff_git_paths(struct diff_reader *r, struct diff_text text);
void diff_strip_prefixes(struct diff_reader *r);

#endif
