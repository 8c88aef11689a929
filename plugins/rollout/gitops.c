#include "gitops.h"

#include "git/commit.h"
#include "gitops_text.h"
#include "tree.h"
#include "yaml_text.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    AGAIN_MS = 2000,        /* after the first refusal; doubles */
    AGAIN_MOST_MS = 300000, /* a tidied tree is seen within 5 minutes */
    TRIES = 300             /* about a day; then the job becomes a dead letter */
};

static const cJSON *settings_of(sl_call *call) {
    const struct rollout *rollout = sl_state(call);
    return sl_get(rollout->config, "gitops");
}

int gitops_check(sl_call *call, const cJSON *config) {
    const cJSON *gitops = sl_get(config, "gitops"), *push = sl_get(gitops, "push");
    char name[GITOPS_NAME], mail[GITOPS_NAME];
    if (!gitops) return 0;
    const char *path = sl_get_text(gitops, "path", "");
    const char *author = sl_get_text(gitops, "author", "");
    const char *problem = gitops_pattern_problem(path);
    if (problem) {
        sl_fault(call, "/gitops/path", "apps/{app}/{environment}", "'%s': %s", path, problem);
        return sl_fail(call, SL_INVALID, "gitops.path '%s': %s", path, problem);
    }
    if (!gitops_author(author, name, mail)) {
        sl_fault(call, "/gitops/author", "Sluice <sluice@example.com>", "'%s'", author);
        return sl_fail(call, SL_INVALID, "gitops.author must be written as: Name <mail>");
    }
    if (push && !cJSON_IsFalse(push) && !(cJSON_IsString(push) && *push->valuestring)) {
        sl_fault(call, "/gitops/push", "origin", "it is neither false nor the name of a remote");
        return sl_fail(call, SL_INVALID, "gitops.push must be false or the name of a remote");
    }
    return 0;
}

/* ---- what is heard ---- */

static bool is_wanted(const cJSON *settings, const char *type) {
    return strcmp(type, "rollout.promoted") == 0 ||
           strcmp(sl_get_text(settings, "on", "promoted"), "approved") == 0;
}

/* Only writes down what is to be done: a job that is repeated until it is done. */
int gitops_hear(sl_call *call, const sl_event *event) {
    static const char *const names[] = {"app_name", "environment", "image"};
    const cJSON *settings = settings_of(call);
    const char *id = strchr(event->subject ? event->subject : "", '/');
    const char *cause = strchr(event->type, '.') + 1;
    if (!settings || !is_wanted(settings, event->type) || !id) return 0;
    cJSON *in = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *text = text_of(event->data, names[i]);
        put_text(in, names[i], text ? text : "");
    }
    put_text(in, "deployment_id", id + 1);
    put_text(in, "cause", cause);
    put_number(in, "at_ms", (double)event->at_ms);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_job(batch, "git", sl_printf(call, "%s:%s", id + 1, cause), 0, in);
    return sl_commit(batch);
}

/* ---- what is to be written ---- */

struct work {
    const cJSON *in;
    struct gitops_commit commit;
    struct git_write_ask ask;
    struct git_write_told told;
    git_write_fn write;
    char *text; /* malloc'ed */
    char folder[GITOPS_PATH], message[GITOPS_MESSAGE];
    char service[GITOPS_NAME], author[GITOPS_NAME], mail[GITOPS_NAME];
};

/* The deployment whose manifests a run brought out: an undo's are those of the version before. */
static const char *source_of(sl_call *call, const sl_rows *rows, const char **reason) {
    const cJSON *plan = sl_cell_json(call, rows, 0, "plan");
    *reason = sl_get_text(plan, "reason", NULL);
    return sl_get_text(plan, "restores", sl_cell_text(rows, 0, "id"));
}

