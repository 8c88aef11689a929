/* fetcher.h - the HTTP client behind sl_fetch. libcurl and what it pulls in are loaded on first use
 * (sluice-fetch.so beside libsluice), which keeps an idle server small and its start short. */
#ifndef SLUICE_CORE_FETCHER_H
#define SLUICE_CORE_FETCHER_H

#include "call.h"

struct fetcher;
struct fetcher *fetcher_open(struct host *host);
void fetcher_close(struct fetcher *fetcher);
extern const sl_metric fetch_metrics[];

#endif
