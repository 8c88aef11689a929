/* lua_pool.h - small blocks of one Lua state, from one region of its own. A run makes and leaves
 * a few dozen of them, and the general allocator takes a hundred instructions for each.
 *
 * The region is bounded; what does not fit, and all large blocks, come from malloc. Its pages are
 * touched only as they are used. Under AddressSanitizer there is no region: it must see each block. */
#ifndef SLUICE_CORE_LUA_POOL_H
#define SLUICE_CORE_LUA_POOL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_BYTES = 512 * 1024, POOL_STEP_BYTES = 16, POOL_CLASSES = 16 };
enum { POOL_BLOCK_MAX = POOL_STEP_BYTES * POOL_CLASSES };

struct pool {
    char *region; /* NULL: none, everything is malloc'ed */
    size_t used;
    void *idle[POOL_CLASSES]; /* linked through their first word */
};

static inline void pool_open(struct pool *pool) {
#ifndef __SANITIZE_ADDRESS__
    pool->region = malloc(POOL_BYTES);
#else
    pool->region = NULL;
#endif
}

static inline void pool_close(struct pool *pool) {
    free(pool->region);
}

static inline size_t pool_class(size_t size) {
    return (size - 1) / POOL_STEP_BYTES;
}

static inline bool pool_holds(const struct pool *pool, const void *block) {
    return pool->region && (uintptr_t)block - (uintptr_t)pool->region < POOL_BYTES;
}

/* `size` is not 0. NULL: no memory. */
static inline void *pool_take(struct pool *pool, size_t size) {
    if (size > POOL_BLOCK_MAX || !pool->region) return malloc(size);
    size_t class = pool_class(size), room = (class + 1) * POOL_STEP_BYTES;
    void *block = pool->idle[class];
    if (block) {
        memcpy(&pool->idle[class], block, sizeof block);
        return block;
    }
    if (pool->used + room > POOL_BYTES) return malloc(size);
    block = pool->region + pool->used;
    pool->used += room;
    return block;
}

/* `size`: as it was taken, or less. */
static inline void pool_give(struct pool *pool, void *block, size_t size) {
    if (!block) return;
    if (!pool_holds(pool, block)) {
        free(block);
        return;
    }
    size_t class = size > POOL_BLOCK_MAX ? POOL_CLASSES - 1 : pool_class(size);
    memcpy(block, &pool->idle[class], sizeof block);
    pool->idle[class] = block;
}

/* As realloc; the block stays as it is when NULL is given. */
static inline void *pool_resize(struct pool *pool, void *block, size_t old, size_t size) {
    if (!block) return pool_take(pool, size);
    if (!pool_holds(pool, block)) return realloc(block, size);
    if (size <= POOL_BLOCK_MAX && pool_class(size) == pool_class(old)) return block;
    void *moved = pool_take(pool, size);
    if (!moved) return NULL;
    memcpy(moved, block, old < size ? old : size);
    pool_give(pool, block, old);
    return moved;
}

#endif
