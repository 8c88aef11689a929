#include "client.h"

#include "../fetch_api.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HEADERS_MAX = 10, ANSWER_MAX_BYTES = 64 * 1024 * 1024, TOKEN_MAX_BYTES = 4096 };

const char *client_socket(const struct cli *cli) {
    return strncmp(cli->addr, "unix:", 5) ? NULL : cli->addr + 5;
}

const char *client_base(struct cli *cli) {
    if (client_socket(cli)) return "http://localhost";
    const char *addr = cli->addr;
    if (!strstr(addr, "://")) addr = arena_printf(&cli->arena, "http://%s", addr);
    size_t size = strlen(addr);
    while (size && addr[size - 1] == '/') size--;
    return arena_strndup(&cli->arena, addr, size);
}

/* Is the server on this machine? Only there may a token be sent that nobody asked us to send. */
static bool is_local(struct cli *cli) {
    if (client_socket(cli)) return true;
    const char *host = strstr(client_base(cli), "://") + 3;
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; i < 3; i++) {
        size_t size = strlen(names[i]);
        if (!strncmp(host, names[i], size) && strchr(":/", host[size])) return true;
    }
    return false;
}

static const char *default_token_file(struct cli *cli) {
    const char *state = getenv("SLUICE_STATE");
    const char *path =
        arena_printf(&cli->arena, "%s/admin.token", state && *state ? state : "./var");
    return is_local(cli) && access(path, R_OK) == 0 ? path : NULL;
}

const char *client_token_source(struct cli *cli) {
    if (cli->token_file) return cli->token_file;
    if (cli->token) {
        const char *environment = getenv("SLUICE_TOKEN");
        return environment && !strcmp(environment, cli->token) ? "SLUICE_TOKEN" : "--token";
    }
    return default_token_file(cli);
}

const char *client_token(struct cli *cli) {
    if (cli->token && !cli->token_file) return cli->token;
    const char *file = cli->token_file ? cli->token_file : default_token_file(cli);
    if (!file) return NULL;
    size_t size;
    char *text = cli_read(cli, file, &size);
    if (!text) return NULL;
    text[strcspn(text, "\r\n")] = '\0';
    return *text && strlen(text) < TOKEN_MAX_BYTES ? text : NULL;
}

static size_t list_headers(struct cli *cli, const struct client_request *request,
                           const char **headers) {
    size_t n = 0;
    struct arena *arena = &cli->arena;
    const char *token = client_token(cli);
    headers[n++] =
        arena_printf(arena, "Accept: %s", request->accept ? request->accept : "application/json");
    headers[n++] = "User-Agent: sluice-cli";
    if (request->body)
        headers[n++] =
            arena_printf(arena, "Content-Type: %s",
                         request->content_type ? request->content_type : "application/json");
    if (token) headers[n++] = arena_printf(arena, "Authorization: Bearer %s", token);
    if (cli->idempotency_key)
        headers[n++] = arena_printf(arena, "Idempotency-Key: %s", cli->idempotency_key);
    if (cli->if_match)
        headers[n++] = arena_printf(
            arena, strchr("\"*", cli->if_match[0]) ? "If-Match: %s" : "If-Match: \"%s\"",
            cli->if_match);
    if (request->header) headers[n++] = request->header;
    headers[n] = NULL;
    return n;
}

static void tell_unreachable(struct cli *cli, const struct client_answer *answer) {
    cli_fail(cli, CLI_FAILED, "no answer from %s: %s", cli->addr,
             *answer->trouble ? answer->trouble : "the request failed");
    if (answer->trouble_status == SL_UNAVAILABLE)
        cli_fix(cli, "start the server (sluice serve), or name it by --addr or SLUICE_ADDR");
}

static int check_headers(struct cli *cli, const char *const *headers) {
    for (; *headers; headers++)
        if (strpbrk(*headers, "\r\n"))
            return cli_usage(cli, "a token, tenant or key may not hold a line break");
    return 0;
}

int client_send(struct cli *cli, const struct client_request *request,
                struct client_answer *answer) {
    const char *headers[HEADERS_MAX + 1];
    list_headers(cli, request, headers);
    int rc = check_headers(cli, headers);
    if (rc) return rc;
    sl_request sent = {.method = request->method,
                       .url = arena_printf(&cli->arena, "%s%s", client_base(cli), request->path),
                       .headers = headers,
                       .body = request->body,
                       .body_size = request->body_size,
                       .timeout_ms = request->on_bytes ? -1 : cli->timeout_ms,
                       .max_bytes = ANSWER_MAX_BYTES,
                       .unix_socket = client_socket(cli),
                       .on_bytes = request->on_bytes,
                       .on_bytes_arg = request->on_bytes_arg};
    if (cli->verbose) cli_note(cli, "> %s %s", request->method, sent.url);
    struct fetch_answer got = {0};
    int status = fetch_blocking(&sent, &got);
    *answer = (struct client_answer){
        .status = got.status,
        .trouble_status = status,
        .body = arena_strndup(&cli->arena, got.body ? got.body : "", got.body ? got.body_size : 0),
        .size = got.body ? got.body_size : 0,
        .content_type = arena_strdup(&cli->arena, got.content_type ? got.content_type : ""),
        .headers = arena_strdup(&cli->arena, got.headers ? got.headers : ""),
        .trouble = arena_strdup(&cli->arena, got.trouble)};
    fetch_answer_free(&got);
    if (cli->verbose && !status) cli_note(cli, "< %d, %zu bytes", answer->status, answer->size);
    if (!status || (status == SL_CANCELLED && request->on_bytes)) return CLI_DONE;
    if (!request->quiet) tell_unreachable(cli, answer);
    return status == SL_TIMEOUT ? CLI_TIMED_OUT : CLI_FAILED;
}

