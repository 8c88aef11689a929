#include "metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SERIES_MAX = 1000, LABELS_MAX = 8, NAME_SLOTS = 64 /* a power of two */ };

struct metric_series {
    struct metric_series *next;
    struct metric *metric;
    char *values;     /* as its first user gave them: `HIGH|model` */
    char *labels;     /* `level="HIGH",method="model"`, or "" */
    double value;     /* counter, gauge; histogram: sum */
    uint64_t count;   /* histogram */
    uint64_t *bucket; /* histogram: each counts its own interval */
};

struct metric {
    struct metric *next, *next_in_slot;
    char *name, *help;
    char *label[LABELS_MAX];
    unsigned label_count, series_count;
    uint32_t type;
    double *bounds;
    unsigned bound_count;
    struct metric_series *series, *overflow;
};

struct metrics {
    struct metric *first;
    struct metric *by_name[NAME_SLOTS];
};

static const double default_bounds[] = {.001, .0025, .005, .01, .025, .05, .1,
                                        .25,  .5,    1,    2.5, 5,    10,  0};

struct metrics *metrics_new(void) {
    return calloc(1, sizeof(struct metrics));
}

static void series_free(struct metric_series *series) {
    while (series) {
        struct metric_series *next = series->next;
        free(series->values);
        free(series->labels);
        free(series->bucket);
        free(series);
        series = next;
    }
}

void metrics_free(struct metrics *metrics) {
    while (metrics && metrics->first) {
        struct metric *metric = metrics->first;
        metrics->first = metric->next;
        series_free(metric->series);
        for (unsigned i = 0; i < metric->label_count; i++) free(metric->label[i]);
        free(metric->bounds);
        free(metric->name);
        free(metric->help);
        free(metric);
    }
    free(metrics);
}

static unsigned slot_of(const char *name) {
    unsigned hash = 0;
    for (; *name; name++) hash = hash * 31 + (unsigned char)*name;
    return hash % NAME_SLOTS;
}

static void split_labels(struct metric *metric, const char *labels) {
    while (labels && *labels && metric->label_count < LABELS_MAX) {
        size_t size = strcspn(labels, ",");
        metric->label[metric->label_count++] = strndup(labels, size);
        labels += size + (labels[size] == ',');
    }
}

struct metric *metrics_declare(struct metrics *metrics, const sl_metric *row) {
    struct metric *known = metrics_find(metrics, row->name);
    if (known) return known;
    struct metric *metric = calloc(1, sizeof *metric);
    metric->name = strdup(row->name);
    metric->help = strdup(row->help ? row->help : "");
    metric->type = row->type;
    split_labels(metric, row->labels);
    if (row->type == SL_HISTOGRAM) {
        const double *bounds = row->buckets ? row->buckets : default_bounds;
        while (bounds[metric->bound_count] != 0) metric->bound_count++;
        metric->bounds = calloc(metric->bound_count, sizeof(double));
        memcpy(metric->bounds, bounds, metric->bound_count * sizeof(double));
    }
    struct metric **at = &metrics->first; /* by name, as the text shows them */
    while (*at && strcmp((*at)->name, metric->name) < 0) at = &(*at)->next;
    metric->next = *at;
    *at = metric;
    struct metric **slot = &metrics->by_name[slot_of(metric->name)];
    metric->next_in_slot = *slot;
    *slot = metric;
    return metric;
}

struct metric *metrics_find(const struct metrics *metrics, const char *name) {
    struct metric *metric = metrics->by_name[slot_of(name)];
    while (metric && strcmp(metric->name, name) != 0) metric = metric->next_in_slot;
    return metric;
}

/* `a|b` -> `level="a",method="b"` with escapes. */
static void write_labels(const struct metric *metric, const char *values, char *out, size_t room) {
    size_t at = 0;
    out[0] = 0;
    for (unsigned i = 0; i < metric->label_count && at + 8 < room; i++) {
        int size = snprintf(out + at, room - at, "%s%s=\"", i ? "," : "", metric->label[i]);
        at += (size_t)size < room - at ? (size_t)size : room - at - 1;
        for (; values && *values && *values != '|' && at + 4 < room; values++) {
            if (*values == '"' || *values == '\\' || *values == '\n') out[at++] = '\\';
            out[at++] = *values == '\n' ? 'n' : *values;
        }
        while (values && *values && *values != '|') values++;
        if (values && *values == '|') values++;
        if (at + 1 < room) out[at++] = '"';
        out[at] = 0;
    }
}

static struct metric_series *series_new(struct metric *metric, const char *values,
                                        const char *labels) {
    struct metric_series *series = calloc(1, sizeof *series);
    series->metric = metric;
    series->values = strdup(values);
    series->labels = strdup(labels);
    if (metric->type == SL_HISTOGRAM)
        series->bucket = calloc(metric->bound_count + 1, sizeof(uint64_t));
    series->next = metric->series;
    metric->series = series;
    metric->series_count++;
    return series;
}

