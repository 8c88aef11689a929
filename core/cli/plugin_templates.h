/* plugin_templates.h - the files that `sluice plugin new` writes, embedded from sdk/template. */
#ifndef SLUICE_CORE_CLI_PLUGIN_TEMPLATES_H
#define SLUICE_CORE_CLI_PLUGIN_TEMPLATES_H

#include <stddef.h>

struct plugin_template {
    const char *language; /* "c", "lua" */
    const char *path;     /* "tests/test_plugin.c"; @NAME@ stands for the plugin's name */
    const char *bytes;    /* NUL behind; @NAME@ too */
    size_t size;
};

extern const struct plugin_template plugin_templates[]; /* ended by {0} */

#endif
