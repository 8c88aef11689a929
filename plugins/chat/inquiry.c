#include "chat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUOTE_BYTES = 600, NAMES_READ = 500 };

void inquiry_init(struct inquiry *inquiry, sl_call *call, const char *question,
                  const cJSON *context) {
    *inquiry = (struct inquiry){.call = call,
                                .question = question,
                                .context = context,
                                .answer = "",
                                .root_cause = "",
                                .fix = "",
                                .method = "intents",
                                .evidence = cJSON_CreateArray(),
                                .citations = cJSON_CreateArray(),
                                .steps = cJSON_CreateArray(),
                                .assumptions = cJSON_CreateArray(),
                                .found = cJSON_CreateObject(),
                                .confidence = 0.9,
                                .answerable = true};
}

/* ---- small things ---- */

cJSON *object1(const char *name, const char *value) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, name, value);
    return object;
}

static const char *formatted(sl_call *call, int64_t at_ms, const char *format) {
    const time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;
    char *text = sl_alloc(call, 40);
    gmtime_r(&seconds, &tm);
    strftime(text, 40, format, &tm);
    return text;
}

const char *time_text(sl_call *call, int64_t at_ms) {
    return formatted(call, at_ms, "%Y-%m-%d %H:%M UTC");
}

const char *iso_text(sl_call *call, int64_t at_ms) {
    return formatted(call, at_ms, "%Y-%m-%dT%H:%M:%SZ");
}

const char *short_time(sl_call *call, const char *iso) {
    if (strlen(iso) < 16) return iso;
    return sl_printf(call, "%.10s %.5s UTC", iso, iso + 11);
}

const char *asked_app(const struct inquiry *inquiry) {
    return inquiry->slots.app_count ? inquiry->slots.apps[0]
                                    : sl_get_text(inquiry->context, "app", NULL);
}

const char *asked_environment(const struct inquiry *inquiry) {
    return inquiry->slots.environment_count ? inquiry->slots.environments[0]
                                            : sl_get_text(inquiry->context, "environment", NULL);
}

const char *scope_text(const struct inquiry *inquiry) {
    const char *app = asked_app(inquiry), *environment = asked_environment(inquiry);
    return sl_printf(inquiry->call, "%s%s%s%s", app ? " of " : "", app ? app : "",
                     environment ? " in " : "", environment ? environment : "");
}

void note_found(struct inquiry *inquiry, const char *name, const char *value) {
    if (!value || !*value) return;
    cJSON_DeleteItemFromObjectCaseSensitive(inquiry->found, name);
    cJSON_AddStringToObject(inquiry->found, name, value);
}

/* ---- asking ---- */

bool can_look(const struct inquiry *inquiry, const char *op) {
    return sl_has_op(inquiry->call, op) != 0;
}

/* One of the permissions that are split by blanks, or "noun:*". */
static bool is_granted(const char *grants, const char *needed) {
    const char *colon = strchr(needed, ':');
    for (const char *at = grants; *at;) {
        const size_t size = strcspn(at, " ");
        if (size == strlen(needed) && memcmp(at, needed, size) == 0) return true;
        if (colon && size == (size_t)(colon - needed) + 2 && at[size - 1] == '*' &&
            memcmp(at, needed, size - 1) == 0)
            return true;
        at += size;
        while (*at == ' ') at++;
    }
    return false;
}

bool inquiry_may(const struct inquiry *inquiry, const char *needs) {
    if (strcmp(needs, "any") == 0 || strcmp(needs, "public") == 0) return true;
    if (!*needs) return false;
    return inquiry->grants ? is_granted(inquiry->grants, needs) : sl_can(inquiry->call, needs) != 0;
}

/* As the asker: with a token by the host's check, else by what Slack's people are granted. */
static int invoke_as_asker(struct inquiry *inquiry, const char *op, const cJSON *in, cJSON **out) {
    sl_call *call = inquiry->call;
    if (!inquiry->grants) return sl_invoke_as_caller(call, op, in, out);
    const cJSON *row = operation_named(inquiry, op);
    if (strcmp(sl_get_text(row, "effect", "writes"), "reads") != 0 ||
        !inquiry_may(inquiry, sl_get_text(row, "needs", "")))
        return sl_fail(call, SL_DENIED, "%s is not permitted here", op);
    return sl_invoke(call, op, in, out);
}

const cJSON *look(struct inquiry *inquiry, const char *op, cJSON *in) {
    sl_call *call = inquiry->call;
    cJSON *step = cJSON_CreateObject(), *out = NULL;
    cJSON_AddStringToObject(step, "operation", op);
    cJSON_AddItemToObject(step, "input", in);
    const int64_t began_ns = sl_clock_ns(call);
    const int rc = sl_has_op(call, op) ? invoke_as_asker(inquiry, op, in, &out) : SL_NOT_FOUND;
    inquiry->trouble = NULL;
    if (rc && !sl_has_op(call, op))
        inquiry->trouble = sl_printf(call, "%s is not served here", op);
    else if (rc == SL_DENIED || rc == SL_UNAUTHENTICATED)
        inquiry->trouble = sl_printf(call, "you are not permitted to use %s", op);
    else if (rc)
        inquiry->trouble = sl_printf(call, "%s: %.300s", op, sl_failure(call));
    cJSON_AddStringToObject(step, "outcome", rc ? inquiry->trouble : "ok");
    cJSON_AddNumberToObject(step, "ms", (double)(sl_clock_ns(call) - began_ns) / 1e6);
    cJSON_AddItemToArray(inquiry->steps, step);
    stream_event(inquiry, "step", step);
    return rc ? NULL : out;
}

