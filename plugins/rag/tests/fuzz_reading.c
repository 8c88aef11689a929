/* The first byte chooses the format; the rest is a document. Passages must lie in the text. */
#include "../html/html.h"
#include "../reading.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (!size) return 0;
    const enum reading_format format = FORMAT_MARKDOWN + data[0] % 5;
    struct reading reading;
    const struct reading_ask ask = {.name = "fuzz",
                                    .format = format,
                                    .bytes = (const char *)data + 1,
                                    .size = size - 1,
                                    .html = rag_read_html};
    if (!reading_of(&reading, &ask)) {
        size_t seen = 0;
        for (size_t i = 0; i < reading.passage_count; i++) {
            const struct passage *p = &reading.passages[i];
            if (p->text < reading.text || p->text + p->size > reading.text + reading.size) abort();
            if (p->from < 1 || p->to < p->from) abort();
            seen += p->size;
        }
        if (!seen || seen > 2 * reading.size + 1) abort();
    } else if (!reading.error[0]) {
        abort();
    }
    reading_fini(&reading);
    return 0;
}
