#include "pool.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGN = 16, GROW_FIRST = 16 };

struct pool_block {
    struct pool_block *next;
    uint64_t pad; /* keeps the bytes behind it aligned */
};

static void add_block(struct pool *pool, size_t size) {
    struct pool_block *block = calloc(1, sizeof *block + size);
    if (!block) abort();
    block->next = pool->blocks;
    pool->blocks = block;
    pool->at = (char *)(block + 1);
    pool->left = size;
}

void *pool_alloc(struct pool *pool, size_t size) {
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if (size > BLOCK_BYTES / 4) { /* a block of its own; the current one stays in use */
        char *at = pool->at;
        size_t left = pool->left;
        add_block(pool, size);
        void *own = pool->at;
        pool->at = at, pool->left = left;
        return own;
    }
    if (size > pool->left) add_block(pool, BLOCK_BYTES);
    void *out = pool->at;
    pool->at += size;
    pool->left -= size;
    return out;
}

char *pool_strndup(struct pool *pool, const char *text, size_t size) {
    char *copy = pool_alloc(pool, size + 1);
    if (size) memcpy(copy, text, size);
    return copy;
}

char *pool_printf(struct pool *pool, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int size = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (size < 0) size = 0;
    char *out = pool_alloc(pool, (size_t)size + 1);
    vsnprintf(out, (size_t)size + 1, format, again);
    va_end(again);
    return out;
}

void *pool_grow(struct pool *pool, void *items, size_t count, size_t item_bytes) {
    /* Full at 0, 16, 32, 64...: powers of two, so that the capacity need not be kept. */
    if (count && (count < GROW_FIRST || (count & (count - 1)))) return items;
    size_t room = count ? count * 2 : GROW_FIRST;
    void *grown = pool_alloc(pool, room * item_bytes);
    if (count) memcpy(grown, items, count * item_bytes);
    return grown;
}

void pool_fini(struct pool *pool) {
    for (struct pool_block *block = pool->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *pool = (struct pool){0};
}
