/* rate.h - shares of bad events of two versions that split the traffic. Pure.
 *
 * Given an interval's bad events, whose share of them is the new version's? When both are equally
 * good, its share of the traffic s. When it is w times as bad, w*s / (w*s + 1 - s). So the
 * likelihood ratio of an interval with x of K bad events in the new version is
 *
 *     (w / w0)^x * ((w0*s + 1 - s) / (w*s + 1 - s))^K
 *
 * whose mean is at most 1 under w0, for Poisson counts exactly, and for counts of requests too
 * (dealing without replacement spreads less: Hoeffding, JASA 1963, theorem 4). The traffic may be
 * shifted and the common error rate may wander as they like: only the split within an interval is
 * used. sequence.h mixes the ratios over w. The interval of w is Robbins' confidence sequence: all w
 * whose likelihood is at least alpha times the mixture's (1970).
 *
 * Against a fixed limit the same is done with the binomial likelihood of the new version alone.
 */
#ifndef ROLLOUT_JUDGE_RATE_H
#define ROLLOUT_JUDGE_RATE_H

#include "judge.h"

/* Fills the finding's numbers, not its answer and words. */
void rate_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                struct judge_finding *finding);

/* How often measured values lie above the limit, against one half: a median's test against a limit.
 * For JUDGE_VALUES without control. */
void limit_judge(const struct judge_metric *metric, const struct judge_settings *settings,
                 struct judge_finding *finding);

#endif
