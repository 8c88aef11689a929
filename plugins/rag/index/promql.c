#include "promql.h"

#include <stdlib.h>
#include <string.h>

/* Functions, aggregations and keywords of Prometheus 2.53 (prometheus.io/docs/prometheus/latest/
 * querying/functions and operators); in order, for bsearch. */
static const char *const grammar[] = {
    "abs",
    "absent",
    "absent_over_time",
    "acos",
    "acosh",
    "and",
    "asin",
    "asinh",
    "atan",
    "atan2",
    "atanh",
    "avg",
    "avg_over_time",
    "bool",
    "bottomk",
    "by",
    "ceil",
    "changes",
    "clamp",
    "clamp_max",
    "clamp_min",
    "cos",
    "cosh",
    "count",
    "count_over_time",
    "count_values",
    "day_of_month",
    "day_of_week",
    "day_of_year",
    "days_in_month",
    "deg",
    "delta",
    "deriv",
    "e",
    "exp",
    "floor",
    "group",
    "group_left",
    "group_right",
    "histogram_avg",
    "histogram_count",
    "histogram_fraction",
    "histogram_quantile",
    "histogram_stddev",
    "histogram_stdvar",
    "histogram_sum",
    "holt_winters",
    "hour",
    "idelta",
    "ignoring",
    "inf",
    "increase",
    "irate",
    "label_join",
    "label_replace",
    "last_over_time",
    "le",
    "limitk",
    "ln",
    "log10",
    "log2",
    "mad_over_time",
    "max",
    "max_over_time",
    "min",
    "min_over_time",
    "minute",
    "month",
    "nan",
    "offset",
    "on",
    "or",
    "pi",
    "predict_linear",
    "present_over_time",
    "quantile",
    "quantile_over_time",
    "rad",
    "rate",
    "resets",
    "round",
    "scalar",
    "sgn",
    "sin",
    "sinh",
    "sort",
    "sort_by_label",
    "sort_by_label_desc",
    "sort_desc",
    "sqrt",
    "stddev",
    "stddev_over_time",
    "stdvar",
    "stdvar_over_time",
    "sum",
    "sum_over_time",
    "tan",
    "tanh",
    "time",
    "timestamp",
    "topk",
    "unless",
    "vector",
    "without",
    "year",
};

struct key {
    const char *at;
    size_t len;
};

static int compare(const void *key, const void *entry) {
    const struct key *k = key;
    const char *word = *(const char *const *)entry;
    const int order = strncmp(k->at, word, k->len);
    return order ? order : word[k->len] ? -1 : 0;
}

static bool is_grammar(const char *at, size_t len) {
    const struct key key = {at, len};
    return bsearch(&key, grammar, sizeof grammar / sizeof grammar[0], sizeof grammar[0], compare) !=
           NULL;
}

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == ':';
}

static size_t name_end(const char *text, size_t at, size_t len) {
    while (at < len && is_name(text[at])) at++;
    return at;
}

static size_t skip_space(const char *text, size_t at, size_t len) {
    while (at < len && (text[at] == ' ' || text[at] == '\t' || text[at] == '\n')) at++;
    return at;
}

struct signs {
    unsigned calls, selectors, ranges, comparisons;
};

/* Signs of an expression: rate(…, up{job="x"}, [5m], == 0. Prose has at most one of them. */
static struct signs count_signs(const char *text, size_t len) {
    struct signs s = {0};
    for (size_t i = 0; i < len;) {
        const size_t end = name_end(text, i, len);
        if (end == i) {
            const bool next_is = i + 1 < len && text[i + 1] == '=';
            s.ranges += text[i] == '[' && i + 2 < len && text[i + 1] >= '0' && text[i + 1] <= '9';
            const bool orders = text[i] == '<' || text[i] == '>';
            s.comparisons += orders || ((text[i] == '=' || text[i] == '!') && next_is);
            i += next_is ? 2 : 1;
            continue;
        }
        const size_t after = skip_space(text, end, len);
        s.calls += after < len && text[after] == '(' && is_grammar(text + i, end - i);
        s.selectors += end < len && text[end] == '{';
        i = end;
    }
    return s;
}

