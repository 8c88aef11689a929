/* Any bytes, in one piece and cut in pieces: no fault, and the same counts both ways. */
#include "score.h"
#include "signals.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void count(struct diff_text diff, size_t piece, struct diff_report *report) {
    const struct diff_sink nobody = {0};
    struct diff_reader *reader = diff_reader_new(&nobody, 0);
    for (size_t at = 0; at < diff.len; at += piece)
        (void)diff_feed(reader, diff.at + at, diff.len - at < piece ? diff.len - at : piece);
    (void)diff_finish(reader, report);
    diff_reader_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct diff_text diff = {(const char *)data, size};
    struct diff_report whole, pieces;
    count(diff, size ? size : 1, &whole);
    count(diff, 7, &pieces);
    if (memcmp(&whole, &pieces, sizeof whole) != 0) abort();
    static struct signals *signals;
    static struct scorer scorer;
    if (!signals) {
        char why[160];
        scorer_init(&scorer);
        signals = signals_new(why);
        scorer.signals = signals;
    }
    struct score *score = calloc(1, sizeof *score);
    const struct score_input in = {.diff = diff, .message = diff, .base = {.rate = 0.1}};
    (void)score_change(&scorer, &in, score);
    score_fini(score);
    free(score);
    return 0;
}
