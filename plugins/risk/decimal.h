/*
 * Numbers with a fixed count of decimals, byte for byte as printf writes them and much faster: an
 * answer has dozens of them. Exact: the last digit is rounded from the number's own bits. Pure.
 */
#ifndef RISK_DECIMAL_H
#define RISK_DECIMAL_H

#include <stddef.h>

enum { DECIMAL_BYTES = 32 };

/* The text of printf's "%.<places>f", places 0 to 2, cut at DECIMAL_BYTES - 1 bytes and ended by
 * zero. Returns its length. */
size_t decimal_write(double value, unsigned places, char out[DECIMAL_BYTES]);

#endif
