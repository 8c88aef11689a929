/* Arrays that grow by doubling. Pure. */
#ifndef RAG_GROW_H
#define RAG_GROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Makes room for `need` elements in the array *at of *room; false: memory is out, all is as before. */
static inline bool grow(void *at, uint32_t *room, size_t need, size_t size) {
    if (need <= *room) return true;
    if (need > UINT32_MAX / 2) return false;
    size_t more = *room ? (size_t)*room * 2 : 16;
    while (more < need) more *= 2;
    void **array = at;
    void *bigger = reallocarray(*array, more, size);
    if (!bigger) return false;
    *array = bigger;
    *room = (uint32_t)more;
    return true;
}

#endif
