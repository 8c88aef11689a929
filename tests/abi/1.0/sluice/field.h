/* field.h - typed fields: the one description of an input, an output or a configuration.
 *
 * From a table of rows the host makes validation with its error messages, defaults, JSON Schema
 * (OpenAPI, `sluice config schema`), the flags of the CLI, and the docs.
 *
 *     static const sl_field in[] = {
 *         SL_STRING("app", .help = "name of the application", .flags = SL_REQUIRED, .format =
 * "name"), SL_INT("replicas", .help = "pods wanted", .def = "1", .min = 1, .max = 1000),
 *         SL_ENUM("environment", "dev|stage|prod", .def = "dev"),
 *         SL_OBJECT("context", context_fields),
 *         SL_LIST("tags", SL_T_STRING, .max = 20),
 *         SL_END };
 *
 * A member that no row names is an error with the nearest known name, unless the object's row (or
 * the operation, by SL_OP_OPEN) is open. A handler sees checked input only: types right, bounds
 * kept, defaults filled in, durations in milliseconds and sizes in bytes as numbers.
 */
#ifndef SLUICE_FIELD_H
#define SLUICE_FIELD_H

#include <sluice/base.h>

enum sl_type {
    SL_T_STRING = 1, /* bounds: bytes; without .max at most 64 KiB */
    SL_T_INT = 2,    /* bounds: value; always within +-(2^53-1), what JSON can carry */
    SL_T_NUMBER = 3, /* bounds: value; never NaN or infinite */
    SL_T_BOOL = 4,
    SL_T_ENUM = 5,   /* .values = "a|b|c"; matched exactly, the error lists them */
    SL_T_OBJECT = 6, /* .fields; without fields any members are taken */
    SL_T_LIST =
        7, /* of .item (SL_T_OBJECT: .fields); bounds: number of items, default at most 10,000 */
    SL_T_MAP = 8,       /* names -> .item (SL_T_OBJECT: .fields); bounds: number of members */
    SL_T_ANY = 9,       /* any JSON */
    SL_T_DURATION = 10, /* "250ms" "30s" "5m" "2h" "1d" or a number of seconds -> milliseconds */
    SL_T_SIZE = 11      /* "64KiB" "8MiB" "1GiB" or a number of bytes -> bytes */
};

enum sl_field_flag {
    SL_REQUIRED = 1,
    SL_SECRET = 2,   /* never shown, logged, or echoed in an error */
    SL_OPEN = 4,     /* an object that also takes members that are not listed */
    SL_NULLABLE = 8, /* null is taken and means "absent" */
    SL_FILE = 16,    /* the CLI takes a file name, or - for standard input, and sends its content */
    SL_PATH = 32,    /* a file path of the configuration: relative to the configuration file */
    SL_DEPRECATED = 64
};

typedef struct sl_field {
    const char *name;
    const char *help;    /* one line: what it is, its unit */
    const char *def;     /* default, written as in YAML; NULL: stays absent */
    const char *values;  /* SL_T_ENUM: "dev|stage|prod" */
    const char *format;  /* a checked form: name, image, uri, time, email, sha, pointer, json */
    const char *example; /* shown in docs, written as JSON */
    const char *cli;     /* another name for the CLI's flag: "app" for app_name */
    const struct sl_field *fields;
    double min, max; /* bounds hold when min < max; what they count depends on the type */
    uint32_t type, item, flags, reserved_number;
    const void *reserved[2]; /* zero */
} sl_field;

/* clang-format off */
#define SL_STRING(NAME, ...)       { .name = NAME, .type = SL_T_STRING, __VA_ARGS__ }
#define SL_INT(NAME, ...)          { .name = NAME, .type = SL_T_INT, __VA_ARGS__ }
#define SL_NUMBER(NAME, ...)       { .name = NAME, .type = SL_T_NUMBER, __VA_ARGS__ }
#define SL_BOOL(NAME, ...)         { .name = NAME, .type = SL_T_BOOL, __VA_ARGS__ }
#define SL_ENUM(NAME, VALUES, ...) { .name = NAME, .type = SL_T_ENUM, .values = VALUES, __VA_ARGS__ }
#define SL_OBJECT(NAME, FIELDS, ...) { .name = NAME, .type = SL_T_OBJECT, .fields = FIELDS, __VA_ARGS__ }
#define SL_LIST(NAME, ITEM, ...)   { .name = NAME, .type = SL_T_LIST, .item = ITEM, __VA_ARGS__ }
#define SL_LIST_OF(NAME, FIELDS, ...) \
    { .name = NAME, .type = SL_T_LIST, .item = SL_T_OBJECT, .fields = FIELDS, __VA_ARGS__ }
#define SL_MAP(NAME, ITEM, ...)    { .name = NAME, .type = SL_T_MAP, .item = ITEM, __VA_ARGS__ }
#define SL_ANY(NAME, ...)          { .name = NAME, .type = SL_T_ANY, __VA_ARGS__ }
#define SL_DURATION(NAME, ...)     { .name = NAME, .type = SL_T_DURATION, __VA_ARGS__ }
#define SL_SIZE(NAME, ...)         { .name = NAME, .type = SL_T_SIZE, __VA_ARGS__ }
/* clang-format on */

#endif
