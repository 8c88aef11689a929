/* http_request.c - a checked head becomes an exchange.
 *
 * The head is copied once, so that the owner can look at it for as long as the answer takes while
 * the read buffer serves other connections; llhttp then gives spans into that copy. */
#include "http_inside.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int on_url(llhttp_t *parser, const char *at, size_t size) {
    struct http_exchange *exchange = parser->data;
    exchange->request.target = (struct http_span){at, size};
    return 0;
}

/* The trailer of a chunked body is thrown away: nobody may smuggle a field in by it. */
static bool in_trailer(const struct http_exchange *exchange) {
    return exchange->state == EXCHANGE_BODY;
}

static bool fields_grow(struct http_exchange *exchange) {
    size_t capacity = exchange->field_capacity * 4;
    bool inside = exchange->fields == exchange->fields_inside;
    struct http_field *fields =
        realloc(inside ? NULL : exchange->fields, capacity * sizeof *fields);
    if (!fields) return false;
    if (inside) memcpy(fields, exchange->fields_inside, sizeof exchange->fields_inside);
    exchange->fields = fields;
    exchange->field_capacity = capacity;
    return true;
}

static int on_field(llhttp_t *parser, const char *at, size_t size) {
    struct http_exchange *exchange = parser->data;
    if (in_trailer(exchange)) return 0;
    if (exchange->request.field_count == exchange->field_capacity && !fields_grow(exchange))
        return -1;
    exchange->fields[exchange->request.field_count++] =
        (struct http_field){.name = {at, size}, .value = {"", 0}};
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t size) {
    struct http_exchange *exchange = parser->data;
    if (in_trailer(exchange) || !exchange->request.field_count) return 0;
    if (!size) return 0;
    while (size && (at[size - 1] == ' ' || at[size - 1] == '\t')) size--;
    exchange->fields[exchange->request.field_count - 1].value = (struct http_span){at, size};
    return 0;
}

static int on_headers_complete(llhttp_t *parser) {
    struct http_exchange *exchange = parser->data;
    parser->upgrade = 0; /* no other protocol is spoken here; the request is served as it is */
    exchange->keep_alive = llhttp_should_keep_alive(parser);
    return 0;
}

static int on_body(llhttp_t *parser, const char *at, size_t size) {
    struct http_exchange *exchange = parser->data;
    exchange->framing -= size;
    if (!body_append(exchange, at, size)) return -1;
    return 0;
}

static int on_chunk_header(llhttp_t *parser) {
    struct http_exchange *exchange = parser->data;
    enum { CHUNK_FRAMING_BYTES = 24 }; /* size line and line end of a chunk that has no extension */
    exchange->framing_limit += CHUNK_FRAMING_BYTES;
    return 0;
}

static int on_message_complete(llhttp_t *parser) {
    struct http_exchange *exchange = parser->data;
    exchange->complete = true;
    return HPE_PAUSED; /* what follows is the next request's */
}

const llhttp_settings_t http_parser_settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_chunk_header = on_chunk_header,
    .on_message_complete = on_message_complete,
};

static struct http_exchange *exchange_take(struct http_server *server) {
    struct http_exchange *exchange = server->free_exchanges;
    if (exchange) {
        server->free_exchanges = exchange->next_free;
        server->exchanges_kept--;
    } else if (!(exchange = malloc(sizeof *exchange))) {
        return NULL;
    }
    memset(exchange, 0, offsetof(struct http_exchange, fields_inside));
    server->exchanges++;
    return exchange;
}

void exchange_free(struct http_exchange *exchange) {
    struct http_server *server = exchange->connection->server;
    if (exchange->slot && exchange->state < EXCHANGE_OWNED && server->callbacks.on_dropped)
        server->callbacks.on_dropped(server->callbacks.owner, exchange);
    if (exchange->fields != exchange->fields_inside) free(exchange->fields);
    if (!exchange->body_inside) free(exchange->body);
    if (exchange->head != exchange->store) free(exchange->head);
    server->exchanges--;
    if (server->exchanges_kept >= EXCHANGES_KEPT) {
        free(exchange);
        return;
    }
    exchange->next_free = server->free_exchanges;
    server->free_exchanges = exchange;
    server->exchanges_kept++;
}

