/* The commits of a request: as they are sent, or read from a repository that the operator listed. */
#include "notes.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct asking {
    git_log_fn read;
    struct git_log_ask ask;
    struct git_log_told told;
    int rc;
};

static struct span cleaned(sl_call *call, const char *message) {
    const size_t len = strlen(message);
    char *out = sl_alloc(call, (len < CC_MESSAGE_MOST ? len : CC_MESSAGE_MOST) + 2);
    return (struct span){out, cc_clean(message, len, out)};
}

static const char *first_text(const cJSON *item, const char *const *names, const char *otherwise) {
    for (; *names; names++) {
        const char *found = sl_get_text(item, *names, NULL);
        if (found) return found;
    }
    return otherwise;
}

/* The first files of a change and how many more, from names or objects with one. */
static const char *files_of(sl_call *call, const cJSON *item) {
    static const char *const names[] = {"filename", "path", "new_path", NULL};
    const cJSON *list = sl_get(item, "files"), *file = NULL;
    const char *text = NULL;
    int told = 0;
    cJSON_ArrayForEach(file, list) {
        const char *name = cJSON_IsString(file) ? file->valuestring : first_text(file, names, NULL);
        if (!name || told++ >= 3) continue;
        text = text ? sl_printf(call, "%s, %s", text, name) : name;
    }
    return told > 3 ? sl_printf(call, "%s and %d more", text, told - 3) : text;
}

static void read_author(const cJSON *item, struct note_commit *to) {
    const cJSON *author = sl_get(item, "author");
    to->author = cJSON_IsString(author) ? author->valuestring : sl_get_text(author, "name", "");
    to->email =
        cJSON_IsObject(author) ? sl_get_text(author, "email", "") : sl_get_text(item, "email", "");
}

/* A message as text, or an object as forges and `git log` tooling write them. */
static int read_commit(sl_call *call, const cJSON *item, size_t at, struct note_commit *to) {
    static const char *const ids[] = {"id", "hash", "sha", "commit", NULL};
    static const char *const titles[] = {"message", "title", "subject", NULL};
    *to = (struct note_commit){.id = "", .author = "", .email = "", .risk_level = "", .url = ""};
    if (cJSON_IsString(item)) {
        to->message = cleaned(call, item->valuestring);
        return 0;
    }
    const char *message = first_text(item, titles, NULL);
    if (!message) {
        const char *pointer = sl_printf(call, "/commits/%zu", at);
        sl_fault(call, pointer, "send a message as text, or an object with id and message",
                 "a commit needs a message");
        return sl_fail(call, SL_INVALID, "%s has no message", pointer);
    }
    const char *body = sl_get_text(item, "body", NULL);
    if (body && *body) message = sl_printf(call, "%s\n\n%s", message, body);
    to->message = cleaned(call, message);
    to->id = first_text(item, ids, "");
    to->risk_level = sl_get_text(item, "risk_level", "");
    to->url = sl_get_text(item, "url", "");
    to->files = files_of(call, item);
    to->pr = (uint32_t)sl_get_int(item, "pr", sl_get_int(item, "number", 0));
    const cJSON *parents = sl_get(item, "parents");
    to->parents = cJSON_IsArray(parents)    ? (uint32_t)cJSON_GetArraySize(parents)
                  : cJSON_IsNumber(parents) ? (uint32_t)parents->valueint
                                            : 0;
    read_author(item, to);
    return 0;
}

static int take_list(sl_call *call, const cJSON *list, struct notes_work *work) {
    const cJSON *item = NULL;
    work->notes.commits =
        sl_alloc(call, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof *work->notes.commits);
    cJSON_ArrayForEach(item, list) {
        const size_t at = work->notes.count;
        int rc = read_commit(call, item, at, &work->notes.commits[at]);
        if (rc) return rc;
        work->notes.count++;
    }
    return 0;
}

/* ---- a range of a repository ---- */

static int do_read(void *arg) {
    struct asking *asking = arg;
    asking->rc = asking->read(&asking->ask, &asking->told);
    return 0;
}

/* The module lies in a folder beside the plugin, since it is none itself. */
static int load_module(sl_call *call, struct notes_state *state) {
    Dl_info here;
    if (state->git_log) return 0;
    if (!dladdr((void *)(uintptr_t)load_module, &here) || !here.dli_fname)
        return sl_fail(call, SL_INTERNAL, "the folder of the notes plugin is not known");
    const char *slash = strrchr(here.dli_fname, '/');
    const int folder = slash ? (int)(slash - here.dli_fname) + 1 : 0;
    const char *path = sl_printf(call, "%.*smodules/notes-git.so", folder, here.dli_fname);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return sl_fail(call, SL_UNAVAILABLE, "repositories cannot be read here: %s", dlerror());
    *(void **)&state->git_drop = dlsym(library, "notes_git_log_drop");
    *(void **)&state->git_log = dlsym(library, "notes_git_log");
    if (state->git_log && state->git_drop) return 0;
    state->git_log = NULL;
    return sl_fail(call, SL_INTERNAL, "%s is of another version", path);
}

