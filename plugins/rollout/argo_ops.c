#include "argo_ops.h"

#include "argo.h"
#include "argo_rollout.h"
#include "rollout.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

/* As kubectl-argo-rollouts names them. */
#define VERBS "promote|promote-full|abort|retry|pause|resume|restart|undo|set-image"
static const char *const verb_names[] = {"promote", "promote-full", "abort", "retry",    "pause",
                                         "resume",  "restart",      "undo",  "set-image"};

/* clang-format off */
#define NAME_FIELDS                                                                                \
    SL_STRING("namespace", .help = "of the Rollout", .flags = SL_REQUIRED, .max = 63),             \
    SL_STRING("name", .help = "of the Rollout", .flags = SL_REQUIRED, .max = 253)
/* clang-format on */

const sl_field argo_name_in[] = {NAME_FIELDS, SL_END};
const sl_field argo_act_in[] = {
    NAME_FIELDS,
    SL_ENUM("verb", VERBS, .help = "what to do", .flags = SL_REQUIRED),
    SL_STRING("container", .help = "set-image: a container, or * for all", .max = 63),
    SL_STRING("image", .help = "set-image: the image", .max = 1024),
    SL_INT("revision", .help = "undo: to this one; 0: to the one before", .def = "0", .min = 0),
    SL_END};
const sl_field argo_out[] = {
    SL_STRING("namespace"),
    SL_STRING("name"),
    SL_STRING("phase", .help = "Healthy, Progressing, Paused or Degraded"),
    SL_STRING("message", .help = "why, as the controller says it"),
    SL_STRING("evidence", .help = "the analysis that went worst, when it is degraded"),
    SL_STRING("image", .help = "of the first container"),
    SL_INT("step", .help = "index of the current step; absent without steps"),
    SL_INT("steps", .help = "how many there are"),
    SL_NUMBER("weight", .help = "of the new version, where a router reports it"),
    SL_BOOL("aborted"),
    SL_BOOL("promoted", .help = "the current version is the stable one"),
    SL_STRING("resource_version", .help = "opaque"),
    SL_BOOL("changed", .help = "argo.act: something was written"),
    SL_END};

static const cJSON *settings_of(sl_call *call) {
    const struct rollout *rollout = sl_state(call);
    return sl_get(rollout->config, "argo");
}

static void show(cJSON *out, const struct argo_target *target, const cJSON *rollout) {
    char message[600];
    const cJSON *spec = item_of(rollout, "spec"), *status = item_of(rollout, "status");
    const cJSON *canary = item_of(item_of(spec, "strategy"), "canary");
    const cJSON *step = item_of(status, "currentStepIndex");
    const cJSON *weight =
        item_of(item_of(item_of(item_of(status, "canary"), "weights"), "canary"), "weight");
    put_text(out, "namespace", target->namespace);
    put_text(out, "name", target->name);
    put_text(out, "phase", argo_phase(rollout, message, sizeof message));
    put_text(out, "message", message);
    const char *image = argo_image(rollout, NULL);
    if (image) put_text(out, "image", image);
    if (cJSON_IsNumber(step)) put_number(out, "step", step->valuedouble);
    if (canary) put_number(out, "steps", cJSON_GetArraySize(item_of(canary, "steps")));
    if (cJSON_IsNumber(weight)) put_number(out, "weight", weight->valuedouble);
    put_bool(out, "aborted", cJSON_IsTrue(item_of(status, "abort")));
    put_bool(out, "promoted", argo_is_promoted(rollout));
    const char *version = text_of(item_of(rollout, "metadata"), "resourceVersion");
    if (version) put_text(out, "resource_version", version);
}

static int open_target(sl_call *call, const cJSON *in, struct kube *kube,
                       struct argo_target *target) {
    int rc = kube_open(call, settings_of(call), kube);
    *target = (struct argo_target){
        .kube = kube, .namespace = text_of(in, "namespace"), .name = text_of(in, "name")};
    if (rc || (kube_name_fits(target->namespace) && kube_name_fits(target->name))) return rc;
    return sl_fail(call, SL_INVALID, "'%s/%s' is no name that Kubernetes takes", target->namespace,
                   target->name);
}

