/* listen.h - "127.0.0.1:8000", "[::1]:8000", ":8000", "unix:/run/sluice.sock" as a listening socket. */
#ifndef SLUICE_CORE_LISTEN_H
#define SLUICE_CORE_LISTEN_H

#include <stddef.h>

/* A non-blocking, close-on-exec listening socket, or -1 with a sentence in `error`. */
int listen_open(const char *address, char *error, size_t room);
/* The URL under which it is reached ("http://127.0.0.1:8000", also for port 0). */
void listen_url(int socket, char *url, size_t room);

#endif
