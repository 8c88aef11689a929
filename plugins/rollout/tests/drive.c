/* A plugin for tests only: the drivers as operations, so that a test can wish and look without a
 * rollout around it. */
#include "driver.h"

#include <string.h>

static const sl_field wish_in[] = {SL_STRING("driver", .flags = SL_REQUIRED),
                                   SL_ENUM("goal", "shift|promote|roll_back", .def = "shift"),
                                   SL_INT("generation", .def = "1"),
                                   SL_INT("weight", .def = "0"),
                                   SL_INT("max_weight", .def = "100"),
                                   SL_INT("step", .def = "0"),
                                   SL_BOOL("blue_green", .def = "false"),
                                   SL_BOOL("paused", .def = "false"),
                                   SL_BOOL("skip", .def = "false"),
                                   SL_STRING("deployment", .def = "01J00000000000000000000000"),
                                   SL_STRING("app", .def = "shop"),
                                   SL_STRING("environment", .def = "prod"),
                                   SL_STRING("image", .def = ""),
                                   SL_OBJECT("settings", NULL, .flags = SL_OPEN),
                                   SL_OBJECT("plan", NULL, .flags = SL_OPEN),
                                   SL_ANY("manifests"),
                                   SL_END};

static struct driver_wish wish_of(const cJSON *in) {
    const char *goal = sl_get_text(in, "goal", "");
    return (struct driver_wish){
        .generation = sl_get_int(in, "generation", 1),
        .goal = strcmp(goal, "promote") == 0     ? DRIVER_PROMOTE
                : strcmp(goal, "roll_back") == 0 ? DRIVER_ROLL_BACK
                                                 : DRIVER_SHIFT,
        .weight = (int)sl_get_int(in, "weight", 0),
        .max_weight = (int)sl_get_int(in, "max_weight", 100),
        .step = (int)sl_get_int(in, "step", 0),
        .canary_replicas = -1,
        .canary_scale = -1,
        .preview_replicas = -1,
        .blue_green = sl_get_bool(in, "blue_green", 0),
        .paused = sl_get_bool(in, "paused", 0),
        .skip = sl_get_bool(in, "skip", 0),
        .deployment = sl_get_text(in, "deployment", ""),
        .app = sl_get_text(in, "app", ""),
        .environment = sl_get_text(in, "environment", ""),
        .image = sl_get_text(in, "image", ""),
        .settings = sl_get(in, "settings"),
        .plan = sl_get(in, "plan"),
        .manifests = sl_get(in, "manifests"),
    };
}

static void show_counts(cJSON *out, const char *name, const struct driver_counts *counts) {
    cJSON *object = cJSON_AddObjectToObject(out, name);
    cJSON_AddNumberToObject(object, "requests", counts->requests);
    cJSON_AddNumberToObject(object, "errors", counts->errors);
    cJSON_AddNumberToObject(object, "latency_ms", counts->latency_ms);
}

static void show_text(cJSON *out, const char *name, const char *text) {
    if (text) cJSON_AddStringToObject(out, name, text);
}

static void show(cJSON *out, const struct driver_view *view) {
    cJSON_AddNumberToObject(out, "generation", (double)view->generation);
    cJSON_AddNumberToObject(out, "weight", view->weight);
    cJSON_AddNumberToObject(out, "replicas", view->replicas);
    cJSON_AddNumberToObject(out, "available", view->available);
    cJSON_AddBoolToObject(out, "verified", view->verified);
    cJSON_AddBoolToObject(out, "ready", view->ready);
    cJSON_AddBoolToObject(out, "promoted", view->promoted);
    cJSON_AddBoolToObject(out, "rolled_back", view->rolled_back);
    show_text(out, "phase", view->phase);
    show_text(out, "message", view->message);
    show_text(out, "foreign", view->foreign);
    show_text(out, "counts_epoch", view->counts_epoch);
    show_counts(out, "canary", &view->canary);
    show_counts(out, "stable", &view->stable);
}

static int find(sl_call *call, const cJSON *in, const struct driver **driver) {
    *driver = driver_find(sl_get_text(in, "driver", ""));
    return *driver ? 0 : sl_fail(call, SL_NOT_FOUND, "drivers are: %s", driver_names());
}

static int drive_apply(sl_call *call, const cJSON *in, cJSON *out) {
    const struct driver *driver;
    int rc = find(call, in, &driver);
    const struct driver_wish wish = wish_of(in);
    struct driver_view view;
    if (!rc && driver->check) rc = driver->check(call, wish.settings);
    if (!rc) rc = driver->apply(call, &wish, &view);
    if (!rc) show(out, &view);
    return rc;
}

static int drive_observe(sl_call *call, const cJSON *in, cJSON *out) {
    const struct driver *driver;
    int rc = find(call, in, &driver);
    const struct driver_wish wish = wish_of(in);
    struct driver_view view;
    if (!rc) rc = driver->observe(call, &wish, &view);
    if (!rc) show(out, &view);
    return rc;
}

static int drive_previous(sl_call *call, const cJSON *in, cJSON *out) {
    const struct driver *driver;
    int rc = find(call, in, &driver);
    const struct driver_wish wish = wish_of(in);
    const char *image = NULL;
    if (!rc && !driver->previous) rc = sl_fail(call, SL_UNSUPPORTED, "it knows no previous one");
    if (!rc) rc = driver->previous(call, &wish, &image);
    if (!rc) show_text(out, "image", image);
    return rc;
}

#define OP(VERB)                                                                                   \
    {                                                                                              \
        .name = "drive." #VERB, .route = "POST /drive/" #VERB, .summary = "Drive for a test",      \
        .in = wish_in, .needs = "any", .effect = SL_WRITES, .run = drive_##VERB                    \
    }
static const sl_op ops[] = {OP(apply), OP(observe), OP(previous), SL_END};

SL_PLUGIN(.name = "drive", .version = "1.0.0", .summary = "Drivers for tests",
          .license = "Apache-2.0", .ops = ops);
