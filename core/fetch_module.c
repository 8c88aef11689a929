/* fetch_module.c - finding sluice-fetch.so; requests that block, for the command line. */
#include "fetch_api.h"
#include "fetcher.h"
#include "loader.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

static void *open_in(const char *folder, char *trouble) {
    char path[4096];
    snprintf(path, sizeof path, "%s/sluice-fetch.so", folder);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(trouble, 256, "the HTTP client is not loaded: %.200s", dlerror());
    return library;
}

/* In a build folder it lies beside libsluice, installed in the folder "sluice" there. */
static void *open_installed(char *trouble) {
    char *beside = library_folder(), below[4096];
    snprintf(below, sizeof below, "%s/sluice", beside);
    void *library = open_in(beside, trouble);
    if (!library) library = open_in(below, trouble);
    if (!library) library = open_in(SLUICE_LIBDIR "/sluice", trouble);
    free(beside);
    return library;
}

const struct fetch_module *fetch_module_load(const char *folder, char *trouble) {
    void *library = folder ? open_in(folder, trouble) : open_installed(trouble);
    if (!library) return NULL;
    const struct fetch_module *module = dlsym(library, FETCH_MODULE_SYMBOL);
    if (module && module->version == FETCH_MODULE_VERSION && module->size == sizeof *module)
        return module;
    snprintf(trouble, 256, "the HTTP client sluice-fetch.so is of another version than libsluice");
    return NULL;
}

int fetch_blocking(const sl_request *request, struct fetch_answer *answer) {
    *answer = (struct fetch_answer){0};
    const struct fetch_module *module = fetch_module_load(NULL, answer->trouble);
    return module ? module->blocking(request, answer) : SL_UNAVAILABLE;
}

void fetch_answer_free(struct fetch_answer *answer) {
    free(answer->body);
    free(answer->content_type);
    free(answer->headers);
    *answer = (struct fetch_answer){0};
}
