/* plugin.c - the face of the chat: questions about the platform, over HTTP, MCP and Slack. */
#include "chat.h"

#include <stdlib.h>
#include <string.h>

static const sl_field context_io[] = {
    SL_STRING("app", .max = 200), SL_STRING("environment", .max = 32),
    SL_STRING("deployment", .max = 64), SL_STRING("incident", .max = 64), SL_END};

static const sl_field ask_in[] = {
    SL_STRING("question", .help = "in your own words", .flags = SL_REQUIRED, .min = 1, .max = 4000,
              .example = "\"Why did stage fail?\""),
    SL_OBJECT("context", context_io,
              .help =
                  "the context of the answer before, so that 'and who approved it?' is understood"),
    SL_END};

static const sl_field action_out[] = {SL_STRING("operation"),
                                      SL_OBJECT("input", NULL, .flags = SL_OPEN),
                                      SL_STRING("why"),
                                      SL_ENUM("effect", "reads|writes"),
                                      SL_BOOL("permitted", .help = "the asker may run it"),
                                      SL_END};

static const sl_field evidence_out[] = {
    SL_STRING("id", .help = "as the answer names it: [e1]"),
    SL_STRING("kind",
              .help = "deployment, event, verdict, risk, policy, slo, incident, passage..."),
    SL_STRING("ref", .help = "what it is: \"deployment/01H...\", \"event/42\""),
    SL_STRING("quote", .help = "what it says"),
    SL_STRING("at", .help = "when", .format = "time"),
    SL_END};

static const sl_field step_out[] = {
    SL_STRING("operation"), SL_OBJECT("input", NULL, .flags = SL_OPEN),
    SL_STRING("outcome", .help = "ok, or why it gave nothing"), SL_NUMBER("ms"), SL_END};

static const sl_field ask_out[] = {
    SL_STRING("answer", .help = "in words, with marks of the evidence: [e1]"),
    SL_STRING("root_cause"),
    SL_STRING("fix"),
    SL_OBJECT("next_best_action", action_out, .help = "a suggestion; it is never run by itself"),
    SL_LIST("citations", SL_T_ANY, .help = "evidence that the answer names, and passages"),
    SL_LIST_OF("evidence", evidence_out, .help = "what the answer rests on"),
    SL_NUMBER("confidence", .help = "0..1"),
    SL_BOOL("answerable", .help = "false: an honest no"),
    SL_STRING("method", .help = "intents, or llm:PROVIDER/MODEL"),
    SL_STRING("intent", .help = "how the question was understood"),
    SL_LIST("assumptions", SL_T_STRING, .help = "what was taken for granted"),
    SL_LIST_OF("steps", step_out, .help = "operations that were asked, as the asker"),
    SL_OBJECT("context", context_io, .help = "what it was about; give it with the next question"),
    SL_END};

static const sl_op ops[] = {
    {.name = "chat.ask",
     .route = "POST /ai/chat",
     .summary = "Answer a question about deployments, policies, budgets, incidents, runbooks",
     .help =
         "With `Accept: text/event-stream` the answer comes as events: `meta`, `step` and "
         "`source` while it is looked up, then `delta` (text), `result` (the whole answer) and "
         "`done`.\n\nOperations are asked with the asker's own permissions; nothing is changed.",
     .in = ask_in,
     .out = ask_out,
     .needs = "chat:use",
     .example = "{\"question\":\"Which policy blocked prod?\"}",
     .run = chat_ask,
     .effect = SL_READS,
     .flags = SL_OP_STREAMS,
     .timeout_ms = 120000},
    {.name = "chat.mcp",
     .route = "POST /mcp",
     .summary = "Serve the operations as tools, by the Model Context Protocol",
     .help =
         "Streamable HTTP, protocol versions 2024-11-05 to 2025-11-25 and 2026-07-28. Tools are "
         "the reading operations that the token may use; with the permission mcp:write the "
         "writing ones too.",
     .needs = "any",
     .run = mcp_post,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW | SL_OP_HIDDEN,
     .timeout_ms = 120000,
     .max_body = 4U << 20},
    {.name = "chat.slack-command",
     .route = "POST /slack/command",
     .summary = "Hear a slash command of Slack",
     .help =
         "Signed by Slack (v0, five minutes). The answer follows at the command's response_url.",
     .needs = "public",
     .run = slack_command,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW | SL_OP_HIDDEN,
     .max_body = 64U << 10},
    {.name = "chat.slack-events",
     .route = "POST /slack/events",
     .summary = "Hear events of Slack: mentions are answered in their thread",
     .needs = "public",
     .run = slack_events,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW | SL_OP_HIDDEN,
     .max_body = 256U << 10},
    SL_END};

