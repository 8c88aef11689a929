#include "qdrant.h"

#include <string.h>

enum { TRIES = 3, UPSERT_POINTS = 100, PAUSE_MS = 150 };

/* All of ours may be sent again: they say what is to be, not what to add. */
struct ask {
    const char *method, *path;
    const cJSON *body; /* NULL: none */
};

/* ---- one request ---- */

/* What went wrong in the service's words: {"status":{"error":"..."}}, or plain text for a bad key. */
static const char *error_of(sl_call *call, const sl_response *response) {
    cJSON *json = NULL;
    if (!sl_json_parse(call, "Qdrant's answer", response->body, response->body_size, &json)) {
        const char *error = sl_get_text(sl_get(json, "status"), "error", NULL);
        if (error) return sl_strndup(call, error, 300);
    }
    return sl_strndup(call, response->body ? response->body : "", 200);
}

static bool is_passing(int rc, const sl_response *response) {
    if (rc) return rc == SL_UNAVAILABLE;
    return response->status == 429 || response->status == 502 || response->status == 503 ||
           response->status == 504;
}

static int send_once(sl_call *call, const struct qdrant *qdrant, const struct ask *ask,
                     sl_response *response) {
    const char *headers[3] = {0};
    size_t n = 0;
    const char *body = ask->body ? sl_json_print(call, ask->body) : NULL;
    if (qdrant->api_key) headers[n++] = sl_printf(call, "api-key: %s", qdrant->api_key);
    if (body) headers[n++] = "Content-Type: application/json";
    const sl_request request = {.method = ask->method,
                                .url = sl_printf(call, "%s%s", qdrant->url, ask->path),
                                .headers = headers,
                                .body = body,
                                .body_size = body ? strlen(body) : 0,
                                .timeout_ms = qdrant->timeout_ms,
                                .ca_file = qdrant->ca_file,
                                .breaker = "qdrant"};
    return sl_fetch(call, &request, response);
}

static int send_some(sl_call *call, const struct qdrant *qdrant, const struct ask *ask,
                     sl_response *response) {
    int rc = send_once(call, qdrant, ask, response);
    for (int tries = 1; tries < TRIES && is_passing(rc, response); tries++) {
        const int waited = sl_sleep(call, (int64_t)PAUSE_MS * tries + sl_clock_ns(call) % PAUSE_MS);
        if (waited) return waited;
        rc = send_once(call, qdrant, ask, response);
    }
    return rc;
}

static bool is_good(int status) {
    return status >= 200 && status <= 299;
}

/* The member `result` of an answer. */
static int take_result(sl_call *call, const sl_response *response, const cJSON **result) {
    cJSON *json = NULL;
    if (sl_json_parse(call, "Qdrant's answer", response->body, response->body_size, &json))
        return sl_fail(call, SL_UNAVAILABLE, "Qdrant: %s", sl_failure(call));
    *result = sl_get(json, "result");
    return 0;
}

/* `*status` is the HTTP status; `*result` is set for 2xx. */
static int send(sl_call *call, const struct qdrant *qdrant, const struct ask *ask, int *status,
                const cJSON **result) {
    sl_response response = {0};
    const int rc = send_some(call, qdrant, ask, &response);
    if (rc) return rc;
    *status = response.status;
    return is_good(response.status) ? take_result(call, &response, result) : 0;
}

static int refuse(sl_call *call, const struct ask *ask, int status, const char *said) {
    return sl_fail(call, SL_UNAVAILABLE, "Qdrant answered %d to %s %s%s%s", status, ask->method,
                   ask->path, *said ? ": " : "", said);
}

/* A request that must succeed. */
static int demand(sl_call *call, const struct qdrant *qdrant, const struct ask *ask,
                  const cJSON **result) {
    sl_response response = {0};
    const int rc = send_some(call, qdrant, ask, &response);
    if (rc) return rc;
    if (is_good(response.status)) return take_result(call, &response, result);
    return refuse(call, ask, response.status, error_of(call, &response));
}

/* ---- filters ---- */

static void must(cJSON *filter, const char *key, const char *value) {
    cJSON *list = cJSON_GetObjectItemCaseSensitive(filter, "must");
    if (!list) list = cJSON_AddArrayToObject(filter, "must");
    cJSON *condition = cJSON_CreateObject();
    cJSON_AddStringToObject(condition, "key", key);
    cJSON *match = cJSON_AddObjectToObject(condition, "match");
    cJSON_AddStringToObject(match, "value", value);
    cJSON_AddItemToArray(list, condition);
}

