/* cmd_events.c - following the log live: `sluice events tail`. */
#include "../sse.h"
#include "client.h"
#include "op_input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVENT_MAX_BYTES = 4 * 1024 * 1024, RETRY_MS = 1000, RETRY_MAX_MS = 30000 };

struct tail {
    struct cli *cli;
    struct sse_reader reader;
    char last_id[64];
    long left; /* events still wanted; -1: no end */
};

/* What the handler of Ctrl-C prints; a signal handler has no other way to know it. */
static char resume_hint[160];

static void on_interrupt(int signo) {
    (void)signo;
    ssize_t ignored = write(STDERR_FILENO, resume_hint, strlen(resume_hint));
    (void)ignored;
    _exit(CLI_INTERRUPTED);
}

static void keep_hint(const struct tail *tail) {
    if (tail->cli->quiet || !tail->last_id[0]) return;
    char hint[sizeof resume_hint];
    int size = snprintf(hint, sizeof hint, "\nto go on from here: sluice events tail --after %s\n",
                        tail->last_id);
    memcpy(resume_hint, hint, (size_t)size + 1);
}

static const char *clock_text(struct cli *cli, const cJSON *event) {
    const cJSON *at = cJSON_GetObjectItemCaseSensitive(event, "at_ms");
    if (!cJSON_IsNumber(at)) return "";
    int64_t ms = (int64_t)at->valuedouble;
    time_t seconds = (time_t)(ms / 1000);
    struct tm parts;
    char text[40];
    gmtime_r(&seconds, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    return arena_printf(&cli->arena, "%s.%03dZ", text, (int)(ms % 1000));
}

static void print_event(struct cli *cli, const struct sse_event *event) {
    if (cli->format == CLI_JSON || cli->format == CLI_JSONL) {
        fwrite(event->data, 1, event->data_size, cli->out);
        fputc('\n', cli->out);
        return;
    }
    const cJSON *json = cJSON_ParseWithLength(event->data, event->data_size);
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(json, "data");
    const char *detail = data && data->child ? cli_json(data) : "";
    cli_out(cli, "%-24s  %s  %s  %s  %s\n", clock_text(cli, json),
            cli_paint(cli, CLI_BOLD, cli_clean(cli, event->event, false)),
            cli_clean(cli, member_text(json, "subject", "-"), false),
            cli_clean(cli, member_text(json, "actor", "-"), false), cli_clean(cli, detail, false));
}

/* The memory of one event goes with it: a tail may run for weeks. An interrupt waits until what was
 * printed and the hint agree. */
static int on_event(void *arg, const struct sse_event *event) {
    struct tail *tail = arg;
    struct cli *cli = tail->cli;
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, &before);
    struct arena whole = cli->arena;
    arena_init(&cli->arena);
    arena_use(&cli->arena);
    snprintf(tail->last_id, sizeof tail->last_id, "%.60s", event->id);
    if (!strcmp(event->event, "resync"))
        cli_note(cli,
                 "note: too far behind; some events were skipped (sluice events list --after)");
    else
        print_event(cli, event);
    arena_use(NULL);
    arena_fini(&cli->arena);
    cli->arena = whole;
    arena_use(&cli->arena);
    fflush(cli->out);
    keep_hint(tail);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return tail->left > 0 && --tail->left == 0;
}

static int on_bytes(void *arg, const char *bytes, size_t size) {
    struct tail *tail = arg;
    return sse_read(&tail->reader, bytes, size);
}

static const char *path_of(struct cli *cli) {
    static const char *const names[] = {"type", "subject", "after"};
    const char *path = "/events";
    for (size_t i = 0; i < 3; i++) {
        const char *value = cli_option(cli, names[i]);
        if (value)
            path = arena_printf(&cli->arena, "%s%s%s=%s", path, strchr(path, '?') ? "&" : "?",
                                names[i], url_encode(cli, value));
    }
    return path;
}

/* One connection. CLI_DONE: it ended; try again unless nothing more is wanted. */
static int follow(struct tail *tail, struct client_answer *answer) {
    struct cli *cli = tail->cli;
    sse_reader_init(&tail->reader, EVENT_MAX_BYTES);
    tail->reader.on_event = on_event, tail->reader.arg = tail;
    const char *from =
        tail->last_id[0] ? arena_printf(&cli->arena, "Last-Event-ID: %s", tail->last_id) : NULL;
    int code = client_send(cli,
                           &(struct client_request){.method = "GET",
                                                    .path = path_of(cli),
                                                    .accept = "text/event-stream",
                                                    .header = from,
                                                    .on_bytes = on_bytes,
                                                    .on_bytes_arg = tail,
                                                    .quiet = true},
                           answer);
    sse_reader_fini(&tail->reader);
    return code;
}

static void wait_ms(int64_t ms) {
    (void)poll(NULL, 0, (int)ms);
}

static int begin(struct tail *tail) {
    struct cli *cli = tail->cli;
    const char *limit = cli_option(cli, "limit");
    tail->left = limit ? strtol(limit, NULL, 10) : -1;
    if (limit && tail->left <= 0) return cli_usage(cli, "--limit takes a number above 0");
    signal(SIGINT, on_interrupt);
    if (cli->out == stdout) signal(SIGPIPE, SIG_DFL);
    return 0;
}

static int run_tail(struct cli *cli) {
    struct tail tail = {.cli = cli};
    int code = begin(&tail);
    if (code) return code;
    if (cli->print_curl)
        return client_print_curl(cli, &(struct client_request){.method = "GET",
                                                               .path = path_of(cli),
                                                               .accept = "text/event-stream"}),
               CLI_DONE;
    code = client_check_tenant(cli);
    if (code) return code;
    bool connected = false;
    for (int64_t pause_ms = RETRY_MS;;
         pause_ms = pause_ms * 2 < RETRY_MAX_MS ? pause_ms * 2 : RETRY_MAX_MS) {
        struct client_answer answer;
        code = follow(&tail, &answer);
        if (tail.left == 0) return CLI_DONE;
        if (answer.status >= 400) return client_problem(cli, &answer);
        if (answer.status) connected = true, pause_ms = RETRY_MS;
        if (code == CLI_USAGE) return code;
        if (!connected) {
            cli_fail(cli, CLI_FAILED, "no answer from %s: %s", cli->addr, answer.trouble);
            cli_fix(cli, "start the server (sluice serve), or name it by --addr or SLUICE_ADDR");
            return CLI_FAILED;
        }
        cli_note(cli, "note: the stream ended; going on from where it was");
        wait_ms(pause_ms);
    }
}

static const struct cli_flag tail_flags[] = {
    {"type", "TYPE", "only this type, or all of a noun: deployment.*", 0, false},
    {"subject", "SUBJECT", "only about this: deployment/42", 0, false},
    {"after", "SEQ", "begin behind this event (0: from the first one)", 0, false},
    {"limit", "N", "end after so many events", 0, false},
    {0}};

const struct cli_command events_commands[] = {
    {.words = "events tail",
     .summary = "Follow the log of events as they happen",
     .more = "A broken connection is taken up again behind the last event seen. Ctrl-C ends, and\n"
             "says how to go on. With --json each line is one event.",
     .example = "sluice events tail --type 'deployment.*' --json",
     .flags = tail_flags,
     .run = run_tail},
    {0}};
