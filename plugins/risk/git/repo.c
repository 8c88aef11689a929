#include "repo.h"

#include "message.h"

#include <git2.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_FILES = 2000, MOST_PEOPLE = 512, MOST_MESSAGE = 16 * 1024, MOST_MESSAGES = 20 };

struct past {
    uint32_t changes, fixes;
    int64_t last_s;
};

struct reading {
    const struct repo_ask *ask;
    struct repo_told *told;
    git_repository *repo;
    git_commit *base, *head;
    git_diff *diff;
    char *paths[MOST_FILES];
    struct past past[MOST_FILES];
    size_t path_count;
    uint64_t people[MOST_PEOPLE];
    uint32_t people_count, author_changes;
    uint32_t changes, fixes;
    uint64_t author;
    int64_t stop_ms;
};

static int fail(struct reading *r, const char *what) {
    const git_error *error = git_error_last();
    snprintf(r->told->error, sizeof r->told->error, "%s: %s", what,
             error && error->message ? error->message : "unknown reason");
    return -1;
}

static int64_t now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static uint64_t hash(const char *text) {
    uint64_t h = 0xcbf29ce484222325ULL;
    for (; *text; text++) h = (h ^ (unsigned char)*text) * 0x100000001b3ULL;
    return h;
}

/* ---- the range ---- */

static int find_commit(struct reading *r, const char *name, git_commit **out) {
    git_object *object = NULL;
    if (git_revparse_single(&object, r->repo, name)) return fail(r, name);
    int rc = git_object_peel((git_object **)out, object, GIT_OBJECT_COMMIT);
    git_object_free(object);
    return rc ? fail(r, name) : 0;
}

static int merge_base(struct reading *r) {
    git_oid oid;
    if (git_merge_base(&oid, r->repo, git_commit_id(r->base), git_commit_id(r->head)))
        return fail(r, "the two commits have nothing in common");
    git_commit_free(r->base);
    r->base = NULL;
    return git_commit_lookup(&r->base, r->repo, &oid) ? fail(r, "the merge base") : 0;
}

static int open_range(struct reading *r) {
    const char *dots = strstr(r->ask->range, "..");
    if (!dots) {
        if (find_commit(r, r->ask->range, &r->head)) return -1;
        /* The first commit of all has no parent: it is compared with nothing. */
        (void)git_commit_parent(&r->base, r->head, 0);
        return 0;
    }
    const bool three = dots[2] == '.';
    char *from = strndup(r->ask->range, (size_t)(dots - r->ask->range));
    const char *to = dots + (three ? 3 : 2);
    int rc = from ? find_commit(r, *from ? from : "HEAD", &r->base) : -1;
    if (!rc) rc = find_commit(r, *to ? to : "HEAD", &r->head);
    if (!rc && three) rc = merge_base(r);
    free(from);
    return rc;
}

/* ---- the diff and the messages ---- */

static int make_diff(struct reading *r) {
    git_tree *before = NULL, *after = NULL;
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    git_buf text = GIT_BUF_INIT;
    int rc = r->base ? git_commit_tree(&before, r->base) : 0;
    if (!rc) rc = git_commit_tree(&after, r->head);
    if (!rc) rc = git_diff_tree_to_tree(&r->diff, r->repo, before, after, &options);
    if (!rc) rc = git_diff_find_similar(r->diff, NULL);
    if (!rc) rc = git_diff_to_buf(&text, r->diff, GIT_DIFF_FORMAT_PATCH);
    if (!rc) {
        r->told->diff = malloc(text.size + 1);
        if (r->told->diff && text.size) memcpy(r->told->diff, text.ptr, text.size);
        if (r->told->diff) r->told->diff[text.size] = '\0';
        r->told->diff_len = r->told->diff ? text.size : 0;
    }
    git_buf_dispose(&text);
    git_tree_free(before);
    git_tree_free(after);
    return rc ? fail(r, "the diff") : 0;
}

static void take_paths(struct reading *r) {
    const size_t count = git_diff_num_deltas(r->diff);
    for (size_t i = 0; i < count && r->path_count < MOST_FILES; i++) {
        const char *path = git_diff_get_delta(r->diff, i)->old_file.path;
        if (path && (r->paths[r->path_count] = strdup(path))) r->path_count++;
    }
}

static int take_messages(struct reading *r) {
    const git_signature *author = git_commit_author(r->head);
    r->told->authored_s = author->when.time;
    r->told->zone_minutes = author->when.offset;
    r->author = hash(author->email ? author->email : "");
    r->told->message = calloc(1, MOST_MESSAGE + 1);
    git_revwalk *walk = NULL;
    if (!r->told->message || git_revwalk_new(&walk, r->repo)) return fail(r, "the messages");
    (void)git_revwalk_push(walk, git_commit_id(r->head));
    if (r->base) (void)git_revwalk_hide(walk, git_commit_id(r->base));
    git_oid oid;
    size_t len = 0;
    for (int i = 0; i < MOST_MESSAGES && git_revwalk_next(&oid, walk) == 0; i++) {
        git_commit *commit = NULL;
        if (git_commit_lookup(&commit, r->repo, &oid)) break;
        const int more = snprintf(r->told->message + len, MOST_MESSAGE - len, "%s\n",
                                  git_commit_message(commit));
        len = more < 0 || len + (size_t)more > MOST_MESSAGE ? MOST_MESSAGE : len + (size_t)more;
        git_commit_free(commit);
    }
    git_revwalk_free(walk);
    return 0;
}

/* ---- the past of the touched files ---- */

