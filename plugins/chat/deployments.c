/* deployments.c - which deployment is meant, and what became of it. */
#include "chat.h"

#include <string.h>

bool status_failed(const char *status) {
    return strstr(status, "ABORT") || strstr(status, "FAIL") || strstr(status, "ROLLED");
}

bool status_waits(const char *status) {
    return strstr(status, "NEEDS") || strstr(status, "HELD") || strstr(status, "PAUSED") ||
           strstr(status, "WAIT") || strstr(status, "PENDING");
}

static bool status_fits(const char *status, enum wanted wanted) {
    const bool denied = strcmp(status, "DENIED") == 0;
    if (wanted == WANT_FAILED) return denied || status_failed(status);
    if (wanted == WANT_BLOCKED) return denied || status_waits(status);
    return wanted == WANT_ANY || status_waits(status);
}

/* ---- events of a rollout ---- */

/* What an event says of the rollout's course. PLANNED: it waits because its steps say so. */
enum course {
    COURSE_NONE,
    COURSE_MOVES,
    COURSE_BEGINS,
    COURSE_PLANNED,
    COURSE_WAITS,
    COURSE_FAILED
};

static enum course course_of(const cJSON *event) {
    static const struct {
        const char *type;
        enum course course;
    } rows[] = {{"rollout.aborted", COURSE_FAILED},  {"rollout.rolled_back", COURSE_FAILED},
                {"rollout.held", COURSE_WAITS},      {"rollout.paused", COURSE_WAITS},
                {"rollout.started", COURSE_BEGINS},  {"rollout.promoted", COURSE_BEGINS},
                {"rollout.resumed", COURSE_BEGINS},  {"rollout.released", COURSE_MOVES},
                {"rollout.shifted", COURSE_MOVES},   {"rollout.step_reached", COURSE_MOVES},
                {"rollout.promoting", COURSE_MOVES}, {"deployment.approval_given", COURSE_MOVES}};
    const char *type = sl_get_text(event, "type", "");
    const cJSON *data = sl_get(event, "data");
    if (strcmp(type, "rollout.paused") == 0 &&
        strncmp(sl_get_text(data, "code", ""), "CanaryPause", 11) == 0)
        return COURSE_PLANNED;
    /* It made way for a newer one: that is no failure. */
    if (strcmp(sl_get_text(data, "code", ""), "Superseded") == 0) return COURSE_BEGINS;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].type, type) == 0) return rows[i].course;
    if (strcmp(type, "rollout.gate_judged") != 0) return COURSE_NONE;
    const char *outcome = sl_get_text(data, "outcome", "");
    if (strcmp(outcome, "fail") == 0) return COURSE_FAILED;
    return strcmp(outcome, "hold") == 0 ? COURSE_WAITS : COURSE_NONE;
}

/* A gate that passes takes back that it held. */
static bool takes_back(const cJSON *event, const cJSON *trouble) {
    const cJSON *now = sl_get(event, "data"), *then = sl_get(trouble, "data");
    return strcmp(sl_get_text(now, "outcome", ""), "pass") == 0 &&
           strcmp(sl_get_text(now, "gate", ""), sl_get_text(then, "gate", "?")) == 0;
}

const cJSON *last_trouble(const cJSON *events) {
    const cJSON *trouble = NULL, *event;
    enum course worst = COURSE_NONE;
    cJSON_ArrayForEach(event, events) {
        const enum course course = course_of(event);
        const bool over =
            course == COURSE_BEGINS ||
            (worst != COURSE_FAILED && (course == COURSE_MOVES || takes_back(event, trouble)));
        if (over) trouble = NULL, worst = COURSE_NONE;
        /* The first that failed is the cause; what follows are its effects. What holds is told by
         * the newest word. */
        const bool counts = course >= COURSE_PLANNED && worst != COURSE_FAILED;
        if (counts && course >= worst) trouble = event, worst = course;
    }
    return trouble;
}

bool trouble_is_planned(const cJSON *trouble) {
    return course_of(trouble) == COURSE_PLANNED;
}

const cJSON *deployment_events(struct inquiry *inquiry, const char *id) {
    cJSON *in = object1("subject", sl_printf(inquiry->call, "deployment/%s", id));
    cJSON_AddNumberToObject(in, "limit", 200);
    const cJSON *items = sl_get(look(inquiry, "events.list", in), "items");
    return items ? items : cJSON_CreateArray();
}

