/* docs.c - the platform's own documents, kept as bytes with an ETag. */
#include "docs.h"
#include "host.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum document_id { DOC_OPERATIONS, DOC_COUNT };

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

typedef const char *(*make_fn)(struct host *host, struct arena *arena, size_t *size);
static const struct {
    make_fn make;
    const char *type;
} makers[DOC_COUNT] = {
    [DOC_OPERATIONS] = {make_operations, "application/json"},
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

static int reply_with(sl_call *call, enum document_id id) {
    const struct document *document = document_of(call->host, id);
    sl_reply_bytes(call, makers[id].type, document->bytes, document->size);
    sl_reply_header(call, "Cache-Control", "no-cache");
    sl_reply_etag(call, document->etag);
    return 0;
}

/* ---- the operations ---- */

static int list_operations(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    if (call->http) return reply_with(call, DOC_OPERATIONS);
    operations_list(call->host->registry, out);
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

const sl_op docs_ops[] = {{"platform.operations", "GET /operations",
                           .summary = "List every operation that is served", .out = operations_out,
                           .needs = "public", .effect = SL_READS, .run = list_operations},
                          SL_END};
