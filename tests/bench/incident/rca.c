/* rca.c - root-cause ranking over windows read from standard input (rca.py writes them):
 *   W name            begins a window
 *   S trace span parent service operation start_ns end_ns
 *   L trace span service at_ns message
 *   M service highest usual
 * Prints for each window, against all others: its name and the ranked services. */
#include "rca.h"
#include "miner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WINDOWS = 128 };

static struct {
    struct rca_window *windows[WINDOWS];
    char titles[WINDOWS][64];
    size_t count;
    struct names *names;
    struct miner *miner;
} bench;

static char *field(char **p) {
    char *f = strsep(p, "\t");
    if (!f) exit(2);
    return f;
}

static uint64_t hash(const char *text) {
    return text_hash(text_from(text));
}

static uint32_t name(const char *text) {
    return names_put(bench.names, text_from(text));
}

static void take_span(struct rca_window *w, char *p) {
    struct rca_span s = {.trace = hash(field(&p))};
    s.span = hash(field(&p));
    const char *parent = field(&p);
    s.parent = *parent && strcmp(parent, "root") != 0 ? hash(parent) : 0;
    s.service = name(field(&p));
    s.operation = name(field(&p));
    s.start_ns = atoll(field(&p));
    s.end_ns = atoll(field(&p));
    rca_add_span(w, &s);
}

static void take_log(struct rca_window *w, char *p) {
    struct rca_log l = {.trace = hash(field(&p))};
    l.span = hash(field(&p));
    l.service = name(field(&p));
    l.at_ns = atoll(field(&p));
    const char *message = field(&p);
    struct text where = log_location(text_from(message));
    if (!where.size) {
        const uint64_t form = miner_add(bench.miner, message, strlen(message));
        const struct miner_template *t = miner_template(bench.miner, form);
        where = text_from(t ? t->text : "");
    }
    l.statement = names_put(bench.names, where);
    rca_add_log(w, &l);
}

static void take(char *line) {
    char *p = line + 2;
    struct rca_window *w = bench.count ? bench.windows[bench.count - 1] : NULL;
    if (*line == 'W') {
        bench.windows[bench.count] = rca_window_new(1 << 20);
        (void)snprintf(bench.titles[bench.count++], sizeof *bench.titles, "%s", p);
    } else if (*line == 'S') {
        take_span(w, p);
    } else if (*line == 'L') {
        take_log(w, p);
    } else if (*line == 'M') {
        const uint32_t service = name(field(&p));
        const double highest = atof(field(&p));
        rca_add_load(w, service, highest, atof(field(&p)));
    }
}

int main(void) {
    bench.names = names_new(20000);
    bench.miner = miner_new(NULL);
    char *line = NULL;
    size_t room = 0;
    for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
        line[n - 1] = 0;
        take(line);
    }
    for (size_t i = 0; i < bench.count; i++) rca_window_close(bench.windows[i]);
    for (size_t i = 0; i < bench.count; i++) {
        const struct rca_window *history[WINDOWS];
        size_t n = 0;
        for (size_t h = 0; h < bench.count; h++)
            if (h != i) history[n++] = bench.windows[h];
        struct rca_verdict verdicts[5];
        struct timespec a, b;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &a);
        n = rca_rank(bench.windows[i], history, n, verdicts, 5);
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
        printf("%s\t%.2f", bench.titles[i],
               (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6);
        for (size_t v = 0; v < n; v++)
            printf("\t%s %.3f", names_text(bench.names, verdicts[v].service), verdicts[v].score);
        printf("\n");
    }
    return 0;
}
