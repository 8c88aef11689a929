/* slack_ops.c - a slash command and mentions in threads. Slack wants an answer within three seconds,
 * which a language model may not keep: so it is told at once that the question was heard, and a
 * durable job answers, by the command's response_url or as a reply in the thread. */
#include "chat.h"
#include "slack.h"

#include <stdlib.h>
#include <string.h>

enum { QUESTION_BYTES = 4000, KEPT_MS = 7 * 24 * 3600 * 1000 };

static const cJSON *settings_of(sl_call *call) {
    const struct chat *chat = sl_state(call);
    return sl_get(chat->config, "slack");
}

/* 0 when Slack has signed the request; *body is borrowed. */
static int check_signature(sl_call *call, const char **body, size_t *size) {
    const struct chat *chat = sl_state(call);
    if (!*chat->slack_secret)
        return sl_fail(call, SL_UNAVAILABLE,
                       "Slack is not set up: plugins.chat.slack.signing_secret is missing");
    *body = sl_body(call, size);
    if (!*body) *body = "", *size = 0;
    if (slack_signed(chat->slack_secret, sl_header(call, "x-slack-request-timestamp"),
                     sl_header(call, "x-slack-signature"), *body, *size, sl_now_ms(call) / 1000))
        return 0;
    return sl_fail(
        call, SL_UNAUTHENTICATED,
        "the request is not signed by Slack with plugins.chat.slack.signing_secret within "
        "the last five minutes");
}

/* Answers only where Slack itself hears. */
static bool is_slacks(sl_call *call, const char *url) {
    const char *hooks = sl_get_text(settings_of(call), "hooks", "https://hooks.slack.com/");
    return strncmp(url, hooks, strlen(hooks)) == 0;
}

static int reply(sl_call *call, const cJSON *json) {
    const char *text = sl_json_print(call, json);
    sl_reply_bytes(call, "application/json", text, strlen(text));
    return 0;
}

static char *kept(sl_call *call, char *text) {
    char *copy = text ? sl_strdup(call, text) : NULL;
    free(text);
    return copy;
}

/* Queues the job once: what was heard before is not answered again. */
static int queue(sl_call *call, const char *heard, cJSON *in) {
    const int64_t now_ms = sl_now_ms(call);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "DELETE FROM chat_heard WHERE tenant = $1 AND at_ms < $2",
                 SL_ARGS(sl_int(now_ms - KEPT_MS)));
    sl_batch_demand(batch, 1, "heard before",
                    "INSERT INTO chat_heard (tenant, id, at_ms) VALUES ($1, $2, $3) "
                    "ON CONFLICT (tenant, id) DO NOTHING",
                    SL_ARGS(sl_text(heard), sl_int(now_ms)));
    sl_batch_job(batch, "slack-answer", heard, 0, in);
    const int rc = sl_commit(batch);
    return rc == SL_CONFLICT ? 0 : rc;
}

/* ---- the slash command ---- */

int slack_command(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    const char *body = "";
    size_t size = 0;
    int rc = check_signature(call, &body, &size);
    if (rc) return rc;
    const char *text = kept(call, slack_form(body, size, "text"));
    const char *url = kept(call, slack_form(body, size, "response_url"));
    const char *heard = kept(call, slack_form(body, size, "trigger_id"));
    if (!url || !is_slacks(call, url))
        return sl_fail(call, SL_INVALID, "response_url is missing or not Slack's");
    cJSON *told = object1("response_type", "ephemeral");
    if (!text || !text[strspn(text, " \t")] || strlen(text) > QUESTION_BYTES) {
        cJSON_AddStringToObject(told, "text",
                                "Ask in your own words, for instance: /sluice why did prod fail?");
        return reply(call, told);
    }
    cJSON *job = object1("question", text);
    cJSON_AddStringToObject(job, "response_url", url);
    rc = queue(call, heard && *heard ? heard : sl_new_id(call), job);
    if (rc) return rc;
    cJSON_AddStringToObject(told, "text", "I am looking.");
    return reply(call, told);
}

/* ---- events: mentions ---- */

static int hear_mention(sl_call *call, const cJSON *message) {
    const cJSON *event = sl_get(message, "event");
    const char *ts = sl_get_text(event, "ts", NULL), *channel = sl_get_text(event, "channel", NULL);
    const char *text = kept(call, slack_question(sl_get_text(event, "text", "")));
    const bool mention = strcmp(sl_get_text(event, "type", ""), "app_mention") == 0;
    /* Our own replies must not be questions. */
    if (!mention || !ts || !channel || !text || !*text || sl_get(event, "bot_id")) return 0;
    cJSON *job = object1("question", sl_strndup(call, text, QUESTION_BYTES));
    cJSON_AddStringToObject(job, "channel", channel);
    cJSON_AddStringToObject(job, "thread", sl_get_text(event, "thread_ts", ts));
    return queue(call, sl_get_text(message, "event_id", ts), job);
}

