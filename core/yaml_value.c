/* yaml_value.c - what a scalar means: the core schema of YAML 1.2, and trees as JSON. */
#include "yaml_tree.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++)
        if (strcmp(text, *words) == 0) return true;
    return false;
}

static const char *digits(const char *at) {
    while (isdigit((unsigned char)*at)) at++;
    return at;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_decimal(const char *text) {
    const char *at = text + (*text == '-' || *text == '+');
    const char *whole = at;
    at = digits(at);
    bool has_whole = at > whole;
    if (*at == '.') {
        const char *part = ++at;
        at = digits(at);
        if (!has_whole && at == part) return false;
    } else if (!has_whole) {
        return false;
    }
    if (*at == 'e' || *at == 'E') {
        at += 1 + (at[1] == '-' || at[1] == '+');
        const char *exponent = at;
        at = digits(at);
        if (at == exponent) return false;
    }
    return *at == '\0';
}

static bool is_hexadecimal(const char *text) {
    if (text[0] != '0' || text[1] != 'x' || !text[2]) return false;
    for (text += 2; *text; text++)
        if (!isxdigit((unsigned char)*text)) return false;
    return true;
}

static cJSON *number(const char *text) {
    double value = NAN;
    if (is_hexadecimal(text)) {
        value = 0;
        for (const char *at = text + 2; *at; at++)
            value = value * 16 + (isdigit((unsigned char)*at) ? *at - '0' : (*at | 32) - 'a' + 10);
    } else if (is_decimal(text)) {
        value = strtod(text, NULL);
    }
    /* Beyond what JSON can carry it stays text, and the field says what it expected. */
    return isfinite(value) ? cJSON_CreateNumber(value) : NULL;
}

cJSON *yaml_value(const struct yaml_node *scalar) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const trues[] = {"true", "True", "TRUE", NULL};
    static const char *const falses[] = {"false", "False", "FALSE", NULL};
    if (scalar->plain) {
        if (is_one_of(scalar->text, nulls)) return cJSON_CreateNull();
        if (is_one_of(scalar->text, trues)) return cJSON_CreateTrue();
        if (is_one_of(scalar->text, falses)) return cJSON_CreateFalse();
        cJSON *value = number(scalar->text);
        if (value) return value;
    }
    return cJSON_CreateString(scalar->text);
}

cJSON *yaml_json(const struct yaml_node *node) {
    if (node->kind == YAML_IS_SCALAR) return yaml_value(node);
    bool map = node->kind == YAML_IS_MAP;
    cJSON *json = map ? cJSON_CreateObject() : cJSON_CreateArray();
    for (const struct yaml_member *member = node->first; member; member = member->next) {
        if (member->twin) continue;
        cJSON *value = yaml_json(member->value);
        if (map)
            cJSON_AddItemToObject(json, member->key, value);
        else
            cJSON_AddItemToArray(json, value);
    }
    return json;
}
