#include "jsonpath.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_MAX_BYTES = 1024, NAME_BYTES = 256, DEPTH_MAX = 64 };

struct walk {
    const char *at;
    char *fault;
    size_t size;
    int depth;
};

static const cJSON *__attribute__((format(printf, 2, 3)))
none(const struct walk *walk, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(walk->fault, walk->size, format, args);
    va_end(args);
    return NULL;
}

static const cJSON *follow(struct walk walk, const cJSON *json);

static const cJSON *any_child(struct walk walk, const cJSON *json) {
    const cJSON *child;
    cJSON_ArrayForEach(child, json) {
        const cJSON *found = follow(walk, child);
        if (found) return found;
    }
    return none(&walk, "nothing matches *");
}

static const cJSON *member(struct walk walk, const cJSON *json, const char *name, size_t size) {
    char text[NAME_BYTES];
    if (size == 1 && *name == '*') return any_child(walk, json);
    if (!size || size >= sizeof text) return none(&walk, "the path has a member without a name");
    memcpy(text, name, size);
    text[size] = 0;
    const cJSON *found = cJSON_GetObjectItemCaseSensitive(json, text);
    return found ? follow(walk, found) : none(&walk, "%s is not found", text);
}

static const cJSON *place(struct walk walk, const cJSON *json, const char *text, const char *end) {
    char *stop;
    long index = strtol(text, &stop, 10);
    if (stop != end || stop == text)
        return none(&walk, "only [number], ['name'] and [*] can be read");
    const int size = cJSON_GetArraySize(json);
    if (!cJSON_IsArray(json)) return none(&walk, "%ld is asked of what is no list", index);
    if (index < 0) index += size;
    if (index < 0 || index >= size)
        return none(&walk, "array index out of bounds: index %ld, length %d", index, size);
    return follow(walk, cJSON_GetArrayItem(json, (int)index));
}

static const cJSON *bracket(struct walk walk, const cJSON *json) {
    const char *start = walk.at + 1, *end = strchr(start, ']');
    if (!end) return none(&walk, "a ] is missing");
    walk.at = end + 1;
    if (*start == '*' && end == start + 1) return any_child(walk, json);
    if (*start == '\'' || *start == '"') {
        if (end - start < 2 || end[-1] != *start) return none(&walk, "a quote is missing");
        return member(walk, json, start + 1, (size_t)(end - start - 2));
    }
    return place(walk, json, start, end);
}

static const cJSON *follow(struct walk walk, const cJSON *json) {
    if (++walk.depth > DEPTH_MAX) return none(&walk, "the path is too deep");
    if (*walk.at == '}' || !*walk.at) return json;
    if (*walk.at == '[') return bracket(walk, json);
    if (*walk.at != '.') return none(&walk, "'%.20s' cannot be read", walk.at);
    if (walk.at[1] == '.') return none(&walk, "recursive descent (..) cannot be read");
    const char *name = walk.at + 1;
    const size_t size = strcspn(name, ".[}");
    walk.at = name + size;
    return size ? member(walk, json, name, size) : follow(walk, json);
}

const cJSON *jsonpath_first(const char *path, const cJSON *json, char *fault, size_t size) {
    struct walk walk = {.at = path, .fault = fault, .size = size};
    fault[0] = 0;
    if (!*path) return json;
    const size_t length = strnlen(path, PATH_MAX_BYTES + 1);
    if (length > PATH_MAX_BYTES || *path != '{' || path[length - 1] != '}')
        return none(&walk, "a path stands in braces: {$.a.b[0]}");
    walk.at++;
    if (*walk.at == '$' || *walk.at == '@') walk.at++;
    return follow(walk, json);
}
