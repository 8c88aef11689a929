#include "page.h"

#include "grow.h"
#include "tf.h"

#include <math.h>
#include <string.h>

void page_maker_fini(struct page_maker *m) {
    free(m->tf);
    free(m->whole);
    free(m->met);
    free(m->met_whole);
    free(m->words);
    free(m->codes);
    free(m->runs);
    free(m->met_runs);
    *m = (struct page_maker){0};
}

struct page *page_get(struct page *p) {
    atomic_fetch_add_explicit(&p->references, 1, memory_order_relaxed);
    return p;
}

void page_put(struct page *p) {
    if (!p || atomic_fetch_sub_explicit(&p->references, 1, memory_order_acq_rel) != 1) return;
    free(p);
}

/* ---- counting words ---- */

static bool room_for(float **at, uint32_t *room, uint32_t word) {
    const uint32_t before = *room;
    if (!grow(at, room, word + 1, sizeof **at)) return false;
    if (*room > before) memset(*at + before, 0, (*room - before) * sizeof **at);
    return true;
}

/* All room first, so that running out of memory leaves nothing half counted. */
static bool make_room(struct page_maker *m, uint32_t word) {
    return room_for(&m->tf, &m->tf_room, word) && room_for(&m->whole, &m->whole_room, word) &&
           grow(&m->met, &m->met_room, m->met_count + 1, sizeof *m->met) &&
           grow(&m->met_whole, &m->met_whole_room, m->met_whole_count + 1, sizeof *m->met_whole);
}

/* Only what is new is written, and only then readers wait. */
static uint32_t word_of(struct page_maker *m, const char *text, size_t len, enum token_kind kind) {
    uint32_t word = dictionary_find(m->dictionary, text, len, kind);
    if (word != NAME_NONE) return word;
    pthread_rwlock_wrlock(m->lock);
    word = dictionary_add(m->dictionary, text, len, kind);
    pthread_rwlock_unlock(m->lock);
    return word;
}

static void take_token(void *to, const char *text, size_t len, enum token_kind kind) {
    struct page_maker *m = to;
    const uint32_t word = m->failed ? NAME_NONE : word_of(m, text, len, kind);
    m->failed |= word == NAME_NONE || !make_room(m, word);
    if (m->failed) return;
    if (m->weight > 0 && !(m->tf[word] > 0)) m->met[m->met_count++] = word;
    if (m->whole_weight > 0 && !(m->whole[word] > 0)) m->met_whole[m->met_whole_count++] = word;
    m->tf[word] += m->weight;
    m->whole[word] += m->whole_weight;
}

static void read_text(struct page_maker *m, struct rag_text text, float weight, float whole) {
    struct analysis about;
    m->weight = weight;
    m->whole_weight = whole;
    analyse(text.at, text.len, take_token, m, &about);
}

static void count_runs(struct page_maker *m, const struct word *word, float times) {
    const uint32_t *runs = m->dictionary->grams_of + word->gram_from;
    for (uint32_t i = 0; i < word->grams && !m->failed; i++) {
        m->failed |=
            !room_for(&m->runs, &m->runs_room, runs[i]) ||
            !grow(&m->met_runs, &m->met_runs_room, m->met_runs_count + 1, sizeof *m->met_runs);
        if (m->failed) return;
        if (!(m->runs[runs[i]] > 0)) m->met_runs[m->met_runs_count++] = runs[i];
        m->runs[runs[i]] += times;
    }
}

static float length_of_runs(struct page_maker *m) {
    double square = 0;
    for (uint32_t i = 0; i < m->met_runs_count; i++) {
        const float weight = 1 + logf(m->runs[m->met_runs[i]]);
        square += (double)weight * (double)weight;
        m->runs[m->met_runs[i]] = 0;
    }
    m->met_runs_count = 0;
    return (float)sqrt(square);
}

/* Moves the counts into a unit of the page, and empties them. */
static void close_unit(struct page_maker *m, float *tf, uint32_t *met, uint32_t *count,
                       struct unit *unit) {
    unit->from = m->words_count;
    m->failed |= !grow(&m->words, &m->words_room, m->words_count + *count, sizeof *m->words) ||
                 !grow(&m->codes, &m->codes_room, m->words_count + *count, sizeof *m->codes);
    for (uint32_t i = 0; i < *count; i++) {
        const struct word *word = &m->dictionary->word[met[i]];
        const float times = tf[met[i]];
        tf[met[i]] = 0;
        if (m->failed) continue;
        m->words[m->words_count] = met[i];
        m->codes[m->words_count++] = tf_code(times);
        if (word->term != NAME_NONE) unit->length += times;
        count_runs(m, word, times);
    }
    *count = 0;
    unit->letters = length_of_runs(m);
    unit->to = m->words_count;
}

static bool same_text(struct rag_text a, struct rag_text b) {
    return a.len == b.len && (!a.len || !memcmp(a.at, b.at, a.len));
}

