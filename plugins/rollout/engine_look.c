/* engine_look.c - one look at one rollout: the driver is asked, metrics are measured, gates judge, the
 * machine decides, the decision is written down, and only then acted on. */
#include "engine_run.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

enum { HOPS_MAX = 24 };

void run_wish(sl_call *call, const struct run *run, struct driver_wish *wish) {
    const struct machine_wish wanted = machine_wish(&run->spec, &run->state);
    static const enum driver_goal goals[] = {[WISH_SHIFT] = DRIVER_SHIFT,
                                             [WISH_PROMOTE] = DRIVER_PROMOTE,
                                             [WISH_ROLL_BACK] = DRIVER_ROLL_BACK};
    const struct rollout *rollout = sl_state(call);
    *wish = (struct driver_wish){.generation = run->state.generation,
                                 .goal = goals[wanted.goal],
                                 .weight = wanted.weight,
                                 .max_weight = run->spec.strategy.max_weight,
                                 .step = wanted.step,
                                 .canary_replicas = wanted.canary_replicas,
                                 .canary_scale = wanted.canary_scale,
                                 .preview_replicas = run->spec.strategy.preview_replicas,
                                 .blue_green = run->spec.strategy.blue_green,
                                 .paused = wanted.paused,
                                 .skip = run->state.full,
                                 .routes = item_of(run->seen, "routes"),
                                 .deployment = run->id,
                                 .app = run->app,
                                 .environment = run->environment,
                                 .image = run->image,
                                 .started_ms = run->state.started_ms,
                                 .shifted_ms = run->state.shifted_ms,
                                 .settings = item_of(rollout->config, run->driver),
                                 .plan = run->plan};
}

/* A driver that applies gets the objects, if it can use them. */
static void show_manifests(sl_call *call, const struct run *run, struct driver_wish *wish) {
    if (strcmp(run->driver, "argo") != 0) return;
    cJSON *in = cJSON_CreateObject(), *out = NULL;
    put_text(in, "id", run->id);
    if (sl_invoke(call, "deploy.get", in, &out) == 0) wish->manifests = item_of(out, "manifests");
}

/* Told again whenever what is seen is not what was wished for: that is how a restarted router gets its
 * weights back. */
static bool call_driver(sl_call *call, const struct run *run, struct driver_view *view) {
    const struct driver *driver = driver_find(run->driver);
    struct driver_wish wish;
    run_wish(call, run, &wish);
    *view = driver_blind(call);
    if (!driver) {
        view->message =
            sl_printf(call, "there is no driver '%s'; there are: %s", run->driver, driver_names());
        return false;
    }
    show_manifests(call, run, &wish);
    if (driver->apply(call, &wish, view) == 0) return true;
    const int status = sl_failure_status(call);
    view->message = sl_strdup(call, sl_failure(call));
    if (status == SL_CONFLICT) view->foreign = view->message;
    return status == SL_CONFLICT;
}

static struct machine_sight sight_of(const struct driver_view *view, bool seen) {
    return (struct machine_sight){.seen = seen,
                                  .verified = view->verified,
                                  .ready = view->ready,
                                  .promoted = view->promoted,
                                  .rolled_back = view->rolled_back,
                                  .simulated = view->simulated,
                                  .weight = view->weight,
                                  .foreign = view->foreign,
                                  .trouble = view->message};
}

static void measure_due(sl_call *call, const struct run *run, const struct driver_view *view,
                        struct machine_measured *measured, int count) {
    for (int i = 0; i < count; i++) {
        const struct analysis_spec *spec = measured[i].background
                                               ? run->spec.background
                                               : machine_analysis(&run->spec, &run->state);
        measured[i].measured = run_measure(call, run, &spec->metrics[measured[i].metric], view);
    }
}

/* A verdict is told when its outcome is another than last time: a gate that says "hold" all night
 * says it once. */
