/* Any bytes as a shared object: nothing outside of them is read. */
#include "plugin_elf.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void told(void *arg, enum elf_fact fact, const char *text) {
    (void)fact;
    *(size_t *)arg += strlen(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    size_t total = 0;
    plugin_elf_read(bytes, size, told, &total);
    return 0;
}
