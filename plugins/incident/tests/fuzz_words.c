/* Any text as a time, as words for customers, as a signature, as a sentence of a model. */
#include "safe.h"
#include "signature.h"
#include "story.h"
#include "suspects.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void no_hash(const void *data, size_t size, char hex[65]) {
    (void)data, (void)size;
    memset(hex, '0', 64);
    hex[64] = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = malloc(size + 1), why[120], out[WHEN_TEXT];
    static struct told told;
    const char *const words[] = {"shop", "ada"};
    const struct internal_words internal = {words, 2};
    int64_t ms, again;
    if (!text) return 0;
    memcpy(text, data, size);
    text[size] = 0;
    if (when_parse((struct text){text, size}, &ms) && ms < 253402300800000 &&
        (!when_parse(text_from(when_print(ms, out)), &again) || again != ms))
        abort();
    if (safe_for_customers(text, &internal, why) && strstr(text, " 10.1.2.3 ")) abort();
    (void)signature_matches(no_hash, "key", text, size, text);
    (void)words_shared(text, "some pattern of words");
    told.fact_count = 1;
    (void)strcpy(told.facts[0].text, "at 08:20 on 2026-05-04 5.0 % failed");
    const struct sentence sentence = {.text = "5.0 % failed", .facts = {0, -1}};
    (void)story_supports(&told, &sentence, text, why);
    free(text);
    return 0;
}
