/* engine_verbs.c - what people ask of a rollout: each verb is one transition, one batch. */
#include "engine_ops.h"
#include "engine_run.h"
#include "tree.h"

#include <string.h>

enum { TRIES = 5, MOVED_ON = -1 };

static int refused(sl_call *call, const struct run *run, enum machine_reply reply,
                   const char *why) {
    if (reply == REPLY_STALE) return sl_fail(call, SL_STALE, "rollout %s: %s", run->id, why);
    return sl_fail(call, SL_CONFLICT, "rollout %s: %s", run->id, why);
}

static cJSON *audit(sl_call *call, const struct machine_command *command, const char *verb) {
    cJSON *more = cJSON_CreateObject();
    put_text(more, "verb", verb);
    put_text(more, "actor", sl_actor(call));
    if (command->reason && *command->reason) put_text(more, "reason", command->reason);
    return more;
}

/* Going on past a hold, or past everything, is breaking glass: it is told as such. */
static bool breaks_glass(const struct machine_state *before,
                         const struct machine_command *command) {
    return command->verb == VERB_PROMOTE_FULL ||
           (command->verb == VERB_PROMOTE && before->phase == MACHINE_HELD);
}

static int try_it(sl_call *call, const cJSON *in, cJSON *out, enum machine_verb verb,
                  const char *word) {
    struct run *run;
    struct machine_told told;
    char why[WHY_LONG];
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc;
    if (run->overtaken)
        return sl_fail(call, SL_CONFLICT,
                       "rollout %s never began: a newer version was approved before", run->id);
    if (run->queued)
        return sl_fail(call, SL_UNAVAILABLE, "rollout %s waits to begin: ask again in a moment",
                       run->id);
    const struct machine_command command = {.verb = verb,
                                            .generation = sl_get_int(in, "generation", 0),
                                            .actor = sl_actor(call),
                                            .reason = sl_get_text(in, "reason", NULL)};
    const bool glass = breaks_glass(&run->state, &command);
    if (glass && command.reason && !sl_can(call, "rollout:override"))
        return sl_fail(call, SL_DENIED,
                       "going on past a gate needs the permission rollout:override");
    const enum machine_reply reply =
        machine_do(&run->spec, &run->state, &command, sl_now_ms(call), &told, why);
    if (reply == REPLY_STALE || reply == REPLY_REFUSED) return refused(call, run, reply, why);
    if (reply == REPLY_SAME) {
        run_show(call, run, out);
        return 0;
    }
    sl_batch *batch = run_save(call, run);
    run_wake(call, batch, sl_now_ms(call));
    run_emit(call, batch, run, glass ? "rollout.break_glass" : "rollout.commanded",
             audit(call, &command, word));
    run_tell(call, batch, run, &told);
    run->version++;
    run_show(call, run, out);
    rc = sl_commit(batch);
    return rc == SL_CONFLICT ? MOVED_ON : rc;
}

/* The rollout may take a step of its own between reading and writing: read again, decide again. */
static int obey(sl_call *call, const cJSON *in, cJSON *out, enum machine_verb verb,
                const char *word) {
    int rc = MOVED_ON;
    for (int i = 0; i < TRIES && rc == MOVED_ON; i++) {
        while (out->child) (void)cJSON_DetachItemViaPointer(out, out->child);
        rc = try_it(call, in, out, verb, word);
    }
    return rc == MOVED_ON ? SL_CONFLICT : rc;
}

int rollout_promote(sl_call *call, const cJSON *in, cJSON *out) {
    return obey(call, in, out, sl_get_bool(in, "full", 0) ? VERB_PROMOTE_FULL : VERB_PROMOTE,
                "promote");
}

int rollout_abort(sl_call *call, const cJSON *in, cJSON *out) {
    return obey(call, in, out, VERB_ABORT, "abort");
}

int rollout_retry(sl_call *call, const cJSON *in, cJSON *out) {
    return obey(call, in, out, VERB_RETRY, "retry");
}

int rollout_pause(sl_call *call, const cJSON *in, cJSON *out) {
    return obey(call, in, out, VERB_PAUSE, "pause");
}

int rollout_resume(sl_call *call, const cJSON *in, cJSON *out) {
    return obey(call, in, out, VERB_RESUME, "resume");
}

/* ---- restart ---- */

int rollout_restart(sl_call *call, const cJSON *in, cJSON *out) {
    struct run *run;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc;
    const struct driver *driver = driver_find(run->driver);
    if (run->queued || !driver || !driver->restart)
        return sl_fail(
            call, SL_UNSUPPORTED,
            "the driver %s cannot restart pods: only argo can, and only once the rollout "
            "has begun",
            run->driver);
    struct driver_wish wish;
    run_wish(call, run, &wish);
    rc = driver->restart(call, &wish);
    if (rc) return rc;
    sl_batch *batch = sl_batch_new(call);
    run_emit(call, batch, run, "rollout.restarted", cJSON_CreateObject());
    run_show(call, run, out);
    return sl_commit(batch);
}

