/* json_names.h - the names of one object while it is read, so that a second one of the same name is
 * noticed. Few names are compared by a mark each; many go into a table under a hash that a sender
 * cannot foresee, so that no document takes quadratic time. */
#ifndef SLUICE_CORE_JSON_NAMES_H
#define SLUICE_CORE_JSON_NAMES_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { NAMES_FEW = 16 };

struct names {
    struct arena *arena;
    size_t count, slots; /* slots: 0 while there are few */
    const cJSON **table; /* in the arena */
    uint64_t key[2], marks[NAMES_FEW];
};

static inline void names_init(struct names *names, struct arena *arena) {
    names->arena = arena;
    names->count = names->slots = 0;
}

/* Notes the name of `item`, which is not yet a child of `object`. False: a child has it. */
bool names_add(struct names *names, const cJSON *object, const cJSON *item, size_t size);

#endif
