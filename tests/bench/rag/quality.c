/*
 * Quality of retrieval: nDCG@10 by class of question, and how well the evidence parts questions that
 * the documents answer from those that they do not.
 *
 *     rag-quality FOLDER [NAME=VALUE…]     FOLDER holds runbooks/, cranfield/, scifact-train/
 *
 * NAME=VALUE changes a number of the ranking (tuning.h) for an experiment.
 */
#include "collection.h"
#include "tuning.h"
#include "version.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct question_class {
    char name[40];
    double sum, fifth; /* nDCG@10; questions with a relevant page among five */
    size_t count;
};

struct run {
    struct rag_version *version;
    struct question_class classes[32];
    size_t class_count;
    FILE *each; /* per question, or NULL */
};

static double grade_of(const struct bench_query *q, const struct rag_hit *hit) {
    for (size_t i = 0; i < q->judgement_count; i++) {
        const struct judgement *j = &q->judgements[i];
        if (strlen(j->document) == hit->document.len &&
            !memcmp(j->document, hit->document.at, hit->document.len))
            return j->grade;
    }
    return 0;
}

static int falling(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

static double ndcg(const struct bench_query *q, const struct rag_result *r) {
    double gain = 0, ideal = 0;
    double *grades = calloc(q->judgement_count + 1, sizeof *grades);
    for (size_t i = 0; i < q->judgement_count; i++) grades[i] = q->judgements[i].grade;
    qsort(grades, q->judgement_count, sizeof *grades, falling);
    for (size_t i = 0; i < q->judgement_count && i < 10; i++)
        ideal += grades[i] / log2((double)i + 2);
    for (size_t i = 0; i < r->count && i < 10; i++)
        gain += grade_of(q, &r->hits[i]) / log2((double)i + 2);
    free(grades);
    return ideal > 0 ? gain / ideal : 0;
}

static struct question_class *class_of(struct run *run, const char *name) {
    for (size_t i = 0; i < run->class_count; i++)
        if (!strcmp(run->classes[i].name, name)) return &run->classes[i];
    struct question_class *c = &run->classes[run->class_count++];
    snprintf(c->name, sizeof c->name, "%s", name);
    return c;
}

static struct rag_result *ask(const struct run *run, const char *text) {
    struct rag_result *result = NULL;
    const struct rag_query query = {.text = {text, strlen(text)}};
    if (rag_search(run->version, &query, &result)) exit(2);
    return result;
}

static void judge(struct run *run, const char *name, const struct bench_query *q,
                  const char *text) {
    struct rag_result *r = ask(run, text);
    struct question_class *c = class_of(run, name);
    const double score = ndcg(q, r);
    bool hit = false;
    for (size_t i = 0; i < r->count && i < 5; i++) hit |= grade_of(q, &r->hits[i]) > 0;
    c->sum += score;
    c->fifth += hit;
    c->count++;
    if (run->each)
        fprintf(run->each, "%s\t%s\t%.4f\t%.3f\t%s\t%.*s\n", name, q->id, score,
                (double)r->evidence.coverage, text, r->count ? (int)r->hits[0].document.len : 0,
                r->count ? r->hits[0].document.at : "");
    rag_result_free(r);
}

/* ---- questions made from alert names: as they are, in words, with one slip ---- */

static void split_words(const char *name, char *out, size_t room) {
    size_t n = 0;
    for (size_t i = 0; name[i] && n + 3 < room; i++) {
        const bool upper = isupper((unsigned char)name[i]);
        const bool starts =
            i > 0 && upper &&
            (islower((unsigned char)name[i - 1]) ||
             (islower((unsigned char)name[i + 1]) && isupper((unsigned char)name[i - 1])));
        if (starts) out[n++] = ' ';
        out[n++] = (char)tolower((unsigned char)name[i]);
    }
    out[n] = 0;
}

/* One slip of the keyboard in the longest word, by seed: swap, drop, double or another letter. */
static void slip(const char *words, uint32_t seed, char *out, size_t room) {
    size_t from = 0, best = 0, len = 0;
    for (size_t i = 0;; i++)
        if (words[i] == ' ' || !words[i]) {
            if (i - from > len) best = from, len = i - from;
            from = i + 1;
            if (!words[i]) break;
        }
    seed = seed * 1664525U + 1013904223U;
    const size_t at = best + 1 + (seed >> 8) % (len > 3 ? len - 2 : 1);
    const int how = (int)(seed >> 24) % 4;
    snprintf(out, room, "%s", words);
    const size_t rest = strlen(words + at);
    if (how == 0 && words[at + 1] && words[at + 1] != ' ')
        out[at] = words[at + 1], out[at + 1] = words[at];
    else if (how == 1)
        memmove(out + at, out + at + 1, rest);
    else if (how == 2 && strlen(words) + 2 < room)
        memmove(out + at + 1, words + at, rest + 1);
    else
        out[at] = words[at] == 'e' ? 'r' : 'e';
}

static bool seen_before(const struct collection *c, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (c->queries[i].alert && !strcmp(c->queries[i].alert, c->queries[at].alert)) return true;
    return false;
}

static void judge_names(struct run *run, const struct collection *c) {
    char words[300], typo[300];
    for (size_t i = 0; i < c->query_count; i++) {
        const struct bench_query *q = &c->queries[i];
        if (!q->alert || seen_before(c, i)) continue;
        split_words(q->alert, words, sizeof words);
        judge(run, "id", q, q->alert);
        judge(run, "idwords", q, words);
        for (uint32_t seed = 1; seed <= 3; seed++) {
            slip(words, seed * 7919 + (uint32_t)i, typo, sizeof typo);
            judge(run, "typo", q, typo);
        }
    }
}

/* ---- abstention ---- */

static double auroc(const double *good, size_t goods, const double *bad, size_t bads) {
    double wins = 0;
    for (size_t i = 0; i < goods; i++)
        for (size_t k = 0; k < bads; k++) wins += good[i] > bad[k] ? 1 : good[i] < bad[k] ? 0 : 0.5;
    return goods && bads ? wins / ((double)goods * (double)bads) : 0;
}

static void judge_abstention(struct run *run, const struct collection *c) {
    double *human = calloc(c->query_count + 1, sizeof *human);
    double *none = calloc(c->query_count + 1, sizeof *none);
    size_t humans = 0, nones = 0, kept[3] = {0}, wrong[3] = {0};
    for (size_t i = 0; i < c->query_count; i++) {
        const bool answerable = !strcmp(c->queries[i].kind, "human");
        if (!answerable && strcmp(c->queries[i].kind, "noanswer") != 0) continue;
        struct rag_result *r = ask(run, c->queries[i].text);
        *(answerable ? &human[humans++] : &none[nones++]) = (double)r->evidence.confidence;
        ++*(answerable ? &kept[r->evidence.verdict] : &wrong[r->evidence.verdict]);
        rag_result_free(r);
    }
    if (nones)
        printf(
            "  abstention: AUROC %.3f; human answer/unsure/absent %zu/%zu/%zu, no answer %zu/%zu/%zu\n",
            auroc(human, humans, none, nones), kept[2], kept[1], kept[0], wrong[2], wrong[1],
            wrong[0]);
    free(human);
    free(none);
}

/* ---- runs ---- */

static struct rag_index *build(const struct collection *c, const struct rag_tuning *tuning) {
    struct rag_index *index = index_new_tuned(&(struct rag_options){0}, tuning);
    for (size_t i = 0; i < c->document_count; i++) {
        const struct bench_document *d = &c->documents[i];
        const int rc =
            rag_index_put(index, &(struct rag_document){.id = {d->id, strlen(d->id)},
                                                        .title = {d->title, strlen(d->title)},
                                                        .passages = d->passages,
                                                        .passage_count = d->passage_count,
                                                        .anchors = d->anchors,
                                                        .anchor_count = d->anchor_count});
        if (rc) fprintf(stderr, "%s: put: %d\n", d->id, rc), exit(2);
    }
    rag_index_publish(index);
    struct rag_version *version = rag_index_version(index);
    struct rag_model *model = NULL;
    struct timespec from, to;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
    if (rag_learn(version, &model)) exit(2);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
    fprintf(stderr, "learnt in %.2f s\n",
            (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    rag_version_put(version);
    rag_index_use(index, model);
    rag_index_publish(index);
    return index;
}

static void judge_all(const struct collection *c, const struct rag_tuning *tuning, bool anchored,
                      const char *name, FILE *each) {
    struct rag_index *index = build(c, tuning);
    struct run run = {.version = rag_index_version(index), .each = each};
    struct rag_stats stats;
    rag_version_stats(run.version, &stats);
    printf("%s: %zu documents, %zu passages, %.0f bytes a passage\n", name, stats.documents,
           stats.passages, (double)stats.memory_bytes / (double)stats.passages);
    for (size_t i = 0; i < c->query_count; i++) {
        const struct bench_query *q = &c->queries[i];
        if (q->judgement_count && (!anchored || !q->alert))
            judge(&run, q->kind[0] ? q->kind : "all", q, q->text);
    }
    if (!anchored) judge_names(&run, c);
    for (size_t i = 0; i < run.class_count; i++) {
        const struct question_class *k = &run.classes[i];
        printf("  %-18s nDCG@10 %.4f  hit@5 %.3f  (%zu)\n", k->name, k->sum / (double)k->count,
               k->fifth / (double)k->count, k->count);
    }
    judge_abstention(&run, c);
    rag_version_put(run.version);
    rag_index_free(index);
}

static void set(struct rag_tuning *t, const char *argument) {
    const struct {
        const char *name;
        float *at;
    } numbers[] = {{"k1", &t->k1},
                   {"b", &t->b},
                   {"title", &t->title},
                   {"heading", &t->heading},
                   {"page_title", &t->page_title},
                   {"page", &t->page_weight},
                   {"letters_least", &t->letters_least},
                   {"letters_most", &t->letters_most},
                   {"meaning", &t->meaning_weight},
                   {"thesaurus", &t->thesaurus_weight},
                   {"spelling", &t->spelling_weight}};
    const char *value = strchr(argument, '=');
    for (size_t i = 0; value && i < sizeof numbers / sizeof numbers[0]; i++)
        if (!strncmp(numbers[i].name, argument, (size_t)(value - argument)) &&
            !numbers[i].name[value - argument]) {
            *numbers[i].at = strtof(value + 1, NULL);
            return;
        }
    fprintf(stderr, "rag-quality: unknown number: %s\n", argument);
    exit(2);
}

int main(int argc, char **argv) {
    static const char *const sets[] = {"runbooks", "cranfield", "scifact-train"};
    struct rag_tuning tuning = RAG_TUNING;
    if (argc < 2) return fprintf(stderr, "usage: rag-quality FOLDER [NAME=VALUE…]\n"), 2;
    for (int i = 2; i < argc; i++) set(&tuning, argv[i]);
    const char *name = getenv("RAG_EACH");
    FILE *each = name ? fopen(name, "w") : NULL;
    size_t found = 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        char folder[1000];
        snprintf(folder, sizeof folder, "%s/%s", argv[1], sets[i]);
        struct collection *c = collection_load(folder);
        if (!c) {
            printf("%s: not there, skipped\n", folder);
            continue;
        }
        found++;
        judge_all(c, &tuning, false, sets[i], each);
        if (i == 0) {
            collection_anchor(c);
            judge_all(c, &tuning, true, "runbooks with alert rules as anchors", each);
        }
        collection_free(c);
    }
    if (each) fclose(each);
    return found ? 0 : 2;
}
