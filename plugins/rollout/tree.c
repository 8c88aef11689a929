#include "tree.h"

void put_item(cJSON *object, const char *name, cJSON *item) {
    cJSON_AddItemToObjectCS(object, name, item);
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

const cJSON *item_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return item && !cJSON_IsNull(item) ? item : NULL;
}

const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

double number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}
