#include "compose.h"
#include "sentence.h"

#include <math.h>
#include <string.h>

enum {
    CANDIDATES = 400,
    TAKEN = 4, /* sentences of an extractive answer, beside the code that belongs to them */
    GRAM = 4,
    GRAM_BUCKETS = 4096, /* a power of two; collisions only blur a ranking of few sentences */
    SENTENCE_BYTES = 2000
};

static const double support_share = 0.6; /* chosen on the unit tests' pairs, docs/rag.md */
static const double take_share = 0.35;   /* of the best sentence's score */
static const double repeat_share = 0.8;  /* of its words in one that is taken already */

/* ---- letters: which sentence is nearest to the question ---- */

struct grams {
    uint16_t bucket[SENTENCE_BYTES];
    size_t count;
};

static char fold(char c) {
    if (c >= 'A' && c <= 'Z') return (char)(c | 0x20);
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) ? c : ' ';
}

static void grams_of(struct grams *grams, const char *text, size_t size) {
    char window[GRAM] = {' ', ' ', ' ', ' '};
    grams->count = 0;
    for (size_t i = 0; i <= size && grams->count < SENTENCE_BYTES; i++) {
        const char c = i < size ? fold(text[i]) : ' ';
        if (c == ' ' && window[GRAM - 1] == ' ') continue;
        memmove(window, window + 1, GRAM - 1);
        window[GRAM - 1] = c;
        if (window[1] == ' ' || window[2] == ' ') continue; /* within a word and its edges */
        uint32_t hash = 2166136261U;
        for (size_t g = 0; g < GRAM; g++) hash = (hash ^ (unsigned char)window[g]) * 16777619U;
        grams->bucket[grams->count++] = (uint16_t)(hash & (GRAM_BUCKETS - 1));
    }
}

struct candidate {
    size_t source;
    struct span span;
    double score;
    bool taken;
};

struct ranking {
    const struct source *sources;
    struct candidate *candidates;
    size_t count;
    double *weight; /* of each gram: its idf among the candidates */
    uint16_t *seen, *tf;
    struct grams *question, *sentence;
};

static void add_candidates(struct pool *pool, struct ranking *ranking, size_t source) {
    const struct source *from = &ranking->sources[source];
    size_t count;
    const struct span *spans = sentences_of(pool, from->text, from->size, &count);
    for (size_t i = 0; i < count && ranking->count < CANDIDATES; i++)
        if (spans[i].size <= SENTENCE_BYTES)
            ranking->candidates[ranking->count++] = (struct candidate){source, spans[i], 0, false};
}

static void count_grams(struct ranking *ranking) {
    for (size_t i = 0; i < ranking->count; i++) {
        const struct candidate *c = &ranking->candidates[i];
        grams_of(ranking->sentence, ranking->sources[c->source].text + c->span.from, c->span.size);
        memset(ranking->tf, 0, GRAM_BUCKETS * sizeof *ranking->tf);
        for (size_t g = 0; g < ranking->sentence->count; g++)
            if (!ranking->tf[ranking->sentence->bucket[g]]++)
                ranking->seen[ranking->sentence->bucket[g]]++;
    }
    for (size_t g = 0; g < GRAM_BUCKETS; g++)
        ranking->weight[g] =
            log(((double)ranking->count + 1) / ((double)ranking->seen[g] + 1)) + 0.1;
}

/* Cosine of (1 + ln tf) idf. */
static double cosine(struct ranking *ranking) {
    double dot = 0, a = 0, b = 0;
    memset(ranking->tf, 0, GRAM_BUCKETS * sizeof *ranking->tf);
    for (size_t i = 0; i < ranking->question->count; i++)
        ranking->tf[ranking->question->bucket[i]]++;
    uint16_t *in_question = ranking->tf, *in_sentence = ranking->seen;
    memset(in_sentence, 0, GRAM_BUCKETS * sizeof *in_sentence);
    for (size_t i = 0; i < ranking->sentence->count; i++)
        in_sentence[ranking->sentence->bucket[i]]++;
    for (size_t g = 0; g < GRAM_BUCKETS; g++) {
        if (!in_question[g] && !in_sentence[g]) continue;
        const double w = ranking->weight[g];
        const double x = in_question[g] ? (1 + log(in_question[g])) * w : 0;
        const double y = in_sentence[g] ? (1 + log(in_sentence[g])) * w : 0;
        dot += x * y, a += x * x, b += y * y;
    }
    return a > 0 && b > 0 ? dot / sqrt(a * b) : 0;
}

/* ---- what the question wants ---- */

static bool has_word(const char *text, const char *const *words) {
    for (; *words; words++) {
        const size_t n = strlen(*words);
        for (const char *at = text; *at; at++) {
            size_t i = 0;
            while (i < n && fold(at[i]) == (*words)[i]) i++;
            if (i == n && (at == text || fold(at[-1]) == ' ')) return true;
        }
    }
    return false;
}

