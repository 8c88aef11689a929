/* fields_format.c - the checked forms of strings. Each `fits` takes exactly what its pattern says;
 * a property test holds them to it. */
#include "fields.h"
#include "json.h"

#include <string.h>

static bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c) {
    return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_one_of(char c, const char *set) {
    return c && strchr(set, c);
}

/* The label of RFC 1123 that Kubernetes takes for names. */
static bool fits_name(const char *text) {
    size_t size = 0;
    for (; text[size]; size++) {
        char c = text[size];
        if (size == 63 || !(is_lower(c) || is_digit(c) || (c == '-' && size))) return false;
    }
    return size && text[size - 1] != '-';
}

/* Lower-case words joined by one '.', one or two '_', or any number of '-'. */
static bool is_path_part(const char *at, const char *end) {
    while (at < end) {
        const char *word = at;
        while (at < end && (is_lower(*at) || is_digit(*at))) at++;
        if (at == word) return false;
        if (at == end) return true;
        if (*at == '-') {
            while (at < end && *at == '-') at++;
        } else if (*at == '.') {
            at++;
        } else if (*at == '_') {
            at += at + 1 < end && at[1] == '_' ? 2 : 1;
        } else {
            return false;
        }
    }
    return false;
}

/* "registry.example.com:5000" */
static bool is_registry(const char *at, const char *end) {
    const char *label = at;
    for (; at < end && *at != ':'; at++) {
        bool edge = at == label || at + 1 == end || at[1] == '.' || at[1] == ':';
        if (*at == '.') {
            if (at == label) return false;
            label = at + 1;
        } else if (!is_alnum(*at) && (*at != '-' || edge)) {
            return false;
        }
    }
    if (at == label) return false;
    if (at == end) return true;
    const char *port = ++at;
    while (at < end && is_digit(*at)) at++;
    return at == end && at > port;
}

static bool is_tag(const char *at, const char *end) {
    if (at == end || end - at > 128 || *at == '.' || *at == '-') return false;
    while (at < end && (is_alnum(*at) || is_one_of(*at, "._-"))) at++;
    return at == end;
}

static bool is_digest(const char *at) {
    if (strncmp(at, "sha256:", 7) != 0) return false;
    size_t size = strspn(at + 7, "0123456789abcdef");
    return size == 64 && !at[7 + size];
}

/* [registry/]path[:tag][@sha256:...], as the distribution specification writes it. */
static bool fits_image(const char *text) {
    const char *end = strchr(text, '@');
    if (end && !is_digest(end + 1)) return false;
    if (!end) end = text + strlen(text);
    const char *colon = memrchr(text, ':', (size_t)(end - text));
    const char *slash = memrchr(text, '/', (size_t)(end - text));
    if (colon && (!slash || colon > slash)) {
        if (!is_tag(colon + 1, end)) return false;
        end = colon;
    }
    const char *at = text;
    const char *first = memchr(at, '/', (size_t)(end - at));
    if (first && is_registry(at, first)) at = first + 1;
    for (;;) {
        const char *next = memchr(at, '/', (size_t)(end - at));
        if (!is_path_part(at, next ? next : end)) return false;
        if (!next) return true;
        at = next + 1;
    }
}

static bool fits_uri(const char *text) {
    if (!is_alnum(*text) || is_digit(*text)) return false;
    while (is_alnum(*text) || is_one_of(*text, "+-.")) text++;
    if (*text++ != ':' || !*text) return false;
    for (; *text; text++) {
        if (*text == '%') {
            static const char hex[] = "0123456789abcdefABCDEF";
            if (!is_one_of(text[1], hex) || !is_one_of(text[2], hex)) return false;
        } else if (!is_alnum(*text) && !is_one_of(*text, "-._~:/?#[]@!$&'()*+,;=")) {
            return false;
        }
    }
    return true;
}

/* Reads exactly `count` digits; -1 when they are not there. */
static int digits(const char **at, int count) {
    int value = 0;
    while (count--) {
        if (!is_digit(**at)) return -1;
        value = value * 10 + (*(*at)++ - '0');
    }
    return value;
}

static bool skip(const char **at, const char *set) {
    if (!is_one_of(**at, set)) return false;
    (*at)++;
    return true;
}

static bool is_date(const char **at) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = digits(at, 4);
    if (year < 0 || !skip(at, "-")) return false;
    int month = digits(at, 2);
    if (month < 1 || month > 12 || !skip(at, "-")) return false;
    int day = digits(at, 2);
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap);
}

