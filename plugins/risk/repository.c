/* Changes named by a range of commits in a repository that the operator has listed: read by the
 * module risk-git.so, beside the loop, and kept for the next question. */
#include "risk.h"

#include "git/repo.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

enum { WALK_COMMITS = 5000, WALK_MS = 1500 };

struct asking {
    repo_read_fn read;
    struct repo_ask ask;
    struct repo_told *told;
    int rc;
};

static int do_read(void *arg) {
    struct asking *asking = arg;
    asking->rc = asking->read(&asking->ask, asking->told);
    return 0;
}

static bool recall(void *of, const char *key, struct history_facts *facts) {
    struct risk *risk = of;
    bool found = false;
    pthread_mutex_lock(&risk->pasts_lock);
    for (uint32_t i = 0; i < RISK_PASTS_KEPT && !found; i++) {
        found = strcmp(risk->pasts[i].key, key) == 0;
        if (found) *facts = risk->pasts[i].facts;
    }
    pthread_mutex_unlock(&risk->pasts_lock);
    return found;
}

/* A walk that a limit cut short is kept too: another one would end at the same place. */
static void remember(struct risk *risk, const struct repo_told *told) {
    if (!told->walked) return;
    pthread_mutex_lock(&risk->pasts_lock);
    struct risk_past *past = &risk->pasts[risk->past_count++ % RISK_PASTS_KEPT];
    memcpy(past->key, told->key, sizeof past->key);
    past->facts = told->facts;
    pthread_mutex_unlock(&risk->pasts_lock);
}

/* The module lies in a folder beside the plugin, since it is none itself. */
static int load_module(sl_call *call, struct risk *risk) {
    Dl_info here;
    if (risk->repo_read) return 0;
    if (!dladdr((void *)(uintptr_t)load_module, &here) || !here.dli_fname)
        return sl_fail(call, SL_INTERNAL, "the folder of the risk plugin is not known");
    const char *slash = strrchr(here.dli_fname, '/');
    const int folder = slash ? (int)(slash - here.dli_fname) + 1 : 0;
    const char *path = sl_printf(call, "%.*smodules/risk-git.so", folder, here.dli_fname);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return sl_fail(call, SL_UNAVAILABLE, "repositories cannot be read here: %s", dlerror());
    *(void **)&risk->repo_drop = dlsym(library, "risk_repo_drop");
    *(void **)&risk->repo_read = dlsym(library, "risk_repo_read");
    if (risk->repo_read && risk->repo_drop) return 0;
    risk->repo_read = NULL;
    return sl_fail(call, SL_INTERNAL, "%s is of another version", path);
}

int risk_read_range(sl_call *call, const char *name, const char *range, struct repo_told **out) {
    struct risk *risk = sl_state(call);
    const char *path = sl_get_text(risk->repositories, name, NULL);
    if (!path) {
        sl_fault(call, "/repository", "list it in plugins.risk.repositories", "'%s' is not listed",
                 name);
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no repository '%s' in plugins.risk.repositories", name);
    }
    int rc = load_module(call, risk);
    if (rc) return rc;
    struct asking *asking = sl_alloc(call, sizeof *asking);
    asking->read = risk->repo_read;
    asking->told = sl_alloc(call, sizeof *asking->told);
    asking->ask = (struct repo_ask){path, range, WALK_COMMITS, WALK_MS, recall, risk};
    rc = sl_offload(call, do_read, asking);
    if (rc) return rc;
    *out = asking->told;
    if (!asking->rc) {
        remember(risk, asking->told);
        return 0;
    }
    rc = sl_fail(call, SL_INVALID, "%s in repository '%s': %s", range, name, asking->told->error);
    risk->repo_drop(asking->told);
    return rc;
}
