#include "argocd_ops.h"

#include "kube.h"
#include "rollout.h"
#include "tree.h"

#include <string.h>

/* clang-format off */
#define NAME_FIELDS                                                                                \
    SL_STRING("name", .help = "of the application", .flags = SL_REQUIRED, .max = 253),             \
    SL_STRING("project", .help = "of the application; with it a missing one is 404, not 403", .max = 253)
/* clang-format on */

const sl_field argocd_get_in[] = {
    NAME_FIELDS, SL_BOOL("refresh", .def = "false", .help = "compare with git first"), SL_END};
const sl_field argocd_sync_in[] = {
    NAME_FIELDS,
    SL_STRING("revision", .help = "of git; default: the application's target", .max = 200),
    SL_BOOL("prune", .def = "false", .help = "delete what git no longer has"),
    SL_BOOL("dry_run", .def = "false", .help = "change nothing"), SL_END};
const sl_field argocd_out[] = {
    SL_STRING("name"),
    SL_STRING("sync", .help = "Synced, OutOfSync or Unknown"),
    SL_STRING("revision", .help = "that it is at"),
    SL_STRING("health", .help = "Healthy, Progressing, Degraded, Suspended, Missing or Unknown"),
    SL_STRING("health_message"),
    SL_STRING("operation", .help = "Running, Terminating, Failed, Error or Succeeded"),
    SL_STRING("operation_message"),
    SL_BOOL("can_sync", .help = "no sync window forbids it now"),
    SL_END};

static int open_server(sl_call *call, const cJSON *in, struct kube *kube) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *settings = sl_get(rollout->config, "argocd");
    *kube = (struct kube){0};
    if (!sl_get_text(settings, "server", NULL))
        return sl_fail(call, SL_UNAVAILABLE,
                       "argocd: no server is configured: give plugins.rollout.argocd.server and "
                       "token_file");
    const char *project = text_of(in, "project");
    if (!kube_name_fits(text_of(in, "name")) || (project && !kube_name_fits(project)))
        return sl_fail(call, SL_INVALID, "'%s' is no application's name", text_of(in, "name"));
    return kube_open(call, settings, kube);
}

/* Failures say "kubernetes: ", since the requests are made as for it. */
static int ours(sl_call *call, int rc) {
    static const char theirs[] = "kubernetes: ";
    const char *said = sl_failure(call);
    if (!rc || strncmp(said, theirs, sizeof theirs - 1) != 0) return rc;
    return sl_fail(call, rc, "argocd: %s", sl_strdup(call, said + sizeof theirs - 1));
}

static const char *path_of(sl_call *call, const cJSON *in, const char *more, const char *query) {
    const char *project = text_of(in, "project");
    const char *sign = project || *query ? "?" : "";
    return sl_printf(call, "/api/v1/applications/%s%s%s%s%s%s%s", text_of(in, "name"), more, sign,
                     query, project && *query ? "&" : "", project ? "project=" : "",
                     project ? project : "");
}

static void show(cJSON *out, const cJSON *application) {
    static const struct {
        const char *name, *part, *member;
    } texts[] = {{"sync", "sync", "status"},
                 {"revision", "sync", "revision"},
                 {"health", "health", "status"},
                 {"health_message", "health", "message"},
                 {"operation", "operationState", "phase"},
                 {"operation_message", "operationState", "message"}};
    const cJSON *status = item_of(application, "status");
    put_text(out, "name", sl_get_text(item_of(application, "metadata"), "name", ""));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *text = text_of(item_of(status, texts[i].part), texts[i].member);
        if (text) put_text(out, texts[i].name, text);
    }
}

/* Without windows everything may sync; an answer without the word says nothing against it. */
static int may_sync(sl_call *call, const struct kube *kube, const cJSON *in, bool *may) {
    const cJSON *windows = NULL;
    int rc = kube_get(call, kube, path_of(call, in, "/syncwindows", ""), &windows);
    *may = !rc && !cJSON_IsFalse(item_of(windows, "canSync"));
    return rc;
}

int argocd_get(sl_call *call, const cJSON *in, cJSON *out) {
    struct kube kube;
    const cJSON *application = NULL;
    bool may = false;
    int rc = open_server(call, in, &kube);
    const char *query = sl_get_bool(in, "refresh", 0) ? "refresh=normal" : "";
    if (!rc) rc = kube_get(call, &kube, path_of(call, in, "", query), &application);
    if (!rc) rc = may_sync(call, &kube, in, &may);
    if (!rc) {
        show(out, application);
        put_bool(out, "can_sync", may);
    }
    kube_close(&kube);
    return ours(call, rc);
}

static int request_sync(sl_call *call, const struct kube *kube, const cJSON *in, cJSON *out) {
    cJSON *body = cJSON_CreateObject();
    const char *revision = text_of(in, "revision"), *project = text_of(in, "project");
    if (revision) put_text(body, "revision", revision);
    if (project) put_text(body, "project", project);
    put_bool(body, "prune", sl_get_bool(in, "prune", 0));
    put_bool(body, "dryRun", sl_get_bool(in, "dry_run", 0));
    struct kube_answer answer = {0};
    int rc = kube_request(call, kube, "POST",
                          sl_printf(call, "/api/v1/applications/%s/sync", text_of(in, "name")),
                          KUBE_JSON, body, &answer);
    if (!rc) rc = kube_check(call, &answer, "syncing");
    if (!rc) show(out, answer.body);
    return rc;
}

int argocd_sync(sl_call *call, const cJSON *in, cJSON *out) {
    struct kube kube;
    bool may = false;
    int rc = open_server(call, in, &kube);
    if (!rc) rc = may_sync(call, &kube, in, &may);
    if (!rc && !may)
        rc = sl_fail(call, SL_CONFLICT,
                     "argocd: a sync window forbids to sync %s now; wait for it to end, or change "
                     "it in the project",
                     text_of(in, "name"));
    if (!rc) rc = request_sync(call, &kube, in, out);
    if (!rc) put_bool(out, "can_sync", true);
    kube_close(&kube);
    return ours(call, rc);
}
