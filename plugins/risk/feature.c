#include "feature.h"

#include <math.h>
#include <string.h>

#define VALUE(name, expression)                                                                    \
    static double name(const struct feature_input *in) {                                           \
        const struct change *c = in->change;                                                       \
        return (double)(expression);                                                               \
    }

VALUE(v_la, c->added)
VALUE(v_ld, c->deleted)
VALUE(v_nf, c->file_count)
VALUE(v_nd, c->folders)
VALUE(v_ns, c->roots)
VALUE(v_ent, c->entropy)
VALUE(v_hunks, c->from_diff ? (double)c->hunks : NAN)
VALUE(v_ctl, c->from_diff ? (double)c->words.branches : NAN)
VALUE(v_ctl_deleted, c->from_diff ? (double)c->words.branches_deleted : NAN)
VALUE(v_conc, c->from_diff ? (double)c->words.concurrency : NAN)
VALUE(v_exc, c->from_diff ? (double)c->words.exceptions : NAN)
VALUE(v_nul, c->from_diff ? (double)c->words.nulls : NAN)
VALUE(v_todo, c->from_diff ? (double)c->words.todos : NAN)
VALUE(v_code, c->from_diff ? (double)c->words.code : NAN)
VALUE(v_src_added, c->added_by[KIND_SOURCE])
VALUE(v_test_added, c->added_by[KIND_TEST])
VALUE(v_src_files, c->files_by[KIND_SOURCE])
VALUE(v_config_files, c->files_by[KIND_CONFIG])
VALUE(v_infra_files, c->files_by[KIND_INFRA])
VALUE(v_migrations, c->files_by[KIND_MIGRATION])
VALUE(v_manifests, c->files_by[KIND_MANIFEST])
VALUE(v_locks, c->files_by[KIND_LOCK])
VALUE(v_generated, c->files_by[KIND_GENERATED])
VALUE(v_new_files, c->from_diff ? (double)c->files_how[DIFF_CREATED] : NAN)
VALUE(v_renamed, c->files_how[DIFF_RENAMED])
VALUE(v_removed, c->from_diff ? (double)c->files_how[DIFF_REMOVED] : NAN)
VALUE(v_binary, c->binary_files)
VALUE(v_fix, c->message.known ? (double)c->message.fix : NAN)
VALUE(v_revert, c->message.known ? (double)c->message.revert : NAN)
VALUE(v_refactor, c->message.known ? (double)c->message.refactor : NAN)
/* The author writes the message, so its words must not outweigh code that branches. */
VALUE(v_docw, c->message.known ? (double)(c->message.docs && !c->words.branches) : NAN)
VALUE(v_featurew, c->message.known ? (double)c->message.feature : NAN)
VALUE(v_speedw, c->message.known ? (double)c->message.speed : NAN)
VALUE(v_versionw, c->message.known ? (double)c->message.version : NAN)
VALUE(v_issue, c->message.known ? (double)c->message.issue : NAN)
VALUE(v_words, c->message.known ? (double)c->message.words : NAN)

static double share(double part, double whole) {
    return whole > 0 ? part / whole : 0;
}

VALUE(v_deleted_share, share((double)c->deleted, (double)(c->added + c->deleted)))
VALUE(v_comment_share,
      c->from_diff ? share((double)c->words.comments, (double)(c->words.comments + c->words.code))
                   : NAN)
VALUE(v_no_tests, c->files_by[KIND_SOURCE] > 0 && c->files_by[KIND_TEST] == 0)
VALUE(v_tests_only, c->files_by[KIND_TEST] > 0 && c->files_by[KIND_TEST] == c->file_count)
VALUE(v_docs_only, c->files_by[KIND_DOCS] > 0 && c->files_by[KIND_DOCS] == c->file_count)
VALUE(v_new_share, c->from_diff ? share((double)c->files_how[DIFF_CREATED], c->file_count) : NAN)

static double v_hour(const struct feature_input *in) {
    if (!in->authored_s) return NAN;
    const int64_t local = in->authored_s + (int64_t)in->zone_minutes * 60;
    const int64_t hour = ((local % 86400) + 86400) % 86400 / 3600;
    return (double)hour;
}

static double v_weekday(const struct feature_input *in) {
    if (!in->authored_s) return NAN;
    const int64_t days = (in->authored_s + (int64_t)in->zone_minutes * 60) / 86400;
    return (double)((days + 3) % 7 + 1); /* 1970-01-01 was a Thursday; 1 = Monday */
}

