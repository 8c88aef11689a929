/*
 * risk-benign: what the danger signals say of ordinary changes. Reads JSON lines {"diff"} on
 * standard input; prints each signal's count over all added lines.
 */
#include "score.h"
#include "signals.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 512 };

struct seen {
    const char *id, *family;
    unsigned changes, times;
};

static void count(struct seen *seen, const struct finding *finding) {
    size_t i = 0;
    while (i < MOST - 1 && seen[i].id && seen[i].id != finding->id) i++;
    seen[i].id = finding->id;
    seen[i].family = finding->family;
    seen[i].changes++;
    seen[i].times += finding->count;
}

int main(int argc, char **argv) {
    (void)argv;
    char why[160] = "", *line = NULL;
    size_t room = 0;
    unsigned long added = 0, secrets = 0, changes = 0;
    struct seen seen[MOST] = {0};
    struct scorer scorer;
    struct score *score = malloc(sizeof *score);
    scorer_init(&scorer);
    struct signals *signals = signals_new(why);
    scorer.signals = signals;
    while (getline(&line, &room, stdin) > 0) {
        cJSON *row = cJSON_Parse(line);
        const char *diff = cJSON_GetStringValue(cJSON_GetObjectItem(row, "diff"));
        const struct score_input in = {.diff = {diff ? diff : "", diff ? strlen(diff) : 0},
                                       .context = context_unknown(),
                                       .base = {.rate = 0.1}};
        (void)score_change(&scorer, &in, score);
        added += score->report.added;
        changes++;
        for (uint32_t i = 0; i < score->findings.count; i++) {
            const struct finding *finding = &score->findings.items[i];
            const bool secret = strcmp(finding->family, "secret") == 0;
            count(seen, finding);
            secrets += secret ? finding->count : 0;
            if (secret && argc > 1) {
                const struct diff_text path = change_path(&score->change, (uint32_t)finding->file);
                printf("%s %.*s:%u\n", finding->id, (int)path.len, path.at, finding->line);
            }
        }
        score_fini(score);
        cJSON_Delete(row);
    }
    printf("%lu changes, %lu added lines, %lu secret alerts: %.2f in 100,000 added lines\n",
           changes, added, secrets, added ? 1e5 * (double)secrets / (double)added : 0);
    for (size_t i = 0; i < MOST && seen[i].id; i++)
        printf("  %-12s %-28s %5u changes %6u times\n", seen[i].family, seen[i].id, seen[i].changes,
               seen[i].times);
    free(line);
    free(score);
    signals_free(signals);
    return 0;
}
