/* cache.c - answers of a tenant by the hash of what was asked; a tenant never sees another's. */
#include "llm.h"

enum { KEPT_MOST = 2000 };

cJSON *cache_find(sl_call *call, const char *hash) {
    sl_rows rows;
    const int rc = sl_query(call, &rows,
                            "SELECT answer FROM llm_cache "
                            "WHERE tenant = $1 AND hash = $2 AND expires_ms > $3",
                            SL_ARGS(sl_text(hash), sl_int(sl_now_ms(call))));
    return rc || !rows.count ? NULL : sl_cell_json(call, &rows, 0, "answer");
}

void cache_keep(sl_call *call, const struct llm *llm, const char *hash, const cJSON *answer) {
    const int64_t now_ms = sl_now_ms(call);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "DELETE FROM llm_cache WHERE tenant = $1 AND expires_ms <= $2",
                 SL_ARGS(sl_int(now_ms)));
    sl_batch_add(batch,
                 "DELETE FROM llm_cache WHERE tenant = $1 AND at_ms < (SELECT MIN(at_ms) FROM "
                 "(SELECT at_ms FROM llm_cache WHERE tenant = $1 ORDER BY at_ms DESC LIMIT $2) q)",
                 SL_ARGS(sl_int(KEPT_MOST)));
    sl_batch_add(batch,
                 "INSERT INTO llm_cache (tenant, hash, answer, at_ms, expires_ms) "
                 "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, hash) DO UPDATE SET "
                 "answer = $3, at_ms = $4, expires_ms = $5",
                 SL_ARGS(sl_text(hash), sl_text(sl_json_print(call, answer)), sl_int(now_ms),
                         sl_int(now_ms + llm->cache_ttl_ms)));
    if (sl_commit(batch)) sl_log(call, SL_WARN, "an answer was not kept: %s", sl_failure(call));
}
