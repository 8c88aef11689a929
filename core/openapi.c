/* openapi.c - the description that machines read. Inputs are checked against the very rows that
 * their schemas are made from, so the description cannot drift from the code. */
#include "openapi.h"
#include "arena.h"
#include "docs.h"
#include "docs_example.h"
#include "host.h"
#include "json.h"

#include <string.h>

static cJSON *add_object(cJSON *to, const char *name) {
    return cJSON_AddObjectToObject(to, name);
}

static void add_text(cJSON *to, const char *name, const char *text) {
    if (text) cJSON_AddStringToObject(to, name, text);
}

static void add_ref(cJSON *to, const char *ref) {
    cJSON_AddStringToObject(to, "$ref", ref);
}

/* The noun of "deploy.request". */
static const char *noun_of(const char *name, struct arena *arena) {
    return arena_strndup(arena, name, strcspn(name, "."));
}

/* ---- what is shared ---- */

static void add_problem_schema(cJSON *schemas) {
    static const sl_field fault[] = {
        SL_STRING("pointer", .help = "JSON pointer into the request", .format = "pointer"),
        SL_STRING("detail", .help = "what is wrong there, and what was expected"),
        SL_STRING("suggestion", .help = "the fix, or the name that was perhaps meant"), SL_END};
    static const sl_field problem[] = {
        SL_STRING("type", .help = "path of a page that explains it", .flags = SL_REQUIRED),
        SL_STRING("title", .flags = SL_REQUIRED),
        SL_INT("status", .help = "HTTP status", .flags = SL_REQUIRED),
        SL_STRING("code", .help = "what programs may branch on", .flags = SL_REQUIRED),
        SL_STRING("detail", .help = "a sentence for people"),
        SL_STRING("instance", .help = "id of the request, also in the server's log"),
        SL_STRING("trace_id"),
        SL_INT("retry_after", .help = "seconds to wait"),
        SL_LIST_OF("errors", fault, .help = "every fault of the request"),
        SL_END};
    const struct field_rows rows = {problem, sizeof(sl_field)};
    cJSON *schema = fields_answer_schema(rows);
    cJSON_AddStringToObject(schema, "description", "RFC 9457 problem details");
    cJSON_AddItemToObject(schemas, "Problem", schema);
}

static void add_problem_responses(cJSON *responses, struct arena *arena) {
    for (int status = SL_INVALID; status <= SL_PRECONDITION; status++) {
        const char *code = sl_status_name(status);
        cJSON *response = add_object(responses, code);
        cJSON_AddStringToObject(response, "description", problem_title(status));
        cJSON *content = add_object(add_object(response, "content"), "application/problem+json");
        add_ref(add_object(content, "schema"), "#/components/schemas/Problem");
        cJSON *example = add_object(content, "example");
        cJSON_AddStringToObject(example, "type", arena_printf(arena, "/problems/%s", code));
        cJSON_AddStringToObject(example, "title", problem_title(status));
        cJSON_AddNumberToObject(example, "status", http_status_of(status));
        cJSON_AddStringToObject(example, "code", code);
    }
}

static void add_header_parameter(cJSON *parameters, const char *key, const char *name,
                                 const char *help) {
    cJSON *parameter = add_object(parameters, key);
    cJSON_AddStringToObject(parameter, "name", name);
    cJSON_AddStringToObject(parameter, "in", "header");
    cJSON_AddStringToObject(parameter, "description", help);
    cJSON_AddBoolToObject(parameter, "required", strcmp(key, "IfMatch") == 0);
    cJSON_AddStringToObject(add_object(parameter, "schema"), "type", "string");
}

static cJSON *add_components(cJSON *document, struct arena *arena) {
    cJSON *components = add_object(document, "components");
    cJSON *schemas = add_object(components, "schemas");
    add_problem_schema(schemas);
    add_problem_responses(add_object(components, "responses"), arena);
    cJSON *parameters = add_object(components, "parameters");
    add_header_parameter(parameters, "IdempotencyKey", "Idempotency-Key",
                         "A key of your own: the same request sent again with it gets the same "
                         "answer and has no second effect.");
    add_header_parameter(parameters, "IfMatch", "If-Match",
                         "The ETag of the version that you have read, or *.");
    cJSON *bearer = add_object(add_object(components, "securitySchemes"), "bearer");
    cJSON_AddStringToObject(bearer, "type", "http");
    cJSON_AddStringToObject(bearer, "scheme", "bearer");
    cJSON_AddStringToObject(bearer, "description",
                            "A token of `sluice token create`. The first start writes an admin "
                            "token to $SLUICE_STATE/admin.token.");
    return schemas;
}

