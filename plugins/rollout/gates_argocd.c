/* gates_argocd.c - a gate that asks Argo CD: is what runs what git says, and is it well? With
 * `sync: true` it asks for the sync as well; Argo CD does one at a time, so asking twice is harmless. */
#include "gates_kinds.h"
#include "tree.h"

#include <string.h>

static const char *word(const cJSON *of, const char *name) {
    const char *text = text_of(of, name);
    return text ? text : "";
}

static int ask_for_sync(sl_call *call, const cJSON *in, struct gate_finding *found) {
    cJSON *body = cJSON_CreateObject(), *out = NULL;
    put_shared(body, "name", item_of(in, "name"));
    int rc = sl_invoke(call, "argocd.sync", body, &out);
    if (!rc) found->why = "a sync was asked for and is on its way";
    return rc;
}

/* A Rollout under way is Progressing or Suspended there: that is no fault. */
static bool is_well(const char *health) {
    return strcmp(health, "Healthy") == 0 || strcmp(health, "Progressing") == 0 ||
           strcmp(health, "Suspended") == 0;
}

static int judge(sl_call *call, const struct gate_question *question, const cJSON *in,
                 const cJSON *seen, struct gate_finding *found) {
    const char *sync = word(seen, "sync"), *health = word(seen, "health");
    const char *operation = word(seen, "operation");
    found->answer = GATE_HOLD;
    found->would_pass_if = "Argo CD says Synced, and not Degraded, Missing or Unknown";
    if (strcmp(operation, "Running") == 0) {
        found->why = "a sync of Argo CD is running";
    } else if (strcmp(operation, "Failed") == 0 || strcmp(operation, "Error") == 0) {
        found->why = sl_printf(call, "the last sync of Argo CD failed: %.160s",
                               word(seen, "operation_message"));
    } else if (strcmp(sync, "Synced") != 0) {
        if (sl_get_bool(question->gate, "sync", 0)) return ask_for_sync(call, in, found);
        found->why = sl_printf(call, "Argo CD says %s: what runs is not what git says", sync);
        found->fix = "argocd app sync, or sync: true in the gate";
    } else if (!is_well(health)) {
        found->why = sl_printf(call, "Argo CD says the application is %s", health);
    } else {
        found->answer = GATE_PASS;
        found->why = sl_printf(call, "Argo CD says Synced and %s", health);
    }
    return 0;
}

int gate_argocd(sl_call *call, struct gate_question *question, struct gate_finding *found) {
    cJSON *in = cJSON_CreateObject(), *seen = NULL;
    put_text(in, "name", sl_get_text(question->gate, "application", question->run->app));
    put_bool(in, "refresh", true);
    int rc = sl_invoke(call, "argocd.get", in, &seen);
    if (rc) return rc;
    static const char *const names[] = {"sync", "health", "revision"};
    found->inputs = cJSON_CreateObject();
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        put_text(found->inputs, names[i], word(seen, names[i]));
    return judge(call, question, in, seen, found);
}
