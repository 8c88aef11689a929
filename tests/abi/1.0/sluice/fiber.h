/* fiber.h - waiting, and work beside the loop. All of these belong to the fiber of `call`. */
#ifndef SLUICE_FIBER_H
#define SLUICE_FIBER_H

#include <sluice/base.h>

/* Suspends for `ms`. SL_TIMEOUT: the call's deadline came first; SL_CANCELLED. */
SL_API int sl_sleep(sl_call *call, int64_t ms);

/* Runs `work(arg)` on the thread pool and suspends until it has ended. For CPU work over about 1
 * ms. Inside, only memory of `arg` and pure code: no sl_ function except sl_alloc of this same
 * call. Returns what `work` returns; SL_LIMIT when the queue is full. Not cut short by the
 * deadline. */
SL_API int sl_offload(sl_call *call, int (*work)(void *arg), void *arg);

/* Starts `run(call, arg)` in a fiber of its own, with its own call (this plugin, same tenant, actor
 * "plugin:NAME", no deadline, cancelled on a drain). `arg` must outlive it. Does not suspend. */
SL_API int sl_spawn(sl_call *call, void (*run)(sl_call *call, void *arg), void *arg);

/* SL_CANCELLED or SL_TIMEOUT once the client left, the server drains or the deadline passed, else
 * 0: for loops that compute without waiting. */
SL_API int sl_cancelled(sl_call *call);

#endif
