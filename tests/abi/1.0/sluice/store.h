/* store.h - tables: reads, and writes as batches.
 *
 * One dialect for SQLite and PostgreSQL: $1 parameters, ON CONFLICT, RETURNING. A call's store is
 * bound to the call's tenant: **$1 is always the tenant**, put there by the host, and your own
 * values are $2, $3... A statement that does not use $1, or reads a table without looking at its
 * `tenant` column, is refused when it is prepared. (start, and jobs without a tenant, run as the
 * tenant "system".)
 *
 *     sl_rows rows;
 *     int rc = sl_query(call, &rows, "SELECT id FROM shop_order WHERE tenant = $1 AND app = $2",
 *                       SL_ARGS(sl_text(app)));
 *     for (size_t i = 0; i < rows.count; i++) use(sl_cell_text(&rows, i, "id"));
 */
#ifndef SLUICE_STORE_H
#define SLUICE_STORE_H

#include <sluice/base.h>

enum sl_value_type { SL_V_NULL = 0, SL_V_INT = 1, SL_V_REAL = 2, SL_V_TEXT = 3, SL_V_BLOB = 4 };

typedef struct sl_value {
    uint32_t type;
    uint32_t reserved_number;
    size_t size; /* text and blob: bytes */
    union {
        int64_t integer;
        double real;
        const char *text; /* borrowed until the statement has run; may be NULL: SQL NULL */
        const void *blob;
    } as;
} sl_value;

static inline sl_value sl_int(int64_t integer) {
    sl_value v;
    v.type = SL_V_INT, v.reserved_number = 0, v.size = 0, v.as.integer = integer;
    return v;
}
static inline sl_value sl_real(double real) {
    sl_value v;
    v.type = SL_V_REAL, v.reserved_number = 0, v.size = 0, v.as.real = real;
    return v;
}
static inline sl_value sl_text(const char *text) {
    sl_value v;
    v.type = text ? (uint32_t)SL_V_TEXT : (uint32_t)SL_V_NULL, v.reserved_number = 0;
    v.size = text ? __builtin_strlen(text) : 0, v.as.text = text;
    return v;
}
static inline sl_value sl_blob(const void *blob, size_t size) {
    sl_value v;
    v.type = SL_V_BLOB, v.reserved_number = 0, v.size = size, v.as.blob = blob;
    return v;
}

/* The values $2, $3... of one statement; SL_NO_ARGS when there are none. */
#define SL_ARGS(...)                                                                               \
    (const sl_value[]){__VA_ARGS__}, sizeof((const sl_value[]){__VA_ARGS__}) / sizeof(sl_value)
#define SL_NO_ARGS NULL, 0

/* A result, in the call's arena. */
typedef struct sl_rows {
    size_t count, columns;
    const char *const *names;
    const sl_value *cells; /* row by row */
    const void *reserved[2];
} sl_rows;

/* Reads committed data. Short queries run where they stand; one that takes long moves to a thread.
 * Suspends then. SL_TIMEOUT, SL_LIMIT (more than 100,000 rows or 64 MiB), SL_UNAVAILABLE,
 * SL_INTERNAL. */
SL_API int sl_query(sl_call *call, sl_rows *rows, const char *sql, const sl_value *args,
                    size_t count);

/* Cells by column name; NULL text, 0 and 0.0 for SQL NULL or a name that is not there. Borrowed. */
SL_API const char *sl_cell_text(const sl_rows *rows, size_t row, const char *column);
SL_API int64_t sl_cell_int(const sl_rows *rows, size_t row, const char *column);
SL_API double sl_cell_real(const sl_rows *rows, size_t row, const char *column);
/* A text column that holds JSON, parsed into the call's arena; NULL when it does not. */
SL_API cJSON *sl_cell_json(sl_call *call, const sl_rows *rows, size_t row, const char *column);

/* ---- writes: statements and events, no code in between, committed as one ---- */
typedef struct sl_batch sl_batch;
SL_API sl_batch *sl_batch_new(sl_call *call);
/* Adds a statement. Values are copied. */
SL_API void sl_batch_add(sl_batch *batch, const char *sql, const sl_value *args, size_t count);
/* Adds a statement that must touch exactly `rows` rows, else the whole batch is undone and
 * sl_commit says SL_CONFLICT with this sentence: optimistic versions, quotas and keys need no other
 * lock. */
SL_API void sl_batch_demand(sl_batch *batch, int64_t rows, const char *otherwise, const char *sql,
                            const sl_value *args, size_t count);
/* Adds an event. Takes `data` (an object, or NULL). */
SL_API void sl_batch_emit(sl_batch *batch, const char *type, const char *subject, cJSON *data);
/* Queues a durable job of this plugin for `at_ms` (0: now). A job with the same name and `key` that
 * still waits is replaced. `key` may be NULL. Takes `in`. */
SL_API void sl_batch_job(sl_batch *batch, const char *job, const char *key, int64_t at_ms,
                         cJSON *in);
/* Commits: when it returns 0 everything is on the disk. Fill `out` before you commit: with an
 * Idempotency-Key it is stored in the same transaction and answers every repetition. Suspends, and
 * is not cut short by the deadline. SL_CONFLICT, SL_UNAVAILABLE (disk full, read-only),
 * SL_INTERNAL. */
SL_API int sl_commit(sl_batch *batch);

#endif
