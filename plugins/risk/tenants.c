/* What was learned for each tenant, kept in memory for some seconds: several workers share one
 * store, and each sees the others' learning soon. */
#include "risk.h"

#include <stdlib.h>
#include <string.h>

enum { FRESH_MS = 5000 };

static size_t bucket_of(const char *name) {
    uint32_t hash = 2166136261U;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 16777619U;
    return hash % RISK_TENANT_BUCKETS;
}

static struct risk_tenant *find(struct risk *risk, const char *name) {
    struct risk_tenant **place = &risk->tenants[bucket_of(name)];
    for (struct risk_tenant *t = *place; t; t = t->next)
        if (strcmp(t->name, name) == 0) return t;
    struct risk_tenant *tenant = calloc(1, sizeof *tenant);
    char *copy = strdup(name);
    if (!tenant || !copy) {
        free(tenant);
        free(copy);
        return NULL;
    }
    tenant->name = copy;
    tenant->base.rate = risk->base_rate;
    tenant->next = *place;
    *place = tenant;
    return tenant;
}

static int load_base(sl_call *call, const struct risk *risk, struct risk_tenant *tenant) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT base_rate, shift, outcomes FROM risk_calibration "
                      "WHERE tenant = $1 AND active = 1 ORDER BY number DESC LIMIT 1",
                      SL_NO_ARGS);
    if (rc) return rc;
    tenant->base = (struct base_rate){.rate = risk->base_rate};
    if (rows.count)
        tenant->base = (struct base_rate){.rate = sl_cell_real(&rows, 0, "base_rate"),
                                          .shift = sl_cell_real(&rows, 0, "shift"),
                                          .outcomes = (uint32_t)sl_cell_int(&rows, 0, "outcomes")};
    return 0;
}

/* The tenant's own model takes the place of the built-in one with the same needs. */
static bool put_model(struct scorer *scorer, const char *json) {
    struct model model;
    char why[160];
    if (!json || model_parse(&model, json, strlen(json), why)) return false;
    for (uint32_t i = 0; i < scorer->model_count; i++)
        if (scorer->models[i].needs == model.needs) scorer->models[i] = model;
    return true;
}

static void retire(struct risk *risk, struct scorer *scorer) {
    if (!scorer) return;
    struct scorer **grown =
        realloc(risk->replaced, (risk->replaced_count + 1) * sizeof *risk->replaced);
    if (!grown) return; /* lost until the end, never freed too early */
    risk->replaced = grown;
    risk->replaced[risk->replaced_count++] = scorer;
}

static int load_models(sl_call *call, struct risk *risk, struct risk_tenant *tenant) {
    sl_rows rows;
    int rc = sl_query(call, &rows,
                      "SELECT slot, number, json FROM risk_model_file "
                      "WHERE tenant = $1 AND active = 1 ORDER BY slot",
                      SL_NO_ARGS);
    if (rc) return rc;
    char *which = sl_strdup(call, "");
    for (size_t i = 0; i < rows.count; i++)
        which = sl_printf(call, "%s%s/%lld ", which, sl_cell_text(&rows, i, "slot"),
                          (long long)sl_cell_int(&rows, i, "number"));
    if (strcmp(which, tenant->models ? tenant->models : "") == 0) return 0;
    struct scorer *scorer = rows.count ? malloc(sizeof *scorer) : NULL;
    char *copy = strdup(which);
    if (!copy || (rows.count && !scorer)) {
        free(copy);
        free(scorer);
        return 0;
    }
    if (scorer) *scorer = risk->scorer;
    for (size_t i = 0; i < rows.count; i++)
        if (!put_model(scorer, sl_cell_text(&rows, i, "json")))
            sl_log(call, SL_WARN, "the stored model %s cannot be read: the built-in one is used",
                   sl_cell_text(&rows, i, "slot"));
    retire(risk, tenant->scorer);
    tenant->scorer = scorer;
    free(tenant->models);
    tenant->models = copy;
    return 0;
}

struct risk_tenant *risk_tenant_of(sl_call *call, struct risk *risk) {
    struct risk_tenant *tenant = find(risk, sl_tenant(call));
    if (!tenant) {
        tenant = sl_alloc(call, sizeof *tenant);
        tenant->base.rate = risk->base_rate;
        return tenant;
    }
    const int64_t now_ms = sl_now_ms(call);
    if (tenant->loaded_ms && now_ms - tenant->loaded_ms < FRESH_MS && now_ms >= tenant->loaded_ms)
        return tenant;
    tenant->loaded_ms = now_ms;
    if (load_base(call, risk, tenant) || load_models(call, risk, tenant))
        sl_log(call, SL_WARN, "what was learned could not be read: %s; scored with what is known",
               sl_failure(call));
    return tenant;
}

const struct scorer *risk_scorer_of(const struct risk *risk, const struct risk_tenant *tenant) {
    return tenant->scorer ? tenant->scorer : &risk->scorer;
}

void risk_forget_tenants(struct risk *risk) {
    for (size_t b = 0; b < RISK_TENANT_BUCKETS; b++)
        for (struct risk_tenant *t = risk->tenants[b], *next; t; t = next) {
            next = t->next;
            free(t->scorer);
            free(t->models);
            free(t->name);
            free(t);
        }
    for (size_t i = 0; i < risk->replaced_count; i++) free(risk->replaced[i]);
    free(risk->replaced);
}
