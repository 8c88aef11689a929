#include "haproxy_talk.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sluice/base.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static int64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int fail(struct haproxy_talk *talk, int status, const char *doing) {
    (void)snprintf(talk->fault, sizeof talk->fault, "%s HAProxy at %.120s: %s", doing,
                   talk->address, status == SL_TIMEOUT ? "no answer in time" : strerror(errno));
    return status;
}

/* Waits until the socket can be read or written. */
static int await(struct haproxy_talk *talk, int fd, short events, int64_t until,
                 const char *doing) {
    for (;;) {
        int64_t left = until - now_ms();
        if (left <= 0) return fail(talk, SL_TIMEOUT, doing);
        struct pollfd poll_fd = {.fd = fd, .events = events};
        int ready = poll(&poll_fd, 1, (int)left);
        if (ready > 0) return 0;
        if (ready < 0 && errno != EINTR) return fail(talk, SL_UNAVAILABLE, doing);
    }
}

static int open_socket(const struct sockaddr *address, socklen_t size) {
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    if (connect(fd, address, size) == 0 || errno == EINPROGRESS) return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static int open_unix(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    return open_socket((const struct sockaddr *)&address, sizeof address);
}

static int open_tcp(const char *text) {
    const char *colon = strrchr(text, ':');
    char host[256];
    if (!colon || (size_t)(colon - text) >= sizeof host) {
        errno = EDESTADDRREQ;
        return -1;
    }
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, colon + 1, &hints, &found) != 0) {
        errno = EHOSTUNREACH;
        return -1;
    }
    int fd = open_socket(found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return fd;
}

static int send_all(struct haproxy_talk *talk, int fd, const char *command, int64_t until) {
    size_t size = strlen(command), sent = 0;
    while (sent <= size) { /* the line's end is one more byte */
        int rc = await(talk, fd, POLLOUT, until, "asking");
        if (rc) return rc;
        const char *bytes = sent < size ? command + sent : "\n";
        ssize_t wrote = send(fd, bytes, sent < size ? size - sent : 1, MSG_NOSIGNAL);
        if (wrote < 0 && errno != EAGAIN && errno != EINTR)
            return fail(talk, SL_UNAVAILABLE, "asking");
        if (wrote > 0) sent += (size_t)wrote;
    }
    return 0;
}

static int grow(struct haproxy_talk *talk, int k, size_t *room) {
    size_t wanted = *room ? *room * 2 : 16384;
    if (wanted > HAPROXY_ANSWER_MAX) {
        errno = EMSGSIZE;
        return fail(talk, SL_UNAVAILABLE, "reading from");
    }
    char *larger = realloc(talk->answers[k].text, wanted + 1);
    if (!larger) return fail(talk, SL_UNAVAILABLE, "reading from");
    talk->answers[k].text = larger;
    *room = wanted;
    return 0;
}

static int read_all(struct haproxy_talk *talk, int fd, int k, int64_t until) {
    size_t room = 0;
    int rc = grow(talk, k, &room);
    while (!rc) {
        rc = await(talk, fd, POLLIN, until, "reading from");
        if (rc) break;
        size_t *used = &talk->answers[k].size;
        if (*used == room) rc = grow(talk, k, &room);
        if (rc) break;
        ssize_t got = recv(fd, talk->answers[k].text + *used, room - *used, 0);
        if (got == 0) break;
        if (got > 0) *used += (size_t)got;
        if (got < 0 && errno != EAGAIN && errno != EINTR)
            rc = fail(talk, SL_UNAVAILABLE, "reading from");
    }
    if (talk->answers[k].text) talk->answers[k].text[talk->answers[k].size] = 0;
    return rc;
}

static int ask(struct haproxy_talk *talk, int k, int64_t until) {
    int fd = strchr(talk->address, '/') ? open_unix(talk->address) : open_tcp(talk->address);
    if (fd < 0) return fail(talk, SL_UNAVAILABLE, "connecting to");
    int rc = send_all(talk, fd, talk->commands[k], until);
    if (!rc) rc = read_all(talk, fd, k, until);
    (void)close(fd);
    return rc;
}

int haproxy_talk(void *arg) {
    struct haproxy_talk *talk = arg;
    int64_t until = now_ms() + talk->timeout_ms;
    int rc = 0;
    for (int k = 0; !rc && k < HAPROXY_COMMANDS && talk->commands[k]; k++) rc = ask(talk, k, until);
    return rc;
}

void haproxy_talk_free(struct haproxy_talk *talk) {
    for (int k = 0; k < HAPROXY_COMMANDS; k++) {
        free(talk->answers[k].text);
        talk->answers[k].text = NULL;
    }
}