static cJSON *filter_of(sl_call *call, const char *document, const cJSON *labels) {
    cJSON *filter = cJSON_CreateObject();
    const cJSON *label;
    must(filter, "tenant", sl_tenant(call));
    if (document) must(filter, "document", document);
    cJSON_ArrayForEach(label, labels) must(filter, "labels", label->valuestring);
    return filter;
}

/* ---- collections ---- */

static int make_index(sl_call *call, const struct qdrant *qdrant, const char *path,
                      const char *field, bool tenant) {
    cJSON *body = cJSON_CreateObject();
    const cJSON *result = NULL;
    cJSON_AddStringToObject(body, "field_name", field);
    cJSON *schema = cJSON_AddObjectToObject(body, "field_schema");
    cJSON_AddStringToObject(schema, "type", "keyword");
    if (tenant) cJSON_AddTrueToObject(schema, "is_tenant");
    const struct ask ask = {
        .method = "PUT", .path = sl_printf(call, "%s/index?wait=true", path), .body = body};
    return demand(call, qdrant, &ask, &result);
}

static int make_collection(sl_call *call, const struct qdrant *qdrant, const char *path,
                           int64_t dimension) {
    cJSON *body = cJSON_CreateObject();
    const cJSON *result = NULL;
    cJSON *dense = cJSON_AddObjectToObject(cJSON_AddObjectToObject(body, "vectors"), "dense");
    cJSON_AddNumberToObject(dense, "size", (double)dimension);
    cJSON_AddStringToObject(dense, "distance", "Cosine");
    const struct ask ask = {.method = "PUT", .path = path, .body = body};
    int status = 0;
    int rc = send(call, qdrant, &ask, &status, &result);
    if (rc) return rc;
    /* 409, or 400 in older versions: another worker was faster; its shape is checked next. */
    if (status == 409 || status == 400) return 0;
    return status >= 200 && status <= 299 ? 0 : refuse(call, &ask, status, "");
}

static int check_dimension(sl_call *call, const cJSON *collection, const char *name,
                           int64_t dimension) {
    const cJSON *params = sl_get(sl_get(collection, "config"), "params");
    const cJSON *dense = sl_get(sl_get(params, "vectors"), "dense");
    const int64_t size = sl_get_int(dense, "size", 0);
    if (size == dimension) return 0;
    return sl_fail(call, SL_CONFLICT,
                   "Qdrant's collection %s has vectors of %lld numbers, the model gives %lld: name "
                   "another plugins.rag.qdrant.collection",
                   name, (long long)size, (long long)dimension);
}

int qdrant_ensure(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  int64_t dimension) {
    const char *path = sl_printf(call, "/collections/%s", collection);
    const struct ask look = {.method = "GET", .path = path};
    const cJSON *found = NULL;
    int status = 0;
    int rc = send(call, qdrant, &look, &status, &found);
    if (!rc && status == 404) {
        rc = make_collection(call, qdrant, path, dimension);
        if (!rc) rc = make_index(call, qdrant, path, "tenant", true);
        if (!rc) rc = make_index(call, qdrant, path, "document", false);
        if (!rc) rc = make_index(call, qdrant, path, "labels", false);
        if (!rc) rc = demand(call, qdrant, &look, &found);
        status = 200;
    }
    if (rc) return rc;
    if (status != 200)
        return refuse(call, &look, status, status == 401 ? "is the API key right?" : "");
    return check_dimension(call, found, collection, dimension);
}

int qdrant_drop_empty(sl_call *call, const struct qdrant *qdrant, const char *collection) {
    cJSON *body = cJSON_CreateObject();
    const cJSON *result = NULL;
    int status = 0;
    cJSON_AddTrueToObject(body, "exact");
    const char *path = sl_printf(call, "/collections/%s", collection);
    const struct ask count = {
        .method = "POST", .path = sl_printf(call, "%s/points/count", path), .body = body};
    int rc = send(call, qdrant, &count, &status, &result);
    if (rc || status != 200 || sl_get_int(result, "count", 1) != 0) return rc;
    const struct ask drop = {.method = "DELETE", .path = path};
    return send(call, qdrant, &drop, &status, &result);
}

/* ---- points ---- */

/* A UUID made of what names the point, so that a repetition writes the same one. */
static const char *id_of(sl_call *call, const struct qdrant_point *point) {
    char hex[65];
    const char *name = sl_printf(call, "%s\n%s\n%lld", sl_tenant(call), point->document,
                                 (long long)point->ordinal);
    sl_sha256(name, strlen(name), hex);
    return sl_printf(call, "%.8s-%.4s-5%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17,
                     hex + 20);
}

