/* replay.c - today's gates over the stored past: which bad releases would each have stopped, and which
 * good ones. Good: promoted, and not undone. Bad: aborted for harm, or promoted and undone later. */
#include "decide.h"
#include "engine_ops.h"
#include "engine_run.h"
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

enum { GATES_MAX = 32, RUNS_MAX = 5000 };

struct tally {
    const char *gate;
    int bad_stopped, good_stopped, unknown;
};

struct replay {
    int good, bad, ignored, any_bad_stopped, any_good_stopped, count;
    struct tally gates[GATES_MAX];
};

static struct tally *tally_of(struct replay *replay, const char *gate) {
    for (int i = 0; i < replay->count; i++)
        if (strcmp(replay->gates[i].gate, gate) == 0) return &replay->gates[i];
    if (replay->count == GATES_MAX) return NULL;
    replay->gates[replay->count] = (struct tally){.gate = gate};
    return &replay->gates[replay->count++];
}

/* 1 good, 0 bad, -1: it ended for a reason that says nothing about the version. */
static int outcome_of(const sl_rows *rows, size_t i, const cJSON *state) {
    static const char *const harm[] = {"AnalysisFailed", "CanaryJudge", "ErrorBudgetBurn",
                                       "AbortedByPerson"};
    const char *code = text_of(state, "code");
    if (strcmp(sl_cell_text(rows, i, "phase"), "Promoted") == 0)
        return sl_cell_int(rows, i, "undone") ? 0 : 1;
    for (size_t h = 0; code && h < sizeof harm / sizeof *harm; h++)
        if (strcmp(code, harm[h]) == 0) return 0;
    return -1;
}

/* What the gate would say with what was known then. -1: that was not kept. */
static int would_stop(const cJSON *gate, const sl_rows *rows, size_t i, const cJSON *verdicts) {
    const char *kind = sl_get_text(gate, "kind", ""), *name = sl_get_text(gate, "name", kind);
    const char *level = sl_cell_text(rows, i, "risk_level");
    const cJSON *verdict, *inputs = NULL;
    if (strcmp(kind, "risk") == 0) {
        const int rank = risk_rank(level);
        return rank < 0 || rank > risk_rank(sl_get_text(gate, "max_level", "HIGH"));
    }
    cJSON_ArrayForEach(verdict, verdicts) {
        const char *own = text_of(verdict, "gate");
        if (!own || strcmp(own, name) != 0) continue;
        inputs = item_of(verdict, "inputs");
        if (strcmp(kind, "budget") != 0 && strcmp(sl_get_text(verdict, "outcome", ""), "pass") != 0)
            return 1;
        const cJSON *left = item_of(inputs, "budget_left");
        if (strcmp(kind, "budget") == 0 && cJSON_IsNumber(left) &&
            left->valuedouble < sl_get_number(gate, "min_left", 0.1))
            return 1;
    }
    return verdicts && verdicts->child && inputs ? 0 : -1;
}

static int verdicts_of(sl_call *call, const char *run, cJSON **list) {
    sl_rows rows;
    *list = cJSON_CreateArray();
    int rc = sl_query(call, &rows,
                      "SELECT verdict FROM rollout_verdict WHERE tenant = $1 AND run = $2 ORDER BY "
                      "id LIMIT 200",
                      SL_ARGS(sl_text(run)));
    for (size_t i = 0; !rc && i < rows.count; i++) {
        cJSON *verdict = sl_cell_json(call, &rows, i, "verdict");
        if (verdict) cJSON_AddItemToArray(*list, verdict);
    }
    return rc;
}

static int replay_one(sl_call *call, struct replay *replay, const cJSON *gates, const sl_rows *rows,
                      size_t i) {
    const int good = outcome_of(rows, i, sl_cell_json(call, rows, i, "state"));
    const cJSON *gate;
    cJSON *verdicts;
    bool stopped = false;
    if (good < 0) {
        replay->ignored++;
        return 0;
    }
    int rc = verdicts_of(call, sl_cell_text(rows, i, "id"), &verdicts);
    if (rc) return rc;
    if (good)
        replay->good++;
    else
        replay->bad++;
    cJSON_ArrayForEach(gate, gates) {
        struct tally *tally =
            tally_of(replay, sl_get_text(gate, "name", sl_get_text(gate, "kind", "gate")));
        const int stop = would_stop(gate, rows, i, verdicts);
        if (!tally) continue;
        tally->unknown += stop < 0;
        tally->good_stopped += good && stop > 0;
        tally->bad_stopped += !good && stop > 0;
        stopped = stopped || stop > 0;
    }
    replay->any_good_stopped += good && stopped;
    replay->any_bad_stopped += !good && stopped;
    return 0;
}

static void answer(sl_call *call, const struct replay *replay, cJSON *out) {
    put_number(out, "good", replay->good);
    put_number(out, "bad", replay->bad);
    put_number(out, "ignored", replay->ignored);
    cJSON *gates = put_array(out, "gates");
    for (int i = 0; i < replay->count; i++) {
        const struct tally *tally = &replay->gates[i];
        cJSON *gate = add_object(gates);
        put_text(gate, "gate", tally->gate);
        put_number(gate, "bad_stopped", tally->bad_stopped);
        put_number(gate, "good_stopped", tally->good_stopped);
        put_number(gate, "not_known", tally->unknown);
        put_text(gate, "summary",
                 sl_printf(call,
                           "%s would have stopped %d of %d bad releases and %d of %d good ones",
                           tally->gate, tally->bad_stopped, replay->bad, tally->good_stopped,
                           replay->good));
    }
    put_text(out, "summary",
             sl_printf(call,
                       "together they would have stopped %d of %d bad releases and %d of %d "
                       "good ones",
                       replay->any_bad_stopped, replay->bad, replay->any_good_stopped,
                       replay->good));
}

int rollout_replay(sl_call *call, const cJSON *in, cJSON *out) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *gates = sl_get(in, "gates");
    if (!gates) gates = sl_get(rollout->config, "gates");
    if (!gates)
        gates =
            cJSON_Parse("[{\"name\":\"error-budget\",\"kind\":\"budget\"},{\"name\":\"risk\","
                        "\"kind\":\"risk\",\"max_level\":\"HIGH\"},{\"name\":\"freeze\",\"kind\":"
                        "\"freeze\"}]");
    const int64_t since_ms = sl_now_ms(call) - sl_get_int(in, "since", 7776000000);
    struct replay *replay = sl_alloc(call, sizeof *replay);
    sl_rows rows;
    int rc = sl_query(
        call, &rows,
        "SELECT id, phase, risk_level, state, (SELECT count(*) FROM rollout_run u "
        "WHERE u.tenant = $1 AND u.undo_of = r.id) AS undone FROM rollout_run r WHERE "
        "r.tenant = $1 AND r.active = 0 AND r.undo_of = '' AND r.created_at >= $2 AND ($3 = '' OR "
        "r.environment = $3) AND ($4 = '' OR r.app = $4) ORDER BY r.id LIMIT $5",
        SL_ARGS(sl_int(since_ms), sl_text(sl_get_text(in, "environment", "")),
                sl_text(sl_get_text(in, "app_name", "")), sl_int(RUNS_MAX)));
    for (size_t i = 0; !rc && i < rows.count; i++) rc = replay_one(call, replay, gates, &rows, i);
    if (rc) return rc;
    answer(call, replay, out);
    return 0;
}