/* ---- undo ---- */

/* The version that was stable before this one: the newest other image that was promoted. */
static int previous(sl_call *call, const struct run *run, const char *wanted, sl_rows *rows) {
    return sl_query(call, rows,
                    "SELECT id, image, plan FROM rollout_run WHERE tenant = $1 AND app = $2 AND "
                    "environment = $3 AND phase = 'Promoted' AND image <> $4 AND ($5 = '' OR id = "
                    "$5) AND id < $6 ORDER BY id DESC LIMIT 1",
                    SL_ARGS(sl_text(run->app), sl_text(run->environment), sl_text(run->image),
                            sl_text(wanted), sl_text(run->id)));
}

static int begin_undo(sl_call *call, const struct run *run, const sl_rows *rows, const cJSON *in,
                      cJSON *out) {
    const char *id = sl_new_id(call), *image = sl_cell_text(rows, 0, "image");
    cJSON *plan = sl_cell_json(call, rows, 0, "plan");
    if (!plan) return sl_fail(call, SL_INTERNAL, "the plan of the version before is damaged");
    cJSON_DeleteItemFromObjectCaseSensitive(plan, "kind");
    put_text(plan, "kind", "rollback");
    put_text(plan, "undo_of", run->id);
    if (!text_of(plan, "restores")) /* whose manifests these are; an undo has none of its own */
        put_text(plan, "restores", sl_cell_text(rows, 0, "id"));
    const char *reason = sl_get_text(in, "reason", NULL);
    if (reason) {
        cJSON_DeleteItemFromObjectCaseSensitive(plan, "reason");
        put_text(plan, "reason", reason);
    }
    struct run next = {.app = run->app,
                       .environment = run->environment,
                       .image = image,
                       .driver = run->driver,
                       .risk_level = "LOW", /* it has served before */
                       .author = sl_actor(call),
                       .plan = plan};
    sl_batch *batch = sl_batch_new(call);
    run_add(call, batch, id, &next);
    cJSON *more = cJSON_CreateObject();
    put_text(more, "undone_by", id);
    put_text(more, "back_to", image);
    run_emit(call, batch, run, "rollout.undone", more);
    put_text(out, "id", id);
    put_text(out, "undo_of", run->id);
    put_text(out, "image", image);
    put_text(out, "next_action", sl_printf(call, "sluice rollout get %s", id));
    return sl_commit(batch);
}

int rollout_undo(sl_call *call, const cJSON *in, cJSON *out) {
    struct run *run;
    sl_rows rows;
    int rc = run_load(call, sl_get_text(in, "id", ""), &run);
    if (rc) return rc;
    /* Under way: undo is abort, nothing has replaced the stable version yet. */
    if (!run->queued && !machine_ended(&run->state)) return rollout_abort(call, in, out);
    rc = previous(call, run, sl_get_text(in, "to", ""), &rows);
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "no version of %s in %s was promoted before %s: there is nothing to go back "
                       "to",
                       run->app, run->environment, run->image);
    return begin_undo(call, run, &rows, in, out);
}

/* ---- set image ---- */

/* A new version passes through risk and policies as any other: the request is sent again. */
int rollout_set_image(sl_call *call, const cJSON *in, cJSON *out) {
    sl_rows rows;
    const char *id = sl_get_text(in, "id", "");
    int rc = sl_query(call, &rows,
                      "SELECT request FROM rollout_deployment WHERE tenant = $1 AND id = $2",
                      SL_ARGS(sl_text(id)));
    if (rc) return rc;
    cJSON *request = rows.count ? sl_cell_json(call, &rows, 0, "request") : NULL;
    if (!request)
        return sl_fail(call, SL_NOT_FOUND, "there is no deployment '%s' to take the settings from",
                       id);
    cJSON *config = cJSON_GetObjectItemCaseSensitive(request, "config"), *answer = NULL;
    cJSON_DeleteItemFromObjectCaseSensitive(request, "diff"); /* of the other change */
    cJSON_DeleteItemFromObjectCaseSensitive(request, "commit");
    cJSON_DeleteItemFromObjectCaseSensitive(config, "image");
    put_text(config, "image", sl_get_text(in, "image", ""));
    const char *reason = sl_get_text(in, "reason", NULL);
    if (reason) {
        cJSON_DeleteItemFromObjectCaseSensitive(request, "reason");
        put_text(request, "reason", reason);
    }
    rc = sl_invoke_as_caller(call, "deploy.request", request, &answer);
    if (rc) return rc;
    static const char *const names[] = {"id", "status", "summary", "next_action", "reasons"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const cJSON *item = item_of(answer, names[i]);
        if (item) put_shared(out, names[i], item);
    }
    return 0;
}
