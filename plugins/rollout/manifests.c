#include "manifests.h"

#include "names.h"
#include "pod.h"
#include "steps.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

/* What several objects of one plan share. */
struct draft {
    const struct plan *plan;
    const struct manifest_settings *settings;
    const struct pace *pace;
    cJSON *manifests;
    /* parts that others show or name; owned by the manifests */
    const char *namespace, *template_name;
    const cJSON *pod;
    int port;
};

/* Begins an object; answers its metadata. */
static cJSON *begin(cJSON *object, const char *api, const char *kind) {
    put_borrowed(object, "apiVersion", api);
    put_borrowed(object, "kind", kind);
    return put_object(object, "metadata");
}

static void name_it(struct draft *draft, cJSON *metadata, const char *name) {
    put_text(metadata, "name", name);
    put_borrowed(metadata, "namespace", draft->namespace);
    put_borrowed(put_object(metadata, "labels"), "app.kubernetes.io/managed-by", "sluice");
}

static void put_selector(struct draft *draft, cJSON *spec, const char *name) {
    put_borrowed(put_object(put_object(spec, name), "matchLabels"), "app", draft->plan->app);
}

static void draft_namespace(struct draft *draft) {
    const struct plan *plan = draft->plan;
    cJSON *metadata = begin(put_object(draft->manifests, "namespace"), "v1", "Namespace");
    char name[KUBE_NAME_MAX + 1];
    bool own_tenant = plan->tenant && strcmp(plan->tenant, "default") != 0;
    kube_name(name, own_tenant ? plan->tenant : NULL, plan->app, plan->environment);
    put_text(metadata, "name", name);
    draft->namespace = text_of(metadata, "name");
    cJSON *labels = put_object(metadata, "labels");
    put_borrowed(labels, "app.kubernetes.io/managed-by", "sluice");
    put_borrowed(labels, "sluice/environment", plan->environment);
    if (plan->data_classification)
        put_borrowed(labels, "sluice/data-classification", plan->data_classification);
    if (plan->exposure) put_borrowed(labels, "sluice/exposure", plan->exposure);
}

/* ---- analysis ---- */

static void draft_query(struct draft *draft, cJSON *prometheus) {
    const struct manifest_settings *set = draft->settings;
    char pods[256], query[1024];
    (void)snprintf(pods, sizeof pods, "namespace=\"%s\",pod=~\"%s-{{args.hash}}-.+\"",
                   draft->namespace, draft->plan->app);
    (void)snprintf(query, sizeof query, "sum(rate(%s{%s,%s!~\"5..\"}[2m])) / sum(rate(%s{%s}[2m]))",
                   set->requests_metric, pods, set->code_label, set->requests_metric, pods);
    put_borrowed(prometheus, "address", set->prometheus);
    put_text(prometheus, "query", query);
}

/* No data is no verdict: neither condition holds, the run is inconclusive, and the rollout waits
 * for a person. Evidence of harm aborts. */
static void draft_analysis_template(struct draft *draft, cJSON *object) {
    cJSON *metadata = begin(object, "argoproj.io/v1alpha1", "AnalysisTemplate");
    char name[KUBE_NAME_MAX + 1];
    kube_name(name, draft->plan->app, "success-rate", NULL);
    name_it(draft, metadata, name);
    draft->template_name = text_of(metadata, "name");
    cJSON *spec = put_object(object, "spec");
    put_borrowed(add_object(put_array(spec, "args")), "name", "hash");
    cJSON *metric = add_object(put_array(spec, "metrics"));
    put_borrowed(metric, "name", "success-rate");
    put_borrowed(metric, "initialDelay", "30s");
    put_borrowed(metric, "interval", "30s");
    put_number(metric, "count", 5);
    put_number(metric, "failureLimit", 1);
    put_number(metric, "inconclusiveLimit", 2);
    put_number(metric, "consecutiveErrorLimit", 4);
    static const char *const measured = "len(result) > 0 && !isNaN(result[0])";
    char condition[160];
    (void)snprintf(condition, sizeof condition, "%s && result[0] >= %.6g", measured,
                   draft->settings->success_target);
    put_text(metric, "successCondition", condition);
    (void)snprintf(condition, sizeof condition, "%s && result[0] < %.6g", measured,
                   draft->settings->success_floor);
    put_text(metric, "failureCondition", condition);
    draft_query(draft, put_object(put_object(metric, "provider"), "prometheus"));
}

/* ---- services ---- */

static const char *draft_service(struct draft *draft, cJSON *services, const char *suffix) {
    char name[KUBE_NAME_MAX + 1];
    kube_name(name, draft->plan->app, suffix, NULL);
    cJSON *object = add_object(services);
    cJSON *metadata = begin(object, "v1", "Service");
    name_it(draft, metadata, name);
    cJSON *spec = put_object(object, "spec");
    put_borrowed(put_object(spec, "selector"), "app", draft->plan->app);
    cJSON *port = add_object(put_array(spec, "ports"));
    put_borrowed(port, "name", "http");
    put_number(port, "port", 80);
    put_number(port, "targetPort", draft->port);
    return text_of(metadata, "name");
}

