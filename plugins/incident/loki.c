#include "loki.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static bool says(const cJSON *object, const char *name, const char *word) {
    const char *text = cJSON_GetStringValue(member(object, name));
    return text && strcmp(text, word) == 0;
}

/* Nanoseconds as digits: a number of JSON could not hold them. */
static bool read_ns(const cJSON *value, int64_t *ns) {
    const char *text = cJSON_GetStringValue(value);
    if (!text || !*text || text[strspn(text, "0123456789")]) return false;
    errno = 0;
    *ns = strtoll(text, NULL, 10);
    return errno == 0;
}

/* ["nanoseconds", "line"], and since Loki 3 a third with structured metadata. */
static bool read_entry(const cJSON *entry, struct loki_lines *lines) {
    const cJSON *at = cJSON_IsArray(entry) ? entry->child : NULL;
    const char *text = at ? cJSON_GetStringValue(at->next) : NULL;
    int64_t ns;
    if (!text || !read_ns(at, &ns)) return false;
    if (ns < lines->from_ns || ns > lines->until_ns)
        lines->outside++;
    else if (lines->count < lines->room)
        lines->list[lines->count++] = (struct loki_line){ns, text};
    return true;
}

static int by_time(const void *a, const void *b) {
    const struct loki_line *x = a, *y = b;
    if (x->at_ns != y->at_ns) return x->at_ns < y->at_ns ? -1 : 1;
    return strcmp(x->text, y->text);
}

bool loki_read(const cJSON *answer, struct loki_lines *lines, const char **why) {
    const cJSON *data = member(answer, "data"), *streams = member(data, "result");
    const cJSON *stream, *entry;
    lines->count = lines->outside = 0;
    *why = "is not of its API: check plugins.incident.loki.url";
    if (!says(answer, "status", "success") || !cJSON_IsArray(streams)) return false;
    if (says(data, "resultType", "matrix") || says(data, "resultType", "vector")) {
        *why =
            "holds numbers, not log lines: ask for the lines themselves, without count_over_time, "
            "rate or sum";
        return false;
    }
    if (!says(data, "resultType", "streams")) return false;
    *why = "holds something that is no [\"nanoseconds\", \"line\"]";
    cJSON_ArrayForEach(stream, streams) {
        if (!cJSON_IsArray(member(stream, "values"))) return false;
        cJSON_ArrayForEach(entry, member(stream, "values")) {
            if (!read_entry(entry, lines)) return false;
        }
    }
    if (lines->count) qsort(lines->list, lines->count, sizeof *lines->list, by_time);
    return true;
}
