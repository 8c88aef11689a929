/*
 * risk-secrets: recall and false alerts over examples. Reads JSON lines {"id", "pos", "path",
 * "text"} on standard input, puts each text as added lines into a diff, and prints what was missed
 * and what was found where nothing is.
 */
#include "score.h"
#include "signals.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tally {
    unsigned positives, any, own, negatives, silent, own_silent;
};

static char *as_diff(const char *path, const char *text) {
    const size_t len = strlen(text);
    char *diff = malloc(2 * len + strlen(path) * 4 + 300), *at = diff;
    unsigned lines = 1;
    for (const char *p = text; *p; p++) lines += *p == '\n';
    at += sprintf(at, "diff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n@@ -0,0 +1,%u @@\n+", path, path,
                  path, path, lines);
    for (const char *p = text; *p; p++) {
        *at++ = *p;
        if (*p == '\n') *at++ = '+';
    }
    strcpy(at, "\n");
    return diff;
}

static void try_one(const struct scorer *scorer, const cJSON *row, struct tally *tally, bool tell) {
    const char *id = cJSON_GetObjectItem(row, "id")->valuestring;
    const char *path = cJSON_GetObjectItem(row, "path")->valuestring;
    const char *text = cJSON_GetObjectItem(row, "text")->valuestring;
    const bool positive = cJSON_IsTrue(cJSON_GetObjectItem(row, "pos"));
    char *diff = as_diff(*path ? path : "app.conf", text);
    struct score *score = malloc(sizeof *score);
    const struct score_input in = {
        .diff = {diff, strlen(diff)}, .context = context_unknown(), .base = {.rate = 0.1}};
    (void)score_change(scorer, &in, score);
    bool any = false, own = false;
    for (uint32_t i = 0; i < score->findings.count; i++) {
        any |= strcmp(score->findings.items[i].family, "secret") == 0;
        own |= strcmp(score->findings.items[i].id, id) == 0;
    }
    tally->positives += positive;
    tally->any += positive && any;
    tally->own += positive && own;
    tally->negatives += !positive;
    tally->silent += !positive && !any;
    tally->own_silent += !positive && !own;
    if (tell && (positive ? !any : own))
        printf("%s %s: %s\n", positive ? "missed" : "false", id, text);
    score_fini(score);
    free(score);
    free(diff);
}

int main(int argc, char **argv) {
    (void)argv;
    char why[160] = "", *line = NULL;
    size_t room = 0;
    struct scorer scorer;
    struct tally tally = {0};
    scorer_init(&scorer);
    struct signals *signals = signals_new(why);
    scorer.signals = signals;
    while (getline(&line, &room, stdin) > 0) {
        cJSON *row = cJSON_Parse(line);
        if (row) try_one(&scorer, row, &tally, argc > 1);
        cJSON_Delete(row);
    }
    printf("examples with a secret: %u, found by any rule %.2f %%, by their own %.2f %%\n",
           tally.positives, 100.0 * tally.any / tally.positives,
           100.0 * tally.own / tally.positives);
    printf("examples without: %u, silent %u, silent in their own rule %u\n", tally.negatives,
           tally.silent, tally.own_silent);
    free(line);
    signals_free(signals);
    return 0;
}
