/* http_output.c - bytes to the kernel: the answers of a turn in one write.
 *
 * Output lies in chunks that idle connections give back to the server's pool. */
#include "http_inside.h"

#include <stdlib.h>
#include <string.h>

struct http_writing {
    uv_write_t request;
    struct http_connection *connection;
    struct http_chunk *chunks;
};

enum { VECTOR = 16 };

static void chunk_free(struct http_server *server, struct http_chunk *chunk) {
    if (chunk->capacity != CHUNK_BYTES || server->chunks_kept >= CHUNKS_KEPT) {
        free(chunk);
        return;
    }
    chunk->next = server->free_chunks;
    server->free_chunks = chunk;
    server->chunks_kept++;
}

static void chunks_free(struct http_server *server, struct http_chunk *chunk) {
    while (chunk) {
        struct http_chunk *next = chunk->next;
        chunk_free(server, chunk);
        chunk = next;
    }
}

static struct http_chunk *chunk_new(struct http_server *server, size_t capacity) {
    struct http_chunk *chunk = capacity == CHUNK_BYTES ? server->free_chunks : NULL;
    if (chunk) {
        server->free_chunks = chunk->next;
        server->chunks_kept--;
    } else {
        chunk = malloc(sizeof *chunk + capacity);
        if (!chunk) return NULL;
        chunk->capacity = capacity;
    }
    chunk->next = NULL;
    chunk->start = chunk->size = 0;
    return chunk;
}

char *output_reserve(struct http_connection *connection, size_t size) {
    struct http_output *output = &connection->output;
    struct http_chunk *last = output->last;
    if (last && last->capacity - last->size >= size) return last->data + last->size;
    size_t capacity = last ? LATER_CHUNK_BYTES : CHUNK_BYTES;
    struct http_chunk *chunk = chunk_new(connection->server, size > capacity ? size : capacity);
    if (!chunk) return NULL;
    if (last)
        last->next = chunk;
    else
        output->first = chunk;
    output->last = chunk;
    return chunk->data;
}

void output_add(struct http_connection *connection, size_t size) {
    connection->output.last->size += size;
    connection->output.bytes += size;
}

size_t output_backlog(const struct http_connection *connection) {
    const struct http_output *output = &connection->output;
    return output->bytes + (output->write ? connection->stream.write_queue_size : 0);
}

static void output_clear(struct http_connection *connection) {
    struct http_output *output = &connection->output;
    chunks_free(connection->server, output->first);
    output->first = output->last = NULL;
    output->bytes = 0;
}

static void taken(struct http_connection *connection, size_t size) {
    struct http_output *output = &connection->output;
    output->bytes -= size;
    while (output->first) {
        struct http_chunk *chunk = output->first;
        size_t has = chunk->size - chunk->start;
        if (size < has) {
            chunk->start += size;
            return;
        }
        size -= has;
        output->first = chunk->next;
        chunk_free(connection->server, chunk);
    }
    output->last = NULL;
}

static unsigned vector_of(const struct http_chunk *chunk, uv_buf_t *vector, unsigned capacity) {
    unsigned count = 0;
    for (; chunk && count < capacity; chunk = chunk->next, count++)
        vector[count] =
            uv_buf_init((char *)chunk->data + chunk->start, (unsigned)(chunk->size - chunk->start));
    return count;
}

static void written(uv_write_t *request, int status) {
    struct http_writing *write = (struct http_writing *)request;
    struct http_connection *connection = write->connection;
    chunks_free(connection->server, write->chunks);
    free(write);
    connection->output.write = NULL;
    if (connection->closing) return;
    if (status < 0) {
        connection_drop(connection);
        return;
    }
    connection_later(connection); /* more output, or input that waited for room */
    stream_progress(connection);
}

/* Hands the rest to libuv, which writes when the socket takes more. */
static int write_rest(struct http_connection *connection) {
    struct http_output *output = &connection->output;
    struct http_writing *write = malloc(sizeof *write);
    if (!write) return UV_ENOMEM;
    unsigned count = 0;
    for (struct http_chunk *chunk = output->first; chunk; chunk = chunk->next) count++;
    uv_buf_t few[VECTOR], *vector = count <= VECTOR ? few : calloc(count, sizeof *vector);
    int status = UV_ENOMEM;
    if (vector) {
        vector_of(output->first, vector, count);
        status = uv_write(&write->request, &connection->stream, vector, count, written);
    }
    if (vector != few) free(vector);
    if (status < 0) {
        free(write);
        return status;
    }
    write->connection = connection;
    write->chunks = output->first;
    output->write = write;
    output->first = output->last = NULL;
    output->bytes = 0;
    connection->write_mark = connection->stream.write_queue_size;
    return 0;
}

void output_flush(struct http_connection *connection) {
    struct http_output *output = &connection->output;
    if (connection->closing || connection->no_socket) {
        output_clear(connection);
        return;
    }
    if (output->write) return;
    while (output->first) {
        uv_buf_t vector[VECTOR];
        unsigned count = vector_of(output->first, vector, VECTOR);
        int sent = uv_try_write(&connection->stream, vector, count);
        size_t offered = 0;
        for (unsigned i = 0; i < count; i++) offered += vector[i].len;
        if (sent > 0) taken(connection, (size_t)sent);
        if (sent >= 0 && (size_t)sent == offered) continue;
        if (sent >= 0 || sent == UV_EAGAIN) sent = write_rest(connection);
        if (sent < 0) connection_drop(connection);
        return;
    }
}

void output_fini(struct http_connection *connection) {
    output_clear(connection);
}

void output_pool_fini(struct http_server *server) {
    while (server->free_chunks) {
        struct http_chunk *chunk = server->free_chunks;
        server->free_chunks = chunk->next;
        free(chunk);
    }
}
