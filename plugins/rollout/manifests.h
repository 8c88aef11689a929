/* manifests.h - the Kubernetes objects that bring one version out, filled into templates/. Pure,
 * and deterministic: the same plan gives the same bytes.
 *
 * The answer is an object: namespace, rollout, services (array), analysis_template, with two or
 * more replicas disruption_budget, and deployment. The Rollout carries its pod template itself.
 * `deployment` is the same pods as a plain Deployment, for clusters without Argo Rollouts and for
 * clients that know no other key: an alternative to the Rollout, never applied beside it, so it is
 * not among manifests_to_apply(). (A Rollout that refers to the Deployment, workloadRef, would need
 * it at 0 replicas, and then those clients would bring out nothing; or scaled down afterwards, and
 * then every apply starts the new version at full size beside its canary.)
 */
#ifndef ROLLOUT_MANIFESTS_H
#define ROLLOUT_MANIFESTS_H

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

/* The object as JSON text, by cJSON's allocator: cJSON_free it. */
char *manifests_write(const struct plan *plan, const struct manifest_settings *settings);

/* Of the parsed text, the objects in the order in which they are applied, as the array of a Kubernetes List; shows
 * parts of `manifests`, which must outlive it. */
cJSON *manifests_to_apply(const cJSON *manifests);

#endif
