#include "decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* From here on every number is whole, and longer than the fast way can hold. */
static const double two_to_52 = 4503599627370496.0;

static size_t write_any(double value, unsigned places, char out[DECIMAL_BYTES]) {
    const int len = snprintf(out, DECIMAL_BYTES, "%.*f", (int)places, value);
    return len < DECIMAL_BYTES ? (size_t)len : DECIMAL_BYTES - 1;
}

/* `value` times `scale` as the nearest whole number, halves to the even one, as printf rounds. */
static uint64_t scaled(uint64_t bits, uint64_t scale) {
    const uint64_t one = 1, exponent = bits >> 52 & 0x7FF;
    const uint64_t fraction = (bits & ((one << 52) - 1)) | (exponent ? one << 52 : 0);
    /* The value is fraction / 2^shift; below 2^52 the shift is at least 1. */
    const uint64_t shift = 1075 - (exponent ? exponent : 1);
    const uint64_t product = fraction * scale; /* less than 2^60 */
    if (shift >= 64) return 0;
    const uint64_t whole = product >> shift;
    const uint64_t rest = product & ((one << shift) - 1), half = one << (shift - 1);
    return whole + (rest > half || (rest == half && (whole & 1)));
}

size_t decimal_write(double value, unsigned places, char out[DECIMAL_BYTES]) {
    static const uint64_t scales[] = {1, 10, 100};
    if (places > 2 || !(fabs(value) < two_to_52)) return write_any(value, places, out);
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint64_t left = scaled(bits, scales[places]);
    char digits[DECIMAL_BYTES];
    size_t at = sizeof digits, len = 0;
    for (unsigned written = 0; left || written <= places; written++) {
        if (written == places && places) digits[--at] = '.';
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    }
    if (bits >> 63) out[len++] = '-';
    memcpy(out + len, digits + at, sizeof digits - at);
    len += sizeof digits - at;
    out[len] = '\0';
    return len;
}
