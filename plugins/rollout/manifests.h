/* manifests.h - the Kubernetes objects that bring one version out, filled into templates/. Pure,
 * and deterministic: the same plan gives the same bytes.
 *
 * The objects are one JSON object: namespace, rollout, services (array), analysis_template, with two
 * or more replicas disruption_budget, and deployment. The Rollout carries its pod template itself.
 * `deployment` is the same pods as a plain Deployment, for clusters without Argo Rollouts and for
 * clients that know no other key: an alternative to the Rollout, never applied beside it, so it is
 * not among manifests_to_apply(). (A Rollout that refers to the Deployment, workloadRef, would need
 * it at 0 replicas, and then those clients would bring out nothing; or scaled down afterwards, and
 * then every apply starts the new version at full size beside its canary.)
 *
 * They are written in two steps. The templates and the settings make a *skeleton*: the whole text
 * with places for what differs between deployments of one shape. The *values* of a plan fill it. So
 * a kept deployment needs the values alone, and the name of a skeleton that is kept once.
 */
#ifndef ROLLOUT_MANIFESTS_H
#define ROLLOUT_MANIFESTS_H

#include "names.h"
#include "template.h"

#include <cjson/cJSON.h>

/* From the plugin's configuration. */
struct manifest_settings {
    const char *prometheus;      /* base URL that the cluster reaches */
    const char *requests_metric; /* a counter with labels namespace, pod and `code_label` */
    const char *code_label;      /* holds the HTTP status */
    const char *success_floor;   /* a number as text; below: abort */
    const char *success_target;  /* from here on: pass; between the two: hold */
    int default_port;
};

/* All borrowed. */
struct plan {
    const char *tenant; /* "default" does not show in names */
    const char *app, *environment;
    const char *data_classification, *exposure; /* NULL: no label */
    const char *strategy;                       /* "canary" or "bluegreen" */
    const char *risk_level;                     /* sets the pace, see steps.h */
    const char *id;                             /* of the deployment; NULL: a dry run */
    const cJSON *config;                        /* image, replicas, port, resources, env... */
    const cJSON *steps;                         /* wanted by the request, or NULL */
};

enum { MANIFEST_PLACES = 9, MANIFEST_SHAPES = 64 };

/* Plans of one shape share the skeleton; below MANIFEST_SHAPES. */
unsigned manifests_shape(const struct plan *plan);
/* The skeleton's text, by cJSON's allocator. */
char *manifests_skeleton(const struct plan *plan, const struct manifest_settings *settings);
/* Of a skeleton, for template_write. Malloc'ed; NULL: no memory. */
struct template *manifests_compile(const char *skeleton);

/* What fills a skeleton. Borrows from the plan. */
struct manifest_values {
    struct filling fillings[MANIFEST_PLACES];
    char *made[MANIFEST_PLACES]; /* by cJSON's allocator; NULL: borrowed */
    char namespace[KUBE_NAME_MAX + 1];
    char replicas[16], port[16];
    size_t
        kept_at[MANIFEST_PLACES]; /* set by manifests_keep: where in its text each value stands */
};
void manifest_values_begin(struct manifest_values *values, const struct plan *plan,
                           const struct manifest_settings *settings);
void manifest_values_end(struct manifest_values *values);

/* All of it: the objects as JSON text, by cJSON's allocator. */
char *manifests_write(const struct plan *plan, const struct manifest_settings *settings);

/* ---- as they are kept ----
 * {"template": name of the skeleton, "places": {name: value...}} */
void manifests_keep(struct text *text, const char *name, struct manifest_values *values);
/* The name of the skeleton that `kept` needs; NULL: it is not kept like this, but whole. */
const char *manifests_kept_name(const cJSON *kept);
/* The objects as JSON text again, by cJSON's allocator. */
char *manifests_restore(const cJSON *kept, const char *skeleton);

/* Of the parsed text, the objects in the order in which they are applied, as the array of a Kubernetes List; shows
 * parts of `manifests`, which must outlive it. */
cJSON *manifests_to_apply(const cJSON *manifests);

#endif
