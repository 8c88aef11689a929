/* offload.h - the thread pool behind loop_offload. Threads start on the first use. */
#ifndef SLUICE_CORE_OFFLOAD_H
#define SLUICE_CORE_OFFLOAD_H

struct offload_pool;

void offload_close(struct offload_pool *pool); /* waits for running work; NULL: nothing */

#endif
