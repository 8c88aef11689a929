/* rca_inside.h - what rca.c and rca_rank.c share. */
#ifndef INCIDENT_RCA_INSIDE_H
#define INCIDENT_RCA_INSIDE_H

#include "rca.h"

#define STEP_START (UINT64_C(1) << 32) /* or-ed with the span's operation */
#define STEP_END   UINT32_MAX

struct step {
    uint32_t service, count;
    uint64_t from;
    uint32_t to;
};

struct edge {
    uint32_t caller, callee, count;
    double wait_ms; /* median of the window */
};

struct load {
    uint32_t service;
    double highest, usual;
};

struct rca_list {
    void *items;
    size_t count, room;
};

struct rca_window {
    size_t most, left_out, span_count;
    uint64_t keep; /* traces whose hash is above are left out */
    struct rca_list spans, logs;
    /* once closed; sorted */
    struct step *steps; /* by service, from, to */
    size_t step_count;
    struct edge *edges; /* by callee, caller */
    size_t edge_count;
    struct load *loads;
    size_t load_count;
};

#endif
