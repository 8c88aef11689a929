#include "kube.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define ACCOUNT "/var/run/secrets/kubernetes.io/serviceaccount/"

enum { FILE_MAX_BYTES = 1 << 20, NAME_MAX_BYTES = 253 };

bool kube_name_fits(const char *name) {
    if (!name || !isalnum((unsigned char)*name) || strlen(name) > NAME_MAX_BYTES) return false;
    for (const char *at = name; *at; at++) {
        bool fits =
            islower((unsigned char)*at) || isdigit((unsigned char)*at) || *at == '-' || *at == '.';
        if (!fits) return false;
    }
    return !strstr(name, "..");
}

/* ---- files ---- */

static int read_file(sl_call *call, const char *path, char **text, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) return sl_fail(call, SL_UNAVAILABLE, "kubernetes: %s: %s", path, strerror(errno));
    *text = sl_alloc(call, FILE_MAX_BYTES + 1);
    *size = fread(*text, 1, FILE_MAX_BYTES, file);
    (void)fclose(file);
    (*text)[*size] = 0;
    if (*size) return 0;
    return sl_fail(call, SL_INVALID, "kubernetes: %s is empty", path);
}

static int read_token(sl_call *call, const char *path, const char **token) {
    char *text = NULL;
    size_t size = 0;
    int rc = read_file(call, path, &text, &size);
    if (rc) return rc;
    while (size && isspace((unsigned char)text[size - 1])) text[--size] = 0;
    for (size_t i = 0; i < size; i++) {
        if (!isgraph((unsigned char)text[i]))
            return sl_fail(call, SL_INVALID, "kubernetes: %s holds no token", path);
    }
    *token = text;
    return 0;
}

static int digit_of(char c) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static char *decode(sl_call *call, const char *text, size_t *size) {
    char *out = sl_alloc(call, strlen(text) + 1);
    unsigned bits = 0, held = 0;
    for (*size = 0; *text && *text != '='; text++) {
        if (isspace((unsigned char)*text)) continue;
        int digit = digit_of(*text);
        if (digit < 0) return NULL;
        bits = bits << 6 | (unsigned)digit;
        held += 6;
        if (held >= 8) out[(*size)++] = (char)(bits >> (held -= 8));
    }
    return out;
}

/* libcurl reads certificates from files; a key must not touch the disk. */
static int hold(sl_call *call, struct kube *kube, const char *what, const char *data,
                const char **path) {
    size_t size = 0, wrote = 0;
    const char *bytes = decode(call, data, &size);
    if (!bytes || !size) return sl_fail(call, SL_INVALID, "kubeconfig: %s is no base64", what);
    int fd = memfd_create("kube", MFD_CLOEXEC);
    if (fd < 0) return sl_fail(call, SL_UNAVAILABLE, "kubeconfig: %s: %s", what, strerror(errno));
    kube->held[kube->held_count++] = fd;
    while (wrote < size) {
        ssize_t more = write(fd, bytes + wrote, size - wrote);
        if (more <= 0)
            return sl_fail(call, SL_UNAVAILABLE, "kubeconfig: %s: %s", what, strerror(errno));
        wrote += (size_t)more;
    }
    *path = sl_printf(call, "/proc/self/fd/%d", fd);
    return 0;
}

void kube_close(struct kube *kube) {
    for (int i = 0; i < kube->held_count; i++) (void)close(kube->held[i]);
    kube->held_count = 0;
}

/* ---- kubeconfig ---- */

static const cJSON *named(const cJSON *list, const char *name, const char *kind) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (name && strcmp(sl_get_text(item, "name", ""), name) == 0) return sl_get(item, kind);
    }
    return NULL;
}

/* NAME-data inline, or NAME as a path, relative to the kubeconfig. */
static int file_of(sl_call *call, struct kube *kube, const cJSON *from, const char *name,
                   const char *config, const char **path) {
    const char *data = sl_get_text(from, sl_printf(call, "%s-data", name), NULL);
    if (data) return hold(call, kube, name, data, path);
    const char *file = sl_get_text(from, name, NULL), *slash = strrchr(config, '/');
    if (file && file[0] != '/' && slash)
        file = sl_printf(call, "%.*s/%s", (int)(slash - config), config, file);
    *path = file;
    return 0;
}

