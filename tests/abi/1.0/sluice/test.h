/* test.h - a plugin tested in-process: the real registry, validation, bus and store (in memory), a
 * clock that is moved by hand, scripted HTTP answers, no sockets, no sleeping.
 *
 *     sl_test_host *host = sl_test_host_new(&(sl_test_options){.plugin = &sluice_plugin});
 *     int status = sl_test_call(host, "hello.greet", "{\"name\":\"Ada\"}");
 *     assert(status == 0 && strstr(sl_test_answer(host), "Hello, Ada"));
 *     sl_test_host_free(host);
 *
 * Nothing here is for production code; several hosts can live in one process, each on one thread.
 */
#ifndef SLUICE_TEST_H
#define SLUICE_TEST_H

#include <sluice/base.h>
#include <sluice/plugin.h>

typedef struct sl_test_host sl_test_host;

typedef struct sl_test_options {
    const sl_plugin *plugin;  /* linked into the test, or NULL */
    const char *const *files; /* .so or .lua plugins to load as well, ended by NULL; may be NULL */
    const char *config;       /* JSON object: the options of the plugin under test; NULL: {} */
    const char *tenant;       /* NULL: "default" */
    int64_t now_ms;           /* the clock's start; 0: 2026-01-01T00:00:00Z */
    const void *reserved[4];
} sl_test_options;

/* NULL when a plugin is refused or does not start: sl_test_error() then says why. */
SL_API sl_test_host *sl_test_host_new(const sl_test_options *options);
SL_API void sl_test_host_free(sl_test_host *host);
SL_API const char *sl_test_error(void); /* of the last sl_test_host_new on this thread */

/* Calls an operation with all permissions as HTTP would, validation included. Returns enum
 * sl_status. */
SL_API int sl_test_call(sl_test_host *host, const char *op, const char *json);
SL_API const char *sl_test_answer(sl_test_host *host); /* JSON of the last answer or problem */
/* Calls with these permissions only ("risk:read deploy:write"). */
SL_API int sl_test_call_as(sl_test_host *host, const char *permissions, const char *op,
                           const char *json);

/* Moves the clock; timers and jobs that fall due run, in order, and listeners hear all events. */
SL_API void sl_test_advance(sl_test_host *host, int64_t ms);
/* Events of this type ("*": all) so far; and the newest of them as JSON, or NULL. */
SL_API size_t sl_test_event_count(sl_test_host *host, const char *type);
SL_API const char *sl_test_last_event(sl_test_host *host, const char *type);
/* Publishes an event as if another plugin had, and lets listeners hear it. */
SL_API int sl_test_publish(sl_test_host *host, const char *type, const char *subject,
                           const char *json);
/* Answers the next sl_fetch whose "METHOD URL" starts with `request`; status 0: connection refused.
 * A fetch that nothing answers fails with SL_UNAVAILABLE and is reported by sl_test_unmet. */
SL_API void sl_test_answer_fetch(sl_test_host *host, const char *request, int status,
                                 const char *body);
SL_API size_t sl_test_unmet(sl_test_host *host);
/* Makes the n-th allocation, commit or fetch from now fail (1: the next). */
SL_API void sl_test_fail_commit(sl_test_host *host, int nth);
/* Value of a metric as it would stand in /metrics: "sluice_risk_scores_total{level=\"HIGH\"}"; NaN.
 */
SL_API double sl_test_metric(sl_test_host *host, const char *series);

#endif
