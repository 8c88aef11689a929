/* answer_world.c - budgets, incidents, what happened, whether it is safe, and what documents say.
 * What other plugins bring is used when it is there; what is not there is told. */
#include "chat.h"

#include <stdio.h>
#include <string.h>

enum { SHOWN = 20, PAGES = 4, PAGE_EVENTS = 500 };

static const char *text_of(const cJSON *row, const char *name) {
    return sl_get_text(row, name, "?");
}

/* Is the row of the service that is asked about, or of any? */
static bool is_of_service(const struct inquiry *inquiry, const cJSON *row) {
    const char *app = asked_app(inquiry);
    const char *service = sl_get_text(row, "service", sl_get_text(row, "app_name", NULL));
    const cJSON *one;
    if (!app) return true;
    if (service && strcmp(service, app) == 0) return true;
    cJSON_ArrayForEach(one,
                       sl_get(row, "services")) if (cJSON_IsString(one) &&
                                                    strcmp(one->valuestring, app) == 0) return true;
    return false;
}

/* ---- objectives ---- */

static const char *burns_of(struct inquiry *inquiry, const cJSON *item) {
    const char *text = "";
    const cJSON *burn;
    cJSON_ArrayForEach(burn, sl_get(item, "burn")) if (cJSON_IsNumber(burn)) text =
        sl_printf(inquiry->call, "%s%s%.3g over %s", text, *text ? ", " : "", burn->valuedouble,
                  burn->string);
    return text;
}

static const char *objective_ref(struct inquiry *inquiry, const cJSON *item) {
    return cite(
        inquiry, "slo",
        sl_printf(inquiry->call, "slo/%s/%s", text_of(item, "service"), text_of(item, "objective")),
        sl_printf(inquiry->call, "target %g, window %s, budget left %.4g",
                  sl_get_number(item, "target", 0), text_of(item, "window"),
                  sl_get_number(item, "budget_left", 0)),
        NULL);
}

/* Tells each objective; the smallest budget that is left, or 2 when there is none. */
static double tell_objectives(struct inquiry *inquiry, bool all) {
    const cJSON *answer = look(inquiry, "slo.status", cJSON_CreateObject()), *item;
    double least = 2;
    int shown = 0;
    cJSON_ArrayForEach(item, sl_get(answer, "items")) {
        const cJSON *left = sl_get(item, "budget_left");
        if (!is_of_service(inquiry, item)) continue;
        if (!cJSON_IsNumber(left)) {
            if (all)
                say(inquiry, "Of %s %s there is no data, so its budget is not known %s.",
                    text_of(item, "service"), text_of(item, "objective"),
                    objective_ref(inquiry, item));
            continue;
        }
        if (left->valuedouble < least) least = left->valuedouble;
        const cJSON *alerts = sl_get(item, "alerts");
        if (shown++ >= SHOWN ||
            (!all && !asked_app(inquiry) && left->valuedouble > 0.25 && !(alerts && alerts->child)))
            continue;
        const char *burns = burns_of(inquiry, item);
        say(inquiry, "%s %s: %.1f %% of the error budget is left (target %g)%s%s %s.",
            text_of(item, "service"), text_of(item, "objective"), 100 * left->valuedouble,
            sl_get_number(item, "target", 0), *burns ? "; burn rate " : "", burns,
            objective_ref(inquiry, item));
    }
    return least;
}

