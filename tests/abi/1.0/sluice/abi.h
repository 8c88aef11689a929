/* abi.h - the contract between a host and a plugin that was built at another time.
 *
 * A plugin exports one data symbol, `sluice_plugin`, made by SL_PLUGIN (plugin.h). Before any of
 * the plugin's code runs the host checks, in this order: magic, major (equal), minor (not above its
 * own), the sizes (at least those of 1.0), then names, routes and `requires`. It copies
 * min(plugin's size, own size) into a zeroed struct, so an older plugin's missing tail reads as
 * NULL.
 *
 * MAJOR is in the soname and in the install folder; it rises when anything is removed or changes
 * its meaning. MINOR rises when anything is added. A patch release never touches these headers.
 *
 * History (newest first)
 *   1.0  2026-11-22  first version
 */
#ifndef SLUICE_ABI_H
#define SLUICE_ABI_H

#define SL_ABI_MAGIC 0x534c5543u /* "SLUC" */
#define SL_ABI_MAJOR 1
#define SL_ABI_MINOR 0

#define SLUICE_VERSION "0.1.0"

#endif
