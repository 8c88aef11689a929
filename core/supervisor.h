/* supervisor.h - the parent of the workers.
 *
 * It holds the listening sockets, so that connections wait in the backlog while a dead worker is
 * replaced. SIGHUP: the new configuration is checked in a child; then new workers start, and when all
 * of them serve the old ones drain; an error at any point leaves the old ones running. SIGTERM:
 * drain and end; a second one ends at once. */
#ifndef SLUICE_CORE_SUPERVISOR_H
#define SLUICE_CORE_SUPERVISOR_H

int supervisor_run(const char *config_path); /* the exit code */

#endif
