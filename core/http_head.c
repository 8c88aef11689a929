/* http_head.c - which request heads are let through to llhttp.
 *
 * llhttp, even strict, takes some heads that other servers and proxies read differently: folded
 * lines, several Host or Content-Length fields, control bytes. Each such difference is a way to
 * smuggle a request past a proxy, so anything that is not plain RFC 9112 is refused here.
 */
#include "http_head.h"

#include <string.h>
#include <strings.h>

enum {
    TOKEN = 1,
    VALUE = 2,
    TARGET = 4,
    AUTHORITY = 8,
    ALNUM = TOKEN | VALUE | TARGET | AUTHORITY
};

/* What a byte may be part of: RFC 9110 5.6.2 (token), 5.5 (value), RFC 3986 (target, authority). */
static const uint8_t byte_class[256] = {
    ['\t'] = VALUE,
    [' '] = VALUE,
    ['!'] = TOKEN | VALUE | TARGET,
    ['"'] = VALUE | TARGET,
    ['#'] = TOKEN | VALUE,
    ['$' ... '\''] = TOKEN | VALUE | TARGET,
    ['(' ... ')'] = VALUE | TARGET,
    ['*' ... '+'] = TOKEN | VALUE | TARGET,
    [','] = VALUE | TARGET,
    ['-' ... '.'] = ALNUM,
    ['/'] = VALUE | TARGET,
    ['0' ... '9'] = ALNUM,
    [':'] = VALUE | TARGET | AUTHORITY,
    [';' ... '@'] = VALUE | TARGET,
    ['A' ... 'Z'] = ALNUM,
    ['['] = VALUE | TARGET | AUTHORITY,
    ['\\'] = VALUE | TARGET,
    [']'] = VALUE | TARGET | AUTHORITY,
    ['^'] = TOKEN | VALUE | TARGET,
    ['_'] = ALNUM,
    ['`'] = TOKEN | VALUE | TARGET,
    ['a' ... 'z'] = ALNUM,
    ['{'] = VALUE | TARGET,
    ['|'] = TOKEN | VALUE | TARGET,
    ['}'] = VALUE | TARGET,
    ['~'] = TOKEN | VALUE | TARGET,
    [0x80 ... 0xff] = VALUE,
};

struct scan {
    const char *at, *end; /* end: behind the empty line */
    const struct http_limits *limits;
    struct head_facts *facts;
    struct http_span authority; /* of an absolute target */
    struct http_span host;
    size_t fields;
    bool has_host, has_length, has_encoding;
};

static int refuse(struct scan *scan, int status, const char *why) {
    scan->facts->why = why;
    return status;
}

/* Needs no end: a head ends with CRLF, which belongs to no class. */
static const char *skip(const char *at, unsigned class) {
    while (byte_class[(uint8_t)*at] & class) at++;
    return at;
}

static bool span_is(struct http_span span, const char *lower_case) {
    return strlen(lower_case) == span.size && strncasecmp(span.data, lower_case, span.size) == 0;
}

static bool digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static int scan_method(struct scan *scan) {
    static const struct {
        const char *name;
        size_t size;
        enum http_method method;
    } methods[] = {{"GET ", 4, HTTP_M_GET},        {"POST ", 5, HTTP_M_POST},
                   {"HEAD ", 5, HTTP_M_HEAD},      {"PUT ", 4, HTTP_M_PUT},
                   {"PATCH ", 6, HTTP_M_PATCH},    {"DELETE ", 7, HTTP_M_DELETE},
                   {"OPTIONS ", 8, HTTP_M_OPTIONS}};
    size_t left = (size_t)(scan->end - scan->at);
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (left > methods[i].size && memcmp(scan->at, methods[i].name, methods[i].size) == 0) {
            scan->facts->method = methods[i].method;
            scan->at += methods[i].size;
            return 0;
        }
    const char *space = skip(scan->at, TOKEN);
    if (space == scan->at || *space != ' ')
        return refuse(scan, 400, "the request does not begin with a method and one space");
    if (left > 14 && memcmp(scan->at, "PRI * HTTP/2.0", 14) == 0)
        return refuse(scan, 505, "this server speaks HTTP/1.1; HTTP/2 ends at a proxy before it");
    return refuse(scan, 501, "the method is not one of GET HEAD POST PUT PATCH DELETE OPTIONS");
}

