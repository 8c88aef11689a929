/* words.h - a finding and a verdict as sentences. Pure. */
#ifndef ROLLOUT_JUDGE_WORDS_H
#define ROLLOUT_JUDGE_WORDS_H

#include "judge.h"

void words_of_finding(const struct judge_metric *metric, struct judge_finding *finding);
void words_of_verdict(const struct judge_metric *metrics, size_t count,
                      const struct judge_finding *findings, struct judge_verdict *verdict);

#endif
