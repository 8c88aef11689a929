/* metrics.h - counters, gauges, histograms, and their text (Prometheus 0.0.4 / OpenMetrics). */
#ifndef SLUICE_CORE_METRICS_H
#define SLUICE_CORE_METRICS_H

#include <sluice/plugin.h>
#include <stdbool.h>

struct metrics;
struct metric;
struct metric_series;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);
/* Declares a metric; declaring it again gives the same one. `buckets` ended by 0, or NULL. */
struct metric *metrics_declare(struct metrics *metrics, const sl_metric *row);
struct metric *metrics_find(const struct metrics *metrics, const char *name);
/* The series of these label values ("HIGH|model", NULL: no labels). At most 1,000 series a metric;
 * the rest share one with the label values "other". Never NULL: keep the pointer, it is cheap to
 * use. */
struct metric_series *metric_series(struct metric *metric, const char *values);
void metric_add(struct metric_series *series, double add);
void metric_set(struct metric_series *series, double value);
void metric_observe(struct metric_series *series, double value);
double metric_value(const struct metrics *metrics,
                    const char *series); /* as it stands in the text; NaN */
/* Malloc'ed text. */
char *metrics_text(const struct metrics *metrics, bool openmetrics, size_t *size);

#endif
