/* What a file is, judged by its path alone. Pure. */
#ifndef RISK_KIND_H
#define RISK_KIND_H

#include "diff.h"

enum file_kind {
    KIND_SOURCE,
    KIND_TEST,
    KIND_DOCS,
    KIND_CONFIG,
    KIND_INFRA,     /* containers, Kubernetes, Terraform, CI */
    KIND_MIGRATION, /* database schema changes */
    KIND_MANIFEST,  /* declared dependencies and build files */
    KIND_LOCK,      /* resolved dependencies */
    KIND_GENERATED,
    KIND_OTHER,
    KIND_COUNT
};

/* How comments look and whether words of control flow mean anything. */
enum file_syntax { SYNTAX_NONE, SYNTAX_SLASHES, SYNTAX_HASH, SYNTAX_DASHES };

/* Which of the rules for paths may hold, by what is cheap to know: a bit a rule. */
enum { KIND_RULES_MOST = 192, KIND_SETS = 64 };
struct kind_set {
    uint64_t bits[KIND_RULES_MOST / 64];
};
struct kinds {
    struct kind_set by_first[KIND_SETS];  /* byte of the name (its low six bits) */
    struct kind_set by_last[KIND_SETS];   /* byte of the name */
    struct kind_set by_folder[KIND_SETS]; /* length of a folder's name */
    struct kind_set always;
};

void kinds_init(struct kinds *kinds);
enum file_kind kind_of(const struct kinds *kinds, struct diff_text path);
enum file_syntax kind_syntax(struct diff_text path);
const char *kind_name(enum file_kind kind);

/* Small path questions, also used by the danger signals. */
bool path_ends(struct diff_text path, const char *tail); /* ignores ASCII case */
struct diff_text path_name(struct diff_text path);       /* the last component */
size_t path_folder_len(struct diff_text path);           /* bytes before the last '/', or 0 */
size_t path_root_len(struct diff_text path);             /* bytes before the first '/', or 0 */

#endif