/* ---- one operation ---- */

struct entry {
    const struct op *op;
    const char *method, *path;
    cJSON *schemas; /* of the components */
    struct arena *arena;
    bool also; /* the operation's second route */
};

static bool has_body(const struct entry *entry) {
    return strcmp(entry->method, "GET") != 0 && strcmp(entry->method, "DELETE") != 0;
}

/* Takes a property out of an object schema, its name out of `required` too. */
static cJSON *take_property(cJSON *schema, const char *name) {
    cJSON *required = cJSON_GetObjectItemCaseSensitive(schema, "required");
    for (cJSON *item = required ? required->child : NULL; item; item = item->next) {
        if (strcmp(item->valuestring, name) != 0) continue;
        cJSON_DetachItemViaPointer(required, item);
        break;
    }
    if (required && !required->child) cJSON_DetachItemViaPointer(schema, required);
    cJSON *properties = cJSON_GetObjectItemCaseSensitive(schema, "properties");
    return cJSON_DetachItemFromObjectCaseSensitive(properties, name);
}

static void add_parameter(const struct entry *entry, cJSON *parameters, const sl_field *row,
                          cJSON *schema) {
    bool in_path = path_has_param(entry->path, row->name);
    cJSON *parameter = cJSON_CreateObject();
    cJSON_AddStringToObject(parameter, "name", row->name);
    cJSON_AddStringToObject(parameter, "in", in_path ? "path" : "query");
    add_text(parameter, "description", row->help);
    cJSON_AddBoolToObject(parameter, "required",
                          in_path || ((row->flags & SL_REQUIRED) && !row->def));
    if (row->flags & SL_DEPRECATED) cJSON_AddTrueToObject(parameter, "deprecated");
    if (row->type == SL_T_LIST && !in_path) { /* a,b,c */
        cJSON_AddStringToObject(parameter, "style", "form");
        cJSON_AddFalseToObject(parameter, "explode");
    }
    cJSON_AddItemToObject(parameter, "schema", schema);
    cJSON_AddItemToArray(parameters, parameter);
}

/* A path parameter that no field names is any text. */
static void add_bare_parameters(const struct entry *entry, cJSON *parameters) {
    for (const char *at = entry->path; (at = strchr(at, '{')); at++) {
        const sl_field bare = {
            .name = arena_strndup(entry->arena, at + 1, strcspn(at + 1, ".}")),
            .type = SL_T_STRING,
        };
        if (field_find(entry->op->in, bare.name)) continue;
        cJSON *schema = cJSON_CreateObject();
        cJSON_AddStringToObject(schema, "type", "string");
        add_parameter(entry, parameters, &bare, schema);
    }
}

/* Moves what stands in the path and the query from the input's schema to the parameters. */
static void add_parameters(const struct entry *entry, cJSON *item, cJSON *input) {
    cJSON *parameters = cJSON_CreateArray();
    const sl_op *op = &entry->op->row;
    bool body = has_body(entry) && !(op->flags & SL_OP_RAW);
    const sl_field *row = NULL;
    while ((row = field_next(entry->op->in, row))) {
        if (body && !path_has_param(entry->path, row->name)) continue;
        cJSON *schema = take_property(input, row->name);
        if (schema) add_parameter(entry, parameters, row, schema);
    }
    add_bare_parameters(entry, parameters);
    const char *const refs[] = {
        op->effect == SL_WRITES ? "#/components/parameters/IdempotencyKey" : NULL,
        op->flags & SL_OP_IF_MATCH ? "#/components/parameters/IfMatch" : NULL};
    for (size_t i = 0; i < 2; i++) {
        if (!refs[i]) continue;
        cJSON *ref = cJSON_CreateObject();
        add_ref(ref, refs[i]);
        cJSON_AddItemToArray(parameters, ref);
    }
    if (parameters->child) cJSON_AddItemToObject(item, "parameters", parameters);
}

