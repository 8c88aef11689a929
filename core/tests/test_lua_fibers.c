/* Scripts that wait inside sluice.call, many at the same time: each keeps its own state, pcall and
 * clocks; one more than there are states is refused, and denies. */
#include "lua_scratch.h"
#include "lua_script.h"

#include <sluice/sluice.h>
#include <sluice/test.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { RUNS = SCRIPT_STATES_MAX + 6 };

static struct scratch scratch;
static char reasons[RUNS][64];
static unsigned done;

/* Answers its number after a time that puts the answers in another order. */
static int slow(sl_call *call, const cJSON *in, cJSON *out) {
    int64_t n = sl_get_int(in, "n", 0);
    int rc = sl_sleep(call, (n * 37) % 64 + 1);
    if (rc) return rc;
    if (n % 5 == 0) return sl_fail(call, SL_CONFLICT, "number %d is taken", (int)n);
    cJSON_AddNumberToObject(out, "echo", (double)n);
    return 0;
}

static void judge_one(sl_call *call, void *arg) {
    int n = (int)(intptr_t)arg;
    cJSON *ctx = cJSON_CreateObject(), *verdicts = cJSON_CreateArray();
    cJSON_AddNumberToObject(ctx, "n", n);
    assert_int_equal(sl_scripts_judge(call, sl_state(call), ctx, verdicts), 0);
    const char *reason = sl_get_text(verdicts->child, "reason", "none");
    snprintf(reasons[n], sizeof reasons[n], "%s", reason);
    done++;
}

static int begin(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    for (intptr_t i = 0; i < RUNS; i++) sl_spawn(call, judge_one, (void *)i);
    return 0;
}

static int start(sl_call *call, const cJSON *config) {
    (void)config;
    sl_scripts *scripts;
    int rc = sl_scripts_open(call, scratch_at(&scratch, "policies"), "policy", &scripts);
    if (!rc) sl_set_state(call, scripts);
    return rc;
}

static const sl_field slow_in[] = {SL_INT("n"), SL_END};
static const sl_op ops[] = {{.name = "suspend.slow",
                             .summary = "Answer late",
                             .in = slow_in,
                             .needs = "any",
                             .effect = SL_READS,
                             .run = slow},
                            {.name = "suspend.begin",
                             .summary = "Judge many",
                             .needs = "any",
                             .effect = SL_READS,
                             .run = begin},
                            SL_END};

static const sl_plugin suspend = {.magic = SL_ABI_MAGIC,
                                  .abi_major = SL_ABI_MAJOR,
                                  .abi_minor = SL_ABI_MINOR,
                                  .size = sizeof(sl_plugin),
                                  .op_size = sizeof(sl_op),
                                  .field_size = sizeof(sl_field),
                                  .listen_size = sizeof(sl_listen),
                                  .job_size = sizeof(sl_job),
                                  .migration_size = sizeof(sl_migration),
                                  .metric_size = sizeof(sl_metric),
                                  .name = "suspend",
                                  .version = "1.0.0",
                                  .ops = ops,
                                  .start = start};

static const char script[] =
    "return policy { name = 'waits', calls = { 'suspend.slow' }, check = function(ctx)\n"
    "  local n, sum = ctx.n, 0\n"
    "  for i = 1, 3 do\n"
    "    local ok, answer = pcall(function() return sluice.call('suspend.slow', { n = n }).echo end)\n"
    "    if not ok then return warn('caught ' .. n .. ' ' .. ctx.n) end\n"
    "    sum = sum + answer\n"
    "  end\n"
    "  return warn('sum ' .. sum .. ' of ' .. ctx.n)\n"
    "end }";

static void many_runs_wait_side_by_side(void **state) {
    (void)state;
    scratch_make(&scratch);
    scratch_folder(&scratch, "policies");
    scratch_write(&scratch, "policies/waits.lua", script);
    sl_test_host *host = sl_test_host_new(&(sl_test_options){.plugin = &suspend});
    if (!host) fail_msg("%s", sl_test_error());
    assert_int_equal(sl_test_call(host, "suspend.begin", "{}"), 0);
    for (int i = 0; i < 400 && done < RUNS; i++) sl_test_advance(host, 5);
    assert_int_equal(done, RUNS);
    unsigned refused = 0;
    for (int n = 0; n < RUNS; n++) {
        char expected[64];
        if (n % 5 == 0)
            snprintf(expected, sizeof expected, "caught %d %d", n, n);
        else
            snprintf(expected, sizeof expected, "sum %d of %d", n * 3, n);
        if (strstr(reasons[n], "are waiting already"))
            refused++;
        else
            assert_string_equal(reasons[n], expected);
    }
    assert_int_equal(refused, RUNS - SCRIPT_STATES_MAX);
    sl_test_host_free(host);
    scratch_clean(&scratch);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many_runs_wait_side_by_side)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
