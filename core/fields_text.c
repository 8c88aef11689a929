/* fields_text.c - values written as text: defaults, query parameters, flags; durations and sizes. */
#include "arena.h"
#include "fields.h"
#include "json.h"

#include <string.h>

struct unit {
    const char *name;
    int64_t worth;
};

static const struct unit duration_units[] = {{"ms", 1},      {"s", 1000},     {"m", 60000},
                                             {"h", 3600000}, {"d", 86400000}, {NULL, 0}};

static const struct unit size_units[] = {{"B", 1},
                                         {"KiB", INT64_C(1) << 10},
                                         {"MiB", INT64_C(1) << 20},
                                         {"GiB", INT64_C(1) << 30},
                                         {"TiB", INT64_C(1) << 40},
                                         {"kB", 1000},
                                         {"KB", 1000},
                                         {"MB", 1000000},
                                         {"GB", 1000000000},
                                         {"TB", INT64_C(1000000000000)},
                                         {NULL, 0}};

/* As far as a double counts without gaps. */
static const int64_t whole_max = (INT64_C(1) << 53) - 1;

/* Reads "30s" at `*at`; -1 when there is no such amount. */
static int64_t read_amount(const char **at, const struct unit *units) {
    const char *text = *at;
    int64_t number = 0;
    size_t count = strspn(text, "0123456789");
    if (!count || count > 16) return -1;
    for (size_t i = 0; i < count; i++) number = number * 10 + (text[i] - '0');
    text += count;
    size_t letters = 0;
    while ((text[letters] >= 'a' && text[letters] <= 'z') ||
           (text[letters] >= 'A' && text[letters] <= 'Z')) {
        letters++;
    }
    for (; units->name; units++) {
        if (strlen(units->name) == letters && memcmp(units->name, text, letters) == 0) break;
    }
    if (!units->name || number > whole_max / units->worth) return -1;
    *at = text + letters;
    return number * units->worth;
}

int64_t duration_parse(const char *text) {
    int64_t total = 0;
    do { /* "1h30m" */
        int64_t part = read_amount(&text, duration_units);
        if (part < 0 || part > whole_max - total) return -1;
        total += part;
    } while (*text);
    return total;
}

int64_t size_parse(const char *text) {
    int64_t size = read_amount(&text, size_units);
    return *text ? -1 : size;
}

/* All of the text as a number, or NULL. */
static cJSON *number_from_text(const char *text, size_t size) {
    double number = 0;
    const char *why = NULL;
    const char *behind = size ? json_read_number(text, text + size, &number, &why) : NULL;
    return behind == text + size && size ? cJSON_CreateNumber(number) : NULL;
}

static cJSON *string_from_text(const char *text, size_t size) {
    cJSON *node = cJSON_CreateNull();
    node->type = cJSON_String;
    node->valuestring = cJSON_malloc(size + 1);
    memcpy(node->valuestring, text, size);
    node->valuestring[size] = 0;
    return node;
}

static cJSON *bool_from_text(const char *text, size_t size) {
    if (size == 0 || (size == 4 && memcmp(text, "true", 4) == 0)) return cJSON_CreateTrue();
    if (size == 5 && memcmp(text, "false", 5) == 0) return cJSON_CreateFalse();
    return NULL;
}

static cJSON *scalar_from_text(uint32_t type, const char *text, size_t size) {
    cJSON *value = NULL;
    switch (type) {
    case SL_T_INT:
    case SL_T_NUMBER:
    case SL_T_DURATION:
    case SL_T_SIZE:
        value = number_from_text(text, size);
        break;
    case SL_T_BOOL:
        value = bool_from_text(text, size);
        break;
    case SL_T_OBJECT:
    case SL_T_LIST:
    case SL_T_MAP:
    case SL_T_ANY: {
        struct json_fault fault;
        value = json_parse(arena_current(), text, size, &fault);
        break;
    }
    default:
        break;
    }
    return value ? value : string_from_text(text, size);
}

/* "a,b,c" */
static cJSON *list_from_text(const sl_field *row, const char *text, size_t size) {
    cJSON *list = cJSON_CreateArray();
    const char *end = text + size;
    while (text <= end && size) {
        const char *comma = memchr(text, ',', (size_t)(end - text));
        if (!comma) comma = end;
        cJSON_AddItemToArray(list, scalar_from_text(row->item, text, (size_t)(comma - text)));
        text = comma + 1;
    }
    return list;
}

cJSON *field_from_text(const sl_field *row, const char *text, size_t size) {
    bool plain = size == 0 || text[0] != '[';
    bool nested = row->item == SL_T_OBJECT || row->item == SL_T_LIST || row->item == SL_T_MAP;
    if (row->type == SL_T_LIST && plain && !nested) return list_from_text(row, text, size);
    return scalar_from_text(row->type, text, size);
}
