/* loader_walk.h - reads all that a descriptor reaches, to learn whether that can be done. */
#ifndef SLUICE_CORE_LOADER_WALK_H
#define SLUICE_CORE_LOADER_WALK_H

#include <sluice/plugin.h>

/* In a damaged file a pointer may lead anywhere: the probing child walks first, and dies in place of
 * the server. Returns a sum that means nothing. */
size_t descriptor_walk(const sl_plugin *raw);

#endif
