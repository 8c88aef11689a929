/* OPA over REST, as a judge beside the Lua policies. */
#include "opa.h"
#include "policy.h"

#include <string.h>

enum { ANSWER_BYTES_MAX = 1 << 20 };

/* "http://opa:8181/v1/data/sluice" to "data.sluice" */
static const char *path_of(sl_call *call, const char *url) {
    static const char before[] = "/v1/data/";
    const char *path = strstr(url, before);
    if (!path) return "data";
    char *name = sl_printf(call, "data.%s", path + sizeof before - 1);
    for (char *at = name; *at; at++)
        if (*at == '/') *at = '.';
    return name;
}

static int ask(sl_call *call, const cJSON *options, const char *body, cJSON **answer) {
    const char *token = sl_get_text(options, "token", NULL), *headers[3];
    size_t count = 0;
    headers[count++] = "Content-Type: application/json";
    if (token) headers[count++] = sl_printf(call, "Authorization: Bearer %s", token);
    headers[count] = NULL;
    sl_response response;
    int rc = sl_fetch(call,
                      &(sl_request){.method = "POST",
                                    .url = sl_get_text(options, "url", ""),
                                    .headers = headers,
                                    .body = body,
                                    .body_size = strlen(body),
                                    .timeout_ms = sl_get_int(options, "timeout", 1000),
                                    .max_bytes = ANSWER_BYTES_MAX,
                                    .ca_file = sl_get_text(options, "ca_file", NULL),
                                    .breaker = "opa"},
                      &response);
    if (rc) return rc;
    if (response.status != 200)
        return sl_fail(call, SL_UNAVAILABLE, "it answers %d", response.status);
    return sl_json_parse(call, "its answer", response.body, response.body_size, answer);
}

void opa_judge(sl_call *call, const cJSON *options, const cJSON *context, cJSON *verdicts) {
    const char *path = path_of(call, sl_get_text(options, "url", ""));
    const char *body = sl_printf(call, "{\"input\":%s}", sl_json_print(call, context));
    cJSON *answer = NULL;
    int rc = ask(call, options, body, &answer);
    sl_count(call, "policy_opa_questions_total", 1, rc ? "failed" : "answered");
    if (rc)
        opa_failed(sl_failure(call), path, verdicts);
    else
        opa_read(answer, path, verdicts);
}
