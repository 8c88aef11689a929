/* driver_haproxy.c - canaries and blue/green where HAProxy shares out the traffic, by its runtime
 * API: weights of the servers of one backend. docs/drivers.md tells how to set it up.
 *
 * HAProxy forgets weights when it restarts. So the wish is noted in a variable of its process
 * (haproxy_split.h): no note means that it forgot, and the wish is applied again; weights that are
 * not the noted ones mean that somebody else writes there. */
#include "driver.h"
#include "haproxy_split.h"
#include "haproxy_stat.h"
#include "haproxy_talk.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { TIMEOUT_MS = 3000, COMMAND_MAX = 32768, NAMES_MAX = 64 };

/* Where one application's servers are. Borrowed from the settings. */
struct site {
    const char *address, *backend;
    const cJSON *stable, *canary; /* names, or beginnings of names that end in '*' */
    const char *variable;
};

struct sight {
    struct haproxy_servers servers;
    struct haproxy_pools pools;
    struct haproxy_note note;
    bool noted; /* a note of ours is there */
    bool own;   /* and it is of this deployment */
    const char *epoch;
};

/* ---- settings ---- */

static bool name_fits(const char *name) {
    if (!name || !*name || strlen(name) >= HAPROXY_NAME) return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && !strchr("_.:-", *name)) return false;
    }
    return true;
}

static int check_names(sl_call *call, const cJSON *settings, const char *member) {
    const cJSON *names = sl_get(settings, member), *name;
    int count = cJSON_IsArray(names) ? cJSON_GetArraySize(names) : 0;
    if (count < 1 || count > NAMES_MAX)
        return sl_fail(call, SL_INVALID,
                       "haproxy: '%s' must list 1 to %d servers of the backend, or beginnings of "
                       "their names that end in '*', as [\"blue1\", \"blue2\"] or [\"blue*\"]",
                       member, NAMES_MAX);
    cJSON_ArrayForEach(name, names) {
        const char *text = cJSON_GetStringValue(name);
        size_t length = text ? strlen(text) : 0;
        bool begins = length > 1 && text[length - 1] == '*';
        if (!name_fits(begins ? sl_strndup(call, text, length - 1) : text))
            return sl_fail(call, SL_INVALID, "haproxy: '%s' holds '%s', which is no server's name",
                           member, text ? text : "something that is no text");
    }
    return 0;
}

static int check_site(sl_call *call, const cJSON *settings) {
    const char *address = sl_get_text(settings, "socket", NULL);
    if (!address || (!strchr(address, '/') && !strchr(address, ':')))
        return sl_fail(call, SL_INVALID,
                       "haproxy: 'socket' must be the path of HAProxy's stats socket with level "
                       "admin, or host:port of one");
    const char *backend = sl_get_text(settings, "backend", NULL);
    if (backend && !name_fits(backend))
        return sl_fail(call, SL_INVALID, "haproxy: '%s' is no backend's name", backend);
    int rc = check_names(call, settings, "stable");
    return rc ? rc : check_names(call, settings, "canary");
}

static const cJSON *settings_of(const struct driver_wish *wish) {
    const cJSON *of_plan = sl_get(wish->plan, "haproxy");
    const cJSON *of_app = sl_get(sl_get(wish->settings, "apps"), wish->app);
    return of_plan ? of_plan : of_app ? of_app : wish->settings;
}

/* The socket is the operator's to name: a plan may say which backend and servers, not where. */
static const char *address_of(const struct driver_wish *wish) {
    const cJSON *of_app = sl_get(sl_get(wish->settings, "apps"), wish->app);
    return sl_get_text(of_app, "socket", sl_get_text(wish->settings, "socket", NULL));
}

static int site_of(sl_call *call, const struct driver_wish *wish, struct site *site) {
    const cJSON *given = settings_of(wish);
    cJSON *settings = cJSON_Duplicate(given, 1);
    if (!settings) settings = cJSON_CreateObject();
    const char *address = address_of(wish);
    cJSON_DeleteItemFromObjectCaseSensitive(settings, "socket");
    if (address) cJSON_AddStringToObject(settings, "socket", address);
    int rc = check_site(call, settings);
    if (rc) return rc;
    *site = (struct site){.address = address,
                          .backend = sl_get_text(settings, "backend", wish->app),
                          .stable = sl_get(settings, "stable"),
                          .canary = sl_get(settings, "canary")};
    if (!name_fits(site->backend))
        return sl_fail(call, SL_INVALID, "haproxy: '%s' is no backend's name", site->backend);
    char *variable = sl_printf(call, "proc.sluice_%s", site->backend);
    for (char *at = variable + sizeof "proc." - 1; *at; at++) {
        if (!isalnum((unsigned char)*at)) *at = '_';
    }
    site->variable = variable;
    return 0;
}

