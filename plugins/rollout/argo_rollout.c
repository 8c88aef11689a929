#include "argo_rollout.h"

#include "argo.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GROUP    "/apis/argoproj.io/v1alpha1"
#define HASH_KEY "rollouts-pod-template-hash"
#define REVISION "rollout.argoproj.io/revision"
#define OUR_NAME "fieldManager=sluice"

static const char *path_of(sl_call *call, const struct argo_target *target, const char *more) {
    return sl_printf(call, GROUP "/namespaces/%s/rollouts/%s%s", target->namespace, target->name,
                     more);
}

static const char *title(sl_call *call, const struct argo_target *target, const char *doing) {
    return sl_printf(call, "%s rollout %s/%s", doing, target->namespace, target->name);
}

int argo_read(sl_call *call, const struct argo_target *target, const cJSON **rollout) {
    struct kube_answer answer = {0};
    int rc =
        kube_request(call, target->kube, "GET", path_of(call, target, ""), NULL, NULL, &answer);
    if (!rc) rc = kube_check(call, &answer, title(call, target, "reading"));
    if (rc) return rc;
    *rollout = answer.body;
    if (item_of(answer.body, "metadata")) return 0;
    return sl_fail(call, SL_UNAVAILABLE, "kubernetes: the answer is no Rollout");
}

/* ---- reading ---- */

static const cJSON *status_of(const cJSON *rollout) {
    return item_of(rollout, "status");
}

const char *argo_annotation(const cJSON *rollout, const char *name) {
    return text_of(item_of(item_of(rollout, "metadata"), "annotations"), name);
}

bool argo_is_promoted(const cJSON *rollout) {
    const char *stable = text_of(status_of(rollout), "stableRS");
    const char *current = text_of(status_of(rollout), "currentPodHash");
    return stable && current && *stable && strcmp(stable, current) == 0;
}

static const cJSON *pod_spec(const cJSON *object) {
    return item_of(item_of(item_of(object, "spec"), "template"), "spec");
}

const char *argo_image(const cJSON *object, const char *container) {
    const cJSON *one;
    cJSON_ArrayForEach(one, item_of(pod_spec(object), "containers")) {
        const char *name = text_of(one, "name");
        if (!container || (name && strcmp(name, container) == 0)) return text_of(one, "image");
    }
    return NULL;
}

static const char *version_of(const cJSON *object) {
    return text_of(item_of(object, "metadata"), "resourceVersion");
}

/* ---- writing ---- */

/* The version that was read goes along: the server refuses the patch if it has moved on. */
static void add_precondition(cJSON *patch, const cJSON *read) {
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(patch, "metadata");
    if (!metadata) metadata = put_object(patch, "metadata");
    const char *version = version_of(read);
    if (version) put_text(metadata, "resourceVersion", version);
}

static int send(sl_call *call, const struct argo_target *target, const char *subresource,
                const cJSON *patch, struct kube_answer *answer) {
    const char *path = path_of(call, target, sl_printf(call, "%s?" OUR_NAME, subresource));
    return kube_request(call, target->kube, "PATCH", path, KUBE_MERGE, patch, answer);
}

int argo_merge(sl_call *call, const struct argo_target *target, const cJSON *read, cJSON *patch,
               const cJSON **updated) {
    struct kube_answer answer = {0};
    add_precondition(patch, read);
    int rc = send(call, target, "", patch, &answer);
    if (!rc) rc = kube_check(call, &answer, title(call, target, "patching"));
    if (!rc) *updated = answer.body;
    return rc;
}

int argo_merge_status(sl_call *call, const struct argo_target *target, const cJSON *read,
                      cJSON *patch, const cJSON **updated) {
    struct kube_answer answer = {0};
    add_precondition(patch, read);
    int rc = send(call, target, "/status", patch, &answer);
    if (!rc && answer.status == 404) rc = send(call, target, "", patch, &answer);
    if (!rc) rc = kube_check(call, &answer, title(call, target, "patching the status of"));
    if (!rc) *updated = answer.body;
    return rc;
}

static cJSON *with_flag(const char *part, const char *name, bool value) {
    cJSON *patch = cJSON_CreateObject();
    put_bool(put_object(patch, part), name, value);
    return patch;
}

/* ---- the verbs; each decides on the rollout as it was just read ---- */

struct doing {
    sl_call *call;
    const struct argo_target *target;
    const struct argo_order *order;
    const cJSON *rollout; /* as it is */
    bool changed;
};

