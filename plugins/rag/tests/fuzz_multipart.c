/* The first line is the content type, the rest the body. Parts must lie in the body. */
#include "../multipart.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const uint8_t *nl = memchr(data, '\n', size);
    if (!nl) return 0;
    struct pool pool = {0};
    struct multipart parts;
    const char *type = pool_strndup(&pool, (const char *)data, (size_t)(nl - data));
    const char *body = (const char *)nl + 1;
    const size_t body_size = size - (size_t)(nl + 1 - data);
    if (multipart_read(&parts, &pool, type, body, body_size)) {
        if (!parts.error[0]) abort();
    } else {
        for (size_t i = 0; i < parts.count; i++) {
            const struct part *part = &parts.parts[i];
            if (!part->name || part->data < body || part->data + part->size > body + body_size)
                abort();
        }
    }
    pool_fini(&pool);
    return 0;
}
