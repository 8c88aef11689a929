#include "tree.h"

#include <string.h>

/* What cJSON_AddItemToObjectCS does, for an item that is new and has no name yet. The first child's
 * `prev` is the last one. */
void put_item(cJSON *object, const char *name, cJSON *item) {
    if (!object || !item) return;
    item->string = (char *)name;
    item->type |= cJSON_StringIsConst;
    cJSON *first = object->child;
    if (first) {
        item->prev = first->prev;
        first->prev->next = item;
        first->prev = item;
    } else {
        object->child = item->prev = item;
    }
}

void put_text(cJSON *object, const char *name, const char *value) {
    put_item(object, name, cJSON_CreateString(value));
}

void put_borrowed(cJSON *object, const char *name, const char *value) {
    put_item(object, name, cJSON_CreateStringReference(value));
}

void put_number(cJSON *object, const char *name, double value) {
    put_item(object, name, cJSON_CreateNumber(value));
}

void put_bool(cJSON *object, const char *name, bool value) {
    put_item(object, name, cJSON_CreateBool(value));
}

cJSON *put_object(cJSON *object, const char *name) {
    cJSON *item = cJSON_CreateObject();
    put_item(object, name, item);
    return item;
}

cJSON *put_array(cJSON *object, const char *name) {
    cJSON *item = cJSON_CreateArray();
    put_item(object, name, item);
    return item;
}

cJSON *add_object(cJSON *array) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddItemToArray(array, item);
    return item;
}

void put_shared(cJSON *object, const char *name, const cJSON *shared) {
    cJSON *item = cJSON_CreateNull();
    if (!item) return;
    *item = (cJSON){.type = shared->type | cJSON_IsReference,
                    .child = shared->child,
                    .valuestring = shared->valuestring,
                    .valueint = shared->valueint,
                    .valuedouble = shared->valuedouble};
    put_item(object, name, item);
}

/* cJSON's own search calls strcmp for every member; most are told apart by their first letter. */
const cJSON *item_of(const cJSON *object, const char *name) {
    if (!object) return NULL;
    for (const cJSON *item = object->child; item && item->string; item = item->next)
        if (item->string[0] == name[0] && strcmp(item->string, name) == 0)
            return cJSON_IsNull(item) ? NULL : item;
    return NULL;
}

const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(item_of(object, name));
}

double number_of(const cJSON *object, const char *name) {
    const cJSON *item = item_of(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
