/* docs.c - the platform's own documents, kept as bytes with an ETag. */
#include "docs.h"
#include "docs_pages.h"
#include "host.h"
#include "json.h"
#include "openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum document_id { DOC_OPERATIONS, DOC_OPENAPI, DOC_PAGE, DOC_HOME, DOC_PROBLEMS, DOC_COUNT };

struct document {
    char *bytes;
    size_t size;
    char etag[24];
};

struct docs {
    uint64_t operations; /* fingerprint of those that the documents were made from */
    struct document documents[DOC_COUNT];
};

static uint64_t mix(uint64_t hash, const void *bytes, size_t size) {
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < size; i++) hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static const uint64_t mix_start = UINT64_C(0xcbf29ce484222325); /* FNV-1a */

static uint64_t fingerprint(const struct registry *registry) {
    uint64_t hash = mix_start;
    const struct op *op;
    for (size_t i = 0; (op = registry_at(registry, i)); i++) {
        const uintptr_t address = (uintptr_t)op;
        hash = mix(hash, &address, sizeof address);
        hash = mix(hash, op->row.name, strlen(op->row.name));
    }
    return hash;
}

static void forget(struct docs *docs) {
    for (size_t i = 0; i < DOC_COUNT; i++) {
        free(docs->documents[i].bytes);
        docs->documents[i] = (struct document){0};
    }
}

void docs_free(struct docs *docs) {
    if (!docs) return;
    forget(docs);
    free(docs);
}

/* ---- making them ---- */

static const char *make_operations(struct host *host, struct arena *arena, size_t *size) {
    cJSON *list = cJSON_CreateObject();
    operations_list(host->registry, list);
    return json_print(arena, list, size);
}

static const char *make_openapi(struct host *host, struct arena *arena, size_t *size) {
    return json_print(arena, openapi_document(host->registry, arena), size);
}

static const char *make_page(struct host *host, struct arena *arena, size_t *size) {
    return docs_page(host->registry, arena, size);
}

static const char *make_home(struct host *host, struct arena *arena, size_t *size) {
    return home_page(host->registry, arena, size);
}

static const char *make_problems(struct host *host, struct arena *arena, size_t *size) {
    (void)host;
    return problems_page(arena, size);
}

static const char html_type[] = "text/html; charset=utf-8";

typedef const char *(*make_fn)(struct host *host, struct arena *arena, size_t *size);
static const struct {
    make_fn make;
    const char *type;
} makers[DOC_COUNT] = {
    [DOC_OPERATIONS] = {make_operations, "application/json"},
    [DOC_OPENAPI] = {make_openapi, "application/json"},
    [DOC_PAGE] = {make_page, html_type},
    [DOC_HOME] = {make_home, html_type},
    [DOC_PROBLEMS] = {make_problems, html_type},
};

static void make(struct host *host, enum document_id id, struct document *document) {
    struct arena arena;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    size_t size = 0;
    const char *bytes = makers[id].make(host, &arena, &size);
    document->bytes = malloc(size + 1);
    memcpy(document->bytes, bytes, size + 1);
    document->size = size;
    snprintf(document->etag, sizeof document->etag, "%016llx",
             (unsigned long long)mix(mix_start, bytes, size));
    arena_use(before);
    arena_fini(&arena);
}

static const struct document *document_of(struct host *host, enum document_id id) {
    if (!host->docs) host->docs = calloc(1, sizeof *host->docs);
    struct docs *docs = host->docs;
    uint64_t operations = fingerprint(host->registry);
    if (docs->operations != operations) {
        forget(docs);
        docs->operations = operations;
    }
    struct document *document = &docs->documents[id];
    if (!document->bytes) make(host, id, document);
    return document;
}

/* A page runs its own script and style only, and nothing may frame it. */
static void guard_page(sl_call *call) {
    sl_reply_header(call, "Content-Security-Policy",
                    "default-src 'self'; img-src 'self' data:; base-uri 'none'; "
                    "form-action 'none'; frame-ancestors 'none'");
    sl_reply_header(call, "X-Content-Type-Options", "nosniff");
    sl_reply_header(call, "Referrer-Policy", "no-referrer");
}

static int reply_with(sl_call *call, enum document_id id) {
    const struct document *document = document_of(call->host, id);
    sl_reply_bytes(call, makers[id].type, document->bytes, document->size);
    sl_reply_header(call, "Cache-Control", "no-cache");
    sl_reply_etag(call, document->etag);
    if (makers[id].type == html_type) guard_page(call);
    return 0;
}

static int reply_asset(sl_call *call, struct asset asset, const char *type) {
    char etag[24];
    snprintf(etag, sizeof etag, "%016llx",
             (unsigned long long)mix(mix_start, asset.bytes, asset.size));
    sl_reply_bytes(call, type, asset.bytes, asset.size);
    sl_reply_header(call, "Cache-Control", "no-cache");
    sl_reply_header(call, "X-Content-Type-Options", "nosniff");
    sl_reply_etag(call, etag);
    return 0;
}

/* ---- the operations ---- */

static int list_operations(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    if (call->http) return reply_with(call, DOC_OPERATIONS);
    operations_list(call->host->registry, out);
    return 0;
}

static int openapi(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    if (call->http) return reply_with(call, DOC_OPENAPI);
    cJSON *document = openapi_document(call->host->registry, call->arena);
    for (cJSON *member; (member = document->child);) {
        cJSON_DetachItemViaPointer(document, member);
        cJSON_AddItemToObject(out, member->string, member);
    }
    return 0;
}

