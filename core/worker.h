/* worker.h - one serving process: a loop, a host, the listening sockets it was given. */
#ifndef SLUICE_CORE_WORKER_H
#define SLUICE_CORE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

/* Exit codes between worker and supervisor; the CLI's have the same meaning. */
enum { EXIT_CLEAN = 0, EXIT_NO_START = 1, EXIT_FORCED = 2, EXIT_CONFIG = 3 };

struct worker_options {
    const char *config_path;
    const int *sockets;
    size_t socket_count;
    int ready_fd; /* a byte is written when requests are served; -1: none */
};

/* Sets log format and level as configured; the supervisor's lines look like the workers'. */
struct config;
void worker_logging(const struct config *config);
/* Serves until SIGTERM or SIGINT, then drains. Returns the exit code. */
int worker_run(const struct worker_options *options);
/* Checks the configuration, descriptors included, and prints what is wrong. */
int worker_check(const char *config_path);

#endif