static bool looks_like_promql(const char *text, size_t len) {
    const struct signs s = count_signs(text, len);
    const int kinds = (s.calls > 0) + (s.selectors > 0) + (s.ranges > 0) + (s.comparisons > 0);
    return kinds >= 2 || s.calls >= 2 || (s.selectors > 0 && memchr(text, '=', len));
}

/* Is the name at from..end the name of a label: job="x", reason=~"…"? */
static bool is_label(const char *text, size_t end, size_t len) {
    const size_t at = skip_space(text, end, len);
    if (at + 1 >= len) return false;
    if (text[at] == '=') return text[at + 1] != '=';
    return text[at] == '!' && (text[at + 1] == '=' || text[at + 1] == '~');
}

static bool is_list(const char *at, size_t len) {
    static const char *const words[] = {"by",       "on",         "without",
                                        "ignoring", "group_left", "group_right"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == len && !memcmp(words[i], at, len)) return true;
    return false;
}

/* End of the list of labels that follows `by` and its like. */
static size_t list_end(const char *text, size_t end, size_t len) {
    const size_t at = skip_space(text, end, len);
    if (at >= len || text[at] != '(') return end;
    const char *close = memchr(text + at, ')', len - at);
    return close ? (size_t)(close - text) : len;
}

static size_t string_end(const char *text, size_t at, size_t len) {
    const char quote = text[at++];
    while (at < len && text[at] != quote) at += text[at] == '\\' && at + 1 < len ? 2 : 1;
    return at < len ? at + 1 : len;
}

/* Labels that say where a sample was taken, not what it is about. */
static bool is_origin(const char *at, size_t len) {
    static const char *const words[] = {"device",     "endpoint",  "fstype",
                                        "instance",   "job",       "metrics_path",
                                        "mountpoint", "namespace", "exported_namespace"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strlen(words[i]) == len && !memcmp(words[i], at, len)) return true;
    return false;
}

/* The strip in hand. `up` alone says nothing: then what is up is said by the labels of origin. */
struct strip {
    const char *text;
    size_t len;
    char *out;
    bool origins; /* keep the values of origin */
    bool named;   /* a metric beside `up` was met */
};

static void keep(const struct strip *s, size_t from, size_t to) {
    memcpy(s->out + from, s->text + from, to - from);
}

/* job="x": the name goes, the value stays unless it is an origin. Returns where it ends. */
static size_t strip_matcher(const struct strip *s, size_t from, size_t end) {
    size_t at = skip_space(s->text, end, s->len);
    while (at < s->len && (s->text[at] == '=' || s->text[at] == '!' || s->text[at] == '~')) at++;
    at = skip_space(s->text, at, s->len);
    if (at >= s->len || (s->text[at] != '"' && s->text[at] != '\'')) return at;
    const size_t close = string_end(s->text, at, s->len);
    if (s->origins || !is_origin(s->text + from, end - from)) keep(s, at, close);
    return close;
}

static size_t strip_name(struct strip *s, size_t from, size_t end) {
    const size_t len = end - from;
    if (is_list(s->text + from, len)) return list_end(s->text, end, s->len);
    if (is_label(s->text, end, s->len)) return strip_matcher(s, from, end);
    if ((s->text[from] >= '0' && s->text[from] <= '9') || is_grammar(s->text + from, len))
        return end;
    s->named |= len != 2 || memcmp(s->text + from, "up", 2) != 0;
    keep(s, from, end);
    return end;
}

static void strip(struct strip *s) {
    memset(s->out, ' ', s->len);
    for (size_t i = 0; i < s->len;) {
        const char c = s->text[i];
        const size_t end = name_end(s->text, i, s->len);
        const char *close =
            c == '[' || c == '#' ? memchr(s->text + i, c == '[' ? ']' : '\n', s->len - i) : NULL;
        if (end > i) {
            i = strip_name(s, i, end);
        } else if (c == '"' || c == '\'' || c == '`') {
            const size_t stop = string_end(s->text, i, s->len);
            keep(s, i, stop);
            i = stop;
        } else {
            i = close ? (size_t)(close - s->text) : i + 1;
        }
    }
}

bool promql_strip(const char *text, size_t len, char *out) {
    if (!looks_like_promql(text, len)) return false;
    struct strip s = {.text = text, .len = len, .out = out};
    strip(&s);
    s.origins = !s.named;
    if (s.origins) strip(&s);
    return true;
}