static void tell_verdicts(sl_call *call, sl_batch *batch, struct run *run, const cJSON *verdicts) {
    cJSON *last = cJSON_GetObjectItemCaseSensitive(run->seen, "gates");
    if (!last) last = put_object(run->seen, "gates");
    const cJSON *verdict;
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *gate = text_of(verdict, "gate"), *outcome = text_of(verdict, "outcome");
        const char *before = text_of(last, gate);
        const char *now = sl_printf(call, "%s@%d", outcome, run->state.step);
        if (before && strcmp(before, now) == 0) continue;
        cJSON_DeleteItemFromObjectCaseSensitive(last, gate);
        cJSON_AddItemToObject(last, gate, cJSON_CreateString(now));
        run_emit(call, batch, run, "rollout.gate_judged", (cJSON *)verdict);
        sl_batch_add(batch,
                     "INSERT INTO rollout_verdict (tenant, id, run, at, gate, outcome, verdict) "
                     "VALUES ($1, $2, $3, $4, $5, $6, $7)",
                     SL_ARGS(sl_text(sl_new_id(call)), sl_text(run->id), sl_int(sl_now_ms(call)),
                             sl_text(gate), sl_text(outcome),
                             sl_text(sl_json_print(call, verdict))));
        sl_count(call, "gate_decisions_total", 1, sl_printf(call, "%s|%s", gate, outcome));
    }
}

/* What was seen last, for people; it is no part of any decision. */
static void keep_view(struct run *run, const struct driver_view *view, bool seen) {
    cJSON_DeleteItemFromObjectCaseSensitive(run->seen, "view");
    cJSON *kept = put_object(run->seen, "view");
    put_bool(kept, "seen", seen);
    put_number(kept, "at", (double)view->at_ms);
    put_number(kept, "weight", view->weight);
    if (view->phase) put_text(kept, "phase", view->phase);
    if (view->message) put_text(kept, "message", view->message);
    if (view->simulated) put_bool(kept, "simulated", true);
    if (view->canary.requests >= 0) {
        put_number(kept, "canary_requests", view->canary.requests);
        put_number(kept, "canary_errors", view->canary.errors);
        put_number(kept, "stable_requests", view->stable.requests);
        put_number(kept, "stable_errors", view->stable.errors);
    }
}

/* Routes last until another step of the same name, or the end: Argo's managed routes. */
static void take_routes(struct run *run) {
    const struct strategy *strategy = &run->spec.strategy;
    cJSON *routes = cJSON_CreateArray();
    const bool on_its_way = run->state.phase <= MACHINE_HELD;
    for (int i = 0; on_its_way && i <= run->state.step && i < strategy->step_count; i++) {
        const struct step *step = &strategy->steps[i];
        if (step->kind != STEP_HEADER && step->kind != STEP_MIRROR) continue;
        cJSON *route = add_object(routes);
        put_shared(route, step->kind == STEP_HEADER ? "setHeaderRoute" : "setMirrorRoute",
                   step->json);
    }
    cJSON_DeleteItemFromObjectCaseSensitive(run->seen, "routes");
    if (cJSON_GetArraySize(routes)) put_item(run->seen, "routes", routes);
}

struct hop {
    struct machine_look look;
    struct machine_measured measured[2 * METRICS_MAX];
    struct driver_view view;
    bool seen;
    cJSON *verdicts;
};

static void gather(sl_call *call, struct run *run, struct hop *hop) {
    hop->seen = call_driver(call, run, &hop->view);
    hop->verdicts = cJSON_CreateArray();
    const int64_t now_ms = sl_now_ms(call);
    hop->look = (struct machine_look){
        .now_ms = now_ms, .sight = sight_of(&hop->view, hop->seen), .measured = hop->measured};
    hop->look.measured_count = machine_due_metrics(&run->spec, &run->state, now_ms, hop->measured);
    measure_due(call, run, &hop->view, hop->measured, hop->look.measured_count);
    if (hop->seen && machine_guarded(&run->state)) {
        hop->look.guards = run_guard(call, run, &hop->view, hop->verdicts);
        gate_burn(call, run, &hop->look.guards, hop->verdicts);
    }
    if (machine_brink(&run->spec, &run->state, &hop->look))
        hop->look.gates = gates_ask(call, run, hop->verdicts);
}

int run_look(sl_call *call, struct run *run) {
    struct hop *hop = sl_alloc(call, sizeof *hop);
    struct machine_told told;
    for (int i = 0; i < HOPS_MAX; i++) {
        gather(call, run, hop);
        if (!machine_next(&run->spec, &run->state, &hop->look, &told)) return 0;
        keep_view(run, &hop->view, hop->seen);
        take_routes(run);
        cJSON *verdicts = hop->verdicts;
        sl_batch *batch = run_save(call, run);
        tell_verdicts(call, batch, run, verdicts);
        run_tell(call, batch, run, &told);
        int rc = sl_commit(batch);
        if (rc) return rc;
        run->version++;
        run_count_end(call, run);
        if (machine_ended(&run->state)) return 0;
    }
    return 0;
}
