/* stand_in.c - until core/nearest.c and core/fields.c are there. */
#include "../fetch_api.h"
#include "../fields.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) const char *nearest_name(const char *name,
                                               const char *(*candidate)(const void *arg, size_t i),
                                               const void *arg) {
    const char *other;
    for (size_t i = 0; (other = candidate(arg, i)); i++)
        if (!strncmp(name, other, 4)) return other;
    return NULL;
}

__attribute__((weak)) int64_t duration_parse(const char *text) {
    return strtoll(text, NULL, 10) * 1000;
}

__attribute__((weak)) int fetch_blocking(const sl_request *request, struct fetch_answer *answer) {
    (void)request;
    snprintf(answer->trouble, sizeof answer->trouble, "there is no HTTP client in this build");
    return SL_UNAVAILABLE;
}

__attribute__((weak)) void fetch_answer_free(struct fetch_answer *answer) {
    (void)answer;
}
