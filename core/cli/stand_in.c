/* stand_in.c - until core/nearest.c and core/fields.c are there. */
#include "../fields.h"
#include "operations.h"

#include <stdlib.h>
#include <string.h>

__attribute__((weak)) const char *nearest_name(const char *name,
                                               const char *(*candidate)(const void *arg, size_t i),
                                               const void *arg) {
    const char *other;
    for (size_t i = 0; (other = candidate(arg, i)); i++)
        if (!strncmp(name, other, 4)) return other;
    return NULL;
}

__attribute__((weak)) int64_t duration_parse(const char *text) {
    return strtoll(text, NULL, 10) * 1000;
}

__attribute__((weak)) int operation_by_words(struct cli *cli, const char *const *words,
                                             size_t count, char *const *rest, size_t rest_count) {
    (void)rest, (void)rest_count;
    const char *near = cli_nearest_command(cli, words, count);
    return near ? cli_usage(cli, "unknown command '%s': did you mean '%s'?", words[0], near)
                : cli_usage(cli, "unknown command '%s'", words[0]);
}
