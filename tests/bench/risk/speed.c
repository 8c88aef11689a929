/*
 * risk-speed: CPU time of scoring a diff with all signals. Arguments: a diff file, and how often.
 * Prints the median CPU time of a run and the bytes a CPU-second.
 */
#include "embedded_models.h"
#include "explain.h"
#include "signals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    *len = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*len + 1);
    if (text) *len = fread(text, 1, *len, file);
    fclose(file);
    return text;
}

static long peak_kib(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

int main(int argc, char **argv) {
    size_t len = 0;
    char why[160] = "", *diff = argc > 1 ? read_file(argv[1], &len) : NULL;
    const int runs = argc > 2 ? atoi(argv[2]) : 50;
    const bool bare = argc > 3;
    if (!diff || runs < 1) {
        fprintf(stderr, "usage: risk-speed DIFF [RUNS [bare]]\n");
        return 2;
    }
    struct scorer scorer;
    scorer_init(&scorer);
    for (const struct embedded_model *m = embedded_models; m->json; m++)
        (void)scorer_add_model(&scorer, m->json, m->len, why);
    struct signals *signals = bare ? NULL : signals_new(why);
    scorer.signals = signals;
    const long before_kib = peak_kib();
    double *times = calloc((size_t)runs, sizeof *times);
    struct score *score = malloc(sizeof *score);
    for (int i = 0; i < runs; i++) {
        const struct score_input in = {
            .diff = {diff, len}, .context = context_unknown(), .base = {.rate = 0.1}};
        const double start = cpu_ms();
        (void)score_change(&scorer, &in, score);
        times[i] = cpu_ms() - start;
        if (i == 0)
            printf(
                "%u files, %u lines, %zu bytes, %s, %u signals, first run %.2f ms, memory +%ld KiB\n",
                score->report.files, score->report.lines, len, level_name(score->judged.level),
                score->findings.count + score->findings.dropped, times[0], peak_kib() - before_kib);
        score_fini(score);
    }
    qsort(times, (size_t)runs, sizeof *times, rising);
    printf("%s: median %.3f ms of CPU, %.0f MB a CPU-second\n",
           bare ? "features only" : "all signals", times[runs / 2],
           (double)len / times[runs / 2] / 1e3);
    free(times);
    free(score);
    free(diff);
    signals_free(signals);
    return 0;
}
