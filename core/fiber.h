/* fiber.h - what the loop asks of fiber.c; everyone else uses loop.h. */
#ifndef SLUICE_CORE_FIBER_H
#define SLUICE_CORE_FIBER_H

#include <stdbool.h>

struct loop;

bool fibers_run_ready(struct loop *loop); /* those that are ready now; false when there were none */
void fibers_free_idle(struct loop *loop);

#endif