const cJSON *operation_named(struct inquiry *inquiry, const char *name) {
    if (!inquiry->operations) {
        cJSON *out = NULL;
        if (sl_invoke(inquiry->call, "platform.operations", NULL, &out)) return NULL;
        inquiry->operations = sl_get(out, "items");
    }
    const cJSON *op;
    cJSON_ArrayForEach(op, inquiry->operations) if (strcmp(sl_get_text(op, "name", ""), name) ==
                                                    0) return op;
    return NULL;
}

/* ---- saying ---- */

void say(struct inquiry *inquiry, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    const int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) return;
    inquiry->answer =
        sl_printf(inquiry->call, "%s%s%s", inquiry->answer, *inquiry->answer ? " " : "", text);
    free(text);
}

void assume(struct inquiry *inquiry, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = NULL;
    const int size = vasprintf(&text, format, args);
    va_end(args);
    if (size < 0) return;
    cJSON_AddItemToArray(inquiry->assumptions, cJSON_CreateString(text));
    free(text);
}

const char *cite(struct inquiry *inquiry, const char *kind, const char *reference,
                 const char *quote, const char *at) {
    cJSON *item;
    cJSON_ArrayForEach(item, inquiry->evidence) {
        if (strcmp(sl_get_text(item, "ref", ""), reference) == 0 &&
            strcmp(sl_get_text(item, "quote", ""), quote) == 0)
            return sl_printf(inquiry->call, "[%s]", sl_get_text(item, "id", ""));
    }
    const char *id = sl_printf(inquiry->call, "e%d", cJSON_GetArraySize(inquiry->evidence) + 1);
    item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "id", id);
    cJSON_AddStringToObject(item, "kind", kind);
    cJSON_AddStringToObject(item, "ref", reference);
    cJSON_AddStringToObject(item, "quote", sl_printf(inquiry->call, "%.*s", QUOTE_BYTES, quote));
    if (at && *at) cJSON_AddStringToObject(item, "at", at);
    cJSON_AddItemToArray(inquiry->evidence, item);
    stream_event(inquiry, "source", item);
    return sl_printf(inquiry->call, "[%s]", id);
}

void suggest(struct inquiry *inquiry, const char *op, cJSON *in, const char *why) {
    if (inquiry->next || !can_look(inquiry, op)) return;
    const cJSON *row = operation_named(inquiry, op);
    const char *needs = sl_get_text(row, "needs", "");
    inquiry->next = cJSON_CreateObject();
    cJSON_AddStringToObject(inquiry->next, "operation", op);
    cJSON_AddItemToObject(inquiry->next, "input", in);
    cJSON_AddStringToObject(inquiry->next, "why", why);
    cJSON_AddStringToObject(inquiry->next, "effect", sl_get_text(row, "effect", "reads"));
    cJSON_AddBoolToObject(inquiry->next, "permitted", inquiry_may(inquiry, needs));
}

/* ---- reading the question ---- */

static bool has_name(const char *const *names, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

/* The different values of a member of a list's rows. */
static struct known names_of(sl_call *call, const cJSON *rows, const char *member) {
    const size_t size = (size_t)cJSON_GetArraySize(rows);
    const char **names = sl_alloc(call, (size + 1) * sizeof *names);
    size_t count = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const char *name = sl_get_text(row, member, NULL);
        if (name && *name && count < SLOT_NAMES && !has_name(names, count, name))
            names[count++] = name;
    }
    return (struct known){names, count};
}

static const cJSON *items_of(const cJSON *answer) {
    const cJSON *items = sl_get(answer, "items");
    return items ? items : cJSON_CreateArray();
}

/* An application whose last deployment is long ago is not among the newest. */
static void find_unknown_app(struct inquiry *inquiry) {
    struct slots *slots = &inquiry->slots;
    if (!*slots->unknown || slots->app_count) return;
    cJSON *in = cJSON_CreateObject();
    cJSON_AddStringToObject(in, "app_name", slots->unknown);
    cJSON_AddNumberToObject(in, "limit", 50);
    const cJSON *rows = items_of(look(inquiry, "deploy.list", in));
    if (!rows->child) return;
    slots->apps[slots->app_count++] = sl_strdup(inquiry->call, slots->unknown);
    slots->unknown[0] = 0;
    inquiry->deployments = rows;
}

