#include "skeletons.h"

#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* Outlives the call in which it is made, so nothing of it may lie in that call's arena. */
static struct skeleton *skeleton_new(const struct plan *plan,
                                     const struct manifest_settings *settings) {
    struct skeleton *skeleton = calloc(1, sizeof *skeleton);
    char *made = manifests_skeleton(plan, settings);
    if (!skeleton || !made || !(skeleton->text = strdup(made)) ||
        !(skeleton->template = manifests_compile(skeleton->text))) {
        if (skeleton) free(skeleton->text);
        free(skeleton);
        return NULL;
    }
    cJSON_free(made);
    char hex[65];
    sl_sha256(skeleton->text, strlen(skeleton->text), hex);
    memcpy(skeleton->name, hex, SKELETON_NAME);
    return skeleton;
}

struct skeleton *skeleton_of(struct skeleton *known[MANIFEST_SHAPES], const struct plan *plan,
                             const struct manifest_settings *settings) {
    struct skeleton **place = &known[manifests_shape(plan)];
    if (!*place) *place = skeleton_new(plan, settings);
    return *place;
}

void skeletons_free(struct skeleton *known[MANIFEST_SHAPES]) {
    for (int i = 0; i < MANIFEST_SHAPES; i++) {
        if (!known[i]) continue;
        template_free(known[i]->template);
        free(known[i]->text);
        free(known[i]);
        known[i] = NULL;
    }
}

/* ---- in the store ---- */

static bool is_known(const struct skeleton *skeleton, const char *tenant) {
    for (int i = 0; i < SKELETON_TENANTS; i++)
        if (*tenant && strcmp(skeleton->kept_for[i], tenant) == 0) return true;
    return false;
}

void skeleton_keep(sl_call *call, sl_batch *batch, const struct skeleton *skeleton) {
    if (is_known(skeleton, sl_tenant(call))) return;
    sl_batch_add(batch,
                 "INSERT INTO rollout_skeleton (tenant, name, text) VALUES ($1, $2, $3) "
                 "ON CONFLICT (tenant, name) DO NOTHING",
                 SL_ARGS(sl_text(skeleton->name), sl_text(skeleton->text)));
}

void skeleton_is_kept(sl_call *call, struct skeleton *skeleton) {
    const char *tenant = sl_tenant(call);
    size_t size = strlen(tenant) + 1;
    if (size > sizeof *skeleton->kept_for || is_known(skeleton, tenant)) return;
    memcpy(skeleton->kept_for[skeleton->next++ % SKELETON_TENANTS], tenant, size);
}

int skeleton_restore(sl_call *call, cJSON *answer) {
    cJSON *kept = cJSON_GetObjectItemCaseSensitive(answer, "manifests"), *whole = NULL;
    const char *name = manifests_kept_name(kept);
    if (!name) return 0;
    sl_rows rows;
    int rc =
        sl_query(call, &rows, "SELECT text FROM rollout_skeleton WHERE tenant = $1 AND name = $2",
                 SL_ARGS(sl_text(name)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_INTERNAL,
                       "the manifests of deployment %s were made from the skeleton %s, which is "
                       "not in the store any more: put back the table rollout_skeleton from a "
                       "backup",
                       sl_get_text(answer, "id", ""), name);
    char *text = manifests_restore(kept, sl_cell_text(&rows, 0, "text"));
    rc = sl_json_parse(call, "the kept manifests", text, strlen(text), &whole);
    if (!rc) cJSON_ReplaceItemInObjectCaseSensitive(answer, "manifests", whole);
    return rc;
}
