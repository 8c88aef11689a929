#include "test_hooks.h"

#include "test_inside.h"

#include <stdlib.h>
#include <string.h>

/* ---- waiting ---- */

static bool in_foreground(const struct sl_call *call) {
    const struct test_hooks *hooks = call->host->test;
    for (; call; call = call->parent)
        if (call == hooks->foreground) return true;
    return false;
}

void test_wake(struct test_hooks *hooks) {
    for (struct sleeper *s = hooks->sleepers; s; s = s->next)
        if (s->until_ms <= hooks->loop->fake_now_ms) wait_done(&s->wait, 0);
}

int64_t test_next_waking(const struct test_hooks *hooks, int64_t until_ms) {
    for (const struct sleeper *s = hooks->sleepers; s; s = s->next)
        if (s->until_ms < until_ms && s->until_ms > hooks->loop->fake_now_ms)
            until_ms = s->until_ms;
    return until_ms;
}

static void forget_sleeper(struct test_hooks *hooks, const struct sleeper *sleeper) {
    struct sleeper **at = &hooks->sleepers;
    while (*at && *at != sleeper) at = &(*at)->next;
    if (*at) *at = sleeper->next;
}

int test_sleep(struct sl_call *call, int64_t ms) {
    struct test_hooks *hooks = call->host->test;
    if (call->cancelled) return sl_fail(call, SL_CANCELLED, "the caller left");
    if (in_foreground(call)) {
        hooks->loop->fake_now_ms += ms > 0 ? ms : 0;
        test_wake(hooks);
        return 0;
    }
    struct sleeper sleeper = {.until_ms = hooks->loop->fake_now_ms + ms, .next = hooks->sleepers};
    wait_init(&sleeper.wait, hooks->loop);
    hooks->sleepers = &sleeper;
    int rc = call_park(call, &sleeper.wait);
    forget_sleeper(hooks, &sleeper);
    return rc ? sl_fail(call, rc, "the caller left") : 0;
}

/* ---- HTTP ---- */

void test_script_fetch(struct test_hooks *hooks, const char *request, int status,
                       const char *body) {
    struct scripted *scripted = calloc(1, sizeof *scripted);
    scripted->request = strdup(request);
    scripted->body = strdup(body ? body : "");
    scripted->status = status;
    struct scripted **end = &hooks->scripted;
    while (*end) end = &(*end)->next;
    *end = scripted;
}

static void free_scripted(struct scripted *scripted) {
    free(scripted->request), free(scripted->body), free(scripted);
}

void test_hooks_clear(struct test_hooks *hooks) {
    while (hooks->scripted) {
        struct scripted *next = hooks->scripted->next;
        free_scripted(hooks->scripted);
        hooks->scripted = next;
    }
}

/* Takes the first answer that fits out of the script. */
static struct scripted *take_scripted(struct test_hooks *hooks, const char *asked) {
    for (struct scripted **at = &hooks->scripted; *at; at = &(*at)->next) {
        if (strncmp(asked, (*at)->request, strlen((*at)->request)) != 0) continue;
        struct scripted *found = *at;
        *at = found->next;
        return found;
    }
    return NULL;
}

static const char *type_of_body(const char *body) {
    return strchr("{[", body[0]) && *body ? "application/json" : "text/plain";
}

int fetch_scripted(struct sl_call *call, const sl_request *request, sl_response *response) {
    struct test_hooks *hooks = call->host->test;
    const char *method = request->method ? request->method : request->body ? "POST" : "GET";
    const char *asked = sl_printf(call, "%s %s", method, request->url ? request->url : "");
    struct scripted *scripted = take_scripted(hooks, asked);
    if (!scripted) {
        hooks->unmet++;
        return sl_fail(call, SL_UNAVAILABLE, "no answer is scripted for %s", asked);
    }
    char *body = sl_strdup(call, scripted->body);
    int status = scripted->status;
    free_scripted(scripted);
    if (!status)
        return sl_fail(call, SL_UNAVAILABLE, "cannot connect to %s: Connection refused",
                       request->url);
    *response = (sl_response){.status = status,
                              .tries = 1,
                              .body = body,
                              .body_size = strlen(body),
                              .content_type = type_of_body(body)};
    response->headers = sl_printf(call, "content-type: %s\n", response->content_type);
    if (!request->on_bytes || status / 100 != 2) return 0;
    if (request->on_bytes(request->on_bytes_arg, body, response->body_size))
        return sl_fail(call, SL_CANCELLED, "the transfer was stopped");
    response->body = "", response->body_size = 0;
    return 0;
}