/* `*source` NULL: nothing was there before, so the file goes. */
static int find_source(sl_call *call, struct work *work, const char **source) {
    struct gitops_commit *commit = &work->commit;
    const char *unused;
    sl_rows rows;
    *source = commit->id;
    if (strcmp(commit->cause, "approved") == 0) return 0;
    int rc = sl_query(call, &rows, "SELECT id, plan FROM rollout_run WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(commit->id)));
    if (!rc && rows.count) *source = source_of(call, &rows, &commit->reason);
    if (rc || strcmp(commit->cause, "rolled_back") != 0) return rc;
    rc = sl_query(call, &rows,
                  "SELECT id, plan FROM rollout_run WHERE tenant = $1 AND app = $2 AND environment "
                  "= $3 AND phase = 'Promoted' AND id < $4 ORDER BY id DESC LIMIT 1",
                  SL_ARGS(sl_text(commit->names.app), sl_text(commit->names.environment),
                          sl_text(commit->id)));
    *source = !rc && rows.count ? source_of(call, &rows, &unused) : NULL;
    return rc;
}

static int write_text(sl_call *call, struct work *work, const char *source) {
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    if (!source) return 0;
    put_borrowed(in, "id", source);
    int rc = sl_invoke(call, "deploy.manifests", in, &out);
    if (rc) return rc;
    work->text = yaml_documents(item_of(out, "items"), &work->ask.size);
    if (!work->text) return sl_fail(call, SL_INTERNAL, "the manifests cannot be written as YAML");
    if (strcmp(source, work->commit.id) != 0) work->commit.restores = source;
    return 0;
}

static int read_work(sl_call *call, const cJSON *in, struct work *work) {
    work->in = in;
    work->commit = (struct gitops_commit){
        .names = {sl_tenant(call), sl_get_text(in, "app_name", ""),
                  sl_get_text(in, "environment", "")},
        .id = sl_get_text(in, "deployment_id", ""),
        .cause = sl_get_text(in, "cause", ""),
        .image = sl_get_text(in, "image", ""),
    };
    const char *source = NULL;
    int rc = find_source(call, work, &source);
    return rc ? rc : write_text(call, work, source);
}

/* ---- writing it ---- */

static int do_write(void *arg) {
    struct work *work = arg;
    work->write(&work->ask, &work->told);
    return 0;
}

/* The module lies in a folder beside the plugin, since it is none itself. */
static int load_module(sl_call *call, git_write_fn *write) {
    Dl_info here;
    if (!dladdr((void *)(uintptr_t)load_module, &here) || !here.dli_fname)
        return sl_fail(call, SL_INTERNAL, "the folder of the rollout plugin is not known");
    const char *slash = strrchr(here.dli_fname, '/');
    const int folder = slash ? (int)(slash - here.dli_fname) + 1 : 0;
    const char *path = sl_printf(call, "%.*smodules/rollout-git.so", folder, here.dli_fname);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never unloaded: the same each time */
    if (!library) return sl_fail(call, SL_UNAVAILABLE, "git cannot be written here: %s", dlerror());
    *(void **)write = dlsym(library, "rollout_git_write");
    return *write ? 0 : sl_fail(call, SL_INTERNAL, "%s is of another version", path);
}

static int write_it(sl_call *call, struct work *work) {
    const cJSON *settings = settings_of(call);
    const char *pattern = sl_get_text(settings, "path", "");
    const char *problem = gitops_folder(pattern, &work->commit.names, work->folder);
    if (problem) {
        work->told.outcome = GIT_REFUSED;
        (void)snprintf(work->told.error, sizeof work->told.error, "gitops.path '%.100s': %s",
                       pattern, problem);
        return 0;
    }
    gitops_message(&work->commit, work->message);
    (void)gitops_trailer(work->message, "Sluice-Service", work->service);
    (void)gitops_author(sl_get_text(settings, "author", ""), work->author, work->mail);
    work->ask = (struct git_write_ask){
        .repository = sl_get_text(settings, "repository", ""),
        .folder = work->folder,
        .file = GITOPS_FILE,
        .text = work->text,
        .size = work->ask.size,
        .message = work->message,
        .deployment = work->commit.id,
        .cause = work->commit.cause,
        .service = work->service,
        .author = work->author,
        .mail = work->mail,
        .at_s = sl_get_int(work->in, "at_ms", 0) / 1000,
        .push = sl_get_text(settings, "push", NULL),
    };
    int rc = load_module(call, &work->write);
    return rc ? rc : sl_offload(call, do_write, work);
}

/* ---- telling of it ---- */

static cJSON *about(const struct work *work) {
    static const char *const names[] = {"deployment_id", "app_name", "environment", "image",
                                        "cause"};
    cJSON *data = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_text(data, names[i], sl_get_text(work->in, names[i], ""));
    put_text(data, "path", work->folder);
    if (work->told.commit[0]) put_text(data, "git_commit", work->told.commit);
    if (work->commit.restores) put_text(data, "restores", work->commit.restores);
    return data;
}

/* Tells of a refusal once, and tries again until somebody has tidied up. */
static int try_again(sl_call *call, const struct work *work) {
    const int64_t tries = sl_get_int(work->in, "tries", 0) + 1;
    const char *why = work->told.error, *id = work->commit.id;
    if (tries > TRIES) return sl_fail(call, SL_CONFLICT, "%s was not written to git: %s", id, why);
    const int64_t wait_ms = tries > 8 ? AGAIN_MOST_MS : (int64_t)AGAIN_MS << (tries - 1);
    sl_batch *batch = sl_batch_new(call);
    cJSON *in = cJSON_Duplicate(work->in, 1);
    cJSON_DeleteItemFromObjectCaseSensitive(in, "tries");
    cJSON_DeleteItemFromObjectCaseSensitive(in, "refused");
    put_number(in, "tries", (double)tries);
    put_text(in, "refused", why);
    if (strcmp(sl_get_text(work->in, "refused", ""), why) != 0) {
        sl_log(call, SL_WARN, "deployment %s was not written to git: %s", id, why);
        cJSON *data = about(work);
        put_text(data, "reason", why);
        put_text(data, "next_action", "tidy up the work tree: it is tried again by itself");
        sl_batch_emit(batch, "gitops.refused", sl_printf(call, "deployment/%s", id), data);
    }
    sl_batch_job(batch, "git", sl_printf(call, "%s:%s", id, work->commit.cause),
                 sl_now_ms(call) + wait_ms, in);
    return sl_commit(batch);
}

static int tell(sl_call *call, const struct work *work) {
    const char *id = work->commit.id;
    if (work->told.outcome == GIT_REFUSED) return try_again(call, work);
    if (work->told.outcome == GIT_SAME || work->told.outcome == GIT_SUPERSEDED) {
        sl_log(call, SL_INFO, "deployment %s needs no commit: %s", id,
               work->told.outcome == GIT_SAME ? "git has the same manifests already"
                                              : "git has those of a later deployment");
        return 0;
    }
    sl_batch *batch = sl_batch_new(call);
    sl_batch_emit(batch, "gitops.committed", sl_printf(call, "deployment/%s", id), about(work));
    return sl_commit(batch);
}

int gitops_job(sl_call *call, const cJSON *in) {
    struct work *work = sl_alloc(call, sizeof *work);
    if (!settings_of(call)) return 0; /* switched off since */
    int rc = read_work(call, in, work);
    if (rc == SL_NOT_FOUND) { /* an imported Rollout: its manifests are the team's own */
        sl_log(call, SL_INFO, "rollout %s has no manifests of ours to write to git",
               work->commit.id);
        return 0;
    }
    if (!rc) rc = write_it(call, work);
    if (!rc) rc = tell(call, work);
    free(work->text);
    return rc;
}
