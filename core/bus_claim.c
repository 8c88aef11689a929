/* bus_claim.c - see bus_claim.h. */
#include "bus_claim.h"
#include "store_inside.h"

static void add(sl_batch *batch, const char *otherwise, const char *sql, const sl_value *values,
                size_t count) {
    batch_add(batch, NULL,
              &(struct batch_statement){.sql = sql,
                                        .values = (sl_value *)values,
                                        .count = count,
                                        .demand = 1,
                                        .otherwise = otherwise});
}

void claim_save(struct cursor_claim *place, sl_batch *batch) {
    const struct bus_claim *claim = (const struct bus_claim *)place; /* its first member */
    if (claim->dead_letter)
        add(batch, "this dead letter has been handled meanwhile",
            "DELETE FROM sluice_dead_letter WHERE id = $1", SL_ARGS(sl_text(claim->dead_letter)));
    else
        add(batch, "another worker has handled this event already",
            "UPDATE sluice_cursor SET seq = $1, attempts = 0, next_ms = 0, error = NULL "
            "WHERE listener = $2 AND seq < $1",
            SL_ARGS(sl_int(place->seq), sl_text(place->listener)));
}
