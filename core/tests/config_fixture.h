/* config_fixture.h - configurations from text, and what is found in them. */
#ifndef SLUICE_TESTS_CONFIG_FIXTURE_H
#define SLUICE_TESTS_CONFIG_FIXTURE_H

#include "../config_codes.h"
#include "config_rows_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static inline struct config *configure(const char *text) {
    struct config *config = config_read_text("sluice.yaml", text, strlen(text));
    config_check(config, sample_sections, SAMPLE_SECTIONS);
    return config;
}

static inline void assert_ok(const struct config *config) {
    if (config_ok(config)) return;
    char *report = config_report(config, false);
    fail_msg("%s", report);
}

static inline bool reports(const struct config *config, const char *what) {
    char *report = config_report(config, false);
    bool found = strstr(report, what) != NULL;
    free(report);
    return found;
}

static inline const char *text_at(const struct config *config, const char *pointer) {
    return cJSON_GetStringValue(config_at(config, pointer));
}

static inline double number_at(const struct config *config, const char *pointer) {
    return cJSON_GetNumberValue(config_at(config, pointer));
}

static inline void assert_unsaid(const struct config *config, const char *text,
                                 const char *secret) {
    const struct config_note *notes;
    size_t count = config_notes(config, &notes);
    char *report = config_report(config, true);
    char *shown = config_show(config, sample_sections, SAMPLE_SECTIONS, true);
    cJSON *json = config_show_json(config, sample_sections, SAMPLE_SECTIONS, true);
    char *printed = cJSON_Print(json);
    if (strstr(report, secret)) fail_msg("%s\n%s", text, report);
    if (strstr(shown, secret)) fail_msg("%s\n%s", text, shown);
    if (strstr(printed, secret)) fail_msg("%s\n%s", text, printed);
    for (size_t i = 0; i < count; i++) assert_null(strstr(notes[i].message, secret));
    cJSON_free(printed);
    cJSON_Delete(json);
    free(shown);
    free(report);
}

#endif
