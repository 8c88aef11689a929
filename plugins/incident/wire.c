#include "wire.h"

static bool fail(struct wire *wire) {
    wire->bad = true;
    wire->at = wire->end;
    return false;
}

static bool varint(struct wire *wire, uint64_t *out) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70 && wire->at < wire->end; shift += 7) {
        const uint8_t byte = *wire->at++;
        if (shift == 63 && byte > 1) return fail(wire); /* more than 64 bits */
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80)) {
            *out = value;
            return true;
        }
    }
    return fail(wire);
}

static bool fixed(struct wire *wire, size_t size, uint64_t *out) {
    if ((size_t)(wire->end - wire->at) < size) return fail(wire);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value |= (uint64_t)wire->at[i] << (8 * i);
    wire->at += size;
    *out = value;
    return true;
}

bool wire_next(struct wire *wire, struct wire_field *field) {
    if (wire->bad || wire->at >= wire->end) return false;
    uint64_t key;
    if (!varint(wire, &key)) return false;
    *field = (struct wire_field){.number = (uint32_t)(key >> 3), .type = (uint32_t)(key & 7)};
    if (key >> 32 || !field->number) return fail(wire);
    switch (field->type) {
    case WIRE_VARINT:
        return varint(wire, &field->value);
    case WIRE_FIXED64:
        return fixed(wire, 8, &field->value);
    case WIRE_FIXED32:
        return fixed(wire, 4, &field->value);
    case WIRE_BYTES: {
        uint64_t size;
        if (!varint(wire, &size)) return false;
        if (size > (uint64_t)(wire->end - wire->at)) return fail(wire);
        field->bytes = (struct text){(const char *)wire->at, (size_t)size};
        wire->at += size;
        return true;
    }
    default:
        return fail(wire);
    }
}
