/* provider.c - requests to a provider: where to, by which key, how often, and what its failures
 * mean. A key that is wrong is the operator's to mend, so to the caller everything that the
 * provider does wrong is SL_UNAVAILABLE: it goes on without the model. */
#include "llm.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { WAIT_FIRST_MS = 250, WAIT_MOST_MS = 8000, HEADERS_MOST = 6 };

static const char not_configured[] =
    "no language model is configured; set plugins.llm.provider and plugins.llm.model";

/* ---- where to ---- */

static const char *url_of(sl_call *call, const struct provider *provider, const char *path) {
    const char *base = provider->base_url;
    const int size = (int)strlen(base) - (*base && base[strlen(base) - 1] == '/');
    if (strcmp(provider->name, "azure") == 0)
        return sl_printf(call, "%.*s/openai/deployments/%s%s?api-version=%s", size, base,
                         provider->model, path, provider->api_version);
    const char *host = strstr(base, "://");
    const char *own = host ? memchr(host + 3, '/', (size_t)(base + size - host - 3)) : NULL;
    /* A bare host is taken for the usual place of its API. */
    const bool bare = provider->wire == WIRE_OPENAI && !own;
    return sl_printf(call, "%.*s%s%s", size, base, bare ? "/v1" : "", path);
}

static void headers_of(sl_call *call, const struct provider *provider,
                       const char *headers[HEADERS_MOST]) {
    const char *key = provider->api_key;
    size_t n = 0;
    headers[n++] = "Content-Type: application/json";
    headers[n++] = "Accept: text/event-stream, application/x-ndjson, application/json";
    if (provider->wire == WIRE_ANTHROPIC) headers[n++] = "anthropic-version: 2023-06-01";
    if (key && *key && provider->wire == WIRE_ANTHROPIC)
        headers[n++] = sl_printf(call, "x-api-key: %s", key);
    else if (key && *key && strcmp(provider->name, "azure") == 0)
        headers[n++] = sl_printf(call, "api-key: %s", key);
    else if (key && *key)
        headers[n++] = sl_printf(call, "Authorization: Bearer %s", key);
    headers[n] = NULL;
}

static const char *chat_path(const struct provider *provider) {
    if (provider->wire == WIRE_OLLAMA) return "/api/chat";
    return provider->wire == WIRE_ANTHROPIC ? "/v1/messages" : "/chat/completions";
}

/* ---- one try ---- */

enum verdict {
    VERDICT_GOOD,
    VERDICT_AGAIN,  /* it may go better next time */
    VERDICT_CHANGE, /* without what the server does not know it will */
    VERDICT_OVER
};

struct attempt {
    sl_call *call;
    struct llm *llm;
    struct provider *provider;
    struct reading *reading; /* NULL: the answer is one document, wanted in `response` */
    const char *path;
    const cJSON *body;
    int64_t until_ms; /* of sl_clock_ns / 1e6 */
    sl_response response;
    int rc;
    const char *trouble; /* of a try that did not go well */
    int64_t wait_ms;     /* asked for by the server; -1: not */
};

static int64_t clock_ms(sl_call *call) {
    return sl_clock_ns(call) / 1000000;
}

static int on_bytes(void *arg, const char *bytes, size_t size) {
    return reading_feed(arg, bytes, size);
}

static int64_t retry_after_ms(struct attempt *attempt) {
    const char *value = sl_response_header(attempt->call, &attempt->response, "retry-after");
    if (!value || !*value) return -1;
    char *end = NULL;
    const double seconds = strtod(value, &end);
    if (end != value && *end == 0 && seconds >= 0 && seconds < 1e6) return (int64_t)(seconds * 1e3);
    struct tm when = {0};
    if (!strptime(value, "%a, %d %b %Y %H:%M:%S GMT", &when)) return -1;
    const int64_t wait_ms = (int64_t)timegm(&when) * 1000 - sl_now_ms(attempt->call);
    return wait_ms > 0 ? wait_ms : 0;
}

