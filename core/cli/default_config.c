/* default_config.c - which configuration is meant when none is named. */
#include "cli.h"

#include <unistd.h>

const char *cli_default_config(void) {
    static const char *const places[] = {"sluice.yaml", "config/sluice.yaml",
                                         "/etc/sluice/sluice.yaml",
                                         SLUICE_DATADIR "/sluice/config/sluice.yaml"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (access(places[i], R_OK) == 0) return places[i];
    return NULL;
}