int argo_get(sl_call *call, const cJSON *in, cJSON *out) {
    struct kube kube;
    struct argo_target target;
    const cJSON *rollout = NULL;
    int rc = open_target(call, in, &kube, &target);
    if (!rc) rc = argo_read(call, &target, &rollout);
    if (!rc) {
        show(out, &target, rollout);
        const char *evidence = argo_evidence(call, &target, rollout);
        if (evidence) put_text(out, "evidence", evidence);
    }
    kube_close(&kube);
    return rc;
}

static int order_of(sl_call *call, const cJSON *in, struct argo_order *order) {
    const char *verb = sl_get_text(in, "verb", "");
    *order = (struct argo_order){.container = sl_get_text(in, "container", "*"),
                                 .image = text_of(in, "image"),
                                 .revision = sl_get_int(in, "revision", 0)};
    for (size_t i = 0; i < sizeof verb_names / sizeof *verb_names; i++) {
        if (strcmp(verb_names[i], verb) == 0) order->verb = (enum argo_verb)i;
    }
    if (order->verb != ARGO_DO_SET_IMAGE || order->image) return 0;
    sl_fault(call, "/image", NULL, "set-image needs an image");
    return sl_fail(call, SL_INVALID, "set-image needs an image");
}

int argo_act(sl_call *call, const cJSON *in, cJSON *out) {
    struct kube kube = {0};
    struct argo_target target;
    struct argo_order order;
    const cJSON *rollout = NULL;
    bool changed = false;
    int rc = order_of(call, in, &order);
    if (!rc) rc = open_target(call, in, &kube, &target);
    if (!rc) rc = argo_do(call, &target, &order, &rollout, &changed);
    if (!rc) {
        show(out, &target, rollout);
        put_bool(out, "changed", changed);
    }
    kube_close(&kube);
    return rc;
}

/* ---- watching ---- */

/* A stream ends after this many events, so that the memory of its call ends too; clients of SSE
 * come again by themselves. */
enum { EVENTS_MAX = 5000 };

struct follower {
    sl_call *call;
    const struct argo_target *target;
    const char *last; /* what was sent last, without the version */
    int events;
};

static int tell(struct follower *follower, const cJSON *object) {
    cJSON *news = cJSON_CreateObject();
    show(news, follower->target, object);
    char *version = sl_strdup(follower->call, sl_get_text(news, "resource_version", ""));
    cJSON_DeleteItemFromObjectCaseSensitive(news, "resource_version");
    const char *text = sl_json_print(follower->call, news);
    if (follower->last && strcmp(follower->last, text) == 0) return 0;
    follower->last = text;
    follower->events++;
    int rc = sl_stream_send(follower->call, version, "rollout", text);
    return rc ? rc : follower->events >= EVENTS_MAX ? SL_LIMIT : 0;
}

static int hear(void *arg, const char *type, const cJSON *object) {
    struct follower *follower = arg;
    if (strcmp(type, "DELETED") != 0) return tell(follower, object);
    (void)sl_stream_send(follower->call, NULL, "deleted", "{}");
    return SL_NOT_FOUND;
}

int argo_watch(sl_call *call, const cJSON *in, cJSON *out) {
    if (!sl_wants_stream(call)) return argo_get(call, in, out);
    struct kube kube;
    struct argo_target target;
    int rc = open_target(call, in, &kube, &target);
    if (!rc) rc = sl_stream_open(call);
    if (!rc) {
        struct follower follower = {.call = call, .target = &target};
        struct kube_watch watch = {
            .path = sl_printf(call, "/apis/argoproj.io/v1alpha1/namespaces/%s/rollouts",
                              target.namespace),
            .query = sl_printf(call, "fieldSelector=metadata.name%%3D%s", target.name),
            .event = hear,
            .arg = &follower};
        rc = kube_watch(call, &kube, &watch);
    }
    kube_close(&kube);
    return rc == SL_LIMIT || rc == SL_NOT_FOUND ? 0 : rc;
}
