/* Any JSON object against rows of every type: faults say where and what, and a tree that was taken
 * and completed is taken again. */
#include "arena.h"
#include "fields.h"
#include "json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

static const sl_field inner[] = {SL_STRING("path", .min = 1, .max = 10), SL_INT("n", .def = "1"),
                                 SL_LIST_OF("more", inner), SL_END};
static const sl_field rows[] = {SL_STRING("name", .format = "name", .flags = SL_REQUIRED),
                                SL_STRING("image", .format = "image"),
                                SL_STRING("uri", .format = "uri"),
                                SL_STRING("time", .format = "time"),
                                SL_STRING("email", .format = "email"),
                                SL_STRING("sha", .format = "sha"),
                                SL_STRING("pointer", .format = "pointer"),
                                SL_STRING("json", .format = "json"),
                                SL_STRING("secret", .flags = SL_SECRET, .max = 4),
                                SL_INT("int", .min = 1, .max = 9),
                                SL_NUMBER("number", .flags = SL_NULLABLE),
                                SL_BOOL("bool", .def = "true"),
                                SL_ENUM("enum", "dev|stage|prod", .def = "dev"),
                                SL_OBJECT("object", inner),
                                SL_LIST("list", SL_T_ENUM, .values = "a|b", .max = 3),
                                SL_MAP("map", SL_T_OBJECT, .fields = inner),
                                SL_ANY("any"),
                                SL_LIST("amounts", SL_T_DURATION),
                                SL_SIZE("size"),
                                SL_END};

static void told(struct field_sink *sink, const struct field_fault *fault) {
    (void)sink;
    expect(fault->pointer && (!*fault->pointer || *fault->pointer == '/'), "a pointer");
    expect(fault->detail && *fault->detail, "a detail");
    for (const char *at = fault->detail, *end = at + strlen(at); at < end;) {
        unsigned length = json_utf8_length(at, end);
        expect(length > 0, "a detail is UTF-8");
        at += length;
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    arena_install_json_hooks();
    struct arena arena;
    arena_init(&arena);
    struct json_fault fault;
    cJSON *json = json_parse(&arena, (const char *)data, size, &fault);
    if (cJSON_IsObject(json)) {
        const struct field_rows all = {rows, sizeof(sl_field)};
        struct field_sink sink = {.fault = told, .arena = &arena};
        bool ok = fields_check(all, json, (size & 1) != 0, &sink);
        expect(ok == (sink.count == 0), "the verdict is that of the faults");
        /* Seconds became milliseconds, which are too many seconds only for absurd amounts. */
        cJSON_DeleteItemFromObjectCaseSensitive(json, "amounts");
        if (ok) expect(fields_check(all, json, true, &sink), "what was taken is taken again");
    }
    arena_fini(&arena);
    return 0;
}
