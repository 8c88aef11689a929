/* bus_claim.h - what the first sl_commit of a listener's handler saves with its batch, so that a
 * crash neither loses nor repeats the effects of an event. */
#ifndef SLUICE_CORE_BUS_CLAIM_H
#define SLUICE_CORE_BUS_CLAIM_H

#include "call.h"

/* The claim that the bus gives to a handler's call; `place` is call->claim. */
struct bus_claim {
    struct cursor_claim place; /* listener NULL: saved */
    const char *dead_letter;   /* NULL: the listener's cursor; else the letter that is done */
};

/* Adds the statement to the batch; the batch is undone when the place is no longer this worker's.
 */
void claim_save(struct cursor_claim *claim, sl_batch *batch);

#endif
