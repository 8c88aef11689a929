/* query.c - the parameters of a query string. */
#include "percent.h"
#include "route.h"

#include <string.h>

bool query_each(const char *query, size_t size, struct arena *arena,
                void (*each)(void *arg, const char *name, const char *value, size_t value_size),
                void *arg) {
    const char *at = query, *end = query + size;
    for (unsigned count = 0; at < end;) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        if (!next) next = end;
        if (next > at) {
            if (++count > QUERY_PARAMS_MAX) return false;
            const char *sign = memchr(at, '=', (size_t)(next - at));
            const char *name_end = sign ? sign : next, *value_start = sign ? sign + 1 : next;
            size_t name_size, value_size;
            const char *name = percent_decode(arena, at, (size_t)(name_end - at), true, &name_size);
            const char *value =
                percent_decode(arena, value_start, (size_t)(next - value_start), true, &value_size);
            if (!name || !value) return false;
            each(arg, name, value, value_size);
        }
        at = next + 1;
    }
    return true;
}
