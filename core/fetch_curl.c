/* fetch_curl.c - one HTTP request with libcurl: options in, answer out. */
#include "fetch_easy.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    USUAL_TIMEOUT_MS = 10 * 1000,
    USUAL_CONNECT_MS = 2000,
    USUAL_MAX_BYTES = 8 << 20,
    HEADERS_MAX_BYTES = 64 * 1024
};

__attribute__((visibility("default"))) const struct fetch_module sluice_fetch_module = {
    .version = FETCH_MODULE_VERSION,
    .size = sizeof(struct fetch_module),
    .open = engine_open,
    .close = engine_close,
    .start = engine_start,
    .resume = engine_resume,
    .cancel = engine_cancel,
    .blocking = fetch_run_blocking,
};

/* ---- the answer as it comes ---- */

static bool append(char **text, size_t *used, const char *bytes, size_t size) {
    size_t capacity = 1024;
    while (capacity < *used + 1) capacity *= 2;
    if (!*text || *used + size + 1 > capacity) {
        while (capacity < *used + size + 1) capacity *= 2;
        char *grown = realloc(*text, capacity);
        if (!grown) return false;
        *text = grown;
    }
    memcpy(*text + *used, bytes, size);
    *used += size;
    (*text)[*used] = 0;
    return true;
}

/* A status line begins the headers anew: those of a 100 Continue are not the answer's. */
static void begin_headers(struct fetch_easy *easy, const char *line, size_t size) {
    const char *space = memchr(line, ' ', size);
    size_t left = space ? size - (size_t)(space - line) : 0;
    easy->headers_size = 0;
    if (easy->answer.headers) easy->answer.headers[0] = 0;
    easy->answer.status = 0;
    for (size_t i = 1; i < left && i <= 3 && isdigit((unsigned char)space[i]); i++)
        easy->answer.status = easy->answer.status * 10 + (space[i] - '0');
}

static size_t on_header(char *line, size_t unit, size_t size, void *arg) {
    struct fetch_easy *easy = arg;
    size_t all = unit * size;
    if (all >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        begin_headers(easy, line, all);
        return all;
    }
    const char *colon = memchr(line, ':', all);
    if (!colon) return all;
    const char *value = colon + 1, *end = line + all;
    while (value < end && (*value == ' ' || *value == '\t')) value++;
    while (end > value && isspace((unsigned char)end[-1])) end--;
    if (easy->headers_size + all + 4 > HEADERS_MAX_BYTES) {
        easy->too_large = true;
        return 0;
    }
    for (char *at = line; at < colon; at++) *at = (char)tolower((unsigned char)*at);
    bool good = append(&easy->answer.headers, &easy->headers_size, line, (size_t)(colon - line)) &&
                append(&easy->answer.headers, &easy->headers_size, ": ", 2) &&
                append(&easy->answer.headers, &easy->headers_size, value, (size_t)(end - value)) &&
                append(&easy->answer.headers, &easy->headers_size, "\n", 1);
    return good ? all : 0;
}

static size_t on_body(char *bytes, size_t unit, size_t size, void *arg) {
    struct fetch_easy *easy = arg;
    size_t all = unit * size;
    size_t most = easy->request->max_bytes ? easy->request->max_bytes : USUAL_MAX_BYTES;
    bool streams = easy->events.streams && easy->answer.status / 100 == 2;
    if (!streams && easy->answer.body_size + all > most) {
        easy->too_large = true;
        return 0;
    }
    if (!streams) return append(&easy->answer.body, &easy->answer.body_size, bytes, all) ? all : 0;
    if (!easy->events.on_piece(easy->events.owner, bytes, all)) {
        if (easy->stopped) return 0;
        return CURL_WRITEFUNC_PAUSE;
    }
    easy->answer.body_size += all;
    return all;
}

/* ---- the request ---- */

static int wrong(char *trouble, const char *what, const char *detail) {
    snprintf(trouble, 256, "%s%s%.180s", what, *detail ? ": " : "", detail);
    return SL_INVALID;
}

static bool loopback(const char *host) {
    return strcmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
           strcmp(host, "[::1]") == 0;
}

