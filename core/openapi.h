/* openapi.h - OpenAPI 3.1 from the registry. */
#ifndef SLUICE_CORE_OPENAPI_H
#define SLUICE_CORE_OPENAPI_H

#include "op.h"

/* The whole document, from cJSON's current allocator; texts in `arena`. */
cJSON *openapi_document(const struct registry *registry, struct arena *arena);

#endif