/* ---- the rollout ---- */

static void draft_canary(struct draft *draft, cJSON *strategy, cJSON *services) {
    cJSON *canary = put_object(strategy, "canary");
    put_borrowed(canary, "stableService", draft_service(draft, services, "stable"));
    put_borrowed(canary, "canaryService", draft_service(draft, services, "canary"));
    put_borrowed(canary, "maxSurge", "25%");
    put_number(canary, "maxUnavailable", 0);
    put_item(canary, "steps", canary_steps(draft->pace, draft->plan->steps, draft->template_name));
}

static void draft_blue_green(struct draft *draft, cJSON *strategy, cJSON *services) {
    cJSON *bluegreen = put_object(strategy, "blueGreen");
    put_borrowed(bluegreen, "activeService", draft_service(draft, services, "active"));
    put_borrowed(bluegreen, "previewService", draft_service(draft, services, "preview"));
    put_bool(bluegreen, "autoPromotionEnabled", draft->pace->promote_automatically);
    put_number(bluegreen, "scaleDownDelaySeconds", draft->pace->keep_old_s);
    put_number(bluegreen, "abortScaleDownDelaySeconds", 30);
    put_analysis(bluegreen, "prePromotionAnalysis", draft->template_name);
    put_analysis(bluegreen, "postPromotionAnalysis", draft->template_name);
}

static void draft_rollout(struct draft *draft, cJSON *object, cJSON *services) {
    const struct plan *plan = draft->plan;
    cJSON *metadata = begin(object, "argoproj.io/v1alpha1", "Rollout");
    name_it(draft, metadata, plan->app);
    if (plan->id || plan->risk_level) {
        cJSON *notes = put_object(metadata, "annotations");
        if (plan->id) put_borrowed(notes, "sluice/deployment", plan->id);
        if (plan->risk_level) put_borrowed(notes, "sluice/risk", plan->risk_level);
    }
    cJSON *spec = put_object(object, "spec");
    put_number(spec, "replicas", replicas_of(plan->config));
    put_number(spec, "revisionHistoryLimit", 5);
    put_number(spec, "minReadySeconds", 10);
    put_number(spec, "progressDeadlineSeconds", 600);
    put_bool(spec, "progressDeadlineAbort", true);
    put_selector(draft, spec, "selector");
    cJSON *pod = put_object(spec, "template");
    pod_template(pod, plan->app, plan->config);
    draft->pod = pod;
    cJSON *strategy = put_object(spec, "strategy");
    if (plan->strategy && strcmp(plan->strategy, "bluegreen") == 0)
        draft_blue_green(draft, strategy, services);
    else
        draft_canary(draft, strategy, services);
}

static void draft_disruption_budget(struct draft *draft) {
    cJSON *object = put_object(draft->manifests, "disruption_budget");
    name_it(draft, begin(object, "policy/v1", "PodDisruptionBudget"), draft->plan->app);
    cJSON *spec = put_object(object, "spec");
    put_number(spec, "maxUnavailable", 1);
    put_selector(draft, spec, "selector");
}

static void draft_deployment(struct draft *draft) {
    cJSON *object = put_object(draft->manifests, "deployment");
    name_it(draft, begin(object, "apps/v1", "Deployment"), draft->plan->app);
    cJSON *spec = put_object(object, "spec");
    put_number(spec, "replicas", replicas_of(draft->plan->config));
    put_selector(draft, spec, "selector");
    put_shared(spec, "template", draft->pod);
}

cJSON *manifests_build(const struct plan *plan, const struct manifest_settings *settings) {
    struct draft draft = {.plan = plan,
                          .settings = settings,
                          .pace = pace_of(plan->risk_level),
                          .manifests = cJSON_CreateObject()};
    draft.port = port_of(plan->config, settings->default_port);
    draft_namespace(&draft);
    cJSON *rollout = put_object(draft.manifests, "rollout");
    cJSON *services = put_array(draft.manifests, "services");
    draft_analysis_template(&draft, put_object(draft.manifests, "analysis_template"));
    draft_rollout(&draft, rollout, services);
    if (replicas_of(plan->config) >= 2) draft_disruption_budget(&draft);
    draft_deployment(&draft);
    return draft.manifests;
}

cJSON *manifests_to_apply(const cJSON *manifests) {
    cJSON *objects = cJSON_CreateArray();
    static const char *const first[] = {"namespace", "analysis_template", "services",
                                        "disruption_budget", "rollout"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        cJSON *item = cJSON_GetObjectItemCaseSensitive(manifests, first[i]);
        if (cJSON_IsArray(item)) {
            cJSON *each;
            cJSON_ArrayForEach(each, item) cJSON_AddItemReferenceToArray(objects, each);
        } else if (item) {
            cJSON_AddItemReferenceToArray(objects, item);
        }
    }
    return objects;
}
