#include "logging.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* The sink is the process's standard error, so its settings are the process's too. */
static struct {
    enum log_format format;
    int level;
    bool color;
} sink = {.format = LOG_CONSOLE, .level = SL_INFO};

static const char *const level_names[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_format format, int level) {
    bool terminal = isatty(STDERR_FILENO);
    sink.format = format == LOG_AUTO ? (terminal ? LOG_CONSOLE : LOG_JSON) : format;
    sink.level = level;
    const char *no_color = getenv("NO_COLOR");
    sink.color = terminal && !(no_color && *no_color);
}

bool log_enabled(int level) {
    return level >= sink.level;
}

/* One line being built; what does not fit is cut, never split over two writes. */
struct line {
    char text[8192];
    size_t size;
};

static void put(struct line *line, const char *text, size_t size) {
    size_t room = sizeof line->text - 2 - line->size;
    if (size > room) size = room;
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static void put_text(struct line *line, const char *text) {
    put(line, text, strlen(text));
}

static void put_quoted(struct line *line, const char *text) {
    put_text(line, "\"");
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        char escape[8];
        if (*c == '"' || *c == '\\')
            put(line, (char[]){'\\', (char)*c}, 2);
        else if (*c == '\n')
            put_text(line, "\\n");
        else if (*c < 0x20 || *c == 0x7f)
            put(line, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *c));
        else
            put(line, (const char *)c, 1);
    }
    put_text(line, "\"");
}

static void put_time(struct line *line, bool with_date) {
    struct timespec now;
    struct tm parts;
    char text[64];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t size = with_date ? strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts)
                            : strftime(text, sizeof text, "%H:%M:%S", &parts);
    put(line, text, size);
    put(line, text, (size_t)snprintf(text, sizeof text, ".%03ldZ", now.tv_nsec / 1000000));
}

static void line_json(struct line *line, int level, const char *message,
                      const char *const *fields) {
    put_text(line, "{\"time\":\"");
    put_time(line, true);
    put_text(line, "\",\"level\":\"");
    put_text(line, level_names[level]);
    put_text(line, "\",\"message\":");
    put_quoted(line, message);
    for (; fields && fields[0]; fields += 2) {
        if (!fields[1]) continue;
        put_text(line, ",");
        put_quoted(line, fields[0]);
        put_text(line, ":");
        put_quoted(line, fields[1]);
    }
    put_text(line, "}");
}

/* ` name="value"` of every field that has a value. */
static void put_pairs(struct line *line, const char *const *fields) {
    for (; fields && fields[0]; fields += 2) {
        if (!fields[1]) continue;
        put_text(line, " ");
        put_text(line, fields[0]);
        put_text(line, "=");
        put_quoted(line, fields[1]);
    }
}

static void line_logfmt(struct line *line, int level, const char *message,
                        const char *const *fields) {
    put_text(line, "time=");
    put_time(line, true);
    put_text(line, " level=");
    put_text(line, level_names[level]);
    put_text(line, " message=");
    put_quoted(line, message);
    put_pairs(line, fields);
}

static void line_console(struct line *line, int level, const char *message,
                         const char *const *fields) {
    static const char *const colors[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    put_time(line, false);
    put_text(line, " ");
    if (sink.color) put_text(line, colors[level]);
    put_text(line, level_names[level]);
    if (sink.color) put_text(line, "\033[0m");
    put_text(line, " ");
    for (const unsigned char *c = (const unsigned char *)message; *c; c++) {
        char plain =
            *c < 0x20 || *c == 0x7f ? '?' : (char)*c; /* no terminal control from outside */
        put(line, *c == '\n' ? "\n" : &plain, 1);
    }
    put_pairs(line, fields);
}

void log_line(int level, const char *message, const char *const *fields) {
    if (!log_enabled(level)) return;
    struct line line;
    line.size = 0; /* the text needs no zeros */
    if (sink.format == LOG_JSON)
        line_json(&line, level, message, fields);
    else if (sink.format == LOG_LOGFMT)
        line_logfmt(&line, level, message, fields);
    else
        line_console(&line, level, message, fields);
    line.text[line.size] = 0;
    mask_secrets(line.text);
    line.size = strlen(line.text);
    line.text[line.size++] = '\n';
    ssize_t ignored = write(STDERR_FILENO, line.text, line.size);
    (void)ignored;
}

static SL_PRINTF(2, 0) void log_va(int level, const char *format, va_list args) {
    char text[4096];
    if (!log_enabled(level)) return;
    vsnprintf(text, sizeof text, format, args);
    log_line(level, text, NULL);
}

void log_info(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_va(SL_INFO, format, args);
    va_end(args);
}

void log_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_va(SL_WARN, format, args);
    va_end(args);
}

void log_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    log_va(SL_ERROR, format, args);
    va_end(args);
}

/* What comes before a secret, and which bytes the secret is made of. `keep` bytes stay, so that two
 * tokens can be told apart. */
static const struct {
    const char *before;
    unsigned keep, least;
} secret_forms[] = {
    {"slk_", 4, 16},      {"Bearer ", 0, 8}, {"Basic ", 0, 8},       {"AKIA", 0, 16},
    {"ghp_", 0, 20},      {"gho_", 0, 20},   {"github_pat_", 0, 20}, {"glpat-", 0, 16},
    {"xoxb-", 0, 16},     {"xoxp-", 0, 16},  {"sk-", 0, 20},         {"password=", 0, 1},
    {"password: ", 0, 1}, {"passwd=", 0, 1}, {"secret=", 0, 1},      {"token=", 0, 1},
    {"api_key=", 0, 1},   {"apikey=", 0, 1}, {"access_key=", 0, 1},  {"authorization=", 0, 1},
};

static bool secret_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-+/=.~", c));
}

/* Replaces text[from, to) by "***" and returns the place behind it. */
static char *blot(char *from, char *to) {
    if (to - from >= 3) {
        memcpy(from, "***", 3);
        memmove(from + 3, to, strlen(to) + 1);
        return from + 3;
    }
    memset(from, '*', (size_t)(to - from));
    return to;
}

static void mask_keys(char *text) {
    for (char *key; (key = strstr(text, "-----BEGIN ")); text = key + 3) {
        char *end = strstr(key, "-----END ");
        end = end ? strstr(end + 9, "-----") : NULL;
        end = end ? end + 5 : key + strlen(key);
        text = blot(key, end);
        if (!*text) return;
        key = text - 3;
    }
}

/* The end of the secret that begins at `at`, or NULL; `*from` is what may not be shown. */
static char *secret_at(char *at, char **from) {
    for (size_t i = 0; i < sizeof secret_forms / sizeof *secret_forms; i++) {
        const char *before = secret_forms[i].before;
        size_t size = strlen(before);
        if ((*at | 0x20) != (*before | 0x20) || strncasecmp(at, before, size) != 0) continue;
        *from = at + size + strnlen(at + size, secret_forms[i].keep);
        char *to = *from;
        while (secret_byte(*to)) to++;
        if (to - *from >= (ptrdiff_t)secret_forms[i].least) return to;
    }
    return NULL;
}

void mask_secrets(char *text) {
    bool may_begin[256] = {false}; /* most bytes begin no form */
    for (size_t i = 0; i < sizeof secret_forms / sizeof *secret_forms; i++)
        may_begin[secret_forms[i].before[0] | 0x20] = true;
    for (char *at = text, *from, *to; *at; at++) {
        if (!may_begin[(unsigned char)*at | 0x20] || !(to = secret_at(at, &from))) continue;
        at = blot(from, to) - 1;
    }
    mask_keys(text);
}