static int refuse_user(sl_call *call, const cJSON *user, const char *config) {
    static const char *const not_here[] = {"exec", "auth-provider", "username"};
    for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++) {
        if (sl_get(user, not_here[i]))
            return sl_fail(call, SL_UNSUPPORTED,
                           "%s: the user logs in by '%s', which is not supported; use a token, a "
                           "tokenFile or a client certificate",
                           config, not_here[i]);
    }
    return 0;
}

static int take_user(sl_call *call, struct kube *kube, const cJSON *user, const char *config) {
    int rc = refuse_user(call, user, config);
    if (rc) return rc;
    const char *file = sl_get_text(user, "tokenFile", NULL);
    kube->token = sl_get_text(user, "token", NULL);
    if (file) rc = read_token(call, file, &kube->token);
    if (!rc) rc = file_of(call, kube, user, "client-certificate", config, &kube->cert_file);
    if (!rc) rc = file_of(call, kube, user, "client-key", config, &kube->key_file);
    return rc;
}

static int take_cluster(sl_call *call, struct kube *kube, const cJSON *cluster,
                        const char *config) {
    kube->server = sl_get_text(cluster, "server", NULL);
    if (sl_get_bool(cluster, "insecure-skip-tls-verify", 0))
        return sl_fail(call, SL_UNSUPPORTED,
                       "%s: insecure-skip-tls-verify is not supported; give the cluster's "
                       "certificate-authority",
                       config);
    return file_of(call, kube, cluster, "certificate-authority", config, &kube->ca_file);
}

static int open_config(sl_call *call, const cJSON *settings, const char *path, struct kube *kube) {
    char *text = NULL;
    size_t size = 0;
    cJSON *config = NULL;
    int rc = read_file(call, path, &text, &size);
    if (!rc) rc = sl_yaml_parse(call, path, text, size, &config);
    if (rc) return rc;
    const char *name =
        sl_get_text(settings, "context", sl_get_text(config, "current-context", NULL));
    const cJSON *context = named(sl_get(config, "contexts"), name, "context");
    if (!context)
        return sl_fail(call, SL_INVALID, "%s has no context '%s'", path, name ? name : "");
    const char *cluster_name = sl_get_text(context, "cluster", NULL);
    const cJSON *cluster = named(sl_get(config, "clusters"), cluster_name, "cluster");
    const cJSON *user = named(sl_get(config, "users"), sl_get_text(context, "user", NULL), "user");
    if (!cluster || !user)
        return sl_fail(call, SL_INVALID, "%s: context '%s' names a %s that is not there", path,
                       name, cluster ? "user" : "cluster");
    kube->namespace = sl_get_text(context, "namespace", NULL);
    rc = take_cluster(call, kube, cluster, path);
    return rc ? rc : take_user(call, kube, user, path);
}

static int open_settings(sl_call *call, const cJSON *settings, struct kube *kube) {
    const char *token_file = sl_get_text(settings, "token_file", NULL);
    kube->server = sl_get_text(settings, "server", NULL);
    kube->ca_file = sl_get_text(settings, "ca_file", NULL);
    kube->cert_file = sl_get_text(settings, "client_cert_file", NULL);
    kube->key_file = sl_get_text(settings, "client_key_file", NULL);
    return token_file ? read_token(call, token_file, &kube->token) : 0;
}

static int open_account(sl_call *call, struct kube *kube) {
    const char *host = getenv("KUBERNETES_SERVICE_HOST"); // NOLINT(concurrency-mt-unsafe)
    const char *port = getenv("KUBERNETES_SERVICE_PORT"); // NOLINT(concurrency-mt-unsafe)
    if (!host || !port)
        return sl_fail(
            call, SL_UNAVAILABLE,
            "kubernetes: no cluster is configured: give 'kubeconfig' or 'server', or run "
            "in a pod with a service account");
    bool v6 = strchr(host, ':') != NULL;
    kube->server = sl_printf(call, "https://%s%s%s:%s", v6 ? "[" : "", host, v6 ? "]" : "", port);
    kube->ca_file = ACCOUNT "ca.crt";
    char *text = NULL;
    size_t size = 0;
    if (read_file(call, ACCOUNT "namespace", &text, &size) == 0) kube->namespace = text;
    return read_token(call, ACCOUNT "token", &kube->token);
}

