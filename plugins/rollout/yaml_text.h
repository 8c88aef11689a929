/* yaml_text.h - JSON trees as a stream of YAML documents, for `kubectl apply -f -`. Pure.
 *
 * A string that any YAML reader (1.1 or 1.2) could take for a number, a boolean, null or a date is
 * quoted; text of several lines is a literal block. */
#ifndef ROLLOUT_YAML_TEXT_H
#define ROLLOUT_YAML_TEXT_H

#include <cjson/cJSON.h>
#include <stddef.h>

/* One document for each item of the array. Malloc'ed, ends in NUL, freed by the caller; NULL: out
 * of memory, or a string that is no UTF-8. `*size` without the NUL. */
char *yaml_documents(const cJSON *array, size_t *size);

#endif
