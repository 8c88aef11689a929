/* bus.h - listeners over the log: cursors, retries, dead letters; durable jobs; live feeds.
 *
 * One worker at a time (the leader, by a lock on a file that the kernel frees with the process)
 * runs listeners and durable jobs; every worker serves live feeds and runs its own local timers. */
#ifndef SLUICE_CORE_BUS_H
#define SLUICE_CORE_BUS_H

#include "call.h"

struct bus;

struct bus *bus_open(struct host *host);
/* Registers a listener or a job of `plugin` (NULL: the core). Before bus_start. */
void bus_listen(struct bus *bus, struct plugin *plugin, const sl_listen *row);
void bus_job(struct bus *bus, struct plugin *plugin, const sl_job *row);
/* Begins: tries to become leader (lock file in `state_dir`; NULL: at once), then delivers. */
void bus_start(struct bus *bus, const char *state_dir);
/* Stops taking new work and gives up leadership when what runs has ended. Suspends. */
void bus_drain(struct bus *bus);
void bus_close(struct bus *bus);
bool bus_leads(const struct bus *bus);
/* Delivers and runs all that is due by the host's clock until nothing is; for the test host. */
void bus_settle(struct bus *bus);

extern const sl_op
    bus_ops[]; /* events.list (GET /events, SSE and pages), events.dead, events.retry, jobs.list */
extern const sl_migration bus_schema[];
extern const sl_metric bus_metrics[];

#endif
