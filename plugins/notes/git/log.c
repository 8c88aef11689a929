#include "log.h"

#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reading {
    const struct git_log_ask *ask;
    struct git_log_told *told;
    git_repository *repo;
};

static int fail(struct git_log_told *told, const char *what) {
    const git_error *why = git_error_last();
    snprintf(told->error, sizeof told->error, "%.60s: %.120s", what,
             why && why->message ? why->message : "git does not say why");
    return -1;
}

static int resolve(struct reading *r, const char *name, git_commit **out) {
    git_object *found = NULL;
    if (name[0] == '-' || git_revparse_single(&found, r->repo, name)) return fail(r->told, name);
    const int rc = git_object_peel((git_object **)out, found, GIT_OBJECT_COMMIT);
    git_object_free(found);
    return rc ? fail(r->told, name) : 0;
}

/* ---- the tag before ---- */

struct tags {
    struct reading *reading;
    git_oid *targets;
    char (*names)[256];
    size_t count, room;
};

static int on_tag(const char *name, git_oid *oid, void *of) {
    struct tags *tags = of;
    git_object *object = NULL, *commit = NULL;
    if (strncmp(name, "refs/tags/", 10) != 0 || strlen(name) > 250) return 0;
    if (git_object_lookup(&object, tags->reading->repo, oid, GIT_OBJECT_ANY)) return 0;
    if (!git_object_peel(&commit, object, GIT_OBJECT_COMMIT)) {
        if (tags->count == tags->room) {
            const size_t room = tags->room * 2 + 64;
            git_oid *targets = realloc(tags->targets, room * sizeof *targets);
            if (targets) tags->targets = targets;
            char(*names)[256] = realloc(tags->names, room * sizeof *names);
            if (names) tags->names = names;
            if (targets && names) tags->room = room;
        }
        if (tags->count < tags->room) {
            git_oid_cpy(&tags->targets[tags->count], git_object_id(commit));
            snprintf(tags->names[tags->count++], 256, "%s", name + 10);
        }
    }
    git_object_free(commit);
    git_object_free(object);
    return 0;
}

/* Walks back from the parents of `to` until a tagged commit comes. */
static void find_tag(struct reading *r, git_commit *to) {
    struct tags tags = {.reading = r};
    git_revwalk *walk = NULL;
    git_oid id;
    git_tag_foreach(r->repo, on_tag, &tags);
    if (tags.count && !git_revwalk_new(&walk, r->repo)) {
        git_revwalk_sorting(walk, GIT_SORT_TIME);
        for (unsigned i = 0; i < git_commit_parentcount(to); i++)
            git_revwalk_push(walk, git_commit_parent_id(to, i));
        uint32_t walked = 0;
        while (!r->told->from[0] && walked++ < r->ask->most && !git_revwalk_next(&id, walk))
            for (size_t i = 0; i < tags.count && !r->told->from[0]; i++)
                if (git_oid_equal(&tags.targets[i], &id))
                    memcpy(r->told->from, tags.names[i], sizeof r->told->from);
    }
    git_revwalk_free(walk);
    free(tags.targets);
    free(tags.names);
}

/* ---- the commits ---- */

static int touches(struct reading *r, git_commit *commit) {
    if (!r->ask->folders || !r->ask->folders[0]) return 1;
    git_tree *now = NULL, *before = NULL;
    git_commit *parent = NULL;
    git_diff *diff = NULL;
    git_diff_options options = GIT_DIFF_OPTIONS_INIT;
    size_t count = 0;
    while (r->ask->folders[count]) count++;
    options.pathspec.strings = (char **)(void *)r->ask->folders;
    options.pathspec.count = count;
    int found = 1; /* when in doubt it is told */
    if (!git_commit_tree(&now, commit)) {
        if (git_commit_parentcount(commit) && !git_commit_parent(&parent, commit, 0))
            git_commit_tree(&before, parent);
        if (!git_diff_tree_to_tree(&diff, r->repo, before, now, &options))
            found = git_diff_num_deltas(diff) > 0;
    }
    git_diff_free(diff);
    git_commit_free(parent);
    git_tree_free(before);
    git_tree_free(now);
    return found;
}

static int add(struct reading *r, const git_oid *id, size_t *room) {
    struct git_log_told *told = r->told;
    git_commit *commit = NULL;
    if (git_commit_lookup(&commit, r->repo, id)) return fail(told, "a commit");
    if (!touches(r, commit)) {
        git_commit_free(commit);
        return 0;
    }
    if (told->count == *room) {
        const size_t more = *room * 2 + 256;
        struct git_log_commit *grown = realloc(told->commits, more * sizeof *grown);
        if (!grown) {
            git_commit_free(commit);
            return fail(told, "memory ran out");
        }
        told->commits = grown;
        *room = more;
    }
    struct git_log_commit *to = &told->commits[told->count++];
    const git_signature *author = git_commit_author(commit);
    const char *message = git_commit_message(commit);
    *to = (struct git_log_commit){.message = strdup(message ? message : ""),
                                  .author = strdup(author ? author->name : ""),
                                  .email = strdup(author ? author->email : ""),
                                  .at_s = git_commit_time(commit),
                                  .parents = git_commit_parentcount(commit)};
    git_oid_tostr(to->id, sizeof to->id, id);
    git_commit_free(commit);
    return to->message && to->author && to->email ? 0 : fail(told, "memory ran out");
}

static int walk_range(struct reading *r, git_commit *to) {
    struct git_log_told *told = r->told;
    git_commit *from = NULL;
    git_revwalk *walk = NULL;
    git_oid id;
    size_t room = 0;
    int rc = 0;
    if (told->from[0]) rc = resolve(r, told->from, &from);
    if (!rc && git_revwalk_new(&walk, r->repo)) rc = fail(told, "the history");
    if (!rc) {
        git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_TIME);
        git_revwalk_push(walk, git_commit_id(to));
        if (from) git_revwalk_hide(walk, git_commit_id(from));
    }
    while (!rc && !git_revwalk_next(&id, walk)) {
        if (told->count == r->ask->most) {
            told->cut = 1;
            break;
        }
        rc = add(r, &id, &room);
    }
    git_revwalk_free(walk);
    git_commit_free(from);
    return rc;
}

int notes_git_log(const struct git_log_ask *ask, struct git_log_told *told) {
    struct reading r = {.ask = ask, .told = told};
    git_commit *to = NULL;
    *told = (struct git_log_told){0};
    git_libgit2_init();
    /* Without looking in the folders above: only what was configured is read. */
    int rc = git_repository_open_ext(&r.repo, ask->path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL)
                 ? fail(told, "the repository")
                 : resolve(&r, ask->to && *ask->to ? ask->to : "HEAD", &to);
    if (!rc && ask->from && *ask->from)
        snprintf(told->from, sizeof told->from, "%s", ask->from);
    else if (!rc)
        find_tag(&r, to);
    if (!rc) rc = walk_range(&r, to);
    git_commit_free(to);
    git_repository_free(r.repo);
    git_libgit2_shutdown();
    return rc;
}

void notes_git_log_drop(struct git_log_told *told) {
    for (size_t i = 0; i < told->count; i++) {
        free(told->commits[i].message);
        free(told->commits[i].author);
        free(told->commits[i].email);
    }
    free(told->commits);
    *told = (struct git_log_told){0};
}
