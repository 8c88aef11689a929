/* One evaluation pass over N rollouts (10,000), without store and sockets: each is read from the text
 * that is kept, looked at with made-up traffic, judged and decided. Prints CPU time and bytes. */
#include "judge/judge.h"
#include "machine.h"
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 10000, NOW = 1700000000 };

static const char plan_text[] =
    "{\"commit\":\"0123456789abcdef\",\"author\":\"ada\",\"kind\":\"release\",\"spec\":{\"replicas\":3,"
    "\"progressDeadlineSeconds\":600,\"strategy\":{\"canary\":{\"stableService\":\"shop-stable\","
    "\"canaryService\":\"shop-canary\",\"maxSurge\":\"25%\",\"maxUnavailable\":0,\"steps\":[{"
    "\"setWeight\":10},{\"pause\":{\"duration\":\"300s\"}},{\"analysis\":{\"templates\":[{"
    "\"templateName\":\"shop-success-rate\"}]}},{\"setWeight\":25},{\"pause\":{\"duration\":\"300s\"}},"
    "{\"analysis\":{\"templates\":[{\"templateName\":\"shop-success-rate\"}]}},{\"setWeight\":50},{"
    "\"pause\":{\"duration\":\"300s\"}},{\"analysis\":{\"templates\":[{\"templateName\":"
    "\"shop-success-rate\"}]}},{\"setWeight\":100}]}}},\"templates\":{\"shop-success-rate\":{"
    "\"metrics\":[{\"name\":\"success-rate\",\"initialDelay\":\"30s\",\"interval\":\"30s\",\"count\":5,"
    "\"failureLimit\":1,\"inconclusiveLimit\":2,\"consecutiveErrorLimit\":4,\"successCondition\":"
    "\"len(result) > 0 && !isNaN(result[0]) && result[0] >= 0.99\",\"failureCondition\":\"len(result) "
    "> 0 && !isNaN(result[0]) && result[0] < 0.95\",\"provider\":{\"prometheus\":{\"address\":"
    "\"http://prometheus.monitoring.svc:9090\",\"query\":\"sum(rate(http_requests_total{namespace="
    "'shop-prod',pod=~'shop-{{args.hash}}-.+',code!~'5..'}[2m])) / sum(rate(http_requests_total{"
    "namespace='shop-prod',pod=~'shop-{{args.hash}}-.+'}[2m]))\"}}}]}},\"gates\":[{\"name\":\"freeze\","
    "\"kind\":\"freeze\"},{\"name\":\"error-budget\",\"kind\":\"budget\"},{\"name\":\"risk\",\"kind\":"
    "\"risk\",\"max_level\":\"HIGH\"}],\"hold\":{\"max_ms\":1800000,\"on_expiry\":\"abort\"},"
    "\"policy_hash\":\"7657cc766a625d8fa14054f92f723f0fd0c985fac78f4194d98874b10470a051\"}";

struct arena {
    char *bytes;
    size_t used, room;
};

static void *take(void *arg, size_t size) {
    struct arena *arena = arg;
    size = (size + 15) & ~(size_t)15;
    if (arena->used + size > arena->room) return NULL;
    void *bytes = arena->bytes + arena->used;
    arena->used += size;
    return memset(bytes, 0, size);
}

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct machine_gate guard(int i, int64_t shifted_ms, int64_t now_ms) {
    static struct judge_finding finding;
    static struct judge_verdict verdict;
    const double all = (double)(now_ms - shifted_ms) / 1000 * 100;
    const struct judge_count canary = {.bad = i % 7 ? 1 : 0, .all = all / 10},
                             stable = {.bad = 3, .all = all};
    const struct judge_metric metric = {.name = "error share",
                                        .kind = JUDGE_RATE,
                                        .control_rate = &stable,
                                        .experiment_rate = &canary,
                                        .intervals = 1,
                                        .allowed = 0.1,
                                        .allowed_by = 0.005,
                                        .limit = 0.05};
    judge(&metric, 1, &(struct judge_settings){0}, &finding, &verdict);
    return (struct machine_gate){.answer = verdict.answer == JUDGE_PASS ? GATE_PASS : GATE_HOLD,
                                 .why = finding.words,
                                 .samples = (int64_t)canary.all};
}

static void look(const char *plan, char **state_text, int i, int64_t now_ms, struct arena *arena) {
    static struct machine_spec spec;
    static struct machine_state state;
    static struct machine_measured measured[2 * METRICS_MAX];
    struct strategy_faults faults = {0};
    struct machine_told told;
    arena->used = 0;
    cJSON *plan_tree = cJSON_Parse(plan), *state_tree = cJSON_Parse(*state_text);
    plan_read(plan_tree, &spec, take, arena, &faults);
    if (faults.count || !machine_load(state_tree, &spec, &state)) abort();
    struct machine_look seen = {
        .now_ms = now_ms,
        .sight = {.seen = true, .verified = true, .ready = true, .weight = state.weight},
        .measured = measured};
    seen.measured_count = machine_due_metrics(&spec, &state, now_ms, measured);
    for (int m = 0; m < seen.measured_count; m++)
        measured[m].measured =
            (struct measurement){.phase = ANALYSIS_SUCCESSFUL, .value = "[0.999]"};
    if (machine_guarded(&state)) seen.guards = guard(i, state.shifted_ms, now_ms);
    if (machine_brink(&spec, &state, &seen)) seen.gates.answer = GATE_PASS;
    if (machine_next(&spec, &state, &seen, &told)) {
        cJSON *kept = machine_save(&state);
        free(*state_text);
        *state_text = cJSON_PrintUnformatted(kept);
        cJSON_Delete(kept);
    }
    cJSON_Delete(plan_tree);
    cJSON_Delete(state_tree);
}

int main(void) {
    static char *states[COUNT];
    struct arena arena = {.room = 1 << 16};
    arena.bytes = malloc(arena.room);
    struct machine_state fresh;
    memset(&fresh, 0, sizeof fresh);
    machine_begin(NULL, &fresh, (int64_t)NOW * 1000);
    for (int i = 0; i < COUNT; i++) {
        cJSON *kept = machine_save(&fresh);
        states[i] = cJSON_PrintUnformatted(kept);
        cJSON_Delete(kept);
    }
    for (int pass = 0; pass < 8; pass++) {
        const int64_t now_ms = ((int64_t)NOW + pass * 60) * 1000;
        const double start = cpu_s();
        for (int i = 0; i < COUNT; i++) look(plan_text, &states[i], i, now_ms, &arena);
        printf("pass %d: %.3f s CPU, %.1f us a rollout\n", pass, cpu_s() - start,
               (cpu_s() - start) / COUNT * 1e6);
    }
    size_t most = 0;
    for (int i = 0; i < COUNT; i++) {
        const size_t size = strlen(states[i]) + sizeof plan_text;
        if (size > most) most = size;
    }
    printf("kept of one rollout: at most %zu bytes (plan %zu)\n", most, sizeof plan_text);
}
