/* stand_in.c - until the HTTP client is there. */
#include "../fetch_api.h"
#include "operations.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) int fetch_blocking(const sl_request *request, struct fetch_answer *answer) {
    (void)request;
    snprintf(answer->trouble, sizeof answer->trouble, "there is no HTTP client in this build");
    return SL_UNAVAILABLE;
}

__attribute__((weak)) void fetch_answer_free(struct fetch_answer *answer) {
    (void)answer;
}
