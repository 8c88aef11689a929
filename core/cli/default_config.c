/* default_config.c - which configuration is meant when none is named. */
#include "../config.h"
#include "cli.h"

const char *cli_default_config(void) {
    return config_usual_path();
}