struct metric_series *metric_series(struct metric *metric, const char *values) {
    if (!values) values = "";
    for (struct metric_series *series = metric->series; series; series = series->next)
        if (strcmp(series->values, values) == 0) return series;
    /* New, or one that is known written in another way. */
    char labels[512];
    write_labels(metric, values, labels, sizeof labels);
    for (struct metric_series *series = metric->series; series; series = series->next)
        if (strcmp(series->labels, labels) == 0) return series;
    if (metric->series_count < SERIES_MAX) return series_new(metric, values, labels);
    if (!metric->overflow) {
        static const char others[] = "other|other|other|other|other|other|other|other";
        write_labels(metric, others, labels, sizeof labels);
        metric->overflow = series_new(metric, others, labels);
    }
    return metric->overflow;
}

void metric_add(struct metric_series *series, double add) {
    series->value += add;
}

void metric_set(struct metric_series *series, double value) {
    series->value = value;
}

void metric_observe(struct metric_series *series, double value) {
    const struct metric *metric = series->metric;
    unsigned i = 0;
    while (i < metric->bound_count && value > metric->bounds[i]) i++;
    if (series->bucket) series->bucket[i]++;
    series->value += value;
    series->count++;
}

static FILE *text_open(char **text, size_t *size) {
    FILE *out = open_memstream(text, size);
    if (!out) abort();
    return out;
}

static void write_number(FILE *out, double value) {
    if (isnan(value))
        fputs("NaN", out);
    else if (isinf(value))
        fputs(value > 0 ? "+Inf" : "-Inf", out);
    else if (value == floor(value) && fabs(value) < 1e15)
        fprintf(out, "%.0f", value);
    else
        fprintf(out, "%.17g", value);
}

static void write_histogram(FILE *out, const struct metric_series *series) {
    const struct metric *metric = series->metric;
    const char *comma = *series->labels ? "," : "";
    uint64_t sum = 0;
    for (unsigned i = 0; i < metric->bound_count; i++) {
        sum += series->bucket[i];
        fprintf(out, "sluice_%s_bucket{%s%sle=\"%g\"} %llu\n", metric->name, series->labels, comma,
                metric->bounds[i], (unsigned long long)sum);
    }
    fprintf(out, "sluice_%s_bucket{%s%sle=\"+Inf\"} %llu\n", metric->name, series->labels, comma,
            (unsigned long long)series->count);
    const char *open = *series->labels ? "{" : "", *close = *series->labels ? "}" : "";
    fprintf(out, "sluice_%s_sum%s%s%s ", metric->name, open, series->labels, close);
    write_number(out, series->value);
    fprintf(out, "\nsluice_%s_count%s%s%s %llu\n", metric->name, open, series->labels, close,
            (unsigned long long)series->count);
}

static void write_metric(FILE *out, const struct metric *metric, bool openmetrics) {
    static const char *const types[] = {"untyped", "counter", "gauge", "histogram"};
    size_t size = strlen(metric->name);
    /* OpenMetrics names a counter's family without its _total */
    if (openmetrics && metric->type == SL_COUNTER && size > 6 &&
        strcmp(metric->name + size - 6, "_total") == 0)
        size -= 6;
    fprintf(out, "# HELP sluice_%.*s %s\n", (int)size, metric->name, metric->help);
    fprintf(out, "# TYPE sluice_%.*s %s\n", (int)size, metric->name, types[metric->type & 3]);
    for (const struct metric_series *series = metric->series; series; series = series->next) {
        if (metric->type == SL_HISTOGRAM) {
            write_histogram(out, series);
            continue;
        }
        const char *open = *series->labels ? "{" : "", *close = *series->labels ? "}" : "";
        fprintf(out, "sluice_%s%s%s%s ", metric->name, open, series->labels, close);
        write_number(out, series->value);
        fputc('\n', out);
    }
}

char *metrics_text(const struct metrics *metrics, bool openmetrics, size_t *size) {
    char *text = NULL;
    FILE *out = text_open(&text, size);
    for (const struct metric *metric = metrics->first; metric; metric = metric->next)
        if (metric->series) write_metric(out, metric, openmetrics);
    if (openmetrics) fputs("# EOF\n", out);
    fclose(out);
    return text;
}

double metric_value(const struct metrics *metrics, const char *series) {
    size_t size;
    char *text = metrics_text(metrics, false, &size);
    double value = NAN;
    size_t name_size = strlen(series);
    for (char *line = text; line && *line;) {
        if (strncmp(line, series, name_size) == 0 && line[name_size] == ' ')
            value = strtod(line + name_size + 1, NULL);
        line = strchr(line, '\n');
        if (line) line++;
    }
    free(text);
    return value;
}
