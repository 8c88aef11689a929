/* driver_argo.c - rollouts by Argo Rollouts, through the Kubernetes API.
 *
 * Argo's controller moves the traffic along the steps of the Rollout, and by its own clock; this driver
 * lets it go on no further than the wish says (by spec.paused, and by letting it out of its pauses),
 * aborts it, and reads what is. Each decision is first written into the
 * Rollout's annotations with the version read as precondition (the fence), then carried out. */
#include "argo.h"
#include "argo_rollout.h"
#include "driver.h"
#include "tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NOTE_DEPLOYMENT "sluice/deployment"
#define NOTE_GENERATION "sluice/generation"
#define NOTE_PAUSED     "sluice/paused"

struct work {
    sl_call *call;
    const struct driver_wish *wish;
    struct kube kube;
    struct argo_target target;
    const char *container; /* whose image is the version; NULL: the first */
    const cJSON *rollout;  /* as last read; NULL: there is none */
};

static const cJSON *settings_of(const struct driver_wish *wish) {
    return wish->settings;
}

static const char *own_text(const struct driver_wish *wish, const char *name, const char *other) {
    return sl_get_text(sl_get(wish->plan, "argo"), name, sl_get_text(wish->settings, name, other));
}

static int open_work(sl_call *call, const struct driver_wish *wish, struct work *work) {
    *work = (struct work){.call = call, .wish = wish};
    int rc = kube_open(call, settings_of(wish), &work->kube);
    if (rc) return rc;
    const cJSON *made = item_of(item_of(wish->manifests, "rollout"), "metadata");
    const char *namespace = own_text(wish, "namespace", text_of(made, "namespace"));
    const char *name = own_text(wish, "rollout", text_of(made, "name"));
    work->target = (struct argo_target){.kube = &work->kube,
                                        .namespace = namespace ? namespace : work->kube.namespace,
                                        .name = name ? name : wish->app};
    work->container = own_text(wish, "container", NULL);
    if (kube_name_fits(work->target.namespace) && kube_name_fits(work->target.name)) return 0;
    return sl_fail(call, SL_INVALID, "argo: '%s/%s' is no rollout's name", work->target.namespace,
                   work->target.name);
}

static int look(struct work *work) {
    int rc = argo_read(work->call, &work->target, &work->rollout);
    if (rc == SL_NOT_FOUND) work->rollout = NULL;
    return rc;
}

static bool must_stand_at_first(const struct work *work, const cJSON *rollout);

/* ---- server-side apply ---- */

struct kind {
    const char *name, *prefix, *plural;
    bool in_namespace;
};
static const struct kind kinds[] = {
    {"Namespace", "/api/v1", "namespaces", false},
    {"Service", "/api/v1", "services", true},
    {"ConfigMap", "/api/v1", "configmaps", true},
    {"PodDisruptionBudget", "/apis/policy/v1", "poddisruptionbudgets", true},
    {"AnalysisTemplate", "/apis/argoproj.io/v1alpha1", "analysistemplates", true},
    {"Rollout", "/apis/argoproj.io/v1alpha1", "rollouts", true}};

static const struct kind *kind_of(const cJSON *object) {
    const char *name = text_of(object, "kind");
    for (size_t i = 0; name && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) return &kinds[i];
    }
    return NULL;
}

static const char *object_path(struct work *work, const cJSON *object) {
    const struct kind *kind = kind_of(object);
    const char *name = text_of(item_of(object, "metadata"), "name");
    const char *namespace = text_of(item_of(object, "metadata"), "namespace");
    if (!namespace) namespace = work->target.namespace;
    if (!kind || !kube_name_fits(name) || !kube_name_fits(namespace)) return NULL;
    if (!kind->in_namespace)
        return sl_printf(work->call, "%s/%s/%s", kind->prefix, kind->plural, name);
    return sl_printf(work->call, "%s/namespaces/%s/%s/%s", kind->prefix, namespace, kind->plural,
                     name);
}

static cJSON *notes(struct work *work, bool paused) {
    cJSON *annotations = cJSON_CreateObject();
    put_text(annotations, NOTE_DEPLOYMENT, work->wish->deployment);
    put_text(annotations, NOTE_GENERATION,
             sl_printf(work->call, "%lld", (long long)work->wish->generation));
    put_text(annotations, NOTE_PAUSED, paused ? "true" : "false");
    return annotations;
}

