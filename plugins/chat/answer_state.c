/* answer_state.c - what is deployed where, what changed, what there is; and what to do next. */
#include "chat.h"

#include <string.h>

enum { SHOWN = 12 };

static const char *text_of(const cJSON *row, const char *name) {
    return sl_get_text(row, name, "?");
}

/* Was it let in, as far as is known? */
static bool is_live(const struct inquiry *inquiry, const cJSON *row) {
    const char *status = text_of(row, "status"), *phase = phase_of(inquiry, row);
    if (strstr(phase, "bort") || strstr(phase, "Degraded") || strstr(phase, "olled")) return false;
    return strcmp(status, "DENIED") != 0 && !status_waits(status) && !status_failed(status);
}

/* The newest of an application and environment that was let in, from `skip` such ones on. */
static const cJSON *live_of(const struct inquiry *inquiry, const char *app, const char *environment,
                            int skip) {
    const cJSON *row;
    cJSON_ArrayForEach(row, inquiry->deployments) {
        if (strcmp(text_of(row, "app_name"), app) == 0 &&
            strcmp(text_of(row, "environment"), environment) == 0 && is_live(inquiry, row) &&
            !skip--)
            return row;
    }
    return NULL;
}

static const char *version_of(struct inquiry *inquiry, const cJSON *row) {
    const char *image = text_of(row, "image");
    const char *slash = strrchr(image, '/');
    return sl_printf(inquiry->call, "%s", slash ? slash + 1 : image);
}

static void say_unknown_app(struct inquiry *inquiry) {
    inquiry->answerable = false;
    inquiry->confidence = 0.4;
    if (*inquiry->slots.unknown && !asked_app(inquiry))
        say(inquiry, "I know no application called '%s'.", inquiry->slots.unknown);
    else
        say(inquiry, "No deployment%s is known%s.", scope_text(inquiry),
            inquiry->slots.time.to_ms ? " at that time" : "");
    if (inquiry->blind) say(inquiry, "(%s)", inquiry->blind);
    suggest(inquiry, "deploy.list", cJSON_CreateObject(), "see which deployments there are");
}

/* ---- what is deployed where ---- */

void answer_deployed(struct inquiry *inquiry) {
    struct slots *slots = &inquiry->slots;
    slots->time = (struct moment){0}; /* what is deployed now was let in at any time */
    read_phases(inquiry);
    const cJSON *rows = fitting_deployments(inquiry), *row;
    if (!rows->child || (*slots->unknown && !slots->app_count && !slots->environment_count)) {
        say_unknown_app(inquiry);
        return;
    }
    int shown = 0;
    cJSON_ArrayForEach(row, rows) {
        const char *app = text_of(row, "app_name"), *environment = text_of(row, "environment");
        const cJSON *live = live_of(inquiry, app, environment, 0);
        if (!live || strcmp(text_of(live, "id"), text_of(row, "id")) != 0 || shown++ >= SHOWN)
            continue;
        const char *phase = phase_of(inquiry, row);
        say(inquiry, "%s in %s: %s, since %s (%s%s%s) %s.", app, environment,
            version_of(inquiry, row), short_time(inquiry->call, text_of(row, "created_at")),
            text_of(row, "status"), *phase ? ", rollout " : "", phase,
            deployment_ref(inquiry, row));
    }
    if (!shown) say(inquiry, "Nothing%s has been let in so far.", scope_text(inquiry));
    if (shown > SHOWN) say(inquiry, "%d more are left out here.", shown - SHOWN);
    inquiry->confidence = 0.85;
    assume(inquiry, "the newest deployment that was let in is the one that runs");
    suggest(inquiry, "deploy.list",
            slots->app_count ? object1("app_name", slots->apps[0]) : cJSON_CreateObject(),
            "see all of them");
}

/* ---- lists ---- */

static bool wanted_status(const struct inquiry *inquiry, const char *status) {
    const struct words *words = &inquiry->words;
    if (words_about(words, "block")) return strcmp(status, "DENIED") == 0 || status_failed(status);
    if (words_about(words, "wait") || words_about(words, "need")) return status_waits(status);
    if (words_about(words, "fail")) return status_failed(status) || strcmp(status, "DENIED") == 0;
    return !words_about(words, "approve") || strcmp(status, "APPROVED") == 0;
}

