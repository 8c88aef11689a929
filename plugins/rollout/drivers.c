/* drivers.c - the table of drivers; a new one is a row. */
#include "driver.h"

#include <string.h>

extern const struct driver driver_plan, driver_haproxy, driver_argo;

static const struct driver *const drivers[] = {&driver_plan, &driver_haproxy, &driver_argo};

enum { DRIVERS = sizeof drivers / sizeof *drivers };

const struct driver *driver_find(const char *name) {
    for (size_t i = 0; name && i < DRIVERS; i++)
        if (strcmp(drivers[i]->name, name) == 0) return drivers[i];
    return NULL;
}

const char *driver_names(void) {
    return "plan, haproxy, argo";
}

struct driver_view driver_blind(sl_call *call) {
    const struct driver_counts none = {.requests = -1, .errors = -1, .latency_ms = -1};
    return (struct driver_view){.at_ms = sl_now_ms(call),
                                .weight = -1,
                                .replicas = -1,
                                .available = -1,
                                .canary = none,
                                .stable = none};
}
