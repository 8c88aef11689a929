#include "story.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

/* ---- facts ---- */

__attribute__((format(printf, 4, 5))) static int fact(struct told *t, const char *kind,
                                                      const char *source, const char *format, ...) {
    if (t->fact_count == STORY_FACTS) return -1;
    struct fact *f = &t->facts[t->fact_count];
    (void)snprintf(f->id, sizeof f->id, "F%zu", t->fact_count + 1);
    f->kind = kind;
    f->source = source;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->text, sizeof f->text, format, args);
    va_end(args);
    return (int)t->fact_count++;
}

/* Indexes of what sentences refer to; -1: there is no such fact. */
struct known {
    int title, severity, status, services, onset, detected, acknowledged, mitigated, resolved, next,
        lasted, requests, users, said_impact, regions, budget, alerts, cause, trigger, resolution,
        workaround, public_title, public_text, components, commander, sampled, no_cause, no_suspect,
        detection, acknowledgement, mitigation;
    int causes[STORY_LIST], suspects[STORY_LIST], patterns[STORY_LIST], spots[STORY_LIST],
        actions[STORY_LIST], stated[STORY_LIST];
};

static int time_fact(struct told *t, const char *kind, const char *source, int64_t ms,
                     const char *words) {
    char at[WHEN_TEXT], day[WHEN_TEXT];
    if (!ms) return -1;
    return fact(t, kind, source, "%s %s (%s)", words, when_print(ms, at), when_day(ms, day));
}

static int said(struct told *t, const char *kind, const char *text) {
    return text && *text ? fact(t, kind, "a person", "%s", text) : -1;
}

static const char *join(const char *const *list, char *out, size_t room) {
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < STORY_LIST && list[i] && used + 4 < room; i++) {
        const int n = snprintf(out + used, room - used, "%s%s", i ? ", " : "", list[i]);
        used += n > 0 && (size_t)n < room - used ? (size_t)n : room - used - 1;
    }
    return out;
}

static int duration(struct told *t, const char *kind, int64_t from, int64_t to, const char *words) {
    char lasting[WHEN_TEXT];
    if (!from || to < from) return -1;
    return fact(t, kind, "computed", "%s %s", words, when_lasting(to - from, lasting));
}

static void list_facts(struct told *t, const char *kind, const char *source,
                       const char *const *list, int *out) {
    for (size_t i = 0; i < STORY_LIST; i++)
        out[i] = list[i] ? fact(t, kind, source, "%s", list[i]) : -1;
}

static void times(const struct story *s, struct told *t, struct known *k) {
    const int64_t end = s->resolved_ms ? s->resolved_ms : s->now_ms;
    k->onset = time_fact(t, "onset", "alerts and telemetry", s->onset_ms, "it began at");
    k->detected = time_fact(t, "detected", "alerts", s->detected_ms, "it was detected at");
    k->acknowledged =
        time_fact(t, "acknowledged", "a person", s->acknowledged_ms, "it was acknowledged at");
    k->mitigated = time_fact(t, "mitigated", "timeline", s->mitigated_ms, "it was mitigated at");
    k->resolved = time_fact(t, "resolved", "timeline", s->resolved_ms, "it was resolved at");
    k->next = time_fact(t, "next_update", "schedule", s->next_ms, "the next update comes by");
    k->lasted = s->onset_ms ? duration(t, "duration", s->onset_ms, end,
                                       s->resolved_ms ? "it lasted" : "it has lasted")
                            : -1;
    k->detection = duration(t, "time_to_detect", s->onset_ms, s->detected_ms, "detected after");
    k->acknowledgement = duration(t, "time_to_acknowledge", s->detected_ms, s->acknowledged_ms,
                                  "acknowledged after");
    k->mitigation =
        duration(t, "time_to_mitigate", s->onset_ms, s->mitigated_ms, "mitigated after");
}

static void impact(const struct story *s, struct told *t, struct known *k) {
    k->requests =
        s->requests > 0
            ? fact(t, "impact", s->impact_source ? s->impact_source : "spans",
                   "%.0f of %.0f requests failed beyond the usual, %.1f %% (95 %% interval "
                   "%.1f to %.1f %%)",
                   s->failed, s->requests, s->share * 100, s->share_low * 100, s->share_high * 100)
            : fact(t, "impact", "telemetry",
                   "the share of failed requests is not known: no requests were counted");
    k->users = s->users >= 0
                   ? fact(t, "users", s->impact_source ? s->impact_source : "spans",
                          "at least %.0f users met an error", s->users)
                   : fact(t, "users", "telemetry",
                          "the number of users is not known: no failed request names one");
    k->said_impact = said(t, "impact_stated", s->impact_text);
    k->regions = said(t, "regions", s->regions);
    k->budget =
        isnan(s->budget_left)
            ? -1
            : fact(t, "budget", "slo", "%.0f %% of the error budget is left", s->budget_left * 100);
}