/* The Rollout carries the fence from its first moment on. */
static cJSON *with_notes(struct work *work, const cJSON *object) {
    cJSON *copy = cJSON_Duplicate(object, 1);
    const struct kind *kind = kind_of(object);
    if (strcmp(kind->name, "Rollout") != 0) return copy;
    cJSON *metadata = cJSON_GetObjectItemCaseSensitive(copy, "metadata");
    cJSON *held = cJSON_GetObjectItemCaseSensitive(metadata, "annotations");
    if (!held) held = put_object(metadata, "annotations");
    const bool stand = must_stand_at_first(work, copy);
    const cJSON *one, *own = notes(work, stand);
    if (stand) put_bool(cJSON_GetObjectItemCaseSensitive(copy, "spec"), "paused", true);
    cJSON_ArrayForEach(one, own) {
        cJSON_DeleteItemFromObjectCaseSensitive(held, one->string);
        put_text(held, one->string, one->valuestring);
    }
    return copy;
}

/* Not by force: a field that another manager holds is its, and it is named in the answer. */
static int apply_object(struct work *work, const cJSON *object) {
    const char *path = object_path(work, object);
    if (!path)
        return sl_fail(work->call, SL_INVALID, "argo: a manifest is of a kind that is not applied");
    struct kube_answer answer = {0};
    int rc = kube_request(work->call, &work->kube, "PATCH",
                          sl_printf(work->call, "%s?fieldManager=sluice", path), KUBE_APPLY,
                          with_notes(work, object), &answer);
    return rc ? rc : kube_check(work->call, &answer, sl_printf(work->call, "applying %s", path));
}

static int apply_member(struct work *work, const char *member) {
    const cJSON *item = item_of(work->wish->manifests, member), *one;
    if (!item) return 0;
    if (!cJSON_IsArray(item)) return apply_object(work, item);
    int rc = 0;
    cJSON_ArrayForEach(one, item) rc = rc ? rc : apply_object(work, one);
    return rc;
}

static int apply_manifests(struct work *work) {
    static const char *const order[] = {"namespace", "services", "analysis_template",
                                        "disruption_budget", "rollout"};
    int rc = 0;
    for (size_t i = 0; !rc && i < sizeof order / sizeof *order; i++)
        rc = apply_member(work, order[i]);
    return rc ? rc : look(work);
}

/* ---- the fence ---- */

static int64_t carried(const cJSON *rollout) {
    const char *text = argo_annotation(rollout, NOTE_GENERATION);
    return text ? strtoll(text, NULL, 10) : 0;
}

static bool is_ours(const struct work *work) {
    const char *id = argo_annotation(work->rollout, NOTE_DEPLOYMENT);
    return id && strcmp(id, work->wish->deployment) == 0;
}

/* Who last wrote the pod template, by managedFields. */
static const char *template_writer(const cJSON *rollout) {
    const cJSON *entry;
    const char *writer = NULL, *latest = "";
    cJSON_ArrayForEach(entry, item_of(item_of(rollout, "metadata"), "managedFields")) {
        const char *at = text_of(entry, "time"), *manager = text_of(entry, "manager");
        const cJSON *spec = item_of(item_of(entry, "fieldsV1"), "f:spec");
        if (!item_of(spec, "f:template") || !at || strcmp(at, latest) < 0) continue;
        writer = manager;
        latest = at;
    }
    return writer;
}

static const char *foreign_words(const struct work *work) {
    const char *image = argo_image(work->rollout, work->container), *wanted = work->wish->image;
    if (!is_ours(work) || !wanted || !*wanted || !image || strcmp(image, wanted) == 0) return NULL;
    const char *writer = template_writer(work->rollout);
    return sl_printf(work->call, "%s set image %.300s", writer ? writer : "somebody", image);
}

