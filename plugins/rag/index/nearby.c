#include "nearby.h"

#include "dense.h"

#include <stdlib.h>
#include <string.h>

enum { NEAREST = CANDIDATES };

static bool make_room(struct search *s) {
    for (int k = 0; k < SEGMENTS; k++) {
        const struct segment *segment = s->question.version->segments[k];
        if (!segment) continue;
        s->meant[k] = calloc(segment->page_count + 1U, sizeof(float));
        s->meant_unit[k] = calloc(segment->page_count + 1U, sizeof(uint32_t));
        if (!s->meant[k] || !s->meant_unit[k]) return false;
    }
    return true;
}

static void tell(struct search *s, int k, uint32_t page, uint32_t unit, float score) {
    if (!bit_at(s->open[k], page) || !(score > s->meant[k][page])) return;
    s->meant[k][page] = score;
    s->meant_unit[k][page] = unit;
}

/* ---- vectors of our own ---- */

struct view {
    const struct segment *segment;
    const uint64_t *open;
};

static bool may_find(const void *of, uint32_t row) {
    const struct view *v = of;
    return bit_at(v->open, segment_page_of(v->segment, row));
}

static size_t ask_graph(const struct segment *segment, const float *query, struct rag_graph *graph,
                        struct nearest *found) {
    uint32_t numbers[NEAREST];
    float scores[NEAREST];
    const size_t count = segment->graph_face->search(graph, query, numbers, scores, NEAREST);
    for (size_t i = 0; count != SIZE_MAX && i < count; i++)
        found[i] = (struct nearest){numbers[i], scores[i]};
    return count;
}

static int scan(struct search *s, int k) {
    const struct segment *segment = s->question.version->segments[k];
    const struct view view = {segment, s->open[k]};
    struct nearest found[NEAREST];
    struct rag_graph *graph = s->query->label_count ? NULL : atomic_load(&segment->graph);
    const size_t count =
        graph ? ask_graph(segment, s->query->vector, graph, found)
              : vectors_scan(&segment->rows, s->query->vector, may_find, &view, found, NEAREST);
    if (count == SIZE_MAX) return RAG_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const uint32_t page = segment_page_of(segment, found[i].row);
        tell(s, k, page, found[i].row - segment->passage_from[page] + 1, found[i].score);
    }
    return RAG_OK;
}

/* ---- vectors of a service ---- */

static int by_hash(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* `order`: hash and place of each hit from outside, by hash. */
static void look_up(struct search *s, int k, uint32_t page, const uint64_t *order, size_t count) {
    const struct page *p = s->question.version->segments[k]->pages[page];
    const uint64_t wanted = (uint64_t)p->id_hash << 32;
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (order[middle] < wanted)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && order[low] >> 32 == p->id_hash; low++) {
        const struct rag_outside *o = &s->query->outside[(uint32_t)order[low]];
        if (o->document.len == p->id_len && !memcmp(o->document.at, p->id, p->id_len) &&
            o->passage < p->passage_count)
            tell(s, k, page, o->passage + 1, o->score);
    }
}

static int take_outside(struct search *s) {
    size_t count = s->query->outside_count;
    if (count > RAG_MAX_OUTSIDE) count = RAG_MAX_OUTSIDE;
    uint64_t *order = malloc((count + 1) * sizeof *order);
    if (!order) return RAG_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct rag_text id = s->query->outside[i].document;
        order[i] = (uint64_t)id_hash(id.at, id.len) << 32 | i;
    }
    qsort(order, count, sizeof *order, by_hash);
    for (int k = 0; k < SEGMENTS; k++) {
        const struct segment *segment = s->question.version->segments[k];
        for (uint32_t p = 0; segment && p < segment->page_count; p++)
            look_up(s, k, p, order, count);
    }
    free(order);
    return RAG_OK;
}

int nearby_find(struct search *s) {
    if (!s->query->vector && !s->query->outside_count) return RAG_OK;
    if (!make_room(s)) return RAG_NO_MEMORY;
    if (s->query->outside_count) return take_outside(s);
    int rc = RAG_OK;
    for (int k = 0; k < SEGMENTS && !rc; k++)
        if (s->question.version->segments[k] && s->question.version->segments[k]->rows.count)
            rc = scan(s, k);
    return rc;
}

float nearby_of(const struct search *s, struct candidate *c) {
    const struct page *page = c->page;
    const uint32_t dimension = s->question.version->shared->dimension;
    float most = s->meant[c->segment][c->number];
    uint32_t unit = s->meant_unit[c->segment][c->number];
    /* The scan told the nearest only; a candidate that words found has a cosine all the same. */
    for (uint32_t i = 0; s->query->vector && page->vectors && i < page->passage_count; i++) {
        const float score =
            dense_dot(s->query->vector, page->vectors + (size_t)i * dimension, dimension);
        if (score > most) {
            most = score;
            unit = i + 1;
        }
    }
    if (!c->unit) c->unit = unit;
    return most;
}
