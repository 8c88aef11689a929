/* pool.h - memory of one piece of work, let go at once: readings, drafts. Pure, not thread-safe.
 *
 * Zeroed is empty. What it gives is aligned to 16, zeroed, never NULL (memory that is out aborts, as
 * everywhere in the host), and lives until pool_fini. */
#ifndef RAG_POOL_H
#define RAG_POOL_H

#include <stddef.h>

struct pool_block;
struct pool {
    struct pool_block *blocks;
    size_t left;
    char *at;
};

void *pool_alloc(struct pool *pool, size_t size);
char *pool_strndup(struct pool *pool, const char *text, size_t size);
char *pool_printf(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3)));
void pool_fini(struct pool *pool);

/* An array in the pool with room for one more item: `*items` moves when it was full. */
void *pool_grow(struct pool *pool, void *items, size_t count, size_t item_bytes);

#endif
