/* store_rows.c - cells of a result by column name. */
#include "call.h"
#include "json.h"

#include <stdlib.h>
#include <string.h>

static const sl_value *cell(const sl_rows *rows, size_t row, const char *column) {
    if (row >= rows->count) return NULL;
    for (size_t i = 0; i < rows->columns; i++)
        if (strcmp(rows->names[i], column) == 0) return &rows->cells[row * rows->columns + i];
    return NULL;
}

const char *sl_cell_text(const sl_rows *rows, size_t row, const char *column) {
    const sl_value *value = cell(rows, row, column);
    bool text = value && (value->type == SL_V_TEXT || value->type == SL_V_BLOB);
    return text ? value->as.text : NULL;
}

int64_t sl_cell_int(const sl_rows *rows, size_t row, const char *column) {
    const sl_value *value = cell(rows, row, column);
    if (!value) return 0;
    if (value->type == SL_V_INT) return value->as.integer;
    if (value->type == SL_V_TEXT) return strtoll(value->as.text, NULL, 10);
    if (value->type != SL_V_REAL) return 0;
    double real = value->as.real;
    return real >= -9.2e18 && real <= 9.2e18 ? (int64_t)real : 0;
}

double sl_cell_real(const sl_rows *rows, size_t row, const char *column) {
    const sl_value *value = cell(rows, row, column);
    if (!value) return 0;
    if (value->type == SL_V_REAL) return value->as.real;
    if (value->type == SL_V_INT) return (double)value->as.integer;
    return value->type == SL_V_TEXT ? strtod(value->as.text, NULL) : 0;
}

cJSON *sl_cell_json(sl_call *call, const sl_rows *rows, size_t row, const char *column) {
    const sl_value *value = cell(rows, row, column);
    if (!value || value->type != SL_V_TEXT) return NULL;
    struct json_fault fault;
    return json_parse(call->arena, value->as.text, value->size, &fault);
}
