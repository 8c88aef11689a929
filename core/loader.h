/* loader.h - from a .so or .lua file to a plugin whose descriptor is checked.
 *
 * A damaged shared object can kill the process inside dlopen, so a forked child opens it first. */
#ifndef SLUICE_CORE_LOADER_H
#define SLUICE_CORE_LOADER_H

#include "host.h"

/* NULL with one sentence (malloc'ed), which names the file. */
struct plugin *loader_open(struct host *host, const char *file, char **error);
/* The checks alone, for a descriptor that is linked in. */
struct plugin *loader_adopt(struct host *host, const sl_plugin *raw, const char *file,
                            char **error);
void plugin_free(struct plugin *plugin);

/* The file of the plugin called `name`: in `dirs` (ended by NULL), as NAME.so or NAME.lua. Malloc'ed. */
char *loader_find(const char *name, const char *const *dirs);
/* Where libsluice itself lies; malloc'ed. */
char *library_folder(void);

/* Sorts by `requires`. NULL, or a sentence: a missing plugin, or a cycle with its members. */
char *loader_order(struct plugin **plugins, size_t count);

#endif
