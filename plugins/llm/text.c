#include "text.h"

#include <stdlib.h>
#include <string.h>

bool text_add(struct text *text, size_t limit, const char *bytes, size_t size) {
    if (size > limit || text->size > limit - size) return false;
    const size_t wanted = text->size + size + 1;
    if (wanted > text->capacity) {
        size_t capacity = text->capacity ? text->capacity : 256;
        while (capacity < wanted) capacity *= 2;
        char *grown = realloc(text->data, capacity);
        if (!grown) return false;
        text->data = grown;
        text->capacity = capacity;
    }
    if (size) memcpy(text->data + text->size, bytes, size);
    text->size += size;
    text->data[text->size] = 0;
    return true;
}

void text_clear(struct text *text) {
    text->size = 0;
    if (text->data) text->data[0] = 0;
}

void text_fini(struct text *text) {
    free(text->data);
    *text = (struct text){0};
}

const char *text_get(const struct text *text) {
    return text->data ? text->data : "";
}
