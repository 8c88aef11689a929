/* fuzz_yaml.c - the whole way of a configuration: text, tree, variables, check, report, show.
 *
 * What is valid must read back from what is shown, with the same meaning, unless it has secrets. */
#include "config_rows_sample.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct config *configure(const char *text, size_t size) {
    struct config *config = config_read_text("fuzz.yaml", text, size);
    config_check(config, sample_sections, SAMPLE_SECTIONS);
    return config;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* Files of this machine are no part of the input. */
    if (memmem(data, size, "file:", 5) || memmem(data, size, "include", 7)) return 0;
    struct config *config = configure((const char *)data, size);
    char *report = config_report(config, size & 1);
    char *shown = config_show(config, sample_sections, SAMPLE_SECTIONS, true);
    if (config_ok(config) && !strstr(shown, "***") && strlen(shown) < (1 << 20)) {
        struct config *again = configure(shown, strlen(shown));
        if (!config_ok(again) || strcmp(config_hash(config), config_hash(again)) != 0) abort();
        config_free(again);
    }
    free(shown);
    free(report);
    config_free(config);
    return 0;
}
