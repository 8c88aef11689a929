/* bus_ephemeral.c - a listener hears an event that is not kept: once, now, in this worker. */
#include "bus_inside.h"
#include "host.h"
#include "json.h"
#include "logging.h"

#include <stdlib.h>
#include <string.h>

/* The event, copied for the fiber that hands it over. */
struct passing {
    struct listener *listener;
    sl_event event;
    char *type, *tenant, *actor, *subject, *request_id, *data;
};

static char *keep(const char *text) {
    return text ? strdup(text) : NULL;
}

static void run_passing(void *arg) {
    struct passing *passing = arg;
    struct listener *listener = passing->listener;
    struct bus_fiber fiber;
    bus_fiber_begin(&fiber, listener->bus, listener->plugin);
    sl_event *event = &passing->event;
    event->type = passing->type;
    event->tenant = passing->tenant;
    event->actor = passing->actor;
    event->subject = passing->subject;
    event->request_id = passing->request_id;
    event->data = cJSON_Parse(passing->data);
    if (listener_run_event(listener, &fiber.call, event))
        log_warn("listener %s failed on %s, which is not kept: %s", listener->name, event->type,
                 sl_failure(&fiber.call));
    bus_fiber_end(&fiber);
    free(passing->type);
    free(passing->tenant);
    free(passing->actor);
    free(passing->subject);
    free(passing->request_id);
    free(passing->data);
    free(passing);
}

void listener_hear_ephemeral(struct follower *follower, const sl_event *event) {
    struct listener *listener = (struct listener *)follower; /* its first member */
    struct passing *passing = calloc(1, sizeof *passing);
    if (!passing) abort();
    passing->listener = listener;
    passing->event = *event;
    passing->type = keep(event->type);
    passing->tenant = keep(event->tenant);
    passing->actor = keep(event->actor);
    passing->subject = keep(event->subject);
    passing->request_id = keep(event->request_id);
    struct arena arena;
    arena_init(&arena);
    passing->data = strdup(event->data ? json_print(&arena, event->data, NULL) : "{}");
    arena_fini(&arena);
    fiber_start_later(listener->bus->host->loop, run_passing, passing);
}
