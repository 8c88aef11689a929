/* watch.c - folders of the configuration, kept in step by a durable job; folders of git are read as
 * they are checked out. */
#include "folder.h"
#include "rag.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_FILES = 100, BATCH_BYTES = 4 << 20 };

/* One run over one folder. */
struct run {
    struct pool pool;
    struct folder folder;
    const char *root;
    size_t at, to; /* the files that are read now */
    int rc;
};

static int do_list(void *arg) {
    struct run *run = arg;
    run->rc = folder_list(&run->folder, &run->pool, run->root);
    return 0;
}

static int do_read(void *arg) {
    struct run *run = arg;
    size_t bytes = 0;
    run->to = run->at;
    while (run->to < run->folder.count && run->to - run->at < BATCH_FILES && bytes < BATCH_BYTES) {
        struct folder_file *file = &run->folder.files[run->to++];
        folder_read(file, &run->pool, run->root);
        bytes += (size_t)file->size;
    }
    return 0;
}

static void note_failed(struct intake_told *told, const char *source, const char *why) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "source", source);
    cJSON_AddStringToObject(item, "status", "failed");
    cJSON_AddStringToObject(item, "error", why);
    cJSON_AddItemToArray(told->items, item);
    told->failed++;
}

static int take_some(sl_call *call, struct run *run, const cJSON *watch, const char *collection,
                     struct intake_told *told) {
    struct intake *intakes = sl_alloc(call, (run->to - run->at + 1) * sizeof *intakes);
    size_t count = 0;
    for (size_t i = run->at; i < run->to; i++) {
        const struct folder_file *file = &run->folder.files[i];
        const char *source = sl_printf(call, "%s/%s", collection, file->path);
        if (file->error)
            note_failed(told, source, file->error);
        else
            intakes[count++] = (struct intake){.source = source,
                                               .text = file->text,
                                               .size = (size_t)file->size,
                                               .collection = collection,
                                               .labels = sl_get(watch, "labels")};
    }
    return count ? rag_take(call, intakes, count, told) : 0;
}

static int take_all(sl_call *call, struct run *run, const cJSON *watch, const char *collection,
                    struct intake_told *told) {
    while (run->at < run->folder.count) {
        int rc = sl_offload(call, do_read, run);
        if (!rc) rc = take_some(call, run, watch, collection, told);
        if (rc) return rc;
        run->at = run->to;
    }
    cJSON *keep = cJSON_CreateArray();
    for (size_t i = 0; i < run->folder.count; i++)
        cJSON_AddItemToArray(keep, cJSON_CreateString(sl_printf(call, "%s/%s", collection,
                                                                run->folder.files[i].path)));
    return rag_keep_only(call, collection, keep, false, told);
}

/* What a folder looked like when it was last taken in: names, sizes and times of its files. */
static const char *look_of(sl_call *call, const struct folder *folder) {
    uint64_t hash = 14695981039346656037ULL;
    for (size_t i = 0; i < folder->count; i++) {
        const struct folder_file *file = &folder->files[i];
        for (const char *c = file->path; *c; c++)
            hash = (hash ^ (unsigned char)*c) * 1099511628211ULL;
        hash = (hash ^ (uint64_t)file->size) * 1099511628211ULL;
        hash = (hash ^ (uint64_t)file->mtime_ns) * 1099511628211ULL;
    }
    return sl_printf(call, "%s-%zu-%016llx", READING_VERSION, folder->count,
                     (unsigned long long)hash);
}

static int known_look(sl_call *call, const char *collection, const char *look, bool *known) {
    sl_rows rows;
    int rc =
        sl_query(call, &rows, "SELECT look FROM rag_watch WHERE tenant = $1 AND collection = $2",
                 SL_ARGS(sl_text(collection)));
    *known = !rc && rows.count && !strcmp(sl_cell_text(&rows, 0, "look"), look);
    return rc;
}

static int save_look(sl_call *call, const char *collection, const struct run *run,
                     const char *look) {
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch,
                 "INSERT INTO rag_watch(tenant, collection, look, head, at_ms) "
                 "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, collection) DO UPDATE SET "
                 "look = excluded.look, head = excluded.head, at_ms = excluded.at_ms",
                 SL_ARGS(sl_text(collection), sl_text(look), sl_text(run->folder.head),
                         sl_int(sl_now_ms(call))));
    return sl_commit(batch);
}

static int watch_folder(sl_call *call, struct run *run, const cJSON *watch) {
    struct intake_told told = {.items = cJSON_CreateArray()};
    const char *collection = sl_get_text(watch, "collection", "");
    bool known = false;
    run->root = sl_get_text(watch, "folder", "");
    int rc = sl_offload(call, do_list, run);
    if (!rc && run->rc) rc = sl_fail(call, SL_UNAVAILABLE, "%s", run->folder.error);
    if (rc) return rc;
    const char *look = look_of(call, &run->folder);
    rc = known_look(call, collection, look, &known);
    if (rc || known) return rc;
    rc = take_all(call, run, watch, collection, &told);
    if (rc) return rc;
    sl_log(call, SL_INFO,
           "folder %s%s%s: %u added, %u changed, %u unchanged, %u removed, %u failed", collection,
           run->folder.git ? " at " : "", run->folder.head, told.added, told.changed,
           told.unchanged, told.removed, told.failed);
    const cJSON *item;
    cJSON_ArrayForEach(item, told.items) {
        const char *why = sl_get_text(item, "error", NULL);
        if (why) sl_log(call, SL_WARN, "document %s: %s", sl_get_text(item, "source", ""), why);
    }
    return save_look(call, collection, run, look);
}

/* In a fiber of its own, since a call acts for one tenant. */
static void run_watch(sl_call *call, void *arg) {
    struct watch *watch = arg;
    struct run *run = calloc(1, sizeof *run);
    int rc = run ? sl_act_for(call, sl_get_text(watch->options, "tenant", "default"))
                 : sl_fail(call, SL_UNAVAILABLE, "memory is out");
    if (!rc && run) rc = watch_folder(call, run, watch->options);
    if (rc)
        sl_log(call, SL_WARN, "the folder %s was not taken in: %s",
               sl_get_text(watch->options, "folder", ""), sl_failure(call));
    if (run) pool_fini(&run->pool);
    free(run);
    watch->running = false;
}

int rag_watch(sl_call *call, const cJSON *in) {
    struct rag *rag = sl_state(call);
    (void)in;
    for (size_t i = 0; i < rag->watch_count; i++) {
        struct watch *watch = &rag->watches[i];
        const int64_t every_ms = sl_get_int(watch->options, "every", 60000);
        if (watch->running || sl_now_ms(call) - watch->at_ms < every_ms) continue;
        watch->at_ms = sl_now_ms(call);
        watch->running = true;
        int rc = sl_spawn(call, run_watch, watch);
        if (rc) return watch->running = false, rc;
    }
    return 0;
}
