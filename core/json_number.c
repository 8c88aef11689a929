/* json_number.c - numbers: the grammar of RFC 8259, and doubles that survive the way there and
 * back.
 *
 * Most numbers are short. A decimal of at most 2^53 with an exponent of at most 22 either way is
 * exact after one division or multiplication of exact doubles (Clinger 1990), so strtod and printf
 * are only asked for the rest. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double tens[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                              1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                              1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t exact_max = UINT64_C(1) << 53;

static bool is_digit(const char *at, const char *end) {
    return at < end && *at >= '0' && *at <= '9';
}

/* Copies for strtod, which wants a NUL and may want another decimal point than '.'. */
static double slow_number(const char *start, size_t size) {
    char text[JSON_NUMBER_MAX + 1];
    memcpy(text, start, size);
    text[size] = 0;
    char *stop = text;
    double number = strtod(text, &stop);
    char *point = strchr(text, '.');
    if (*stop == '.' && point) {
        *point = ',';
        number = strtod(text, NULL);
    }
    return number;
}

struct decimal {
    uint64_t digits; /* valid while `exact` */
    int exponent;
    bool exact;
};

static const char *read_digits(const char *at, const char *end, struct decimal *decimal) {
    for (; is_digit(at, end); at++) {
        decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
        if (decimal->digits > exact_max) {
            decimal->exact = false;
            decimal->digits = exact_max; /* no overflow in what follows */
        }
    }
    return at;
}

static const char *read_exponent(const char *at, const char *end, struct decimal *decimal) {
    bool negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    const char *first = at;
    int exponent = 0;
    for (; is_digit(at, end); at++) {
        if (exponent < 10000) exponent = exponent * 10 + (*at - '0');
    }
    if (at == first) return NULL;
    decimal->exponent += negative ? -exponent : exponent;
    return at;
}

const char *json_read_number(const char *start, const char *end, double *number, const char **why) {
    struct decimal decimal = {.exact = true};
    const char *at = start;
    bool negative = at < end && *at == '-';
    if (negative) at++;
    const char *whole = at;
    at = read_digits(at, end, &decimal);
    *why = "expected a digit in a number";
    if (at == whole) return NULL;
    if (*whole == '0' && at - whole > 1) {
        *why = "a number must not begin with 0";
        return NULL;
    }
    if (at < end && *at == '.') {
        const char *fraction = ++at;
        at = read_digits(at, end, &decimal);
        *why = "expected a digit after the decimal point";
        if (at == fraction) return NULL;
        decimal.exponent = -(int)(at - fraction > 10000 ? 10000 : at - fraction);
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at = read_exponent(at + 1, end, &decimal);
        *why = "expected a digit in the exponent";
        if (!at) return NULL;
    }
    size_t size = (size_t)(at - start);
    *why = "a number has at most 128 characters here";
    if (size > JSON_NUMBER_MAX) return NULL;
    if (decimal.exact && decimal.exponent >= -22 && decimal.exponent <= 22) {
        double value = (double)decimal.digits;
        if (decimal.exponent < 0) {
            value /= tens[-decimal.exponent];
        } else {
            value *= tens[decimal.exponent];
        }
        *number = negative ? -value : value;
        return at;
    }
    *number = slow_number(start, size);
    *why = "the number is too large";
    return isfinite(*number) ? at : NULL;
}

static size_t print_whole(uint64_t whole, bool negative, char *text) {
    char digits[20];
    size_t count = 0, size = 0;
    do {
        digits[count++] = (char)('0' + whole % 10);
        whole /= 10;
    } while (whole);
    if (negative) text[size++] = '-';
    while (count) text[size++] = digits[--count];
    text[size] = 0;
    return size;
}

/* A decimal fraction of few digits: m / 10^k rounds to `number` again, so its digits are right. */
static size_t print_short_fraction(double number, char *text) {
    bool negative = number < 0;
    double size = negative ? -number : number;
    for (unsigned places = 3; places <= 15; places += 3) {
        double scaled = size * tens[places];
        if (scaled >= (double)exact_max) return 0;
        uint64_t digits = (uint64_t)(scaled + 0.5);
        if (!digits || (double)digits / tens[places] != size) continue;
        while (digits % 10 == 0) {
            digits /= 10;
            places--;
        }
        uint64_t unit = (uint64_t)tens[places];
        size_t at = print_whole(digits / unit, negative, text);
        text[at++] = '.';
        uint64_t fraction = digits % unit;
        for (unsigned place = places; place > 0; place--) {
            text[at + place - 1] = (char)('0' + fraction % 10);
            fraction /= 10;
        }
        at += places;
        text[at] = 0;
        return at;
    }
    return 0;
}

size_t json_print_number(double number, char text[static JSON_NUMBER_TEXT]) {
    if (!isfinite(number)) {
        memcpy(text, "null", 5);
        return 4;
    }
    if (number == 0) { /* -0 as well: a sign on nothing tells nobody anything */
        memcpy(text, "0", 2);
        return 1;
    }
    double size = fabs(number);
    if (size < (double)exact_max && size == (double)(uint64_t)size) {
        return print_whole((uint64_t)size, number < 0, text);
    }
    if (size >= 1e-5 && size < 1e15) {
        size_t length = print_short_fraction(number, text);
        if (length) return length;
    }
    int length = 0;
    for (int precision = 15; precision <= 17; precision++) {
        length = snprintf(text, JSON_NUMBER_TEXT, "%.*g", precision, number);
        if (strtod(text, NULL) == number) break;
    }
    char *comma = strchr(text, ','); /* a locale's decimal point */
    if (comma) *comma = '.';
    return (size_t)length;
}