void answer_budget(struct inquiry *inquiry) {
    const double least = tell_objectives(inquiry, true);
    if (words_about(&inquiry->words, "confidence") && can_look(inquiry, "slo.confidence")) {
        const cJSON *item, *answer = look(inquiry, "slo.confidence", cJSON_CreateObject());
        cJSON_ArrayForEach(item, sl_get(answer, "items")) if (is_of_service(inquiry, item))
            say(inquiry, "The confidence in %s is %g of 100, %s %s.", text_of(item, "service"),
                sl_get_number(item, "score", 0), text_of(item, "level"),
                cite(inquiry, "metric",
                     sl_printf(inquiry->call, "confidence/%s", text_of(item, "service")),
                     sl_printf(inquiry->call, "%g %s", sl_get_number(item, "score", 0),
                               text_of(item, "level")),
                     NULL));
    }
    if (*inquiry->answer) {
        if (least < 0) say(inquiry, "A budget below zero is overspent.");
        suggest(inquiry, "slo.status", cJSON_CreateObject(), "see all objectives");
        return;
    }
    inquiry->answerable = false;
    inquiry->confidence = 0.3;
    if (inquiry->trouble)
        say(inquiry, "I cannot read error budgets: %s.", inquiry->trouble);
    else
        say(inquiry, "No objectives%s are known.", scope_text(inquiry));
}

/* ---- incidents ---- */

static bool is_open(const cJSON *incident) {
    const char *status = sl_get_text(incident, "status", sl_get_text(incident, "state", "open"));
    return strcmp(status, "resolved") != 0 && strcmp(status, "merged") != 0 &&
           strcmp(status, "closed") != 0;
}

static const char *incident_id(const cJSON *incident) {
    return sl_get_text(incident, "id", text_of(incident, "incident_id"));
}

static int tell_open_incidents(struct inquiry *inquiry) {
    const cJSON *answer = look(inquiry, "incident.list", cJSON_CreateObject()), *incident;
    if (!answer) return -1;
    int count = 0;
    cJSON_ArrayForEach(incident, sl_get(answer, "items")) {
        if (!is_open(incident) || !is_of_service(inquiry, incident) || count++ >= SHOWN) continue;
        const char *id = incident_id(incident), *title = text_of(incident, "title");
        say(inquiry, "Incident %s is open: %s (%s) %s.", id, title, text_of(incident, "severity"),
            cite(inquiry, "incident", sl_printf(inquiry->call, "incident/%s", id), title, NULL));
        if (count == 1) note_found(inquiry, "incident", id);
    }
    return count;
}

static void tell_one_incident(struct inquiry *inquiry, const char *id) {
    const cJSON *incident = look(inquiry, "incident.get", object1("id", id));
    if (!incident) {
        inquiry->answerable = false;
        inquiry->confidence = 0.3;
        say(inquiry, "I cannot read incident %s: %s.", id, inquiry->trouble);
        return;
    }
    const char *title = text_of(incident, "title");
    const char *ref =
        cite(inquiry, "incident", sl_printf(inquiry->call, "incident/%s", id), title, NULL);
    say(inquiry, "Incident %s: %s, %s, %s %s.", id, title, text_of(incident, "severity"),
        sl_get_text(incident, "status", text_of(incident, "state")), ref);
    const cJSON *suspects = sl_get(look(inquiry, "incident.suspects", object1("id", id)), "items");
    const cJSON *first = cJSON_GetArrayItem(suspects, 0);
    if (first) {
        const char *deployment = sl_get_text(first, "deployment_id", text_of(first, "id"));
        inquiry->root_cause =
            sl_printf(inquiry->call, "the most suspect change is deployment %s", deployment);
        say(inquiry, "The most suspect change is deployment %s (score %.2g) %s.", deployment,
            sl_get_number(first, "score", 0),
            cite(inquiry, "deployment", sl_printf(inquiry->call, "deployment/%s", deployment),
                 "suspect of the incident", NULL));
    }
    note_found(inquiry, "incident", id);
    suggest(inquiry, "incident.timeline", object1("id", id), "see what happened when");
}

