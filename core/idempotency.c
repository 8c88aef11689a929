/* idempotency.c - see idempotency.h. */
#include "idempotency.h"
#include "host.h"
#include "json.h"
#include "logging.h"
#include "reply.h"
#include "sha256.h"
#include "store_inside.h"

#include <string.h>

enum { DAY_MS = 24 * 3600 * 1000 };

/* A key in use, in the arena of its call. */
struct idempotency {
    struct idempotency *next; /* in store->running_keys */
    const char *tenant, *key, *op;
    char body_hash[65];
    bool saved, replayed;
};

static int check_key(struct sl_call *call, const char *key) {
    size_t size = strlen(key);
    bool good = size >= 1 && size <= IDEMPOTENCY_KEY_MAX_BYTES;
    for (size_t i = 0; good && i < size; i++) good = key[i] > ' ' && key[i] < 0x7f;
    if (good) return SL_OK;
    return sl_fail(call, SL_INVALID,
                   "the Idempotency-Key must be 1 to %d printable ASCII characters without spaces",
                   IDEMPOTENCY_KEY_MAX_BYTES);
}

static int mismatch(struct sl_call *call, const struct idempotency *mine, const char *op,
                    const char *body_hash) {
    if (strcmp(mine->op, op) != 0)
        return sl_fail(call, SL_MISMATCH,
                       "the Idempotency-Key '%s' was used for %s: take a new key for %s", mine->key,
                       op, mine->op);
    if (strcmp(mine->body_hash, body_hash) != 0)
        return sl_fail(call, SL_MISMATCH,
                       "the Idempotency-Key '%s' was used with another body: take a new key",
                       mine->key);
    return SL_OK;
}

static int claim(struct sl_call *call, struct idempotency *mine) {
    struct store *store = call->host->store;
    for (struct idempotency *other = store->running_keys; other; other = other->next) {
        if (strcmp(other->key, mine->key) != 0 || strcmp(other->tenant, mine->tenant) != 0)
            continue;
        int rc = mismatch(call, mine, other->op, other->body_hash);
        if (rc) return rc;
        sl_retry_after(call, 1);
        return sl_fail(call, SL_CONFLICT,
                       "a request with the Idempotency-Key '%s' still runs: ask again", mine->key);
    }
    mine->next = store->running_keys;
    store->running_keys = mine;
    return SL_OK;
}

static void give_up(struct sl_call *call) {
    struct idempotency **place = &call->host->store->running_keys;
    while (*place && *place != call->idempotency) place = &(*place)->next;
    if (*place) *place = (*place)->next;
    call->idempotency = NULL;
}

static int look_up(struct sl_call *call, struct idempotency *mine,
                   struct idempotency_replay *replay) {
    sl_rows rows;
    int rc = store_query(
        call, &rows,
        "SELECT op, body_hash, status, content_type, body FROM sluice_idempotency "
        "WHERE tenant = $1 AND key = $2 AND at_ms > $3",
        SL_ARGS(sl_text(mine->tenant), sl_text(mine->key), sl_int(sl_now_ms(call) - DAY_MS)));
    if (rc || !rows.count) return rc;
    rc = mismatch(call, mine, sl_cell_text(&rows, 0, "op"), sl_cell_text(&rows, 0, "body_hash"));
    if (rc) return rc;
    mine->replayed = true;
    replay->http_status = (int)sl_cell_int(&rows, 0, "status");
    replay->content_type = sl_cell_text(&rows, 0, "content_type");
    replay->body = sl_cell_text(&rows, 0, "body");
    replay->size = strlen(replay->body);
    return SL_OK;
}

int idempotency_begin(struct sl_call *call, const char *key, const char *op, const void *body,
                      size_t size, struct idempotency_replay *replay) {
    memset(replay, 0, sizeof *replay);
    if (!call->host->store) return sl_fail(call, SL_UNAVAILABLE, "the store is closed");
    int rc = check_key(call, key);
    if (rc) return rc;
    struct idempotency *mine = arena_zalloc(call->arena, sizeof *mine);
    mine->tenant = call->who.tenant;
    mine->key = arena_strdup(call->arena, key);
    mine->op = op;
    sha256_hex(body, size, mine->body_hash);
    rc = claim(call, mine);
    if (rc) return rc;
    call->idempotency = mine;
    rc = look_up(call, mine, replay);
    if (rc) give_up(call);
    return rc;
}

void idempotency_save(struct sl_call *call, sl_batch *batch) {
    const struct idempotency *mine = call->idempotency;
    const struct reply *reply = &call->reply;
    const char *body = reply->content_type
                           ? arena_strndup(call->arena, reply_bytes(call), reply->size)
                       : call->out ? json_print(call->arena, call->out, NULL)
                                   : "{}";
    int64_t now_ms = sl_now_ms(call);
    /* A later commit of the same call brings the answer up to date; an expired row is replaced. */
    static const char sql[] =
        "INSERT INTO sluice_idempotency(tenant, key, op, body_hash, status, content_type, body, "
        "at_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant, key) DO UPDATE SET "
        "op = excluded.op, body_hash = excluded.body_hash, status = excluded.status, "
        "content_type = excluded.content_type, body = excluded.body, at_ms = excluded.at_ms "
        "WHERE sluice_idempotency.at_ms <= $9";
    batch_add(
        batch, NULL,
        &(struct batch_statement){
            .sql = sql,
            .values = (sl_value[]){sl_text(mine->tenant), sl_text(mine->key), sl_text(mine->op),
                                   sl_text(mine->body_hash),
                                   sl_int(reply->http_status ? reply->http_status : 200),
                                   sl_text(reply->content_type), sl_text(body), sl_int(now_ms),
                                   sl_int(mine->saved ? INT64_MAX : now_ms - DAY_MS)},
            .count = 9,
            .demand = 1,
            .otherwise = "a request with the same Idempotency-Key has just run: ask again "
                         "for its answer"});
}

void idempotency_saved(struct sl_call *call) {
    call->idempotency->saved = true;
}

void idempotency_end(struct sl_call *call, int status) {
    struct idempotency *mine = call->idempotency;
    if (!mine) return;
    if (status == SL_OK && !mine->saved && !mine->replayed) {
        struct failure before = call->failure;
        if (sl_commit(store_batch(call))) /* the row is added there */
            log_warn("the answer for an Idempotency-Key is not kept: %s", sl_failure(call));
        call->failure = before;
    }
    give_up(call);
}
