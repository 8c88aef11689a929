#include "arena.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HAVE_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAVE_ASAN 1
#endif
#endif

#ifdef HAVE_ASAN
#include <sanitizer/asan_interface.h>
enum { RED_ZONE = 16 };
#define poison(at, size)   ASAN_POISON_MEMORY_REGION(at, size)
#define unpoison(at, size) ASAN_UNPOISON_MEMORY_REGION(at, size)
#else
enum { RED_ZONE = 0 };
#define poison(at, size)   ((void)(at), (void)(size))
#define unpoison(at, size) ((void)(at), (void)(size))
#endif

/* Chunks are 16 KiB << class. The largest holds any request that the limits let in. */
enum { CHUNK_BYTES = 16 * 1024, CLASSES = 14, KEEP_BYTES = 64 * 1024 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    unsigned class;
    unsigned pad;
};

/* Process-wide: see arena.h. The lock is taken once a chunk, not once an allocation. */
static struct {
    pthread_mutex_t lock;
    char *base, *at, *end;
    struct arena_chunk *free[CLASSES];
    bool hooked;
} region = {.lock = PTHREAD_MUTEX_INITIALIZER};

static __thread struct arena *current __attribute__((tls_model("initial-exec")));

static void fatal(const char *why, size_t size) {
    fprintf(stderr, "sluice: out of memory: %s (%zu bytes)\n", why, size);
    abort();
}

/* Reserves addresses, not memory: pages cost nothing until they are touched. */
static void reserve(void) {
    for (size_t size = (size_t)16 << 30; size >= (size_t)256 << 20; size /= 2) {
        void *base = mmap(NULL, size, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) continue;
        madvise(base, size, MADV_NOHUGEPAGE); /* a huge page would cost 2 MiB for one small chunk */
        region.base = region.at = base;
        region.end = region.base + size;
        return;
    }
    fatal("no address range for arenas", 0);
}

static struct arena_chunk *chunk_get(size_t wanted) {
    unsigned class = 0;
    while (class < CLASSES && ((size_t)CHUNK_BYTES << class) < wanted + sizeof(struct arena_chunk))
        class ++;
    if (class == CLASSES) fatal("one block too large", wanted);
    size_t size = (size_t)CHUNK_BYTES << class;
    pthread_mutex_lock(&region.lock);
    if (!region.base) reserve();
    struct arena_chunk *chunk = region.free[class];
    if (chunk) {
        unpoison(chunk, sizeof *chunk);
        region.free[class] = chunk->next;
    } else {
        if ((size_t)(region.end - region.at) < size) fatal("arena range is used up", size);
        chunk = (struct arena_chunk *)(void *)region.at;
        region.at += size;
    }
    pthread_mutex_unlock(&region.lock);
    unpoison(chunk, sizeof *chunk);
    *chunk = (struct arena_chunk){.size = size, .class = class};
    poison(chunk + 1, size - sizeof *chunk);
    return chunk;
}

static void chunk_put(struct arena_chunk *chunk) {
    size_t size = chunk->size;
    unsigned class = chunk->class;
    /* What was large goes back to the system; the head page stays for the list. */
    if (size > KEEP_BYTES) madvise((char *)chunk + 4096, size - 4096, MADV_DONTNEED);
    poison(chunk + 1, size - sizeof *chunk);
    pthread_mutex_lock(&region.lock);
    chunk->next = region.free[class];
    region.free[class] = chunk;
    pthread_mutex_unlock(&region.lock);
}

void arena_init(struct arena *arena) {
    *arena = (struct arena){0};
}

static void chunks_put(struct arena_chunk *chunk) {
    while (chunk) {
        struct arena_chunk *next = chunk->next;
        chunk_put(chunk);
        chunk = next;
    }
}

void arena_fini(struct arena *arena) {
    chunks_put(arena->chunk);
    *arena = (struct arena){0};
}

void arena_merge(struct arena *into, struct arena *from) {
    if (!into->chunk) {
        *into = *from;
    } else if (from->chunk) {
        struct arena_chunk *oldest = from->chunk;
        while (oldest->next) oldest = oldest->next;
        oldest->next = into->chunk->next;
        into->chunk->next = from->chunk; /* behind the newest, which `at` and `end` are of */
        into->used_bytes += from->used_bytes;
    }
    *from = (struct arena){0};
}