static int check(sl_call *call, const cJSON *settings) {
    const cJSON *apps = sl_get(settings, "apps"), *app;
    if (sl_get(settings, "stable") || !apps) return check_site(call, settings);
    cJSON_ArrayForEach(app, apps) {
        int rc = check_names(call, app, "stable");
        if (!rc) rc = check_names(call, app, "canary");
        if (rc) return sl_fail(call, rc, "application '%s': %s", app->string, sl_failure(call));
    }
    return 0;
}

/* ---- looking ---- */

static bool named_in(const cJSON *names, const char *server) {
    const cJSON *name;
    cJSON_ArrayForEach(name, names) {
        size_t length = strlen(name->valuestring);
        if (name->valuestring[length - 1] == '*'
                ? strncmp(server, name->valuestring, length - 1) == 0
                : strcmp(server, name->valuestring) == 0)
            return true;
    }
    return false;
}

static int find_pools(sl_call *call, const struct site *site, struct sight *sight) {
    struct haproxy_pools *pools = &sight->pools;
    for (size_t i = 0; i < sight->servers.count; i++) {
        const char *name = sight->servers.items[i].name;
        bool stable = named_in(site->stable, name), canary = named_in(site->canary, name);
        if (stable && canary)
            return sl_fail(call, SL_INVALID,
                           "haproxy: server '%s' is in both 'stable' and 'canary'", name);
        if (stable) pools->stable[pools->stable_count++] = i;
        if (canary) pools->canary[pools->canary_count++] = i;
    }
    if (pools->stable_count && pools->canary_count) return 0;
    return sl_fail(call, SL_NOT_FOUND,
                   "haproxy: backend '%s' has none of the servers that '%s' names; it has %zu, the "
                   "first is '%s'",
                   site->backend, pools->stable_count ? "canary" : "stable", sight->servers.count,
                   sight->servers.items[0].name);
}

static int talk(sl_call *call, struct haproxy_talk *talk) {
    int64_t left = sl_left_ms(call);
    talk->timeout_ms = left < TIMEOUT_MS ? left : TIMEOUT_MS;
    int rc = sl_offload(call, haproxy_talk, talk);
    if (rc && talk->fault[0]) return sl_fail(call, rc, "%s", talk->fault);
    return rc;
}

static int read_sight(sl_call *call, const struct site *site, const struct haproxy_talk *said,
                      struct sight *sight) {
    double pid = haproxy_info(said->answers[0].text, said->answers[0].size, "Pid");
    double start = haproxy_info(said->answers[0].text, said->answers[0].size, "Start_time_sec");
    sight->epoch = sl_printf(call, "%.0f-%.0f", pid, start);
    if (!haproxy_stat_read(said->answers[1].text, said->answers[1].size, site->backend,
                           &sight->servers))
        return sl_fail(call, SL_NOT_FOUND, "haproxy: %s", sight->servers.fault);
    char note[HAPROXY_NOTE];
    sight->noted = haproxy_var(said->answers[2].text, said->answers[2].size, note, sizeof note) &&
                   haproxy_note_read(note, &sight->note);
    return find_pools(call, site, sight);
}

static int look(sl_call *call, const struct driver_wish *wish, const struct site *site,
                struct sight *sight) {
    struct haproxy_talk said = {.address = site->address,
                                .commands = {"show info",
                                             sl_printf(call, "show stat %s 4 -1", site->backend),
                                             sl_printf(call, "get var %s", site->variable)}};
    int rc = talk(call, &said);
    if (!rc) rc = read_sight(call, site, &said, sight);
    haproxy_talk_free(&said);
    if (rc) return rc;
    sight->own = sight->noted && strcmp(sight->note.deployment, wish->deployment) == 0;
    if (sight->own) {
        if (sight->note.swapped) haproxy_swap(&sight->pools);
        return 0;
    }
    const size_t first_before = sight->pools.stable[0];
    if (!haproxy_follow_traffic(&sight->servers, &sight->pools) && wish->goal != DRIVER_ROLL_BACK)
        return sl_fail(
            call, SL_CONFLICT,
            "haproxy: both pools of backend '%s' have weight before this rollout moved "
            "any, so which of them is the old version cannot be told; set the weights of "
            "the new one's servers to 0",
            site->backend);
    sight->note.swapped = sight->pools.stable[0] != first_before;
    return 0;
}

