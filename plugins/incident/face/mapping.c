/* mapping.c - POST /webhooks/incident/{source}: any JSON, mapped to alerts by a Lua file that the
 * operator may change. Signed, or with a token of Sluice. */
#include "alert.h"
#include "signature.h"

#include <stdio.h>
#include <string.h>

enum { SCRIPT_BYTES = 65536 };

static bool good_name(const char *name) {
    const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n && n <= 40 && !name[n];
}

/* ---- who sends it ---- */

static int check_sender(sl_call *call, const char *source) {
    const struct incident_state *state = sl_state(call);
    const cJSON *hook = sl_get(sl_get(state->config, "webhooks"), source);
    const char *secret = sl_get_text(hook, "secret", NULL);
    if (!secret || !*secret) {
        if (sl_can(call, "incident:write")) return 0;
        return sl_fail(call, SL_UNAUTHENTICATED,
                       "send a token with incident:write, or set "
                       "plugins.incident.webhooks.%s.secret and sign the request",
                       source);
    }
    const char *header = sl_header(call, sl_get_text(hook, "header", "x-pagerduty-signature"));
    size_t size;
    const void *body = sl_body(call, &size);
    const bool plain = strcmp(sl_get_text(hook, "scheme", "hmac-sha256"), "token") == 0;
    const bool good =
        header && (plain ? same_secret(secret, header)
                         : signature_matches(sl_sha256, secret, body, body ? size : 0, header));
    if (good) return 0;
    return sl_fail(call, SL_UNAUTHENTICATED, "the signature of the webhook does not fit its body");
}

/* ---- the mapping ---- */

static int run_mapping(sl_call *call, const char *source, const cJSON *body, cJSON **out) {
    const struct incident_state *state = sl_state(call);
    const char *folder = sl_get_text(state->config, "scripts", NULL);
    const char *path = folder ? sl_printf(call, "%s/%s.lua", folder, source) : NULL;
    FILE *file = path ? fopen(path, "re") : NULL;
    if (!file)
        return sl_fail(call, SL_NOT_FOUND,
                       "there is no mapping for '%s'; put %s.lua into the folder of "
                       "plugins.incident.scripts",
                       source, source);
    char *text = sl_alloc(call, SCRIPT_BYTES + 1);
    const size_t size = fread(text, 1, SCRIPT_BYTES + 1, file);
    (void)fclose(file);
    if (size > SCRIPT_BYTES)
        return sl_fail(call, SL_INVALID, "%s.lua is larger than 64 KiB", source);
    return sl_script_run(call, sl_printf(call, "%s.lua", source), text, size, NULL, body, out);
}

static int64_t time_of(const cJSON *json, const char *text_name, const char *ms_name) {
    int64_t ms;
    const char *text = sl_get_text(json, text_name, NULL);
    if (text && when_parse(text_from(text), &ms)) return ms;
    return sl_get_int(json, ms_name, 0);
}

static void take_mapped(sl_call *call, const char *source, const cJSON *json,
                        struct alerts *alerts) {
    const char *name = sl_get_text(json, "name", NULL);
    const char *print = sl_get_text(json, "fingerprint", NULL);
    if (!cJSON_IsObject(json) || !json->child) return; /* the mapping passes it over */
    if (!name || !print) {
        alerts->damaged++;
        return;
    }
    struct alert *a = alert_new(call, alerts);
    a->source = source;
    a->name = name;
    a->fingerprint = print;
    a->group = sl_get_text(json, "group", print);
    a->summary = sl_get_text(json, "summary", name);
    a->service = sl_get_text(json, "service", NULL);
    a->environment = sl_get_text(json, "environment", NULL);
    a->severity = severity_from(sl_get_text(json, "severity", NULL));
    a->url = sl_get_text(json, "url", NULL);
    a->labels = sl_get(json, "labels");
    a->starts_ms = time_of(json, "starts_at", "starts_at_ms");
    if (!a->starts_ms) { /* the sender does not say: the one that fires already, else now */
        sl_rows rows;
        int rc =
            sl_query(call, &rows,
                     "SELECT starts_ms FROM incident_alert WHERE tenant = $1 AND source = $2 AND "
                     "fingerprint = $3 AND ends_ms = 0 LIMIT 1",
                     SL_ARGS(sl_text(source), sl_text(print)));
        a->starts_ms = !rc && rows.count ? sl_cell_int(&rows, 0, "starts_ms") : sl_now_ms(call);
    }
    if (strcmp(sl_get_text(json, "status", "firing"), "resolved") == 0) {
        const int64_t ends = time_of(json, "ends_at", "ends_at_ms");
        a->ends_ms = ends ? ends : sl_now_ms(call);
    }
}

int incident_webhook(sl_call *call, const cJSON *in, cJSON *out) {
    const char *source = sl_get_text(in, "source", "");
    size_t size;
    cJSON *body, *mapped;
    if (!good_name(source))
        return sl_fail(call, SL_INVALID, "source: letters a-z, digits and dashes, at most 40");
    int rc = check_sender(call, source);
    const char *bytes = sl_body(call, &size);
    if (!rc) rc = sl_json_parse(call, "the webhook", bytes ? bytes : "", bytes ? size : 0, &body);
    if (!rc) rc = run_mapping(call, source, body, &mapped);
    if (rc) return rc;
    struct alerts alerts = {0};
    struct intake intake = {0};
    const cJSON *item;
    if (cJSON_IsArray(mapped)) {
        cJSON_ArrayForEach(item, mapped) {
            take_mapped(call, source, item, &alerts);
        }
    } else {
        take_mapped(call, source, mapped, &alerts);
    }
    if (alerts.count) rc = alerts_take(call, &alerts, &intake);
    if (!rc) intake_print(&intake, &alerts, out);
    return rc;
}
