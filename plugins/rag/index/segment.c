#include "segment.h"

#include "dense.h"
#include "grow.h"
#include "tf.h"

#include <string.h>

struct segment *segment_get(struct segment *s) {
    if (s) atomic_fetch_add_explicit(&s->references, 1, memory_order_relaxed);
    return s;
}

static void level_fini(struct level *l) {
    free(l->terms);
    free(l->start);
    free(l->unit);
    free(l->tf);
    free(l->length);
}

void segment_put(struct segment *s) {
    if (!s || atomic_fetch_sub_explicit(&s->references, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < s->page_count; i++) page_put(s->pages[i]);
    for (int i = 0; i < LEVELS; i++) level_fini(&s->levels[i]);
    struct rag_graph *graph = atomic_load(&s->graph);
    if (graph) s->graph_face->free(graph);
    meaning_put(s->model);
    free(s->vectors);
    free((void *)(uintptr_t)s->rows.rounded);
    free((void *)(uintptr_t)s->rows.steps);
    free(s->steps);
    free(s->pages);
    free(s->passage_from);
    free(s);
}

uint32_t level_find(const struct level *l, uint32_t term, uint32_t *first) {
    uint32_t low = 0, high = l->term_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (l->terms[middle] < term)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == l->term_count || l->terms[low] != term) return 0;
    *first = l->start[low];
    return l->start[low + 1] - l->start[low];
}

/* Calls for each unit of the level: its number and its content. */
struct turning {
    const struct dictionary *dictionary;
    struct level *level;
    uint32_t *at;  /* by term: postings so far, then the place of the next one */
    float *sum;    /* by term: of the unit in hand; words of one stem add up */
    uint32_t *met; /* terms of the unit in hand */
    float tf[256];
};

static uint32_t add_up(struct turning *t, const struct page *page, const struct unit *unit) {
    uint32_t met = 0;
    for (uint32_t i = unit->from; i < unit->to; i++) {
        const uint32_t term = t->dictionary->word[page->words[i]].term;
        if (term == NAME_NONE) continue;
        if (!(t->sum[term] > 0)) t->met[met++] = term;
        t->sum[term] += t->tf[page->tf[i]];
    }
    return met;
}

static void count_unit(struct turning *t, const struct page *page, uint32_t number, uint32_t unit) {
    const uint32_t met = add_up(t, page, &page->units[unit]);
    for (uint32_t i = 0; i < met; i++) {
        t->at[t->met[i]]++;
        t->sum[t->met[i]] = 0;
    }
    t->level->length[number] = page->units[unit].length;
}

static void place_unit(struct turning *t, const struct page *page, uint32_t number, uint32_t unit) {
    const uint32_t met = add_up(t, page, &page->units[unit]);
    for (uint32_t i = 0; i < met; i++) {
        const uint32_t at = t->at[t->met[i]]++;
        t->level->unit[at] = number;
        t->level->tf[at] = tf_code(t->sum[t->met[i]]);
        t->sum[t->met[i]] = 0;
    }
}

static void each_unit(struct turning *t, const struct segment *s, enum level_name level,
                      void (*take)(struct turning *, const struct page *, uint32_t, uint32_t)) {
    uint32_t number = 0;
    for (uint32_t p = 0; p < s->page_count; p++)
        for (uint32_t u = first_unit(level); u < end_unit(s->pages[p], level); u++)
            take(t, s->pages[p], number++, u);
}

/* Turns counts into places, and keeps the terms that occur. False: memory is out. */
static bool lay_terms(struct turning *t, uint32_t terms) {
    struct level *l = t->level;
    size_t postings = 0;
    for (uint32_t i = 0; i < terms; i++) {
        l->term_count += t->at[i] > 0;
        postings += t->at[i];
    }
    if (postings > UINT32_MAX) return false;
    l->terms = malloc((l->term_count + 1) * sizeof *l->terms);
    l->start = malloc((l->term_count + 1) * sizeof *l->start);
    l->unit = malloc((postings + 1) * sizeof *l->unit);
    l->tf = malloc(postings + 1);
    if (!l->terms || !l->start || !l->unit || !l->tf) return false;
    uint32_t next = 0, place = 0;
    for (uint32_t i = 0; i < terms; i++) {
        const uint32_t here = t->at[i];
        t->at[i] = place;
        if (!here) continue;
        l->terms[next] = i;
        l->start[next++] = place;
        place += here;
    }
    l->start[next] = place;
    return true;
}

