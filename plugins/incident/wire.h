/* wire.h - the protobuf wire format, read field by field from a buffer: nothing is copied, nothing
 * is allocated, every length is checked against what is left.
 * https://protobuf.dev/programming-guides/encoding/ */
#ifndef INCIDENT_WIRE_H
#define INCIDENT_WIRE_H

#include "span_text.h"

struct wire {
    const uint8_t *at, *end;
    bool bad; /* the bytes are no message; reading has ended */
};

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

struct wire_field {
    uint32_t number, type;
    uint64_t value;    /* of a varint or a fixed number */
    struct text bytes; /* of a WIRE_BYTES field */
};

static inline struct wire wire_over(struct text bytes) {
    const uint8_t *at = (const uint8_t *)bytes.at;
    return (struct wire){.at = at, .end = at ? at + bytes.size : at};
}

/* False at the end and when the message is bad. Groups (deprecated) are bad. */
bool wire_next(struct wire *wire, struct wire_field *field);

#endif