/* ---- deciding ---- */

static struct haproxy_weights target_of(const struct driver_wish *wish,
                                        const struct haproxy_pools *pools) {
    int weight = wish->goal == DRIVER_PROMOTE     ? wish->max_weight
                 : wish->goal == DRIVER_ROLL_BACK ? 0
                                                  : wish->weight;
    return haproxy_weights_for(weight, wish->max_weight, pools->stable_count, pools->canary_count);
}

/* Abort goes through whatever others write: it is the safe way out. */
static int check_writer(sl_call *call, const struct driver_wish *wish, const struct site *site,
                        const struct sight *sight) {
    if (sight->noted && !sight->own && strcmp(sight->note.deployment, wish->deployment) > 0)
        return sl_fail(call, SL_CONFLICT,
                       "haproxy: backend '%s' is moved by deployment %s, which is newer than %s",
                       site->backend, sight->note.deployment, wish->deployment);
    if (!sight->own) return 0;
    if (sight->note.generation > wish->generation)
        return sl_fail(call, SL_CONFLICT,
                       "haproxy: backend '%s' carries decision %lld of this deployment; decision "
                       "%lld is older and is refused",
                       site->backend, (long long)sight->note.generation,
                       (long long)wish->generation);
    const struct haproxy_server *other =
        haproxy_foreign(&sight->servers, &sight->pools, &sight->note);
    if (!other || wish->goal == DRIVER_ROLL_BACK ||
        haproxy_has_weights(&sight->servers, &sight->pools, target_of(wish, &sight->pools)))
        return 0;
    return sl_fail(call, SL_CONFLICT,
                   "haproxy: somebody else has set the weight of %s/%s to %d; this rollout had set "
                   "%d for the old and %d for the new version: set it back, or abort the rollout",
                   site->backend, other->name, other->weight, sight->note.weights.stable,
                   sight->note.weights.canary);
}

struct text {
    char *at;
    size_t room;
};

static void say(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int wrote = vsnprintf(text->at, text->room, format, args);
    va_end(args);
    size_t used = wrote > 0 && (size_t)wrote < text->room ? (size_t)wrote : text->room;
    text->at += used;
    text->room -= used;
}

static void say_pool(struct text *text, const struct site *site,
                     const struct haproxy_servers *servers, const size_t *places, size_t count,
                     int weight) {
    for (size_t i = 0; i < count; i++) {
        const struct haproxy_server *server = &servers->items[places[i]];
        say(text, "set weight %s/%s %d;", site->backend, server->name, weight);
        /* MAINT is an operator's word, and stays. */
        if (weight && server->draining)
            say(text, "set server %s/%s state ready;", site->backend, server->name);
    }
}

/* All weights in one line: HAProxy runs it as one, so a crash of ours cannot leave half of it. The
 * pool that gains goes first, so that there is always one with weight. */
static const char *commands_for(sl_call *call, const struct driver_wish *wish,
                                const struct site *site, const struct sight *sight,
                                struct haproxy_weights weights) {
    char *line = sl_alloc(call, COMMAND_MAX), note[HAPROXY_NOTE];
    struct text text = {line, COMMAND_MAX};
    struct haproxy_note own = {
        .generation = wish->generation, .swapped = sight->note.swapped, .weights = weights};
    (void)snprintf(own.deployment, sizeof own.deployment, "%s", wish->deployment);
    haproxy_note_write(&own, note);
    const struct haproxy_pools *pools = &sight->pools;
    if (weights.stable)
        say_pool(&text, site, &sight->servers, pools->stable, pools->stable_count, weights.stable);
    say_pool(&text, site, &sight->servers, pools->canary, pools->canary_count, weights.canary);
    if (!weights.stable)
        say_pool(&text, site, &sight->servers, pools->stable, pools->stable_count, weights.stable);
    say(&text, "experimental-mode on;set var %s str(%s)", site->variable, note);
    return text.room ? line : NULL;
}

/* ---- telling ---- */

static struct driver_counts counts_of(const struct haproxy_servers *servers, const size_t *places,
                                      size_t count) {
    struct driver_counts counts = {.latency_ms = -1};
    double weighted = 0, timed = 0;
    for (size_t i = 0; i < count; i++) {
        const struct haproxy_server *server = &servers->items[places[i]];
        counts.requests += server->requests;
        counts.errors += server->errors;
        if (server->response_ms < 0) continue;
        weighted += server->response_ms * server->requests;
        timed += server->requests;
    }
    if (timed > 0) counts.latency_ms = weighted / timed;
    return counts;
}

