/* lua_files.c - scripts and their helpers from the disk. */
#include "lua_script.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HELPERS_MAX = 64 };

/* The whole of a regular file of at most SANDBOX_SOURCE_MAX bytes; malloc'ed. NULL with `why`. */
static char *read_small_file(const char *path, size_t *size, char *why, size_t why_size) {
    /* A FIFO would block the open, and a device is no script. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat status;
    char *bytes = NULL;
    ssize_t got = -1;
    if (file < 0 || fstat(file, &status) != 0) {
        snprintf(why, why_size, "the file cannot be read: %s", strerror(errno));
    } else if (!S_ISREG(status.st_mode)) {
        snprintf(why, why_size, "it is not a regular file");
    } else if (status.st_size > SANDBOX_SOURCE_MAX) {
        snprintf(why, why_size, "the file is larger than %d bytes", SANDBOX_SOURCE_MAX);
    } else if ((bytes = malloc((size_t)status.st_size + 1))) {
        got = read(file, bytes, (size_t)status.st_size);
        if (got < 0) snprintf(why, why_size, "the file cannot be read: %s", strerror(errno));
    }
    if (file >= 0) close(file);
    if (got >= 0) {
        *size = (size_t)got;
        bytes[got] = '\0';
        return bytes;
    }
    free(bytes);
    return NULL;
}

struct script *script_open_file(const char *path, const struct script_text *as) {
    char why[160] = "no memory";
    struct script_text text = *as;
    char *source = read_small_file(path, &text.size, why, sizeof why);
    if (source)
        text.source = source;
    else
        text.trouble = why, text.size = 0;
    struct script *script = script_open(&text);
    free(source);
    return script;
}

/* ---- helpers ---- */

static bool is_helper(const struct dirent *entry) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t size = strlen(entry->d_name);
    return size > 4 && size < 64 && strcmp(entry->d_name + size - 4, ".lua") == 0 &&
           strspn(entry->d_name, letters) == size - 4;
}

static void add_helper(struct script_library *library, const char *folder, const char *file) {
    char path[4096], why[160];
    struct script_helper *helper = &library->helpers[library->count];
    snprintf(path, sizeof path, "%s/%s", folder, file);
    helper->source = read_small_file(path, &helper->size, why, sizeof why);
    if (!helper->source) return; /* whoever requires it is told that it is not there */
    helper->name = strndup(file, strlen(file) - 4);
    library->count++;
}

struct script_library *library_open(const char *folder) {
    DIR *directory = opendir(folder);
    if (!directory) return NULL;
    struct script_library *library = calloc(1, sizeof *library);
    library->refs = 1;
    library->helpers = calloc(HELPERS_MAX, sizeof *library->helpers);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (is_helper(entry) && library->count < HELPERS_MAX)
            add_helper(library, folder, entry->d_name);
    closedir(directory);
    return library;
}

struct script_library *library_ref(struct script_library *library) {
    if (library) library->refs++;
    return library;
}

void library_unref(struct script_library *library) {
    if (!library || --library->refs) return;
    for (size_t i = 0; i < library->count; i++) {
        free(library->helpers[i].name);
        free(library->helpers[i].source);
    }
    free(library->helpers);
    free(library);
}
