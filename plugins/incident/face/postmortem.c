/* postmortem.c - a draft in Markdown, by the template of Google's SRE book (appendix D). What nobody
 * has said stays a question, not an invention. */
#include "telling.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct paper {
    char *text;
    size_t used, room;
};

__attribute__((format(printf, 2, 3))) static void put(struct paper *p, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(p->text + p->used, p->room - p->used, format, args);
    va_end(args);
    if (n > 0) p->used += (size_t)n < p->room - p->used ? (size_t)n : p->room - p->used - 1;
}

static void put_said(struct paper *p, const char *heading, const char *said,
                     const char *otherwise) {
    put(p, "\n## %s\n\n%s\n", heading, said && *said ? said : otherwise);
}

static void put_fact(struct paper *p, const struct told *t, const char *kind) {
    for (size_t i = 0; i < t->fact_count; i++)
        if (strcmp(t->facts[i].kind, kind) == 0)
            put(p, "- %s *(%s)*\n", t->facts[i].text, t->facts[i].source);
}

static void put_head(struct paper *p, const struct incident *i) {
    char day[WHEN_TEXT];
    const cJSON *role;
    put(p, "# Postmortem: %s\n\n", i->title);
    put(p,
        "- **Incident:** %s\n- **Date:** %s\n- **Severity:** %s\n- **Status:** draft; incident %s\n",
        i->id, when_day(i->onset_ms, day), i->severity, i->status);
    put(p, "- **Authors:** *to be named*\n");
    cJSON_ArrayForEach(role, i->roles) {
        if (cJSON_IsString(role)) put(p, "- **%s:** %s\n", role->string, role->valuestring);
    }
}

static void put_impact(struct paper *p, const struct told *t) {
    put(p, "\n## Impact\n\n");
    static const char *const kinds[] = {"impact", "users",    "impact_stated", "regions",
                                        "budget", "duration", "services"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) put_fact(p, t, kinds[i]);
}

static void put_causes(struct paper *p, const struct story *s, const struct told *t) {
    put(p, "\n## Root causes\n\n%s\n",
        s->cause ? s->cause
                 : "*Not stated yet.* What the telemetry "
                   "shows, not confirmed:");
    put_fact(p, t, "root_cause");
    put_fact(p, t, "no_root_cause");
    put_fact(p, t, "log_pattern");
    put_fact(p, t, "hot_spot");
    put(p, "\n## Trigger\n\n%s\n",
        s->trigger ? s->trigger : "*Not stated yet.* Suspected changes:");
    put_fact(p, t, "suspect");
    put_fact(p, t, "no_suspect");
}

static void put_timeline(struct paper *p, const struct line *lines, size_t n) {
    char at[WHEN_TEXT];
    put(p, "\n## Timeline\n\nAll times in UTC.\n\n");
    for (size_t i = 0; i < n; i++) {
        if (lines[i].hidden) continue;
        put(p, "- %s — %s%s%s%s%s", when_print(lines[i].at_ms, at), lines[i].text,
            lines[i].actor ? " (" : "", lines[i].actor ? lines[i].actor : "",
            lines[i].actor ? ")" : "", lines[i].inferred ? " *(inferred)*" : "");
        if (lines[i].count > 1) put(p, " ×%zu", lines[i].count);
        put(p, " *[%s]*\n", lines[i].source);
    }
}

static void put_lessons(struct paper *p, const struct told *t) {
    put(p,
        "\n## Action items\n\n| Action | Type | Owner | Bug |\n|---|---|---|---|\n| *to be agreed* | "
        "prevent / mitigate / detect | | |\n");
    put(p, "\n## Lessons learned\n\n### What went well\n\n- *to be discussed*\n");
    put(p, "\n### What went wrong\n\n- *to be discussed*\n\n### Where we got lucky\n\n- *to be "
           "discussed*\n");
    put(p, "\n## Numbers to discuss\n\n");
    put_fact(p, t, "time_to_detect");
    put_fact(p, t, "time_to_acknowledge");
    put_fact(p, t, "time_to_mitigate");
    put_fact(p, t, "sampling");
}

int incident_postmortem(sl_call *call, const cJSON *in, cJSON *out) {
    enum { PAPER = 262144 };
    struct incident i;
    struct story story;
    struct line *lines;
    size_t n;
    int rc = incident_load(call, sl_get_text(in, "id", ""), &i);
    if (!rc) rc = story_of_incident(call, &i, &story);
    if (!rc) rc = timeline_collect(call, &i, &lines, &n);
    if (rc) return rc;
    struct told *told = sl_alloc(call, sizeof *told);
    story_tell(&story, told);
    struct paper p = {.text = sl_alloc(call, PAPER), .room = PAPER};
    char *summary = sl_alloc(call, 16384);
    story_text(&told->texts[AUDIENCE_EXEC], " ", summary, 16384);
    put_head(&p, &i);
    put_said(&p, "Summary", summary, "");
    put_impact(&p, told);
    put_causes(&p, &story, told);
    put_said(&p, "Detection", NULL, "Found by:");
    put_fact(&p, told, "alerts");
    put_fact(&p, told, "detected");
    put_said(&p, "Resolution", story.resolution, "*Not stated yet.* What was done:");
    put_fact(&p, told, "action");
    put_lessons(&p, told);
    put_timeline(&p, lines, n);
    const char *accept = sl_header(call, "accept");
    if (accept && strstr(accept, "text/markdown"))
        sl_reply_bytes(call, "text/markdown; charset=utf-8", p.text, p.used);
    cJSON_AddStringToObject(out, "incident_id", i.id);
    cJSON_AddStringToObject(out, "title", i.title);
    cJSON_AddStringToObject(out, "markdown", p.text);
    return 0;
}