static const sl_job jobs[] = {
    {.name = "slack-answer", .run = slack_job, .timeout_ms = 120000, .max_attempts = 4}, SL_END};

static const sl_migration schema[] = {
    {.number = 1,
     .name = "what Slack asked",
     .sql = "CREATE TABLE chat_heard (tenant TEXT NOT NULL, id TEXT NOT NULL,"
            " at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, id));"
            "CREATE TABLE chat_thread (tenant TEXT NOT NULL, id TEXT NOT NULL,"
            " context TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, id))"},
    SL_END};

static const sl_field slack_config[] = {
    SL_STRING("signing_secret", .flags = SL_SECRET, .max = 200,
              .help = "of the Slack app; without it Slack is not served"),
    SL_STRING("bot_token", .flags = SL_SECRET, .max = 300,
              .help = "xoxb-...; for replies in threads"),
    SL_STRING("permissions", .max = 1000,
              .def = "deploy:read policy:read events:read slo:read rag:read incident:read",
              .help = "what people in Slack may read, of the tenant default"),
    SL_STRING("hooks", .def = "https://hooks.slack.com/", .format = "uri",
              .help = "where response_url must begin"),
    SL_STRING("api", .def = "https://slack.com/api", .format = "uri", .help = "of Slack"),
    SL_END};

static const sl_field mcp_config[] = {
    SL_LIST("origins", SL_T_STRING, .max = 50,
            .help = "web pages (scheme://host:port) that may call /mcp from a browser"),
    SL_END};

static const sl_field config[] = {
    SL_BOOL("model", .def = "true",
            .help = "let the language model answer when one is configured (plugins.llm)"),
    SL_INT("model_steps", .def = "6", .min = 1, .max = 20,
           .help = "rounds of tools that the model may ask for"),
    SL_INT("model_tokens", .def = "60000", .min = 1000, .max = 1000000,
           .help = "tokens that one question may use"),
    SL_OBJECT("slack", slack_config),
    SL_OBJECT("mcp", mcp_config),
    SL_END};

static int start(sl_call *call, const cJSON *options) {
    struct chat *chat = calloc(1, sizeof *chat);
    if (!chat) return sl_fail(call, SL_UNAVAILABLE, "no memory for the chat");
    chat->config = sl_json_keep(options);
    chat->slack_secret = sl_get_text(sl_get(chat->config, "slack"), "signing_secret", "");
    chat->use_model = sl_get_bool(options, "model", 1);
    chat->model_steps = (int)sl_get_int(options, "model_steps", 6);
    chat->model_tokens = (int)sl_get_int(options, "model_tokens", 60000);
    sl_set_state(call, chat);
    return 0;
}

static void stop(sl_call *call) {
    struct chat *chat = sl_state(call);
    if (!chat) return;
    sl_set_state(call, NULL);
    sl_json_drop(chat->config);
    free(chat);
}

static const sl_metric metrics[] = {
    {.name = "chat_questions_total",
     .help = "Questions by how they were understood",
     .labels = "intent,answered",
     .type = SL_COUNTER},
    {.name = "chat_seconds", .help = "Time to an answer", .labels = "method", .type = SL_HISTOGRAM},
    SL_END};

SL_PLUGIN(.name = "chat", .version = "1.0.0",
          .summary =
              "Answers questions about the platform, with evidence; over HTTP, MCP and Slack",
          .license = "Apache-2.0", .config = config, .ops = ops, .jobs = jobs, .schema = schema,
          .metrics = metrics, .start = start, .stop = stop);
