/* opa.h - an answer of OPA's REST API as verdicts. Pure.
 *
 * POST /v1/data/PATH answers { "result": ... }. Taken as a result are
 *     true, false
 *     "allow", "warn", "needs_approval", "deny"
 *     an object with any of: decision (one of these words), allow or allowed (a boolean), and the
 *     sets deny, approval, warn: texts, or objects with rule, message (or msg), fix
 * The strictest of them counts. No result (an undefined document) denies, and so does anything
 * else. */
#ifndef SLUICE_POLICY_OPA_H
#define SLUICE_POLICY_OPA_H

#include <cjson/cJSON.h>

/* Appends at least one verdict. `path` names the document in them. */
void opa_read(const cJSON *answer, const char *path, cJSON *verdicts);

/* Appends a verdict that denies since OPA could not be asked. */
void opa_failed(const char *why, const char *path, cJSON *verdicts);

#endif
