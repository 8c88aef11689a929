/* The writer's side: documents in, versions out. */
#include "index.h"

#include "grow.h"
#include "thesaurus_text.h"
#include "version.h"

#include <string.h>

/* The second segment is made anew at each publish, so it must stay small: this many passages, or
 * this share of the main one. The same for what was removed from the main one. */
enum { SMALL = 1024, SHARE = 8 };

enum where { NOWHERE = 0, MAIN, RECENT };

struct place {
    struct page *page; /* NULL: removed */
    uint32_t at;       /* in the main segment */
    enum where where;
};

struct rag_index {
    struct shared *shared;
    struct page_maker maker;
    struct names ids;
    struct place *places; /* by id */
    uint32_t places_room, live;
    struct statistics statistics; /* of the living pages, published or not */
    uint32_t df_room[LEVELS], gram_df_room[LEVELS];
    uint32_t *stamps, stamps_room, stamp; /* by term: the unit that met it last */
    uint32_t *gram_stamps, gram_stamps_room;
    struct segment *main;
    struct rag_model *model;
    uint32_t changes; /* documents put and removed since it was learnt */
    bool new_model;
    uint64_t *dead;
    uint32_t dead_count, recent_passages;
    pthread_mutex_t lock; /* of `version` */
    struct rag_version *version;
};

static struct shared *shared_new(const struct rag_options *options,
                                 const struct rag_tuning *tuning) {
    struct shared *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    atomic_init(&s->references, 1);
    s->tuning = *tuning;
    s->dimension = options->dimension;
    pthread_rwlock_init(&s->lock, NULL);
    if (!dictionary_init(&s->dictionary, options->language ? options->language : "english")) {
        shared_put(s);
        return NULL;
    }
    if (options->without_thesaurus || strcmp(s->dictionary.language, "english") != 0) return s;
    const char *text = options->thesaurus.len ? options->thesaurus.at : thesaurus_text;
    const size_t len = options->thesaurus.len ? options->thesaurus.len : thesaurus_text_len;
    s->thesaurus = thesaurus_new(text, len, s->dictionary.stemmer);
    if (s->thesaurus) return s;
    shared_put(s);
    return NULL;
}

struct rag_index *index_new_tuned(const struct rag_options *options,
                                  const struct rag_tuning *tuning) {
    if (options->dimension > RAG_MAX_DIMENSION) return NULL;
    struct rag_index *index = calloc(1, sizeof *index);
    if (!index) return NULL;
    pthread_mutex_init(&index->lock, NULL);
    index->shared = shared_new(options, tuning);
    if (!index->shared || rag_index_publish(index) != RAG_OK) {
        rag_index_free(index);
        return NULL;
    }
    index->maker = (struct page_maker){.dictionary = &index->shared->dictionary,
                                       .lock = &index->shared->lock,
                                       .tuning = &index->shared->tuning,
                                       .dimension = options->dimension};
    return index;
}

struct rag_index *rag_index_new(const struct rag_options *options) {
    return index_new_tuned(options, &(const struct rag_tuning)RAG_TUNING);
}

void rag_index_free(struct rag_index *index) {
    if (!index) return;
    for (uint32_t i = 0; i < index->ids.count; i++) page_put(index->places[i].page);
    for (int i = 0; i < LEVELS; i++) {
        free(index->statistics.df[i]);
        free(index->statistics.gram_df[i]);
    }
    page_maker_fini(&index->maker);
    names_fini(&index->ids);
    free(index->places);
    free(index->stamps);
    free(index->gram_stamps);
    free(index->dead);
    segment_put(index->main);
    meaning_put(index->model);
    rag_version_put(index->version);
    shared_put(index->shared);
    pthread_mutex_destroy(&index->lock);
    free(index);
}

size_t rag_index_count(const struct rag_index *index) {
    return index->live;
}

/* ---- statistics ---- */

static bool zeroed(uint32_t **at, uint32_t *room, uint32_t count) {
    const uint32_t before = *room;
    if (!grow(at, room, count, sizeof **at)) return false;
    if (*room > before) memset(*at + before, 0, (*room - before) * sizeof **at);
    return true;
}