static int check_fence(struct work *work) {
    const char *id = argo_annotation(work->rollout, NOTE_DEPLOYMENT);
    if (id && strcmp(id, work->wish->deployment) > 0)
        return sl_fail(work->call, SL_CONFLICT,
                       "argo: rollout %s/%s is moved by deployment %s, which is newer than %s",
                       work->target.namespace, work->target.name, id, work->wish->deployment);
    if (!is_ours(work)) return 0;
    if (carried(work->rollout) > work->wish->generation)
        return sl_fail(
            work->call, SL_CONFLICT,
            "argo: rollout %s/%s carries decision %lld of this deployment; decision %lld "
            "is older and is refused",
            work->target.namespace, work->target.name, (long long)carried(work->rollout),
            (long long)work->wish->generation);
    const char *foreign = foreign_words(work);
    if (!foreign || work->wish->goal == DRIVER_ROLL_BACK) return 0;
    return sl_fail(
        work->call, SL_CONFLICT,
        "argo: somebody else writes rollout %s/%s: %s, this deployment brings out %s; put "
        "it back, or abort",
        work->target.namespace, work->target.name, foreign, work->wish->image);
}

/* ---- how far it may go ---- */

static int index_of(const cJSON *rollout) {
    const cJSON *step = item_of(item_of(rollout, "status"), "currentStepIndex");
    return cJSON_IsNumber(step) ? step->valueint : 0;
}

static bool flag(const cJSON *rollout, const char *name) {
    return cJSON_IsTrue(item_of(item_of(rollout, "status"), name));
}

static int weight_of(const struct work *work, const cJSON *rollout) {
    const cJSON *status = item_of(rollout, "status"), *spec = item_of(rollout, "spec");
    const cJSON *weights = item_of(item_of(status, "canary"), "weights");
    const int max_weight = work->wish->max_weight;
    if (argo_is_promoted(rollout)) return max_weight;
    if (flag(rollout, "abort") && !weights) return 0;
    if (weights) return (int)number_of(item_of(weights, "canary"), "weight");
    if (item_of(item_of(spec, "strategy"), "blueGreen")) return 0;
    /* Without a traffic router pods are the weights. */
    double updated = number_of(status, "updatedReplicas"), all = number_of(status, "replicas");
    return all > 0 ? (int)(updated * max_weight / all + 0.5) : -1;
}

/* May it go on from behind step `from`, which ends where the next weight is in force? Past the last
 * weight there is only the promotion. */
static bool may_go_on(const struct work *work, const cJSON *rollout, int from) {
    const struct driver_wish *wish = work->wish;
    const cJSON *spec = item_of(item_of(rollout, "spec"), "strategy"), *step;
    int i = 0;
    if (wish->goal != DRIVER_SHIFT || wish->skip) return true;
    cJSON_ArrayForEach(step, item_of(item_of(spec, "canary"), "steps")) {
        const cJSON *weight = item_of(step, "setWeight");
        if (i++ <= from || !cJSON_IsNumber(weight)) continue;
        return i - 1 <= wish->step && weight->valueint <= wish->weight;
    }
    return false;
}

/* Argo's own pauses end by its own clock, and so do its analyses: it is told to stand as soon as the
 * wished weight is in force, until a further one is wished for. */
static bool must_stand(const struct work *work, const cJSON *rollout) {
    const struct driver_wish *wish = work->wish;
    const cJSON *canary = item_of(item_of(item_of(rollout, "spec"), "strategy"), "canary");
    if (wish->goal != DRIVER_SHIFT) return false;
    if (wish->paused) return true;
    if (wish->blue_green || !cJSON_GetArraySize(item_of(canary, "steps"))) return false;
    return weight_of(work, rollout) == wish->weight && !may_go_on(work, rollout, index_of(rollout));
}

/* Nothing may move before the first weight is wished for. */
static bool must_stand_at_first(const struct work *work, const cJSON *rollout) {
    const cJSON *canary = item_of(item_of(item_of(rollout, "spec"), "strategy"), "canary");
    return work->wish->goal == DRIVER_SHIFT && !work->wish->blue_green &&
           cJSON_GetArraySize(item_of(canary, "steps")) > 0 && !may_go_on(work, rollout, -1);
}

static bool noted_pause(const cJSON *rollout) {
    const char *text = argo_annotation(rollout, NOTE_PAUSED);
    return text && strcmp(text, "true") == 0;
}