void answer_deployments(struct inquiry *inquiry) {
    const cJSON *rows = fitting_deployments(inquiry), *row;
    int count = 0;
    const char *list = "";
    cJSON_ArrayForEach(row, rows) {
        if (!wanted_status(inquiry, text_of(row, "status")) || count++ >= SHOWN) continue;
        list = sl_printf(
            inquiry->call, "%s %s to %s: %s, %s at %s %s.", list, version_of(inquiry, row),
            text_of(row, "environment"), text_of(row, "status"), text_of(row, "risk_level"),
            short_time(inquiry->call, text_of(row, "created_at")), deployment_ref(inquiry, row));
    }
    if (!count && *inquiry->slots.unknown && !inquiry->slots.app_count) {
        say_unknown_app(inquiry);
        return;
    }
    say(inquiry, "%d deployment%s%s fit%s%s.%s", count, count == 1 ? "" : "s", scope_text(inquiry),
        count == 1 ? "s" : "", count > SHOWN ? "; the newest of them" : "", list);
    if (inquiry->blind) say(inquiry, "(%s)", inquiry->blind);
    suggest(inquiry, "deploy.list", cJSON_CreateObject(), "see all of them");
}

/* ---- what changed ---- */

static void tell_request(struct inquiry *inquiry, const cJSON *row) {
    const cJSON *event;
    cJSON_ArrayForEach(event, deployment_events(inquiry, text_of(row, "id"))) {
        if (strcmp(text_of(event, "type"), "deployment.requested") != 0) continue;
        const cJSON *data = sl_get(event, "data");
        const char *reason = sl_get_text(data, "reason", NULL);
        const char *author = sl_get_text(data, "author", NULL);
        const char *commit = sl_get_text(data, "commit", NULL);
        const char *ref =
            cite(inquiry, "event",
                 sl_printf(inquiry->call, "event/%lld", (long long)sl_get_int(event, "seq", 0)),
                 reason ? reason : "deployment.requested",
                 iso_text(inquiry->call, sl_get_int(event, "at_ms", 0)));
        if (reason || author || commit)
            say(inquiry, "It was asked for%s%s%s%s%s%s %s.", author ? " by " : "",
                author ? author : "", commit ? ", commit " : "", commit ? commit : "",
                reason ? ", because: " : "", reason ? reason : "", ref);
        return;
    }
}

static void tell_step(struct inquiry *inquiry, const cJSON *from, const cJSON *to) {
    const char *old = from ? version_of(inquiry, from) : "nothing", *new = version_of(inquiry, to);
    say(inquiry, "%s in %s went from %s%s%s to %s at %s (%s, risk %s) %s.", text_of(to, "app_name"),
        text_of(to, "environment"), old, from ? " " : "", from ? deployment_ref(inquiry, from) : "",
        new, short_time(inquiry->call, text_of(to, "created_at")), text_of(to, "status"),
        text_of(to, "risk_level"), deployment_ref(inquiry, to));
    tell_request(inquiry, to);
    note_found(inquiry, "deployment", text_of(to, "id"));
}

static void compare_environments(struct inquiry *inquiry, const char *app) {
    const struct slots *slots = &inquiry->slots;
    const cJSON *one = live_of(inquiry, app, slots->environments[0], 0);
    const cJSON *two = live_of(inquiry, app, slots->environments[1], 0);
    if (!one || !two) {
        say(inquiry, "Of %s nothing was let into %s so far.", app,
            one ? slots->environments[1] : slots->environments[0]);
        if (one || two) say(inquiry, "%s", deployment_ref(inquiry, one ? one : two));
        return;
    }
    const bool same = strcmp(text_of(one, "image"), text_of(two, "image")) == 0;
    say(inquiry, "%s runs %s in %s %s and %s in %s %s: %s.", app, version_of(inquiry, one),
        slots->environments[0], deployment_ref(inquiry, one), version_of(inquiry, two),
        slots->environments[1], deployment_ref(inquiry, two),
        same ? "the same version" : "different versions");
    if (!same) tell_request(inquiry, one);
}

