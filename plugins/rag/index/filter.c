/* Which pages a search may find at all. */
#include "search.h"

#include <stdlib.h>
#include <string.h>

static bool bears(const struct page *page, uint32_t label) {
    for (uint32_t i = 0; i < page->label_count; i++)
        if (page->labels[i] == label) return true;
    return false;
}

static bool bears_all(const struct page *page, const uint32_t *labels, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!bears(page, labels[i])) return false;
    return true;
}

/* False: a label that no document bears. */
static bool find_labels(const struct search *s, uint32_t *labels) {
    struct shared *shared = s->question.version->shared;
    bool known = true;
    pthread_rwlock_rdlock(&shared->lock);
    for (size_t i = 0; i < s->query->label_count; i++) {
        const struct rag_text label = s->query->labels[i];
        labels[i] = names_find(&shared->labels, label.at, label.len);
        known &= labels[i] != NAME_NONE;
    }
    pthread_rwlock_unlock(&shared->lock);
    return known;
}

bool search_open(struct search *s) {
    const struct rag_version *v = s->question.version;
    uint32_t labels[RAG_MAX_LABELS];
    const bool none = s->query->label_count > 0 && !find_labels(s, labels);
    for (int k = 0; k < SEGMENTS; k++) {
        const struct segment *segment = v->segments[k];
        if (!segment) continue;
        s->open[k] = calloc(segment->page_count / 64 + 1, sizeof(uint64_t));
        if (!s->open[k]) return false;
        for (uint32_t p = 0; p < segment->page_count && !none; p++)
            if (!(k == 0 && bit_at(v->dead, p)) &&
                bears_all(segment->pages[p], labels, s->query->label_count))
                s->open[k][p / 64] |= 1ULL << p % 64;
    }
    return true;
}
