#include "promql.h"

#include "prometheus_answer.h"

#include <ctype.h>
#include <string.h>

static const char *const markers[] = {"$window", "{{.window}}", "{{ .window }}", "${window}"};

static const char *marker_at(const char *query, size_t *size) {
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
        if (strncmp(query, markers[i], strlen(markers[i])) == 0) {
            *size = strlen(markers[i]);
            return markers[i];
        }
    return NULL;
}

static bool has_marker(const char *query) {
    size_t size;
    for (; *query; query++)
        if (marker_at(query, &size)) return true;
    return false;
}

static void add_with_window(struct text *text, const char *query, int64_t window_ms) {
    char window[32];
    prometheus_duration(window_ms, window);
    while (*query) {
        size_t size;
        if (marker_at(query, &size)) {
            text_add(text, "%s", window);
            query += size;
        } else {
            text_add(text, "%c", *query++);
        }
    }
}

/* The length of `name{...}` or `{...}` or `name` at the start, 0 when there is none. */
static size_t selector_size(const char *query) {
    const char *at = query;
    while (isalnum((unsigned char)*at) || *at == '_' || *at == ':') at++;
    if (*at != '{') return (size_t)(at - query);
    char quote = 0;
    for (at++; *at; at++) {
        if (quote && *at == '\\' && at[1])
            at++;
        else if (quote && *at == quote)
            quote = 0;
        else if (!quote && strchr("\"'`", *at))
            quote = *at;
        else if (!quote && *at == '}')
            return (size_t)(at + 1 - query);
    }
    return 0;
}

static const char *skip_blanks(const char *at) {
    while (isspace((unsigned char)*at)) at++;
    return at;
}

/* The selector that is the whole query, or stands alone in sum(...). */
static bool lone_selector(const char *query, const char **selector, size_t *size) {
    const char *at = skip_blanks(query);
    const bool summed = strncmp(at, "sum", 3) == 0 && *skip_blanks(at + 3) == '(';
    if (summed) at = skip_blanks(skip_blanks(at + 3) + 1);
    *size = selector_size(at);
    *selector = at;
    if (!*size) return false;
    const char *rest = skip_blanks(at + *size);
    if (summed && *rest == ')')
        rest = skip_blanks(rest + 1);
    else if (summed)
        return false;
    return !*rest;
}

/* A query per second becomes a count by the window's length. */
static bool is_per_second(const char *query) {
    return (strstr(query, "rate(") || strstr(query, "rate (")) && !strstr(query, "increase");
}

/* The number of events within the window. */
static void add_count(struct text *text, const char *query, int64_t window_ms) {
    char window[32];
    prometheus_duration(window_ms, window);
    const char *selector;
    size_t size;
    if (has_marker(query)) {
        text_add(text, "(sum(");
        add_with_window(text, query, window_ms);
        text_add(text, is_per_second(query) ? ") * %.15g)" : "))", (double)window_ms / 1000);
    } else if (lone_selector(query, &selector, &size)) {
        text_add(text, "sum(increase(%.*s[%s]))", (int)size, selector, window);
    } else {
        text_add(text, "sum(increase((%s)[%s:1m]))", query, window);
    }
}

static void event_errors(struct text *text, const struct objective *o, int64_t window_ms) {
    text_add(text, "(");
    if (o->good) {
        add_count(text, o->total, window_ms);
        text_add(text, " - (");
        add_count(text, o->good, window_ms);
        text_add(text, " or vector(0))");
    } else {
        add_count(text, o->errors, window_ms);
        text_add(text, " or vector(0)");
    }
    text_add(text, ")");
}

/* The error ratio of one slice; without traffic there is none. */
static void slice_ratio(struct text *text, const struct objective *o) {
    if (o->ratio) {
        text_add(text, "(");
        add_with_window(text, o->ratio, o->slice_ms);
        text_add(text, ")");
        return;
    }
    text_add(text, "(");
    event_errors(text, o, o->slice_ms);
    text_add(text, " / (");
    add_count(text, o->total, o->slice_ms);
    text_add(text, " > 0))");
}

static void add_value(struct text *text, const struct objective *o) {
    text_add(text, "(");
    add_with_window(text, o->value, o->slice_ms);
    text_add(text, ")");
}

/* 1 for a bad slice, 0 for a good one. */
static void slice_is_bad(struct text *text, const struct objective *o) {
    static const char *const opposite[][2] = {
        {"lt", ">="}, {"lte", ">"}, {"gt", "<="}, {"gte", "<"}};
    if (!o->value) {
        text_add(text, "((1 - ");
        slice_ratio(text, o);
        text_add(text, ") < bool %.15g)", o->slice_target);
        return;
    }
    size_t i = 0;
    while (i < 3 && strcmp(opposite[i][0], o->op) != 0) i++;
    text_add(text, "(");
    add_value(text, o);
    text_add(text, " %s bool %.15g)", opposite[i][1], o->threshold);
}

/* over_time over a subquery at the slice's resolution; sum() drops labels. */
static void over_slices(struct text *text, const struct objective *o, int64_t window_ms,
                        const char *function,
                        void (*inner)(struct text *, const struct objective *)) {
    char window[32], slice[32];
    prometheus_duration(window_ms, window);
    prometheus_duration(o->slice_ms, slice);
    text_add(text, "sum(%s(", function);
    inner(text, o);
    text_add(text, "[%s:%s]))", window, slice);
}

static void slice_measure(struct text *text, const struct objective *o) {
    if (o->value)
        add_value(text, o);
    else
        slice_ratio(text, o);
}

void promql_errors(struct text *text, const struct objective *o, int64_t window_ms) {
    if (o->method == METHOD_SLICES) {
        over_slices(text, o, window_ms, "sum_over_time", slice_is_bad);
    } else if (o->method == METHOD_RATIO_SLICES) {
        over_slices(text, o, window_ms, "sum_over_time", slice_measure);
    } else if (o->ratio) {
        text_add(text, "(");
        add_with_window(text, o->ratio, window_ms);
        text_add(text, ")");
    } else {
        event_errors(text, o, window_ms);
    }
}

void promql_total(struct text *text, const struct objective *o, int64_t window_ms) {
    if (o->method != METHOD_EVENTS) {
        over_slices(text, o, window_ms, "count_over_time", slice_measure);
    } else if (o->ratio) {
        text_add(text, "((");
        add_with_window(text, o->ratio, window_ms);
        text_add(text, ") * 0 + 1)");
    } else {
        add_count(text, o->total, window_ms);
    }
}

void promql_windows(struct text *text, const struct objective *o, const int64_t *windows_ms,
                    size_t count) {
    for (size_t i = 0; i < count; i++) {
        text_add(text, "%slabel_replace(", i ? " or " : "");
        promql_errors(text, o, windows_ms[i]);
        text_add(text, ", \"part\", \"e%zu\", \"\", \"\") or label_replace(", i);
        promql_total(text, o, windows_ms[i]);
        text_add(text, ", \"part\", \"t%zu\", \"\", \"\")", i);
    }
}