/* What the newest rollout events say of a deployment: fits what is wanted? */
static bool events_fit(const cJSON *events, const char *id, enum wanted wanted) {
    cJSON *own = cJSON_CreateArray();
    const cJSON *event;
    cJSON_ArrayForEach(event, events) {
        const char *subject = sl_get_text(event, "subject", "");
        const char *slash = strchr(subject, '/');
        if (slash && strcmp(slash + 1, id) == 0) cJSON_AddItemReferenceToArray(own, (cJSON *)event);
    }
    const cJSON *trouble = last_trouble(own);
    if (!trouble) return false;
    const enum course course = course_of(trouble);
    if (wanted == WANT_WAITING) return course != COURSE_FAILED;
    return course == COURSE_FAILED || (wanted == WANT_BLOCKED && course == COURSE_WAITS);
}

/* ---- choosing ---- */

static bool row_fits(const struct inquiry *inquiry, const cJSON *row) {
    const struct slots *slots = &inquiry->slots;
    const char *app = asked_app(inquiry), *environment = asked_environment(inquiry);
    if (app && strcmp(sl_get_text(row, "app_name", ""), app) != 0) return false;
    if (environment && strcmp(sl_get_text(row, "environment", ""), environment) != 0) return false;
    if (slots->version_count && !strstr(sl_get_text(row, "image", ""), slots->versions[0]))
        return false;
    if (!slots->time.to_ms) return true;
    const char *at = sl_get_text(row, "created_at", "");
    return strncmp(at, iso_text(inquiry->call, slots->time.from_ms), 19) >= 0 &&
           strncmp(at, iso_text(inquiry->call, slots->time.to_ms), 19) <= 0;
}

cJSON *fitting_deployments(struct inquiry *inquiry) {
    cJSON *list = cJSON_CreateArray();
    const cJSON *row;
    cJSON_ArrayForEach(row, inquiry->deployments) if (row_fits(inquiry, row))
        cJSON_AddItemReferenceToArray(list, (cJSON *)row);
    return list;
}

static const cJSON *fetch_one(struct inquiry *inquiry, const char *id) {
    const cJSON *deployment = look(inquiry, "deploy.get", object1("id", id));
    if (deployment) {
        note_found(inquiry, "deployment", id);
        note_found(inquiry, "app", sl_get_text(deployment, "app_name", NULL));
        note_found(inquiry, "environment", sl_get_text(deployment, "environment", NULL));
        return deployment;
    }
    inquiry->answerable = false;
    inquiry->confidence = 0.2;
    say(inquiry, "I cannot read deployment %s: %s.", id, inquiry->trouble);
    return NULL;
}

static const cJSON *first_that_fits(struct inquiry *inquiry, const cJSON *rows,
                                    enum wanted wanted) {
    const cJSON *row, *events = NULL;
    if (wanted != WANT_ANY) {
        cJSON *in = object1("type", "rollout.*");
        cJSON_AddNumberToObject(in, "limit", 500);
        events = sl_get(look(inquiry, "events.list", in), "items");
    }
    /* A denial is what "blocked" means first. */
    cJSON_ArrayForEach(row, rows) {
        if (wanted == WANT_BLOCKED && strcmp(sl_get_text(row, "status", ""), "DENIED") == 0)
            return row;
    }
    cJSON_ArrayForEach(row, rows) {
        if (status_fits(sl_get_text(row, "status", ""), wanted) ||
            events_fit(events, sl_get_text(row, "id", ""), wanted))
            return row;
    }
    return NULL;
}

static const char *apps_that_are(struct inquiry *inquiry) {
    const char *names = "";
    const cJSON *row, *before;
    int shown = 0;
    cJSON_ArrayForEach(row, inquiry->deployments) {
        const char *name = sl_get_text(row, "app_name", "");
        bool again = false;
        cJSON_ArrayForEach(before, inquiry->deployments) {
            if (before == row) break;
            again |= strcmp(sl_get_text(before, "app_name", ""), name) == 0;
        }
        if (again || shown++ == 12) continue;
        names = sl_printf(inquiry->call, "%s%s%s", names, *names ? ", " : "", name);
    }
    return names;
}