void answer_incidents(struct inquiry *inquiry) {
    const char *before = sl_get_text(inquiry->context, "incident", NULL);
    if (*inquiry->slots.incident || (before && !inquiry->slots.app_count)) {
        tell_one_incident(inquiry, *inquiry->slots.incident ? inquiry->slots.incident : before);
        return;
    }
    const int count = tell_open_incidents(inquiry);
    if (count < 0) {
        inquiry->answerable = false;
        inquiry->confidence = 0.3;
        say(inquiry, "I cannot see incidents: %s.", inquiry->trouble);
    } else if (!count) {
        say(inquiry, "No incident%s is open.", scope_text(inquiry));
    }
    suggest(inquiry, "incident.list", cJSON_CreateObject(), "see all incidents");
}

/* ---- is it safe? ---- */

struct judgement {
    int against, unseen;
    const char *first; /* what speaks against it first */
};

static void hold_against(struct inquiry *inquiry, struct judgement *judgement, const char *words) {
    if (!judgement->against++) judgement->first = sl_strdup(inquiry->call, words);
}

static void judge_budget(struct inquiry *inquiry, struct judgement *judgement) {
    if (!can_look(inquiry, "slo.status")) {
        judgement->unseen++;
        assume(inquiry, "error budgets were not looked at: slo.status is not served here");
        return;
    }
    const double least = tell_objectives(inquiry, false);
    if (least < 0.1)
        hold_against(
            inquiry, judgement,
            sl_printf(inquiry->call, "only %.1f %% of an error budget is left", 100 * least));
}

static void judge_incidents(struct inquiry *inquiry, struct judgement *judgement) {
    const int open = tell_open_incidents(inquiry);
    if (open > 0)
        hold_against(
            inquiry, judgement,
            sl_printf(inquiry->call, "%d incident%s open", open, open == 1 ? " is" : "s are"));
    if (open >= 0) return;
    judgement->unseen++;
    assume(inquiry, "incidents were not looked at: %s", inquiry->trouble);
}

static void judge_freezes(struct inquiry *inquiry, struct judgement *judgement) {
    const char *environment = asked_environment(inquiry);
    const cJSON *answer = look(inquiry, "rollout.freezes", cJSON_CreateObject()), *freeze;
    if (!answer) {
        judgement->unseen++;
        assume(inquiry, "freezes were not looked at: %s", inquiry->trouble);
    }
    cJSON_ArrayForEach(freeze, sl_get(answer, "items")) {
        const char *of = sl_get_text(freeze, "environment", NULL);
        const char *app = sl_get_text(freeze, "app", NULL);
        if (!sl_get_bool(freeze, "active", 1) ||
            (app && asked_app(inquiry) && strcmp(app, asked_app(inquiry)) != 0) ||
            (of && environment && strcmp(of, environment) != 0))
            continue;
        say(inquiry, "A freeze is in force: %s %s.",
            sl_get_text(freeze, "reason", "no reason is told"),
            cite(inquiry, "freeze",
                 sl_printf(inquiry->call, "freeze/%s",
                           sl_get_text(freeze, "id", text_of(freeze, "name"))),
                 sl_json_print(inquiry->call, freeze), NULL));
        hold_against(inquiry, judgement, "a freeze is in force");
    }
}

static void judge_deployments(struct inquiry *inquiry, struct judgement *judgement) {
    const cJSON *newest = fitting_deployments(inquiry)->child;
    if (!newest) {
        judgement->unseen++;
        say(inquiry, "No deployment%s is known to learn from.", scope_text(inquiry));
        return;
    }
    const char *status = text_of(newest, "status");
    const char *which = sl_printf(inquiry->call, "the last deployment of %s to %s is %s (risk %s)",
                                  text_of(newest, "app_name"), text_of(newest, "environment"),
                                  status, text_of(newest, "risk_level"));
    say(inquiry, "%c%s %s.", which[0] - 'a' + 'A', which + 1, deployment_ref(inquiry, newest));
    note_found(inquiry, "deployment", text_of(newest, "id"));
    const cJSON *trouble = last_trouble(deployment_events(inquiry, text_of(newest, "id")));
    if (trouble && trouble_is_planned(trouble)) trouble = NULL;
    if (strcmp(status, "DENIED") == 0 || status_failed(status) || status_waits(status) || trouble)
        hold_against(inquiry, judgement, trouble ? "its last rollout is in trouble" : which);
}