static int merge(struct doing *doing, cJSON *patch) {
    if (doing->order->annotations)
        cJSON_AddItemToObject(put_object(patch, "metadata"), "annotations",
                              cJSON_Duplicate(doing->order->annotations, 1));
    int rc = argo_merge(doing->call, doing->target, doing->rollout, patch, &doing->rollout);
    doing->changed |= !rc;
    return rc;
}

static int merge_status(struct doing *doing, cJSON *patch) {
    int rc = argo_merge_status(doing->call, doing->target, doing->rollout, patch, &doing->rollout);
    doing->changed |= !rc;
    return rc;
}

static int do_promote(struct doing *doing, enum argo_promote how) {
    struct argo_patches patches = argo_promote(doing->rollout, how);
    int rc = patches.spec ? merge(doing, patches.spec) : 0;
    return !rc && patches.status ? merge_status(doing, patches.status) : rc;
}

static int do_abort(struct doing *doing, bool abort) {
    if (cJSON_IsTrue(item_of(status_of(doing->rollout), "abort")) == abort) return 0;
    return merge_status(doing, with_flag("status", "abort", abort));
}

static int do_pause(struct doing *doing, bool pause) {
    if (cJSON_IsTrue(item_of(item_of(doing->rollout, "spec"), "paused")) == pause) return 0;
    return merge(doing, with_flag("spec", "paused", pause));
}

static int do_restart(struct doing *doing) {
    const time_t seconds = (time_t)(sl_now_ms(doing->call) / 1000);
    struct tm at;
    char text[32];
    (void)gmtime_r(&seconds, &at);
    (void)strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &at);
    cJSON *patch = cJSON_CreateObject();
    put_text(put_object(patch, "spec"), "restartAt", text);
    return merge(doing, patch);
}

static bool set_in(cJSON *containers, const struct argo_order *order) {
    cJSON *one;
    bool found = false;
    cJSON_ArrayForEach(one, containers) {
        const char *name = text_of(one, "name");
        if (strcmp(order->container, "*") != 0 && (!name || strcmp(name, order->container) != 0))
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(one, "image");
        put_text(one, "image", order->image);
        found = true;
    }
    return found;
}

static void annotate(cJSON *rollout, const cJSON *annotations) {
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(rollout, "metadata");
    cJSON *held = cJSON_GetObjectItemCaseSensitive(metadata, "annotations");
    if (!held) held = put_object(metadata, "annotations");
    const cJSON *one;
    cJSON_ArrayForEach(one, annotations) {
        cJSON_DeleteItemFromObjectCaseSensitive(held, one->string);
        cJSON_AddStringToObject(held, one->string, one->valuestring);
    }
}

static int do_set_image(struct doing *doing) {
    static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};
    cJSON *rollout = cJSON_Duplicate(doing->rollout, 1);
    bool found = false;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        found |= set_in((cJSON *)item_of(pod_spec(rollout), lists[i]), doing->order);
    if (!found)
        return sl_fail(doing->call, SL_NOT_FOUND, "rollout %s/%s has no container '%s'",
                       doing->target->namespace, doing->target->name, doing->order->container);
    if (doing->order->annotations) annotate(rollout, doing->order->annotations);
    if (doing->order->stand) {
        cJSON *spec = cJSON_GetObjectItemCaseSensitive(rollout, "spec");
        cJSON_DeleteItemFromObjectCaseSensitive(spec, "paused");
        put_bool(spec, "paused", true);
    }
    struct kube_answer answer = {0};
    const char *path = path_of(doing->call, doing->target, "?" OUR_NAME);
    int rc =
        kube_request(doing->call, doing->target->kube, "PUT", path, KUBE_JSON, rollout, &answer);
    if (!rc) rc = kube_check(doing->call, &answer, title(doing->call, doing->target, "writing"));
    if (rc) return rc;
    doing->rollout = answer.body;
    doing->changed = true;
    return 0;
}

