/* gates_argocd.c - a gate that asks Argo CD: is what runs what git says, and is it well? With
 * `sync: true` it asks for the sync as well; Argo CD does one at a time, so asking twice is harmless. */
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

struct ask {
    const char *method, *path, *body;
};

static const char *word(const cJSON *of, const char *name) {
    const char *text = text_of(of, name);
    return text ? text : "";
}

static int send(sl_call *call, const struct gate_question *question, const struct ask *ask,
                sl_response *response) {
    const struct rollout *rollout = sl_state(call);
    const cJSON *settings = sl_get(rollout->config, "argocd");
    const char *url = sl_get_text(settings, "url", NULL);
    if (!url)
        return sl_fail(call, SL_INVALID, "the gate argocd needs rollout.argocd.url and its token");
    const char *const headers[] = {
        sl_printf(call, "Authorization: Bearer %s", sl_get_text(settings, "token", "")),
        "Content-Type: application/json", NULL};
    return sl_fetch(call,
                    &(sl_request){.method = ask->method,
                                  .url = sl_printf(call, "%s%s", url, ask->path),
                                  .headers = headers,
                                  .body = ask->body,
                                  .body_size = ask->body ? strlen(ask->body) : 0,
                                  .ca_file = sl_get_text(settings, "ca_file", NULL),
                                  .max_bytes = 4 << 20,
                                  .timeout_ms = question->timeout_ms},
                    response);
}

static int ask_for_sync(sl_call *call, const struct gate_question *question, const char *path,
                        struct gate_finding *found) {
    sl_response response;
    const struct ask ask = {
        .method = "POST", .path = sl_printf(call, "%s/sync", path), .body = "{\"prune\":false}"};
    int rc = send(call, question, &ask, &response);
    if (rc) return rc;
    if (response.status != 200)
        return sl_fail(call, SL_UNAVAILABLE, "Argo CD refused the sync with %d: %.120s",
                       response.status, response.body);
    found->why = "a sync was asked for and is on its way";
    return 0;
}

/* A Rollout under way is Progressing or Suspended there: that is no fault. */
static int judge(sl_call *call, const struct gate_question *question, const char *path,
                 const cJSON *status, struct gate_finding *found) {
    const char *sync = word(item_of(status, "sync"), "status");
    const char *health = word(item_of(status, "health"), "status");
    const cJSON *operation = item_of(status, "operationState");
    const char *phase = word(operation, "phase");
    put_text(found->inputs, "sync", sync);
    put_text(found->inputs, "health", health);
    put_text(found->inputs, "revision", word(item_of(status, "sync"), "revision"));
    found->answer = GATE_HOLD;
    found->would_pass_if = "Argo CD says Synced, and not Degraded, Missing or Unknown";
    if (strcmp(phase, "Running") == 0) {
        found->why = "a sync of Argo CD is running";
    } else if (strcmp(phase, "Failed") == 0 || strcmp(phase, "Error") == 0) {
        found->why =
            sl_printf(call, "the last sync of Argo CD failed: %.160s", word(operation, "message"));
    } else if (strcmp(sync, "Synced") != 0) {
        if (sl_get_bool(question->gate, "sync", 0))
            return ask_for_sync(call, question, path, found);
        found->why = sl_printf(call, "Argo CD says %s: what runs is not what git says", sync);
        found->fix = "argocd app sync, or sync: true in the gate";
    } else if (strcmp(health, "Healthy") != 0 && strcmp(health, "Progressing") != 0 &&
               strcmp(health, "Suspended") != 0) {
        found->why = sl_printf(call, "Argo CD says the application is %s", health);
    } else {
        found->answer = GATE_PASS;
        found->why = sl_printf(call, "Argo CD says Synced and %s", health);
    }
    return 0;
}

int gate_argocd(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    const char *name = sl_get_text(question->gate, "application", question->run->app);
    const char *path = sl_printf(call, "/api/v1/applications/%s", name);
    const struct ask ask = {.method = "GET", .path = sl_printf(call, "%s?refresh=normal", path)};
    sl_response response;
    cJSON *answer = NULL;
    int rc = send(call, question, &ask, &response);
    if (rc) return rc;
    if (response.status != 200) /* 403 is also what it says of an application that is not there */
        return sl_fail(call, SL_UNAVAILABLE, "Argo CD answered %d for the application %s",
                       response.status, name);
    rc = sl_json_parse(call, "Argo CD's answer", response.body, response.body_size, &answer);
    if (rc) return rc;
    found->inputs = cJSON_CreateObject();
    return judge(call, question, path, item_of(answer, "status"), found);
}