static int check_url(struct fetch_easy *easy, char *trouble) {
    const sl_request *request = easy->request;
    if (strncasecmp(request->url, "http://", 7) != 0 &&
        strncasecmp(request->url, "https://", 8) != 0)
        return wrong(trouble, "only http:// and https:// URLs are fetched, not", request->url);
    CURLU *url = curl_url();
    char *host = NULL, *port = NULL;
    CURLUcode code = url ? curl_url_set(url, CURLUPART_URL, request->url, 0) : CURLUE_OUT_OF_MEMORY;
    if (!code) code = curl_url_get(url, CURLUPART_HOST, &host, 0);
    if (!code) code = curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT);
    int status = 0;
    if (code)
        status = wrong(trouble, "the URL is malformed", request->url);
    else if (request->unix_socket)
        snprintf(easy->peer, sizeof easy->peer, "%s", request->unix_socket);
    else
        snprintf(easy->peer, sizeof easy->peer, "%.90s:%.8s", host, port);
    if (!status && (request->unix_socket || loopback(host)))
        curl_easy_setopt(easy->curl, CURLOPT_PROXY, ""); /* no proxy knows our loopback */
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(url);
    return status;
}

static bool names(const char *header, const char *name) {
    size_t size = strlen(name);
    return strncasecmp(header, name, size) == 0 && header[size] == ':';
}

static int add_header(struct fetch_easy *easy, const char *header) {
    struct curl_slist *grown = curl_slist_append(easy->headers, header);
    if (grown) easy->headers = grown;
    return grown ? 0 : -1;
}

static int set_headers(struct fetch_easy *easy, char *trouble) {
    bool has_type = false;
    int failed = 0;
    for (const char *const *at = easy->request->headers; at && *at; at++) {
        if (strpbrk(*at, "\r\n") || !strchr(*at, ':') || **at == ':')
            return wrong(trouble, "a request header is not one line \"Name: value\"", "");
        has_type |= names(*at, "content-type");
        const char *value = strchr(*at, ':') + 1;
        char name[128];
        if (value[strspn(value, " \t")] == 0 && strlen(*at) < sizeof name) {
            /* libcurl takes "Name:" as "leave it out"; "Name;" sends it empty. */
            snprintf(name, sizeof name, "%.*s;", (int)(value - *at - 1), *at);
            failed |= add_header(easy, name);
        } else {
            failed |= add_header(easy, *at);
        }
    }
    if (!has_type) failed |= add_header(easy, "Content-Type:"); /* libcurl would say it is a form */
    failed |= add_header(easy, "Expect:");
    if (failed) return wrong(trouble, "there is no memory for the request's headers", "");
    curl_easy_setopt(easy->curl, CURLOPT_HTTPHEADER, easy->headers);
    return 0;
}

static int set_method(struct fetch_easy *easy, char *trouble) {
    const sl_request *request = easy->request;
    const char *method = request->method ? request->method : request->body ? "POST" : "GET";
    CURL *curl = easy->curl;
    for (const char *at = method; *at; at++)
        if (!isupper((unsigned char)*at) || at - method > 15)
            return wrong(trouble, "the method is not a word of capital letters", method);
    if (strcmp(method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
        return 0;
    }
    bool sends = request->body || strcmp(method, "POST") == 0;
    if (sends) {
        curl_easy_setopt(curl, CURLOPT_POST, 1L);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_size);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    return 0;
}

static void set_limits(struct fetch_easy *easy) {
    const sl_request *request = easy->request;
    CURL *curl = easy->curl;
    int64_t timeout_ms = request->timeout_ms ? request->timeout_ms : USUAL_TIMEOUT_MS;
    int64_t connect_ms =
        request->connect_timeout_ms ? request->connect_timeout_ms : USUAL_CONNECT_MS;
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(timeout_ms < 0 ? 0 : timeout_ms));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sluice");
    if (request->unix_socket)
        curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, request->unix_socket);
}

static int readable(const char *file, const char *what, char *trouble) {
    char detail[180];
    if (!file || access(file, R_OK) == 0) return 0;
    snprintf(detail, sizeof detail, "%.140s: %s", file, strerror(errno));
    return wrong(trouble, what, detail);
}

/* Files are tried here, since libcurl says of a missing one only that the TLS set-up failed. libcurl
 * keeps connections of different certificates apart. */
static int set_certificates(struct fetch_easy *easy, char *trouble) {
    const sl_request *request = easy->request;
    const char *certificate = request->client_cert_file, *key = request->client_key_file;
    CURL *curl = easy->curl;
    if (key && !certificate)
        return wrong(trouble, "there is a client key but no client certificate", key);
    int status = readable(request->ca_file, "the CA file cannot be read", trouble);
    if (!status) status = readable(certificate, "the client certificate cannot be read", trouble);
    if (!status) status = readable(key, "the client key cannot be read", trouble);
    if (status) return status;
    if (request->ca_file) curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
    if (certificate) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, certificate);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, key ? key : certificate);
    }
    return 0;
}