static void compare_versions(struct inquiry *inquiry) {
    const struct slots *slots = &inquiry->slots;
    const cJSON *row, *one = NULL, *two = NULL;
    cJSON_ArrayForEach(row, inquiry->deployments) {
        if (slots->app_count && strcmp(text_of(row, "app_name"), slots->apps[0]) != 0) continue;
        if (!one && strstr(text_of(row, "image"), slots->versions[0])) one = row;
        if (!two && strstr(text_of(row, "image"), slots->versions[1])) two = row;
    }
    if (one && two) {
        const bool forward = strcmp(text_of(one, "id"), text_of(two, "id")) < 0;
        tell_step(inquiry, forward ? one : two, forward ? two : one);
        return;
    }
    inquiry->confidence = 0.5;
    say(inquiry, "No deployment of version %s is known.", slots->versions[one ? 1 : 0]);
}

static void changes_in_time(struct inquiry *inquiry, const cJSON *rows) {
    const cJSON *row;
    int count = 0;
    cJSON_ArrayForEach(row, rows) {
        if (is_live(inquiry, row) && count++ < SHOWN)
            say(inquiry, "%s %s: %s to %s (%s) %s.",
                short_time(inquiry->call, text_of(row, "created_at")), text_of(row, "app_name"),
                version_of(inquiry, row), text_of(row, "environment"), text_of(row, "risk_level"),
                deployment_ref(inquiry, row));
    }
    if (!count)
        say(inquiry, "Nothing%s was let in at that time (%s to %s).", scope_text(inquiry),
            time_text(inquiry->call, inquiry->slots.time.from_ms),
            time_text(inquiry->call, inquiry->slots.time.to_ms));
}

/* The newest change that fits, against what was there before. */
static void last_change(struct inquiry *inquiry, const cJSON *rows) {
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        if (!is_live(inquiry, row)) continue;
        tell_step(inquiry,
                  live_of(inquiry, text_of(row, "app_name"), text_of(row, "environment"), 1), row);
        return;
    }
    say(inquiry, "Nothing%s has been let in so far.", scope_text(inquiry));
}

void answer_changed(struct inquiry *inquiry) {
    const struct slots *slots = &inquiry->slots;
    const char *app = asked_app(inquiry);
    read_phases(inquiry);
    if (*slots->unknown && !slots->app_count && !slots->environment_count && !slots->time.to_ms &&
        slots->version_count < 2) {
        say_unknown_app(inquiry);
        return;
    }
    if (slots->version_count == 2) {
        compare_versions(inquiry);
    } else if (slots->environment_count == 2 && app) {
        compare_environments(inquiry, app);
    } else if (slots->time.to_ms) {
        changes_in_time(inquiry, fitting_deployments(inquiry));
    } else {
        if (!app) assume(inquiry, "the newest change%s is meant", scope_text(inquiry));
        last_change(inquiry, fitting_deployments(inquiry));
    }
    suggest(inquiry, "deploy.list", app ? object1("app_name", app) : cJSON_CreateObject(),
            "see all deployments");
}

/* ---- policies, freezes, help, deeds ---- */

static bool policy_applies(const cJSON *policy, const char *environment) {
    const cJSON *wanted = sl_get(sl_get(policy, "applies"), "environment"), *one;
    if (!environment || !wanted) return true;
    if (cJSON_IsString(wanted)) return strcmp(wanted->valuestring, environment) == 0;
    cJSON_ArrayForEach(one, wanted) if (cJSON_IsString(one) &&
                                        strcmp(one->valuestring, environment) == 0) return true;
    return false;
}

void answer_policies(struct inquiry *inquiry) {
    const char *environment = asked_environment(inquiry);
    const cJSON *policy;
    int count = 0;
    cJSON_ArrayForEach(policy, inquiry->policies) {
        const char *name = text_of(policy, "name"), *error = sl_get_text(policy, "error", NULL);
        if (!policy_applies(policy, environment) ||
            (inquiry->slots.policy && strcmp(inquiry->slots.policy, name) != 0))
            continue;
        count++;
        const char *words = error ? error : sl_get_text(policy, "summary", "");
        say(inquiry, "%s%s: %s %s.", name, error ? " does not compile and denies" : "", words,
            cite(inquiry, "policy", sl_printf(inquiry->call, "policy/%s", name), words, NULL));
    }
    if (!count)
        say(inquiry, "No policies%s are there%s%s.", scope_text(inquiry),
            inquiry->trouble ? ": " : "", inquiry->trouble ? inquiry->trouble : "");
    inquiry->confidence = count ? 0.95 : 0.5;
    suggest(inquiry, "policy.list", cJSON_CreateObject(), "see them with their files");
}