static int scan_target(struct scan *scan) {
    const char *begin = scan->at;
    scan->at = skip(begin, TARGET);
    size_t size = (size_t)(scan->at - begin);
    if (size > scan->limits->target_bytes)
        return refuse(scan, 414, "the request target is longer than this server takes");
    if (*scan->at != ' ')
        return refuse(scan, 400, "the request target holds a byte that must be percent-encoded");
    scan->at++;
    if (size && *begin == '/') return 0;
    if (size == 1 && *begin == '*' && scan->facts->method == HTTP_M_OPTIONS) return 0;
    if (size <= 7 || strncasecmp(begin, "http://", 7) != 0)
        return refuse(scan, 400, "the request target does not begin with '/'");
    const char *rest = skip(begin + 7, AUTHORITY);
    scan->authority = (struct http_span){begin + 7, (size_t)(rest - begin) - 7};
    if (!scan->authority.size || (rest < begin + size && *rest != '/'))
        return refuse(scan, 400, "the absolute request target names no valid host");
    return 0;
}

static int scan_version(struct scan *scan) {
    const char *at = scan->at;
    if (scan->end - at >= 10 && memcmp(at, "HTTP/1.", 7) == 0 && (at[7] == '1' || at[7] == '0') &&
        at[8] == '\r' && at[9] == '\n') {
        scan->facts->http10 = at[7] == '0';
        scan->at += 10;
        return 0;
    }
    bool named =
        scan->end - at >= 10 && memcmp(at, "HTTP/", 5) == 0 && digit(at[5]) &&
        (at[6] == '\r' || (at[6] == '.' && digit(at[7]) && at[8] == '\r' && at[9] == '\n'));
    if (named) return refuse(scan, 505, "the version is neither HTTP/1.1 nor HTTP/1.0");
    return refuse(scan, 400, "the request line does not end with a version such as HTTP/1.1");
}

/* llhttp reads blanks there, but no tabs. */
static bool tab_behind(struct http_span value) {
    const char *at = value.data + value.size;
    while (*at == ' ') at++;
    return *at == '\t';
}

static int take_length(struct scan *scan, struct http_span value) {
    if (scan->has_length) return refuse(scan, 400, "there is more than one Content-Length");
    scan->has_length = true;
    if (!value.size || value.size > 18)
        return refuse(scan, 400, "Content-Length is not a decimal number of at most 18 digits");
    int64_t length = 0;
    for (size_t i = 0; i < value.size; i++) {
        if (!digit(value.data[i]))
            return refuse(scan, 400, "Content-Length is not a decimal number of at most 18 digits");
        length = length * 10 + (value.data[i] - '0');
    }
    if (tab_behind(value)) return refuse(scan, 400, "there is a tab behind the Content-Length");
    scan->facts->content_length = length;
    return 0;
}

static int take_encoding(struct scan *scan, struct http_span value) {
    if (scan->has_encoding) return refuse(scan, 400, "there is more than one Transfer-Encoding");
    scan->has_encoding = true;
    if (scan->facts->http10) return refuse(scan, 400, "HTTP/1.0 has no Transfer-Encoding");
    if (!span_is(value, "chunked"))
        return refuse(scan, 501, "the only Transfer-Encoding that is understood is chunked");
    if (tab_behind(value)) return refuse(scan, 400, "there is a tab behind the Transfer-Encoding");
    return 0;
}

static int take_host(struct scan *scan, struct http_span value) {
    if (scan->has_host) return refuse(scan, 400, "there is more than one Host");
    scan->has_host = true;
    scan->host = value;
    const char *end = value.data + value.size;
    if (!value.size || skip(value.data, AUTHORITY) != end)
        return refuse(scan, 400, "Host is not a name or address with an optional port");
    return 0;
}

/* The few fields that decide the framing. */
static int take_field(struct scan *scan, struct http_span name, struct http_span value) {
    if (name.size == 4 && span_is(name, "host")) return take_host(scan, value);
    if (name.size == 14 && span_is(name, "content-length")) return take_length(scan, value);
    if (name.size == 17 && span_is(name, "transfer-encoding")) return take_encoding(scan, value);
    if (name.size == 6 && span_is(name, "expect")) {
        scan->facts->expects_known =
            span_is(value, "100-continue") && (!scan->facts->expects || scan->facts->expects_known);
        scan->facts->expects = true;
    }
    return 0;
}

