/* config_plugins.c - which plugins lie in the folders, for lists and for misspelt names. */
#include "config.h"
#include "loader.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLUGINS_SEEN_MAX = 1000 };

static char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *text(const char *format, ...) {
    char *made = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&made, format, args) < 0) abort(); /* only without memory */
    va_end(args);
    return made;
}

char **config_plugin_folders(const struct config *config) {
    const cJSON *dirs = config ? config_at(config, "/plugin_dirs") : NULL, *dir;
    char **list = calloc((size_t)cJSON_GetArraySize(dirs) + 3, sizeof *list);
    if (!list) abort(); /* only without memory */
    size_t count = 0;
    cJSON_ArrayForEach(dir, dirs) if (cJSON_IsString(dir)) list[count++] = strdup(dir->valuestring);
    char *folder = library_folder();
    list[count++] = text("%s/plugins", folder);
    list[count] = strdup(SLUICE_LIBDIR "/sluice/plugins");
    free(folder);
    return list;
}

void config_list_free(char **list) {
    for (char **item = list; item && *item; item++) free(*item);
    free(list);
}

/* "risk" from "risk.so" or "risk.lua"; NULL: no plugin. Malloc'ed. */
static char *plugin_name(const char *file) {
    const char *dot = strrchr(file, '.');
    if (!dot || dot == file || (strcmp(dot, ".so") != 0 && strcmp(dot, ".lua") != 0)) return NULL;
    return strndup(file, (size_t)(dot - file));
}

static bool listed(char *const *list, const char *name) {
    for (; *list; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char **config_plugin_names(char *const *folders) {
    char **list = calloc(PLUGINS_SEEN_MAX + 1, sizeof *list);
    if (!list) abort(); /* only without memory */
    size_t count = 0;
    for (; *folders; folders++) {
        DIR *folder = opendir(*folders);
        for (struct dirent *entry; folder && (entry = readdir(folder));) {
            char *name = count < PLUGINS_SEEN_MAX ? plugin_name(entry->d_name) : NULL;
            if (name && !listed(list, name))
                list[count++] = name;
            else
                free(name);
        }
        if (folder) closedir(folder);
    }
    qsort(list, count, sizeof *list, by_name);
    return list;
}

static const char *name_at(const void *arg, size_t i) {
    return ((char *const *)arg)[i];
}

char *config_nearest_plugin(const struct config *config, const char *name) {
    char **folders = config_plugin_folders(config);
    char **names = config_plugin_names(folders);
    const char *nearest = nearest_name(name, name_at, names);
    char *sentence = nearest ? text("did you mean '%s'?", nearest) : NULL;
    config_list_free(names);
    config_list_free(folders);
    return sentence;
}