void answer_safe(struct inquiry *inquiry) {
    struct judgement judgement = {0};
    const struct slots *slots = &inquiry->slots;
    if (*slots->unknown && !slots->app_count && inquiry->deployments->child) {
        inquiry->answerable = false;
        inquiry->confidence = 0.4;
        say(inquiry, "I know no application called '%s', so I cannot tell.", slots->unknown);
        return;
    }
    inquiry->slots.time = (struct moment){0};
    judge_freezes(inquiry, &judgement);
    judge_incidents(inquiry, &judgement);
    judge_budget(inquiry, &judgement);
    judge_deployments(inquiry, &judgement);
    const char *told = inquiry->answer;
    inquiry->answer = "";
    if (judgement.against) {
        inquiry->root_cause = judgement.first;
        say(inquiry, "Rather no deployment%s now: %s.", scope_text(inquiry), judgement.first);
    } else if (judgement.unseen) {
        say(inquiry,
            "Nothing that I can see speaks against a deployment%s, but %d of 4 checks could not be made.",
            scope_text(inquiry), judgement.unseen);
    } else {
        say(inquiry, "Yes, nothing speaks against a deployment%s.", scope_text(inquiry));
    }
    say(inquiry, "%s", told);
    say(inquiry, "What decides is the request itself: its risk and the policies.");
    inquiry->confidence = 0.9 - 0.15 * judgement.unseen;
    suggest(inquiry, "policy.list", cJSON_CreateObject(), "see which policies will judge it");
}

/* ---- what happened ---- */

/* Events of the window, newest page first; *cut: there were more than were read. */
static cJSON *events_between(struct inquiry *inquiry, struct moment window, bool *cut) {
    cJSON *list = cJSON_CreateArray();
    int64_t before = 0;
    *cut = false;
    for (int page = 0; page < PAGES; page++) {
        cJSON *in = cJSON_CreateObject();
        cJSON_AddNumberToObject(in, "limit", PAGE_EVENTS);
        if (before)
            cJSON_AddNumberToObject(in, "after",
                                    before > PAGE_EVENTS ? (double)(before - PAGE_EVENTS - 1) : 0);
        const cJSON *items = sl_get(look(inquiry, "events.list", in), "items"), *event;
        const cJSON *first = items ? items->child : NULL;
        if (!first) break;
        cJSON *fresh = cJSON_CreateArray();
        cJSON_ArrayForEach(event, items) {
            const int64_t at_ms = sl_get_int(event, "at_ms", 0), seq = sl_get_int(event, "seq", 0);
            if ((!before || seq < before) && at_ms >= window.from_ms && at_ms <= window.to_ms)
                cJSON_AddItemReferenceToArray(fresh, (cJSON *)event);
        }
        cJSON_ArrayForEach(event, list) cJSON_AddItemReferenceToArray(fresh, (cJSON *)event);
        list = fresh;
        before = sl_get_int(first, "seq", 0);
        if (before <= 1 || sl_get_int(first, "at_ms", 0) < window.from_ms) return list;
    }
    *cut = before > 1;
    return list;
}

static bool is_news(const char *type) {
    return strncmp(type, "deployment.", 11) == 0 || strncmp(type, "rollout.", 8) == 0 ||
           strncmp(type, "incident.", 9) == 0 || strncmp(type, "slo.", 4) == 0;
}

/* Requests are told by their decisions, steps and gates that pass by their ends. */
static bool is_told(const cJSON *event) {
    static const char small[] = " deployment.requested rollout.step_reached rollout.shifted "
                                "rollout.promoting rollout.released slo.confidence_changed ";
    const char *type = text_of(event, "type");
    char padded[80];
    (void)snprintf(padded, sizeof padded, " %s ", type);
    if (!is_news(type) || strstr(small, padded)) return false;
    return strcmp(type, "rollout.gate_judged") != 0 ||
           strcmp(text_of(sl_get(event, "data"), "outcome"), "pass") != 0;
}

