/* fields_check.h - between the check of a tree (fields.c) and the words of its faults
 * (fields_fault.c). */
#ifndef SLUICE_CORE_FIELDS_CHECK_H
#define SLUICE_CORE_FIELDS_CHECK_H

#include "fields.h"

enum { FIELDS_MAX = 64, FIELDS_DEPTH_MAX = 32 };

/* Where a value stands, as a chain on the stack; only a fault makes a pointer of it. */
struct place {
    const struct place *parent; /* NULL: the root */
    const char *name;           /* NULL: an item of a list */
    size_t index;
    unsigned depth;
};

struct check {
    struct field_sink *sink;
    size_t row_size;
    bool ok;
};

/* What a value must be: the row, and which of its types is meant (the list's or the item's). */
struct wanted {
    const sl_field *row;
    uint32_t type;
    bool bounded;
};

void tell_wrong_value(struct check *check, const struct place *place, const struct wanted *wanted,
                      const cJSON *value);
void tell_unknown(struct check *check, const struct place *place, const sl_field *rows);
void tell_missing(struct check *check, const struct place *object, const sl_field *row);
void tell_count(struct check *check, const struct place *place, const sl_field *row, size_t count);
void tell_depth(struct check *check, const struct place *place);

static inline const sl_field *row_after(const sl_field *row, size_t row_size) {
    return (const sl_field *)(const void *)((const char *)row + row_size);
}

static inline bool row_is_bounded(const sl_field *row) {
    return row->min < row->max;
}

/* Bounds of a list's length without own ones. */
enum { LIST_ITEMS_MAX = 10000, STRING_BYTES_MAX = 64 * 1024 };

#endif