static const char *trouble_of(struct attempt *attempt, uint32_t known, uint32_t *quirk) {
    const sl_response *response = &attempt->response;
    cJSON *json = NULL;
    const bool parsed =
        response->body_size > 0 && sl_json_parse(attempt->call, "the provider's error",
                                                 response->body, response->body_size, &json) == 0;
    const char *words = parsed ? wire_trouble(json) : NULL;
    *quirk = words && (response->status == 400 || response->status == 422)
                 ? wire_quirk(words, known)
                 : 0;
    if (!words) words = response->body_size ? "its answer says no more" : "its answer is empty";
    return sl_printf(attempt->call, "HTTP %d: %.300s", response->status, words);
}

static enum verdict judge_status(struct attempt *attempt, uint32_t *quirk) {
    const int status = attempt->response.status;
    if (status / 100 == 2) return VERDICT_GOOD;
    attempt->trouble = trouble_of(attempt, attempt->provider->quirks, quirk);
    attempt->wait_ms = retry_after_ms(attempt);
    if (*quirk) return VERDICT_CHANGE;
    /* An account without credit says 429 too, and time does not mend it. */
    if (status == 429 && strcasestr(attempt->trouble, "insufficient_quota")) return VERDICT_OVER;
    return status == 408 || status == 429 || status >= 500 ? VERDICT_AGAIN : VERDICT_OVER;
}

static enum verdict judge_reading(struct attempt *attempt) {
    struct reading *reading = attempt->reading;
    reading_end(reading);
    if (!reading->fault) return VERDICT_GOOD;
    attempt->trouble = sl_strdup(attempt->call, reading->trouble);
    return reading->fault == READING_LARGE ? VERDICT_OVER : VERDICT_AGAIN;
}

static enum verdict try_once(struct attempt *attempt, uint32_t *quirk) {
    sl_call *call = attempt->call;
    const char *headers[HEADERS_MOST];
    headers_of(call, attempt->provider, headers);
    const char *body = sl_json_print(call, attempt->body);
    const sl_request request = {.method = "POST",
                                .url = url_of(call, attempt->provider, attempt->path),
                                .headers = headers,
                                .body = body,
                                .body_size = strlen(body),
                                .timeout_ms = attempt->until_ms - clock_ms(call),
                                .max_bytes = attempt->llm->max_answer,
                                .on_bytes = attempt->reading ? on_bytes : NULL,
                                .on_bytes_arg = attempt->reading};
    attempt->wait_ms = -1;
    attempt->rc = sl_fetch(call, &request, &attempt->response);
    if (attempt->rc && attempt->reading && attempt->reading->fault) return judge_reading(attempt);
    if (attempt->rc) {
        attempt->trouble = sl_strdup(call, sl_failure(call));
        return attempt->rc == SL_UNAVAILABLE ? VERDICT_AGAIN : VERDICT_OVER;
    }
    const enum verdict verdict = judge_status(attempt, quirk);
    return verdict == VERDICT_GOOD && attempt->reading ? judge_reading(attempt) : verdict;
}

/* ---- tries ---- */

/* Full jitter: anything from 0 to the doubled time. The randomness is that of an id's end. */
static int64_t backoff_ms(sl_call *call, int tries) {
    char hash[65];
    const char *id = sl_new_id(call);
    sl_sha256(id, strlen(id), hash);
    hash[8] = 0;
    int64_t most = WAIT_FIRST_MS;
    for (int i = 0; i < tries && most < WAIT_MOST_MS; i++) most *= 2;
    return (int64_t)(strtoul(hash, NULL, 16) % (uint64_t)(most + 1));
}

/* True when there was time to wait, and it has passed. */
static bool waited(struct attempt *attempt, int tries) {
    int64_t wait_ms = attempt->wait_ms;
    if (wait_ms < 0) wait_ms = backoff_ms(attempt->call, tries);
    if (clock_ms(attempt->call) + wait_ms + 100 > attempt->until_ms) return false;
    sl_count(attempt->call, "llm_retries_total", 1, attempt->provider->name);
    attempt->rc = sl_sleep(attempt->call, wait_ms);
    return attempt->rc == 0;
}

static int give_up(struct attempt *attempt) {
    sl_call *call = attempt->call;
    const struct provider *provider = attempt->provider;
    if (attempt->rc == SL_CANCELLED && !(attempt->reading && attempt->reading->fault)) {
        return sl_fail(call, SL_CANCELLED, "the caller left while %s answered", provider->name);
    }
    if (attempt->wait_ms > 0) sl_retry_after(call, (int)((attempt->wait_ms + 999) / 1000));
    return sl_fail(call, attempt->rc == SL_TIMEOUT ? SL_TIMEOUT : SL_UNAVAILABLE,
                   "%s did not answer: %s", provider->name, attempt->trouble);
}