int kube_open(sl_call *call, const cJSON *settings, struct kube *kube) {
    *kube = (struct kube){0};
    const char *config = sl_get_text(settings, "kubeconfig", NULL);
    int rc = config ? open_config(call, settings, config, kube)
             : sl_get_text(settings, "server", NULL) != NULL ? open_settings(call, settings, kube)
                                                             : open_account(call, kube);
    if (rc) return rc;
    if (!kube->server ||
        (strncmp(kube->server, "https://", 8) != 0 && strncmp(kube->server, "http://", 7) != 0))
        return sl_fail(call, SL_INVALID, "kubernetes: 'server' must be an https:// address");
    size_t length = strlen(kube->server);
    while (length && kube->server[length - 1] == '/') length--;
    kube->server = sl_strndup(call, kube->server, length);
    kube->namespace = sl_get_text(settings, "namespace", kube->namespace);
    if (!kube->namespace) kube->namespace = "default";
    if (kube_name_fits(kube->namespace)) return 0;
    return sl_fail(call, SL_INVALID, "kubernetes: '%s' is no namespace", kube->namespace);
}

/* ---- requests ---- */

static void add_header(const char **headers, const char *header) {
    while (*headers) headers++;
    *headers = header;
}

static sl_request request_of(sl_call *call, const struct kube *kube, const char *method,
                             const char *path) {
    const char **headers = sl_alloc(call, 6 * sizeof *headers);
    add_header(headers, "Accept: application/json");
    if (kube->token) add_header(headers, sl_printf(call, "Authorization: Bearer %s", kube->token));
    return (sl_request){.method = method,
                        .url = sl_printf(call, "%s%s", kube->server, path),
                        .headers = headers,
                        .timeout_ms = 10000,
                        .ca_file = kube->ca_file,
                        .client_cert_file = kube->cert_file,
                        .client_key_file = kube->key_file};
}

static int parse_answer(sl_call *call, const sl_response *response, struct kube_answer *answer) {
    *answer = (struct kube_answer){.status = response->status};
    const char *after = sl_response_header(call, response, "retry-after");
    if (after) answer->retry_after_s = (int)strtol(after, NULL, 10);
    if (!response->body_size) return 0;
    cJSON *body = NULL;
    int rc = sl_json_parse(call, "the Kubernetes API's answer", response->body, response->body_size,
                           &body);
    answer->body = body;
    return rc && response->status >= 300 ? 0 : rc; /* a proxy's page explains nothing */
}

int kube_request(sl_call *call, const struct kube *kube, const char *method, const char *path,
                 const char *type, const cJSON *body, struct kube_answer *answer) {
    sl_request request = request_of(call, kube, method, path);
    if (body) {
        request.body = sl_json_print(call, body);
        request.body_size = strlen(request.body);
        add_header((const char **)request.headers, sl_printf(call, "Content-Type: %s", type));
    } else if (strcmp(method, "GET") == 0) {
        request.retries = 2;
    }
    sl_response response;
    int rc = sl_fetch(call, &request, &response);
    if (rc) return sl_fail(call, rc, "kubernetes: %s", sl_failure(call));
    return parse_answer(call, &response, answer);
}

static int code_of(int status) {
    switch (status) {
    case 401:
    case 403:
        return SL_DENIED;
    case 404:
        return SL_NOT_FOUND;
    case 409:
        return SL_CONFLICT;
    case 410:
        return SL_STALE;
    case 400:
    case 415:
    case 422:
        return SL_INVALID;
    default:
        return SL_UNAVAILABLE;
    }
}

int kube_check(sl_call *call, const struct kube_answer *answer, const char *doing) {
    if (answer->status >= 200 && answer->status < 300) return 0;
    if (answer->retry_after_s > 0) sl_retry_after(call, answer->retry_after_s);
    const char *said = sl_get_text(answer->body, "message", "no words");
    return sl_fail(call, code_of(answer->status), "kubernetes: %s: %d, %.500s%s", doing,
                   answer->status, said,
                   answer->status == 403 ? " (see the role in deploy/argo/rbac.yaml)" : "");
}