/* "How" and "what do I do" want the steps; "why" and "what is" the meaning. */
static double heading_bonus(const char *question, const char *heading) {
    static const char *const how[] = {"how",     "fix",     "what do i", "what should",
                                      "resolve", "mitigat", "recover",   NULL};
    static const char *const why[] = {"why", "what is", "what does", "mean", "cause", NULL};
    static const char *const steps[] = {"mitigat", "diagnos",    "fix",    "resol",  "step",
                                        "recover", "what to do", "remedi", "action", NULL};
    static const char *const meaning[] = {"meaning", "impact",  "overview", "cause",
                                          "summary", "what it", NULL};
    const bool wants_steps = has_word(question, how), wants_meaning = has_word(question, why);
    if (wants_steps && has_word(heading, steps)) return 0.08;
    if (wants_meaning && has_word(heading, meaning)) return 0.08;
    return 0;
}

static void rank(struct ranking *ranking, const char *question) {
    count_grams(ranking);
    grams_of(ranking->question, question, strlen(question));
    for (size_t i = 0; i < ranking->count; i++) {
        struct candidate *c = &ranking->candidates[i];
        const struct source *source = &ranking->sources[c->source];
        grams_of(ranking->sentence, source->text + c->span.from, c->span.size);
        const double near = cosine(ranking);
        /* The best passage's sentences come first when the letters say little. */
        c->score = near + 0.35 * source->score + heading_bonus(question, source->heading);
        if (c->span.kind != SPAN_SENTENCE) c->score -= 0.1;
        if (c->span.size < 25) c->score -= 0.1; /* "Impact:" and the like */
    }
}

/* ---- taking ---- */

static struct cite cite_of(const struct source *sources, size_t source, const struct span *span) {
    const struct source *from = &sources[source];
    return (struct cite){.source = source,
                         .quote = from->text + span->from,
                         .quote_size = span->size,
                         .line_from = from->line + span->line,
                         .line_to = from->line + span->line_to};
}

static bool repeats(struct pool *pool, const struct ranking *ranking, const struct candidate *c) {
    struct words *mine = pool_alloc(pool, sizeof *mine), *theirs = pool_alloc(pool, sizeof *theirs);
    words_of_text(mine, ranking->sources[c->source].text + c->span.from, c->span.size);
    for (size_t i = 0; i < ranking->count; i++) {
        const struct candidate *other = &ranking->candidates[i];
        if (!other->taken) continue;
        words_of_text(theirs, ranking->sources[other->source].text + other->span.from,
                      other->span.size);
        if (mine->stem_count &&
            (double)words_shared(mine, theirs) >= repeat_share * (double)mine->stem_count)
            return true;
    }
    return false;
}

/* "Run this:" wants the code behind it. */
static void take_code_behind(struct ranking *ranking, size_t i) {
    const struct candidate *c = &ranking->candidates[i];
    if (i + 1 >= ranking->count) return;
    struct candidate *next = &ranking->candidates[i + 1];
    const char last = ranking->sources[c->source].text[c->span.from + c->span.size - 1];
    if (next->source == c->source && next->span.kind == SPAN_CODE && last == ':')
        next->taken = true;
}

static void take_best(struct pool *pool, struct ranking *ranking) {
    double best = 0;
    for (size_t taken = 0; taken < TAKEN; taken++) {
        size_t at = ranking->count;
        for (size_t i = 0; i < ranking->count; i++) {
            const struct candidate *c = &ranking->candidates[i];
            if (!c->taken && (at == ranking->count || c->score > ranking->candidates[at].score))
                at = i;
        }
        if (at == ranking->count) return;
        struct candidate *c = &ranking->candidates[at];
        if (!taken) best = c->score;
        if (taken && c->score < best * (1 - take_share)) return;
        if (taken && repeats(pool, ranking, c)) {
            c->score = -1;
            continue;
        }
        c->taken = true;
        take_code_behind(ranking, at);
    }
}

void compose_extract(struct pool *pool, const char *question, const struct source *sources,
                     size_t count, struct answer *answer) {
    *answer = (struct answer){0};
    struct ranking ranking = {.sources = sources,
                              .candidates = pool_alloc(pool, CANDIDATES * sizeof(struct candidate)),
                              .weight = pool_alloc(pool, GRAM_BUCKETS * sizeof(double)),
                              .seen = pool_alloc(pool, GRAM_BUCKETS * sizeof(uint16_t)),
                              .tf = pool_alloc(pool, GRAM_BUCKETS * sizeof(uint16_t)),
                              .question = pool_alloc(pool, sizeof(struct grams)),
                              .sentence = pool_alloc(pool, sizeof(struct grams))};
    for (size_t i = 0; i < count && i < COMPOSE_SOURCES; i++) add_candidates(pool, &ranking, i);
    rank(&ranking, question);
    take_best(pool, &ranking);
    for (size_t i = 0; i < ranking.count && answer->count < COMPOSE_SENTENCES; i++) {
        const struct candidate *c = &ranking.candidates[i];
        if (!c->taken) continue;
        const struct cite cite = cite_of(sources, c->source, &c->span);
        answer->sentences[answer->count++] =
            (struct answer_sentence){.text = cite.quote,
                                     .size = cite.quote_size,
                                     .code = c->span.kind == SPAN_CODE,
                                     .cites = {cite},
                                     .cite_count = 1};
    }
}

