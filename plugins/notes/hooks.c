#include "hooks.h"

#include "forge.h"
#include "notes.h"

#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <stdio.h>
#include <string.h>

static const sl_field github_config[] = {
    SL_STRING("secret", .flags = SL_SECRET | SL_REQUIRED, .min = 8, .max = 500,
              .help = "of the webhook: signs each delivery"),
    SL_STRING("token", .flags = SL_SECRET, .max = 500,
              .help = "reads diffs, writes statuses and empty release texts; none: nothing is "
                      "written back"),
    SL_STRING("api", .def = "https://api.github.com", .format = "uri", .max = 500,
              .help = "address of the API"),
    SL_END};

static const sl_field gitlab_config[] = {
    SL_STRING("secret", .flags = SL_SECRET | SL_REQUIRED, .min = 8, .max = 500,
              .help = "the webhook's secret token"),
    SL_STRING("token", .flags = SL_SECRET, .max = 500, .help = "as for github"),
    SL_STRING("api", .def = "https://gitlab.com/api/v4", .format = "uri", .max = 500,
              .help = "address of the API"),
    SL_END};

const sl_field hooks_config[] = {
    SL_OBJECT("github", github_config, .help = "POST /webhooks/github"),
    SL_OBJECT("gitlab", gitlab_config, .help = "POST /webhooks/gitlab"),
    SL_STRING("fail_at", .def = "CRITICAL", .max = 8,
              .help = "level from which the status is a failure"),
    SL_END};

/* ---- who sent it ---- */

int hooks_signature_fits(const char *secret, const void *body, size_t size, const char *header) {
    static const char digits[] = "0123456789abcdef";
    uint8_t digest[SHA256_DIGEST_SIZE];
    char wanted[7 + 2 * SHA256_DIGEST_SIZE + 1] = "sha256=";
    struct hmac_sha256_ctx ctx;
    if (!header || strlen(header) != sizeof wanted - 1) return 0;
    hmac_sha256_set_key(&ctx, strlen(secret), (const uint8_t *)secret);
    hmac_sha256_update(&ctx, size, body);
    hmac_sha256_digest(&ctx, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) {
        wanted[7 + 2 * i] = digits[digest[i] >> 4];
        wanted[8 + 2 * i] = digits[digest[i] & 15];
    }
    return memeql_sec(wanted, header, sizeof wanted - 1);
}

static int secrets_equal(const char *a, const char *b) {
    char x[65], y[65]; /* of equal length, so that the time tells nothing of the secret's */
    sl_sha256(a, strlen(a), x);
    sl_sha256(b, strlen(b), y);
    return memeql_sec(x, y, 64);
}

static const cJSON *options_of(sl_call *call, const char *forge) {
    const struct notes_state *state = sl_state(call);
    return sl_get(state->hooks, forge);
}

static int not_configured(sl_call *call, const char *forge) {
    return sl_fail(call, SL_NOT_FOUND,
                   "webhooks of %s are not taken: set plugins.notes.webhooks.%s.secret", forge,
                   forge);
}

static int read_payload(sl_call *call, cJSON **out) {
    size_t size = 0;
    const char *body = sl_body(call, &size);
    if (!body || !size) return sl_fail(call, SL_INVALID, "the body is empty: expected JSON");
    return sl_json_parse(call, "the delivery", body, size, out);
}

/* ---- what it asks for ---- */

static void put(cJSON *task, const char *name, const char *text) {
    if (text && *text) cJSON_AddStringToObject(task, name, text);
}

static cJSON *github_task(const char *event, const cJSON *payload) {
    const char *action = sl_get_text(payload, "action", "");
    const char *repository = sl_get_text(sl_get(payload, "repository"), "full_name", "");
    cJSON *task = cJSON_CreateObject();
    cJSON_AddStringToObject(task, "forge", "github");
    put(task, "project", repository);
    if (strcmp(event, "push") == 0 && !sl_get_bool(payload, "deleted", 0)) {
        cJSON_AddStringToObject(task, "kind", "push");
        put(task, "before", sl_get_text(payload, "before", ""));
        put(task, "sha", sl_get_text(payload, "after", ""));
        put(task, "title", sl_get_text(sl_get(payload, "head_commit"), "message", ""));
    } else if (strcmp(event, "pull_request") == 0 &&
               (!strcmp(action, "opened") || !strcmp(action, "synchronize") ||
                !strcmp(action, "reopened"))) {
        const cJSON *pull = sl_get(payload, "pull_request");
        cJSON_AddStringToObject(task, "kind", "change");
        cJSON_AddNumberToObject(task, "number", sl_get_number(payload, "number", 0));
        put(task, "sha", sl_get_text(sl_get(pull, "head"), "sha", ""));
        put(task, "title", sl_get_text(pull, "title", ""));
        put(task, "body", sl_get_text(pull, "body", ""));
    } else if (strcmp(event, "release") == 0 && strcmp(action, "published") == 0) {
        const cJSON *release = sl_get(payload, "release");
        cJSON_AddStringToObject(task, "kind", "release");
        cJSON_AddNumberToObject(task, "number", sl_get_number(release, "id", 0));
        put(task, "tag", sl_get_text(release, "tag_name", ""));
        cJSON_AddBoolToObject(task, "has_text", *sl_get_text(release, "body", "") != 0);
    }
    return task;
}

