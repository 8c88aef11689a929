/* fields.h - rows of sl_field at work: check a tree, fill defaults, describe as JSON Schema.
 *
 * Rows come from plugins that may be older than this host, so they are walked by `row_size`, and
 * what lies beyond an older row reads as zero. */
#ifndef SLUICE_CORE_FIELDS_H
#define SLUICE_CORE_FIELDS_H

#include <sluice/field.h>
#include <stdbool.h>

struct arena;

struct field_rows {
    const sl_field *first; /* NULL: no fields */
    size_t row_size;
};

struct field_fault {
    const char *pointer;    /* JSON pointer of the member, or of the object that misses one */
    const char *detail;     /* "unknown member 'imge'", "expected a whole number from 1 to 1000" */
    const char *suggestion; /* "did you mean 'image'?", or NULL */
    bool at_name;           /* the fault is in the member's name, not its value */
};

struct field_sink {
    void (*fault)(struct field_sink *sink, const struct field_fault *fault);
    struct arena *arena;   /* for pointers, texts and values */
    unsigned count, limit; /* stops telling after `limit` (50) */
};

/* Checks `object` and completes it in place: defaults, durations to ms, sizes to bytes. Tells every
 * fault. `open`: members without a row are left as they are. Returns whether there were no faults.
 */
bool fields_check(struct field_rows rows, cJSON *object, bool open, struct field_sink *sink);

/* The value of one row from text (a query parameter, a path segment, a CLI flag), typed but not yet
 * bounded: "5" -> 5 for SL_INT. Text that does not fit stays a string, so that fields_check tells.
 */
cJSON *field_from_text(const sl_field *row, const char *text, size_t size);
const sl_field *field_find(struct field_rows rows, const char *name);
/* The next row after `row` (NULL: the first), or NULL at the end. Copies older rows into `space`.
 */
const sl_field *field_next(struct field_rows rows, const sl_field *row);

/* JSON Schema 2020-12 of an object with these rows. */
cJSON *fields_schema(struct field_rows rows, bool open);

/* "30s" -> 30000; -1 when it is no duration. "8MiB" -> 8388608; -1. */
int64_t duration_parse(const char *text);
int64_t size_parse(const char *text);

/* The candidate nearest to `name` (Damerau-Levenshtein <= 2, or equal but for case, '-' and '_'),
 * or NULL. `candidate(arg, i)` gives the i-th name, NULL at the end. Pure. */
const char *nearest_name(const char *name, const char *(*candidate)(const void *arg, size_t i),
                         const void *arg);

#endif
