/*
 * The next version after a set of commits: Semantic Versioning 2.0.0, and the rules of the tools that
 * teams come from under their own option names. Pure.
 */
#ifndef NOTES_VERSION_H
#define NOTES_VERSION_H

#include "conventional.h"

#include <regex.h>

enum { VERSION_TEXT = 128, VERSION_RULES_MOST = 64 };

enum bump { BUMP_NONE, BUMP_PATCH, BUMP_MINOR, BUMP_MAJOR };

enum versioning {
    /* The specification: fix patches, feat is minor, breaking is major, other types bump nothing;
     * release rules add to it. A pre-release counts on. */
    VERSION_CONVENTIONAL,
    VERSION_GIT_CLIFF,      /* as the first, but any other commit patches */
    VERSION_RELEASE_PLEASE, /* its default strategy */
    VERSION_ALWAYS_MAJOR,   /* release-please's always-bump-* … */
    VERSION_ALWAYS_MINOR,
    VERSION_ALWAYS_PATCH,
    VERSION_PRERELEASE,      /* …and prerelease */
    VERSION_SEMANTIC_RELEASE /* feat minor, fix perf revert patch; release rules win */
};

/* A rule of semantic-release: what is not given fits everything; patterns as fnmatch(3). */
struct version_rule {
    const char *type, *scope; /* NULL: any */
    int breaking;             /* -1: any */
    enum bump bump;           /* BUMP_NONE: no release */
};

struct version_options {
    enum versioning versioning;
    bool features_always_bump_minor;            /* below 1.0 too (git-cliff); default true */
    bool breaking_always_bump_major;            /* below 1.0 too (git-cliff); default true */
    bool bump_minor_pre_major;                  /* breaking is minor below 1.0 (release-please) */
    bool bump_patch_for_minor_pre_major;        /* feat is patch below 1.0 (release-please) */
    bool prerelease;                            /* stay in pre-releases (release-please) */
    const char *prerelease_type;                /* "beta"; NULL: none */
    const char *initial_tag;                    /* when there is no version yet; NULL: "0.1.0" */
    const regex_t *no_increment;                /* types that bump nothing (git-cliff) */
    const regex_t *custom_major, *custom_minor; /* types that bump so (git-cliff) */
    const struct version_rule *rules;
    size_t rule_count;
};

struct version {
    char prefix[64]; /* "v", "service/v" */
    uint64_t major, minor, patch;
    char pre[64], build[64];
};

/* What decided: index of a commit, or -1. */
struct version_next {
    char text[VERSION_TEXT];
    enum bump bump;
    int decided_by;
};

/* false when there is no MAJOR.MINOR.PATCH at the end of the text. */
bool version_read(const char *text, struct version *out);
void version_write(const struct version *version, char out[VERSION_TEXT]);

/* `from` NULL or "": the initial tag. false when `from` is no version. */
bool version_next(const char *from, const struct cc_commit *const *commits, size_t count,
                  const struct version_options *options, struct version_next *out);

const char *bump_name(enum bump bump); /* "major", "minor", "patch", NULL for none */

#endif