static void add_body(const struct entry *entry, cJSON *item, cJSON *input) {
    const sl_op *op = &entry->op->row;
    if (!has_body(entry)) return;
    if (op->flags & SL_OP_RAW) {
        add_object(add_object(add_object(item, "requestBody"), "content"), "*/*");
        return;
    }
    const cJSON *properties = cJSON_GetObjectItemCaseSensitive(input, "properties");
    if (!properties->child && !(op->flags & SL_OP_OPEN)) return;
    const char *name = arena_printf(entry->arena, "%s.input", op->name);
    /* The second route may have other path parameters, and then another body. */
    if (cJSON_GetObjectItemCaseSensitive(entry->schemas, name)) {
        name = arena_printf(entry->arena, "%s.input.also", op->name);
    }
    cJSON *request = add_object(item, "requestBody");
    bool required = cJSON_GetObjectItemCaseSensitive(input, "required") != NULL;
    cJSON_AddBoolToObject(request, "required", required);
    cJSON *content = add_object(add_object(request, "content"), "application/json");
    add_ref(add_object(content, "schema"),
            arena_printf(entry->arena, "#/components/schemas/%s", name));
    if (op->example) { /* one that a test has sent, not one made up */
        const char *example = example_body(entry->op, entry->path, entry->arena);
        struct json_fault fault;
        cJSON *value = json_parse(entry->arena, example, strlen(example), &fault);
        if (value) cJSON_AddItemToObject(content, "example", value);
    }
    cJSON_AddItemToObject(entry->schemas, name, input);
}

static void add_success(const struct entry *entry, cJSON *responses) {
    const struct op *op = entry->op;
    /* What writes may answer 201 or 202 as well. */
    cJSON *success = add_object(responses, op->row.effect == SL_READS ? "200" : "2XX");
    cJSON_AddStringToObject(success, "description", "Done");
    cJSON *content = add_object(success, "content");
    cJSON *schema = add_object(add_object(content, "application/json"), "schema");
    if (op->row.out) {
        const char *name = arena_printf(entry->arena, "%s.output", op->row.name);
        add_ref(schema, arena_printf(entry->arena, "#/components/schemas/%s", name));
        if (!entry->also) {
            cJSON_AddItemToObject(entry->schemas, name, fields_answer_schema(op->out));
        }
    }
    if (op->row.flags & SL_OP_STREAMS) {
        cJSON *stream = add_object(add_object(content, "text/event-stream"), "schema");
        cJSON_AddStringToObject(stream, "type", "string");
    }
}

static void add_responses(const struct entry *entry, cJSON *item) {
    const sl_op *op = &entry->op->row;
    cJSON *responses = add_object(item, "responses");
    add_success(entry, responses);
    bool guarded = strcmp(op->needs, "public") != 0, writes = op->effect == SL_WRITES;
    bool versioned = (op->flags & SL_OP_IF_MATCH) != 0, keyed = strchr(entry->path, '{') != NULL;
    const struct {
        int status;
        bool possible;
    } failures[] = {{SL_INVALID, op->in != NULL},
                    {SL_UNAUTHENTICATED, guarded},
                    {SL_DENIED, guarded && strcmp(op->needs, "any") != 0},
                    {SL_NOT_FOUND, keyed},
                    {SL_CONFLICT, writes},
                    {SL_STALE, versioned},
                    {SL_TOO_LARGE, has_body(entry)},
                    {SL_UNSUPPORTED, has_body(entry)},
                    {SL_MISMATCH, writes},
                    {SL_PRECONDITION, versioned},
                    {SL_LIMIT, guarded},
                    {SL_UNAVAILABLE, true}};
    for (size_t i = 0; i < sizeof failures / sizeof *failures; i++) {
        if (!failures[i].possible) continue;
        const char *status = arena_printf(entry->arena, "%d", http_status_of(failures[i].status));
        add_ref(add_object(responses, status),
                arena_printf(entry->arena, "#/components/responses/%s",
                             sl_status_name(failures[i].status)));
    }
    add_ref(add_object(responses, "default"), "#/components/responses/internal");
}

static void add_security(const struct entry *entry, cJSON *item) {
    const char *needs = entry->op->row.needs;
    cJSON *security = cJSON_AddArrayToObject(item, "security");
    if (strcmp(needs, "public") == 0) return;
    cJSON *scheme = cJSON_CreateObject();
    cJSON *scopes = cJSON_AddArrayToObject(scheme, "bearer");
    if (strcmp(needs, "any") != 0) cJSON_AddItemToArray(scopes, cJSON_CreateString(needs));
    cJSON_AddItemToArray(security, scheme);
}

