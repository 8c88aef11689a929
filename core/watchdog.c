/* watchdog.c - how late the loop is, and who held it. */
#include "health.h"
#include "host.h"
#include "logging.h"
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>

enum { TICK_MS = 100, SLOW_MS = 1000 };

struct watchdog {
    uv_timer_t timer;
    struct host *host;
    struct metric_series *lag;
    int64_t due_ns;
};

static void tick(uv_timer_t *timer) {
    struct watchdog *dog = timer->data;
    int64_t late_ns = loop_clock_ns() - dog->due_ns;
    if (late_ns < 0) late_ns = 0;
    metric_observe(dog->lag, (double)late_ns * 1e-9);
    if (late_ns > SLOW_MS * 1000000LL)
        log_warn("the loop was held for %lld ms", (long long)(late_ns / 1000000));
    dog->due_ns = loop_clock_ns() + TICK_MS * 1000000LL;
}

void watchdog_start(struct host *host) {
    struct watchdog *dog = calloc(1, sizeof *dog);
    dog->host = host;
    dog->lag = metric_series(metrics_find(host->metrics, "loop_lag_seconds"), NULL);
    dog->due_ns = loop_clock_ns() + TICK_MS * 1000000LL;
    uv_timer_init(&host->loop->uv, &dog->timer);
    dog->timer.data = dog;
    uv_timer_start(&dog->timer, tick, TICK_MS, TICK_MS);
    host->watchdog = dog;
}

static void freed(uv_handle_t *timer) {
    free(timer->data);
}

void watchdog_stop(struct host *host) {
    if (!host->watchdog) return;
    uv_close((uv_handle_t *)&host->watchdog->timer, freed);
    host->watchdog = NULL;
}