static bool turn(const struct dictionary *d, struct segment *s, enum level_name level) {
    const uint32_t terms = d->terms.count;
    struct level *l = &s->levels[level];
    struct turning t = {.dictionary = d,
                        .level = l,
                        .at = calloc(terms + 1U, sizeof *t.at),
                        .sum = calloc(terms + 1U, sizeof *t.sum),
                        .met = malloc((terms + 1U) * sizeof *t.met)};
    tf_table(t.tf);
    l->unit_count = level == PAGES ? s->page_count : s->passage_from[s->page_count];
    l->length = malloc((l->unit_count + 1U) * sizeof *l->length);
    bool done = t.at && t.sum && t.met && l->length;
    if (done) {
        each_unit(&t, s, level, count_unit);
        done = lay_terms(&t, terms);
    }
    if (done) each_unit(&t, s, level, place_unit);
    free(t.at);
    free(t.sum);
    free(t.met);
    return done;
}

static size_t measure(const struct segment *s) {
    size_t bytes = sizeof *s + s->page_count * (sizeof *s->pages + sizeof *s->passage_from);
    for (uint32_t i = 0; i < s->page_count; i++) bytes += s->pages[i]->bytes;
    for (int i = 0; i < LEVELS; i++) {
        const struct level *l = &s->levels[i];
        bytes += l->unit_count * sizeof *l->length + l->term_count * 2 * sizeof *l->terms +
                 l->start[l->term_count] * (sizeof *l->unit + sizeof *l->tf);
    }
    if (s->rows.count) bytes += s->rows.count * (vector_bytes(s->rows.dimension) + sizeof(float));
    if (s->model) bytes += s->page_count * (s->model->dimension + sizeof *s->steps);
    return bytes;
}

static bool place_vectors(const struct dictionary *d, struct segment *s) {
    const uint32_t dimension = s->model->dimension;
    struct meaning_sums sums;
    float *vector = malloc(dimension * sizeof *vector);
    s->vectors = malloc((size_t)s->page_count * dimension + 1);
    s->steps = malloc((s->page_count + 1U) * sizeof *s->steps);
    const bool done = meaning_sums_init(&sums, s->model) && vector && s->vectors && s->steps;
    for (uint32_t i = 0; i < s->page_count && done; i++) {
        meaning_of_page(s->model, d, s->pages[i], &sums, vector);
        s->steps[i] = dense_round(vector, dimension, s->vectors + (size_t)i * dimension);
    }
    meaning_sums_fini(&sums);
    free(vector);
    return done;
}

uint32_t segment_page_of(const struct segment *s, uint32_t passage) {
    uint32_t low = 0, high = s->page_count;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (s->passage_from[middle] <= passage)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static const float *exact_row(const void *of, uint32_t row) {
    const struct segment *s = of;
    const uint32_t page = segment_page_of(s, row);
    return s->pages[page]->vectors + (size_t)(row - s->passage_from[page]) * s->rows.dimension;
}

static bool place_rows(struct segment *s, uint32_t dimension) {
    const uint32_t count = s->passage_from[s->page_count];
    const size_t bytes = vector_bytes(dimension);
    uint8_t *rounded = malloc(count * bytes + 1);
    float *steps = calloc(count + 1U, sizeof *steps);
    s->rows = (struct vector_rows){.rounded = rounded,
                                   .steps = steps,
                                   .count = count,
                                   .dimension = dimension,
                                   .exact = exact_row,
                                   .of = s};
    if (!rounded || !steps) return false;
    memset(rounded, 0, count * bytes);
    for (uint32_t p = 0; p < s->page_count; p++)
        for (uint32_t i = 0; s->pages[p]->vectors && i < s->pages[p]->passage_count; i++) {
            const uint32_t row = s->passage_from[p] + i;
            steps[row] = vector_round(s->pages[p]->vectors + (size_t)i * dimension, dimension,
                                      rounded + row * bytes);
        }
    return true;
}

static bool has_vectors(const struct segment *s) {
    for (uint32_t p = 0; p < s->page_count; p++)
        if (s->pages[p]->vectors) return true;
    return false;
}

struct segment *segment_new(const struct dictionary *d, struct rag_model *model, uint32_t dimension,
                            struct page *const *pages, uint32_t count) {
    struct segment *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->references, 1);
    s->pages = malloc((count + 1U) * sizeof(struct page *));
    s->passage_from = calloc(count + 1U, sizeof *s->passage_from);
    bool done = s->pages && s->passage_from;
    for (uint32_t i = 0; i < count && done; i++) {
        s->pages[s->page_count++] = page_get(pages[i]);
        s->passage_from[i + 1] = s->passage_from[i] + pages[i]->unit_count - 1;
    }
    done = done && turn(d, s, PAGES) && turn(d, s, PASSAGES);
    s->model = meaning_get(model);
    if (done && model) done = place_vectors(d, s);
    if (done && dimension && has_vectors(s)) done = place_rows(s, dimension);
    if (!done) {
        segment_put(s);
        return NULL;
    }
    s->bytes = measure(s);
    return s;
}