static void split_target(struct http_request *request) {
    struct http_span rest = request->target;
    if (rest.size && rest.data[0] != '/' && rest.data[0] != '*') { /* http://host/path */
        const char *path = memchr(rest.data + 7, '/', rest.size - 7);
        size_t skipped = path ? (size_t)(path - rest.data) : rest.size;
        rest = path ? (struct http_span){path, rest.size - skipped} : (struct http_span){"/", 1};
    }
    const char *mark = memchr(rest.data, '?', rest.size);
    request->path = (struct http_span){rest.data, mark ? (size_t)(mark - rest.data) : rest.size};
    if (mark) request->query = (struct http_span){mark + 1, rest.size - request->path.size - 1};
}

/* Texts end in NUL from here on: behind a value there is at least its line's CR, behind a name its
 * colon, behind the target and the method a space. */
static void end_texts(struct http_exchange *exchange) {
    struct http_request *request = &exchange->request;
    char *head = exchange->head;
    head[request->method_name.size] = 0;
    head[request->target.data - head + (ptrdiff_t)request->target.size] = 0;
    for (size_t i = 0; i < request->field_count; i++) {
        struct http_field *field = &exchange->fields[i];
        head[field->name.data - head + (ptrdiff_t)field->name.size] = 0;
        if (field->value.size) head[field->value.data - head + (ptrdiff_t)field->value.size] = 0;
    }
}

static bool parse(struct http_exchange *exchange, size_t size) {
    llhttp_init(&exchange->parser, HTTP_REQUEST, &http_parser_settings);
    exchange->parser.data = exchange;
    llhttp_errno_t error = llhttp_execute(&exchange->parser, exchange->head, size);
    bool has_body = exchange->facts.content_length != 0;
    if (error != HPE_OK && !(error == HPE_PAUSED && exchange->complete)) return false;
    /* Two readers must agree on where the request ends. */
    if (exchange->complete == has_body) return false;
    if (exchange->facts.content_length < 0) return (exchange->parser.flags & F_CHUNKED) != 0;
    return exchange->parser.content_length == (uint64_t)exchange->facts.content_length;
}

struct http_exchange *exchange_new(struct http_connection *connection, const char *head,
                                   size_t size, const struct head_facts *facts) {
    struct http_exchange *exchange = exchange_take(connection->server);
    if (!exchange) return NULL;
    exchange->connection = connection;
    exchange->facts = *facts;
    exchange->fields = exchange->fields_inside;
    exchange->field_capacity = FIELDS_INSIDE;
    exchange->framing_limit = connection->server->limits.head_bytes;
    exchange->head = size < sizeof exchange->store ? exchange->store : malloc(size + 1);
    body_place(exchange, size);
    if (exchange->head) {
        memcpy(exchange->head, head, size);
        exchange->head[size] = 0;
    }
    if (!exchange->head || !parse(exchange, size)) {
        exchange_free(exchange);
        return NULL;
    }
    struct http_request *request = &exchange->request;
    request->method = facts->method;
    const char *space = memchr(exchange->head, ' ', size);
    request->method_name = (struct http_span){exchange->head, (size_t)(space - exchange->head)};
    request->fields = exchange->fields;
    request->content_length = facts->content_length;
    request->http10 = facts->http10;
    split_target(request);
    end_texts(exchange);
    return exchange;
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange) {
    return &exchange->request;
}

const char *http_exchange_header(const struct http_exchange *exchange, const char *name,
                                 size_t *size) {
    size_t length = strlen(name);
    const struct http_request *request = &exchange->request;
    for (size_t i = 0; i < request->field_count; i++) {
        const struct http_field *field = &request->fields[i];
        if (field->name.size != length || strncasecmp(field->name.data, name, length) != 0)
            continue;
        if (size) *size = field->value.size;
        return field->value.data;
    }
    return NULL;
}

const char *http_exchange_peer(const struct http_exchange *exchange) {
    return connection_peer(exchange->connection);
}

void **http_exchange_slot(struct http_exchange *exchange) {
    return &exchange->slot;
}

void **http_connection_slot(struct http_exchange *exchange, void (*drop)(void *value)) {
    exchange->connection->drop_slot = drop;
    return &exchange->connection->slot;
}