int kube_get(sl_call *call, const struct kube *kube, const char *path, const cJSON **object) {
    struct kube_answer answer = {0};
    int rc = kube_request(call, kube, "GET", path, NULL, NULL, &answer);
    if (!rc) rc = kube_check(call, &answer, sl_printf(call, "reading %s", path));
    if (rc) return rc;
    *object = answer.body;
    if (answer.body) return 0;
    return sl_fail(call, SL_UNAVAILABLE, "kubernetes: reading %s: an empty answer", path);
}

/* ---- watching ---- */

enum { LINE_MAX_BYTES = 4 << 20, BACKOFF_MIN_MS = 250, BACKOFF_MAX_MS = 30000, PAGE = 500 };
static const int64_t settled_ns = 1000000000; /* a watch that held this long did not fail */

struct watching {
    sl_call *call;
    struct kube_watch *watch;
    const char *version; /* the last one seen; NULL: list first */
    char *line;          /* malloc'ed */
    size_t used, room;
    int rc;     /* of the sink, or a failure: ends all */
    bool again; /* the server says that the version is gone: list anew */
    bool alive; /* something came */
};

static void take_event(struct watching *watching, const char *line, size_t size) {
    cJSON *event = NULL;
    if (sl_json_parse(watching->call, "a watch event", line, size, &event)) {
        watching->again = true;
        return;
    }
    const char *type = sl_get_text(event, "type", "");
    const cJSON *object = sl_get(event, "object");
    if (strcmp(type, "ERROR") == 0) {
        sl_log(watching->call, SL_INFO, "the watch ended: %d %s",
               (int)sl_get_int(object, "code", 0), sl_get_text(object, "message", ""));
        watching->again = true;
        return;
    }
    const char *version = sl_get_text(sl_get(object, "metadata"), "resourceVersion", NULL);
    if (version) watching->version = version;
    watching->alive = true;
    if (strcmp(type, "BOOKMARK") == 0) return;
    watching->rc = watching->watch->event(watching->watch->arg, type, object);
}

static bool make_room(struct watching *watching, size_t more) {
    size_t wanted = watching->used + more;
    if (wanted <= watching->room) return true;
    if (wanted > LINE_MAX_BYTES) return false;
    char *larger = realloc(watching->line, wanted * 2);
    if (!larger) return false;
    watching->line = larger;
    watching->room = wanted * 2;
    return true;
}

/* Objects may be split over pieces: they end at the line's end. */
static int take_bytes(void *arg, const char *bytes, size_t size) {
    struct watching *watching = arg;
    while (size && !watching->rc && !watching->again) {
        const char *end = memchr(bytes, '\n', size);
        size_t length = end ? (size_t)(end - bytes) : size;
        if (!make_room(watching, length)) {
            watching->again = true;
            break;
        }
        if (length) memcpy(watching->line + watching->used, bytes, length);
        watching->used += length;
        if (end) {
            if (watching->used) take_event(watching, watching->line, watching->used);
            watching->used = 0;
        }
        size -= length + (end ? 1 : 0);
        bytes += length + (end ? 1 : 0);
    }
    return watching->rc || watching->again;
}

static const char *url_escape(sl_call *call, const char *text) {
    char *out = sl_alloc(call, strlen(text) * 3 + 1), *at = out;
    for (; *text; text++) {
        if (isalnum((unsigned char)*text) || strchr("-._~", *text))
            *at++ = *text;
        else
            at += snprintf(at, 4, "%%%02X", (unsigned char)*text);
    }
    return out;
}

static const char *with_query(sl_call *call, const struct kube_watch *watch, const char *more) {
    return sl_printf(call, "%s?%s%s%s", watch->path, watch->query ? watch->query : "",
                     watch->query ? "&" : "", more);
}

