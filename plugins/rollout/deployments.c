/* Reading deployments back: deploy.get, deploy.list, deploy.manifests, deploy.explain. */
#include "answer.h"
#include "explain.h"
#include "manifests.h"
#include "rollout.h"
#include "tree.h"
#include "yaml_text.h"

#include <stdlib.h>
#include <string.h>

/* The answer that was kept, and its version. SL_NOT_FOUND. */
static int load(sl_call *call, const cJSON *in, const cJSON **answer, int64_t *version) {
    const char *id = text_of(in, "id");
    sl_rows rows;
    int rc = sl_query(
        call, &rows, "SELECT answer, version FROM rollout_deployment WHERE tenant = $1 AND id = $2",
        SL_ARGS(sl_text(id)));
    if (rc) return rc;
    if (!rows.count)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no deployment '%s'; deploy.list shows those that are", id);
    *version = sl_cell_int(&rows, 0, "version");
    cJSON *kept = sl_cell_json(call, &rows, 0, "answer");
    *answer = kept;
    if (kept) return skeleton_restore(call, kept);
    return sl_fail(call, SL_INTERNAL, "deployment %s is damaged: run 'sluice db check'", id);
}

int deploy_get(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *answer = NULL;
    int64_t version = 0;
    int rc = load(call, in, &answer, &version);
    if (rc) return rc;
    const cJSON *member;
    cJSON_ArrayForEach(member, answer) put_shared(out, member->string, member);
    sl_reply_etag(call, sl_printf(call, "v%lld", (long long)version));
    return 0;
}

/* ---- list ---- */

#define ROW                                                                                        \
    "SELECT id, app, environment, status, risk_level, risk_score, image, actor, created_at, "      \
    "version FROM rollout_deployment WHERE tenant = $1"
#define PAGE   " AND id < $2 AND ($3 = '' OR environment = $3) AND ($4 = '' OR status = $4)"
#define NEWEST " ORDER BY id DESC LIMIT $5"

static const char beyond_all_ids[] = "ZZZZZZZZZZZZZZZZZZZZZZZZZZZ";

static int find(sl_call *call, const cJSON *in, int64_t limit, sl_rows *rows) {
    const char *app = sl_get_text(in, "app_name", NULL);
    const sl_value before = sl_text(sl_get_text(in, "cursor", beyond_all_ids));
    const sl_value environment = sl_text(sl_get_text(in, "environment", ""));
    const sl_value status = sl_text(sl_get_text(in, "status", ""));
    if (app)
        return sl_query(call, rows, ROW PAGE " AND app = $6" NEWEST,
                        SL_ARGS(before, environment, status, sl_int(limit), sl_text(app)));
    return sl_query(call, rows, ROW PAGE NEWEST,
                    SL_ARGS(before, environment, status, sl_int(limit)));
}

static void add_row(cJSON *items, const sl_rows *rows, size_t i) {
    static const char *const texts[][2] = {
        {"id", "id"},         {"app_name", "app"},          {"environment", "environment"},
        {"status", "status"}, {"risk_level", "risk_level"}, {"image", "image"},
        {"actor", "actor"}};
    cJSON *row = add_object(items);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
        put_borrowed(row, texts[t][0], sl_cell_text(rows, i, texts[t][1]));
    put_number(row, "risk_score", sl_cell_real(rows, i, "risk_score"));
    char at[TIME_TEXT];
    time_text(sl_cell_int(rows, i, "created_at"), at);
    put_text(row, "created_at", at);
    put_number(row, "version", (double)sl_cell_int(rows, i, "version"));
}

