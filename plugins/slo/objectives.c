/* Where objectives come from: the configuration, OpenSLO documents, the API. */
#include "openslo.h"
#include "prometheus_answer.h"
#include "slo.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { FILES_MAX = 200, FILE_BYTES_MAX = 1 << 20, OBJECTIVES_MAX = 20000 };

/* ---- one form ---- */

static int refuse(sl_call *call, const char *where, const struct objective_fault *fault) {
    sl_fault(call, sl_printf(call, "%s%s", where, fault->pointer), *fault->fix ? fault->fix : NULL,
             "%s", fault->words);
    return sl_fail(call, SL_INVALID, "%s%s%s", fault->words, *fault->fix ? "; " : "", fault->fix);
}

/* The fields have made durations milliseconds; the store keeps them as people write them. */
static void to_text(sl_call *call, cJSON *form, const char *name) {
    const cJSON *given = sl_get(form, name);
    if (!cJSON_IsNumber(given)) return;
    char *text = sl_alloc(call, 32);
    prometheus_duration((long long)given->valuedouble, text);
    cJSON_ReplaceItemInObjectCaseSensitive(form, name, cJSON_CreateString(text));
}

static cJSON *plain_form(sl_call *call, const cJSON *given) {
    cJSON *form = cJSON_Duplicate(given, true);
    cJSON_DeleteItemFromObjectCaseSensitive(form, "tenant");
    static const char *const durations[] = {"window", "slice", "slow"};
    for (size_t i = 0; i < 3; i++) to_text(call, form, durations[i]);
    cJSON *pair;
    cJSON_ArrayForEach(pair, cJSON_GetObjectItemCaseSensitive(form, "alert_windows")) {
        to_text(call, pair, "long");
        to_text(call, pair, "short");
        to_text(call, pair, "for");
    }
    return form;
}

/* ---- OpenSLO ---- */

/* YAML's own separator of documents, at the start of a line. */
static const char *next_document(const char *text) {
    for (const char *at = text; (at = strstr(at, "\n---")); at += 4)
        if (!at[4] || strchr(" \r\n\t", at[4])) return at;
    return NULL;
}

static int parse_documents(sl_call *call, const char *what, const char *text, cJSON **documents) {
    *documents = cJSON_CreateArray();
    if (strncmp(text, "---", 3) == 0) text += 3;
    for (int number = 1; text; number++) {
        const char *end = next_document(text);
        const size_t size = end ? (size_t)(end - text) : strlen(text);
        cJSON *document;
        int rc = sl_yaml_parse(
            call, number == 1 ? what : sl_printf(call, "%s, document %d", what, number), text, size,
            &document);
        if (rc) return rc;
        cJSON_AddItemToArray(*documents, document);
        text = end ? end + 4 : NULL;
    }
    return 0;
}

static int read_openslo(sl_call *call, const char *what, const char *text, cJSON *forms,
                        cJSON *notes) {
    cJSON *documents;
    char why[OPENSLO_WHY_BYTES] = "";
    int rc = parse_documents(call, what, text, &documents);
    if (rc) return rc;
    if (!openslo_read(documents, forms, notes, why))
        return sl_fail(call, SL_INVALID, "%s: %s", what, why);
    return 0;
}

static char *read_file(sl_call *call, const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    char *text = sl_alloc(call, FILE_BYTES_MAX + 1);
    const size_t size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    (void)fclose(file);
    text[size <= FILE_BYTES_MAX ? size : 0] = 0;
    return size <= FILE_BYTES_MAX && strlen(text) == size ? text : NULL;
}

static int read_openslo_file(sl_call *call, const char *path, cJSON *forms, cJSON *notes) {
    const char *text = read_file(call, path);
    if (!text)
        return sl_fail(call, SL_INVALID,
                       "%s cannot be read: it must be a text file of at most 1 MiB", path);
    return read_openslo(call, path, text, forms, notes);
}