static const char *text_or(sl_call *call, const char *text) {
    return text ? sl_strdup(call, text) : "";
}

static void take_told(sl_call *call, const struct git_log_told *told, struct notes_work *work) {
    work->notes.commits = sl_alloc(call, (told->count + 1) * sizeof *work->notes.commits);
    for (size_t i = 0; i < told->count; i++) {
        const struct git_log_commit *from = &told->commits[i];
        work->notes.commits[i] = (struct note_commit){.id = sl_strdup(call, from->id),
                                                      .author = text_or(call, from->author),
                                                      .email = text_or(call, from->email),
                                                      .risk_level = "",
                                                      .url = "",
                                                      .at_s = from->at_s,
                                                      .parents = from->parents,
                                                      .message = cleaned(call, from->message)};
    }
    work->notes.count = told->count;
    if (told->cut)
        cJSON_AddItemToArray(work->warnings,
                             cJSON_CreateString("the range holds more commits than are read: the "
                                                "oldest are left out"));
    if (!work->render.previous && told->from[0])
        work->render.previous = sl_strdup(call, told->from);
}

static const char *const *folders_of(sl_call *call, const cJSON *in) {
    const cJSON *list = sl_get(in, "paths"), *item = NULL;
    if (!list) return NULL;
    const char **folders = sl_alloc(call, ((size_t)cJSON_GetArraySize(list) + 1) * sizeof *folders);
    size_t count = 0;
    cJSON_ArrayForEach(item, list) folders[count++] = item->valuestring;
    return folders;
}

static int take_range(sl_call *call, const cJSON *in, struct notes_work *work) {
    struct notes_state *state = sl_state(call);
    const char *name = sl_get_text(in, "repository", NULL);
    const char *path = sl_get_text(state->repositories, name, NULL);
    if (!path) {
        sl_fault(call, "/repository", "list it in plugins.notes.repositories", "'%s' is not listed",
                 name);
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no repository '%s' in plugins.notes.repositories", name);
    }
    int rc = load_module(call, state);
    if (rc) return rc;
    struct asking *asking = sl_alloc(call, sizeof *asking);
    asking->read = state->git_log;
    asking->ask = (struct git_log_ask){.path = path,
                                       .from = sl_get_text(in, "from", NULL),
                                       .to = sl_get_text(in, "to", NULL),
                                       .folders = folders_of(call, in),
                                       .most = GIT_LOG_MOST};
    rc = sl_offload(call, do_read, asking);
    if (rc) return rc;
    if (asking->rc)
        rc = sl_fail(call, SL_INVALID, "repository '%s' cannot be read: %s", name,
                     asking->told.error);
    else
        take_told(call, &asking->told, work);
    state->git_drop(&asking->told);
    return rc;
}

/* A text: a commit a line, as `git log --oneline` prints them; hashes before the subject are ids. */
static void take_context(sl_call *call, const char *text, struct notes_work *work) {
    size_t lines = 1;
    for (const char *c = text; *c; c++) lines += *c == '\n';
    work->notes.commits = sl_alloc(call, (lines + 1) * sizeof *work->notes.commits);
    while (*text) {
        const size_t len = strcspn(text, "\n");
        const char *line = sl_strndup(call, text, len);
        text += len + (text[len] ? 1 : 0);
        while (*line == ' ' || *line == '-' || *line == '*') line++;
        if (!*line) continue;
        const size_t id = strspn(line, "0123456789abcdef");
        const bool has_id = id >= 7 && id <= 40 && line[id] == ' ';
        work->notes.commits[work->notes.count++] =
            (struct note_commit){.id = has_id ? sl_strndup(call, line, id) : "",
                                 .author = "",
                                 .email = "",
                                 .risk_level = "",
                                 .url = "",
                                 .message = cleaned(call, has_id ? line + id + 1 : line)};
    }
}

int notes_read(sl_call *call, const cJSON *in, struct notes_work *work) {
    const cJSON *list = sl_get(in, "commits");
    const char *context = sl_get_text(in, "context", NULL);
    if (!list) list = sl_get(in, "pull_requests");
    const int given = (list != NULL) + (context != NULL) + (sl_get(in, "repository") != NULL);
    if (given != 1)
        return sl_fail(call, SL_INVALID,
                       given ? "send commits, pull_requests, context or a repository, not two of "
                               "them"
                             : "commits are missing: send commits (texts or objects), or name a "
                               "repository with from and to");
    if (list) return take_list(call, list, work);
    if (context) {
        take_context(call, context, work);
        return 0;
    }
    return take_range(call, in, work);
}
