/* Any bytes as log lines, in a miner so small that it makes room all the time. */
#include "miner.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct miner *miner = miner_new(&(struct miner_limits){.forms = 8, .family_forms = 3});
    const char *p = (const char *)data, *end = p + size;
    while (p < end) {
        const char *next = memchr(p, '\n', (size_t)(end - p));
        const size_t n = next ? (size_t)(next - p) : (size_t)(end - p);
        const uint64_t form = miner_add(miner, p, n);
        if (n % 3 == 0) {
            const struct miner_template *t = miner_template(miner, form);
            if (form && (!t || strlen(t->text) > 2 * MASK_TEXT_BYTES)) abort();
        }
        if (n % 7 == 0) miner_seed(miner, p, n);
        p += n + 1;
    }
    if (miner_size(miner).forms > 16) abort();
    miner_free(miner);
    return 0;
}