static cJSON *gitlab_task(const char *event, const cJSON *payload) {
    const cJSON *attributes = sl_get(payload, "object_attributes");
    const char *action = sl_get_text(attributes, "action", "");
    char project[32];
    snprintf(project, sizeof project, "%lld",
             (long long)sl_get_int(sl_get(payload, "project"), "id", 0));
    cJSON *task = cJSON_CreateObject();
    cJSON_AddStringToObject(task, "forge", "gitlab");
    put(task, "project", project);
    if (strcmp(event, "Push Hook") == 0 && sl_get(payload, "checkout_sha")) {
        cJSON_AddStringToObject(task, "kind", "push");
        put(task, "before", sl_get_text(payload, "before", ""));
        put(task, "sha", sl_get_text(payload, "after", ""));
        const cJSON *commits = sl_get(payload, "commits");
        const cJSON *last = cJSON_GetArrayItem(commits, cJSON_GetArraySize(commits) - 1);
        put(task, "title", sl_get_text(last, "message", ""));
    } else if (strcmp(event, "Merge Request Hook") == 0 &&
               (!strcmp(action, "open") || !strcmp(action, "update") ||
                !strcmp(action, "reopen"))) {
        cJSON_AddStringToObject(task, "kind", "change");
        cJSON_AddNumberToObject(task, "number", sl_get_number(attributes, "iid", 0));
        put(task, "sha", sl_get_text(sl_get(attributes, "last_commit"), "id", ""));
        put(task, "title", sl_get_text(attributes, "title", ""));
        put(task, "body", sl_get_text(attributes, "description", ""));
    } else if (strcmp(event, "Release Hook") == 0 &&
               strcmp(sl_get_text(payload, "action", ""), "create") == 0) {
        cJSON_AddStringToObject(task, "kind", "release");
        put(task, "tag", sl_get_text(payload, "tag", ""));
        cJSON_AddBoolToObject(task, "has_text", *sl_get_text(payload, "description", "") != 0);
    }
    return task;
}

/* One delivery is one job, however often it is sent. */
static int take(sl_call *call, cJSON *task, const char *event, const char *delivery, cJSON *out) {
    const char *kind = sl_get_text(task, "kind", NULL);
    sl_reply_status(call, 202);
    cJSON_AddStringToObject(out, "event", event);
    cJSON_AddBoolToObject(out, "taken", kind != NULL);
    if (!kind) {
        cJSON_AddStringToObject(out, "reason", "nothing is done for this event");
        return 0;
    }
    const char *problem = forge_task_problem(task);
    if (problem) return sl_fail(call, SL_INVALID, "the delivery of %s: %s", event, problem);
    sl_batch *batch = sl_batch_new(call);
    cJSON *data = cJSON_Duplicate(task, 1);
    cJSON_DeleteItemFromObject(data, "body");
    sl_batch_emit(batch, "forge.delivered",
                  sl_printf(call, "forge/%s", sl_get_text(task, "project", "")), data);
    sl_batch_job(batch, "forge", delivery, 0, task);
    return sl_commit(batch);
}

int hooks_github(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *options = options_of(call, "github");
    size_t size = 0;
    const void *body = sl_body(call, &size);
    (void)in;
    if (!options) return not_configured(call, "github");
    if (!hooks_signature_fits(sl_get_text(options, "secret", ""), body ? body : "", size,
                              sl_header(call, "X-Hub-Signature-256")))
        return sl_fail(call, SL_UNAUTHENTICATED,
                       "the signature in X-Hub-Signature-256 does not fit the body: is the "
                       "webhook's secret the one in plugins.notes.webhooks.github.secret?");
    const char *event = sl_header(call, "X-GitHub-Event");
    const char *delivery = sl_header(call, "X-GitHub-Delivery");
    if (!event) return sl_fail(call, SL_INVALID, "the header X-GitHub-Event is missing");
    cJSON *payload = NULL;
    int rc = read_payload(call, &payload);
    return rc ? rc : take(call, github_task(event, payload), event, delivery, out);
}

int hooks_gitlab(sl_call *call, const cJSON *in, cJSON *out) {
    const cJSON *options = options_of(call, "gitlab");
    (void)in;
    if (!options) return not_configured(call, "gitlab");
    const char *token = sl_header(call, "X-Gitlab-Token");
    if (!token || !secrets_equal(token, sl_get_text(options, "secret", "")))
        return sl_fail(call, SL_UNAUTHENTICATED,
                       "X-Gitlab-Token is not the secret in plugins.notes.webhooks.gitlab.secret");
    const char *event = sl_header(call, "X-Gitlab-Event");
    const char *delivery = sl_header(call, "X-Gitlab-Event-UUID");
    if (!event) return sl_fail(call, SL_INVALID, "the header X-Gitlab-Event is missing");
    cJSON *payload = NULL;
    int rc = read_payload(call, &payload);
    return rc ? rc : take(call, gitlab_task(event, payload), event, delivery, out);
}

/* ---- the work ---- */

int hooks_job(sl_call *call, const cJSON *in) {
    const struct notes_state *state = sl_state(call);
    const char *name = sl_get_text(in, "forge", "");
    const struct forge forge = {.is_gitlab = strcmp(name, "gitlab") == 0,
                                .options = sl_get(state->hooks, name),
                                .fail_at = sl_get_text(state->hooks, "fail_at", "CRITICAL")};
    if (!forge.options) return 0; /* it was configured when the delivery came; now it is not */
    if (!*sl_get_text(forge.options, "token", "")) {
        sl_log(call, SL_INFO,
               "%s: without plugins.notes.webhooks.%s.token nothing is read or "
               "written back",
               name, name);
        return 0;
    }
    return strcmp(sl_get_text(in, "kind", ""), "release") == 0 ? forge_release(call, &forge, in)
                                                               : forge_score(call, &forge, in);
}
