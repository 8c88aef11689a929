/* Any bytes as messages: parsed, folded, rendered for customers, counted. */
#include "render.h"
#include "version.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct note_commit commits[8];
    char *texts[8];
    struct notes notes = {.commits = commits};
    while (notes.count < 8 && size) { /* messages are split by NUL */
        const uint8_t *stop = memchr(data, 0, size);
        const size_t len = stop ? (size_t)(stop - data) : size;
        char *text = malloc(len + 2);
        if (!text) break;
        texts[notes.count] = text;
        commits[notes.count++] =
            (struct note_commit){.id = "1234567",
                                 .author = "",
                                 .email = "",
                                 .risk_level = "",
                                 .url = "",
                                 .message = {text, cc_clean((const char *)data, len, text)}};
        data += len + (stop ? 1 : 0);
        size -= len + (stop ? 1 : 0);
    }
    struct out out = {0};
    const struct render_options options = {.version = "1.0.0"};
    if (!fold(&notes)) {
        size_t fates = 0;
        for (int f = 0; f < FATES; f++) fates += notes.fates[f];
        if (fates != notes.count) abort();
        render_customer(&notes, &options, &out);
        render_engineer(&notes, &options, &out);
        render_changelog(&notes, &options, &out);
        const struct cc_commit *cc[8];
        struct version_next next;
        for (size_t i = 0; i < notes.count; i++) cc[i] = &commits[i].cc;
        (void)version_next("v1.2.3-rc.9", cc, notes.count,
                           &(struct version_options){.versioning = VERSION_PRERELEASE}, &next);
        (void)version_next(notes.count ? texts[0] : "", cc, notes.count,
                           &(struct version_options){.versioning = VERSION_GIT_CLIFF}, &next);
    }
    out_drop(&out);
    for (size_t i = 0; i < notes.count; i++) free(texts[i]);
    return 0;
}