/* ---- checking what a model wrote ---- */

static bool holds_all(const struct words *sentence, const struct words *passage) {
    for (size_t i = 0; i < sentence->exact_count; i++)
        if (!words_hold_exact(passage, sentence->exact[i])) return false;
    return true;
}

/* The passage's sentence that shares most words. */
static bool nearest_span(struct pool *pool, const struct source *source,
                         const struct words *sentence, struct span *nearest, bool *says_no) {
    size_t count, most = 0;
    const struct span *spans = sentences_of(pool, source->text, source->size, &count);
    struct words *words = pool_alloc(pool, sizeof *words);
    for (size_t i = 0; i < count; i++) {
        words_of_text(words, source->text + spans[i].from, spans[i].size);
        const size_t shared = words_shared(sentence, words);
        if (shared <= most) continue;
        most = shared;
        *nearest = spans[i];
        *says_no = words->negations % 2 != 0;
    }
    return most >= 2 || (most == 1 && sentence->stem_count == 1);
}

static bool supports(struct pool *pool, const struct source *source, const struct words *sentence,
                     struct span *nearest) {
    struct words *passage = pool_alloc(pool, sizeof *passage);
    const char *all =
        pool_printf(pool, "%s\n%s\n%.*s", source->title ? source->title : "",
                    source->heading ? source->heading : "", (int)source->size, source->text);
    words_of_support(passage, all, strlen(all));
    if (!sentence->stem_count || !holds_all(sentence, passage)) return false;
    if ((double)words_shared(sentence, passage) < support_share * (double)sentence->stem_count)
        return false;
    bool says_no = false;
    return nearest_span(pool, source, sentence, nearest, &says_no) &&
           says_no == (sentence->negations % 2 != 0);
}

static bool is_cited(const struct answer_sentence *sentence, size_t source) {
    for (size_t i = 0; i < sentence->cite_count; i++)
        if (sentence->cites[i].source == source) return true;
    return false;
}

void compose_check(struct pool *pool, const struct source *sources, size_t count, const char *text,
                   const int64_t *cites, size_t cite_count, struct answer *answer) {
    const size_t size = strlen(text);
    struct answer_sentence sentence = {.text = text, .size = size};
    struct words *words = pool_alloc(pool, sizeof *words);
    words_of_text(words, text, size);
    for (size_t i = 0; i < cite_count && sentence.cite_count < COMPOSE_CITES; i++) {
        struct span nearest;
        if (cites[i] < 1 || (size_t)cites[i] > count || size > SENTENCE_BYTES) continue;
        const size_t source = (size_t)cites[i] - 1;
        if (is_cited(&sentence, source) || !supports(pool, &sources[source], words, &nearest))
            continue;
        sentence.cites[sentence.cite_count++] = cite_of(sources, source, &nearest);
    }
    if (sentence.cite_count && answer->count < COMPOSE_SENTENCES)
        answer->sentences[answer->count++] = sentence;
    else
        answer->cut++;
}

/* ---- the text ---- */

void compose_number(struct answer *answer) {
    size_t last = 0;
    memset(answer->numbers, 0, sizeof answer->numbers);
    for (size_t i = 0; i < answer->count; i++)
        for (size_t c = 0; c < answer->sentences[i].cite_count; c++) {
            size_t *number = &answer->numbers[answer->sentences[i].cites[c].source];
            if (!*number) *number = ++last;
        }
}

const char *compose_text(struct pool *pool, const struct answer *answer) {
    const char *text = "";
    for (size_t i = 0; i < answer->count; i++) {
        const struct answer_sentence *s = &answer->sentences[i];
        const char *marks = "";
        for (size_t c = 0; c < s->cite_count; c++)
            marks = pool_printf(pool, "%s[%zu]", marks, answer->numbers[s->cites[c].source]);
        const char *form = s->code ? "%s%s```\n%.*s\n```\n%s" : "%s%s%.*s %s";
        const char *between = !*text ? "" : s->code ? "\n" : " ";
        text = pool_printf(pool, form, text, between, (int)s->size, s->text, marks);
    }
    return text;
}
