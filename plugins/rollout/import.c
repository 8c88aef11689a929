/* import.c - rollout.import and rollout.lint: an Argo Rollout, as a team has it, taken as it is. */
#include "engine_ops.h"
#include "engine_plan.h"
#include "tree.h"

#include <string.h>

struct manifest {
    cJSON *rollout;
    cJSON *templates; /* name -> {metrics} */
    const cJSON *template_args;
};

static void take_object(struct manifest *manifest, cJSON *object) {
    const char *kind = text_of(object, "kind");
    const cJSON *spec = item_of(object, "spec"), *item;
    if (!kind) return;
    if (strcmp(kind, "List") == 0) {
        cJSON_ArrayForEach(item, item_of(object, "items")) take_object(manifest, (cJSON *)item);
    } else if (strcmp(kind, "Rollout") == 0) {
        manifest->rollout = object;
    } else if (strstr(kind, "AnalysisTemplate")) {
        const char *name = text_of(item_of(object, "metadata"), "name");
        cJSON *one = cJSON_CreateObject();
        if (!name || !item_of(spec, "metrics")) return;
        put_shared(one, "metrics", item_of(spec, "metrics"));
        cJSON_AddItemToObject(manifest->templates, name, one);
        if (!manifest->template_args) manifest->template_args = item_of(spec, "args");
    }
}

/* Documents are split at lines of "---": each is read on its own. */
static int read_manifest(sl_call *call, const char *text, struct manifest *manifest) {
    *manifest = (struct manifest){.templates = cJSON_CreateObject()};
    for (const char *at = text; at;) {
        const char *end = strncmp(at, "---", 3) == 0 ? at : strstr(at, "\n---");
        const size_t size = end ? (size_t)(end - at) : strlen(at);
        cJSON *object = NULL;
        if (strspn(at, " \t\r\n") < size) {
            int rc = sl_yaml_parse(call, "the manifest", at, size, &object);
            if (rc) return rc;
            take_object(manifest, object);
        }
        const char *line = end ? strchr(end + 1, '\n') : NULL;
        at = line ? line + 1 : NULL;
    }
    if (manifest->rollout) return 0;
    return sl_fail(call, SL_INVALID,
                   "there is no object of kind Rollout in the manifest: give the Rollout and its "
                   "AnalysisTemplates as YAML documents or as a List");
}

static cJSON *plan_of(sl_call *call, const struct manifest *manifest, const struct run *run,
                      const cJSON *simulate) {
    cJSON *plan = cJSON_CreateObject();
    put_item(plan, "spec", plan_spec_of(item_of(manifest->rollout, "spec")));
    put_item(plan, "templates", manifest->templates);
    if (manifest->template_args) put_shared(plan, "template_args", manifest->template_args);
    put_text(plan, "kind", "release");
    if (simulate) put_shared(plan, "simulate", simulate);
    plan_complete(call, run, plan);
    return cJSON_Parse(sl_json_print(call, plan));
}

/* ---- lint ---- */

struct list {
    cJSON *items;
};

static void add_fault(void *arg, const char *pointer, const char *what) {
    cJSON *fault = add_object(((struct list *)arg)->items);
    put_text(fault, "pointer", pointer);
    put_text(fault, "message", what);
}

static void *from_call(void *arg, size_t size) {
    return sl_alloc(arg, size);
}

static void warn_about(const struct machine_spec *spec, cJSON *warnings) {
    const struct strategy *strategy = &spec->strategy;
    bool judged = spec->background || spec->pre || spec->post;
    for (int i = 0; i < strategy->step_count; i++) {
        judged = judged || spec->step_analysis[i];
        if (strategy->steps[i].kind == STEP_EXPERIMENT)
            cJSON_AddItemToArray(warnings, cJSON_CreateString("experiment steps are passed on to "
                                                              "the argo driver, others skip them"));
    }
    if (!judged)
        cJSON_AddItemToArray(
            warnings, cJSON_CreateString("no analysis: without a driver that counts requests every "
                                         "step holds until somebody vouches for it"));
}

int rollout_lint(sl_call *call, const cJSON *in, cJSON *out) {
    struct manifest manifest;
    struct run run = {.risk_level = "MED"};
    int rc = read_manifest(call, sl_get_text(in, "manifest", ""), &manifest);
    if (rc) return rc;
    struct list list = {.items = put_array(out, "faults")};
    struct strategy_faults faults = {.tell = add_fault, .arg = &list};
    struct machine_spec spec;
    cJSON *plan = plan_of(call, &manifest, &run, NULL);
    plan_read(plan, &spec, from_call, call, &faults);
    cJSON *warnings = put_array(out, "warnings");
    if (!faults.count) warn_about(&spec, warnings);
    put_bool(out, "valid", faults.count == 0);
    put_number(out, "steps", spec.strategy.step_count);
    return 0;
}

/* ---- import ---- */

static const char *image_of(const cJSON *rollout) {
    const cJSON *pod =
        item_of(item_of(item_of(item_of(rollout, "spec"), "template"), "spec"), "containers");
    return pod && pod->child ? text_of(pod->child, "image") : NULL;
}

int rollout_import(sl_call *call, const cJSON *in, cJSON *out) {
    const struct rollout *rollout = sl_state(call);
    struct manifest manifest;
    int rc = read_manifest(call, sl_get_text(in, "manifest", ""), &manifest);
    if (rc) return rc;
    const cJSON *metadata = item_of(manifest.rollout, "metadata");
    const char *name = text_of(metadata, "name"), *image = image_of(manifest.rollout);
    struct run run = {.app = sl_get_text(in, "app_name", name),
                      .environment = sl_get_text(in, "environment", "dev"),
                      .image = sl_get_text(in, "image", image),
                      .risk_level = sl_get_text(in, "risk_level", "MED"),
                      .author = sl_actor(call)};
    if (!run.app || !run.image)
        return sl_fail(call, SL_INVALID, "the Rollout has no %s",
                       run.app ? "container with an image" : "metadata.name");
    const char *usual = sl_get_text(rollout->config, "driver", "plan");
    run.driver = sl_get_text(
        in, "driver", sl_get_text(sl_get(rollout->config, "drivers"), run.environment, usual));
    if (!driver_find(run.driver))
        return sl_fail(call, SL_INVALID, "there is no driver '%s'; there are: %s", run.driver,
                       driver_names());
    run.plan = plan_of(call, &manifest, &run, sl_get(in, "simulate"));
    rc = run_read_plan(call, &run);
    if (rc) return rc;
    run.id = sl_new_id(call);
    sl_batch *batch = sl_batch_new(call);
    run_add(call, batch, run.id, &run);
    run_emit(call, batch, &run, "rollout.imported", cJSON_CreateObject());
    put_text(out, "id", run.id);
    put_text(out, "app_name", run.app);
    put_text(out, "environment", run.environment);
    put_text(out, "image", run.image);
    put_text(out, "driver", run.driver);
    put_number(out, "steps", run.spec.strategy.step_count);
    put_text(out, "next_action", sl_printf(call, "sluice rollout get %s", run.id));
    return sl_commit(batch);
}
