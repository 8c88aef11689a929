#include "manifests.h"

#include "tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct manifest_settings settings = {.prometheus = "http://prometheus:9090",
                                                  .requests_metric = "http_requests_total",
                                                  .code_label = "code",
                                                  .success_floor = "0.95",
                                                  .success_target = "0.99",
                                                  .default_port = 8080};

static struct plan shop(const cJSON *config) {
    return (struct plan){.tenant = "default",
                         .app = "shop",
                         .environment = "prod",
                         .data_classification = "internal",
                         .exposure = "internal",
                         .strategy = "canary",
                         .risk_level = "MED",
                         .id = "01JD",
                         .config = config};
}

/* The manifests, read back as JSON. */
static cJSON *draw(const struct plan *plan) {
    char *text = manifests_write(plan, &settings);
    cJSON *made = cJSON_ParseWithOpts(text, NULL, 1);
    if (!made) fail_msg("no JSON: %s", text);
    cJSON_free(text);
    return made;
}

/* Walks "rollout.spec.replicas", numbers for places in arrays. */
static const cJSON *at(const cJSON *tree, const char *path) {
    char part[64];
    while (tree && *path) {
        size_t size = strcspn(path, ".");
        (void)snprintf(part, sizeof part, "%.*s", (int)size, path);
        tree = cJSON_IsArray(tree) ? cJSON_GetArrayItem(tree, atoi(part))
                                   : cJSON_GetObjectItemCaseSensitive(tree, part);
        path += size + (path[size] == '.');
    }
    return tree;
}

static const char *text_at(const cJSON *tree, const char *path) {
    const char *text = cJSON_GetStringValue(at(tree, path));
    if (!text) fail_msg("no text at %s", path);
    return text;
}

static int number_at(const cJSON *tree, const char *path) {
    const cJSON *item = at(tree, path);
    if (!cJSON_IsNumber(item)) fail_msg("no number at %s", path);
    return item->valueint;
}

static void canary_is_the_default(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"registry.internal/shop:1.4.2\",\"replicas\":4}");
    struct plan plan = shop(config);
    plan.strategy = NULL;
    cJSON *made = draw(&plan);
    assert_string_equal(text_at(made, "namespace.kind"), "Namespace");
    assert_string_equal(text_at(made, "namespace.metadata.name"), "shop-prod");
    assert_string_equal(text_at(made, "rollout.apiVersion"), "argoproj.io/v1alpha1");
    assert_string_equal(text_at(made, "rollout.kind"), "Rollout");
    assert_string_equal(text_at(made, "rollout.metadata.namespace"), "shop-prod");
    assert_int_equal(number_at(made, "rollout.spec.replicas"), 4);
    assert_string_equal(text_at(made, "rollout.spec.template.spec.containers.0.image"),
                        "registry.internal/shop:1.4.2");
    assert_int_equal(number_at(made, "rollout.spec.strategy.canary.steps.0.setWeight"), 10);
    assert_string_equal(text_at(made, "rollout.spec.strategy.canary.stableService"),
                        text_at(made, "services.0.metadata.name"));
    assert_string_equal(text_at(made, "rollout.spec.strategy.canary.canaryService"),
                        text_at(made, "services.1.metadata.name"));
    assert_string_equal(text_at(made, "analysis_template.kind"), "AnalysisTemplate");
    assert_int_equal(number_at(made, "services.0.spec.ports.0.targetPort"), 8080);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

/* A selector that does not match its own pods is refused by the cluster; a service that does not
 * match them has no end points. */