static void gather(const struct story *s, struct told *t, struct known *k) {
    char list[400];
    k->title = fact(t, "title", "incident", "%s", s->title ? s->title : "an incident");
    k->severity =
        fact(t, "severity", "incident", "severity %s", s->severity ? s->severity : "SEV3");
    k->status = fact(t, "status", "incident", "status %s", story_public_status(s));
    k->services = s->services[0] ? fact(t, "services", "alerts", "services: %s",
                                        join(s->services, list, sizeof list))
                                 : -1;
    times(s, t, k);
    impact(s, t, k);
    k->alerts = s->alerts > 0 ? fact(t, "alerts", "alerts", "%d alerts, %d firing: %s", s->alerts,
                                     s->firing, join(s->alert_names, list, sizeof list))
                              : -1;
    k->cause = said(t, "cause", s->cause);
    k->trigger = said(t, "trigger", s->trigger);
    k->resolution = said(t, "resolution", s->resolution);
    k->workaround = said(t, "workaround", s->workaround);
    k->public_title = said(t, "public_title", s->public_title);
    k->public_text = said(t, "public_text", s->public_text);
    k->components =
        s->components[0] ? said(t, "components", join(s->components, list, sizeof list)) : -1;
    k->commander = s->commander ? fact(t, "commander", "roles", "%s leads", s->commander) : -1;
    list_facts(t, "root_cause", "telemetry", s->causes, k->causes);
    list_facts(t, "suspect", "changes", s->suspects, k->suspects);
    list_facts(t, "log_pattern", "logs", s->patterns, k->patterns);
    list_facts(t, "hot_spot", "spans", s->spots, k->spots);
    list_facts(t, "action", "timeline", s->actions, k->actions);
    list_facts(t, "stated", "context", s->stated, k->stated);
    k->no_cause = s->no_cause ? fact(t, "no_root_cause", "telemetry", "%s", s->no_cause) : -1;
    k->no_suspect = s->no_suspect ? fact(t, "no_suspect", "changes", "%s", s->no_suspect) : -1;
    k->sampled = s->sampled ? fact(t, "sampling", "telemetry", "%s", s->sampled) : -1;
}

/* ---- sentences ---- */

struct pen {
    const struct told *told;
    struct text_of_audience *text;
    const struct internal_words *internal; /* only when customers read it */
};

/* `facts` end with -2; those that are -1 are passed over. */
__attribute__((format(printf, 3, 4))) static bool say(struct pen *pen, const int *facts,
                                                      const char *format, ...) {
    struct text_of_audience *text = pen->text;
    if (text->count == STORY_SENTENCES) return false;
    struct sentence *s = &text->items[text->count];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->text, sizeof s->text, format, args);
    va_end(args);
    char why[120];
    if (pen->internal && !safe_for_customers(s->text, pen->internal, why)) {
        text->withheld++;
        return false;
    }
    size_t n = 0;
    for (; *facts != -2; facts++)
        if (*facts >= 0 && n < 7) s->facts[n++] = *facts;
    s->facts[n] = -1;
    text->count++;
    return true;
}

#define FACTS(...) ((const int[]){__VA_ARGS__, -2})

static const char *fact_text(const struct told *t, int i) {
    return i >= 0 ? t->facts[i].text : "";
}

const char *story_public_status(const struct story *s) {
    if (s->resolved_ms || (s->status && strcmp(s->status, "resolved") == 0)) return "resolved";
    if (s->mitigated_ms || (s->status && strcmp(s->status, "mitigated") == 0)) return "monitoring";
    return s->cause ? "identified" : "investigating";
}

/* Customers read a rounded share: the exact one tells them nothing more. */
static const char *share_words(double share) {
    static const struct {
        double below;
        const char *words;
    } steps[] = {{0.005, "A very small part"},
                 {0.05, "A small part"},
                 {0.25, "Some"},
                 {0.5, "Many"},
                 {2, "Most"}};
    size_t i = 0;
    while (share >= steps[i].below && i < 4) i++;
    return steps[i].words;
}

