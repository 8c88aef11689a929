/* driver_plan.c - the driver that moves nothing: it tells what would be seen if everything that was
 * wished for came true, with made-up traffic. Everything it tells is marked `simulated`.
 *
 * The traffic is a function of the clock and of the settings alone, so it needs no memory: it counts
 * anew from each shift of the weight.
 *   rps           requests a second of the whole service, 100
 *   error_rate    share of them that fails, on the stable version, 0.001
 *   canary_error_rate, the same of the new version; default: error_rate
 *   bad_from_ms   the new version is bad only from this long after the start on */
#include "driver.h"

#include <string.h>

static const double good_rate = 0.001, latency_ms = 40;

static double setting(const struct driver_wish *wish, const char *name, double otherwise) {
    const cJSON *own = sl_get(wish->plan, "simulate");
    return sl_get_number(own, name, sl_get_number(wish->settings, name, otherwise));
}

static struct driver_counts counted(double requests, double rate) {
    const double whole = (double)(int64_t)requests;
    return (struct driver_counts){.requests = whole,
                                  .errors = (double)(int64_t)(whole * rate + 0.5),
                                  .latency_ms = latency_ms};
}

static double canary_rate(const struct driver_wish *wish, int64_t now_ms, double stable_rate) {
    const double from_ms = setting(wish, "bad_from_ms", 0);
    return (double)(now_ms - wish->started_ms) < from_ms
               ? stable_rate
               : setting(wish, "canary_error_rate", stable_rate);
}

static int observe(sl_call *call, const struct driver_wish *wish, struct driver_view *view) {
    *view = driver_blind(call);
    const int64_t now_ms = sl_now_ms(call);
    const double rate = setting(wish, "error_rate", good_rate);
    const double seconds =
        now_ms > wish->shifted_ms ? (double)(now_ms - wish->shifted_ms) / 1e3 : 0;
    const double requests = setting(wish, "rps", 100) * seconds;
    view->simulated = true;
    view->generation = wish->generation;
    view->promoted = wish->goal == DRIVER_PROMOTE;
    view->rolled_back = wish->goal == DRIVER_ROLL_BACK;
    view->weight = view->promoted ? wish->max_weight : view->rolled_back ? 0 : wish->weight;
    view->verified = view->ready = true;
    view->phase = view->promoted ? "Healthy" : view->rolled_back ? "Degraded" : "Progressing";
    view->message = "simulated: the plan driver moves nothing";
    const double share = wish->max_weight ? (double)view->weight / wish->max_weight : 0;
    view->canary = counted(requests * share, canary_rate(wish, now_ms, rate));
    view->stable = counted(requests * (1 - share), rate);
    view->counts_epoch = sl_printf(call, "%lld", (long long)wish->shifted_ms);
    return 0;
}

const struct driver driver_plan = {.name = "plan", .apply = observe, .observe = observe};
