/* file_text.c - a small text file, whole, without ever waiting for it. */
#include "arena.h"
#include "variables.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *read_all(struct arena *arena, int fd, size_t max, size_t *size) {
    char *text = arena_alloc(arena, max + 1);
    size_t got = 0;
    while (got <= max) {
        ssize_t n = read(fd, text + got, max + 1 - got);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return NULL;
        if (n == 0) break;
        got += (size_t)n;
    }
    *size = got;
    if (got <= max) text[got] = '\0';
    return text;
}

char *file_text(struct arena *arena, const char *path, size_t max, size_t *size, bool *exposed,
                const char **why) {
    /* O_NONBLOCK: opening a FIFO without a writer would wait for ever. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        *why = arena_strdup(arena, strerror(errno));
        if (fd >= 0) close(fd);
        return NULL;
    }
    char *text = NULL;
    size_t most = status.st_size > 0 && (size_t)status.st_size < max ? (size_t)status.st_size : max;
    if (S_ISDIR(status.st_mode))
        *why = "it is a folder";
    else if (!S_ISREG(status.st_mode))
        *why = "it is not a regular file";
    else if ((uint64_t)status.st_size > max)
        *why = arena_printf(arena, "it is larger than %zu KiB", max / 1024);
    else if (!(text = read_all(arena, fd, most, size)))
        *why = arena_strdup(arena, strerror(errno));
    else if (*size > most)
        *why = "it grew while it was read", text = NULL;
    if (exposed) *exposed = (status.st_mode & S_IROTH) != 0;
    close(fd);
    return text;
}
