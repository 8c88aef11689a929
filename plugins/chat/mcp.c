/* mcp.c - the Model Context Protocol over streamable HTTP: outside agents get the operations as
 * tools, with the permissions of their token. Reading ones; writing ones only when the token has
 * mcp:write besides the operation's own permission.
 *
 * Two eras on one endpoint: up to 2025-11-25 a client begins with `initialize`; from 2026-07-28 on
 * every request names its version in params._meta and in headers. Nothing is kept between requests,
 * so a session's id is only a name, and there is no stream to GET (405). */
#include "chat.h"

#include <string.h>

enum { RESULT_BYTES = 256 * 1024, TOOLS_FRESH_MS = 60 * 1000 };

enum rpc_error {
    RPC_PARSE = -32700,
    RPC_REQUEST = -32600,
    RPC_METHOD = -32601,
    RPC_PARAMS = -32602,
    RPC_HEADERS = -32020,
    RPC_VERSION = -32022
};

static const char *const legacy[] = {"2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};
static const char modern[] = "2026-07-28";
static const char version_key[] = "io.modelcontextprotocol/protocolVersion";

static const char instructions[] =
    "Sluice decides about and carries out deployments. chat_ask answers questions in plain words with "
    "evidence; the other tools read what it knows: deployments and why they were decided so, policies, "
    "error budgets, incidents, runbooks, the log of events.";

struct request {
    sl_call *call;
    const cJSON *id; /* NULL: a notification */
    const char *method;
    const cJSON *params;
    bool modern;
};

/* ---- answering ---- */

static int send(sl_call *call, int http_status, const cJSON *answer) {
    const char *text = sl_json_print(call, answer);
    sl_reply_status(call, http_status);
    sl_reply_bytes(call, "application/json", text, strlen(text));
    return 0;
}

static cJSON *envelope(const struct request *request) {
    cJSON *answer = object1("jsonrpc", "2.0");
    cJSON_AddItemToObject(answer, "id",
                          request->id ? cJSON_Duplicate(request->id, 1) : cJSON_CreateNull());
    return answer;
}

static int refuse(const struct request *request, int http_status, int code, const char *words,
                  cJSON *data) {
    cJSON *answer = envelope(request), *error = cJSON_AddObjectToObject(answer, "error");
    cJSON_AddNumberToObject(error, "code", code);
    cJSON_AddStringToObject(error, "message", words);
    if (data) cJSON_AddItemToObject(error, "data", data);
    return send(request->call, http_status, answer);
}

static cJSON *server_info(void) {
    cJSON *info = object1("name", "sluice");
    cJSON_AddStringToObject(info, "title", "Sluice");
    cJSON_AddStringToObject(info, "version", SLUICE_VERSION);
    return info;
}

/* Takes `result`. */
static int give(const struct request *request, cJSON *result) {
    if (request->modern) {
        cJSON_AddStringToObject(result, "resultType", "complete");
        cJSON *meta = cJSON_AddObjectToObject(result, "_meta");
        cJSON_AddItemToObject(meta, "io.modelcontextprotocol/serverInfo", server_info());
    }
    cJSON *answer = envelope(request);
    cJSON_AddItemToObject(answer, "result", result);
    return send(request->call, 200, answer);
}

/* ---- methods ---- */

static bool speaks(const char *version) {
    for (size_t i = 0; i < sizeof legacy / sizeof *legacy; i++)
        if (strcmp(legacy[i], version) == 0) return true;
    return false;
}

static cJSON *capabilities(void) {
    cJSON *all = cJSON_CreateObject(), *tools = cJSON_AddObjectToObject(all, "tools");
    cJSON_AddBoolToObject(tools, "listChanged", 0);
    return all;
}

static int initialize(const struct request *request) {
    const char *wanted = sl_get_text(request->params, "protocolVersion", "");
    cJSON *result = object1("protocolVersion", speaks(wanted) ? wanted : legacy[0]);
    cJSON_AddItemToObject(result, "capabilities", capabilities());
    cJSON_AddItemToObject(result, "serverInfo", server_info());
    cJSON_AddStringToObject(result, "instructions", instructions);
    sl_reply_header(request->call, "Mcp-Session-Id", sl_new_id(request->call));
    return give(request, result);
}

static int discover(const struct request *request) {
    cJSON *result = cJSON_CreateObject();
    cJSON *versions = cJSON_AddArrayToObject(result, "supportedVersions");
    cJSON_AddItemToArray(versions, cJSON_CreateString(modern));
    cJSON *all = cJSON_AddObjectToObject(result, "capabilities");
    cJSON_AddObjectToObject(all, "tools");
    cJSON_AddStringToObject(result, "instructions", instructions);
    cJSON_AddNumberToObject(result, "ttlMs", TOOLS_FRESH_MS);
    cJSON_AddStringToObject(result, "cacheScope", "private");
    return give(request, result);
}

static bool may_use(sl_call *call, const cJSON *op) {
    const char *needs = sl_get_text(op, "needs", "");
    const bool open = strcmp(needs, "any") == 0 || strcmp(needs, "public") == 0;
    return tool_fits(op, sl_can(call, "mcp:write") != 0) && (open || sl_can(call, needs));
}

static const cJSON *operations(sl_call *call) {
    cJSON *out = NULL;
    return sl_invoke(call, "platform.operations", NULL, &out) ? NULL : sl_get(out, "items");
}

static cJSON *tool_of(sl_call *call, const cJSON *op) {
    const char *name = sl_get_text(op, "name", ""), *summary = sl_get_text(op, "summary", "");
    const bool reads = strcmp(sl_get_text(op, "effect", ""), "reads") == 0;
    cJSON *tool = object1("name", tool_name(call, name));
    cJSON_AddStringToObject(tool, "title", name);
    cJSON_AddStringToObject(tool, "description", summary);
    cJSON_AddItemToObject(tool, "inputSchema", tool_schema(op));
    cJSON *hints = cJSON_AddObjectToObject(tool, "annotations");
    cJSON_AddStringToObject(hints, "title", summary);
    cJSON_AddBoolToObject(hints, "readOnlyHint", reads);
    cJSON_AddBoolToObject(hints, "destructiveHint", !reads);
    cJSON_AddBoolToObject(hints, "idempotentHint", reads);
    cJSON_AddBoolToObject(hints, "openWorldHint", 0);
    return tool;
}

static int list_tools(const struct request *request) {
    cJSON *result = cJSON_CreateObject(), *tools = cJSON_AddArrayToObject(result, "tools");
    const cJSON *op;
    cJSON_ArrayForEach(op, operations(request->call)) if (may_use(request->call, op))
        cJSON_AddItemToArray(tools, tool_of(request->call, op));
    if (request->modern) {
        cJSON_AddNumberToObject(result, "ttlMs", TOOLS_FRESH_MS);
        cJSON_AddStringToObject(result, "cacheScope", "private");
    }
    return give(request, result);
}

static cJSON *content(const char *text, bool failed) {
    cJSON *result = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(result, "content");
    cJSON *block = object1("type", "text");
    cJSON_AddStringToObject(block, "text", text);
    cJSON_AddItemToArray(list, block);
    cJSON_AddBoolToObject(result, "isError", failed);
    return result;
}

static int call_tool(const struct request *request) {
    sl_call *call = request->call;
    const char *name = sl_get_text(request->params, "name", "");
    const cJSON *arguments = sl_get(request->params, "arguments");
    const cJSON *op = tool_operation(operations(call), name);
    if (!op || !may_use(call, op))
        return refuse(
            request, 200, RPC_PARAMS,
            sl_printf(call, "there is no tool '%.80s'; tools/list shows those there are", name),
            NULL);
    if (arguments && !cJSON_IsObject(arguments))
        return refuse(request, 200, RPC_PARAMS, "params.arguments must be an object", NULL);
    cJSON *out = NULL;
    const int rc = sl_invoke_as_caller(call, sl_get_text(op, "name", ""), arguments, &out);
    sl_count(call, "chat_mcp_calls_total", 1, rc ? sl_status_name(rc) : "ok");
    if (rc) return give(request, content(sl_failure(call), true));
    const char *text = sl_json_print(call, out);
    if (strlen(text) > RESULT_BYTES)
        return give(request,
                    content(sl_printf(call,
                                      "the result is %zu bytes, more than %d: ask for less, by "
                                      "limit or a filter",
                                      strlen(text), RESULT_BYTES),
                            true));
    cJSON *result = content(text, false);
    cJSON_AddItemToObject(result, "structuredContent", out);
    return give(request, result);
}

static int ping(const struct request *request) {
    return give(request, cJSON_CreateObject());
}

static const struct method {
    const char *name;
    int (*run)(const struct request *request);
    bool legacy, modern;
} methods[] = {{"initialize", initialize, true, false},
               {"server/discover", discover, false, true},
               {"ping", ping, true, true},
               {"tools/list", list_tools, true, true},
               {"tools/call", call_tool, true, true}};

/* ---- checks before any of it ---- */

/* A page in a browser must be one that the operator has named, else any page could ask with what a
 * name service makes of our address. */
static bool origin_allowed(sl_call *call) {
    const struct chat *chat = sl_state(call);
    const char *origin = sl_header(call, "origin");
    const cJSON *one;
    if (!origin) return true;
    cJSON_ArrayForEach(one,
                       sl_get(sl_get(chat->config, "mcp"),
                              "origins")) if (cJSON_IsString(one) &&
                                              strcmp(one->valuestring, origin) == 0) return true;
    return false;
}

static bool header_is(sl_call *call, const char *name, const char *value) {
    const char *header = sl_header(call, name);
    return header && strcmp(header, value) == 0;
}

/* What the headers of the modern era say must be what the body says. */
static int check_modern(const struct request *request, const char *version) {
    sl_call *call = request->call;
    if (!header_is(call, "mcp-protocol-version", version))
        return refuse(request, 400, RPC_HEADERS,
                      "the header MCP-Protocol-Version is not the version of params._meta", NULL);
    if (strcmp(version, modern) != 0) {
        cJSON *data = object1("requested", version);
        cJSON *list = cJSON_AddArrayToObject(data, "supported");
        cJSON_AddItemToArray(list, cJSON_CreateString(modern));
        return refuse(request, 400, RPC_VERSION, "this version of the protocol is not spoken here",
                      data);
    }
    if (!header_is(call, "mcp-method", request->method))
        return refuse(request, 400, RPC_HEADERS, "the header Mcp-Method is not the method", NULL);
    if (strcmp(request->method, "tools/call") == 0 &&
        !header_is(call, "mcp-name", sl_get_text(request->params, "name", "")))
        return refuse(request, 400, RPC_HEADERS, "the header Mcp-Name is not the tool's name",
                      NULL);
    return -1;
}

static int check_legacy(const struct request *request) {
    const char *version = sl_header(request->call, "mcp-protocol-version");
    if (version && !speaks(version))
        return refuse(request, 400, RPC_REQUEST,
                      sl_printf(request->call,
                                "MCP-Protocol-Version %.40s is not spoken here; the newest is %s",
                                version, legacy[0]),
                      NULL);
    const char *session = sl_header(request->call, "mcp-session-id");
    if (session && strlen(session) != 26)
        return refuse(request, 404, RPC_REQUEST, "there is no such session: initialize anew", NULL);
    return -1;
}

static int dispatch(const struct request *request) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        const struct method *method = &methods[i];
        const bool era = request->modern ? method->modern : method->legacy;
        if (era && strcmp(method->name, request->method) == 0) return method->run(request);
    }
    return refuse(request, request->modern ? 404 : 200, RPC_METHOD,
                  sl_printf(request->call, "there is no method '%.80s'", request->method), NULL);
}