/* Writes the decision down, and with it spec.paused; a pause that others made stays theirs. */
static int note(struct work *work) {
    const bool noted = noted_pause(work->rollout);
    const bool paused = cJSON_IsTrue(item_of(item_of(work->rollout, "spec"), "paused"));
    const bool stand = must_stand(work, work->rollout) && (noted || !paused);
    if (is_ours(work) && carried(work->rollout) == work->wish->generation && stand == noted)
        return 0;
    cJSON *patch = cJSON_CreateObject();
    put_item(put_object(patch, "metadata"), "annotations", notes(work, stand));
    if (stand != noted) put_bool(put_object(patch, "spec"), "paused", stand);
    return argo_merge(work->call, &work->target, work->rollout, patch, &work->rollout);
}

/* ---- carrying out ---- */

static int order(struct work *work, enum argo_verb verb) {
    const struct argo_order order = {.verb = verb};
    bool changed;
    return argo_do(work->call, &work->target, &order, &work->rollout, &changed);
}

static bool waits(const cJSON *rollout) {
    return cJSON_GetArraySize(item_of(item_of(rollout, "status"), "pauseConditions")) > 0;
}

static int shift(struct work *work) {
    const struct driver_wish *wish = work->wish;
    int rc = flag(work->rollout, "abort") ? order(work, ARGO_DO_RETRY) : 0;
    if (rc || wish->paused) return rc;
    if (wish->skip && !argo_is_promoted(work->rollout) && !flag(work->rollout, "promoteFull"))
        return order(work, ARGO_DO_PROMOTE_FULL);
    const int index = index_of(work->rollout);
    bool further = wish->blue_green ? wish->weight >= wish->max_weight
                                    : index < wish->step && may_go_on(work, work->rollout, index);
    return further && waits(work->rollout) ? order(work, ARGO_DO_PROMOTE) : 0;
}

static int promote(struct work *work) {
    if (argo_is_promoted(work->rollout)) return 0;
    if (work->wish->skip)
        return flag(work->rollout, "promoteFull") ? 0 : order(work, ARGO_DO_PROMOTE_FULL);
    return waits(work->rollout) ? order(work, ARGO_DO_PROMOTE) : 0;
}

static int roll_back(struct work *work) {
    const char *image = argo_image(work->rollout, work->container), *own = work->wish->image;
    bool brought_out = image && own && strcmp(image, own) == 0;
    if (!argo_is_promoted(work->rollout)) return order(work, ARGO_DO_ABORT);
    /* It is the stable version already: only the one before can be put back. */
    return brought_out ? order(work, ARGO_DO_UNDO) : 0;
}

static int bring_out(struct work *work) {
    if (item_of(work->wish->manifests, "rollout")) return apply_manifests(work);
    if (!work->rollout)
        return sl_fail(work->call, SL_NOT_FOUND,
                       "argo: there is no rollout %s/%s, and this deployment has no manifests to "
                       "make it from",
                       work->target.namespace, work->target.name);
    const char *image = work->wish->image;
    if (!image || !*image) return 0;
    const char *current = argo_image(work->rollout, work->container);
    if (current && strcmp(current, image) == 0) return 0;
    const cJSON *containers =
        item_of(item_of(item_of(item_of(work->rollout, "spec"), "template"), "spec"), "containers");
    const char *first = text_of(cJSON_GetArrayItem(containers, 0), "name");
    const struct argo_order order = {.verb = ARGO_DO_SET_IMAGE,
                                     .container = work->container ? work->container : first,
                                     .image = image,
                                     .stand = must_stand_at_first(work, work->rollout),
                                     .annotations =
                                         notes(work, must_stand_at_first(work, work->rollout))};
    bool changed;
    if (!order.container)
        return sl_fail(work->call, SL_INVALID, "argo: rollout %s/%s has no containers",
                       work->target.namespace, work->target.name);
    return argo_do(work->call, &work->target, &order, &work->rollout, &changed);
}

static int carry_out(struct work *work) {
    int rc = look(work);
    if (rc && rc != SL_NOT_FOUND) return rc;
    if (work->rollout) rc = check_fence(work);
    if (rc && work->rollout) return rc;
    /* The first time, and only to bring something out: never to take it back. */
    if ((!work->rollout || !is_ours(work)) && work->wish->goal != DRIVER_ROLL_BACK)
        rc = bring_out(work);
    if (rc || !work->rollout) return rc;
    rc = note(work);
    if (rc) return rc;
    switch (work->wish->goal) {
    case DRIVER_SHIFT:
        return shift(work);
    case DRIVER_PROMOTE:
        return promote(work);
    case DRIVER_ROLL_BACK:
        return roll_back(work);
    }
    return SL_INTERNAL;
}