/* RFC 3339, "2026-11-22T10:00:00Z"; a leap second is not taken. */
static bool fits_time(const char *text) {
    if (!is_date(&text) || !skip(&text, "T")) return false;
    int hour = digits(&text, 2);
    if (hour < 0 || hour > 23 || !skip(&text, ":")) return false;
    int minute = digits(&text, 2);
    if (minute < 0 || minute > 59 || !skip(&text, ":")) return false;
    int second = digits(&text, 2);
    if (second < 0 || second > 59) return false;
    if (skip(&text, ".")) {
        size_t places = strspn(text, "0123456789");
        if (!places || places > 9) return false;
        text += places;
    }
    if (skip(&text, "Z")) return !*text;
    if (!skip(&text, "+-")) return false;
    hour = digits(&text, 2);
    if (hour < 0 || hour > 23 || !skip(&text, ":")) return false;
    minute = digits(&text, 2);
    return minute >= 0 && minute <= 59 && !*text;
}

/* What HTML's <input type=email> takes. */
static bool fits_email(const char *text) {
    const char *local = text;
    while (is_alnum(*text) || is_one_of(*text, ".!#$%&'*+/=?^_`{|}~-")) text++;
    if (text == local || *text++ != '@') return false;
    for (;;) {
        const char *label = text;
        while (is_alnum(*text) || *text == '-') text++;
        if (text == label || text - label > 63 || *label == '-' || text[-1] == '-') return false;
        if (!*text) return true;
        if (*text++ != '.') return false;
    }
}

static bool fits_sha(const char *text) {
    size_t size = strspn(text, "0123456789abcdef");
    return !text[size] && size >= 7 && size <= 64;
}

static bool fits_pointer(const char *text) {
    if (*text && *text != '/') return false;
    for (; *text; text++) {
        if (*text == '~' && text[1] != '0' && text[1] != '1') return false;
    }
    return true;
}

static bool fits_json(const char *text) {
    struct json_fault fault;
    return json_check(text, strlen(text), &fault);
}

#define LABEL   "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
#define HOST    "[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
#define SEGMENT "[a-z0-9]+(?:(?:\\.|__?|-+)[a-z0-9]+)*"

static const struct field_format formats[] = {
    {"name", fits_name, "a name of lower-case letters, digits and '-' (at most 63)",
     "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", NULL},
    {"image", fits_image, "a container image such as registry.example.com/team/app:1.4.2",
     "^(?:" HOST "(?:\\." HOST ")*(?::[0-9]+)?/)?" SEGMENT "(?:/" SEGMENT ")*"
     "(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@sha256:[0-9a-f]{64})?$",
     NULL},
    {"uri", fits_uri, "an absolute URI such as https://example.com/path",
     "^[a-zA-Z][a-zA-Z0-9+.-]*:(?:%[0-9a-fA-F]{2}|[a-zA-Z0-9._~:/?#\\[\\]@!$&'()*+,;=-])+$", "uri"},
    {"time", fits_time, "a time such as 2026-11-22T10:00:00Z (RFC 3339)", NULL, "date-time"},
    {"email", fits_email, "an e-mail address",
     "^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]+@" LABEL "(?:\\." LABEL ")*$", "email"},
    {"sha", fits_sha, "a commit id of 7 to 64 lower-case hexadecimal digits", "^[0-9a-f]{7,64}$",
     NULL},
    {"pointer", fits_pointer, "a JSON pointer such as /config/image", "^(?:/(?:[^~/]|~[01])*)*$",
     "json-pointer"},
    {"json", fits_json, "JSON written in a string", NULL, NULL},
};

const struct field_format *field_format(const char *name) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    }
    return NULL;
}
