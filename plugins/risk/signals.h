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

struct signals_run {
    const struct signals *signals;
    struct findings *found;
    const struct change *change;
    struct diff_text path; /* valid until the file ends */
    int32_t file;
    uint64_t wanted; /* groups of rules that this file's kind and path allow */
    bool skip_secrets;
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