static struct past *past_of(struct reading *r, const char *path) {
    for (size_t i = 0; path && i < r->path_count; i++)
        if (strcmp(r->paths[i], path) == 0) return &r->past[i];
    return NULL;
}

static void meet(struct reading *r, uint64_t person) {
    for (uint32_t i = 0; i < r->people_count; i++)
        if (r->people[i] == person) return;
    if (r->people_count < MOST_PEOPLE) r->people[r->people_count++] = person;
}

static void count_commit(struct reading *r, const git_commit *commit, const git_diff *diff) {
    const char *message = git_commit_message(commit);
    const bool fix = message_read((struct diff_text){message, strlen(message)}).fix;
    const git_signature *author = git_commit_author(commit);
    bool touched = false;
    for (size_t i = 0; i < git_diff_num_deltas(diff); i++) {
        struct past *past = past_of(r, git_diff_get_delta(diff, i)->new_file.path);
        if (!past) continue;
        touched = true;
        past->changes++;
        past->fixes += fix;
        if (author->when.time > past->last_s) past->last_s = author->when.time;
    }
    if (!touched) return;
    r->changes++;
    r->fixes += fix;
    meet(r, hash(author->email ? author->email : ""));
}

static int visit(struct reading *r, git_commit *commit) {
    git_commit *parent = NULL;
    git_tree *before = NULL, *after = NULL;
    git_diff *diff = NULL;
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    options.pathspec = (git_strarray){r->paths, r->path_count};
    options.flags = GIT_DIFF_DISABLE_PATHSPEC_MATCH | GIT_DIFF_SKIP_BINARY_CHECK;
    int rc = git_commit_parentcount(commit) ? git_commit_parent(&parent, commit, 0) : 0;
    if (!rc && parent) rc = git_commit_tree(&before, parent);
    if (!rc) rc = git_commit_tree(&after, commit);
    if (!rc) rc = git_diff_tree_to_tree(&diff, r->repo, before, after, &options);
    if (!rc) count_commit(r, commit, diff);
    git_diff_free(diff);
    git_tree_free(before);
    git_tree_free(after);
    git_commit_free(parent);
    return rc;
}

static void walk_past(struct reading *r) {
    git_revwalk *walk = NULL;
    git_oid oid;
    if (!r->base || git_revwalk_new(&walk, r->repo)) return;
    (void)git_revwalk_sorting(walk, GIT_SORT_TIME);
    (void)git_revwalk_push(walk, git_commit_id(r->base));
    while (git_revwalk_next(&oid, walk) == 0) {
        git_commit *commit = NULL;
        r->told->cut = r->told->walked >= r->ask->most_commits || now_ms() > r->stop_ms;
        if (r->told->cut || git_commit_lookup(&commit, r->repo, &oid)) break;
        r->told->walked++;
        const char *email = git_commit_author(commit)->email;
        r->author_changes += hash(email ? email : "") == r->author;
        const bool merge = git_commit_parentcount(commit) > 1;
        const int rc = merge ? 0 : visit(r, commit);
        git_commit_free(commit);
        if (rc) break; /* a shallow clone ends here */
    }
    git_revwalk_free(walk);
}

static void tell_facts(const struct reading *r) {
    struct history_facts *facts = &r->told->facts;
    double ages = 0, most = 0;
    uint32_t known = 0;
    for (size_t i = 0; i < r->path_count; i++) {
        most = fmax(most, r->past[i].fixes);
        if (!r->past[i].last_s) continue;
        ages += fmax(0, (double)(r->told->authored_s - r->past[i].last_s) / 86400);
        known++;
    }
    *facts = (struct history_facts){.known = true,
                                    .age_days = known ? ages / known : 0,
                                    .developers = r->people_count,
                                    .changes = r->changes,
                                    .fixes = r->fixes,
                                    .fixes_most = most,
                                    .author_changes = r->author_changes,
                                    .author_recent = NAN,
                                    .author_subsystem = NAN};
}

static void make_key(const struct reading *r, char key[REPO_KEY_BYTES]) {
    char from[GIT_OID_HEXSZ + 1] = "", to[GIT_OID_HEXSZ + 1] = "";
    if (r->base) git_oid_tostr(from, sizeof from, git_commit_id(r->base));
    git_oid_tostr(to, sizeof to, git_commit_id(r->head));
    snprintf(key, REPO_KEY_BYTES, "%s %s", from, to);
}

static int read_all(struct reading *r) {
    /* The operator named this folder; whose it is does not matter for reading. */
    (void)git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
    if (git_repository_open(&r->repo, r->ask->path)) return fail(r, "the repository");
    if (open_range(r) || make_diff(r) || take_messages(r)) return -1;
    make_key(r, r->told->key);
    if (r->ask->recall && r->ask->recall(r->ask->of, r->told->key, &r->told->facts)) return 0;
    take_paths(r);
    walk_past(r);
    tell_facts(r);
    return 0;
}

int risk_repo_read(const struct repo_ask *ask, struct repo_told *told) {
    memset(told, 0, sizeof *told);
    struct reading *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(told->error, sizeof told->error, "memory is out");
        return -1;
    }
    git_libgit2_init();
    r->ask = ask;
    r->told = told;
    r->stop_ms = now_ms() + ask->most_ms;
    const int rc = read_all(r);
    for (size_t i = 0; i < r->path_count; i++) free(r->paths[i]);
    git_diff_free(r->diff);
    git_commit_free(r->base);
    git_commit_free(r->head);
    git_repository_free(r->repo);
    git_libgit2_shutdown();
    free(r);
    return rc;
}

void risk_repo_drop(struct repo_told *told) {
    free(told->diff);
    free(told->message);
    told->diff = told->message = NULL;
}
