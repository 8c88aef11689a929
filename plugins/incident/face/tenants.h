/* tenants.h - the telemetry of each tenant: made on first use, one request at a time. */
#ifndef INCIDENT_TENANTS_H
#define INCIDENT_TENANTS_H

#include "face.h"
#include "telemetry.h"

struct tenant_telemetry {
    struct tenant_telemetry *next;
    char *tenant;
    struct telemetry *telemetry;
    bool busy;
    int64_t tidied_ms;
};

/* Waits while another request digests. Suspends. Unlock with tenant_unlock. */
int tenant_lock(sl_call *call, struct tenant_telemetry **tenant);
void tenant_unlock(struct tenant_telemetry *tenant);
/* Commits the delta. */
int tenant_store(sl_call *call, struct tenant_telemetry *tenant);
void tenants_free(struct tenant_telemetry *first);

#endif
