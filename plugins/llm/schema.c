#include "schema.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { DEEPEST = 32, POINTER = 160 };

struct place {
    char pointer[POINTER];
    char *why;
    int depth;
};

static const cJSON *get(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

__attribute__((format(printf, 2, 3))) static bool no(const struct place *place, const char *format,
                                                     ...) {
    char words[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    (void)snprintf(place->why, SCHEMA_WHY, "%s: %s", *place->pointer ? place->pointer : "/", words);
    return false;
}

static bool is_type(const char *type, const cJSON *value) {
    if (strcmp(type, "object") == 0) return cJSON_IsObject(value);
    if (strcmp(type, "array") == 0) return cJSON_IsArray(value);
    if (strcmp(type, "string") == 0) return cJSON_IsString(value);
    if (strcmp(type, "boolean") == 0) return cJSON_IsBool(value);
    if (strcmp(type, "null") == 0) return cJSON_IsNull(value);
    if (strcmp(type, "number") == 0) return cJSON_IsNumber(value);
    if (strcmp(type, "integer") == 0)
        return cJSON_IsNumber(value) && value->valuedouble == floor(value->valuedouble);
    return true;
}

static bool type_fits(const struct place *place, const cJSON *type, const cJSON *value) {
    if (cJSON_IsString(type))
        return is_type(type->valuestring, value) || no(place, "expected %s", type->valuestring);
    if (!cJSON_IsArray(type)) return true;
    const cJSON *one;
    cJSON_ArrayForEach(one, type) if (cJSON_IsString(one) &&
                                      is_type(one->valuestring, value)) return true;
    return no(place, "is of none of the types that are taken");
}

static bool value_fits(const struct place *place, const cJSON *schema, const cJSON *value) {
    const cJSON *fixed = get(schema, "const");
    if (fixed && !cJSON_Compare(fixed, value, 1)) return no(place, "is not the one value taken");
    const cJSON *values = get(schema, "enum");
    if (!cJSON_IsArray(values)) return true;
    const cJSON *one;
    cJSON_ArrayForEach(one, values) if (cJSON_Compare(one, value, 1)) return true;
    return no(place, "is none of the values of enum");
}

static bool over(const cJSON *schema, const char *name, double number) {
    const cJSON *bound = get(schema, name);
    return cJSON_IsNumber(bound) && number > bound->valuedouble;
}

static bool under(const cJSON *schema, const char *name, double number) {
    const cJSON *bound = get(schema, name);
    return cJSON_IsNumber(bound) && number < bound->valuedouble;
}

/* Characters of UTF-8: bytes that do not go on with one. */
static double characters(const char *text) {
    double count = 0;
    for (; *text; text++) count += (*text & 0xc0) != 0x80;
    return count;
}

static bool bounds_fit(const struct place *place, const cJSON *schema, const cJSON *value) {
    if (cJSON_IsNumber(value)) {
        const double number = value->valuedouble;
        if (over(schema, "maximum", number)) return no(place, "%g is above maximum", number);
        if (under(schema, "minimum", number)) return no(place, "%g is below minimum", number);
    } else if (cJSON_IsString(value)) {
        const double size = characters(value->valuestring);
        if (over(schema, "maxLength", size)) return no(place, "%g characters are too many", size);
        if (under(schema, "minLength", size)) return no(place, "%g characters are too few", size);
    } else if (cJSON_IsArray(value)) {
        const double size = cJSON_GetArraySize(value);
        if (over(schema, "maxItems", size)) return no(place, "%g items are too many", size);
        if (under(schema, "minItems", size)) return no(place, "%g items are too few", size);
    }
    return true;
}

static bool fits(struct place *place, const cJSON *schema, const cJSON *value);

/* `name` NULL: item number `index`. */
static bool member_fits(const struct place *place, const cJSON *schema, const cJSON *value,
                        const char *name, int index) {
    struct place inner = *place;
    const size_t used = strlen(inner.pointer);
    if (name)
        (void)snprintf(inner.pointer + used, POINTER - used, "/%s", name);
    else
        (void)snprintf(inner.pointer + used, POINTER - used, "/%d", index);
    inner.depth++;
    return fits(&inner, schema, value);
}

static bool object_fits(const struct place *place, const cJSON *schema, const cJSON *value) {
    const cJSON *wanted, *member;
    cJSON_ArrayForEach(
        wanted,
        get(schema,
            "required")) if (cJSON_IsString(wanted) &&
                             !get(value,
                                  wanted->valuestring)) return no(place,
                                                                  "the member \"%.60s\" is missing",
                                                                  wanted->valuestring);
    const cJSON *known = get(schema, "properties"), *more = get(schema, "additionalProperties");
    cJSON_ArrayForEach(member, value) {
        const cJSON *rule = get(known, member->string);
        if (!rule && cJSON_IsFalse(more))
            return no(place, "there is no member \"%.60s\"", member->string);
        if (!rule && cJSON_IsObject(more)) rule = more;
        if (rule && !member_fits(place, rule, member, member->string, 0)) return false;
    }
    return true;
}

static bool list_fits(const struct place *place, const cJSON *schema, const cJSON *value) {
    const cJSON *rule = get(schema, "items"), *item;
    if (!cJSON_IsObject(rule)) return true;
    int index = 0;
    cJSON_ArrayForEach(item,
                       value) if (!member_fits(place, rule, item, NULL, index++)) return false;
    return true;
}

static bool any_fits(struct place *place, const cJSON *any, const cJSON *value) {
    if (!cJSON_IsArray(any)) return true;
    const cJSON *one;
    cJSON_ArrayForEach(one, any) {
        struct place inner = *place;
        inner.depth++;
        if (fits(&inner, one, value)) return true;
    }
    return no(place, "fits none of the alternatives");
}

static bool fits(struct place *place, const cJSON *schema, const cJSON *value) {
    if (cJSON_IsFalse(schema)) return no(place, "nothing is taken here");
    if (!cJSON_IsObject(schema)) return true;
    if (place->depth > DEEPEST) return no(place, "is nested deeper than %d", DEEPEST);
    if (!type_fits(place, get(schema, "type"), value)) return false;
    if (!value_fits(place, schema, value) || !bounds_fit(place, schema, value)) return false;
    if (!any_fits(place, get(schema, "anyOf"), value)) return false;
    if (!any_fits(place, get(schema, "oneOf"), value)) return false;
    if (cJSON_IsObject(value)) return object_fits(place, schema, value);
    return !cJSON_IsArray(value) || list_fits(place, schema, value);
}

bool schema_accepts(const cJSON *schema, const cJSON *value, char why[SCHEMA_WHY]) {
    struct place place = {.why = why};
    why[0] = 0;
    return fits(&place, schema, value);
}
