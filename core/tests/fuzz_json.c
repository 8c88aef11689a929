/* Any bytes: what the strict reader takes, cJSON reads as the same tree, and printing it gives text
 * that reads back as the same tree. */
#include "arena.h"
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

static void check_printing(struct arena *arena, const cJSON *json) {
    struct json_fault fault;
    size_t size = 0;
    const char *text = json_print(arena, json, &size);
    expect(strlen(text) == size, "printed size");
    cJSON *again = json_parse(arena, text, size, &fault);
    expect(again != NULL, "what is printed is valid");
    size_t size_again = 0;
    const char *text_again = json_print(arena, again, &size_again);
    expect(size == size_again && memcmp(text, text_again, size) == 0, "printing is stable");
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    struct arena arena;
    arena_init(&arena);
    struct json_fault fault = {0};
    cJSON *json = json_parse(&arena, (const char *)data, size, &fault);
    if (json) {
        const char *end = NULL;
        cJSON *theirs = cJSON_ParseWithLengthOpts((const char *)data, size, &end, 0);
        /* cJSON cuts numbers at 63 characters; everything else it must take. */
        if (theirs) check_printing(&arena, theirs);
        cJSON_Delete(theirs);
        check_printing(&arena, json);
    } else {
        expect(fault.why[0] && fault.line >= 1 && fault.column >= 1, "a fault says what and where");
        expect(fault.offset <= size, "a fault lies in the text");
    }
    arena_fini(&arena);
    return 0;
}
