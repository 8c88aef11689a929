/* budget.c - what a tenant may spend a day (UTC). An estimate is set aside before a request, by a
 * statement that touches no row once the budget would be passed; what was really spent replaces it
 * after. A crash between the two leaves the estimate spent, until the day ends. */
#include "llm.h"

#include <string.h>
#include <time.h>

enum { DAY_SECONDS = 86400 };

static const char *today(sl_call *call) {
    const time_t now = (time_t)(sl_now_ms(call) / 1000);
    struct tm tm;
    char *day = sl_alloc(call, 16);
    gmtime_r(&now, &tm);
    strftime(day, 16, "%Y-%m-%d", &tm);
    return day;
}

static double limit_of(sl_call *call, const struct llm *llm, const char *name, double usual) {
    const cJSON *tenants = sl_get(sl_get(llm->config, "budget"), "tenants");
    return sl_get_number(sl_get(tenants, sl_tenant(call)), name, usual);
}

double budget_tokens_a_day(sl_call *call, const struct llm *llm) {
    return limit_of(call, llm, "tokens_per_day", llm->tokens_a_day);
}

static double usd_a_day(sl_call *call, const struct llm *llm) {
    return limit_of(call, llm, "usd_per_day", llm->usd_a_day);
}

/* 0 is no limit. */
static int64_t or_endless(double limit) {
    return limit > 0 ? (int64_t)limit : INT64_C(9000000000000000);
}

int budget_reserve(sl_call *call, const struct llm *llm, struct spending estimate) {
    const double tokens = budget_tokens_a_day(call, llm), usd = usd_a_day(call, llm);
    if (tokens <= 0 && usd <= 0) return 0;
    const char *day = today(call);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO llm_usage (tenant, day, tokens, micro_usd, calls) "
                 "VALUES ($1, $2, 0, 0, 0) ON CONFLICT (tenant, day) DO NOTHING",
                 SL_ARGS(sl_text(day)));
    sl_batch_demand(batch, 1, "the day's budget is used up",
                    "UPDATE llm_usage SET tokens = tokens + $3, micro_usd = micro_usd + $4 "
                    "WHERE tenant = $1 AND day = $2 AND tokens + $3 <= $5 AND micro_usd + $4 <= $6",
                    SL_ARGS(sl_text(day), sl_int(estimate.tokens), sl_int(estimate.micro_usd),
                            sl_int(or_endless(tokens)), sl_int(or_endless(usd * 1e6))));
    const int rc = sl_commit(batch);
    if (rc != SL_CONFLICT) return rc;
    sl_retry_after(call, (int)(DAY_SECONDS - sl_now_ms(call) / 1000 % DAY_SECONDS));
    return sl_fail(call, SL_LIMIT,
                   "today's budget of tenant %s for language models is used up: %g tokens and %g "
                   "USD a day (0: no limit); it begins anew at midnight UTC, or raise "
                   "plugins.llm.budget",
                   sl_tenant(call), tokens, usd);
}

void budget_settle(sl_call *call, const struct llm *llm, struct spending estimate,
                   struct spending spent) {
    const bool reserved = budget_tokens_a_day(call, llm) > 0 || usd_a_day(call, llm) > 0;
    const char *day = today(call);
    const int64_t tokens = spent.tokens - (reserved ? estimate.tokens : 0);
    const int64_t money = spent.micro_usd - (reserved ? estimate.micro_usd : 0);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO llm_usage (tenant, day, tokens, micro_usd, calls) "
                 "VALUES ($1, $2, $3, $4, 1) ON CONFLICT (tenant, day) DO UPDATE SET "
                 "tokens = llm_usage.tokens + $3, micro_usd = llm_usage.micro_usd + $4, "
                 "calls = llm_usage.calls + 1",
                 SL_ARGS(sl_text(day), sl_int(tokens), sl_int(money)));
    if (sl_commit(batch))
        sl_log(call, SL_WARN, "what a language model cost was not written down: %s",
               sl_failure(call));
}

int budget_tell(sl_call *call, const struct llm *llm, cJSON *out) {
    sl_rows rows;
    const char *day = today(call);
    const int rc = sl_query(call, &rows,
                            "SELECT tokens, micro_usd, calls FROM llm_usage "
                            "WHERE tenant = $1 AND day = $2",
                            SL_ARGS(sl_text(day)));
    if (rc) return rc;
    const double tokens = budget_tokens_a_day(call, llm), usd = usd_a_day(call, llm);
    const bool spent = rows.count > 0;
    cJSON *budget = cJSON_AddObjectToObject(out, "budget");
    cJSON_AddStringToObject(budget, "day", day);
    cJSON_AddNumberToObject(budget, "tokens", spent ? (double)sl_cell_int(&rows, 0, "tokens") : 0);
    cJSON_AddNumberToObject(budget, "usd",
                            spent ? (double)sl_cell_int(&rows, 0, "micro_usd") / 1e6 : 0);
    cJSON_AddNumberToObject(budget, "calls", spent ? (double)sl_cell_int(&rows, 0, "calls") : 0);
    if (tokens > 0) cJSON_AddNumberToObject(budget, "tokens_per_day", tokens);
    if (usd > 0) cJSON_AddNumberToObject(budget, "usd_per_day", usd);
    return 0;
}
