/* A condition, a NUL, a JSON value, a NUL, a JSONPath: any bytes. */
#include "expr.h"
#include "jsonpath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *text = calloc(1, size + 3);
    if (!text) return 0;
    memcpy(text, data, size);
    const char *value = text + strlen(text) + 1;
    const char *path = (size_t)(value - text) <= size ? value + strlen(value) + 1 : value;
    if ((size_t)(value - text) > size) value = "[1]";
    if ((size_t)(path - text) > size) path = "{$[0]}";
    char fault[EXPR_FAULT_BYTES] = "";
    cJSON *json = cJSON_Parse(value);
    const enum expr_answer answer = expr_judge(text, json, fault);
    expect((answer == EXPR_FAULT) == (fault[0] != 0), "a fault has its sentence");
    char again[EXPR_FAULT_BYTES] = "";
    if (answer != EXPR_FAULT) expect(expr_check(text, again), "what was judged can be read");
    if (json) (void)jsonpath_first(path, json, fault, sizeof fault);
    cJSON_Delete(json);
    free(text);
    return 0;
}
