#include "folder.h"
#include "reading.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct listing {
    struct folder *out;
    struct pool *pool;
};

static int fail(struct folder *folder, const char *path, const char *why) {
    snprintf(folder->error, sizeof folder->error, "%s: %s", path, why);
    return -1;
}

static int add_file(struct listing *listing, const char *path, const struct stat *status) {
    struct folder *out = listing->out;
    if (out->count == FOLDER_FILES) return fail(out, path, "there are more than 20,000 documents");
    out->files = pool_grow(listing->pool, out->files, out->count, sizeof *out->files);
    out->files[out->count++] = (struct folder_file){
        .path = path,
        .size = status->st_size,
        .mtime_ns = (int64_t)status->st_mtim.tv_sec * 1000000000 + status->st_mtim.tv_nsec};
    return 0;
}

static int list(struct listing *listing, int folder, const char *below, unsigned depth);

static int take_entry(struct listing *listing, int folder, const char *below, const char *name,
                      unsigned depth) {
    struct stat status;
    const char *path = *below ? pool_printf(listing->pool, "%s/%s", below, name)
                              : pool_strndup(listing->pool, name, strlen(name));
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW)) return 0; /* gone meanwhile */
    if (S_ISREG(status.st_mode))
        return reading_is_document(name) ? add_file(listing, path, &status) : 0;
    if (!S_ISDIR(status.st_mode)) return 0;
    if (depth + 1 >= FOLDER_DEPTH) return fail(listing->out, path, "it is nested too deep");
    const int inner = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return inner < 0 ? 0 : list(listing, inner, path, depth + 1);
}

/* Takes the descriptor. */
static int list(struct listing *listing, int folder, const char *below, unsigned depth) {
    DIR *stream = fdopendir(folder);
    if (!stream) {
        close(folder);
        return fail(listing->out, below, strerror(errno));
    }
    int rc = 0;
    const struct dirent *entry;
    while (!rc && (entry = readdir(stream)))
        if (entry->d_name[0] != '.') rc = take_entry(listing, folder, below, entry->d_name, depth);
    closedir(stream);
    return rc;
}

static int by_path(const void *a, const void *b) {
    return strcmp(((const struct folder_file *)a)->path, ((const struct folder_file *)b)->path);
}

static bool read_line(const char *path, char *out, size_t room) {
    FILE *file = fopen(path, "re");
    const bool good = file && fgets(out, (int)room, file);
    if (file) fclose(file);
    if (good) out[strcspn(out, "\r\n")] = '\0';
    return good;
}

/* Of a work tree: the commit, for people to see; the files are compared by their content. */
static void find_head(struct folder *folder, struct pool *pool, const char *root) {
    char line[300];
    folder->git = read_line(pool_printf(pool, "%s/.git/HEAD", root), line, sizeof line);
    if (!folder->git) return;
    if (!strncmp(line, "ref: ", 5) && !strstr(line, "..") &&
        !read_line(pool_printf(pool, "%s/.git/%s", root, line + 5), line, sizeof line))
        return;
    snprintf(folder->head, sizeof folder->head, "%.40s", line);
}

int folder_list(struct folder *folder, struct pool *pool, const char *root) {
    *folder = (struct folder){0};
    struct listing listing = {folder, pool};
    const int top = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0) return fail(folder, root, strerror(errno));
    if (list(&listing, top, "", 0)) return -1;
    if (folder->count) qsort(folder->files, folder->count, sizeof *folder->files, by_path);
    find_head(folder, pool, root);
    return 0;
}

void folder_read(struct folder_file *file, struct pool *pool, const char *root) {
    if (file->size > READING_MOST_BYTES) {
        file->error = "it is larger than 8 MiB: split it";
        return;
    }
    const char *path = pool_printf(pool, "%s/%s", root, file->path);
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    file->text = pool_alloc(pool, (size_t)file->size + 1);
    size_t got = 0;
    while (fd >= 0 && got < (size_t)file->size) {
        const ssize_t n = read(fd, file->text + got, (size_t)file->size - got);
        if (n <= 0) break;
        got += (size_t)n;
    }
    if (fd < 0) file->error = pool_printf(pool, "it cannot be read: %s", strerror(errno));
    if (fd >= 0) close(fd);
    file->size = (int64_t)got;
}
