#include "plan.h"

#include "text.h"
#include "tree.h"

#include <stdio.h>
#include <string.h>

enum { MAX_HOLD_MS = 1800000, LOOK_MS = 10000, MIN_SAMPLES = 1 };

struct reading {
    const cJSON *templates;
    plan_alloc alloc;
    void *arg;
    struct strategy_faults *faults;
};

static void tell(struct reading *r, const char *pointer, const char *what) {
    r->faults->count++;
    if (r->faults->tell) r->faults->tell(r->faults->arg, pointer, what);
}

struct below {
    struct reading *r;
    const char *where;
};

static void tell_below(void *arg, const char *pointer, const char *what) {
    const struct below *below = arg;
    char path[200];
    (void)snprintf(path, sizeof path, "%s%s", below->where, pointer);
    tell(below->r, path, what);
}

static bool is_dry(const cJSON *analysis, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, item_of(analysis, "dryRun")) {
        const char *pattern = text_of(row, "metricName");
        if (pattern && (strcmp(pattern, name) == 0 || strcmp(pattern, ".*") == 0)) return true;
    }
    return false;
}

static void read_metrics(struct reading *r, const cJSON *analysis, const char *template_name,
                         struct analysis_spec *spec) {
    char where[140];
    const cJSON *found = item_of(r->templates, template_name), *metric;
    (void)snprintf(where, sizeof where, "/templates/%.100s", template_name);
    if (!found) {
        tell(r, where, "there is no AnalysisTemplate of this name beside the Rollout");
        return;
    }
    struct below below = {.r = r, .where = where};
    struct strategy_faults faults = {.tell = tell_below, .arg = &below};
    cJSON_ArrayForEach(metric, item_of(found, "metrics")) {
        if (spec->count == METRICS_MAX) {
            tell(r, where, "more than 16 metrics in one analysis");
            return;
        }
        struct metric *one = &spec->metrics[spec->count++];
        metric_read(metric, one, &faults);
        one->dry_run = is_dry(analysis, one->name);
    }
    if (!cJSON_GetArraySize(item_of(found, "metrics"))) tell(r, where, "it has no metrics");
}

static const struct analysis_spec *read_analysis(struct reading *r, const cJSON *analysis) {
    if (!analysis) return NULL;
    struct analysis_spec *spec = r->alloc(r->arg, sizeof *spec);
    const cJSON *row;
    if (!spec) return NULL;
    cJSON_ArrayForEach(row, item_of(analysis, "templates")) {
        const char *name = text_of(row, "templateName");
        if (name)
            read_metrics(r, analysis, name, spec);
        else
            tell(r, "/strategy", "an analysis names its templates by templateName");
    }
    if (!item_of(analysis, "templates")) tell(r, "/strategy", "an analysis without templates");
    return spec;
}

/* Most plans repeat one analysis: it is read once. */
static void read_steps(struct reading *r, struct machine_spec *spec) {
    const struct strategy *strategy = &spec->strategy;
    int before = -1;
    for (int i = 0; i < strategy->step_count; i++) {
        if (strategy->steps[i].kind != STEP_ANALYSIS) continue;
        const cJSON *json = strategy->steps[i].json;
        const bool same = before >= 0 && cJSON_Compare(json, strategy->steps[before].json, 1);
        spec->step_analysis[i] = same ? spec->step_analysis[before] : read_analysis(r, json);
        before = i;
    }
}

void plan_read(const cJSON *plan, struct machine_spec *spec, plan_alloc alloc, void *arg,
               struct strategy_faults *faults) {
    struct reading r = {
        .templates = item_of(plan, "templates"), .alloc = alloc, .arg = arg, .faults = faults};
    struct below below = {.r = &r, .where = "/spec"};
    struct strategy_faults inner = {.tell = tell_below, .arg = &below};
    const cJSON *hold = item_of(plan, "hold");
    const char *on_expiry = text_of(hold, "on_expiry");
    *spec = (struct machine_spec){.look_ms = LOOK_MS, .min_samples = MIN_SAMPLES};
    strategy_read(item_of(plan, "spec"), &spec->strategy, &inner);
    if (faults->count) return;
    spec->max_hold_ms = (int64_t)number_of(hold, "max_ms");
    if (spec->max_hold_ms <= 0) spec->max_hold_ms = MAX_HOLD_MS;
    if (on_expiry && strcmp(on_expiry, "stay") == 0) spec->on_expiry = HOLD_STAYS;
    read_steps(&r, spec);
    spec->background = read_analysis(&r, spec->strategy.background);
    spec->pre = read_analysis(&r, spec->strategy.pre);
    spec->post = read_analysis(&r, spec->strategy.post);
}

cJSON *plan_spec_of(const cJSON *rollout_spec) {
    static const char *const names[] = {"replicas", "progressDeadlineSeconds",
                                        "progressDeadlineAbort", "strategy", "rollbackWindow"};
    cJSON *spec = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *item = item_of(rollout_spec, names[i]);
        if (item) put_shared(spec, names[i], item);
    }
    return spec;
}

bool plan_shifts(const struct strategy *strategy) {
    if (strategy->blue_green) return true;
    for (int i = 0; i < strategy->step_count; i++)
        if (strategy->steps[i].kind == STEP_WEIGHT && strategy->steps[i].weight > 0) return true;
    return false;
}

/* ---- args ---- */

static const cJSON *arg_named(const cJSON *args, const char *name, size_t size) {
    const cJSON *arg;
    cJSON_ArrayForEach(arg, args) {
        const char *own = text_of(arg, "name");
        if (own && strlen(own) == size && memcmp(own, name, size) == 0) return arg;
    }
    return NULL;
}

/* "args.x" between the braces, blanks around it */
static const char *value_of(const char *start, const char *end, const cJSON *args,
                            const cJSON *defaults, const char *fallback) {
    while (start < end && *start == ' ') start++;
    while (end > start && end[-1] == ' ') end--;
    if (end - start < 6 || memcmp(start, "args.", 5) != 0) return NULL;
    start += 5;
    const size_t size = (size_t)(end - start);
    const cJSON *given = arg_named(args, start, size), *own = arg_named(defaults, start, size);
    const char *value = text_of(given, "value");
    if (!value) value = item_of(given, "valueFrom") ? fallback : text_of(own, "value");
    return value ? value : item_of(own, "valueFrom") ? fallback : NULL;
}

char *plan_fill_args(const char *text, const cJSON *args, const cJSON *defaults,
                     const char *fallback, const char **missing) {
    struct text out;
    const char *open;
    text_begin(&out, strlen(text) + 64);
    *missing = NULL;
    while ((open = strstr(text, "{{"))) {
        const char *close = strstr(open, "}}");
        const char *value = close ? value_of(open + 2, close, args, defaults, fallback) : NULL;
        if (!value) {
            *missing = open;
            break;
        }
        text_add(&out, text, (size_t)(open - text));
        text_add(&out, value, strlen(value));
        text = close + 2;
    }
    text_add(&out, text, strlen(text));
    char *filled = text_end(&out);
    if (!*missing) return filled;
    cJSON_free(filled);
    return NULL;
}