static bool statistics_room(struct rag_index *index) {
    struct statistics *s = &index->statistics;
    const uint32_t terms = index->shared->dictionary.terms.count;
    const uint32_t grams = index->shared->dictionary.grams.count;
    for (int i = 0; i < LEVELS; i++)
        if (!zeroed(&s->df[i], &index->df_room[i], terms) ||
            !zeroed(&s->gram_df[i], &index->gram_df_room[i], grams))
            return false;
    if (!zeroed(&index->stamps, &index->stamps_room, terms) ||
        !zeroed(&index->gram_stamps, &index->gram_stamps_room, grams))
        return false;
    s->term_count = terms;
    s->gram_count = grams;
    return true;
}

static void count_grams(struct rag_index *index, const struct word *word, uint32_t *df, int by) {
    const uint32_t *grams = index->shared->dictionary.grams_of + word->gram_from;
    for (uint32_t i = 0; i < word->grams; i++) {
        if (index->gram_stamps[grams[i]] == index->stamp) continue;
        index->gram_stamps[grams[i]] = index->stamp;
        df[grams[i]] += (uint32_t)by;
    }
}

static void count_unit(struct rag_index *index, const struct page *page, uint32_t unit, int by) {
    struct statistics *s = &index->statistics;
    const enum level_name level = unit == 0 ? PAGES : PASSAGES;
    const struct unit *u = &page->units[unit];
    index->stamp++;
    for (uint32_t i = u->from; i < u->to; i++) {
        const struct word *word = &index->shared->dictionary.word[page->words[i]];
        count_grams(index, word, s->gram_df[level], by);
        if (word->term == NAME_NONE || index->stamps[word->term] == index->stamp) continue;
        index->stamps[word->term] = index->stamp;
        s->df[level][word->term] += (uint32_t)by;
    }
    s->units[level] += (uint32_t)by;
    s->length[level] += by * (double)u->length;
}

static void count_page(struct rag_index *index, const struct page *page, int by) {
    /* Stamps would repeat after 4 billion units: begin again before. */
    if (index->stamp > UINT32_MAX - page->unit_count - 1) {
        memset(index->stamps, 0, index->stamps_room * sizeof *index->stamps);
        memset(index->gram_stamps, 0, index->gram_stamps_room * sizeof *index->gram_stamps);
        index->stamp = 0;
    }
    for (uint32_t u = 0; u < page->unit_count; u++) count_unit(index, page, u, by);
}

/* ---- documents ---- */

static uint32_t weight_of(const struct page *page) {
    return page->unit_count;
}

static void drop(struct rag_index *index, struct place *place) {
    if (!place->page) return;
    count_page(index, place->page, -1);
    if (place->where == MAIN) {
        index->dead[place->at / 64] |= 1ULL << place->at % 64;
        index->dead_count += weight_of(place->page);
    } else {
        index->recent_passages -= weight_of(place->page);
    }
    page_put(place->page);
    *place = (struct place){0};
    index->live--;
    index->changes++;
}

static int compare_names(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static bool name_labels(struct rag_index *index, const struct rag_document *d, uint32_t *out) {
    bool done = true;
    pthread_rwlock_wrlock(&index->shared->lock);
    for (size_t i = 0; i < d->label_count && done; i++) {
        out[i] = names_intern(&index->shared->labels, d->labels[i].at, d->labels[i].len);
        done = out[i] != NAME_NONE;
    }
    pthread_rwlock_unlock(&index->shared->lock);
    if (done) qsort(out, d->label_count, sizeof *out, compare_names);
    return done;
}

static struct place *place_of(struct rag_index *index, struct rag_text id) {
    const uint32_t known = index->ids.count;
    if (!grow(&index->places, &index->places_room, known + 1, sizeof *index->places)) return NULL;
    const uint32_t name = names_intern(&index->ids, id.at, id.len);
    if (name == NAME_NONE) return NULL;
    if (name == known) index->places[name] = (struct place){0};
    return &index->places[name];
}

int rag_index_put(struct rag_index *index, const struct rag_document *document) {
    uint32_t labels[RAG_MAX_LABELS];
    struct page *page = NULL;
    if (document->label_count > RAG_MAX_LABELS) return RAG_LIMIT;
    if (!name_labels(index, document, labels)) return RAG_NO_MEMORY;
    const int rc = page_make(&index->maker, document, labels, &page);
    if (rc) return rc;
    struct place *place = place_of(index, document->id);
    if (!place || !statistics_room(index)) {
        page_put(page);
        return RAG_NO_MEMORY;
    }
    drop(index, place);
    *place = (struct place){.page = page, .where = RECENT};
    index->recent_passages += weight_of(page);
    index->live++;
    index->changes++;
    count_page(index, page, 1);
    return RAG_OK;
}

bool rag_index_remove(struct rag_index *index, struct rag_text id) {
    const uint32_t name = names_find(&index->ids, id.at, id.len);
    if (name == NAME_NONE || !index->places[name].page) return false;
    drop(index, &index->places[name]);
    return true;
}

/* ---- learning ---- */

bool rag_index_wants_learning(const struct rag_index *index) {
    if (index->live < MEANING_LEAST_PAGES) return false;
    return !index->model || index->changes > index->model->learnt_from / 10;
}

void rag_index_use(struct rag_index *index, struct rag_model *model) {
    meaning_put(index->model);
    index->model = model;
    index->changes = 0;
    index->new_model = true;
}

/* ---- versions ---- */

/* A segment of all living pages, or of those that the main one does not hold. */
static struct segment *gather(const struct rag_index *index, bool all) {
    struct page **pages = malloc((index->live + 1U) * sizeof(struct page *));
    if (!pages) return NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < index->ids.count; i++)
        if (index->places[i].page && (all || index->places[i].where == RECENT))
            pages[count++] = index->places[i].page;
    struct segment *segment = segment_new(&index->shared->dictionary, index->model,
                                          index->shared->dimension, pages, count);
    free(pages);
    return segment;
}