static cJSON *operation_item(const struct entry *entry) {
    const sl_op *op = &entry->op->row;
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "operationId",
                            entry->also ? arena_printf(entry->arena, "%s.also", op->name)
                                        : op->name);
    cJSON_AddStringToObject(item, "summary", op->summary);
    add_text(item, "description", op->help);
    cJSON *tags = cJSON_AddArrayToObject(item, "tags");
    cJSON_AddItemToArray(tags, cJSON_CreateString(noun_of(op->name, entry->arena)));
    cJSON *input = fields_schema(entry->op->in, (op->flags & SL_OP_OPEN) != 0);
    add_parameters(entry, item, input);
    add_body(entry, item, input);
    add_responses(entry, item);
    add_security(entry, item);
    cJSON_AddStringToObject(item, "x-sluice-op", op->name);
    cJSON_AddStringToObject(item, "x-sluice-permission", op->needs);
    cJSON_AddStringToObject(item, "x-sluice-effect", op->effect == SL_READS ? "reads" : "writes");
    cJSON_AddStringToObject(item, "x-sluice-cli", example_cli(entry->op, entry->arena));
    if (entry->also) cJSON_AddTrueToObject(item, "deprecated");
    return item;
}

/* ---- the document ---- */

/* "/files/{path...}" is "/files/{path}" here. */
static const char *plain_path(const char *path, struct arena *arena) {
    const char *dots = strstr(path, "...}");
    return dots ? arena_printf(arena, "%.*s}", (int)(dots - path), path) : path;
}

static void add_route(const struct op *op, const char *route, cJSON *paths, struct entry *entry) {
    const char *blank = route ? strchr(route, ' ') : NULL;
    if (!blank) return;
    char *method = arena_strndup(entry->arena, route, (size_t)(blank - route));
    entry->op = op;
    entry->method = method;
    entry->path = plain_path(blank + 1, entry->arena);
    cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, entry->path);
    if (!path) path = add_object(paths, entry->path);
    cJSON *item = operation_item(entry);
    char *lower = arena_strdup(entry->arena, method);
    for (char *c = lower; *c; c++) *c = (char)(*c - 'A' + 'a');
    cJSON_AddItemToObject(path, lower, item);
}

static void add_tag(cJSON *tags, const struct op *op, struct arena *arena) {
    const char *noun = noun_of(op->row.name, arena);
    for (const cJSON *tag = tags->child; tag; tag = tag->next) {
        if (strcmp(tag->child->valuestring, noun) == 0) return;
    }
    cJSON *tag = cJSON_CreateObject();
    cJSON_AddStringToObject(tag, "name", noun);
    add_text(tag, "description", op->plugin->face.summary);
    cJSON_AddItemToArray(tags, tag);
}

static void add_info(cJSON *document) {
    cJSON_AddStringToObject(document, "openapi", "3.1.0");
    cJSON *info = add_object(document, "info");
    cJSON_AddStringToObject(info, "title", "Sluice");
    cJSON_AddStringToObject(info, "version", SLUICE_VERSION);
    cJSON_AddStringToObject(info, "summary", "A deployment control plane");
    cJSON_AddStringToObject(info, "description",
                            "Made from the operations that this server offers, so it changes with "
                            "its plugins. The same for people: [/docs](/docs).");
    cJSON *license = add_object(info, "license");
    cJSON_AddStringToObject(license, "name", "Apache License 2.0");
    cJSON_AddStringToObject(license, "identifier", "Apache-2.0");
    cJSON *servers = cJSON_AddArrayToObject(document, "servers");
    cJSON *server = cJSON_CreateObject();
    cJSON_AddStringToObject(server, "url", "/");
    cJSON_AddItemToArray(servers, server);
}

cJSON *openapi_document(const struct registry *registry, struct arena *arena) {
    cJSON *document = cJSON_CreateObject();
    add_info(document);
    cJSON *tags = cJSON_AddArrayToObject(document, "tags");
    cJSON *paths = add_object(document, "paths");
    struct entry entry = {.schemas = add_components(document, arena), .arena = arena};
    const struct op *op;
    for (size_t i = 0; (op = registry_at(registry, i)); i++) {
        if ((op->row.flags & SL_OP_HIDDEN) || !op->row.route) continue;
        add_tag(tags, op, arena);
        entry.also = false;
        add_route(op, op->row.route, paths, &entry);
        entry.also = true;
        add_route(op, op->row.also, paths, &entry);
    }
    return document;
}
