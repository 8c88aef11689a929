/*
 * Danger signals other than secrets: data. A row fires when one of its keywords stands in a line and
 * its expression matches around that line. How they are looked for: signals.c.
 */
#ifndef RISK_DANGERS_H
#define RISK_DANGERS_H

#include "finding.h"

/* Where a row applies; a file may be in several places. */
enum danger_where {
    IN_YAML = 1,      /* Kubernetes and other declarations */
    IN_DOCKER = 2,    /* Dockerfile and the like */
    IN_TERRAFORM = 4, /* .tf, .hcl, CloudFormation */
    IN_CI = 8,
    IN_SHELL = 16, /* scripts, also inside Dockerfiles and CI */
    IN_SQL = 32,   /* migrations and .sql */
    IN_SOURCE = 64,
    IN_TEST = 128,
    IN_MANIFEST = 256,
    IN_CONFIG = 512, /* any configuration or infrastructure file */
    IN_MIGRATION = 1024
};

/* Lines that are only counted; what the counts mean is told at the end of the file or change. */
enum danger_tally {
    TALLY_NONE,
    TALLY_ASSERTIONS,
    TALLY_CONTAINERS,
    TALLY_LIMITS,
    TALLY_WAY_DOWN, /* from here on a migration undoes itself */
    TALLY_COUNT
};

struct danger {
    const char *id;
    const char *family;
    enum severity severity;
    uint32_t where;
    bool deleted; /* looks at deleted lines */
    enum danger_tally tally;
    const char *keywords; /* lower case, split by '\n' */
    const char *pattern;  /* searched in the keyword's line and the next; NULL: the keyword does */
    const char *unless;   /* expression that takes it back; NULL: none */
    const char *means;
    const char *fix;
};

extern const struct danger dangers[];
extern const size_t danger_count;

#endif
