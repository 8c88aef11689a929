/* fields.h - rows of sl_field at work: check a tree, fill defaults, describe as JSON Schema.
 *
 * Rows come from plugins that may be older than this host. They are walked by `row_size`, which is
 * never below the size of ABI 1.0 (the loader sees to that). Once a later minor version appends to
 * sl_field, what reads the new members must first look at row_size. */
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

/* A fault's texts live in `arena`; without one they end with the callback. Defaults come from
 * `arena` too, or from malloc without one, so that cJSON_Delete frees the whole tree. */
struct field_sink {
    void (*fault)(struct field_sink *sink, const struct field_fault *fault);
    struct arena *arena;
    unsigned count, limit; /* stops telling after `limit` (0: 50) */
};

/* Checks `object` and completes it in place: defaults, durations to ms, sizes to bytes. Tells every
 * fault. `open`: members without a row are left as they are. Returns whether there were no faults.
 */
bool fields_check(struct field_rows rows, cJSON *object, bool open, struct field_sink *sink);

/* What is wrong with the declarations themselves (a name twice, an unknown format, a default that
 * its own row refuses), as a sentence in the arena; or NULL. For the loader. */
const char *fields_trouble(struct field_rows rows, struct arena *arena);

/* The value of one row from text (a query parameter, a path segment, a CLI flag), typed but not yet
 * bounded: "5" -> 5 for SL_INT. Text that does not fit stays a string, so that fields_check tells.
 */
cJSON *field_from_text(const sl_field *row, const char *text, size_t size);
const sl_field *field_find(struct field_rows rows, const char *name);
/* The next row after `row` (NULL: the first), or NULL at the end. */
const sl_field *field_next(struct field_rows rows, const sl_field *row);

/* JSON Schema 2020-12 of an object with these rows, from cJSON's current allocator. */
cJSON *fields_schema(struct field_rows rows, bool open);
/* The same of an answer: open, and without the bounds that only inputs have. */
cJSON *fields_answer_schema(struct field_rows rows);

/* A checked form of strings (.format). */
struct field_format {
    const char *name;
    bool (*fits)(const char *text);
    const char *words;         /* "a container image (registry/path:tag)" */
    const char *pattern;       /* ECMA 262, for JSON Schema; exactly what `fits` takes; or NULL */
    const char *schema_format; /* JSON Schema's own name, or NULL */
};
const struct field_format *field_format(const char *name); /* NULL: unknown */

/* "a whole number from 1 to 1000": what a row takes, for messages and docs; in the arena. */
const char *field_expected(const sl_field *row, struct arena *arena);
const char *field_type_name(uint32_t type); /* "string", "int", ... "?" */

/* "30s" -> 30000; -1 when it is no duration. "8MiB" -> 8388608; -1. */
int64_t duration_parse(const char *text);
int64_t size_parse(const char *text);

/* The candidate nearest to `name` (Damerau-Levenshtein <= 2, equal but for case, '-' and '_', or
 * the only one that `name` begins), or NULL. `candidate(arg, i)` gives the i-th name, NULL at the end. Pure. */
const char *nearest_name(const char *name, const char *(*candidate)(const void *arg, size_t i),
                         const void *arg);

#endif
