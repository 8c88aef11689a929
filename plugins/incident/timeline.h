/* timeline.h - what happened, in order, each thing once. Pure.
 *
 * The same inputs give the same timeline in whatever order, how often and how late they came: lines
 * are known by an id that is made from their content, a source whose clock runs ahead is moved back
 * by what it was seen ahead at most, and order is by time, kind and id. */
#ifndef INCIDENT_TIMELINE_H
#define INCIDENT_TIMELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line {
    const char *id;       /* from the content: the same thing has the same id */
    const char *source;   /* "alertmanager", "rollout", "person": whose clock it is */
    const char *kind;     /* change, gate, symptom, alert, slo, state, update, note */
    const char *text;     /* as it is shown */
    const char *original; /* before it was edited; NULL: it was not */
    const char *actor;    /* NULL: nobody is known */
    const char *ref;      /* where it can be looked up: "deployment/ID" */
    int64_t at_ms, arrived_ms;
    int64_t last_ms;                      /* of the last repeat */
    size_t count;                         /* repeats that it stands for; 0 counts as 1 */
    bool inferred, pinned, hidden, moved; /* moved: its source's clock ran ahead */
};

/* Puts the lines in order, in place; returns how many remain. Repeats (same source, kind and text
 * within ten minutes, nothing else between) become one line with a count. */
size_t timeline_arrange(struct line *lines, size_t n);

#endif