static void customer_state(const struct story *s, const struct known *k, struct pen *pen) {
    const char *status = story_public_status(s);
    char at[WHEN_TEXT], lasting[WHEN_TEXT];
    const int64_t since = s->resolved_ms ? s->resolved_ms : s->mitigated_ms;
    if (strcmp(status, "resolved") == 0)
        say(pen, FACTS(k->resolved, k->lasted), "It is resolved%s%s after %s.",
            since ? " since " : "", since ? when_day(since, at) : "",
            when_lasting(s->resolved_ms - s->onset_ms, lasting));
    else if (strcmp(status, "monitoring") == 0)
        say(pen, FACTS(k->mitigated), "We have put a remedy in place%s%s and are watching it.",
            since ? " at " : "", since ? when_day(since, at) : "");
    else if (strcmp(status, "identified") == 0)
        say(pen, FACTS(k->status, k->cause), "We know the cause and are working on the remedy.");
    else
        say(pen, FACTS(k->status), "We are looking for the cause and working on it.");
}

static void write_customer(const struct story *s, const struct known *k, struct pen *pen) {
    char at[WHEN_TEXT], list[400];
    const bool over = strcmp(story_public_status(s), "resolved") == 0;
    if (!s->public_title || !say(pen, FACTS(k->public_title), "%s.", s->public_title))
        say(pen, FACTS(k->title), "%s a problem with our service.",
            over ? "There was" : "There is");
    if (s->components[0])
        say(pen, FACTS(k->components), "Affected: %s.", join(s->components, list, sizeof list));
    if (s->onset_ms) say(pen, FACTS(k->onset), "It began on %s.", when_day(s->onset_ms, at));
    if (s->public_text) say(pen, FACTS(k->public_text), "%s", s->public_text);
    if (s->requests > 0 && s->share > 0)
        say(pen, FACTS(k->requests), "%s of the requests %s.", share_words(s->share),
            over || s->mitigated_ms ? "failed" : "fail");
    else
        say(pen, FACTS(k->requests), "How many customers are affected is not yet known.");
    customer_state(s, k, pen);
    if (s->workaround && !over) say(pen, FACTS(k->workaround), "Meanwhile: %s", s->workaround);
    if (s->next_ms && !over)
        say(pen, FACTS(k->next), "The next update comes by %s.", when_day(s->next_ms, at));
}

static void write_times(const struct known *k, struct pen *pen) {
    const struct told *t = pen->told;
    const int all[] = {k->detection, k->acknowledgement, k->mitigation};
    for (size_t i = 0; i < 3; i++)
        if (all[i] >= 0) say(pen, FACTS(all[i]), "It was %s.", fact_text(t, all[i]));
}

static void write_exec(const struct story *s, const struct known *k, struct pen *pen) {
    const struct told *t = pen->told;
    char at[WHEN_TEXT], lasting[WHEN_TEXT];
    const int64_t end = s->resolved_ms ? s->resolved_ms : s->now_ms;
    say(pen, FACTS(k->severity, k->title, k->status), "%s, %s: %s.",
        s->severity ? s->severity : "SEV3", story_public_status(s), fact_text(t, k->title));
    if (s->onset_ms)
        say(pen, FACTS(k->onset, k->lasted), "It began on %s and %s %s.", when_day(s->onset_ms, at),
            s->resolved_ms ? "lasted" : "has lasted", when_lasting(end - s->onset_ms, lasting));
    say(pen, FACTS(k->requests), "Impact: %s.", fact_text(t, k->requests));
    say(pen, FACTS(k->users), "Users: %s.", fact_text(t, k->users));
    if (k->said_impact >= 0)
        say(pen, FACTS(k->said_impact), "Stated impact: %s.", fact_text(t, k->said_impact));
    if (k->regions >= 0) say(pen, FACTS(k->regions), "Regions: %s.", fact_text(t, k->regions));
    if (k->budget >= 0) say(pen, FACTS(k->budget), "%s.", fact_text(t, k->budget));
    if (k->cause >= 0)
        say(pen, FACTS(k->cause), "Cause: %s.", fact_text(t, k->cause));
    else if (k->causes[0] >= 0)
        say(pen, FACTS(k->causes[0]), "Likely cause, not confirmed: %s.",
            fact_text(t, k->causes[0]));
    else
        say(pen, FACTS(k->status, k->no_cause), "The cause is not known yet.");
    if (k->suspects[0] >= 0)
        say(pen, FACTS(k->suspects[0]), "Suspected change: %s.", fact_text(t, k->suspects[0]));
    write_times(k, pen);
    if (k->resolution >= 0)
        say(pen, FACTS(k->resolution), "Remedy: %s.", fact_text(t, k->resolution));
    if (k->commander >= 0) say(pen, FACTS(k->commander), "%s.", fact_text(t, k->commander));
    if (s->next_ms && !s->resolved_ms)
        say(pen, FACTS(k->next), "Next update by %s.", when_day(s->next_ms, at));
}

