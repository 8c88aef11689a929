/* logs.c - reads log lines from standard input; with "speed N" feeds them N times and prints lines
 * per second of CPU; else prints the template id of each line, by what was known at the end. */
#include "miner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    enum { LINES = 1 << 20 };
    char **lines = calloc(LINES, sizeof *lines);
    size_t *sizes = calloc(LINES, sizeof *sizes), n = 0, room = 0, bytes = 0;
    uint64_t *forms = calloc(LINES, sizeof *forms);
    char *line = NULL;
    for (ssize_t got; n < LINES && (got = getline(&line, &room, stdin)) > 0; n++) {
        if (line[got - 1] == '\n') got--;
        lines[n] = memcpy(malloc((size_t)got + 1), line, (size_t)got);
        sizes[n] = (size_t)got;
        bytes += (size_t)got;
    }
    const int times = argc > 2 && strcmp(argv[1], "speed") == 0 ? atoi(argv[2]) : 1;
    struct miner *miner = miner_new(NULL);
    const double from = cpu();
    for (int t = 0; t < times; t++)
        for (size_t i = 0; i < n; i++) forms[i] = miner_add(miner, lines[i], sizes[i]);
    const double took = cpu() - from;
    const struct miner_size size = miner_size(miner);
    if (argc > 2) {
        printf("%zu lines, %.0f lines/s of CPU, %.0f MB/s; %zu forms, %zu families, %zu dropped, "
               "%zu KB\n",
               n * (size_t)times, (double)n * times / took, (double)bytes * times / took / 1e6,
               size.forms, size.families, size.dropped, size.bytes / 1024);
    } else {
        for (size_t i = 0; i < n; i++) {
            const struct miner_template *t = miner_template(miner, forms[i]);
            printf("%016llx %s\n", t ? (unsigned long long)t->id : (unsigned long long)forms[i],
                   t ? t->text : "");
        }
    }
    miner_free(miner);
    return 0;
}
