/* log.h - log lines and metrics. Neither suspends. */
#ifndef SLUICE_LOG_H
#define SLUICE_LOG_H

#include <sluice/base.h>

enum sl_level { SL_DEBUG = 0, SL_INFO = 1, SL_WARN = 2, SL_ERROR = 3 };

/* One line; the host adds time, plugin, operation, tenant, request id and trace id. Values that
 * look like credentials are masked where the line is written. */
SL_API void sl_log(const sl_call *call, int level, const char *format, ...) SL_PRINTF(3, 4);

/* Metrics are declared in the plugin's `metrics` rows. Label values follow in the order of the
 * row's labels, split by '|' ("HIGH|model"), or NULL. An unknown name is logged once and dropped.
 */
SL_API void sl_count(const sl_call *call, const char *metric, double add, const char *labels);
SL_API void sl_gauge(const sl_call *call, const char *metric, double value, const char *labels);
SL_API void sl_observe(const sl_call *call, const char *metric, double value, const char *labels);

#endif