/* Appends &name=value, the value percent-encoded (RFC 3986, 2.3: all but unreserved characters). */
static const char *with_filter(sl_call *call, const char *query, const char *name,
                               const char *value) {
    static const char unreserved[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                     "0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    if (!value || !*value) return query;
    char *encoded = sl_alloc(call, strlen(value) * 3 + 1), *to = encoded;
    for (const char *from = value; *from; from++) {
        const unsigned char byte = (unsigned char)*from;
        const bool plain = strchr(unreserved, byte);
        *to++ = plain ? *from : '%';
        if (plain) continue;
        *to++ = digits[byte >> 4];
        *to++ = digits[byte & 15];
    }
    *to = '\0';
    return sl_printf(call, "%s&%s=%s", query, name, encoded);
}

/* The page behind this one, with the same filters. */
static void link_next(sl_call *call, const cJSON *in, int64_t limit, const char *cursor) {
    static const char *const filters[] = {"app_name", "environment", "status"};
    const char *query = sl_printf(call, "cursor=%s&limit=%lld", cursor, (long long)limit);
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        query = with_filter(call, query, filters[i], sl_get_text(in, filters[i], NULL));
    sl_reply_header(call, "Link", sl_printf(call, "</deployments?%s>; rel=\"next\"", query));
}

int deploy_list(sl_call *call, const cJSON *in, cJSON *out) {
    int64_t limit = sl_get_int(in, "limit", 50);
    sl_rows rows;
    int rc = find(call, in, limit + 1, &rows); /* one more tells whether there is a next page */
    if (rc) return rc;
    size_t shown = rows.count > (size_t)limit ? (size_t)limit : rows.count;
    cJSON *items = put_array(out, "items");
    for (size_t i = 0; i < shown; i++) add_row(items, &rows, i);
    if (rows.count > shown) {
        const char *cursor = sl_cell_text(&rows, shown - 1, "id");
        put_borrowed(out, "next_cursor", cursor);
        link_next(call, in, limit, cursor);
    } else {
        put_item(out, "next_cursor", cJSON_CreateNull());
    }
    return 0;
}

/* ---- manifests ---- */

/* What is piped into kubectl must be allowed to run. */
static int check_applicable(sl_call *call, const cJSON *in, const cJSON *answer) {
    const char *status = text_of(answer, "status");
    if (cJSON_IsTrue(item_of(in, "plan")) || (status && strcmp(status, "APPROVED") == 0)) return 0;
    return sl_fail(call, SL_CONFLICT,
                   "deployment %s is %s, so there is nothing to apply; deploy.explain says why, "
                   "and plan=true shows the objects all the same",
                   text_of(in, "id"), status ? status : "without a decision");
}

static bool wants_yaml(sl_call *call, const cJSON *in) {
    const char *accept = sl_header(call, "accept");
    return strcmp(sl_get_text(in, "format", "json"), "yaml") == 0 ||
           (accept && strstr(accept, "yaml"));
}

static int reply_yaml(sl_call *call, const cJSON *objects) {
    size_t size = 0;
    char *text = yaml_documents(objects, &size);
    if (!text) return sl_fail(call, SL_INTERNAL, "the manifests could not be written as YAML");
    sl_reply_bytes(call, "application/yaml", text, size);
    free(text);
    return 0;
}

int deploy_manifests(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *answer = NULL;
    int64_t version = 0;
    int rc = load(call, in, &answer, &version);
    if (!rc) rc = check_applicable(call, in, answer);
    if (rc) return rc;
    cJSON *objects = manifests_to_apply(item_of(answer, "manifests"));
    put_borrowed(out, "apiVersion", "v1");
    put_borrowed(out, "kind", "List");
    put_item(out, "items", objects);
    sl_reply_etag(call, sl_printf(call, "v%lld", (long long)version));
    return wants_yaml(call, in) ? reply_yaml(call, objects) : 0;
}

/* ---- explain ---- */

enum { EXPLAIN_BYTES = 16384 };

int deploy_explain(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *answer = NULL;
    int64_t version = 0;
    int rc = load(call, in, &answer, &version);
    if (rc) return rc;
    char *text = sl_alloc(call, EXPLAIN_BYTES);
    explain(answer, text, EXPLAIN_BYTES);
    put_borrowed(out, "id", text_of(answer, "id"));
    put_borrowed(out, "status", text_of(answer, "status"));
    put_borrowed(out, "text", text);
    return 0;
}
