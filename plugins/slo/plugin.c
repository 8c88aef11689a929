/* The face of the plugin: objectives, budgets, alerts and the confidence meter. */
#include "prometheus.h"
#include "slo.h"

#include <stdlib.h>

/* ---- query.prometheus ---- */

static const sl_field query_in[] = {
    SL_STRING("query", .help = "PromQL", .flags = SL_REQUIRED, .min = 1, .max = SL_KIB(32)),
    SL_INT("at_ms", .help = "instant query: when; default: now", .min = 0),
    SL_INT("start_ms", .help = "range query: from when", .min = 0),
    SL_INT("end_ms", .help = "range query: until when; default: now", .min = 0),
    SL_INT("step_ms", .help = "range query: resolution; default: 15 s or what fits 11,000 points",
           .min = 1),
    SL_END};

static const sl_field query_out[] = {
    SL_LIST("result", SL_T_OBJECT,
            .help = "a series each: metric, and value [ms, number] or values; NaN, +Inf and -Inf "
                    "are texts"),
    SL_LIST("warnings", SL_T_STRING, .help = "what Prometheus warns of"), SL_END};

/* ---- the face ---- */

static const sl_op ops[] = {{.name = "query.prometheus",
                             .summary = "Ask the configured Prometheus",
                             .in = query_in,
                             .out = query_out,
                             .needs = "slo:read",
                             .run = query_prometheus,
                             .effect = SL_READS,
                             .flags = SL_OP_HIDDEN},
                            SL_END};

static const sl_field prometheus_options[] = {
    SL_STRING("url", .format = "uri", .help = "base of its HTTP API, as http://prometheus:9090"),
    SL_STRING("token", .flags = SL_SECRET, .help = "bearer token"),
    SL_STRING("ca_file", .flags = SL_PATH, .help = "certificates that it is checked by"),
    SL_STRING("tenant_header", .max = 100,
              .help = "header that carries the tenant, as X-Scope-OrgID for Mimir; default: none"),
    SL_DURATION("timeout", .def = "10s", .min = 100, .max = 120000, .help = "of one query"),
    SL_END};

static const sl_field config[] = {
    SL_OBJECT("prometheus", prometheus_options, .help = "where objectives are measured"), SL_END};

static const sl_metric metrics[] = {{.name = "slo_prometheus_queries_total",
                                     .help = "Queries to Prometheus",
                                     .labels = "result",
                                     .type = SL_COUNTER},
                                    SL_END};

static int start(sl_call *call, const cJSON *options) {
    struct slo *slo = calloc(1, sizeof *slo);
    if (!slo) return sl_fail(call, SL_UNAVAILABLE, "no memory for the objectives");
    slo->config = sl_json_keep(options);
    sl_set_state(call, slo);
    return 0;
}

static void stop(sl_call *call) {
    struct slo *slo = sl_state(call);
    if (!slo) return;
    sl_set_state(call, NULL);
    sl_json_drop(slo->config);
    free(slo);
}

SL_PLUGIN(.name = "slo", .version = "1.0.0",
          .summary = "Objectives, error budgets, burn-rate alerts and the confidence meter",
          .license = "Apache-2.0", .config = config, .ops = ops, .metrics = metrics, .start = start,
          .stop = stop);
