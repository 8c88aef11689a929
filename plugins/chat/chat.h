/* chat.h - the plugin's state, and one question as the files of the plugin answer it. */
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "intent.h"
#include "slots.h"

#include <sluice/sluice.h>

struct chat {
    cJSON *config;            /* kept */
    const char *slack_secret; /* borrowed from config; "" when Slack is not set up */
    const char *mcp_origins;  /* allowed besides the server's own, split by blanks */
    bool use_model;
    int model_steps, model_tokens;
};

/* One question, and its answer as it grows. All memory is the call's. */
struct inquiry {
    sl_call *call;
    const char *question;
    const cJSON *context; /* what the conversation was about before, or NULL */
    struct words words;
    struct slots slots;
    struct intent_guess guess;
    bool streams;
    const char *grants; /* permissions of an asker without a token (Slack); NULL: the call's own */

    const cJSON *operations;  /* of platform.operations, once asked */
    const cJSON *deployments; /* the newest of all, or an empty list; never NULL once read */
    const cJSON *policies;
    cJSON *phases;       /* {id: phase}, once read */
    const char *trouble; /* why the last look gave nothing */
    const char *blind;   /* why deployments cannot be seen; NULL: they can */

    const char *answer, *root_cause, *fix, *method;
    cJSON *next; /* next_best_action */
    cJSON *evidence, *citations, *steps, *assumptions;
    cJSON *found; /* what it turned out to be about, for the next question */
    double confidence;
    bool answerable;
};

/* ---- inquiry.c ---- */
void inquiry_init(struct inquiry *inquiry, sl_call *call, const char *question,
                  const cJSON *context);
/* Reads words, times and names: asks for what is deployed and which policies there are. */
int inquiry_read(struct inquiry *inquiry);
/* May the asker use what needs this permission? */
bool inquiry_may(const struct inquiry *inquiry, const char *needs);
/* Asks an operation as the asker; `in` is a new object. NULL when it is not there, not permitted or
 * failed: `trouble` says which. Noted in steps. Suspends. */
const cJSON *look(struct inquiry *inquiry, const char *op, cJSON *in);
bool can_look(const struct inquiry *inquiry, const char *op);
/* Notes evidence and gives its mark, "[e1]"; the same reference gets the same mark. `at`: a time, or
 * NULL. */
const char *cite(struct inquiry *inquiry, const char *kind, const char *reference,
                 const char *quote, const char *at);
/* Adds to the answer, with a blank before. */
void say(struct inquiry *inquiry, const char *format, ...) SL_PRINTF(2, 3);
void assume(struct inquiry *inquiry, const char *format, ...) SL_PRINTF(2, 3);
/* What the asker could run next; left out when the operation is not served. Takes `in`. */
void suggest(struct inquiry *inquiry, const char *op, cJSON *in, const char *why);
void note_found(struct inquiry *inquiry, const char *name, const char *value);
/* The whole answer as operations give it. */
void inquiry_tell(const struct inquiry *inquiry, cJSON *out);
const cJSON *operation_named(struct inquiry *inquiry, const char *name);

cJSON *object1(const char *name, const char *value);    /* {name: value} */
const char *time_text(sl_call *call, int64_t at_ms);    /* "2026-11-22 22:38 UTC" */
const char *short_time(sl_call *call, const char *iso); /* of "2026-11-22T22:38:56.795Z" */
const char *iso_text(sl_call *call, int64_t at_ms);
/* "in prod", "of shop", "of shop in prod" or "". */
const char *scope_text(const struct inquiry *inquiry);
const char *asked_app(const struct inquiry *inquiry);         /* or NULL */
const char *asked_environment(const struct inquiry *inquiry); /* or NULL */

/* ---- stream.c: what a client that listens hears ---- */
void stream_begin(struct inquiry *inquiry);
void stream_event(const struct inquiry *inquiry, const char *event, const cJSON *data);
void stream_end(const struct inquiry *inquiry, const cJSON *answer, int64_t began_ns);

/* ---- the answers, by what was asked ---- */
void answer_explain(struct inquiry *inquiry);
void answer_who(struct inquiry *inquiry);
void answer_risk(struct inquiry *inquiry);
void answer_changed(struct inquiry *inquiry);
void answer_deployed(struct inquiry *inquiry);
void answer_deployments(struct inquiry *inquiry);
void answer_safe(struct inquiry *inquiry);
void answer_act(struct inquiry *inquiry);
void answer_fix(struct inquiry *inquiry);
void answer_budget(struct inquiry *inquiry);
void answer_happened(struct inquiry *inquiry);
void answer_incidents(struct inquiry *inquiry);
void answer_policies(struct inquiry *inquiry);
void answer_freeze(struct inquiry *inquiry);
void answer_help(struct inquiry *inquiry);
void answer_documents(struct inquiry *inquiry);
/* Adds what the documents say, when they do; else nothing. */
void add_documents(struct inquiry *inquiry);

/* ---- deployments.c ---- */
enum wanted { WANT_ANY, WANT_FAILED, WANT_BLOCKED, WANT_WAITING };
/* The deployment that is asked about, whole (deploy.get), or NULL after saying why. */
const cJSON *pick_deployment(struct inquiry *inquiry, enum wanted wanted);
/* Rows of deploy.list that the question's slots fit, newest first: a new array of references. */
cJSON *fitting_deployments(struct inquiry *inquiry);
/* The events of a deployment in order, or an empty list. */
const cJSON *deployment_events(struct inquiry *inquiry, const char *id);
/* The last event that tells of trouble (or of waiting) after which nothing went on; NULL: none. */
const cJSON *last_trouble(const cJSON *events);
bool trouble_is_planned(const cJSON *trouble); /* a pause that the steps ask for */
/* Reads in which phase the rollouts are; nothing where there are none. */
void read_phases(struct inquiry *inquiry);
const char *phase_of(const struct inquiry *inquiry, const cJSON *row); /* "" */
const char *deployment_ref(struct inquiry *inquiry, const cJSON *deployment);
bool status_failed(const char *status);
bool status_waits(const char *status);

/* ---- ask.c ---- */
/* Answers into `out`; 0, or told. Suspends. */
int answer_question(struct inquiry *inquiry, cJSON *out);
int chat_ask(sl_call *call, const cJSON *in, cJSON *out);

/* ---- model.c ---- */
/* Lets the language model answer in its own words, from what operations returned. False: there is no
 * model, or what it said did not hold: the composed answer stays. Suspends. */
bool answer_by_model(struct inquiry *inquiry);

/* ---- mcp.c, slack_ops.c ---- */
int mcp_post(sl_call *call, const cJSON *in, cJSON *out);
int slack_command(sl_call *call, const cJSON *in, cJSON *out);
int slack_events(sl_call *call, const cJSON *in, cJSON *out);
int slack_job(sl_call *call, const cJSON *in);

/* ---- tools.c: operations as tools ---- */
/* JSON Schema of an operation's input, from its row of platform.operations. */
cJSON *tool_schema(const cJSON *operation);
/* True for operations that a tool may be: not raw, and reading unless `writes`. */
bool tool_fits(const cJSON *operation, bool writes);
/* "deploy.list" -> "deploy_list": providers take no dots. */
const char *tool_name(sl_call *call, const char *operation);
const cJSON *tool_operation(const cJSON *operations, const char *tool);

#endif
