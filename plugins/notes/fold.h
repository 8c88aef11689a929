/*
 * From commits to entries: merges, squashes, fixups and reverts are folded, nothing is lost: each
 * commit has a fate, and the fates add up to the commits that came in. Pure; memory is malloc'ed.
 */
#ifndef NOTES_FOLD_H
#define NOTES_FOLD_H

#include "conventional.h"

enum { FOLD_COMMITS_MOST = 100000 };

enum section {
    SECTION_SECURITY,
    SECTION_FEATURES,
    SECTION_FIXES,
    SECTION_PERFORMANCE,
    SECTION_REVERTS,
    SECTION_DEPRECATED,
    SECTION_REMOVED,
    SECTION_DOCS,
    SECTION_REFACTORING,
    SECTION_TESTS,
    SECTION_BUILD,
    SECTION_CHORES,
    SECTION_OTHER,
    SECTIONS
};

enum fate {
    FATE_LISTED,
    FATE_MERGE,     /* only joins what other commits tell */
    FATE_DUPLICATE, /* the same change again: a squash, a cherry-pick */
    FATE_FIXUP,     /* fixup!, squash!, amend! */
    FATE_REVERTED,  /* taken back within the range */
    FATE_REVERT,    /* and what took it back */
    FATES
};

/* What is known of one commit; texts are borrowed for as long as the notes. */
struct note_commit {
    const char *id; /* hash, or "" */
    const char *author, *email, *risk_level, *url;
    const char *files; /* "a.c, b.c and 3 more"; NULL: not known */
    int64_t at_s;
    uint32_t parents;    /* 0: unknown */
    uint32_t pr;         /* of the forge, 0: read from the message */
    struct span message; /* cleaned (cc_clean) */

    /* filled by fold */
    struct cc_commit cc;
    struct span title; /* without the number of a pull request */
    enum fate fate;
    enum section section;
    bool security, is_merge, is_revert;
    uint32_t into;  /* which entry it went into: index of a commit; its own when listed */
    uint32_t other; /* of a revert: index + 1 of what it takes back, 0: not in the range */
    uint32_t next;  /* index + 1 of the next commit that went into the same entry */
};

struct notes {
    struct note_commit *commits; /* the caller's, in the caller's order */
    size_t count;
    size_t fates[FATES], sections[SECTIONS], breaking; /* sections: listed ones */
};

/* 0, or -1 when memory is out. */
int fold(struct notes *notes);

const char *section_name(enum section section); /* "features" */
const char *fate_name(enum fate fate);

/* "CVE-2024-1234" or "GHSA-xxxx-xxxx-xxxx" from `*at` on; NULL span when there is none left. `*at`
 * moves behind it. */
struct span next_advisory(struct span text, size_t *at);

#endif