static const char *wanted_words(enum wanted wanted) {
    static const char *const words[] = {[WANT_ANY] = "is known",
                                        [WANT_FAILED] = "failed",
                                        [WANT_BLOCKED] = "is blocked",
                                        [WANT_WAITING] = "is waiting"};
    return words[wanted];
}

static void say_none(struct inquiry *inquiry, const cJSON *rows, enum wanted wanted) {
    const struct slots *slots = &inquiry->slots;
    const cJSON *newest = rows->child;
    const char *app = asked_app(inquiry);
    inquiry->confidence = newest ? 0.8 : 0.4;
    if (*slots->unknown && !slots->app_count && inquiry->deployments->child) {
        inquiry->answerable = false;
        inquiry->confidence = 0.3;
        say(inquiry, "I know no application called '%s'. Deployments are known of: %s.",
            slots->unknown, apps_that_are(inquiry));
        add_documents(inquiry);
        return;
    }
    say(inquiry, "No deployment%s %s%s.", scope_text(inquiry), wanted_words(wanted),
        slots->time.to_ms ? " at that time" : "");
    if (newest)
        say(inquiry, "The newest is %s of %s to %s, which is %s %s.", sl_get_text(newest, "id", ""),
            sl_get_text(newest, "app_name", ""), sl_get_text(newest, "environment", ""),
            sl_get_text(newest, "status", ""), deployment_ref(inquiry, newest));
    if (inquiry->blind) {
        inquiry->answerable = false;
        say(inquiry, "(%s)", inquiry->blind);
    }
    suggest(inquiry, "deploy.list", app ? object1("app_name", app) : cJSON_CreateObject(),
            "see which deployments there are");
}

const cJSON *pick_deployment(struct inquiry *inquiry, enum wanted wanted) {
    const struct slots *slots = &inquiry->slots;
    if (*slots->deployment) return fetch_one(inquiry, slots->deployment);
    const char *before = sl_get_text(inquiry->context, "deployment", NULL);
    const bool new_subject = slots->app_count || slots->environment_count || slots->time.to_ms;
    if (before && !new_subject) return fetch_one(inquiry, before);
    const cJSON *rows = fitting_deployments(inquiry);
    const bool lost = *slots->unknown && !slots->app_count && !slots->environment_count;
    const cJSON *row = lost ? NULL : first_that_fits(inquiry, rows, wanted);
    if (!row) {
        say_none(inquiry, rows, wanted);
        return NULL;
    }
    if (cJSON_GetArraySize(rows) > 1 || !slots->app_count || !slots->environment_count)
        assume(inquiry, "the deployment that is meant is the newest%s that %s: %s of %s to %s",
               scope_text(inquiry), wanted_words(wanted), sl_get_text(row, "id", ""),
               sl_get_text(row, "app_name", ""), sl_get_text(row, "environment", ""));
    return fetch_one(inquiry, sl_get_text(row, "id", ""));
}

const char *deployment_ref(struct inquiry *inquiry, const cJSON *deployment) {
    const char *quote = sl_get_text(deployment, "summary", NULL);
    if (!quote)
        quote = sl_printf(inquiry->call, "%s %s to %s: %s", sl_get_text(deployment, "app_name", ""),
                          sl_get_text(deployment, "image", ""),
                          sl_get_text(deployment, "environment", ""),
                          sl_get_text(deployment, "status", ""));
    return cite(inquiry, "deployment",
                sl_printf(inquiry->call, "deployment/%s", sl_get_text(deployment, "id", "")), quote,
                sl_get_text(deployment, "created_at", NULL));
}

/* ---- phases ---- */

void read_phases(struct inquiry *inquiry) {
    const cJSON *row;
    if (inquiry->phases || !can_look(inquiry, "rollout.list")) return;
    inquiry->phases = cJSON_CreateObject();
    cJSON *in = cJSON_CreateObject();
    cJSON_AddNumberToObject(in, "limit", 200);
    cJSON_ArrayForEach(row, sl_get(look(inquiry, "rollout.list", in), "items"))
        cJSON_AddStringToObject(inquiry->phases, sl_get_text(row, "id", "?"),
                                sl_get_text(row, "phase", ""));
}

const char *phase_of(const struct inquiry *inquiry, const cJSON *row) {
    return sl_get_text(inquiry->phases, sl_get_text(row, "id", "?"), "");
}