static int list_page(struct watching *watching, const struct kube *kube, const char **go_on) {
    sl_call *call = watching->call;
    struct kube_watch *watch = watching->watch;
    const char *more = *go_on
                           ? sl_printf(call, "limit=%d&continue=%s", PAGE, url_escape(call, *go_on))
                           : sl_printf(call, "limit=%d", PAGE);
    const cJSON *list = NULL, *item;
    int rc = kube_get(call, kube, with_query(call, watch, more), &list);
    if (rc) return rc;
    const cJSON *metadata = sl_get(list, "metadata");
    watching->version = sl_get_text(metadata, "resourceVersion", NULL);
    *go_on = sl_get_text(metadata, "continue", NULL);
    if (*go_on && !**go_on) *go_on = NULL;
    cJSON_ArrayForEach(item, sl_get(list, "items")) {
        rc = watch->event(watch->arg, "ADDED", item);
        if (rc) return watching->rc = rc;
    }
    return 0;
}

static int list(struct watching *watching, const struct kube *kube) {
    struct kube_watch *watch = watching->watch;
    const char *go_on = NULL;
    watch->lists++;
    if (watch->listed) watching->rc = watch->listed(watch->arg, true);
    int rc = watching->rc;
    do {
        if (!rc) rc = list_page(watching, kube, &go_on);
    } while (!rc && go_on);
    if (!rc && watch->listed) rc = watching->rc = watch->listed(watch->arg, false);
    return rc;
}

static int open_watch(struct watching *watching, const struct kube *kube, int *pause_s) {
    sl_call *call = watching->call;
    struct kube_watch *watch = watching->watch;
    int seconds = watch->server_seconds ? watch->server_seconds : 300;
    const char *more =
        sl_printf(call, "watch=1&allowWatchBookmarks=true&timeoutSeconds=%d&resourceVersion=%s",
                  seconds, url_escape(call, watching->version));
    sl_request request = request_of(call, kube, "GET", with_query(call, watch, more));
    request.timeout_ms = (seconds + 10) * 1000;
    request.on_bytes = take_bytes;
    request.on_bytes_arg = watching;
    sl_response response = {0};
    watch->watches++;
    watching->used = 0;
    int rc = sl_fetch(call, &request, &response);
    if (watching->rc || watching->again) return 0; /* stopped by us */
    if (rc) return rc;
    if (response.status == 410) watching->again = true;
    if (response.status < 400 || response.status == 410) return 0;
    struct kube_answer answer = {0};
    rc = parse_answer(call, &response, &answer);
    *pause_s = answer.retry_after_s;
    return rc ? rc : kube_check(call, &answer, sl_printf(call, "watching %s", watch->path));
}

static bool lasting(int rc) {
    return rc == SL_DENIED || rc == SL_NOT_FOUND || rc == SL_INVALID || rc == SL_CANCELLED;
}

/* Half of it is certain, half by the clock's last digits, so that many do not come at once. */
static int64_t jittered(sl_call *call, int64_t ms) {
    return ms / 2 + sl_clock_ns(call) / 1000 % (ms / 2 + 1);
}

int kube_watch(sl_call *call, const struct kube *kube, struct kube_watch *watch) {
    struct watching watching = {.call = call, .watch = watch};
    int64_t backoff = BACKOFF_MIN_MS;
    int rc = 0;
    while (!watching.rc && !lasting(rc) && !sl_cancelled(call) &&
           !(watch->until_ms && sl_now_ms(call) >= watch->until_ms)) {
        int pause_s = 0;
        const bool listing = !watching.version;
        const int64_t began = sl_clock_ns(call);
        watching.alive = watching.again = false;
        rc = listing ? list(&watching, kube) : open_watch(&watching, kube, &pause_s);
        if (watching.rc || lasting(rc)) break;
        if (watching.again || rc == SL_STALE) watching.version = NULL;
        if (listing && !rc) continue;
        if (!rc && (watching.alive || sl_clock_ns(call) - began > settled_ns)) {
            backoff = BACKOFF_MIN_MS;
            continue;
        }
        (void)sl_sleep(call, pause_s > 0 ? (int64_t)pause_s * 1000 : jittered(call, backoff));
        backoff = backoff * 2 < BACKOFF_MAX_MS ? backoff * 2 : BACKOFF_MAX_MS;
    }
    free(watching.line);
    return watching.rc ? watching.rc : lasting(rc) ? rc : sl_cancelled(call);
}