static void say_all(struct pen *pen, const int *list, const char *label) {
    for (size_t i = 0; i < STORY_LIST; i++)
        if (list[i] >= 0) say(pen, FACTS(list[i]), "%s: %s", label, fact_text(pen->told, list[i]));
}

static void write_engineer(const struct story *s, const struct known *k, struct pen *pen) {
    const struct told *t = pen->told;
    say(pen, FACTS(k->severity, k->title, k->status), "%s, %s: %s%s%s",
        s->severity ? s->severity : "SEV3", story_public_status(s), fact_text(t, k->title),
        s->environment ? " in " : "", s->environment ? s->environment : "");
    const int plain[] = {k->services,    k->onset,   k->detected, k->acknowledged, k->mitigated,
                         k->resolved,    k->lasted,  k->alerts,   k->requests,     k->users,
                         k->said_impact, k->regions, k->budget};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (plain[i] >= 0)
            say(pen, FACTS(plain[i]), "%c%s", toupper((unsigned char)*fact_text(t, plain[i])),
                fact_text(t, plain[i]) + 1);
    if (k->cause >= 0) say(pen, FACTS(k->cause), "Cause (stated): %s", fact_text(t, k->cause));
    if (k->trigger >= 0)
        say(pen, FACTS(k->trigger), "Trigger (stated): %s", fact_text(t, k->trigger));
    say_all(pen, k->causes, "Root cause by telemetry");
    if (k->no_cause >= 0)
        say(pen, FACTS(k->no_cause), "No root cause by telemetry: %s", fact_text(t, k->no_cause));
    if (k->no_suspect >= 0)
        say(pen, FACTS(k->no_suspect), "No change is named: %s", fact_text(t, k->no_suspect));
    else
        say_all(pen, k->suspects, "Suspected change");
    say_all(pen, k->patterns, "Log pattern");
    say_all(pen, k->spots, "Hot spot");
    say_all(pen, k->actions, "Done");
    say_all(pen, k->stated, "Stated");
    if (k->resolution >= 0)
        say(pen, FACTS(k->resolution), "Remedy: %s", fact_text(t, k->resolution));
    if (k->sampled >= 0) say(pen, FACTS(k->sampled), "%s", fact_text(t, k->sampled));
}

void story_tell(const struct story *s, struct told *out) {
    struct known k;
    *out = (struct told){.fact_count = 0};
    gather(s, out, &k);
    struct pen pen = {
        .told = out, .text = &out->texts[AUDIENCE_CUSTOMER], .internal = &s->internal};
    write_customer(s, &k, &pen);
    pen = (struct pen){.told = out, .text = &out->texts[AUDIENCE_EXEC]};
    write_exec(s, &k, &pen);
    pen.text = &out->texts[AUDIENCE_ENGINEER];
    write_engineer(s, &k, &pen);
}

size_t story_text(const struct text_of_audience *text, const char *between, char *out,
                  size_t room) {
    size_t used = 0;
    if (room) *out = 0;
    for (size_t i = 0; i < text->count; i++) {
        const int n =
            snprintf(out + used, room - used, "%s%s", i ? between : "", text->items[i].text);
        if (n < 0 || (size_t)n >= room - used) break;
        used += (size_t)n;
    }
    out[used] = 0;
    return used;
}

/* ---- words of a model ---- */

/* Numbers, with their decimals and the letters that make them an id. */
static size_t token(const char *p) {
    size_t n = 0;
    bool digit = false;
    while (isalnum((unsigned char)p[n]) ||
           ((p[n] == '.' || p[n] == ':' || p[n] == '-') && n && isalnum((unsigned char)p[n + 1]))) {
        digit |= isdigit((unsigned char)p[n]) != 0;
        n++;
    }
    return digit ? n : 0;
}

static bool stands_in(const char *text, const char *word, size_t n) {
    for (const char *p = text; *p; p++)
        if (strncmp(p, word, n) == 0 && (p == text || !isalnum((unsigned char)p[-1])) &&
            !isalnum((unsigned char)p[n]))
            return true;
    return false;
}

bool story_supports(const struct told *told, const struct sentence *s, const char *text,
                    char why[120]) {
    for (const char *p = text; *p;) {
        const size_t n = token(p);
        if (!n) {
            while (isalnum((unsigned char)*p)) p++;
            if (*p) p++;
            continue;
        }
        bool found = stands_in(s->text, p, n);
        for (size_t i = 0; !found && s->facts[i] >= 0; i++)
            found = stands_in(told->facts[s->facts[i]].text, p, n);
        if (!found) {
            (void)snprintf(why, 120, "\"%.*s\" stands in none of its facts", (int)(n > 60 ? 60 : n),
                           p);
            return false;
        }
        p += n;
    }
    return true;
}
