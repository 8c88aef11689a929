#include "listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096 };

static int fail(int fd, char *error, size_t room, const char *address, const char *why) {
    const char *fix =
        errno == EADDRINUSE ? "; another process listens there: set SLUICE_PORT or stop it" : "";
    snprintf(error, room, "cannot listen on %s: %s%s", address, why, fix);
    if (fd >= 0) close(fd);
    return -1;
}

static int open_unix(const char *address, char *error, size_t room) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    const char *path = address + strlen("unix:");
    if (strlen(path) >= sizeof name.sun_path)
        return fail(-1, error, room, address, "the path is longer than 107 bytes");
    memcpy(name.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct stat info;
    if (lstat(path, &info) == 0 && S_ISSOCK(info.st_mode)) unlink(path); /* left by a killed run */
    mode_t mask = umask(0077);
    int rc = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&name, sizeof name);
    umask(mask);
    if (rc != 0 || listen(fd, BACKLOG) != 0) return fail(fd, error, room, address, strerror(errno));
    return fd;
}

/* "[::1]:8000" -> "::1" and "8000". */
static int split(const char *address, char *host, size_t room, const char **port) {
    const char *colon = strrchr(address, ':');
    if (!colon) return -1;
    size_t size = (size_t)(colon - address);
    if (size >= 2 && address[0] == '[' && address[size - 1] == ']') {
        address++;
        size -= 2;
    }
    if (size >= room) return -1;
    memcpy(host, address, size);
    host[size] = 0;
    *port = colon + 1;
    return strspn(*port, "0123456789") == strlen(*port) && **port ? 0 : -1;
}

int listen_open(const char *address, char *error, size_t room) {
    errno = 0;
    if (strncmp(address, "unix:", 5) == 0) return open_unix(address, error, room);
    char host[256];
    const char *port;
    if (split(address, host, sizeof host, &port) != 0)
        return fail(-1, error, room, address, "expected HOST:PORT, [IPV6]:PORT or unix:PATH");
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *found;
    int rc = getaddrinfo(*host ? host : NULL, port, &hints, &found);
    if (rc != 0) return fail(-1, error, room, address, gai_strerror(rc));
    int on = 1;
    int fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    rc = fd < 0 ? -1 : bind(fd, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    if (rc != 0 || listen(fd, BACKLOG) != 0) return fail(fd, error, room, address, strerror(errno));
    return fd;
}

void listen_url(int socket, char *url, size_t room) {
    struct sockaddr_storage name = {0};
    socklen_t size = sizeof name;
    char host[INET6_ADDRSTRLEN] = "";
    getsockname(socket, (struct sockaddr *)&name, &size);
    if (name.ss_family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&name;
        inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
        snprintf(url, room, "http://%s:%u", host, ntohs(in->sin_port));
    } else if (name.ss_family == AF_INET6) {
        struct sockaddr_in6 *in = (struct sockaddr_in6 *)&name;
        inet_ntop(AF_INET6, &in->sin6_addr, host, sizeof host);
        snprintf(url, room, "http://[%s]:%u", host, ntohs(in->sin6_port));
    } else {
        snprintf(url, room, "unix:%s", ((struct sockaddr_un *)&name)->sun_path);
    }
}
