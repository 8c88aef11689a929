/* arena.h - bump memory of one call, and cJSON's allocation hooks.
 *
 * Chunks come from one reserved range of addresses, so that cJSON's free hook can tell by the
 * address alone whether a block is an arena's (then free does nothing) or malloc's. The reserved
 * range is the one process-wide thing in the core: cJSON's hooks are process-wide too. Under ASan
 * every block has a poisoned red zone behind it and a reset arena is poisoned whole.
 */
#ifndef SLUICE_CORE_ARENA_H
#define SLUICE_CORE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
    char *at, *end;            /* free part of the current chunk */
    struct arena_chunk *chunk; /* newest first */
    size_t used_bytes;         /* of chunks, for limits and metrics */
};

void arena_init(struct arena *arena);
void arena_fini(struct arena *arena);  /* gives all chunks back */
void arena_reset(struct arena *arena); /* keeps the first chunk */
/* `into` takes over what `from` holds; `from` is empty then. */
void arena_merge(struct arena *into, struct arena *from);

/* Aligned to 16, not zeroed; never NULL: out of memory ends the process with a line that says so.
 */
void *arena_alloc(struct arena *arena, size_t size);
/* A block whose size is known at its end only: everything that is free in a chunk, at least `least`
 * bytes, aligned to 16. Nothing else may be taken from the arena until arena_close says how much of
 * it is kept; opened again before that, the bytes written so far are still readable. */
char *arena_open(struct arena *arena, size_t least, size_t *room);
void arena_close(struct arena *arena, size_t used);
void *arena_zalloc(struct arena *arena, size_t size);
char *arena_strndup(struct arena *arena, const char *text, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_vprintf(struct arena *arena, const char *format, va_list args);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The arena that cJSON allocates from on this thread; NULL: malloc. Returns the one before. Fibers
 * save and restore it when they switch. */
struct arena *arena_use(struct arena *arena);
struct arena *arena_current(void);
bool arena_owns(const void *block); /* any arena of this process */

/* Installs cJSON's hooks; called once a process, before the first tree. Further calls do nothing.
 */
void arena_install_json_hooks(void);

#endif
