/*
 * Looks for danger signals in the lines of a diff: secrets, infrastructure, database, code and
 * tests. `struct signals` is built once and read-only; a run belongs to one diff. Pure.
 */
#ifndef RISK_SIGNALS_H
#define RISK_SIGNALS_H

#include "change.h"
#include "finding.h"

struct score_input;
struct signals;

/* One side of a file, gathered: an expression may look at the next lines too. */
struct signals_line {
    uint32_t from;   /* offset in the text */
    uint32_t number; /* in the file */
};

struct signals_side {
    char *text;
    size_t len, room;
    struct signals_line *lines;
    size_t line_count, lines_room;
};

/* A dependency whose version was taken away: its line without the version, and the version. */
struct signals_version {
    uint64_t name;
    uint32_t major;
};

enum { SIGNALS_TALLIES = 8, SIGNALS_VERSIONS = 128 };

struct signals_search;

struct signals_run {
    struct signals_search *search; /* NULL: memory is out, nothing is found */
    const struct signals *signals;
    struct findings *found;
    const struct change *change;
    struct diff_text path; /* valid until the file ends */
    uint32_t says;         /* enum path_says */
    int32_t file;
    enum file_kind kind;
    uint32_t where; /* enum danger_where */
    bool created, secrets_here, way_down;
    size_t keyword_len; /* of the keyword that is being tried */
    int32_t tallies[SIGNALS_TALLIES];
    int32_t assertions; /* added less deleted ones, whole change */
    struct signals_side added, deleted;
    uint32_t version_count;
    struct signals_version versions[SIGNALS_VERSIONS]; /* last: not cleared with the rest */
};

/* NULL when memory is out or a rule does not compile (then `why` says which). */
struct signals *signals_new(char why[160]);
void signals_free(struct signals *signals);

void signals_begin(struct signals_run *run, const struct signals *signals, struct findings *found);
void signals_on_file(struct signals_run *run, const struct diff_file *file,
                     const struct change *change);
void signals_on_hunk(struct signals_run *run, const struct diff_hunk *hunk);
void signals_on_line(struct signals_run *run, const struct diff_line *line);
void signals_on_file_end(struct signals_run *run, const struct diff_file *file);
/* What only the whole change tells. */
void signals_end(struct signals_run *run, const struct change *change);

/* Signals of the deployment request itself: image tag, replicas. */
void signals_on_request(const struct score_input *in, struct findings *found);

#endif
