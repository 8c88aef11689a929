/* fetcher.h - the HTTP client behind sl_fetch: tries, breakers, deadlines, metrics. libcurl and
 * what it pulls in are loaded on first use (sluice-fetch.so beside libsluice), which keeps an idle
 * server small and its start short. */
#ifndef SLUICE_CORE_FETCHER_H
#define SLUICE_CORE_FETCHER_H

#include "call.h"

struct fetcher;
struct fetch_module;

struct fetcher *fetcher_open(struct host *host);
/* Ends what runs with SL_CANCELLED. The memory goes when the last caller has heard. */
void fetcher_close(struct fetcher *fetcher);
extern const sl_metric fetch_metrics[];

/* Loads the module from `folder`, or, when that is NULL, from where libsluice is installed. NULL
 * with a sentence in `trouble` (256 bytes). */
const struct fetch_module *fetch_module_load(const char *folder, char *trouble);
/* Takes this module in place of the installed one; for tests. */
void fetcher_use(struct fetcher *fetcher, const struct fetch_module *module);

#endif