int provider_ready(sl_call *call, struct provider *provider) {
    if (!provider->name) return sl_fail(call, SL_UNAVAILABLE, "%s", not_configured);
    if (breaker_allows(&provider->breaker, clock_ms(call))) return 0;
    return sl_fail(call, SL_UNAVAILABLE,
                   "%s has failed %d times in a row and is left alone for up to %d seconds",
                   provider->name, LLM_BREAKER_FAILURES, LLM_BREAKER_OPEN_MS / 1000);
}

static void report(const struct attempt *attempt, enum verdict verdict) {
    struct breaker *breaker = &attempt->provider->breaker;
    const int status = attempt->rc ? 0 : attempt->response.status;
    /* It lives, and says that this question is wrong: others need not suffer for it. */
    const bool our_fault = status == 400 || status == 413 || status == 422;
    const bool stopped = attempt->reading && attempt->reading->fault;
    if (attempt->rc == SL_CANCELLED && !stopped)
        breaker_unknown(breaker);
    else
        breaker_report(breaker, verdict == VERDICT_GOOD || our_fault, clock_ms(attempt->call));
}

static void begin(struct attempt *attempt) {
    sl_call *call = attempt->call;
    int64_t time_ms = attempt->llm->timeout_ms;
    if (sl_left_ms(call) < time_ms) time_ms = sl_left_ms(call);
    attempt->until_ms = clock_ms(call) + time_ms;
    attempt->wait_ms = -1;
    attempt->trouble = "";
}

int provider_post(sl_call *call, struct llm *llm, struct provider *provider, const char *path,
                  const cJSON *body, cJSON **answer) {
    struct attempt attempt = {
        .call = call, .llm = llm, .provider = provider, .path = path, .body = body};
    begin(&attempt);
    uint32_t quirk = 0;
    enum verdict verdict = try_once(&attempt, &quirk);
    for (int tries = 1; verdict == VERDICT_AGAIN && tries <= llm->retries; tries++) {
        if (!waited(&attempt, tries)) break;
        verdict = try_once(&attempt, &quirk);
    }
    if (verdict == VERDICT_GOOD &&
        sl_json_parse(call, "the provider's answer", attempt.response.body,
                      attempt.response.body_size, answer) != 0) {
        attempt.trouble = sl_strdup(call, sl_failure(call));
        verdict = VERDICT_OVER;
    }
    report(&attempt, verdict);
    return verdict == VERDICT_GOOD ? 0 : give_up(&attempt);
}

static cJSON *parse_strictly(void *arg, const char *text, size_t size) {
    cJSON *json = NULL;
    return sl_json_parse(arg, "the model's answer", text, size, &json) == 0 ? json : NULL;
}

static void read_anew(sl_call *call, struct exchange *exchange) {
    reading_fini(&exchange->reading);
    reading_init(&exchange->reading, exchange->provider->wire, exchange->llm->max_answer);
    exchange->reading.parse = parse_strictly;
    exchange->reading.parse_arg = call;
    exchange->tries++;
}

int provider_chat(sl_call *call, struct exchange *exchange) {
    struct provider *provider = exchange->provider;
    struct attempt attempt = {.call = call,
                              .llm = exchange->llm,
                              .provider = provider,
                              .reading = &exchange->reading,
                              .path = chat_path(provider)};
    begin(&attempt);
    enum verdict verdict;
    int failures = 0;
    do {
        uint32_t quirk = 0;
        exchange->ask.quirks = provider->quirks;
        attempt.body = wire_chat(provider->wire, &exchange->ask);
        read_anew(call, exchange);
        verdict = try_once(&attempt, &quirk);
        provider->quirks |= quirk;
        if (verdict == VERDICT_AGAIN &&
            (++failures > exchange->llm->retries || !waited(&attempt, failures)))
            break;
    } while (verdict == VERDICT_AGAIN || verdict == VERDICT_CHANGE);
    report(&attempt, verdict);
    return verdict == VERDICT_GOOD ? 0 : give_up(&attempt);
}
