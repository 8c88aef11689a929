/* rules.h - objectives as Prometheus' recording and alerting rules. Pure. */
#ifndef SLO_RULES_H
#define SLO_RULES_H

#include "objective.h"
#include "promql.h"
#include "text.h"

/* "groups:" of a rules file, in YAML. Objectives without queries are left out, with a comment. */
void rules_begin(struct text *text);
void rules_add(struct text *text, const struct objective *objective);

/* The windows that an objective's alerts and its status look at, without the period; sorted. */
enum { WINDOWS_MAX = 24 };
size_t objective_windows(const struct objective *objective, int64_t windows_ms[WINDOWS_MAX]);

#endif
