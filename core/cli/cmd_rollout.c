/* cmd_rollout.c - rollout get [-w] and rollout status: one rollout as people follow it, in the words
 * and with the exit codes of kubectl-argo-rollouts. All other verbs are operations. */
#include "client.h"
#include "op_input.h"

#include <poll.h>
#include <string.h>
#include <time.h>

enum { POLL_MS = 1000 };

static enum cli_color color_of(const char *phase) {
    static const struct {
        const char *phase;
        enum cli_color color;
    } colors[] = {{"Promoted", CLI_GREEN},
                  {"Aborted", CLI_RED},
                  {"Aborting", CLI_RED},
                  {"Held", CLI_YELLOW},
                  {"Paused", CLI_YELLOW}};
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (!strcmp(colors[i].phase, phase)) return colors[i].color;
    return CLI_BOLD;
}

static double number_of(const cJSON *json, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *word(struct cli *cli, const cJSON *json, const char *name) {
    return cli_clean(cli, member_text(json, name, ""), false);
}

static void line(struct cli *cli, const char *label, const char *text) {
    if (*text) cli_out(cli, "%-12s %s\n", label, text);
}

static void print_steps(struct cli *cli, const cJSON *run) {
    const cJSON *step;
    int number = 0;
    cJSON_ArrayForEach(step, cJSON_GetObjectItemCaseSensitive(run, "steps")) {
        const char *state = member_text(step, "state", "");
        const bool now = !strcmp(state, "now"), done = !strcmp(state, "done");
        cli_out(cli, "  %s %2d %s\n",
                cli_paint(cli,
                          now    ? CLI_YELLOW
                          : done ? CLI_GREEN
                                 : CLI_DIM,
                          now    ? ">"
                          : done ? "+"
                                 : " "),
                number++, word(cli, step, "step"));
    }
}

static void print_metrics(struct cli *cli, const char *label, const cJSON *analysis) {
    const cJSON *metric;
    cJSON_ArrayForEach(metric, cJSON_GetObjectItemCaseSensitive(analysis, "metrics")) {
        cli_out(cli, "%-12s %s %s: %g good, %g bad, %g open, %g broken, last %s%s\n", label,
                word(cli, metric, "name"), word(cli, metric, "phase"),
                number_of(metric, "successful"), number_of(metric, "failed"),
                number_of(metric, "inconclusive"), number_of(metric, "error"),
                word(cli, metric, "last_value"),
                member_true(metric, "simulated") ? " (simulated)" : "");
    }
}

static void print_verdicts(struct cli *cli, const cJSON *run) {
    const cJSON *verdict;
    int told = 0;
    cJSON_ArrayForEach(verdict, cJSON_GetObjectItemCaseSensitive(run, "verdicts")) {
        if (told++ == 5) return;
        cli_out(cli, "%-12s %s %s at step %g: %s\n", told == 1 ? "Gates:" : "",
                word(cli, verdict, "gate"), word(cli, verdict, "outcome"),
                number_of(verdict, "step"), word(cli, verdict, "reason"));
    }
}

static void print_run(struct cli *cli, const cJSON *run) {
    const char *phase = word(cli, run, "phase");
    cli_out(cli, "%-12s %s\n", "Name:", word(cli, run, "app_name"));
    line(cli, "Environment:", word(cli, run, "environment"));
    line(cli, "Image:", word(cli, run, "image"));
    cli_out(cli, "%-12s %s (%s)\n", "Status:", cli_paint(cli, color_of(phase), phase),
            word(cli, run, "status"));
    line(cli, "Why:", word(cli, run, "message"));
    cli_out(cli, "%-12s %s, driver %s%s\n", "Strategy:", word(cli, run, "strategy"),
            word(cli, run, "driver"), member_true(run, "simulated") ? " (simulated)" : "");
    cli_out(cli, "%-12s %g of %g\n", "Weight:", number_of(run, "weight"),
            number_of(run, "max_weight"));
    line(cli, "Evidence:", word(cli, run, "evidence"));
    print_metrics(cli, "Analysis:", cJSON_GetObjectItemCaseSensitive(run, "analysis"));
    print_metrics(cli, "Background:", cJSON_GetObjectItemCaseSensitive(run, "background_analysis"));
    print_verdicts(cli, run);
    const cJSON *hold = cJSON_GetObjectItemCaseSensitive(run, "hold");
    if (hold)
        cli_out(cli, "%-12s since %s until %s, then %s; owner %s\n",
                "Hold:", word(cli, hold, "since"), member_text(hold, "until", "it is lifted"),
                word(cli, hold, "then"), word(cli, hold, "owner"));
    line(cli, "Next:", word(cli, run, "next_action"));
    print_steps(cli, run);
}

static cJSON *fetch(struct cli *cli, int *code) {
    return client_get(cli, arena_printf(&cli->arena, "/rollouts/%s", url_encode(cli, cli->args[0])),
                      code);
}

static bool has_ended(const char *phase) {
    return !strcmp(phase, "Promoted") || !strcmp(phase, "Aborted");
}

/* Degraded is the answer of a gate or of the measurements, not a fault. */
static int exit_of(const char *phase) {
    return !strcmp(phase, "Aborted") || !strcmp(phase, "Aborting") ? CLI_DENIED : CLI_DONE;
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- rollout get ---- */

static void show(struct cli *cli, const cJSON *run) {
    if (cli->format == CLI_TABLE || cli->format == CLI_MD)
        print_run(cli, run);
    else
        cli_value(cli, run);
    fflush(cli->out);
}

static int run_get(struct cli *cli) {
    const bool watch = cli_option(cli, "watch") != NULL;
    double version = -1;
    for (;;) {
        int code;
        const cJSON *run = fetch(cli, &code);
        if (!run) return code;
        if (!watch) return show(cli, run), CLI_DONE;
        const char *phase = word(cli, run, "phase");
        if (number_of(run, "version") != version) {
            if (version >= 0 && cli->format == CLI_TABLE) cli_out(cli, "\n");
            show(cli, run);
        }
        version = number_of(run, "version");
        if (has_ended(phase)) return CLI_DONE;
        (void)poll(NULL, 0, POLL_MS);
    }
}

/* ---- rollout status ---- */

static int run_status(struct cli *cli) {
    const bool once = cli_option(cli, "watch") && !strcmp(cli_option(cli, "watch"), "false");
    const int64_t until_ms = now_ms() + cli->timeout_ms;
    const char *told = "";
    for (;;) {
        int code;
        const cJSON *run = fetch(cli, &code);
        if (!run) return code;
        const char *phase = word(cli, run, "phase"), *message = word(cli, run, "message");
        const char *text = arena_printf(&cli->arena, "%s%s%s", word(cli, run, "status"),
                                        *message ? " - " : "", message);
        if (strcmp(text, told) != 0) cli_out(cli, "%s\n", text);
        told = text;
        fflush(cli->out);
        if (has_ended(phase) || once) return exit_of(phase);
        if (now_ms() >= until_ms)
            return cli_fail(cli, CLI_TIMED_OUT, "the rollout has not ended within the time given");
        (void)poll(NULL, 0, POLL_MS);
    }
}

static const struct cli_flag get_flags[] = {
    {.name = "watch", .letter = 'w', .help = "show every change until it has ended"}, {0}};

static const struct cli_flag status_flags[] = {
    {.name = "watch", .value = "BOOL", .help = "false: look once", .letter = 'w', .maybe = true},
    {0}};

const struct cli_command rollout_commands[] = {
    {.words = "rollout get",
     .args = "ID",
     .args_min = 1,
     .args_max = 1,
     .summary = "Show how a rollout stands, and with -w every change",
     .example = "sluice rollout get 01J8Z0W4T0 -w",
     .flags = get_flags,
     .run = run_get},
    {.words = "rollout status",
     .args = "ID",
     .args_min = 1,
     .args_max = 1,
     .summary = "Wait until a rollout has ended, at most --timeout",
     .more = "Exit code 0: promoted; 6: aborted; 7: not ended in time. --watch=false looks once.",
     .example = "sluice rollout status 01J8Z0W4T0 --timeout 10m",
     .flags = status_flags,
     .run = run_status},
    {0}};
