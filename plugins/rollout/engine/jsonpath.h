/* jsonpath.h - Kubernetes' JSONPath, the part that metrics use: {$}, {$.a.b[0]['c']}, {.a[-1]},
 * {$.a[*].b}. Pure. */
#ifndef ROLLOUT_JSONPATH_H
#define ROLLOUT_JSONPATH_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

/* The first match, borrowed from `json`; NULL: none, or no such path: `fault` says which. */
const cJSON *jsonpath_first(const char *path, const cJSON *json, char *fault, size_t size);

#endif
