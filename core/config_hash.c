/* config_hash.c - one number for what a configuration means, whatever its order and comments. */
#include "config_inside.h"
#include "sha256.h"

#include <stdlib.h>
#include <string.h>

static void put(struct sha256_ctx *hash, char kind, const char *text) {
    size_t size = strlen(text);
    sha256_update(hash, 1, (const uint8_t *)&kind);
    sha256_update(hash, sizeof size, (const uint8_t *)&size);
    sha256_update(hash, size, (const uint8_t *)text);
}

struct member {
    const cJSON *json;
};

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct member *)a)->json->string,
                  ((const struct member *)b)->json->string);
}

static void put_tree(struct sha256_ctx *hash, const cJSON *json);

static void put_object(struct sha256_ctx *hash, const cJSON *object) {
    size_t count = (size_t)cJSON_GetArraySize(object), n = 0;
    struct member *sorted = calloc(count + 1, sizeof *sorted);
    const cJSON *member;
    if (!sorted) abort(); /* only without memory */
    cJSON_ArrayForEach(member, object) sorted[n++].json = member;
    qsort(sorted, n, sizeof *sorted, by_name);
    put(hash, '{', "");
    for (size_t i = 0; i < n; i++) {
        put(hash, 'k', sorted[i].json->string);
        put_tree(hash, sorted[i].json);
    }
    put(hash, '}', "");
    free(sorted);
}

static void put_tree(struct sha256_ctx *hash, const cJSON *json) {
    if (cJSON_IsObject(json)) {
        put_object(hash, json);
    } else if (cJSON_IsArray(json)) {
        const cJSON *item;
        put(hash, '[', "");
        cJSON_ArrayForEach(item, json) put_tree(hash, item);
        put(hash, ']', "");
    } else if (cJSON_IsString(json)) {
        put(hash, 's', json->valuestring);
    } else if (cJSON_IsNumber(json)) {
        char text[40];
        snprintf(text, sizeof text, "%.17g", json->valuedouble);
        put(hash, 'n', text);
    } else {
        put(hash, 'w', cJSON_IsTrue(json) ? "true" : cJSON_IsFalse(json) ? "false" : "null");
    }
}

void config_hash_tree(const cJSON *tree, char hex[65]) {
    struct sha256_ctx hash;
    sha256_init(&hash);
    put_tree(&hash, tree);
    sha256_end_hex(&hash, hex);
}
