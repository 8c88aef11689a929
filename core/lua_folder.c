/* lua_folder.c - hot reload: what changed is compiled anew, what did not keeps its states. */
#include "lua_folder.h"
#include "sha256.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 512 };
static const int64_t LOOK_EVERY_NS = 1000000000;

/* What tells one version of a file from another. */
struct stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    int64_t changed_ns;
};

struct known_file {
    char *name;
    struct stamp stamp;
    struct script *script;
};

struct script_folder {
    char *path, *library_path;
    enum script_kind kind;
    struct sandbox_limits limits;
    int64_t looked_ns;
    struct known_file *files;
    size_t count;
    struct script_library *library;
    uint64_t library_stamp;
    struct script_set *set;
};

/* ---- sets ---- */

struct script_set *set_ref(struct script_set *set) {
    set->refs++;
    return set;
}

void set_unref(struct script_set *set) {
    if (!set || --set->refs) return;
    for (size_t i = 0; i < set->count; i++) script_unref(set->scripts[i]);
    free(set->scripts);
    free(set);
}

static int by_name(const void *left, const void *right) {
    const struct script *a = *(struct script *const *)left, *b = *(struct script *const *)right;
    int order = strcmp(a->name, b->name);
    return order ? order : strcmp(a->file, b->file);
}

static void refuse_twins(struct script_set *set) {
    char text[200];
    for (size_t i = 1; i < set->count; i++) {
        if (strcmp(set->scripts[i]->name, set->scripts[i - 1]->name) != 0) continue;
        snprintf(text, sizeof text, "the name '%s' is taken by %s", set->scripts[i]->name,
                 set->scripts[i - 1]->file);
        script_fail(set->scripts[i], text);
    }
}

static void hash_set(struct script_set *set, const struct script_library *library) {
    struct sha256_ctx context;
    sha256_init(&context);
    for (size_t i = 0; i < set->count; i++) {
        sha256_update(&context, strlen(set->scripts[i]->name) + 1,
                      (const uint8_t *)set->scripts[i]->name);
        sha256_update(&context, 64, (const uint8_t *)set->scripts[i]->hash);
    }
    for (size_t i = 0; library && i < library->count; i++)
        sha256_update(&context, library->helpers[i].size,
                      (const uint8_t *)library->helpers[i].source);
    sha256_end_hex(&context, set->hash);
}

static struct script_set *set_of(const struct script_folder *folder) {
    struct script_set *set = calloc(1, sizeof *set);
    set->refs = 1;
    set->count = folder->count;
    set->scripts = calloc(folder->count + 1, sizeof(struct script *));
    for (size_t i = 0; i < folder->count; i++)
        set->scripts[i] = script_ref(folder->files[i].script);
    qsort(set->scripts, set->count, sizeof(struct script *), by_name);
    refuse_twins(set);
    hash_set(set, folder->library);
    return set;
}

/* A folder that is gone, or cannot be read, denies: one script without a source stands for it. */
static struct script_set *set_of_trouble(const struct script_folder *folder, const char *trouble) {
    struct script_set *set = calloc(1, sizeof *set);
    struct script_text text = {.file = "folder", .kinds = folder->kind, .trouble = trouble};
    set->refs = 1;
    set->count = 1;
    set->scripts = calloc(1, sizeof(struct script *));
    set->scripts[0] = script_open(&text);
    hash_set(set, NULL);
    return set;
}

/* ---- looking ---- */

static bool is_script(const char *name) {
    size_t size = strlen(name);
    return name[0] != '.' && size > 4 && size <= 56 && strcmp(name + size - 4, ".lua") == 0;
}

static struct stamp stamp_of(const char *folder, const char *name) {
    char path[4096];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &status) != 0) return (struct stamp){0};
    return (struct stamp){.device = status.st_dev,
                          .inode = status.st_ino,
                          .size = status.st_size,
                          .changed_ns =
                              (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec};
}

static bool same_stamp(const struct stamp *a, const struct stamp *b) {
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_ns == b->changed_ns;
}