static int scan_field(struct scan *scan) {
    const char *begin = scan->at, *colon = skip(begin, TOKEN);
    if (*begin == ' ' || *begin == '\t')
        return refuse(scan, 400, "a field line begins with a blank (folded lines are not taken)");
    if (colon == begin) return refuse(scan, 400, "a field has no name, or a bad byte in it");
    if (*colon != ':') return refuse(scan, 400, "a field name is not directly followed by ':'");
    const char *value = colon + 1;
    while (*value == ' ' || *value == '\t') value++;
    const char *stop = skip(value, VALUE);
    if (*stop != '\r' || stop[1] != '\n')
        return refuse(scan, 400,
                      "a field value holds a control byte, or its line does not end in CRLF");
    scan->at = stop + 2;
    while (stop > value && (stop[-1] == ' ' || stop[-1] == '\t')) stop--;
    if (++scan->fields > scan->limits->field_count)
        return refuse(scan, 431, "there are more header fields than this server takes");
    return take_field(scan, (struct http_span){begin, (size_t)(colon - begin)},
                      (struct http_span){value, (size_t)(stop - value)});
}

/* What can be said only when all fields have been seen. */
static int judge(struct scan *scan) {
    if (!scan->has_host && !scan->facts->http10)
        return refuse(scan, 400, "the field Host is missing");
    if (scan->has_length && scan->has_encoding)
        return refuse(scan, 400, "there are both Content-Length and Transfer-Encoding");
    if (scan->authority.size && scan->has_host &&
        (scan->authority.size != scan->host.size ||
         strncasecmp(scan->authority.data, scan->host.data, scan->host.size) != 0))
        return refuse(scan, 400, "Host and the host of the request target differ");
    if (scan->has_encoding) scan->facts->content_length = -1;
    return 0;
}

int head_scan(const char *head, size_t size, const struct http_limits *limits,
              struct head_facts *facts) {
    *facts = (struct head_facts){.why = ""};
    struct scan scan = {.at = head, .end = head + size, .limits = limits, .facts = facts};
    if (size > limits->head_bytes)
        return refuse(&scan, 431, "the request head is larger than this server takes");
    if (size < 4 || memcmp(head + size - 4, "\r\n\r\n", 4) != 0)
        return refuse(&scan, 400, "the request head does not end with an empty line");
    int status = scan_method(&scan);
    if (!status) status = scan_target(&scan);
    if (!status) status = scan_version(&scan);
    while (!status && scan.end - scan.at > 2) status = scan_field(&scan);
    if (status) return status;
    if (scan.end - scan.at != 2) return refuse(&scan, 400, "the request head ends too early");
    return judge(&scan);
}

int http_head_check(const char *head, size_t size, const struct http_limits *limits,
                    const char **why) {
    struct head_facts facts;
    int status = head_scan(head, size, limits, &facts);
    *why = facts.why;
    return status;
}

int64_t head_end(const char *data, size_t size, size_t *scanned) {
    const char *end = data + size, *at = data + *scanned;
    for (const char *feed; (feed = memchr(at, '\n', (size_t)(end - at))); at = feed + 1) {
        if (feed == data || feed[-1] != '\r') return -1;
        if (feed - data >= 3 && feed[-2] == '\n') return feed - data + 1;
    }
    *scanned = size;
    return 0;
}

void http_limits_default(struct http_limits *limits) {
    enum { KIB = 1024, SECOND_MS = 1000 };
    *limits = (struct http_limits){
        .head_bytes = (size_t)16 * KIB,
        .field_count = 100,
        .target_bytes = (size_t)8 * KIB,
        .head_timeout_ms = (int64_t)10 * SECOND_MS,
        .body_timeout_ms = (int64_t)20 * SECOND_MS,
        .idle_timeout_ms = (int64_t)60 * SECOND_MS,
        .write_timeout_ms = (int64_t)30 * SECOND_MS,
        .body_min_rate = 500,
        .body_rate_grace_ms = (int64_t)5 * SECOND_MS,
        .max_connections = 10000,
        .max_pipelined_bytes = (size_t)64 * KIB,
        .stream_backlog_bytes = (size_t)256 * KIB,
    };
}
