/* logging.h - log lines of the core: JSON, or for people on a terminal. Credentials are masked
 * here, at the sink, so that no caller can forget it. */
#ifndef SLUICE_CORE_LOGGING_H
#define SLUICE_CORE_LOGGING_H

#include <sluice/log.h>
#include <stdbool.h>

enum log_format { LOG_AUTO, LOG_JSON, LOG_CONSOLE, LOG_LOGFMT };
void log_setup(enum log_format format, int level); /* AUTO: console on a terminal, else JSON */
bool log_enabled(int level);
/* `fields`: name, value, name, value, ..., NULL. Goes to standard error in one write. */
void log_line(int level, const char *message, const char *const *fields);
void log_info(const char *format, ...) SL_PRINTF(1, 2);
void log_warn(const char *format, ...) SL_PRINTF(1, 2);
void log_error(const char *format, ...) SL_PRINTF(1, 2);
/* Masks bearer tokens, key=value secrets, private keys and well-known key forms, in place. */
void mask_secrets(char *text);

#endif