/* One number over the helpers, 0 when there are none. */
static uint64_t stamp_library(const char *path) {
    DIR *directory = opendir(path);
    uint64_t sum = 0;
    if (!directory) return 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!is_script(entry->d_name)) continue;
        struct stamp stamp = stamp_of(path, entry->d_name);
        uint64_t one = (uint64_t)stamp.changed_ns * 31 + (uint64_t)stamp.size * 7 + stamp.inode;
        for (const char *at = entry->d_name; *at; at++) one = one * 131 + (unsigned char)*at;
        sum += one | 1; /* the order of the entries must not matter */
    }
    closedir(directory);
    return sum;
}

static void free_files(struct known_file *files, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(files[i].name);
        script_unref(files[i].script);
    }
    free(files);
}

/* The files that are there now; NULL when the folder cannot be read. */
static struct known_file *list_files(const struct script_folder *folder, size_t *count) {
    DIR *directory = opendir(folder->path);
    if (!directory) return NULL;
    struct known_file *files = calloc(FILES_MAX, sizeof *files);
    *count = 0;
    for (struct dirent *entry; (entry = readdir(directory));) {
        if (!is_script(entry->d_name) || *count == FILES_MAX) continue;
        files[*count].name = strdup(entry->d_name);
        files[(*count)++].stamp = stamp_of(folder->path, entry->d_name);
    }
    closedir(directory);
    return files;
}

static const struct known_file *known(const struct script_folder *folder, const char *name) {
    for (size_t i = 0; i < folder->count; i++)
        if (strcmp(folder->files[i].name, name) == 0) return &folder->files[i];
    return NULL;
}

static struct script *open_script(const struct script_folder *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder->path, name);
    struct script_text as = {
        .file = name, .kinds = folder->kind, .library = folder->library, .limits = folder->limits};
    return script_open_file(path, &as);
}

static bool refresh_library(struct script_folder *folder) {
    uint64_t stamp = stamp_library(folder->library_path);
    if (stamp == folder->library_stamp) return false;
    library_unref(folder->library);
    folder->library = library_open(folder->library_path);
    folder->library_stamp = stamp;
    return true;
}

static void replace_set(struct script_folder *folder, struct script_set *set) {
    set_unref(folder->set);
    folder->set = set;
}

static void lose_folder(struct script_folder *folder) {
    char text[600];
    snprintf(text, sizeof text, "the folder %.400s cannot be read: %s", folder->path,
             strerror(errno));
    free_files(folder->files, folder->count);
    folder->files = NULL, folder->count = 0;
    replace_set(folder, set_of_trouble(folder, text));
}

static void look(struct script_folder *folder) {
    size_t count = 0;
    struct known_file *files = list_files(folder, &count);
    if (!files) {
        lose_folder(folder);
        return;
    }
    bool all = refresh_library(folder), changed = all || count != folder->count || !folder->set;
    for (size_t i = 0; i < count; i++) {
        const struct known_file *before = known(folder, files[i].name);
        bool same = !all && before && same_stamp(&before->stamp, &files[i].stamp);
        files[i].script = same ? script_ref(before->script) : open_script(folder, files[i].name);
        changed |= !same;
    }
    free_files(folder->files, folder->count);
    folder->files = files, folder->count = count;
    if (changed) replace_set(folder, set_of(folder));
}

/* ---- the folder ---- */

struct script_folder *folder_open(const char *path, enum script_kind kind,
                                  const struct sandbox_limits *limits, char **trouble) {
    struct stat status;
    errno = 0;
    if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode)) {
        if (asprintf(trouble, "no folder of scripts at '%s': %s", path,
                     errno ? strerror(errno) : "it is not a folder") < 0)
            *trouble = NULL;
        return NULL;
    }
    struct script_folder *folder = calloc(1, sizeof *folder);
    folder->path = strdup(path);
    folder->kind = kind;
    if (limits) folder->limits = *limits;
    if (asprintf(&folder->library_path, "%s/../lib", path) < 0) folder->library_path = strdup("");
    look(folder);
    folder->looked_ns = 0;
    return folder;
}

void folder_refresh(struct script_folder *folder, int64_t now_ns) {
    if (folder->looked_ns && now_ns - folder->looked_ns < LOOK_EVERY_NS) return;
    folder->looked_ns = now_ns;
    look(folder);
}

struct script_set *folder_set(struct script_folder *folder) {
    return folder->set;
}

void folder_close(struct script_folder *folder) {
    if (!folder) return;
    set_unref(folder->set);
    free_files(folder->files, folder->count);
    library_unref(folder->library);
    free(folder->path);
    free(folder->library_path);
    free(folder);
}
