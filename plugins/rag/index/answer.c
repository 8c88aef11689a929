#include "answer.h"

#include "evidence.h"

#include <stdlib.h>
#include <string.h>

struct found {
    const struct candidate *candidate;
    uint32_t passage;
    float score, share; /* share: of this passage's BM25, of the best one's */
};

static uint32_t passage_of(const struct page *page, uint32_t unit) {
    if (!page->passage_count) return RAG_ANCHOR;
    return unit > 0 && unit <= page->passage_count ? unit - 1 : 0;
}

/* A further passage has its document's score, less what it is worse as a passage. */
static struct found further(const struct search *s, const struct candidate *c, uint32_t unit) {
    const struct segment *segment = s->question.version->segments[c->segment];
    const float *sums = s->sums[PASSAGES][c->segment] + segment->passage_from[c->number];
    const float whole = s->whole_weight;
    const float best = c->unit ? sums[c->unit - 1] : 0;
    const float share = best > 0 ? c->parts.passage * sums[unit - 1] / best : 0;
    return (struct found){.candidate = c,
                          .passage = unit - 1,
                          .score = c->score - (c->parts.passage - share) / whole,
                          .share = share};
}

static void insert(struct found *list, size_t *count, size_t room, struct found f) {
    size_t at = *count < room ? (*count)++ : room - 1;
    if (at == room - 1 && *count == room && list[at].candidate && !(list[at].share < f.share))
        return;
    for (; at > 0 && list[at - 1].share < f.share; at--) list[at] = list[at - 1];
    list[at] = f;
}

/* The passages of one document beside its best one, best first. */
static size_t find_further(const struct search *s, const struct candidate *c, size_t room,
                           struct found *out) {
    size_t count = 0;
    const uint32_t shown = passage_of(c->page, c->unit);
    for (uint32_t u = 1; room > 0 && u <= c->page->passage_count; u++) {
        const struct found f = further(s, c, u);
        if (f.share > 0 && f.passage != shown) insert(out, &count, room, f);
    }
    return count;
}

static int best_first(const void *a, const void *b) {
    const struct found *x = a, *y = b;
    if (x->score < y->score || x->score > y->score) return x->score < y->score ? 1 : -1;
    const int order = strcmp(x->candidate->page->id, y->candidate->page->id);
    return order ? order : x->passage < y->passage ? -1 : x->passage > y->passage;
}

static size_t choose(const struct search *s, size_t wanted, struct found *out) {
    size_t each = s->query->per_document ? s->query->per_document : 1;
    if (each > wanted) each = wanted;
    size_t count = 0;
    for (uint32_t i = 0; i < s->count && i < wanted; i++) {
        const struct candidate *c = &s->candidates[i];
        out[count++] = (struct found){.candidate = c,
                                      .passage = passage_of(c->page, c->unit),
                                      .score = c->score,
                                      .share = c->parts.passage};
        memset(out + count, 0, (each - 1) * sizeof *out);
        count += find_further(s, c, each - 1, out + count);
    }
    qsort(out, count, sizeof *out, best_first);
    return count < wanted ? count : wanted;
}

static struct rag_result *write_down(const struct found *found, size_t count) {
    size_t bytes = sizeof(struct rag_result) + count * sizeof(struct rag_hit);
    for (size_t i = 0; i < count; i++)
        bytes += found[i].candidate->page->id_len + 1U; // ends in NUL
    struct rag_result *r = calloc(1, bytes);
    if (!r) return NULL;
    struct rag_hit *hits = (struct rag_hit *)(void *)(r + 1);
    char *ids = (char *)(hits + count);
    for (size_t i = 0; i < count; i++) {
        const struct page *page = found[i].candidate->page;
        memcpy(ids, page->id, page->id_len);
        hits[i] = (struct rag_hit){.document = {ids, page->id_len},
                                   .passage = found[i].passage,
                                   .score = found[i].score,
                                   .parts = found[i].candidate->parts};
        hits[i].parts.passage = found[i].share;
        ids += page->id_len + 1;
    }
    r->count = count;
    r->hits = hits;
    return r;
}

struct rag_result *answer_of(const struct search *s) {
    size_t wanted = s->query->count ? s->query->count : 10;
    if (wanted > RAG_MAX_HITS) wanted = RAG_MAX_HITS;
    const size_t each = s->query->per_document ? s->query->per_document : 1;
    struct found *found = calloc(wanted * (each < wanted ? each : wanted), sizeof *found);
    if (!found) return NULL;
    struct rag_result *r = write_down(found, choose(s, wanted, found));
    free(found);
    if (!r) return NULL;
    evidence_of(s, &r->evidence);
    r->method = s->method;
    return r;
}
