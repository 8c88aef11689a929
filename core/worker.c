#include "worker.h"
#include "dispatch.h"
#include "health.h"
#include "host.h"
#include "http.h"
#include "logging.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

struct worker {
    struct loop loop;
    struct host host;
    struct dispatch *dispatch;
    const struct worker_options *options;
    uv_signal_t term, interrupt;
    uv_timer_t limit;
    int exit_code;
    bool stopping;
};

static void print_report(const struct config *config) {
    char *report = config_report(config, isatty(STDERR_FILENO));
    if (report && *report) fputs(report, stderr);
    free(report);
}

int worker_check(const char *config_path) {
    struct loop loop;
    struct host host;
    if (loop_init(&loop)) return EXIT_NO_START;
    host_init(&host, &loop);
    bool good = host_configure(&host, config_path);
    print_report(host.config);
    host_fini(&host);
    loop_fini(&loop);
    return good ? EXIT_CLEAN : EXIT_CONFIG;
}

static int64_t number_at(const struct host *host, const char *pointer, int64_t otherwise) {
    const cJSON *item = config_at(host->config, pointer);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

static void read_limits(const struct host *host, struct http_limits *limits) {
    http_limits_default(limits);
    const struct {
        const char *pointer;
        size_t *size;
        int64_t *ms;
    } rows[] = {
        {"/server/limits/head", &limits->head_bytes, NULL},
        {"/server/limits/headers", &limits->field_count, NULL},
        {"/server/limits/target", &limits->target_bytes, NULL},
        {"/server/limits/connections", &limits->max_connections, NULL},
        {"/server/limits/head_timeout", NULL, &limits->head_timeout_ms},
        {"/server/limits/body_timeout", NULL, &limits->body_timeout_ms},
        {"/server/limits/idle_timeout", NULL, &limits->idle_timeout_ms},
        {"/server/limits/write_timeout", NULL, &limits->write_timeout_ms},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t value = number_at(host, rows[i].pointer, -1);
        if (value < 0) continue;
        if (rows[i].size)
            *rows[i].size = (size_t)value;
        else
            *rows[i].ms = value;
    }
}

static bool open_http(struct worker *worker) {
    struct http_limits limits;
    struct http_callbacks callbacks;
    read_limits(&worker->host, &limits);
    worker->dispatch = dispatch_open(&worker->host);
    dispatch_callbacks(worker->dispatch, &callbacks);
    worker->host.http = http_server_open(&worker->loop, worker->options->sockets,
                                         worker->options->socket_count, &limits, &callbacks);
    return worker->host.http != NULL;
}

static void tell_ready(const struct worker *worker) {
    if (worker->options->ready_fd < 0) return;
    ssize_t ignored = write(worker->options->ready_fd, "R", 1);
    (void)ignored;
    close(worker->options->ready_fd);
}

static void start(void *arg) {
    struct worker *worker = arg;
    char *error = NULL;
    if (host_start(&worker->host, &error) && open_http(worker)) {
        watchdog_start(&worker->host);
        tell_ready(worker);
        return;
    }
    log_error("cannot start: %s", error ? error : "the listening sockets cannot be used");
    free(error);
    worker->exit_code = EXIT_NO_START;
    loop_stop(&worker->loop);
}

/* ---- drain ---- */

static void stop(void *arg) {
    struct worker *worker = arg;
    host_stop(&worker->host);
    loop_stop(&worker->loop);
}

static void drained(void *arg) {
    struct worker *worker = arg;
    fiber_start_later(&worker->loop, stop, worker);
}

static void too_late(uv_timer_t *limit) {
    (void)limit;
    log_warn("requests did not end within the drain timeout; leaving them");
    _exit(EXIT_FORCED);
}

static void on_signal(uv_signal_t *handle, int signo) {
    struct worker *worker = handle->data;
    (void)signo;
    if (worker->stopping) return; /* the supervisor counts; it kills when a person insists */
    worker->stopping = true;
    worker->host.draining = true;
    if (!worker->host.http) _exit(EXIT_NO_START);
    int64_t limit_ms = number_at(&worker->host, "/server/drain_timeout", 30000);
    uv_timer_start(&worker->limit, too_late, (uint64_t)limit_ms, 0);
    watchdog_stop(&worker->host);
    dispatch_drain(worker->dispatch);
    http_server_drain(worker->host.http, drained, worker);
}

static void watch(struct worker *worker, uv_signal_t *handle, int signo) {
    uv_signal_init(&worker->loop.uv, handle);
    handle->data = worker;
    uv_signal_start(handle, on_signal, signo);
}

void worker_logging(const struct config *config) {
    static const char *const formats[] = {"auto", "json", "console", "logfmt"};
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    const cJSON *format = config_at(config, "/log/format"),
                *level = config_at(config, "/log/level");
    int format_at = LOG_AUTO, level_at = SL_INFO;
    for (int i = 0; i < 4; i++) {
        if (cJSON_IsString(format) && strcmp(format->valuestring, formats[i]) == 0) format_at = i;
        if (cJSON_IsString(level) && strcmp(level->valuestring, levels[i]) == 0) level_at = i;
    }
    log_setup((enum log_format)format_at, level_at);
}

static void close_all(struct worker *worker) {
    uv_close((uv_handle_t *)&worker->term, NULL);
    uv_close((uv_handle_t *)&worker->interrupt, NULL);
    uv_close((uv_handle_t *)&worker->limit, NULL);
    if (worker->host.http) http_server_close(worker->host.http);
    loop_fini(&worker->loop);
    dispatch_close(worker->dispatch);
    host_fini(&worker->host);
}

int worker_run(const struct worker_options *options) {
    struct worker *worker = calloc(1, sizeof *worker);
    if (!worker || loop_init(&worker->loop)) return EXIT_NO_START;
    worker->options = options;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a file-size limit is an error of write(), told like a full disk */
    host_init(&worker->host, &worker->loop);
    if (!host_configure(&worker->host, options->config_path)) {
        print_report(worker->host.config);
        return EXIT_CONFIG;
    }
    worker_logging(worker->host.config);
    const cJSON *state = config_at(worker->host.config, "/state");
    worker->host.state_dir = strdup(cJSON_IsString(state) ? state->valuestring : "./var");
    uv_timer_init(&worker->loop.uv, &worker->limit);
    watch(worker, &worker->term, SIGTERM);
    watch(worker, &worker->interrupt, SIGINT);
    fiber_start_later(&worker->loop, start, worker);
    loop_run(&worker->loop);
    int exit_code = worker->exit_code;
    if (exit_code) _exit(exit_code); /* half started: nothing to take down in order */
    close_all(worker);
    free(worker);
    return exit_code;
}
