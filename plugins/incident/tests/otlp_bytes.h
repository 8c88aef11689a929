/* otlp_bytes.h - writes protobuf messages for tests. */
#ifndef INCIDENT_OTLP_BYTES_H
#define INCIDENT_OTLP_BYTES_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
    uint8_t at[8192];
    size_t size;
};

static inline void add_varint(struct bytes *b, uint64_t value) {
    for (; value > 127; value >>= 7) b->at[b->size++] = (uint8_t)(value | 0x80);
    b->at[b->size++] = (uint8_t)value;
}

static inline void add_number(struct bytes *b, unsigned field, uint64_t value) {
    add_varint(b, field << 3);
    add_varint(b, value);
}

static inline void add_fixed64(struct bytes *b, unsigned field, uint64_t value) {
    add_varint(b, field << 3 | 1);
    memcpy(b->at + b->size, &value, 8);
    b->size += 8;
}

static inline void add_bytes(struct bytes *b, unsigned field, const void *data, size_t size) {
    add_varint(b, field << 3 | 2);
    add_varint(b, size);
    memcpy(b->at + b->size, data, size);
    b->size += size;
}

static inline void add_text(struct bytes *b, unsigned field, const char *text) {
    add_bytes(b, field, text, strlen(text));
}

static inline void add_message(struct bytes *b, unsigned field, const struct bytes *inner) {
    add_bytes(b, field, inner->at, inner->size);
}

static inline void add_attribute(struct bytes *b, unsigned field, const char *key, const char *text,
                                 int64_t number) {
    struct bytes value = {.size = 0}, pair = {.size = 0};
    if (text)
        add_text(&value, 1, text);
    else
        add_number(&value, 3, (uint64_t)number);
    add_text(&pair, 1, key);
    add_message(&pair, 2, &value);
    add_message(b, field, &pair);
}

/* request { resource { service }, scope { record } }; the resource stands last, as it may. */
static inline void add_request(struct bytes *request, const char *service,
                               const struct bytes *record) {
    struct bytes resource = {.size = 0}, scope = {.size = 0}, entry = {.size = 0};
    add_attribute(&resource, 1, "service.name", service, 0);
    add_message(&scope, 2, record);
    add_message(&entry, 2, &scope);
    add_message(&entry, 1, &resource);
    add_message(request, 1, &entry);
}

#endif
