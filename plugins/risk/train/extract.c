/*
 * risk-extract: the features of many changes as CSV, computed by the product's own code, for the
 * training program. Reads JSON lines {"commit", "message", "diff", "buggy", "author_date"} on
 * standard input; writes a header line and one line a change on standard output.
 */
#include "../feature.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct diff_text text_of(const cJSON *row, const char *name) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, name));
    return (struct diff_text){text ? text : "", text ? strlen(text) : 0};
}

static double number_of(const cJSON *row, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void print_row(const cJSON *row, const struct lexicon *lexicon) {
    struct change change;
    change_init(&change, lexicon);
    const struct diff_sink sink = {&change, change_on_file, change_on_hunk, change_on_line,
                                   change_on_file_end};
    struct diff_report report;
    if (diff_read(text_of(row, "diff"), &sink, &report))
        fprintf(stderr, "%s: line %u: %s\n", text_of(row, "commit").at, report.error_line,
                report.error);
    else if (report.note_count)
        fprintf(stderr, "%s: line %u: note: %s\n", text_of(row, "commit").at, report.notes[0].line,
                report.notes[0].text);
    change.message = message_read(text_of(row, "message"));
    change_close(&change);
    double values[FEATURES_MOST];
    features_measure(&(struct feature_input){.change = &change}, values);
    printf("%s,%.0f,%.0f", text_of(row, "commit").at, number_of(row, "author_date"),
           number_of(row, "buggy"));
    for (size_t i = 0; i < feature_count; i++)
        if (isnan(values[i]))
            printf(",");
        else
            printf(",%.10g", values[i]);
    printf("\n");
    change_fini(&change);
}

int main(void) {
    struct lexicon lexicon;
    lexicon_init(&lexicon);
    printf("commit,date,buggy");
    for (size_t i = 0; i < feature_count; i++) printf(",%s", features[i].id);
    printf("\n");
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        cJSON *row = cJSON_Parse(line);
        if (row) print_row(row, &lexicon);
        cJSON_Delete(row);
    }
    free(line);
    return 0;
}