static cJSON *point_of(sl_call *call, const struct qdrant_point *point) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", id_of(call, point));
    cJSON *vector = cJSON_AddObjectToObject(item, "vector");
    cJSON_AddItemReferenceToObject(vector, "dense", (cJSON *)point->vector);
    cJSON *payload = cJSON_AddObjectToObject(item, "payload");
    cJSON_AddStringToObject(payload, "tenant", sl_tenant(call));
    cJSON_AddStringToObject(payload, "document", point->document);
    cJSON_AddNumberToObject(payload, "ordinal", (double)point->ordinal);
    if (point->labels)
        cJSON_AddItemReferenceToObject(payload, "labels", (cJSON *)point->labels);
    else
        cJSON_AddItemToObject(payload, "labels", cJSON_CreateArray());
    return item;
}

int qdrant_forget(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  const char *document) {
    cJSON *body = cJSON_CreateObject();
    const cJSON *result = NULL;
    int status = 0;
    cJSON_AddItemToObject(body, "filter", filter_of(call, document, NULL));
    const struct ask ask = {
        .method = "POST",
        .path = sl_printf(call, "/collections/%s/points/delete?wait=true", collection),
        .body = body};
    int rc = send(call, qdrant, &ask, &status, &result);
    if (rc || status == 404) return rc; /* no collection: nothing to forget */
    return status == 200 ? 0 : refuse(call, &ask, status, "");
}

int qdrant_replace(sl_call *call, const struct qdrant *qdrant, const char *collection,
                   const char *document, const struct qdrant_point *points, size_t count) {
    int rc = qdrant_forget(call, qdrant, collection, document);
    for (size_t at = 0; at < count && !rc; at += UPSERT_POINTS) {
        cJSON *body = cJSON_CreateObject();
        const cJSON *result = NULL;
        cJSON *list = cJSON_AddArrayToObject(body, "points");
        for (size_t i = at; i < count && i < at + UPSERT_POINTS; i++)
            cJSON_AddItemToArray(list, point_of(call, &points[i]));
        const struct ask ask = {.method = "PUT",
                                .path =
                                    sl_printf(call, "/collections/%s/points?wait=true", collection),
                                .body = body};
        rc = demand(call, qdrant, &ask, &result);
        const char *state = sl_get_text(result, "status", "");
        if (!rc && strcmp(state, "completed") != 0)
            rc = sl_fail(call, SL_UNAVAILABLE, "Qdrant says '%s' to an upsert that waits", state);
    }
    return rc;
}

/* ---- searching ---- */

static size_t take_hits(sl_call *call, const cJSON *points, struct qdrant_hit *hits, size_t most) {
    size_t count = 0;
    const cJSON *point;
    cJSON_ArrayForEach(point, points) {
        const cJSON *payload = sl_get(point, "payload");
        const char *document = sl_get_text(payload, "document", NULL);
        /* The filter has seen to it already; what the service answers is checked all the same. */
        if (!document || strcmp(sl_get_text(payload, "tenant", ""), sl_tenant(call)) != 0) continue;
        if (count == most) break;
        hits[count++] = (struct qdrant_hit){.document = document,
                                            .ordinal = sl_get_int(payload, "ordinal", 0),
                                            .score = sl_get_number(point, "score", 0)};
    }
    return count;
}

int qdrant_search(sl_call *call, const struct qdrant *qdrant, const char *collection,
                  const struct qdrant_question *question, struct qdrant_hit *hits, size_t *count) {
    cJSON *body = cJSON_CreateObject();
    const cJSON *result = NULL;
    cJSON_AddItemReferenceToObject(body, "query", (cJSON *)question->vector);
    cJSON_AddStringToObject(body, "using", "dense");
    cJSON_AddItemToObject(body, "filter", filter_of(call, NULL, question->labels));
    cJSON_AddNumberToObject(body, "limit", (double)question->most);
    cJSON_AddTrueToObject(body, "with_payload");
    const struct ask ask = {.method = "POST",
                            .path = sl_printf(call, "/collections/%s/points/query", collection),
                            .body = body};
    *count = 0;
    int rc = demand(call, qdrant, &ask, &result);
    if (!rc) *count = take_hits(call, sl_get(result, "points"), hits, question->most);
    return rc;
}