void arena_reset(struct arena *arena) {
    struct arena_chunk *first = arena->chunk;
    if (!first) return;
    struct arena_chunk *rest = NULL;
    while (first->next) { /* the oldest is the smallest: keep that one */
        struct arena_chunk *next = first->next;
        first->next = rest;
        rest = first;
        first = next;
    }
    chunks_put(rest);
    arena->chunk = first;
    arena->at = (char *)(first + 1);
    arena->end = (char *)first + first->size;
    arena->used_bytes = first->size;
    poison(arena->at, (size_t)(arena->end - arena->at));
}

/* Apart from arena_alloc, which then needs no registers saved. */
__attribute__((noinline, cold)) static void add_chunk(struct arena *arena, size_t size) {
    /* Grow with what is used, so that large calls take few chunks. */
    size_t wanted = size + RED_ZONE + 16;
    if (arena->used_bytes > wanted && arena->used_bytes <= (size_t)8 << 20)
        wanted = arena->used_bytes;
    struct arena_chunk *chunk = chunk_get(wanted);
    chunk->next = arena->chunk;
    arena->chunk = chunk;
    arena->used_bytes += chunk->size;
    arena->at = (char *)(chunk + 1);
    arena->end = (char *)chunk + chunk->size;
}

__attribute__((noinline, cold)) static void *alloc_in_new_chunk(struct arena *arena, size_t size) {
    if (size > SIZE_MAX / 2) fatal("impossible size", size);
    add_chunk(arena, size);
    return arena_alloc(arena, size);
}

void *arena_alloc(struct arena *arena, size_t size) {
    size_t rounded = (size + RED_ZONE + 15) & ~(size_t)15;
    if (__builtin_expect(size > SIZE_MAX / 2 || (size_t)(arena->end - arena->at) < rounded, 0))
        return alloc_in_new_chunk(arena, size);
    void *block = arena->at;
    arena->at += rounded;
    unpoison(block, size);
    return block;
}

char *arena_open(struct arena *arena, size_t least, size_t *room) {
    if ((size_t)(arena->end - arena->at) < least + RED_ZONE) add_chunk(arena, least);
    *room = (size_t)(arena->end - arena->at) - RED_ZONE;
    unpoison(arena->at, *room);
    return arena->at;
}

void arena_close(struct arena *arena, size_t used) {
    size_t rounded = (used + RED_ZONE + 15) & ~(size_t)15;
    poison(arena->at + used, (size_t)(arena->end - arena->at) - used);
    arena->at += rounded;
    if (arena->at > arena->end) arena->at = arena->end;
}

void *arena_zalloc(struct arena *arena, size_t size) {
    return memset(arena_alloc(arena, size), 0, size);
}

char *arena_strndup(struct arena *arena, const char *text, size_t size) {
    char *copy = arena_alloc(arena, size + 1);
    memcpy(copy, text, size);
    copy[size] = 0;
    return copy;
}

char *arena_strdup(struct arena *arena, const char *text) {
    return arena_strndup(arena, text, strlen(text));
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    char small[256];
    int size = vsnprintf(small, sizeof small, format, args);
    char *text;
    if (size < (int)sizeof small) {
        text = arena_strndup(arena, small, size < 0 ? 0 : (size_t)size);
    } else {
        text = arena_alloc(arena, (size_t)size + 1);
        vsnprintf(text, (size_t)size + 1, format, again);
    }
    va_end(again);
    return text;
}

char *arena_printf(struct arena *arena, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(arena, format, args);
    va_end(args);
    return text;
}

struct arena *arena_use(struct arena *arena) {
    struct arena *before = current;
    current = arena;
    return before;
}

struct arena *arena_current(void) {
    return current;
}

bool arena_owns(const void *block) {
    return (const char *)block >= region.base && (const char *)block < region.end;
}

/* Small blocks that fit, which nearly all of a tree's are, are taken right here. */
static void *json_malloc(size_t size) {
    struct arena *arena = current;
    if (__builtin_expect(!arena, 0)) return malloc(size);
#ifndef HAVE_ASAN
    size_t rounded = (size + 15) & ~(size_t)15;
    if (__builtin_expect(size <= CHUNK_BYTES && (size_t)(arena->end - arena->at) >= rounded, 1)) {
        void *block = arena->at;
        arena->at += rounded;
        return block;
    }
#endif
    return arena_alloc(arena, size);
}

static void json_free(void *block) {
    if (!arena_owns(block)) free(block);
}

void arena_install_json_hooks(void) {
    pthread_mutex_lock(&region.lock);
    if (!region.base) reserve();
    if (!region.hooked) {
        cJSON_Hooks hooks = {.malloc_fn = json_malloc, .free_fn = json_free};
        cJSON_InitHooks(&hooks);
        region.hooked = true;
    }
    pthread_mutex_unlock(&region.lock);
}
