/*
 * Speed of a search and of putting documents in, over many passages of 100 words cut at random from the
 * texts of the collections, ten a document.
 *
 *     rag-speed FOLDER [PASSAGES [ROUNDS]]
 *
 * Times are CPU time of this thread; questions are those of the collections, mixed.
 */
#include "collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { QUESTIONS = 330, PER_DOCUMENT = 10, WORDS = 100 };

static uint64_t state = 7;

static uint64_t next_random(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A hundred words from a random place of a random document. */
static struct rag_text window(const struct collection *c) {
    const struct bench_document *d = &c->documents[next_random() % c->document_count];
    const size_t len = strlen(d->text);
    const char *from = d->text + (len > 700 ? next_random() % (len - 600) : 0), *at = from;
    size_t words = 0;
    for (; *at && words < WORDS; at++) words += *at == ' ' || *at == '\n';
    return (struct rag_text){from, (size_t)(at - from)};
}

static size_t fill(struct rag_index *index, struct collection *const *sets, size_t set_count,
                   size_t passages) {
    size_t bytes = 0;
    for (size_t n = 0; n < passages / PER_DOCUMENT; n++) {
        struct rag_passage cut[PER_DOCUMENT];
        char id[32];
        const struct collection *c = sets[next_random() % set_count];
        for (size_t i = 0; i < PER_DOCUMENT; i++) {
            cut[i] = (struct rag_passage){.text = window(c)};
            bytes += cut[i].text.len;
        }
        snprintf(id, sizeof id, "d%zu", n);
        const char *title = c->documents[next_random() % c->document_count].title;
        rag_index_put(index, &(struct rag_document){.id = {id, strlen(id)},
                                                    .title = {title, strlen(title)},
                                                    .passages = cut,
                                                    .passage_count = PER_DOCUMENT});
    }
    return bytes;
}

static int rising(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void ask(struct rag_index *index, int rounds, struct collection *const *sets,
                size_t set_count, const char *what) {
    struct rag_version *version = rag_index_version(index);
    double times[QUESTIONS];
    for (int round = 0; round < rounds; round++) { /* the first one warms up */
        state = 99;
        for (size_t i = 0; i < QUESTIONS; i++) {
            const struct collection *c = sets[i % set_count];
            const char *text = c->queries[next_random() % c->query_count].text;
            struct rag_result *result = NULL;
            const double from = seconds();
            if (rag_search(version, &(struct rag_query){.text = {text, strlen(text)}}, &result))
                exit(2);
            times[i] = seconds() - from;
            rag_result_free(result);
        }
    }
    qsort(times, QUESTIONS, sizeof times[0], rising);
    printf("%s: p50 %.3f ms, p95 %.3f ms, p99 %.3f ms\n", what, times[QUESTIONS / 2] * 1e3,
           times[QUESTIONS * 95 / 100] * 1e3, times[QUESTIONS * 99 / 100] * 1e3);
    rag_version_put(version);
}

static void learn(struct rag_index *index) {
    struct rag_version *version = rag_index_version(index);
    struct rag_model *model = NULL;
    const double from = seconds();
    if (rag_learn(version, &model)) exit(2);
    printf("learn: %.2f s\n", seconds() - from);
    rag_version_put(version);
    rag_index_use(index, model);
    const double then = seconds();
    rag_index_publish(index);
    printf("publish in order: %.3f s\n", seconds() - then);
}

int main(int argc, char **argv) {
    static const char *const names[] = {"runbooks", "scifact-train", "cranfield"};
    struct collection *sets[3];
    size_t set_count = 0;
    if (argc < 2) return fprintf(stderr, "usage: rag-speed FOLDER [PASSAGES [ROUNDS]]\n"), 2;
    for (size_t i = 0; i < 3; i++) {
        char folder[1000];
        snprintf(folder, sizeof folder, "%s/%s", argv[1], names[i]);
        sets[set_count] = collection_load(folder);
        set_count += sets[set_count] != NULL;
    }
    if (!set_count) return printf("%s: no collections, skipped\n", argv[1]), 0;
    struct rag_index *index = rag_index_new(&(struct rag_options){0});
    const int rounds = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 3;
    double from = seconds();
    const size_t bytes =
        fill(index, sets, set_count, argc > 2 ? strtoul(argv[2], NULL, 10) : 76420);
    const double put = seconds() - from;
    from = seconds();
    rag_index_publish(index);
    const double published = seconds() - from;
    struct rag_version *version = rag_index_version(index);
    struct rag_stats stats;
    rag_version_stats(version, &stats);
    rag_version_put(version);
    printf("put: %.1f MB in %.2f s, %.1f MB/s; publish %.3f s; with it %.1f MB/s\n",
           (double)bytes / 1e6, put, (double)bytes / 1e6 / put, published,
           (double)bytes / 1e6 / (put + published));
    printf("index: %zu documents, %zu passages, %zu terms, %.0f MB, %.0f bytes a passage\n",
           stats.documents, stats.passages, stats.terms, (double)stats.memory_bytes / 1e6,
           (double)stats.memory_bytes / (double)stats.passages);
    ask(index, rounds, sets, set_count, "search, words and letters");
    learn(index);
    ask(index, rounds, sets, set_count, "search, with meaning");
    rag_index_put(index,
                  &(struct rag_document){.id = RAG_TEXT("one more"), .title = RAG_TEXT("x")});
    from = seconds();
    rag_index_publish(index);
    printf("publish one document: %.2f ms\n", (seconds() - from) * 1e3);
    rag_index_free(index);
    for (size_t i = 0; i < set_count; i++) collection_free(sets[i]);
    return 0;
}
