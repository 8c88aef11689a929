#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A search is given up after this many steps: hostile text costs time, never a stall. */
enum { MATCH_LIMIT = 200000, DEPTH_LIMIT = 1000, HEAP_LIMIT_KIB = 1024 };

struct patterns {
    size_t count;
    pcre2_match_context *limits;
    _Atomic(pcre2_code *) codes[];
};

struct patterns *patterns_new(size_t count) {
    struct patterns *p = calloc(1, sizeof *p + count * sizeof p->codes[0]);
    if (!p) return NULL;
    p->count = count;
    p->limits = pcre2_match_context_create(NULL);
    if (!p->limits) {
        free(p);
        return NULL;
    }
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KIB);
    return p;
}

void patterns_free(struct patterns *p) {
    if (!p) return;
    for (size_t i = 0; i < p->count; i++) pcre2_code_free(atomic_load(&p->codes[i]));
    pcre2_match_context_free(p->limits);
    free(p);
}

static pcre2_code *compile(const char *source, int *error, size_t *offset) {
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)source, PCRE2_ZERO_TERMINATED,
                                     PCRE2_NEVER_UTF | PCRE2_MULTILINE, error, offset, NULL);
    if (code) (void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); /* without it, it is only slower */
    return code;
}

bool pattern_compiles(const char *source, char why[160]) {
    int error = 0;
    size_t offset = 0;
    pcre2_code *code = compile(source, &error, &offset);
    if (!code) {
        PCRE2_UCHAR text[100];
        pcre2_get_error_message(error, text, sizeof text);
        snprintf(why, 160, "at %zu: %s", offset, (const char *)text);
        return false;
    }
    pcre2_code_free(code);
    return true;
}

static pcre2_code *code_of(struct patterns *p, const struct pattern_source *source) {
    pcre2_code *code = atomic_load_explicit(&p->codes[source->at], memory_order_acquire);
    if (code) return code;
    int error = 0;
    size_t offset = 0;
    pcre2_code *made = compile(source->text, &error, &offset);
    if (!made) return NULL;
    pcre2_code *expected = NULL;
    if (atomic_compare_exchange_strong(&p->codes[source->at], &expected, made)) return made;
    pcre2_code_free(made);
    return expected;
}

static void take_groups(const PCRE2_SIZE *spans, int count, struct pattern_match *match) {
    match->from = match->group_from = spans[0];
    match->to = match->group_to = spans[1];
    match->has_group_2 = count > 2 && spans[4] != PCRE2_UNSET;
    if (match->has_group_2) {
        match->second_from = spans[4];
        match->second_to = spans[5];
    }
    for (int g = 1; g < count; g++)
        if (spans[2 * g] != PCRE2_UNSET && spans[2 * g + 1] > spans[2 * g]) {
            match->group_from = spans[2 * g];
            match->group_to = spans[2 * g + 1];
            return;
        }
}

bool pattern_find(struct patterns *p, const struct pattern_source *source, struct diff_text text,
                  size_t start, struct pattern_match *match) {
    const pcre2_code *code = code_of(p, source);
    if (!code) return false;
    pcre2_match_data *data = pcre2_match_data_create(PATTERN_GROUPS, NULL);
    if (!data) return false;
    const int count = pcre2_match(code, (PCRE2_SPTR)text.at, text.len, start, 0, data, p->limits);
    if (count > 0) take_groups(pcre2_get_ovector_pointer(data), count, match);
    pcre2_match_data_free(data);
    return count > 0;
}
