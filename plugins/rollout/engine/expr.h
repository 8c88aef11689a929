/* expr.h - conditions over a measured value: `result[0] >= 0.95 && !isNaN(result[0])`. Pure.
 *
 * The subset of expr-lang that Argo's AnalysisTemplates use, with its meaning: nil, bool, int, float,
 * string, list, map; member, index (also from the end), slices, ternary, ??, ?., in, not in, matches is
 * left out (contains, startsWith, endsWith are in), arithmetic, comparison, && || ! and or not;
 * len all any none one filter map count find sum mean median min max abs ceil floor round int float
 * string lower upper trim first last keys values; Argo's asInt asFloat isNaN isInf isNil default.
 * Predicates are {# > 1}, # > 1, or .member; #index is the place.
 *
 * A name or function that is not known is a fault even where it would not be reached, as upstream.
 * Text and result come from outside: at most EXPR_TEXT_MAX bytes, EXPR_DEPTH_MAX deep,
 * EXPR_STEPS_MAX steps and EXPR_MEMORY_MAX bytes; more is a fault. */
#ifndef ROLLOUT_EXPR_H
#define ROLLOUT_EXPR_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    EXPR_TEXT_MAX = 4096,
    EXPR_NODES_MAX = 1024,
    EXPR_DEPTH_MAX = 64,
    EXPR_STEPS_MAX = 1000000,
    EXPR_MEMORY_MAX = 4 << 20,
    EXPR_FAULT_BYTES = 256
};

enum expr_answer { EXPR_FALSE = 0, EXPR_TRUE = 1, EXPR_FAULT = -1 };

/* NULL `result` is nil. On EXPR_FAULT `fault` holds one sentence, with the place in the text. */
enum expr_answer expr_judge(const char *text, const cJSON *result, char fault[EXPR_FAULT_BYTES]);

/* Can it be read? false: `fault` says what is wrong and where. */
bool expr_check(const char *text, char fault[EXPR_FAULT_BYTES]);

#endif
