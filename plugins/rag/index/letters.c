#include "letters.h"

#include "grow.h"
#include "tf.h"

#include <math.h>

struct pair { /* a word holds a letter run of the question */
    uint32_t run;
    uint32_t next; /* pair of the same word + 1, or 0 */
};

struct letters {
    const struct question *question;
    uint64_t *held; /* bits by word: it has pairs. Few have, and bits stay in the nearest cache. */
    uint32_t *head; /* by word that has: its first pair + 1 */
    uint32_t word_count;
    struct pair *pairs;
    uint32_t pair_count, pair_room;
    float weight[LEVELS][QUERY_GRAMS]; /* by run of the question */
    float times[QUERY_GRAMS];          /* in the unit in hand */
    float tf[256];
};

/* Squared, since the weight of the question and that of the unit both hold it. */
static float weight_of(const struct statistics *s, enum level_name level, uint32_t gram) {
    const float idf = logf(((float)s->units[level] + 1) / ((float)s->gram_df[level][gram] + 1)) + 1;
    return idf * idf;
}

static bool link_words(struct letters *l, const struct dictionary *d) {
    l->word_count = d->words.count;
    l->held = calloc(l->word_count / 64 + 1U, sizeof *l->held);
    l->head = malloc((l->word_count + 1U) * sizeof *l->head);
    if (!l->held || !l->head) return false;
    for (uint32_t run = 0; run < l->question->gram_count; run++) {
        const struct gram_words *words = &d->words_of[l->question->grams[run].gram];
        if (!grow(&l->pairs, &l->pair_room, l->pair_count + words->count, sizeof *l->pairs))
            return false;
        for (uint32_t i = 0; i < words->count; i++) {
            const uint32_t word = words->at[i];
            const uint32_t next = bit_at(l->held, word) ? l->head[word] : 0;
            l->held[word / 64] |= 1ULL << word % 64;
            l->pairs[l->pair_count] = (struct pair){.run = run, .next = next};
            l->head[word] = ++l->pair_count;
        }
    }
    return true;
}

struct letters *letters_new(const struct question *q) {
    struct shared *shared = q->version->shared;
    struct letters *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->question = q;
    tf_table(l->tf);
    for (int level = 0; level < LEVELS; level++)
        for (uint32_t i = 0; i < q->gram_count; i++)
            l->weight[level][i] =
                q->grams[i].weight *
                weight_of(&q->version->statistics, (enum level_name)level, q->grams[i].gram);
    pthread_rwlock_rdlock(&shared->lock);
    const bool done = link_words(l, &shared->dictionary);
    pthread_rwlock_unlock(&shared->lock);
    if (done) return l;
    letters_free(l);
    return NULL;
}

void letters_free(struct letters *l) {
    if (!l) return;
    free(l->held);
    free(l->head);
    free(l->pairs);
    free(l);
}

float letters_of(struct letters *l, const struct page *page, uint32_t unit) {
    const struct unit *u = &page->units[unit];
    const float *weight = l->weight[unit ? PASSAGES : PAGES];
    for (uint32_t i = u->from; i < u->to; i++) {
        const uint32_t word = page->words[i];
        if (word >= l->word_count || !bit_at(l->held, word)) continue;
        for (uint32_t at = l->head[word]; at; at = l->pairs[at - 1].next)
            l->times[l->pairs[at - 1].run] += l->tf[page->tf[i]];
    }
    float sum = 0;
    for (uint32_t i = 0; i < l->question->gram_count; i++) {
        if (!(l->times[i] > 0)) continue;
        sum += weight[i] * (1 + logf(l->times[i]));
        l->times[i] = 0;
    }
    return u->letters > 0 ? sum / u->letters : 0;
}