int client_exit_code(int status) {
    switch (status) {
    case 400:
    case 413:
    case 415:
        return CLI_BAD_INPUT;
    case 401:
    case 403:
        return CLI_NOT_PERMITTED;
    case 404:
        return CLI_NOT_FOUND;
    case 408:
    case 504:
        return CLI_TIMED_OUT;
    case 409:
    case 412:
    case 422:
    case 428:
        return CLI_CONFLICT;
    default:
        return status < 400 ? CLI_DONE : CLI_FAILED;
    }
}

static const char *text_of(const cJSON *object, const char *name) {
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(member) ? member->valuestring : NULL;
}

/* A single fault is told by the sentence already. */
static void tell_faults(struct cli *cli, const cJSON *problem) {
    const cJSON *fault, *faults = cJSON_GetObjectItemCaseSensitive(problem, "errors");
    if (cJSON_GetArraySize(faults) == 1 && !cli->verbose) return;
    cJSON_ArrayForEach(fault, faults) {
        const char *pointer = text_of(fault, "pointer"), *detail = text_of(fault, "detail");
        const char *suggestion = text_of(fault, "suggestion");
        fprintf(cli->err, "  %s%s%s\n", pointer ? cli_clean(cli, pointer, false) : "",
                pointer && *pointer ? ": " : "", detail ? cli_clean(cli, detail, false) : "");
        if (suggestion) fprintf(cli->err, "    fix: %s\n", cli_clean(cli, suggestion, false));
    }
}

static void suggest(struct cli *cli, int status, const cJSON *problem) {
    const cJSON *after = cJSON_GetObjectItemCaseSensitive(problem, "retry_after");
    if (status == 401)
        cli_fix(cli, "give a token by SLUICE_TOKEN or --token-file; the first start of the server "
                     "wrote one to $SLUICE_STATE/admin.token");
    if (cJSON_IsNumber(after)) cli_fix(cli, "try again in %d s", (int)after->valuedouble);
    const char *docs = text_of(problem, "docs");
    if (docs && cli->verbose) cli_note(cli, "  docs: %s", cli_clean(cli, docs, false));
    const char *instance = text_of(problem, "instance");
    if (instance && (status >= 500 || cli->verbose))
        cli_note(cli, "  request: %s", cli_clean(cli, instance, false));
}

int client_problem(struct cli *cli, const struct client_answer *answer) {
    const cJSON *problem = cJSON_ParseWithLength(answer->body, answer->size);
    const char *detail = text_of(problem, "detail");
    if (!detail) detail = text_of(problem, "title");
    if (cli->format == CLI_JSON && cJSON_IsObject(problem))
        fwrite(answer->body, 1, answer->size, cli->out);
    int code = client_exit_code(answer->status);
    if (detail)
        cli_fail(cli, code, "%s", detail);
    else
        cli_fail(cli, code, "the server answered with status %d and no reason", answer->status);
    tell_faults(cli, problem);
    suggest(cli, answer->status, problem);
    return code;
}

cJSON *client_get(struct cli *cli, const char *path, int *code) {
    struct client_answer answer;
    *code = client_send(cli, &(struct client_request){.method = "GET", .path = path}, &answer);
    if (*code) return NULL;
    if (answer.status != 200) return *code = client_problem(cli, &answer), NULL;
    cJSON *json = cJSON_ParseWithLength(answer.body, answer.size);
    if (!json)
        *code = cli_fail(cli, CLI_FAILED,
                         "%s answered GET %s with something that is no JSON: "
                         "is a Sluice listening there?",
                         cli->addr, path);
    return json;
}

int client_check_tenant(struct cli *cli) {
    int code;
    if (!cli->tenant) return CLI_DONE;
    const cJSON *who = client_get(cli, "/whoami", &code);
    if (code) return code;
    const char *tenant = text_of(who, "tenant");
    if (tenant && !strcmp(tenant, cli->tenant)) return CLI_DONE;
    cli_fail(cli, CLI_NOT_PERMITTED, "this token acts in tenant '%s', not in '%s'",
             tenant ? tenant : "?", cli->tenant);
    cli_fix(cli, "give a token of tenant %s by SLUICE_TOKEN or --token-file", cli->tenant);
    return CLI_NOT_PERMITTED;
}