int easy_open(struct fetch_easy *easy, const sl_request *request, char *trouble) {
    trouble[0] = 0;
    easy->request = request;
    if (!request->url) return wrong(trouble, "the request has no URL", "");
    easy->curl = curl_easy_init();
    if (!easy->curl) return wrong(trouble, "libcurl does not start", "");
    int status = check_url(easy, trouble);
    if (!status) status = set_method(easy, trouble);
    if (!status) status = set_headers(easy, trouble);
    if (!status) status = set_certificates(easy, trouble);
    if (status) return status;
    set_limits(easy);
    curl_easy_setopt(easy->curl, CURLOPT_URL, request->url);
    curl_easy_setopt(easy->curl, CURLOPT_ERRORBUFFER, easy->error);
    curl_easy_setopt(easy->curl, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy->curl, CURLOPT_HEADERDATA, easy);
    curl_easy_setopt(easy->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy->curl, CURLOPT_WRITEDATA, easy);
    return 0;
}

/* ---- the result ---- */

static int trouble_of(struct fetch_easy *easy, CURLcode code) {
    char *to = easy->answer.trouble;
    size_t room = sizeof easy->answer.trouble;
    const char *why = *easy->error ? easy->error : curl_easy_strerror(code);
    long os_error = 0;
    curl_easy_getinfo(easy->curl, CURLINFO_OS_ERRNO, &os_error);
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        snprintf(to, room, "cannot resolve the name in %s", easy->peer);
        return SL_UNAVAILABLE;
    case CURLE_COULDNT_CONNECT:
        snprintf(to, room, "cannot connect to %s: %.100s", easy->peer,
                 os_error ? strerror((int)os_error) : why);
        return SL_UNAVAILABLE;
    case CURLE_OPERATION_TIMEDOUT:
        snprintf(to, room, "%s did not answer in time", easy->peer);
        return SL_TIMEOUT;
    case CURLE_UNSUPPORTED_PROTOCOL: /* the URL has been checked: "HTTP/0.9" came back */
    case CURLE_WEIRD_SERVER_REPLY:
        snprintf(to, room, "%s does not answer in HTTP", easy->peer);
        return SL_UNAVAILABLE;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        snprintf(to, room, "the certificate of %s is not trusted: %.100s", easy->peer, why);
        return SL_UNAVAILABLE;
    case CURLE_SSL_CERTPROBLEM:
        snprintf(to, room, "the client certificate for %s cannot be used: %.100s", easy->peer, why);
        return SL_INVALID;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
        snprintf(to, room, "the connection to %s broke: %.100s", easy->peer, why);
        return SL_UNAVAILABLE;
    default:
        snprintf(to, room, "the exchange with %s failed: %.100s", easy->peer, why);
        return SL_UNAVAILABLE;
    }
}

int easy_result(struct fetch_easy *easy, CURLcode code) {
    struct fetch_answer *answer = &easy->answer;
    char *type = NULL;
    long sent = 0;
    curl_easy_getinfo(easy->curl, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(easy->curl, CURLINFO_REQUEST_SIZE, &sent);
    answer->unsent = sent == 0;
    answer->content_type = strdup(type ? type : "");
    if (!answer->headers) answer->headers = strdup("");
    bool streamed = easy->events.streams && answer->status / 100 == 2;
    if (!answer->body && !streamed) answer->body = strdup("");
    if (easy->too_large) {
        snprintf(answer->trouble, sizeof answer->trouble,
                 "the answer of %s is larger than the caller takes", easy->peer);
        return SL_TOO_LARGE;
    }
    if (easy->stopped) {
        snprintf(answer->trouble, sizeof answer->trouble, "the transfer was stopped");
        return SL_CANCELLED;
    }
    return code == CURLE_OK ? 0 : trouble_of(easy, code);
}

void easy_close(struct fetch_easy *easy) {
    curl_slist_free_all(easy->headers);
    if (easy->curl) curl_easy_cleanup(easy->curl);
    free(easy->answer.body);
    free(easy->answer.content_type);
    free(easy->answer.headers);
}

/* ---- blocking, for the command line ---- */

static bool piece_to_caller(void *owner, const char *bytes, size_t size) {
    struct fetch_easy *easy = owner;
    easy->stopped = easy->request->on_bytes(easy->request->on_bytes_arg, bytes, size) != 0;
    return !easy->stopped;
}

int fetch_run_blocking(const sl_request *request, struct fetch_answer *answer) {
    struct fetch_easy easy = {0};
    memset(answer, 0, sizeof *answer);
    if (request->on_bytes)
        easy.events =
            (struct fetch_events){.owner = &easy, .on_piece = piece_to_caller, .streams = true};
    int status = easy_open(&easy, request, answer->trouble);
    if (!status) {
        status = easy_result(&easy, curl_easy_perform(easy.curl));
        *answer = easy.answer;
        easy.answer = (struct fetch_answer){0};
    }
    easy_close(&easy);
    return status;
}