/* ---- telling ---- */

static bool weights_verified(const cJSON *rollout) {
    const cJSON *canary = item_of(item_of(rollout, "status"), "canary");
    return !cJSON_IsFalse(item_of(item_of(canary, "weights"), "verified"));
}

static bool pods_are_there(const char *phase, const char *message) {
    return strcmp(phase, "Degraded") != 0 && !strstr(message, "more replicas need") &&
           !strstr(message, "becoming available") && !strstr(message, "to be observed");
}

static void tell(const struct work *work, struct driver_view *view) {
    const cJSON *status = item_of(work->rollout, "status");
    char message[600];
    const char *phase = argo_phase(work->rollout, message, sizeof message);
    const char *evidence = strcmp(phase, "Degraded") == 0
                               ? argo_evidence(work->call, &work->target, work->rollout)
                               : NULL;
    *view = driver_blind(work->call);
    view->generation = is_ours(work) ? carried(work->rollout) : 0;
    view->phase = sl_strdup(work->call, phase);
    view->message = evidence ? sl_printf(work->call, "%s; %s", message, evidence)
                             : sl_strdup(work->call, message);
    view->weight = weight_of(work, work->rollout);
    view->ready = pods_are_there(phase, message);
    view->replicas = (int)number_of(status, "updatedReplicas");
    view->foreign = foreign_words(work);
    view->promoted = is_ours(work) && !view->foreign && strcmp(phase, "Healthy") == 0 &&
                     argo_is_promoted(work->rollout);
    view->rolled_back =
        (flag(work->rollout, "abort") && view->weight == 0) ||
        (work->wish->goal == DRIVER_ROLL_BACK && view->foreign && argo_is_promoted(work->rollout));
    view->verified =
        weights_verified(work->rollout) && view->weight >= 0 &&
        (view->promoted || work->wish->goal != DRIVER_SHIFT || view->weight == work->wish->weight);
}

/* ---- the driver ---- */

static int apply(sl_call *call, const struct driver_wish *wish, struct driver_view *view) {
    struct work work;
    int rc = open_work(call, wish, &work);
    for (int i = 0; !rc && i < KUBE_TRIES; i++) {
        rc = carry_out(&work);
        /* Somebody wrote in between (the controller does all the time): decide anew. */
        if (rc != SL_CONFLICT || !strstr(sl_failure(call), "409") || i + 1 == KUBE_TRIES) break;
        (void)sl_sleep(call, 20 * (i + 1) + sl_clock_ns(call) / 1000 % 50);
        rc = 0;
    }
    if (!rc && work.rollout) {
        tell(&work, view);
    } else if (!rc) {
        *view = driver_blind(call);
        view->rolled_back = true; /* there never was anything */
        view->message = "there is no such rollout";
    }
    kube_close(&work.kube);
    return rc;
}

static int observe(sl_call *call, const struct driver_wish *wish, struct driver_view *view) {
    struct work work;
    int rc = open_work(call, wish, &work);
    if (!rc) rc = look(&work);
    if (!rc) tell(&work, view);
    kube_close(&work.kube);
    return rc;
}

static int previous(sl_call *call, const struct driver_wish *wish, const char **image) {
    struct work work;
    const cJSON *set = NULL;
    int rc = open_work(call, wish, &work);
    if (!rc) rc = look(&work);
    if (!rc) rc = argo_revision(call, &work.target, work.rollout, 0, &set);
    if (!rc) *image = argo_image(set, work.container);
    if (!rc && !*image) rc = sl_fail(call, SL_NOT_FOUND, "argo: the revision before has no image");
    kube_close(&work.kube);
    return rc;
}

static int check(sl_call *call, const cJSON *settings) {
    struct kube kube;
    const bool named = sl_get(settings, "kubeconfig") || sl_get(settings, "server");
    int rc = named ? kube_open(call, settings, &kube) : 0;
    if (named) kube_close(&kube);
    return rc;
}

const struct driver driver_argo = {
    .name = "argo", .check = check, .apply = apply, .observe = observe, .previous = previous};