static int do_undo(struct doing *doing) {
    if (item_of(item_of(doing->rollout, "spec"), "workloadRef"))
        return sl_fail(doing->call, SL_UNSUPPORTED,
                       "rollout %s/%s refers to its pods by workloadRef: undo what it refers to",
                       doing->target->namespace, doing->target->name);
    const cJSON *set = NULL;
    int rc =
        argo_revision(doing->call, doing->target, doing->rollout, doing->order->revision, &set);
    if (rc) return rc;
    cJSON *template = cJSON_Duplicate(item_of(item_of(set, "spec"), "template"), 1);
    cJSON *labels = (cJSON *)item_of(item_of(template, "metadata"), "labels");
    cJSON_DeleteItemFromObjectCaseSensitive(labels, HASH_KEY);
    cJSON *patch = cJSON_CreateArray(), *test = add_object(patch), *replace = add_object(patch);
    put_text(test, "op", "test");
    put_text(test, "path", "/metadata/resourceVersion");
    put_text(test, "value", version_of(doing->rollout));
    put_text(replace, "op", "replace");
    put_text(replace, "path", "/spec/template");
    put_item(replace, "value", template);
    struct kube_answer answer = {0};
    rc =
        kube_request(doing->call, doing->target->kube, "PATCH",
                     path_of(doing->call, doing->target, "?" OUR_NAME), KUBE_PATCH, patch, &answer);
    /* A test that fails is how a JSON patch says 409. */
    if (!rc && answer.status == 422 && strstr(sl_get_text(answer.body, "message", ""), "test"))
        return SL_CONFLICT;
    if (!rc) rc = kube_check(doing->call, &answer, title(doing->call, doing->target, "undoing"));
    if (rc) return rc;
    doing->rollout = answer.body;
    doing->changed = true;
    return 0;
}

static int do_once(struct doing *doing) {
    switch (doing->order->verb) {
    case ARGO_DO_PROMOTE:
        return do_promote(doing, ARGO_PROMOTE);
    case ARGO_DO_PROMOTE_FULL:
        return do_promote(doing, ARGO_PROMOTE_FULL);
    case ARGO_DO_ABORT:
        return do_abort(doing, true);
    case ARGO_DO_RETRY:
        return do_abort(doing, false);
    case ARGO_DO_PAUSE:
        return do_pause(doing, true);
    case ARGO_DO_RESUME:
        return do_pause(doing, false);
    case ARGO_DO_RESTART:
        return do_restart(doing);
    case ARGO_DO_UNDO:
        return do_undo(doing);
    case ARGO_DO_SET_IMAGE:
        return do_set_image(doing);
    }
    return SL_INTERNAL;
}

static int place_of(const cJSON *rollout) {
    const cJSON *step = item_of(status_of(rollout), "currentStepIndex");
    return cJSON_IsNumber(step) ? step->valueint : -1;
}

static bool is_paused(const cJSON *rollout) {
    return cJSON_GetArraySize(item_of(status_of(rollout), "pauseConditions")) > 0;
}

/* Promotes from where it was first read: if others moved it on, there is nothing left to do. */
static bool moved_on(const struct argo_order *order, const cJSON *first, const cJSON *now) {
    return order->verb == ARGO_DO_PROMOTE &&
           (place_of(first) != place_of(now) || is_paused(first) != is_paused(now));
}

int argo_do(sl_call *call, const struct argo_target *target, const struct argo_order *order,
            const cJSON **updated, bool *changed) {
    struct doing doing = {.call = call, .target = target, .order = order};
    const cJSON *first = NULL;
    int rc = SL_CONFLICT;
    for (int i = 0; i < KUBE_TRIES && rc == SL_CONFLICT; i++) {
        if (i) (void)sl_sleep(call, 20 * i + sl_clock_ns(call) / 1000 % 50);
        rc = argo_read(call, target, &doing.rollout);
        if (rc) break;
        if (!first) first = doing.rollout;
        rc = i && moved_on(order, first, doing.rollout) ? 0 : do_once(&doing);
    }
    *updated = doing.rollout;
    *changed = doing.changed;
    if (rc == SL_CONFLICT)
        return sl_fail(call, rc,
                       "rollout %s/%s was written by others %d times while it was changed "
                       "here: try again",
                       target->namespace, target->name, KUBE_TRIES);
    return rc;
}

/* ---- revisions ---- */

static bool is_owned(const cJSON *object, const char *uid) {
    const cJSON *owner;
    cJSON_ArrayForEach(owner, item_of(item_of(object, "metadata"), "ownerReferences")) {
        const char *own = text_of(owner, "uid");
        if (uid && own && strcmp(own, uid) == 0) return true;
    }
    return false;
}

static int64_t revision_of(const cJSON *object) {
    const char *text = argo_annotation(object, REVISION);
    return text ? strtoll(text, NULL, 10) : 0;
}