#define HISTORY(name, member)                                                                      \
    static double name(const struct feature_input *in) {                                           \
        return in->history && in->history->known ? in->history->member : NAN;                      \
    }

HISTORY(v_age, age_days)
HISTORY(v_ndev, developers)
HISTORY(v_nuc, changes)
HISTORY(v_pfix, fixes)
HISTORY(v_pfix_max, fixes_most)
HISTORY(v_exp, author_changes)
HISTORY(v_rexp, author_recent)
HISTORY(v_sexp, author_subsystem)

const struct feature features[] = {
    {"la", "lines added", "lines", "added lines of all files", FROM_NUMSTAT, "line added",
     "lines added", v_la},
    {"ld", "lines deleted", "lines", "deleted lines of all files", FROM_NUMSTAT, "line deleted",
     "lines deleted", v_ld},
    {"nf", "files", "files", "files in the change", FROM_NUMSTAT, "file touched", "files touched",
     v_nf},
    {"nd", "directories", "directories", "different directories of the files", FROM_NUMSTAT,
     "directory touched", "directories touched", v_nd},
    {"ns", "subsystems", "subsystems", "different first path components", FROM_NUMSTAT,
     "subsystem touched", "subsystems touched", v_ns},
    {"ent", "spread", "bits", "entropy of the changed lines over the files", FROM_NUMSTAT,
     "bit of spread over files", "bits of spread over files", v_ent},
    {"hunks", "hunks", "hunks", "separate places of change", FROM_DIFF, "hunk", "hunks", v_hunks},
    {"ctl", "branches added", "tokens",
     "branching words and operators in added source, tests left out", FROM_DIFF,
     "branching token in added source", "branching tokens in added source", v_ctl},
    {"ctl_deleted", "branches deleted", "tokens", "the same in deleted source", FROM_DIFF,
     "branching token in deleted source", "branching tokens in deleted source", v_ctl_deleted},
    {"conc", "concurrency", "tokens", "locks, threads, atomics, await in added source", FROM_DIFF,
     "concurrency word in added source", "concurrency words in added source", v_conc},
    {"exc", "exceptions", "tokens", "try, throw, raise, panic in added source", FROM_DIFF,
     "exception word in added source", "exception words in added source", v_exc},
    {"nul", "null handling", "tokens", "null, None, nil in added source", FROM_DIFF,
     "null in added source", "nulls in added source", v_nul},
    {"todo", "open ends", "tokens", "TODO, FIXME, XXX, HACK in added source", FROM_DIFF,
     "TODO added", "TODOs added", v_todo},
    {"code", "code lines", "lines", "added source lines that are neither blank nor comment",
     FROM_DIFF, "line of code added", "lines of code added", v_code},
    {"src_added", "source added", "lines", "added lines in source files", FROM_NUMSTAT,
     "source line added", "source lines added", v_src_added},
    {"test_added", "tests added", "lines", "added lines in test files", FROM_NUMSTAT,
     "test line added", "test lines added", v_test_added},
    {"src_files", "source files", "files", "source files touched", FROM_NUMSTAT,
     "source file touched", "source files touched", v_src_files},
    {"config_files", "configuration files", "files", "configuration files touched", FROM_NUMSTAT,
     "configuration file touched", "configuration files touched", v_config_files},
    {"infra_files", "infrastructure files", "files",
     "container, Kubernetes, Terraform and CI files", FROM_NUMSTAT, "infrastructure file touched",
     "infrastructure files touched", v_infra_files},
    {"migrations", "migrations", "files", "database migration files", FROM_NUMSTAT,
     "migration touched", "migrations touched", v_migrations},
    {"manifests", "build files", "files", "dependency manifests and build files", FROM_NUMSTAT,
     "build file touched", "build files touched", v_manifests},
    {"locks", "lock files", "files", "files of resolved dependencies", FROM_NUMSTAT,
     "lock file touched", "lock files touched", v_locks},
    {"generated", "generated files", "files", "generated files", FROM_NUMSTAT,
     "generated file touched", "generated files touched", v_generated},
    {"new_files", "new files", "files", "files created", FROM_DIFF, "file created", "files created",
     v_new_files},
    {"new_share", "share of new files", "share", "created files of all files", FROM_DIFF,
     "share of new files", "share of new files", v_new_share},
    {"renamed", "renames", "files", "files renamed", FROM_NUMSTAT, "file renamed", "files renamed",
     v_renamed},
    {"removed", "removed files", "files", "files removed", FROM_DIFF, "file removed",
     "files removed", v_removed},
    {"binary", "binary files", "files", "binary files", FROM_NUMSTAT, "binary file", "binary files",
     v_binary},
    {"deleted_share", "deleted share", "share", "deleted of all changed lines", FROM_NUMSTAT,
     "share of deleted lines", "share of deleted lines", v_deleted_share},
    {"comment_share", "comment share", "share", "comments of the added source", FROM_DIFF,
     "share of comments", "share of comments", v_comment_share},
    {"no_tests", "no tests touched", "yes/no", "source is touched, tests are not", FROM_NUMSTAT,
     NULL, NULL, v_no_tests},
    {"tests_only", "tests only", "yes/no", "only tests are touched", FROM_NUMSTAT, NULL, NULL,
     v_tests_only},
    {"docs_only", "documentation only", "yes/no", "only documentation is touched", FROM_NUMSTAT,
     NULL, NULL, v_docs_only},
    {"fix", "a fix", "yes/no", "the message speaks of a fix or a fault", FROM_MESSAGE, NULL, NULL,
     v_fix},
    {"revert", "a revert", "yes/no", "the message speaks of a revert", FROM_MESSAGE, NULL, NULL,
     v_revert},
    {"refactor", "a refactoring", "yes/no", "the message speaks of restructuring", FROM_MESSAGE,
     NULL, NULL, v_refactor},
    {"docw", "documentation words", "yes/no",
     "the message speaks of documentation and no branch is added", FROM_MESSAGE, NULL, NULL,
     v_docw},
    {"featurew", "feature words", "yes/no", "the message speaks of something new", FROM_MESSAGE,
     NULL, NULL, v_featurew},
    {"speedw", "performance words", "yes/no", "the message speaks of speed, caches or threads",
     FROM_MESSAGE, NULL, NULL, v_speedw},
    {"versionw", "version words", "yes/no", "the message speaks of versions or dependencies",
     FROM_MESSAGE, NULL, NULL, v_versionw},
    {"issue", "issue reference", "yes/no", "the message names an issue", FROM_MESSAGE, NULL, NULL,
     v_issue},
    {"words", "message length", "words", "words of the message", FROM_MESSAGE,
     "word in the message", "words in the message", v_words},
    {"hour", "hour", "hour of day", "local hour of authorship; shown, never scored", FROM_TIME,
     "o'clock", "o'clock", v_hour},
    {"weekday", "weekday", "1 = Monday", "local weekday of authorship; shown, never scored",
     FROM_TIME, "day of the week", "day of the week", v_weekday},
    {"age", "age", "days", "mean days since the touched files last changed", FROM_HISTORY,
     "day since the last change", "days since the last change", v_age},
    {"ndev", "developers", "people", "developers who changed the touched files", FROM_HISTORY,
     "earlier developer", "earlier developers", v_ndev},
    {"nuc", "earlier changes", "changes", "earlier changes of the touched files", FROM_HISTORY,
     "earlier change of these files", "earlier changes of these files", v_nuc},
    {"pfix", "earlier fixes", "changes", "earlier fixes of the touched files", FROM_HISTORY,
     "earlier fix in these files", "earlier fixes in these files", v_pfix},
    {"pfix_max", "earlier fixes, most", "changes",
     "earlier fixes of the touched file that has most", FROM_HISTORY, "earlier fix in one file",
     "earlier fixes in one file", v_pfix_max},
    {"exp", "author's changes", "changes", "earlier changes of the author; shown, never scored",
     FROM_HISTORY, "earlier change of the author", "earlier changes of the author", v_exp},
    {"rexp", "author's recent changes", "changes",
     "the same, weighted by recency; shown, never scored", FROM_HISTORY,
     "recent change of the author", "recent changes of the author", v_rexp},
    {"sexp", "author's changes here", "changes",
     "earlier changes of the author in the subsystem; shown, never scored", FROM_HISTORY,
     "change of the author here", "changes of the author here", v_sexp},
};

const size_t feature_count = sizeof features / sizeof *features;

_Static_assert(sizeof features / sizeof *features <= FEATURES_MOST,
               "arrays of values are that long");

int feature_find(const char *id) {
    for (size_t i = 0; i < feature_count; i++)
        if (strcmp(features[i].id, id) == 0) return (int)i;
    return -1;
}

void features_measure(const struct feature_input *in, double *values) {
    for (size_t i = 0; i < feature_count; i++) values[i] = features[i].value(in);
}

const char *feature_source_name(enum feature_source source) {
    static const char *const names[] = {"numstat", "diff", "message", "time", "history"};
    return names[source];
}