static int is_yaml(const struct dirent *entry) {
    const char *dot = strrchr(entry->d_name, '.');
    return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

static int read_openslo_path(sl_call *call, const char *path, cJSON *forms, cJSON *notes) {
    struct stat status;
    if (stat(path, &status) != 0)
        return sl_fail(call, SL_INVALID, "plugins.slo.openslo: there is no '%s'", path);
    if (!S_ISDIR(status.st_mode)) return read_openslo_file(call, path, forms, notes);
    struct dirent **entries;
    const int count = scandir(path, &entries, is_yaml, alphasort);
    int rc = count > FILES_MAX
                 ? sl_fail(call, SL_INVALID, "%s holds more than %d files", path, FILES_MAX)
                 : 0;
    for (int i = 0; i < count; i++) {
        if (!rc)
            rc = read_openslo_file(call, sl_printf(call, "%s/%s", path, entries[i]->d_name), forms,
                                   notes);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
    return rc;
}

/* ---- the configuration ---- */

static int add_configured(sl_call *call, cJSON *into, const char *where, const cJSON *given) {
    struct objective *objective = sl_alloc(call, sizeof *objective);
    struct objective_fault fault;
    cJSON *form = plain_form(call, given);
    if (!objective_read(form, objective, &fault)) return refuse(call, where, &fault);
    const char *tenant = sl_get_text(given, "tenant", "default");
    const cJSON *one;
    cJSON_ArrayForEach(one, into) {
        if (strcmp(sl_get_text(one, "id", ""), objective->id) != 0 ||
            strcmp(sl_get_text(one, "tenant", ""), tenant) != 0)
            continue;
        sl_fault(call, where, "another name", "there is an objective %s before", objective->id);
        return sl_fail(call, SL_INVALID, "two objectives are called %s", objective->id);
    }
    cJSON *kept = cJSON_CreateObject();
    cJSON_AddStringToObject(kept, "tenant", tenant);
    cJSON_AddStringToObject(kept, "id", objective->id);
    cJSON_AddItemToObject(kept, "form", form);
    cJSON_AddItemToArray(into, kept);
    return 0;
}

static int add_openslo(sl_call *call, cJSON *into, const char *path) {
    cJSON *read = cJSON_CreateArray(), *notes = cJSON_CreateArray();
    int rc = read_openslo_path(call, path, read, notes);
    const cJSON *one;
    cJSON_ArrayForEach(one, read) {
        if (rc) return rc;
        rc = add_configured(call, into, "/openslo", one);
    }
    cJSON_ArrayForEach(one, notes) sl_log(call, SL_WARN, "%s", one->valuestring);
    return rc;
}

int objectives_configured(sl_call *call, const cJSON *config, cJSON **forms) {
    const char *openslo = sl_get_text(config, "openslo", NULL);
    const cJSON *one;
    int rc = 0, index = 0;
    *forms = cJSON_CreateArray();
    cJSON_ArrayForEach(one, sl_get(config, "objectives")) {
        if (rc) return rc;
        rc = add_configured(call, *forms, sl_printf(call, "/objectives/%d", index++), one);
    }
    if (!rc && openslo) rc = add_openslo(call, *forms, openslo);
    return rc;
}

/* ---- the tenant's ---- */

static bool wanted(const struct objective *objective, const char *service,
                   const char *environment) {
    if (service && strcmp(service, objective->service) != 0) return false;
    return !environment || !objective->environment ||
           strcmp(environment, objective->environment) == 0;
}

static void take(sl_call *call, struct objective_set *set, const cJSON *form, const char *origin,
                 const char *service, const char *environment) {
    struct objective_fault fault;
    struct objective *objective = &set->items[set->count];
    if (!objective_read(form, objective, &fault)) {
        sl_log(call, SL_WARN, "a kept objective cannot be read: %s", fault.words);
        return;
    }
    if (!wanted(objective, service, environment)) return;
    set->forms[set->count] = form;
    set->origins[set->count++] = origin;
}

static int query_forms(sl_call *call, const char *service, sl_rows *rows) {
    if (service)
        return sl_query(call, rows,
                        "SELECT form FROM slo_objective WHERE tenant = $1 AND service = $2",
                        SL_ARGS(sl_text(service)));
    return sl_query(call, rows, "SELECT form FROM slo_objective WHERE tenant = $1 ORDER BY id",
                    SL_NO_ARGS);
}

/* By tenant, service, and their order in the configuration. */
static int by_service(const void *a, const void *b) {
    const struct configured *left = a, *right = b;
    int order = strcmp(left->tenant, right->tenant);
    if (!order) order = strcmp(left->service, right->service);
    if (!order) order = (left->form > right->form) - (left->form < right->form);
    return order;
}

bool objectives_index(struct slo *slo) {
    const size_t count = (size_t)cJSON_GetArraySize(slo->forms);
    slo->configured = calloc(count + 1, sizeof *slo->configured);
    if (!slo->configured) return false;
    const cJSON *one;
    cJSON_ArrayForEach(one, slo->forms) {
        const cJSON *form = sl_get(one, "form");
        slo->configured[slo->configured_count++] =
            (struct configured){.tenant = sl_get_text(one, "tenant", ""),
                                .service = sl_get_text(form, "service", ""),
                                .form = form};
    }
    qsort(slo->configured, slo->configured_count, sizeof *slo->configured, by_service);
    return true;
}

/* The first of this tenant, and of this service where one is named, or behind them all. */
static size_t first_configured(const struct slo *slo, const char *tenant, const char *service) {
    size_t low = 0, high = slo->configured_count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        const struct configured *one = &slo->configured[middle];
        int order = strcmp(one->tenant, tenant);
        if (!order && service) order = strcmp(one->service, service);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t count_configured(const struct slo *slo, size_t first, const char *tenant,
                               const char *service) {
    size_t at = first;
    while (at < slo->configured_count && strcmp(slo->configured[at].tenant, tenant) == 0 &&
           (!service || strcmp(slo->configured[at].service, service) == 0))
        at++;
    return at - first;
}

int objectives_load(sl_call *call, const char *service, const char *environment,
                    struct objective_set *set) {
    const struct slo *slo = sl_state(call);
    sl_rows rows;
    *set = (struct objective_set){.count = 0};
    int rc = query_forms(call, service, &rows);
    if (rc) return rc;
    const size_t first = first_configured(slo, sl_tenant(call), service);
    const size_t configured = count_configured(slo, first, sl_tenant(call), service);
    const size_t most = configured + rows.count;
    if (!most) return 0;
    set->items = sl_alloc(call, most * sizeof *set->items);
    set->forms = sl_alloc(call, most * sizeof(void *));
    set->origins = sl_alloc(call, most * sizeof(void *));
    for (size_t i = 0; i < configured; i++)
        take(call, set, slo->configured[first + i].form, "config", service, environment);
    for (size_t i = 0; i < rows.count; i++) {
        const cJSON *form = sl_cell_json(call, &rows, i, "form");
        if (form) take(call, set, form, "api", service, environment);
    }
    return 0;
}

int slo_objectives(sl_call *call, const cJSON *in, cJSON *out) {
    struct objective_set set;
    int rc = objectives_load(call, sl_get_text(in, "service", NULL),
                             sl_get_text(in, "environment", NULL), &set);
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < set.count; i++) {
        cJSON *item = cJSON_CreateObject();
        const char *names[ALERT_PAIRS_MAX];
        cJSON_AddStringToObject(item, "id", set.items[i].id);
        cJSON_AddStringToObject(item, "origin", set.origins[i]);
        cJSON_AddItemToObject(item, "objective", cJSON_Duplicate(set.forms[i], true));
        cJSON *never = cJSON_AddArrayToObject(item, "alerts_that_cannot_fire");
        const size_t count = objective_unreachable(&set.items[i], names);
        for (size_t n = 0; n < count; n++)
            cJSON_AddItemToArray(never, cJSON_CreateString(names[n]));
        cJSON_AddItemToArray(items, item);
    }
    return 0;
}

/* ---- changing them ---- */

static int check_free(sl_call *call, const struct objective *objective) {
    const struct slo *slo = sl_state(call);
    const cJSON *one;
    cJSON_ArrayForEach(one, slo->forms) {
        if (strcmp(sl_get_text(one, "tenant", ""), sl_tenant(call)) == 0 &&
            strcmp(sl_get_text(one, "id", ""), objective->id) == 0)
            return sl_fail(call, SL_CONFLICT,
                           "the objective %s is kept in the configuration: change it there",
                           objective->id);
    }
    return 0;
}

/* Reads, checks and adds one form to the batch; `*id` is its name. */
static int add_form(sl_call *call, sl_batch *batch, const char *where, const cJSON *given,
                    const char **id) {
    struct objective *objective = sl_alloc(call, sizeof *objective);
    struct objective_fault fault;
    const cJSON *form = plain_form(call, given);
    if (!objective_read(form, objective, &fault)) return refuse(call, where, &fault);
    int rc = check_free(call, objective);
    if (rc) return rc;
    *id = sl_strdup(call, objective->id);
    sl_batch_add(batch,
                 "INSERT INTO slo_objective (tenant, id, service, environment, form, at) "
                 "VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, id) DO UPDATE SET "
                 "form = excluded.form, at = excluded.at",
                 SL_ARGS(sl_text(objective->id), sl_text(objective->service),
                         sl_text(objective->environment ? objective->environment : ""),
                         sl_text(sl_json_print(call, form)), sl_int(sl_now_ms(call))));
    cJSON *told = cJSON_CreateObject();
    cJSON_AddStringToObject(told, "service", objective->service);
    cJSON_AddStringToObject(told, "objective", objective->name);
    cJSON_AddNumberToObject(told, "target", objective->target);
    sl_batch_emit(batch, "slo.objective_set", sl_printf(call, "slo/%s", objective->id), told);
    return 0;
}

/* What is worth knowing before the first alert: those that can never fire. */
static void add_warnings(sl_call *call, const cJSON *form, cJSON *warnings) {
    struct objective *objective = sl_alloc(call, sizeof *objective);
    struct objective_fault fault;
    const char *names[ALERT_PAIRS_MAX];
    if (!objective_read(form, objective, &fault)) return;
    const size_t count = objective_unreachable(objective, names);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(
            warnings,
            cJSON_CreateString(sl_printf(
                call,
                "the alert %s of %s can never fire: its factor times the budget of %g is 1 "
                "or more; give own alert_windows with a smaller factor",
                names[i], objective->id, objective->budget)));
}

int slo_apply(sl_call *call, const cJSON *in, cJSON *out) {
    sl_batch *batch = sl_batch_new(call);
    const char *id = NULL;
    int rc = add_form(call, batch, "", in, &id);
    if (rc) return rc;
    cJSON_AddStringToObject(out, "id", id);
    add_warnings(call, plain_form(call, in), cJSON_AddArrayToObject(out, "warnings"));
    evaluate_later(call, batch);
    return sl_commit(batch);
}

int slo_remove(sl_call *call, const cJSON *in, cJSON *out) {
    const char *environment = sl_get_text(in, "environment", NULL);
    struct objective *objective = sl_alloc(call, sizeof *objective);
    (void)snprintf(objective->id, sizeof objective->id, "%s/%s%s%s", sl_get_text(in, "service", ""),
                   sl_get_text(in, "objective", ""), environment ? "@" : "",
                   environment ? environment : "");
    int rc = check_free(call, objective);
    if (rc) return rc;
    sl_rows rows;
    rc = sl_query(call, &rows, "SELECT id FROM slo_objective WHERE tenant = $1 AND id = $2",
                  SL_ARGS(sl_text(objective->id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND, "there is no objective %s; slo.objectives lists them",
                       objective->id);
    sl_batch *batch = sl_batch_new(call);
    static const char *const statements[] = {
        "DELETE FROM slo_objective WHERE tenant = $1 AND id = $2",
        "DELETE FROM slo_state WHERE tenant = $1 AND objective = $2",
        "DELETE FROM slo_bucket WHERE tenant = $1 AND objective = $2"};
    for (size_t i = 0; i < 3; i++)
        sl_batch_add(batch, statements[i], SL_ARGS(sl_text(objective->id)));
    sl_batch_emit(batch, "slo.objective_removed", sl_printf(call, "slo/%s", objective->id), NULL);
    cJSON_AddStringToObject(out, "id", objective->id);
    return sl_commit(batch);
}

int slo_import(sl_call *call, const cJSON *in, cJSON *out) {
    cJSON *forms = cJSON_CreateArray();
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    cJSON *notes = cJSON_AddArrayToObject(out, "notes");
    int rc = read_openslo(call, "the document", sl_get_text(in, "document", ""), forms, notes);
    if (rc) return rc;
    if (!forms->child)
        return sl_fail(call, SL_INVALID,
                       "the document holds no SLO: expected kind: SLO of openslo/v1");
    sl_batch *batch = sl_batch_new(call);
    const cJSON *form;
    cJSON_ArrayForEach(form, forms) {
        const char *id = NULL;
        rc = add_form(call, batch, "/document", form, &id);
        if (rc) return rc;
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", id);
        cJSON_AddItemToObject(item, "objective", cJSON_Duplicate(form, true));
        cJSON_AddItemToArray(items, item);
        add_warnings(call, form, notes);
    }
    if (sl_get_bool(in, "dry_run", 0)) return 0;
    evaluate_later(call, batch);
    return sl_commit(batch);
}

/* ---- rules ---- */

int slo_rules(sl_call *call, const cJSON *in, cJSON *out) {
    struct objective_set set;
    int rc = objectives_load(call, sl_get_text(in, "service", NULL), NULL, &set);
    if (rc) return rc;
    struct text text = {.at = NULL};
    rules_begin(&text);
    for (size_t i = 0; i < set.count; i++) rules_add(&text, &set.items[i]);
    if (text.failed) {
        text_free(&text);
        return sl_fail(call, SL_TOO_LARGE, "the rules are larger than 8 MiB: ask for one service");
    }
    if (strcmp(sl_get_text(in, "format", "yaml"), "json") == 0)
        cJSON_AddStringToObject(out, "rules", text.at);
    else
        sl_reply_bytes(call, "application/yaml", text.at, text.size);
    text_free(&text);
    return 0;
}