static const char *selector_of(sl_call *call, const cJSON *rollout) {
    const cJSON *label;
    const char *text = "";
    cJSON_ArrayForEach(label, item_of(item_of(item_of(rollout, "spec"), "selector"), "matchLabels"))
        text = sl_printf(call, "%s%s%s%%3D%s", text, *text ? "%2C" : "", label->string,
                         label->valuestring ? label->valuestring : "");
    return text;
}

static const cJSON *pick(const cJSON *sets, const char *uid, int64_t revision) {
    const cJSON *set, *newest = NULL, *second = NULL;
    cJSON_ArrayForEach(set, sets) {
        int64_t own = revision_of(set);
        if (!is_owned(set, uid) || !own) continue;
        if (revision && own == revision) return set;
        if (!newest || own > revision_of(newest)) {
            second = newest;
            newest = set;
        } else if (!second || own > revision_of(second)) {
            second = set;
        }
    }
    return revision ? NULL : second;
}

int argo_revision(sl_call *call, const struct argo_target *target, const cJSON *rollout,
                  int64_t revision, const cJSON **replica_set) {
    const cJSON *list = NULL;
    const char *path = sl_printf(call, "/apis/apps/v1/namespaces/%s/replicasets?labelSelector=%s",
                                 target->namespace, selector_of(call, rollout));
    int rc = kube_get(call, target->kube, path, &list);
    if (rc) return rc;
    const char *uid = text_of(item_of(rollout, "metadata"), "uid");
    *replica_set = pick(item_of(list, "items"), uid, revision);
    if (*replica_set) return 0;
    if (revision)
        return sl_fail(call, SL_NOT_FOUND, "rollout %s/%s has no revision %lld", target->namespace,
                       target->name, (long long)revision);
    return sl_fail(call, SL_NOT_FOUND, "rollout %s/%s has no revision before the current one",
                   target->namespace, target->name);
}

/* ---- evidence ---- */

static const char *run_name(const cJSON *rollout) {
    static const char *const places[][2] = {{"canary", "currentStepAnalysisRunStatus"},
                                            {"canary", "currentBackgroundAnalysisRunStatus"},
                                            {"blueGreen", "prePromotionAnalysisRunStatus"},
                                            {"blueGreen", "postPromotionAnalysisRunStatus"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const cJSON *run = item_of(item_of(status_of(rollout), places[i][0]), places[i][1]);
        const char *phase = text_of(run, "status"), *name = text_of(run, "name");
        bool spoke = phase && (strcmp(phase, "Failed") == 0 || strcmp(phase, "Error") == 0 ||
                               strcmp(phase, "Inconclusive") == 0);
        if (spoke && kube_name_fits(name)) return name;
    }
    return NULL;
}

/* Best to worst, as Argo orders them. */
static int badness(const char *phase) {
    static const char *const order[] = {"Successful",   "Running", "Pending",
                                        "Inconclusive", "Error",   "Failed"};
    for (int i = 0; phase && i < 6; i++) {
        if (strcmp(order[i], phase) == 0) return i;
    }
    return -1;
}

static const cJSON *worst_metric(const cJSON *run) {
    const cJSON *metric, *worst = NULL;
    cJSON_ArrayForEach(metric, item_of(status_of(run), "metricResults")) {
        if (!worst || badness(text_of(metric, "phase")) > badness(text_of(worst, "phase")))
            worst = metric;
    }
    return worst;
}

const char *argo_evidence(sl_call *call, const struct argo_target *target, const cJSON *rollout) {
    const char *name = run_name(rollout);
    if (!name) return NULL;
    const cJSON *run = NULL;
    const char *path =
        sl_printf(call, GROUP "/namespaces/%s/analysisruns/%s", target->namespace, name);
    if (kube_get(call, target->kube, path, &run)) return NULL;
    const cJSON *metric = worst_metric(run);
    if (!metric) return sl_printf(call, "analysis %s", name);
    const cJSON *all = item_of(metric, "measurements");
    const cJSON *last = cJSON_GetArrayItem(all, cJSON_GetArraySize(all) - 1);
    const char *why = text_of(metric, "message");
    if (!why) why = text_of(last, "message");
    return sl_printf(call, "analysis %s: metric %s %s: value %.200s%s%.300s%s", name,
                     sl_get_text(metric, "name", "?"), sl_get_text(metric, "phase", "?"),
                     sl_get_text(last, "value", "none"), why ? " (" : "", why ? why : "",
                     why ? ")" : "");
}