static bool wants_order(const struct rag_index *index) {
    const uint32_t passages = index->main ? index->main->levels[PASSAGES].unit_count : 0;
    const uint32_t most = passages / SHARE > SMALL ? passages / SHARE : SMALL;
    return index->new_model || index->recent_passages > most || index->dead_count > most;
}

static bool put_in_order(struct rag_index *index) {
    struct segment *segment = gather(index, true);
    uint64_t *dead = calloc(index->live / 64 + 1, sizeof *dead);
    if (!segment || !dead) {
        segment_put(segment);
        free(dead);
        return false;
    }
    segment_put(index->main);
    free(index->dead);
    index->main = segment;
    index->dead = dead;
    index->dead_count = index->recent_passages = 0;
    index->new_model = false;
    uint32_t at = 0;
    for (uint32_t i = 0; i < index->ids.count; i++)
        if (index->places[i].page) {
            index->places[i].where = MAIN;
            index->places[i].at = at++;
        }
    return true;
}

static uint32_t *copy_numbers(const uint32_t *at, uint32_t count) {
    uint32_t *copy = malloc((count + 1U) * sizeof *copy);
    if (copy && count) memcpy(copy, at, count * sizeof *copy);
    return copy;
}

static bool copy_statistics(const struct statistics *from, struct statistics *out) {
    bool done = true;
    *out = *from;
    for (int i = 0; i < LEVELS; i++) {
        out->df[i] = copy_numbers(from->df[i], from->term_count);
        out->gram_df[i] = copy_numbers(from->gram_df[i], from->gram_count);
        done &= out->df[i] && out->gram_df[i];
    }
    return done;
}

static struct rag_version *version_new(const struct rag_index *index) {
    struct rag_version *v = calloc(1, sizeof *v);
    if (!v) return NULL;
    atomic_init(&v->references, 1);
    v->shared = shared_get(index->shared);
    v->model = meaning_get(index->model);
    bool done = copy_statistics(&index->statistics, &v->statistics);
    v->segments[0] = segment_get(index->main);
    if (done && index->recent_passages) {
        v->segments[1] = gather(index, false);
        done = v->segments[1] != NULL;
    }
    if (done && index->dead_count) {
        const size_t words = index->main->page_count / 64 + 1;
        v->dead = malloc(words * sizeof *v->dead);
        done = v->dead != NULL;
        if (done) memcpy(v->dead, index->dead, words * sizeof *v->dead);
    }
    if (!done) {
        rag_version_put(v);
        return NULL;
    }
    return v;
}

int rag_index_publish(struct rag_index *index) {
    if (wants_order(index) && !put_in_order(index)) return RAG_NO_MEMORY;
    struct rag_version *next = version_new(index);
    if (!next) return RAG_NO_MEMORY;
    pthread_mutex_lock(&index->lock);
    struct rag_version *before = index->version;
    index->version = next;
    pthread_mutex_unlock(&index->lock);
    rag_version_put(before);
    return RAG_OK;
}

struct rag_version *rag_index_version(struct rag_index *index) {
    pthread_mutex_lock(&index->lock);
    struct rag_version *version = version_get(index->version);
    pthread_mutex_unlock(&index->lock);
    return version;
}
