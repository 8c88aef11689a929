#include "commit.h"

#include "../gitops_text.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct writing {
    const struct git_write_ask *ask;
    struct git_write_told *told;
    git_repository *repo;
    git_commit *parent; /* NULL: the first commit of the branch */
    git_tree *tree;     /* of the parent */
    git_index *index;
    git_oid wanted, had; /* contents of the file; zero: no file */
    char path[GITOPS_PATH + 64];
    int lock, folder; /* -1: not open, or not there */
};

__attribute__((format(printf, 2, 3))) static int refuse(struct writing *w, const char *format,
                                                        ...) {
    va_list args;
    va_start(args, format);
    w->told->outcome = GIT_REFUSED;
    (void)vsnprintf(w->told->error, sizeof w->told->error, format, args);
    va_end(args);
    return -1;
}

static int git_says(struct writing *w, const char *what) {
    const git_error *why = git_error_last();
    return refuse(w, "%s: %.200s", what,
                  why && why->message ? why->message : "git gives no reason");
}

/* ---- the repository ---- */

static int open_repository(struct writing *w) {
    if (git_repository_open_ext(&w->repo, w->ask->repository, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL))
        return git_says(w, "the repository cannot be opened");
    const char *tree = git_repository_workdir(w->repo);
    if (!tree) return refuse(w, "the repository is bare: give the path of a work tree");
    char *here = realpath(w->ask->repository, NULL), *there = realpath(tree, NULL);
    const bool same = here && there && strcmp(here, there) == 0;
    free(here);
    free(there);
    if (!same) return refuse(w, "the repository's work tree is elsewhere (core.worktree)");
    char name[4096];
    (void)snprintf(name, sizeof name, "%ssluice-gitops.lock", git_repository_path(w->repo));
    w->lock = open(name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (w->lock < 0 || flock(w->lock, LOCK_EX))
        return refuse(w, "%.200s cannot be locked: %s", name, strerror(errno));
    return 0;
}

static int read_head(struct writing *w) {
    git_reference *head = NULL;
    if (git_repository_head_detached(w->repo) == 1)
        return refuse(w, "no branch is checked out (HEAD is detached): git switch to one");
    const int rc = git_repository_head(&head, w->repo);
    if (rc == GIT_EUNBORNBRANCH) return 0;
    if (rc) return git_says(w, "HEAD");
    const bool failed =
        git_reference_peel((git_object **)(void *)&w->parent, head, GIT_OBJECT_COMMIT) ||
        git_commit_tree(&w->tree, w->parent);
    git_reference_free(head);
    return failed ? git_says(w, "HEAD") : 0;
}

static bool trailer_is(const char *message, const char *name, const char *wanted) {
    char value[GITOPS_NAME];
    return gitops_trailer(message, name, value) && strcmp(value, wanted) == 0;
}

/* Ids rise with time, so the larger of two is the later deployment. */
static void compare(struct writing *w, git_commit *commit) {
    const char *message = git_commit_message(commit);
    char id[GITOPS_NAME];
    if (!message || !gitops_trailer(message, "Sluice-Deployment", id) ||
        !trailer_is(message, "Sluice-Service", w->ask->service))
        return;
    const int order = strcmp(id, w->ask->deployment);
    if (order == 0 && trailer_is(message, "Sluice-Cause", w->ask->cause)) {
        w->told->outcome = GIT_FOUND;
        git_oid_tostr(w->told->commit, sizeof w->told->commit, git_commit_id(commit));
    } else if (order > 0) {
        w->told->outcome = GIT_SUPERSEDED; /* goes on: the commit itself may lie behind it */
    }
}

static int look_back(struct writing *w) {
    git_revwalk *walk = NULL;
    git_oid id;
    int rc = 0;
    if (!w->parent) return 0;
    if (git_revwalk_new(&walk, w->repo) || git_revwalk_push(walk, git_commit_id(w->parent)))
        rc = git_says(w, "the history");
    for (int i = 0; !rc && i < GIT_WALK_MOST && w->told->outcome != GIT_FOUND; i++) {
        git_commit *commit = NULL;
        const int next = git_revwalk_next(&id, walk);
        if (next == GIT_ITEROVER) break;
        if (next || git_commit_lookup(&commit, w->repo, &id)) {
            rc = git_says(w, "the history");
        } else {
            compare(w, commit);
            git_commit_free(commit);
        }
    }
    git_revwalk_free(walk);
    return rc;
}

/* ---- what others left there ---- */

static int read_had(struct writing *w) {
    git_tree_entry *entry = NULL;
    if (!w->tree) return 0;
    const int rc = git_tree_entry_bypath(&entry, w->tree, w->path);
    if (rc == GIT_ENOTFOUND) return 0;
    if (rc) return git_says(w, w->path);
    const bool file = git_tree_entry_filemode(entry) == GIT_FILEMODE_BLOB;
    git_oid_cpy(&w->had, git_tree_entry_id(entry));
    git_tree_entry_free(entry);
    return file ? 0 : refuse(w, "%s is in git, but as no plain file", w->path);
}

static int check_index(struct writing *w) {
    git_diff *diff = NULL;
    int rc = 0;
    if (git_repository_state(w->repo) != GIT_REPOSITORY_STATE_NONE)
        return refuse(w, "a merge, rebase or the like is under way there: end it first");
    if (git_repository_index(&w->index, w->repo) || git_index_read(w->index, 1))
        return git_says(w, "the index");
    if (git_index_has_conflicts(w->index))
        return refuse(w, "there are unsolved conflicts in the index: solve them first");
    if (git_diff_tree_to_index(&diff, w->repo, w->tree, w->index, NULL))
        return git_says(w, "the index");
    for (size_t i = 0; !rc && i < git_diff_num_deltas(diff); i++) {
        const git_diff_delta *delta = git_diff_get_delta(diff, i);
        const char *path = delta->new_file.path ? delta->new_file.path : delta->old_file.path;
        const bool gone = delta->status == GIT_DELTA_DELETED;
        const bool own =
            strcmp(path, w->path) == 0 &&
            (gone ? git_oid_is_zero(&w->wanted) : git_oid_equal(&delta->new_file.id, &w->wanted));
        if (!own) /* ours, when an earlier try was cut short */
            rc = refuse(w,
                        "the index holds staged changes of somebody else (%.200s): commit or "
                        "unstage them",
                        path);
    }
    git_diff_free(diff);
    return rc;
}

/* Goes down part by part, and through no symbolic link. */
static int open_folder(struct writing *w, bool make) {
    char path[GITOPS_PATH], *rest = path;
    (void)snprintf(path, sizeof path, "%s", w->ask->folder);
    int at = open(git_repository_workdir(w->repo), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (char *part; at >= 0 && (part = strsep(&rest, "/"));) {
        if (make && mkdirat(at, part, 0777) && errno != EEXIST)
            refuse(w, "the folder %s cannot be made: %s", w->ask->folder, strerror(errno));
        const int next = openat(at, part, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        const int why = errno;
        close(at);
        at = next;
        errno = why;
    }
    if (w->folder >= 0) close(w->folder);
    w->folder = at;
    if (at >= 0 || (errno == ENOENT && !make)) return 0;
    return refuse(w, "%s: a part of it is a symbolic link, is no folder, or cannot be opened (%s)",
                  w->ask->folder, strerror(errno));
}

static int hash_file(int file, size_t size, git_oid *id) {
    char *bytes = malloc(size + 1);
    size_t got = 0;
    for (ssize_t n = 1; bytes && got < size && n > 0; got += n > 0 ? (size_t)n : 0)
        n = read(file, bytes + got, size - got);
    const int rc = !bytes || got < size || git_odb_hash(id, bytes, size, GIT_OBJECT_BLOB);
    free(bytes);
    return rc;
}

static int check_file(struct writing *w) {
    struct stat stat;
    git_oid found;
    int rc = open_folder(w, false);
    if (rc || w->folder < 0) return rc;
    const int file =
        openat(w->folder, w->ask->file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0 && errno == ENOENT) return 0;
    if (file < 0)
        return refuse(w, "%s is a symbolic link or cannot be read (%s)", w->path, strerror(errno));
    if (fstat(file, &stat) || !S_ISREG(stat.st_mode) || stat.st_size > GIT_FILE_MOST ||
        hash_file(file, (size_t)stat.st_size, &found))
        rc = refuse(w, "%s is no plain file of at most 16 MiB", w->path);
    else if (!git_oid_equal(&found, &w->had) && !git_oid_equal(&found, &w->wanted))
        rc = refuse(w, "%s was edited and not committed: commit it or restore it", w->path);
    close(file);
    return rc;
}

/* ---- writing ---- */

static int put_file(struct writing *w) {
    static const char temporary[] = ".manifests.yaml.sluice";
    const struct git_write_ask *ask = w->ask;
    if (!ask->text) {
        if (w->folder >= 0 && unlinkat(w->folder, ask->file, 0) && errno != ENOENT)
            return refuse(w, "%s cannot be removed: %s", w->path, strerror(errno));
        return 0;
    }
    if (open_folder(w, true)) return -1;
    (void)unlinkat(w->folder, temporary, 0); /* of a try that was cut short */
    const int file =
        openat(w->folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
    bool fine = file >= 0;
    for (size_t done = 0; fine && done < ask->size;) {
        const ssize_t n = write(file, ask->text + done, ask->size - done);
        fine = n > 0;
        done += fine ? (size_t)n : 0;
    }
    fine = fine && !fsync(file) && !renameat(w->folder, temporary, w->folder, ask->file);
    const int why = errno;
    if (file >= 0) close(file);
    return fine ? 0 : refuse(w, "%s cannot be written: %s", w->path, strerror(why));
}

static int put_index(struct writing *w) {
    git_index_entry entry = {.mode = GIT_FILEMODE_BLOB, .path = w->path};
    int rc;
    if (w->ask->text) {
        rc = git_blob_create_from_buffer(&entry.id, w->repo, w->ask->text, w->ask->size) ||
             git_index_add(w->index, &entry);
    } else {
        rc = git_index_remove(w->index, w->path, 0);
        if (rc == GIT_ENOTFOUND) rc = 0;
    }
    return rc || git_index_write(w->index) ? git_says(w, "the index cannot be written") : 0;
}

static int commit(struct writing *w) {
    git_signature *author = NULL;
    git_tree *tree = NULL;
    git_oid id;
    const git_commit *parents[] = {w->parent};
    /* Fails when HEAD has moved since it was read: the next try begins there. */
    const bool failed = git_index_write_tree(&id, w->index) ||
                        git_tree_lookup(&tree, w->repo, &id) ||
                        git_signature_new(&author, w->ask->author, w->ask->mail, w->ask->at_s, 0) ||
                        git_commit_create(&id, w->repo, "HEAD", author, author, "UTF-8",
                                          w->ask->message, tree, w->parent ? 1 : 0, parents);
    git_signature_free(author);
    git_tree_free(tree);
    if (failed) return git_says(w, "the commit cannot be made");
    w->told->outcome = GIT_WRITTEN;
    git_oid_tostr(w->told->commit, sizeof w->told->commit, &id);
    return 0;
}

/* libgit2 1.5 has no timeouts, so a remote over a network could hold a thread for ever: only folders.
 * The remote is not looked up by name: libgit2 1.5 applies url.*.insteadOf then, and its regular
 * expressions leak 20 KB for each line of the configuration. */
static int open_remote(struct writing *w, git_remote **remote) {
    git_remote_create_options options = GIT_REMOTE_CREATE_OPTIONS_INIT;
    git_config *config = NULL;
    char key[300];
    const char *url = NULL;
    int rc = 0;
    if (git_repository_config_snapshot(&config, w->repo)) return git_says(w, "the configuration");
    (void)snprintf(key, sizeof key, "remote.%.200s.pushurl", w->ask->push);
    if (git_config_get_string(&url, config, key)) {
        (void)snprintf(key, sizeof key, "remote.%.200s.url", w->ask->push);
        if (git_config_get_string(&url, config, key)) url = NULL;
    }
    options.repository = w->repo;
    options.flags = GIT_REMOTE_CREATE_SKIP_INSTEADOF | GIT_REMOTE_CREATE_SKIP_DEFAULT_FETCHSPEC;
    if (!url)
        rc = refuse(w, "there is no remote %.60s to push to", w->ask->push);
    else if (url[0] != '/' && strncmp(url, "file:///", 8) != 0)
        rc = refuse(w, "the remote %.60s is no folder (file:///… or /…): push to it by other means",
                    w->ask->push);
    else if (git_remote_create_with_opts(remote, url, &options))
        rc = git_says(w, "the remote cannot be opened");
    git_config_free(config);
    return rc;
}

static int push(struct writing *w) {
    git_remote *remote = NULL;
    git_reference *head = NULL;
    int rc = open_remote(w, &remote);
    if (!rc && git_repository_head(&head, w->repo)) rc = git_says(w, "HEAD");
    if (!rc) {
        char spec[1024];
        (void)snprintf(spec, sizeof spec, "%s:%s", git_reference_name(head),
                       git_reference_name(head));
        const git_strarray specs = {.strings = (char *[]){spec}, .count = 1};
        if (git_remote_push(remote, &specs, NULL)) rc = git_says(w, "the push failed");
    }
    git_reference_free(head);
    git_remote_free(remote);
    return rc;
}

static int write_and_commit(struct writing *w) {
    int rc = read_had(w);
    if (!rc && w->ask->text &&
        git_odb_hash(&w->wanted, w->ask->text, w->ask->size, GIT_OBJECT_BLOB))
        rc = git_says(w, w->path);
    if (!rc) rc = check_index(w);
    if (!rc) rc = check_file(w);
    if (rc) return rc;
    const bool same = git_oid_equal(&w->wanted, &w->had);
    rc = put_file(w);
    if (!rc && same) w->told->outcome = GIT_SAME;
    if (!rc && !same) rc = put_index(w);
    if (!rc && !same) rc = commit(w);
    return rc;
}

/* Once and for good: the last shutdown loses what other threads keep of their last error. */
__attribute__((constructor)) static void begin(void) {
    git_libgit2_init();
    git_libgit2_opts(GIT_OPT_ENABLE_FSYNC_GITDIR, 1);
}

void rollout_git_write(const struct git_write_ask *ask, struct git_write_told *told) {
    struct writing w = {.ask = ask, .told = told, .lock = -1, .folder = -1};
    *told = (struct git_write_told){0};
    (void)snprintf(w.path, sizeof w.path, "%s/%s", ask->folder, ask->file);
    int rc = open_repository(&w);
    if (!rc) rc = read_head(&w);
    if (!rc) rc = look_back(&w);
    if (!rc && !told->outcome) rc = write_and_commit(&w);
    if (!rc && ask->push && told->outcome != GIT_SUPERSEDED) (void)push(&w);
    if (w.folder >= 0) close(w.folder);
    git_index_free(w.index);
    git_tree_free(w.tree);
    git_commit_free(w.parent);
    git_repository_free(w.repo);
    if (w.lock >= 0) close(w.lock);
}