static void selectors_match_the_pods(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":2}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    const char *app = text_at(made, "rollout.spec.template.metadata.labels.app");
    static const char *const selectors[] = {"rollout.spec.selector.matchLabels.app",
                                            "services.0.spec.selector.app",
                                            "services.1.spec.selector.app",
                                            "disruption_budget.spec.selector.matchLabels.app",
                                            "deployment.spec.selector.matchLabels.app",
                                            "deployment.spec.template.metadata.labels.app"};
    for (size_t i = 0; i < sizeof selectors / sizeof *selectors; i++)
        assert_string_equal(text_at(made, selectors[i]), app);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void steps_name_the_template(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":2}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    const char *name = text_at(made, "analysis_template.metadata.name");
    assert_string_equal(name, "shop-success-rate");
    assert_string_equal(
        text_at(made, "rollout.spec.strategy.canary.steps.2.analysis.templates.0.templateName"),
        name);
    /* each arg of the call is one that the template declares */
    assert_string_equal(text_at(made, "rollout.spec.strategy.canary.steps.2.analysis.args.0.name"),
                        text_at(made, "analysis_template.spec.args.0.name"));
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void the_query_looks_at_new_pods_only(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":2}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    const cJSON *metric = at(made, "analysis_template.spec.metrics.0");
    const char *pods = "namespace=\"shop-prod\",pod=~\"shop-{{args.hash}}-.+\"";
    char query[512];
    (void)snprintf(query, sizeof query,
                   "sum(rate(http_requests_total{%s,code!~\"5..\"}[2m])) / "
                   "sum(rate(http_requests_total{%s}[2m]))",
                   pods, pods);
    assert_string_equal(text_at(metric, "provider.prometheus.query"), query);
    assert_string_equal(text_of(metric, "successCondition"),
                        "len(result) > 0 && !isNaN(result[0]) && result[0] >= 0.99");
    assert_string_equal(text_of(metric, "failureCondition"),
                        "len(result) > 0 && !isNaN(result[0]) && result[0] < 0.95");
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void blue_green_follows_the_risk(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":2,\"port\":9000}");
    struct plan plan = shop(config);
    plan.strategy = "bluegreen";
    plan.risk_level = "LOW";
    cJSON *low = draw(&plan);
    plan.risk_level = "HIGH";
    cJSON *high = draw(&plan);
    static const char *const way = "rollout.spec.strategy.blueGreen.autoPromotionEnabled";
    assert_true(cJSON_IsTrue(at(low, way)));
    assert_true(cJSON_IsFalse(at(high, way)));
    assert_null(at(high, "rollout.spec.strategy.canary"));
    assert_string_equal(text_at(high, "rollout.spec.strategy.blueGreen.activeService"),
                        "shop-active");
    assert_string_equal(text_at(high, "rollout.spec.strategy.blueGreen.previewService"),
                        text_at(high, "services.1.metadata.name"));
    assert_string_equal(text_at(high,
                                "rollout.spec.strategy.blueGreen.prePromotionAnalysis.templates.0"
                                ".templateName"),
                        "shop-success-rate");
    assert_int_equal(number_at(high, "services.0.spec.ports.0.targetPort"), 9000);
    cJSON_Delete(low);
    cJSON_Delete(high);
    cJSON_Delete(config);
}

static void one_replica_has_no_budget(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\"}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    assert_null(at(made, "disruption_budget"));
    assert_int_equal(number_at(made, "rollout.spec.replicas"), 1);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void the_container_is_as_configured(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse(
        "{\"image\":\"a:1\",\"port\":8081,\"health_path\":\"/healthz\",\"team\":\"core\","
        "\"env\":{\"MODE\":\"fast\",\"N\":\"1\"},\"args\":[\"--x\"],"
        "\"resources\":{\"limits\":{\"memory\":\"1Gi\"}}}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    char *text = cJSON_PrintUnformatted(at(made, "rollout.spec.template.spec.containers.0"));
    assert_string_equal(
        text, "{\"name\":\"shop\",\"image\":\"a:1\",\"ports\":[{\"name\":\"http\","
              "\"containerPort\":8081}],\"env\":[{\"name\":\"MODE\",\"value\":\"fast\"},"
              "{\"name\":\"N\",\"value\":\"1\"}],\"args\":[\"--x\"],\"resources\":{\"limits\":"
              "{\"memory\":\"1Gi\"}},\"readinessProbe\":{\"httpGet\":{\"path\":\"/healthz\","
              "\"port\":8081},\"periodSeconds\":5,\"failureThreshold\":3}}");
    cJSON_free(text);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

/* What the predecessor's clients read. */
static void the_plain_deployment_is_whole(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":4}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    assert_string_equal(text_at(made, "deployment.apiVersion"), "apps/v1");
    assert_string_equal(text_at(made, "deployment.metadata.name"), "shop");
    assert_string_equal(text_at(made, "deployment.metadata.namespace"), "shop-prod");
    assert_int_equal(number_at(made, "deployment.spec.replicas"), 4);
    assert_string_equal(text_at(made, "deployment.spec.template.spec.containers.0.image"), "a:1");
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void what_is_applied_and_in_which_order(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":4}");
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    cJSON *objects = manifests_to_apply(made);
    static const char *const kinds[] = {"Namespace", "AnalysisTemplate",    "Service",
                                        "Service",   "PodDisruptionBudget", "Rollout"};
    assert_int_equal(cJSON_GetArraySize(objects), 6);
    for (int i = 0; i < 6; i++)
        assert_string_equal(text_of(cJSON_GetArrayItem(objects, i), "kind"), kinds[i]);
    cJSON_Delete(objects);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void tenants_do_not_share_a_namespace(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\"}");
    struct plan plan = shop(config);
    plan.tenant = "acme";
    cJSON *made = draw(&plan);
    assert_string_equal(text_at(made, "namespace.metadata.name"), "acme-shop-prod");
    assert_string_equal(text_at(made, "rollout.metadata.namespace"), "acme-shop-prod");
    assert_non_null(
        strstr(text_at(made, "analysis_template.spec.metrics.0.provider.prometheus.query"),
               "namespace=\"acme-shop-prod\""));
    cJSON_Delete(made);
    cJSON_Delete(config);
}

static void the_same_plan_gives_the_same_bytes(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":4,\"env\":{\"B\":\"1\",\"A\":"
                                "\"2\"}}");
    struct plan plan = shop(config);
    char *a = manifests_write(&plan, &settings), *b = manifests_write(&plan, &settings);
    assert_string_equal(a, b);
    cJSON_free(a);
    cJSON_free(b);
    cJSON_Delete(config);
}

/* Whatever stands in a request or a setting, the text stays JSON and the value stays itself. */
static void values_cannot_break_out(void **state) {
    (void)state;
    cJSON *config =
        cJSON_Parse("{\"image\":\"a\\\"b\\\\c\\n$app$(pod)\",\"env\":{\"A\\\"\":\"x\\u0001"
                    "\\ty\"},\"args\":[\"\\\"\"],\"health_path\":\"/\\\"\",\"port\":1}");
    assert_non_null(config);
    struct plan plan = shop(config);
    plan.id = "01\"$risk";
    struct manifest_settings odd = settings;
    odd.prometheus = "http://p/\x01\"\\";
    char *text = manifests_write(&plan, &odd);
    cJSON *made = cJSON_ParseWithOpts(text, NULL, 1);
    assert_non_null(made);
    const cJSON *container = at(made, "rollout.spec.template.spec.containers.0");
    assert_string_equal(text_of(container, "image"), "a\"b\\c\n$app$(pod)");
    assert_string_equal(text_at(container, "env.0.name"), "A\"");
    assert_string_equal(text_at(container, "env.0.value"), "x\x01\ty");
    assert_string_equal(text_at(container, "args.0"), "\"");
    assert_string_equal(
        text_of(item_of(at(made, "rollout.metadata"), "annotations"), "sluice/deployment"),
        "01\"$risk");
    assert_string_equal(
        text_at(made, "analysis_template.spec.metrics.0.provider.prometheus.address"),
        odd.prometheus);
    cJSON_free(text);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

/* Many variables make the text outgrow its first room. */
/* Kept as values and put back by the skeleton's name: the same objects. */
static void comes_back_the_same(const struct plan *plan, const struct manifest_settings *with) {
    struct manifest_values values;
    char *whole = manifests_write(plan, with), *skeleton = manifests_skeleton(plan, with);
    manifest_values_begin(&values, plan, with);
    struct text text;
    text_begin(&text, 16);
    manifests_keep(&text, "feed", &values);
    manifest_values_end(&values);
    char *kept_text = text_end(&text);
    cJSON *kept = cJSON_ParseWithOpts(kept_text, NULL, 1);
    if (!kept) fail_msg("no JSON: %s", kept_text);
    assert_string_equal(manifests_kept_name(kept), "feed");
    char *back = manifests_restore(kept, skeleton);
    cJSON *a = cJSON_Parse(whole), *b = cJSON_ParseWithOpts(back, NULL, 1);
    assert_null(manifests_kept_name(a));
    assert_true(cJSON_Compare(a, b, 1));
    cJSON_Delete(a), cJSON_Delete(b), cJSON_Delete(kept);
    cJSON_free(whole), cJSON_free(skeleton), cJSON_free(kept_text), cJSON_free(back);
}

static void values_and_skeleton_make_the_whole(void **state) {
    (void)state;
    static const char *const strategies[] = {"canary", "bluegreen"};
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL", NULL, "odd"};
    static const char *const configs[] = {
        "{\"image\":\"a:1\"}", "{\"image\":\"$app\\\"\\n$(pod)\",\"replicas\":3,\"port\":80}"};
    struct manifest_settings odd = settings;
    odd.prometheus = "http://$app\"$/$(pod)", odd.requests_metric = "a\\$id";
    cJSON *steps = cJSON_Parse("[{\"weight\":7,\"pause\":9000},{\"weight\":100}]");
    for (int i = 0; i < 2 * 6 * 2 * 2; i++) {
        cJSON *config = cJSON_Parse(configs[i % 2]);
        struct plan plan = shop(config);
        plan.strategy = strategies[i / 2 % 2], plan.risk_level = levels[i / 4 % 6];
        plan.steps = i / 24 ? steps : NULL;
        assert_true(manifests_shape(&plan) < MANIFEST_SHAPES);
        comes_back_the_same(&plan, i % 3 ? &settings : &odd);
        cJSON_Delete(config);
    }
    cJSON_Delete(steps);
}

/* Plans of one shape have one skeleton, whatever else differs. */
static void a_shape_has_one_skeleton(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":2}");
    cJSON *other = cJSON_Parse("{\"image\":\"b:2\",\"replicas\":9,\"port\":1}");
    struct plan a = shop(config), b = shop(other);
    b.app = "cart", b.environment = "dev", b.id = "02", b.tenant = "acme", b.exposure = NULL;
    assert_int_equal(manifests_shape(&a), manifests_shape(&b));
    char *of_a = manifests_skeleton(&a, &settings), *of_b = manifests_skeleton(&b, &settings);
    assert_string_equal(of_a, of_b);
    b.strategy = "bluegreen";
    assert_int_not_equal(manifests_shape(&a), manifests_shape(&b));
    cJSON_free(of_a), cJSON_free(of_b);
    cJSON_Delete(config), cJSON_Delete(other);
}

static void long_manifests_are_whole(void **state) {
    (void)state;
    cJSON *config = cJSON_Parse("{\"image\":\"a:1\",\"replicas\":3}");
    cJSON *env = cJSON_AddObjectToObject(config, "env");
    for (int i = 0; i < 900; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, "VARIABLE_%d", i);
        cJSON_AddStringToObject(env, name, "some value that takes its room");
    }
    struct plan plan = shop(config);
    cJSON *made = draw(&plan);
    assert_int_equal(cJSON_GetArraySize(at(made, "rollout.spec.template.spec.containers.0.env")),
                     900);
    assert_int_equal(cJSON_GetArraySize(at(made, "deployment.spec.template.spec.containers.0.env")),
                     900);
    cJSON_Delete(made);
    cJSON_Delete(config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canary_is_the_default),
        cmocka_unit_test(selectors_match_the_pods),
        cmocka_unit_test(steps_name_the_template),
        cmocka_unit_test(the_query_looks_at_new_pods_only),
        cmocka_unit_test(blue_green_follows_the_risk),
        cmocka_unit_test(one_replica_has_no_budget),
        cmocka_unit_test(the_container_is_as_configured),
        cmocka_unit_test(the_plain_deployment_is_whole),
        cmocka_unit_test(what_is_applied_and_in_which_order),
        cmocka_unit_test(tenants_do_not_share_a_namespace),
        cmocka_unit_test(the_same_plan_gives_the_same_bytes),
        cmocka_unit_test(values_cannot_break_out),
        cmocka_unit_test(values_and_skeleton_make_the_whole),
        cmocka_unit_test(a_shape_has_one_skeleton),
        cmocka_unit_test(long_manifests_are_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