static bool is_id(const cJSON *id) {
    return cJSON_IsString(id) || cJSON_IsNumber(id);
}

static int answer_message(struct request *request, const cJSON *message) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(message, "id");
    if (!cJSON_IsObject(message) || strcmp(sl_get_text(message, "jsonrpc", ""), "2.0") != 0 ||
        (id && !is_id(id)))
        return refuse(request, 400, RPC_REQUEST, "this is no JSON-RPC 2.0 message", NULL);
    request->id = id;
    request->method = sl_get_text(message, "method", "");
    request->params = sl_get(message, "params");
    const char *version = sl_get_text(sl_get(request->params, "_meta"), version_key, NULL);
    request->modern = version != NULL;
    /* Notifications, and answers to what was never asked, are taken and that is all. */
    if (!id || !*request->method) {
        sl_reply_status(request->call, 202);
        sl_reply_bytes(request->call, "application/json", "", 0);
        return 0;
    }
    const int rc = version ? check_modern(request, version) : check_legacy(request);
    return rc >= 0 ? rc : dispatch(request);
}

int mcp_post(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    size_t size = 0;
    const char *body = sl_body(call, &size);
    struct request request = {.call = call};
    cJSON *message = NULL;
    if (!origin_allowed(call))
        return sl_fail(
            call, SL_DENIED,
            "pages of this origin may not call /mcp; plugins.chat.mcp.origins names those "
            "that may");
    if (!body || sl_json_parse(call, "the message", body, size, &message) != 0)
        return refuse(&request, 400, RPC_PARSE, body ? sl_failure(call) : "the body is empty",
                      NULL);
    return answer_message(&request, message);
}