static bool event_fits(const struct inquiry *inquiry, const cJSON *event) {
    const cJSON *data = sl_get(event, "data");
    const char *environment = asked_environment(inquiry);
    const char *own = sl_get_text(data, "environment", NULL);
    if (environment && own && strcmp(own, environment) != 0) return false;
    return is_of_service(inquiry, data);
}

static void tell_event(struct inquiry *inquiry, const cJSON *event) {
    const cJSON *data = sl_get(event, "data");
    const cJSON *reason = cJSON_GetArrayItem(sl_get(data, "reasons"), 0);
    const char *why = sl_get_text(data, "reason", sl_get_text(reason, "message", NULL));
    const char *of =
        sl_get_text(data, "app_name", sl_get_text(data, "title", text_of(data, "service")));
    const char *where = sl_get_text(data, "environment", NULL), *type = text_of(event, "type");
    const int64_t at_ms = sl_get_int(event, "at_ms", 0);
    say(inquiry, "%s: %s %s%s%s%s%s %s.", time_text(inquiry->call, at_ms), type, of,
        where ? " in " : "", where ? where : "", why ? ", " : "", why ? why : "",
        cite(inquiry, "event",
             sl_printf(inquiry->call, "event/%lld", (long long)sl_get_int(event, "seq", 0)),
             sl_printf(inquiry->call, "%s %s", type, text_of(event, "subject")),
             iso_text(inquiry->call, at_ms)));
}

void answer_happened(struct inquiry *inquiry) {
    struct moment window = inquiry->slots.time;
    const int64_t now_ms = sl_now_ms(inquiry->call);
    if (!window.to_ms) {
        window = (struct moment){now_ms - INT64_C(24) * 3600 * 1000, now_ms, "the last 24 hours"};
        assume(inquiry, "the last 24 hours are meant");
    }
    bool cut = false;
    const cJSON *events = events_between(inquiry, window, &cut), *event;
    const char *trouble = inquiry->trouble;
    int count = 0;
    cJSON_ArrayForEach(event, events) count += is_told(event) && event_fits(inquiry, event);
    if (!count) {
        say(inquiry, "Nothing%s is recorded between %s and %s%s%s%s.", scope_text(inquiry),
            time_text(inquiry->call, window.from_ms), time_text(inquiry->call, window.to_ms),
            trouble ? " (" : "", trouble ? trouble : "", trouble ? ")" : "");
        if (trouble) inquiry->answerable = false, inquiry->confidence = 0.3;
        return;
    }
    say(inquiry, "%d thing%s happened%s between %s and %s%s.", count, count == 1 ? "" : "s",
        scope_text(inquiry), time_text(inquiry->call, window.from_ms),
        time_text(inquiry->call, window.to_ms), count > SHOWN ? "; the last of them" : "");
    int skip = count > SHOWN ? count - SHOWN : 0;
    cJSON_ArrayForEach(event, events) if (is_told(event) && event_fits(inquiry, event) &&
                                          skip-- <= 0) tell_event(inquiry, event);
    if (cut) assume(inquiry, "only the newest %d events were read", PAGES * PAGE_EVENTS);
    suggest(inquiry, "events.list", cJSON_CreateObject(), "see the log itself");
}

/* ---- documents ---- */

static const char *place_of(struct inquiry *inquiry, const cJSON *passage) {
    const cJSON *lines = sl_get(passage, "lines");
    const cJSON *from = cJSON_GetArrayItem(lines, 0), *to = cJSON_GetArrayItem(lines, 1);
    const char *heading = sl_get_text(passage, "heading", "");
    return sl_printf(inquiry->call, "%s%s%s, lines %d to %d",
                     sl_get_text(passage, "title", text_of(passage, "document")),
                     *heading ? ": " : "", heading, from ? from->valueint : 0,
                     to ? to->valueint : 0);
}

