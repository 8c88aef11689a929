/* json.h - JSON that came from outside, and small helpers over cJSON.
 *
 * Inside a call cJSON allocates from the call's arena: never free such a tree, never keep it. */
#ifndef SLUICE_JSON_H
#define SLUICE_JSON_H

#include <sluice/base.h>

/* Parses strict RFC 8259 JSON: valid UTF-8, one value, depth <= 64, no duplicate names, no \u0000.
 * SL_INVALID with line and column of the first fault, named by `what` ("the model's answer"). */
SL_API int sl_json_parse(sl_call *call, const char *what, const char *text, size_t size,
                         cJSON **out);

/* One line, no spaces; in the call's arena. */
SL_API const char *sl_json_print(sl_call *call, const cJSON *json);

/* Member access, exact names. The default when the member is absent or of another type. */
SL_API const char *sl_get_text(const cJSON *object, const char *name, const char *otherwise);
SL_API double sl_get_number(const cJSON *object, const char *name, double otherwise);
SL_API int64_t sl_get_int(const cJSON *object, const char *name, int64_t otherwise);
SL_API int sl_get_bool(const cJSON *object, const char *name, int otherwise);
SL_API const cJSON *sl_get(const cJSON *object, const char *name); /* NULL when absent or null */

/* A copy that outlives the call: kept, freed by sl_json_drop (in stop, or when replaced). */
SL_API cJSON *sl_json_keep(const cJSON *json);
SL_API void sl_json_drop(cJSON *kept);

#endif