static void read_units(struct page_maker *m, const struct rag_document *d, struct unit *units) {
    const struct rag_tuning *t = m->tuning;
    read_text(m, d->title, 0, t->page_title);
    struct rag_text before = {0};
    for (size_t i = 0; i < d->passage_count && !m->failed; i++) {
        const struct rag_passage *p = &d->passages[i];
        const bool again = i > 0 && same_text(before, p->heading);
        read_text(m, d->title, t->title, 0);
        read_text(m, p->heading, t->heading, again ? 0 : 1);
        read_text(m, p->text, 1, 1);
        before = p->heading;
        close_unit(m, m->tf, m->met, &m->met_count, &units[i + 1]);
    }
    if (d->anchor_count) {
        read_text(m, d->title, t->title, 0);
        for (size_t i = 0; i < d->anchor_count; i++) read_text(m, d->anchors[i], 1, 1);
        close_unit(m, m->tf, m->met, &m->met_count, &units[d->passage_count + 1]);
    }
    close_unit(m, m->whole, m->met_whole, &m->met_whole_count, &units[0]);
}

uint32_t id_hash(const char *id, size_t len) {
    uint32_t h = 0x811c9dc5u; /* FNV-1a */
    for (size_t i = 0; i < len; i++) h = (h ^ (unsigned char)id[i]) * 0x01000193u;
    return h;
}

/* ---- one block of memory a page ---- */

static size_t aligned(size_t bytes) {
    return (bytes + 15) & ~(size_t)15;
}

static void copy_vectors(const struct rag_document *d, uint32_t dimension, float *out) {
    for (size_t i = 0; i < d->passage_count; i++, out += dimension) {
        const float *v = d->passages[i].vector;
        double square = 0;
        for (uint32_t k = 0; v && k < dimension; k++) square += (double)v[k] * v[k];
        const float scale = square > 0 ? (float)(1 / sqrt(square)) : 0;
        for (uint32_t k = 0; k < dimension; k++) out[k] = v ? v[k] * scale : 0;
    }
}

static bool has_vectors(const struct rag_document *d) {
    for (size_t i = 0; i < d->passage_count; i++)
        if (d->passages[i].vector) return true;
    return false;
}

static struct page *lay_out(const struct page_maker *m, const struct rag_document *d,
                            const struct unit *units, uint32_t unit_count) {
    const size_t vectors =
        m->dimension && has_vectors(d) ? d->passage_count * m->dimension * sizeof(float) : 0;
    const size_t sizes[] = {sizeof(struct page),
                            unit_count * sizeof *units,
                            vectors,
                            d->label_count * sizeof(uint32_t),
                            m->words_count * sizeof(uint32_t),
                            m->words_count,
                            d->id.len + 1};
    size_t offsets[7], total = 0;
    for (size_t i = 0; i < 7; i++) {
        offsets[i] = total;
        total += aligned(sizes[i]);
    }
    char *block = malloc(total);
    if (!block) return NULL;
    struct page *p = (struct page *)(void *)block;
    *p = (struct page){.unit_count = unit_count,
                       .passage_count = (uint32_t)d->passage_count,
                       .label_count = (uint32_t)d->label_count,
                       .units = (void *)(block + offsets[1]),
                       .vectors = vectors ? (void *)(block + offsets[2]) : NULL,
                       .labels = (void *)(block + offsets[3]),
                       .words = (void *)(block + offsets[4]),
                       .tf = (void *)(block + offsets[5]),
                       .id = block + offsets[6],
                       .id_len = (uint32_t)d->id.len,
                       .id_hash = id_hash(d->id.at, d->id.len),
                       .bytes = total};
    atomic_init(&p->references, 1);
    memcpy(p->units, units, sizes[1]);
    if (m->words_count) {
        memcpy(p->words, m->words, sizes[4]);
        memcpy(p->tf, m->codes, sizes[5]);
    }
    memcpy(p->id, d->id.at, d->id.len);
    p->id[d->id.len] = 0;
    if (vectors) copy_vectors(d, m->dimension, p->vectors);
    return p;
}

static int check(const struct rag_document *d) {
    if (!d->id.len || d->id.len > 4096) return RAG_INVALID;
    if (d->passage_count > RAG_MAX_PASSAGES || d->label_count > RAG_MAX_LABELS) return RAG_LIMIT;
    size_t bytes = d->title.len;
    for (size_t i = 0; i < d->passage_count; i++)
        bytes += d->passages[i].heading.len + d->passages[i].text.len + d->title.len;
    for (size_t i = 0; i < d->anchor_count; i++) bytes += d->anchors[i].len;
    return bytes > RAG_MAX_TEXT ? RAG_LIMIT : RAG_OK;
}

int page_make(struct page_maker *m, const struct rag_document *d, const uint32_t *labels,
              struct page **out) {
    const int rc = check(d);
    if (rc) return rc;
    const uint32_t unit_count = (uint32_t)d->passage_count + 1 + (d->anchor_count > 0);
    struct unit *units = calloc(unit_count, sizeof *units);
    if (!units) return RAG_NO_MEMORY;
    m->failed = false;
    m->words_count = 0;
    read_units(m, d, units);
    struct page *page = m->failed ? NULL : lay_out(m, d, units, unit_count);
    free(units);
    if (!page) return RAG_NO_MEMORY;
    if (d->label_count) memcpy(page->labels, labels, d->label_count * sizeof *labels);
    *out = page;
    return RAG_OK;
}