static void cite_passage(struct inquiry *inquiry, const cJSON *passage) {
    cJSON *made = cJSON_Duplicate(passage, 1);
    cJSON_AddItemToArray(inquiry->citations, made);
    stream_event(inquiry, "source", made);
}

static void answer_by_passages(struct inquiry *inquiry, const cJSON *answer) {
    const cJSON *passage;
    int shown = 0;
    inquiry->confidence = sl_get_number(answer, "confidence", 0.5);
    cJSON_ArrayForEach(passage, sl_get(answer, "passages")) {
        if (shown++ == 3) break;
        const char *text = sl_get_text(passage, "text", ""), *place = place_of(inquiry, passage);
        const char *ref =
            cite(inquiry, "passage",
                 sl_printf(inquiry->call, "document/%s", text_of(passage, "document")), text, NULL);
        cite_passage(inquiry, passage);
        if (shown == 1) {
            inquiry->fix = sl_printf(inquiry->call, "%.1200s", text);
            say(inquiry, "%s says %s:\n%.1200s\n", place, ref, text);
        } else {
            say(inquiry, "See also %s %s.", place, ref);
        }
    }
}

static void say_no(struct inquiry *inquiry, const cJSON *answer) {
    inquiry->answerable = false;
    inquiry->confidence = 0.1;
    inquiry->next = NULL;
    if (answer)
        say(inquiry, "I do not know: neither the platform's records nor the documents say.");
    else
        say(inquiry, "I do not know. The runbooks could not be searched either: %s.",
            inquiry->trouble);
    const cJSON *passage;
    const char *nearest = "";
    cJSON_ArrayForEach(passage, sl_get(answer, "passages")) {
        nearest = sl_printf(inquiry->call, "%s%s%s", nearest, *nearest ? "; " : "",
                            sl_get_text(passage, "title", text_of(passage, "document")));
        if (strlen(nearest) > 200) break;
    }
    if (*nearest) say(inquiry, "The nearest documents are: %s.", nearest);
}

/* True when the documents answer. */
static bool ask_documents(struct inquiry *inquiry, const char *query) {
    cJSON *in = object1("query", query);
    cJSON_AddNumberToObject(in, "k", 3);
    const cJSON *answer = look(inquiry, "rag.query", in);
    const cJSON *passages = sl_get(answer, "passages");
    if (answer && sl_get_bool(answer, "answerable", 0) && passages && passages->child) {
        answer_by_passages(inquiry, answer);
        return true;
    }
    say_no(inquiry, answer);
    return false;
}

void add_documents(struct inquiry *inquiry) {
    if (!can_look(inquiry, "rag.query")) return;
    cJSON *in = object1("query", inquiry->question);
    cJSON_AddNumberToObject(in, "k", 3);
    const cJSON *answer = look(inquiry, "rag.query", in), *passages = sl_get(answer, "passages");
    if (!answer || !sl_get_bool(answer, "answerable", 0) || !passages || !passages->child) return;
    say(inquiry, "But");
    answer_by_passages(inquiry, answer);
    inquiry->answerable = true;
}

void answer_documents(struct inquiry *inquiry) {
    (void)ask_documents(inquiry, inquiry->question);
}

void answer_fix(struct inquiry *inquiry) {
    const char *alert = inquiry->slots.alert;
    if (!ask_documents(inquiry, sl_printf(inquiry->call, "%s: %s", alert, inquiry->question)))
        return;
    say(inquiry, "That is what the documents say about %s.", alert);
    inquiry->slots.app_count = 0;
    suggest(inquiry, "incident.list", cJSON_CreateObject(), "see what it is part of");
}