static int docs(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return reply_with(call, DOC_PAGE);
}

static int home(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return reply_with(call, DOC_HOME);
}

static int script(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return reply_asset(call, asset_script(), "text/javascript; charset=utf-8");
}

static int style(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in, (void)out;
    return reply_asset(call, asset_style(), "text/css; charset=utf-8");
}

static bool wants_page(const sl_call *call) {
    const char *accept = call->http ? sl_header(call, "accept") : NULL;
    return accept && strstr(accept, "text/html");
}

static void describe_problem(const struct problem *problem, cJSON *out) {
    cJSON_AddStringToObject(out, "code", problem->code);
    cJSON_AddStringToObject(out, "title", problem->title);
    cJSON_AddNumberToObject(out, "status", problem->status);
    cJSON_AddStringToObject(out, "meaning", problem->meaning);
    cJSON_AddStringToObject(out, "remedy", problem->remedy);
}

static int list_problems(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    if (call->http) sl_reply_header(call, "Vary", "Accept");
    if (wants_page(call)) return reply_with(call, DOC_PROBLEMS);
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    const struct problem *problem;
    for (size_t i = 0; (problem = problem_at(i)); i++) {
        cJSON *item = cJSON_CreateObject();
        describe_problem(problem, item);
        cJSON_AddItemToArray(items, item);
    }
    return 0;
}

static const char *code_at(const void *arg, size_t i) {
    (void)arg;
    const struct problem *problem = problem_at(i);
    return problem ? problem->code : NULL;
}

static int show_problem(sl_call *call, const cJSON *in, cJSON *out) {
    const char *code = sl_get_text(in, "code", "");
    const struct problem *problem = problem_find(code);
    if (!problem) {
        const char *near = nearest_name(code, code_at, NULL);
        return sl_fail(call, SL_NOT_FOUND, "there is no problem '%s'%s%s%s", code,
                       near ? "; did you mean '" : "; GET /problems lists them", near ? near : "",
                       near ? "'?" : "");
    }
    if (call->http) sl_reply_header(call, "Vary", "Accept");
    if (!wants_page(call)) {
        describe_problem(problem, out);
        return 0;
    }
    size_t size;
    const char *page = problem_page(problem, call->arena, &size);
    sl_reply_bytes(call, html_type, page, size);
    guard_page(call);
    return 0;
}

static const sl_field operation_out[] = {
    SL_STRING("name", .help = "noun.verb"),
    SL_STRING("summary"),
    SL_STRING("method", .help = "HTTP method; absent when it has no route"),
    SL_STRING("path"),
    SL_STRING("needs", .help = "permission, \"any\" or \"public\""),
    SL_ENUM("effect", "reads|writes"),
    SL_BOOL("streams", .help = "may answer as text/event-stream"),
    SL_LIST("in", SL_T_OBJECT, .help = "what it takes: name, type, help, required, default..."),
    SL_END};
static const sl_field operations_out[] = {
    SL_LIST_OF("items", operation_out, .help = "every operation, by name", .flags = SL_OPEN),
    SL_END};

static const sl_field problem_in[] = {SL_STRING("code", .help = "code of a problem",
                                                .flags = SL_REQUIRED, .min = 1, .max = 64,
                                                .example = "\"not_found\""),
                                      SL_END};
static const sl_field problem_out[] = {
    SL_STRING("code", .flags = SL_REQUIRED),
    SL_STRING("title", .flags = SL_REQUIRED),
    SL_INT("status", .help = "HTTP status", .flags = SL_REQUIRED),
    SL_STRING("meaning", .flags = SL_REQUIRED),
    SL_STRING("remedy", .flags = SL_REQUIRED),
    SL_END};
static const sl_field problems_out[] = {SL_LIST_OF("items", problem_out), SL_END};

#define PUBLIC_READ .needs = "public", .effect = SL_READS
#define PAGE        PUBLIC_READ, .flags = SL_OP_HIDDEN

const sl_op docs_ops[] = {{.name = "platform.operations",
                           .route = "GET /operations",
                           .summary = "List every operation that is served",
                           .out = operations_out,
                           .run = list_operations,
                           PUBLIC_READ},
                          {.name = "platform.openapi",
                           .route = "GET /openapi.json",
                           .summary = "Describe every operation as OpenAPI 3.1",
                           .run = openapi,
                           PUBLIC_READ},
                          {.name = "platform.problems",
                           .route = "GET /problems",
                           .summary = "List the problems that answers may carry",
                           .out = problems_out,
                           .run = list_problems,
                           PUBLIC_READ},
                          {.name = "platform.problem",
                           .route = "GET /problems/{code}",
                           .summary = "Explain one problem and what to do about it",
                           .in = problem_in,
                           .out = problem_out,
                           .run = show_problem,
                           PUBLIC_READ},
                          {.name = "platform.docs",
                           .route = "GET /docs",
                           .summary = "Show every operation on one page",
                           .run = docs,
                           PAGE},
                          {.name = "platform.docs-script",
                           .route = "GET /docs/app.js",
                           .summary = "Give the page's script",
                           .run = script,
                           PAGE},
                          {.name = "platform.docs-style",
                           .route = "GET /docs/style.css",
                           .summary = "Give the pages' style",
                           .run = style,
                           PAGE},
                          {.name = "platform.home",
                           .route = "GET /",
                           .summary = "Show where to go from here",
                           .run = home,
                           PAGE},
                          SL_END};
