/* slo.h - the plugin's state, and what its files with a host share. */
#ifndef SLO_SLO_H
#define SLO_SLO_H

#include <sluice/sluice.h>
#include <stdbool.h>

struct slo {
    cJSON *config; /* kept */
};

#endif