/* Services with objectives are known too, deployed here or not. */
static struct known app_names(struct inquiry *inquiry) {
    struct known apps = names_of(inquiry->call, inquiry->deployments, "app_name");
    if (!can_look(inquiry, "slo.objectives")) return apps;
    const cJSON *rows = items_of(look(inquiry, "slo.objectives", cJSON_CreateObject())), *row;
    const size_t most = apps.count + (size_t)cJSON_GetArraySize(rows);
    const char **all = sl_alloc(inquiry->call, (most + 1) * sizeof *all);
    if (apps.count) memcpy(all, apps.names, apps.count * sizeof *all);
    cJSON_ArrayForEach(row, rows) {
        const char *id = sl_get_text(row, "id", ""); /* service/name */
        const char *service = sl_strndup(inquiry->call, id, strcspn(id, "/"));
        if (*service && apps.count < SLOT_NAMES && !has_name(all, apps.count, service))
            all[apps.count++] = service;
    }
    return (struct known){all, apps.count};
}

int inquiry_read(struct inquiry *inquiry) {
    sl_call *call = inquiry->call;
    words_read(&inquiry->words, inquiry->question);
    slots_read(&inquiry->slots, &inquiry->words, sl_now_ms(call));
    cJSON *in = cJSON_CreateObject();
    cJSON_AddNumberToObject(in, "limit", NAMES_READ);
    inquiry->deployments = items_of(look(inquiry, "deploy.list", in));
    inquiry->blind = inquiry->trouble;
    inquiry->policies = items_of(look(inquiry, "policy.list", cJSON_CreateObject()));
    slots_names(&inquiry->slots, &inquiry->words, app_names(inquiry),
                names_of(call, inquiry->policies, "name"), (struct known){NULL, 0});
    find_unknown_app(inquiry);
    const struct slots *slots = &inquiry->slots;
    inquiry->guess = intent_guess(&inquiry->words,
                                  (struct intent_facts){.app = slots->app_count > 0,
                                                        .environment = slots->environment_count > 0,
                                                        .deployment = *slots->deployment != 0,
                                                        .incident = *slots->incident != 0,
                                                        .alert = *slots->alert != 0,
                                                        .time = slots->time.to_ms != 0});
    if (*slots->assumed) assume(inquiry, "%s", slots->assumed);
    if (slots->time.to_ms)
        assume(inquiry, "'%s' is %s to %s", slots->time.words, time_text(call, slots->time.from_ms),
               time_text(call, slots->time.to_ms));
    note_found(inquiry, "app", asked_app(inquiry));
    note_found(inquiry, "environment", asked_environment(inquiry));
    return sl_cancelled(call);
}

/* ---- telling ---- */

static cJSON *reference_to(const cJSON *item) {
    return cJSON_Duplicate(item, 1);
}

/* Is it among the marks of a text: [e1], [e1, e2]? */
static bool names_mark(const char *text, const char *id) {
    const size_t size = strlen(id);
    for (const char *at = text; (at = strstr(at, id)); at++) {
        const bool begins = at > text && strchr("[, ", at[-1]);
        if (begins && (at[size] == ']' || at[size] == ',')) return true;
    }
    return false;
}

/* What a reader wants to see with the answer: the evidence that its text names. */
static void add_citations(const struct inquiry *inquiry, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "citations");
    const cJSON *item;
    cJSON_ArrayForEach(item, inquiry->evidence) {
        if (!names_mark(inquiry->answer, sl_get_text(item, "id", ""))) continue;
        cJSON *made = cJSON_CreateObject();
        cJSON_AddStringToObject(made, "id", sl_get_text(item, "id", ""));
        cJSON_AddStringToObject(made, "ref", sl_get_text(item, "ref", ""));
        cJSON_AddItemToArray(list, made);
    }
    cJSON_ArrayForEach(item, inquiry->citations) cJSON_AddItemToArray(list, reference_to(item));
}

void inquiry_tell(const struct inquiry *inquiry, cJSON *out) {
    cJSON_AddStringToObject(out, "answer", inquiry->answer);
    if (*inquiry->root_cause) cJSON_AddStringToObject(out, "root_cause", inquiry->root_cause);
    if (*inquiry->fix) cJSON_AddStringToObject(out, "fix", inquiry->fix);
    if (inquiry->next) cJSON_AddItemToObject(out, "next_best_action", inquiry->next);
    add_citations(inquiry, out);
    cJSON_AddItemToObject(out, "evidence", inquiry->evidence);
    cJSON_AddNumberToObject(out, "confidence", inquiry->confidence);
    cJSON_AddBoolToObject(out, "answerable", inquiry->answerable);
    cJSON_AddStringToObject(out, "method", inquiry->method);
    cJSON_AddStringToObject(out, "intent", intent_name(inquiry->guess.intent));
    cJSON_AddItemToObject(out, "assumptions", inquiry->assumptions);
    cJSON_AddItemToObject(out, "steps", inquiry->steps);
    cJSON_AddItemToObject(out, "context", inquiry->found);
}