static int count_up(const struct haproxy_servers *servers, const size_t *places, size_t count) {
    int up = 0;
    for (size_t i = 0; i < count; i++) up += servers->items[places[i]].up;
    return up;
}

static const char *foreign_words(sl_call *call, const struct sight *sight) {
    const struct haproxy_server *other =
        sight->own ? haproxy_foreign(&sight->servers, &sight->pools, &sight->note) : NULL;
    if (!other) return NULL;
    return sl_printf(call, "weight %d of server %s was set by somebody else", other->weight,
                     other->name);
}

static void tell(sl_call *call, const struct driver_wish *wish, const struct site *site,
                 const struct sight *sight, struct driver_view *view) {
    const struct haproxy_pools *pools = &sight->pools;
    const struct haproxy_servers *servers = &sight->servers;
    *view = driver_blind(call);
    view->generation = sight->own ? sight->note.generation : 0;
    view->weight = haproxy_weight_in_force(servers, pools, wish->max_weight);
    view->replicas = (int)pools->canary_count;
    view->available = count_up(servers, pools->canary, pools->canary_count);
    view->ready = view->available == view->replicas;
    view->verified = sight->own && haproxy_has_weights(servers, pools, target_of(wish, pools));
    view->promoted = view->verified && wish->goal == DRIVER_PROMOTE;
    view->rolled_back = view->verified && wish->goal == DRIVER_ROLL_BACK;
    view->foreign = foreign_words(call, sight);
    view->canary = counts_of(servers, pools->canary, pools->canary_count);
    view->stable = counts_of(servers, pools->stable, pools->stable_count);
    view->counts_epoch = sight->epoch;
    view->phase = view->promoted ? "Healthy" : view->rolled_back ? "Degraded" : "Progressing";
    view->message = sl_printf(
        call, "backend %s: %d of %d servers of the new version (%s...) are up, weight %d of %d",
        site->backend, view->available, view->replicas, servers->items[pools->canary[0]].name,
        view->weight, wish->max_weight);
}

/* ---- the driver ---- */

static int send(sl_call *call, const struct driver_wish *wish, const struct site *site,
                const struct sight *sight) {
    const char *line = commands_for(call, wish, site, sight, target_of(wish, &sight->pools));
    if (!line) return sl_fail(call, SL_INVALID, "haproxy: too many servers for one command");
    struct haproxy_talk said = {.address = site->address, .commands = {line}};
    int rc = talk(call, &said);
    size_t length = 0;
    const char *refusal =
        rc ? NULL : haproxy_refusal(said.answers[0].text, said.answers[0].size, &length);
    if (refusal)
        rc = sl_fail(call, SL_INVALID,
                     "haproxy refused to set weights of backend '%s': %.*s (the socket needs "
                     "'level admin')",
                     site->backend, (int)(length < 200 ? length : 200), refusal);
    haproxy_talk_free(&said);
    return rc;
}

static bool is_so(const struct driver_wish *wish, const struct sight *sight) {
    return sight->own && sight->note.generation == wish->generation &&
           haproxy_has_weights(&sight->servers, &sight->pools, target_of(wish, &sight->pools));
}

static int apply(sl_call *call, const struct driver_wish *wish, struct driver_view *view) {
    struct site site;
    struct sight *sight = sl_alloc(call, sizeof *sight);
    int rc = site_of(call, wish, &site);
    if (!rc) rc = look(call, wish, &site, sight);
    if (!rc) rc = check_writer(call, wish, &site, sight);
    if (!rc && !is_so(wish, sight)) {
        rc = send(call, wish, &site, sight);
        *sight = (struct sight){0};
        if (!rc) rc = look(call, wish, &site, sight);
    }
    if (rc) return rc;
    tell(call, wish, &site, sight, view);
    return 0;
}

/* Without our note HAProxy has forgotten the wish, and its weights with it. */
static int observe(sl_call *call, const struct driver_wish *wish, struct driver_view *view) {
    struct site site;
    struct sight *sight = sl_alloc(call, sizeof *sight);
    int rc = site_of(call, wish, &site);
    if (!rc) rc = look(call, wish, &site, sight);
    if (rc) return rc;
    if (!sight->noted) return apply(call, wish, view);
    tell(call, wish, &site, sight, view);
    return 0;
}

const struct driver driver_haproxy = {
    .name = "haproxy", .check = check, .apply = apply, .observe = observe};