void answer_freeze(struct inquiry *inquiry) {
    const cJSON *answer = look(inquiry, "rollout.freezes", cJSON_CreateObject());
    const cJSON *freeze, *items = sl_get(answer, "items");
    if (!answer) {
        inquiry->answerable = false;
        inquiry->confidence = 0.3;
        say(inquiry, "I cannot see whether there is a freeze: %s.", inquiry->trouble);
        return;
    }
    cJSON_ArrayForEach(freeze, items) {
        const char *quote = sl_json_print(inquiry->call, freeze);
        say(inquiry, "A freeze%s%s: %s %s.", sl_get_text(freeze, "environment", NULL) ? " of " : "",
            sl_get_text(freeze, "environment", ""),
            sl_get_text(freeze, "reason", "no reason is told"),
            cite(inquiry, "freeze",
                 sl_printf(inquiry->call, "freeze/%s",
                           sl_get_text(freeze, "id", text_of(freeze, "name"))),
                 quote, NULL));
    }
    if (!items || !items->child) say(inquiry, "There is no freeze.");
}

void answer_help(struct inquiry *inquiry) {
    say(inquiry,
        "Ask in your own words, for instance: why did stage fail? Which policy blocked prod? What is "
        "deployed where? What changed in prod since yesterday? Is it safe to deploy shop now? Who "
        "approved it? How do I fix HighErrorRate? How much error budget is left? What happened last "
        "night? Anything else is looked up in the runbooks. I read and suggest; I never do.");
    inquiry->confidence = 1;
}

static const struct deed {
    const char *about, *operation, *words;
} deeds[] = {{"rollback", "rollout.undo", "put the version before back"},
             {"promote", "rollout.promote", "take the next step"},
             {"approve", "rollout.approve", "approve it"},
             {"pause", "rollout.pause", "pause it"},
             {"resume", "rollout.resume", "let it go on"},
             {"fail", "rollout.abort", "abort it"},
             {"freeze", "rollout.freeze", "freeze deployments"}};

void answer_act(struct inquiry *inquiry) {
    const struct deed *deed = NULL;
    for (size_t i = 0; i < sizeof deeds / sizeof *deeds && !deed; i++)
        if (words_about(&inquiry->words, deeds[i].about)) deed = &deeds[i];
    if (!deed || strcmp(deed->about, "freeze") == 0) {
        say(inquiry, "I only read and suggest; a deployment is asked for by deploy.request%s.",
            deed ? ", a freeze set by rollout.freeze" : "");
        cJSON *in = cJSON_CreateObject();
        if (asked_app(inquiry)) cJSON_AddStringToObject(in, "app_name", asked_app(inquiry));
        if (asked_environment(inquiry))
            cJSON_AddStringToObject(in, "environment", asked_environment(inquiry));
        suggest(inquiry, deed ? deed->operation : "deploy.request", in, "do it yourself");
        return;
    }
    const bool waits = strcmp(deed->about, "approve") == 0 || strcmp(deed->about, "resume") == 0;
    const cJSON *deployment = pick_deployment(inquiry, waits ? WANT_WAITING : WANT_ANY);
    if (!deployment) return;
    const char *id = text_of(deployment, "id");
    const char *ref = deployment_ref(inquiry, deployment);
    if (can_look(inquiry, deed->operation))
        say(inquiry, "I only suggest. To %s, run %s on deployment %s of %s to %s %s.", deed->words,
            deed->operation, id, text_of(deployment, "app_name"),
            text_of(deployment, "environment"), ref);
    else
        say(inquiry, "I only suggest, and %s is not served here; deployment %s is %s %s.",
            deed->operation, id, text_of(deployment, "status"), ref);
    suggest(inquiry, deed->operation, object1("id", id), deed->words);
    suggest(inquiry, "deploy.explain", object1("id", id), "see how it stands");
}
