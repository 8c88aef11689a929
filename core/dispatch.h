/* dispatch.h - between HTTP and operations: routing, identity, bodies, answers. */
#ifndef SLUICE_CORE_DISPATCH_H
#define SLUICE_CORE_DISPATCH_H

#include "http.h"

struct host;
struct dispatch;

struct dispatch *dispatch_open(struct host *host);
void dispatch_close(struct dispatch *dispatch);
void dispatch_callbacks(struct dispatch *dispatch, struct http_callbacks *callbacks);
/* Cancels calls that would not end by themselves: streams, and operations without a deadline. */
void dispatch_drain(struct dispatch *dispatch);

#endif
