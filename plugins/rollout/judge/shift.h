/* shift.h - measured values of two versions: by how much is the new one's distribution moved? Pure.
 *
 * Mann and Whitney's test (1947) of the shift beyond what is allowed, and Hodges and Lehmann's
 * interval (1963). Where all values are above 0 the shift is a ratio (of logarithms), since delays
 * and sizes differ by factors; else a difference. Exact for EXACT_MAX values and fewer, with the
 * normal approximation, continuity and tie correction beyond. Values that follow one another in
 * time are alike: the deviation is widened by sqrt((1 + r) / (1 - r)) for the autocorrelation r of
 * the ranks within each version (Bartlett 1935, for a mean), once r is more than noise.
 */
#ifndef ROLLOUT_JUDGE_SHIFT_H
#define ROLLOUT_JUDGE_SHIFT_H

#include "judge.h"

/* Fills the finding's numbers, not its answer and words. False: no memory. */
bool shift_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                 struct judge_finding *finding);

#endif