int slack_events(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    const char *body = "";
    size_t size = 0;
    int rc = check_signature(call, &body, &size);
    cJSON *message = NULL;
    if (!rc) rc = sl_json_parse(call, "Slack's event", body, size, &message);
    if (rc) return rc;
    const char *type = sl_get_text(message, "type", "");
    if (strcmp(type, "url_verification") == 0)
        return reply(call, object1("challenge", sl_get_text(message, "challenge", "")));
    if (strcmp(type, "event_callback") == 0) rc = hear_mention(call, message);
    return rc ? rc : reply(call, cJSON_CreateObject());
}

/* ---- the job ---- */

static cJSON *thread_context(sl_call *call, const char *thread) {
    sl_rows rows;
    const int rc =
        sl_query(call, &rows, "SELECT context FROM chat_thread WHERE tenant = $1 AND id = $2",
                 SL_ARGS(sl_text(thread)));
    return rc || !rows.count ? NULL : sl_cell_json(call, &rows, 0, "context");
}

static int keep_context(sl_call *call, const char *thread, const cJSON *context) {
    const int64_t now_ms = sl_now_ms(call);
    sl_batch *batch = sl_batch_new(call);
    sl_batch_add(batch, "DELETE FROM chat_thread WHERE tenant = $1 AND at_ms < $2",
                 SL_ARGS(sl_int(now_ms - KEPT_MS)));
    sl_batch_add(batch,
                 "INSERT INTO chat_thread (tenant, id, context, at_ms) VALUES ($1, $2, $3, $4) "
                 "ON CONFLICT (tenant, id) DO UPDATE SET context = $3, at_ms = $4",
                 SL_ARGS(sl_text(thread), sl_text(sl_json_print(call, context)), sl_int(now_ms)));
    return sl_commit(batch);
}

static int post(sl_call *call, const char *url, const char *token, const cJSON *message) {
    const char *const headers[] = {
        "Content-Type: application/json; charset=utf-8",
        token ? sl_printf(call, "Authorization: Bearer %s", token) : NULL, NULL};
    const char *body = sl_json_print(call, message);
    const sl_request request = {.method = "POST",
                                .url = url,
                                .headers = headers,
                                .body = body,
                                .body_size = strlen(body),
                                .breaker = "slack"};
    sl_response response;
    const int rc = sl_fetch(call, &request, &response);
    if (rc) return rc;
    if (response.status / 100 != 2)
        return sl_fail(call, SL_UNAVAILABLE, "Slack answers %d: %.200s", response.status,
                       response.body);
    /* chat.postMessage says 200 with ok: false. */
    cJSON *json = NULL;
    if (token &&
        sl_json_parse(call, "Slack's answer", response.body, response.body_size, &json) == 0 &&
        !sl_get_bool(json, "ok", 0)) {
        sl_log(call, SL_WARN, "Slack refuses a reply: %.100s", sl_get_text(json, "error", "?"));
    }
    return 0;
}

static int post_answer(sl_call *call, const cJSON *in, const cJSON *answer) {
    const cJSON *settings = settings_of(call);
    const char *url = sl_get_text(in, "response_url", NULL);
    cJSON *message = slack_message(answer, sl_get_text(in, "question", ""));
    if (url) {
        cJSON_AddStringToObject(message, "response_type", "ephemeral");
        return post(call, url, NULL, message);
    }
    const char *token = sl_get_text(settings, "bot_token", "");
    if (!*token) {
        sl_log(call, SL_WARN, "a mention is not answered: plugins.chat.slack.bot_token is missing");
        return 0;
    }
    cJSON_AddStringToObject(message, "channel", sl_get_text(in, "channel", ""));
    cJSON_AddStringToObject(message, "thread_ts", sl_get_text(in, "thread", ""));
    const char *api = sl_get_text(settings, "api", "https://slack.com/api");
    return post(call, sl_printf(call, "%s/chat.postMessage", api), token, message);
}

int slack_job(sl_call *call, const cJSON *in) {
    const char *thread = sl_get_text(in, "thread", NULL);
    const char *name =
        thread ? sl_printf(call, "%s/%s", sl_get_text(in, "channel", ""), thread) : NULL;
    struct inquiry *inquiry = sl_alloc(call, sizeof *inquiry);
    inquiry_init(inquiry, call, sl_get_text(in, "question", ""),
                 name ? thread_context(call, name) : NULL);
    inquiry->grants = sl_get_text(settings_of(call), "permissions", "");
    cJSON *answer = cJSON_CreateObject();
    int rc = answer_question(inquiry, answer);
    if (!rc) rc = post_answer(call, in, answer);
    return rc || !name ? rc : keep_context(call, name, sl_get(answer, "context"));
}
