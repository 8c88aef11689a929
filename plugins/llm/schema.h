/* schema.h - does a JSON value follow a JSON Schema? The subset that answers of models need: type,
 * enum, const, properties, required, additionalProperties, items, anyOf, and the bounds of numbers,
 * strings, lists. Words that are not known are passed over, as the standard says. Pure. */
#ifndef LLM_SCHEMA_H
#define LLM_SCHEMA_H

#include <cjson/cJSON.h>
#include <stdbool.h>

enum { SCHEMA_WHY = 340 };

/* False with where (a JSON pointer), what is there and what was expected in `why`. */
bool schema_accepts(const cJSON *schema, const cJSON *value, char why[SCHEMA_WHY]);

#endif
