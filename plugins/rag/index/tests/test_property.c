/* What must hold whatever is put and removed: an index that grew answers like one built at once, and no
 * filter leaks. */
#include "index.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { DOCUMENTS = 400, ROUNDS = 40, QUESTIONS = 25 };

struct model { /* what the index should hold */
    bool there[DOCUMENTS];
    uint32_t edition[DOCUMENTS];
};

static uint64_t seed;

static uint32_t chance(uint32_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % below;
}

static const char *const vocabulary[] = {
    "disk",      "node",    "pod",         "crash",
    "etcd",      "quota",   "Certificate", "expires",
    "network",   "packet",  "latency",     "database",
    "queue",     "backlog", "login",       "KubePodCrashLooping",
    "cpu_total", "memory",  "swap",        "rollout",
    "canary",    "restore", "backup",      "raid",
    "clock",     "drift",   "proxy",
};
enum { WORDS = sizeof vocabulary / sizeof vocabulary[0] };

/* The text of an edition of a document: the same whenever it is asked for. */
static void write_text(uint32_t number, uint32_t edition, char *out, size_t room) {
    uint64_t keep = seed;
    seed = number * 7919U + edition * 104729U + 1;
    out[0] = 0;
    for (uint32_t i = 0, n = 5 + chance(60); i < n; i++) {
        const size_t used = strlen(out);
        snprintf(out + used, room - used, "%s ", vocabulary[chance(WORDS)]);
    }
    seed = keep;
}

static void put(struct rag_index *index, uint32_t number, uint32_t edition) {
    char id[16], label[16], text[2][2000];
    snprintf(id, sizeof id, "doc%u", number);
    snprintf(label, sizeof label, "team=%u", number % 3);
    struct rag_passage passages[2];
    for (uint32_t i = 0; i < 2; i++) {
        write_text(number, edition * 2 + i, text[i], sizeof text[i]);
        passages[i] =
            (struct rag_passage){.heading = RAG_TEXT("Part"), .text = {text[i], strlen(text[i])}};
    }
    const struct rag_text labels[] = {{label, strlen(label)}, RAG_TEXT("kind=test")};
    assert_int_equal(
        rag_index_put(index, &(struct rag_document){.id = {id, strlen(id)},
                                                    .title = {vocabulary[number % WORDS],
                                                              strlen(vocabulary[number % WORDS])},
                                                    .passages = passages,
                                                    .passage_count = 1 + number % 2,
                                                    .labels = labels,
                                                    .label_count = 2}),
        RAG_OK);
}

static void drop(struct rag_index *index, uint32_t number) {
    char id[16];
    snprintf(id, sizeof id, "doc%u", number);
    assert_true(rag_index_remove(index, (struct rag_text){id, strlen(id)}));
}

static void change(struct rag_index *index, struct model *m) {
    for (uint32_t i = 0, n = 1 + chance(60); i < n; i++) {
        const uint32_t number = chance(DOCUMENTS);
        if (m->there[number] && chance(3) == 0) {
            drop(index, number);
            m->there[number] = false;
        } else {
            put(index, number, ++m->edition[number]);
            m->there[number] = true;
        }
    }
    assert_int_equal(rag_index_publish(index), RAG_OK);
}

static struct rag_index *rebuild(const struct model *m) {
    struct rag_index *index = rag_index_new(&(struct rag_options){0});
    for (uint32_t i = 0; i < DOCUMENTS; i++)
        if (m->there[i]) put(index, i, m->edition[i]);
    assert_int_equal(rag_index_publish(index), RAG_OK);
    return index;
}

static struct rag_result *ask(struct rag_index *index, const char *text, const char *label) {
    struct rag_version *version = rag_index_version(index);
    struct rag_result *result = NULL;
    const struct rag_text labels[] = {{label, label ? strlen(label) : 0}};
    assert_int_equal(rag_search(version,
                                &(struct rag_query){.text = {text, strlen(text)},
                                                    .labels = labels,
                                                    .label_count = label ? 1 : 0,
                                                    .count = 20,
                                                    .per_document = 2},
                                &result),
                     RAG_OK);
    rag_version_put(version);
    return result;
}

static void assert_same(const struct rag_result *a, const struct rag_result *b) {
    assert_int_equal(a->count, b->count);
    assert_float_equal(a->evidence.confidence, b->evidence.confidence, 1e-4);
    for (size_t i = 0; i < a->count; i++) {
        assert_float_equal(a->hits[i].score, b->hits[i].score, 1e-4);
        /* Of two that are equal but for rounding, either may come first. */
        const bool tied = (i + 1 < a->count && a->hits[i].score - a->hits[i + 1].score < 1e-4F) ||
                          (i > 0 && a->hits[i - 1].score - a->hits[i].score < 1e-4F) ||
                          i + 1 == a->count;
        if (tied) continue;
        assert_int_equal(a->hits[i].passage, b->hits[i].passage);
        assert_int_equal(a->hits[i].document.len, b->hits[i].document.len);
        assert_memory_equal(a->hits[i].document.at, b->hits[i].document.at,
                            a->hits[i].document.len);
    }
}

static void assert_filtered(const struct rag_result *r, uint32_t team) {
    for (size_t i = 0; i < r->count; i++)
        assert_int_equal(strtoul(r->hits[i].document.at + 3, NULL, 10) % 3, team);
}

static void make_question(char *out, size_t room) {
    out[0] = 0;
    for (uint32_t i = 0, n = 1 + chance(5); i < n; i++) {
        const size_t used = strlen(out);
        snprintf(out + used, room - used, "%s ",
                 chance(8) ? vocabulary[chance(WORDS)] : "certifcate");
    }
}

static void test_grown_is_like_rebuilt(void **state) {
    (void)state;
    struct model m = {0};
    struct rag_index *grown = rag_index_new(&(struct rag_options){0});
    seed = 11;
    for (int round = 0; round < ROUNDS; round++) {
        change(grown, &m);
        if (round % 4) continue;
        struct rag_index *fresh = rebuild(&m);
        assert_int_equal(rag_index_count(grown), rag_index_count(fresh));
        for (int i = 0; i < QUESTIONS; i++) {
            char text[400];
            make_question(text, sizeof text);
            const char *const label = i % 3 ? NULL : "team=1";
            struct rag_result *a = ask(grown, text, label), *b = ask(fresh, text, label);
            assert_same(a, b);
            if (label) assert_filtered(a, 1);
            rag_result_free(a);
            rag_result_free(b);
        }
        rag_index_free(fresh);
    }
    rag_index_free(grown);
}

/* Documents of twenty subjects, three words each of which a document holds two. */
static void put_subjects(struct rag_index *index) {
    for (uint32_t i = 0; i < 120; i++) {
        char id[16], text[100];
        static const char *const words[] = {"alpha", "beta", "gamma"};
        const char subject = (char)('a' + i % 20);
        snprintf(id, sizeof id, "s%u", i);
        snprintf(text, sizeof text, "%s%cq %s%cq", words[i % 3], subject, words[(i + 1) % 3],
                 subject);
        const struct rag_passage passage = {.text = {text, strlen(text)}};
        rag_index_put(index, &(struct rag_document){
                                 .id = {id, strlen(id)}, .passages = &passage, .passage_count = 1});
    }
    rag_index_publish(index);
}

static void learn_from(struct rag_index *index) {
    struct rag_version *version = rag_index_version(index);
    struct rag_model *model = NULL, *again = NULL;
    float vector[RAG_MODEL_DIMENSION];
    assert_true(rag_index_wants_learning(index));
    assert_int_equal(rag_version_embed(version, (struct rag_text)RAG_TEXT("alphabq"), vector), 0);
    assert_int_equal(rag_learn(version, &model), RAG_OK);
    assert_int_equal(rag_learn(version, &again), RAG_OK);
    assert_non_null(model);
    rag_model_free(again);
    rag_version_put(version);
    rag_index_use(index, model);
    assert_false(rag_index_wants_learning(index));
    rag_index_publish(index);
}

static float cosine(struct rag_index *index, const char *a, const char *b) {
    struct rag_version *version = rag_index_version(index);
    float x[RAG_MODEL_DIMENSION], y[RAG_MODEL_DIMENSION], sum = 0;
    const uint32_t dimension = rag_version_embed(version, (struct rag_text){a, strlen(a)}, x);
    assert_true(dimension > 0);
    assert_int_equal(rag_version_embed(version, (struct rag_text){b, strlen(b)}, y), dimension);
    for (uint32_t i = 0; i < dimension; i++) sum += x[i] * y[i];
    rag_version_put(version);
    return sum;
}

/* Words of one subject come near each other, those of others do not, and a document that holds no word
 * of the question gains by it. */
static void test_learning_takes_part(void **state) {
    (void)state;
    struct rag_index *index = rag_index_new(&(struct rag_options){0});
    put_subjects(index);
    learn_from(index);
    assert_float_equal(cosine(index, "alphabq", "alphabq"), 1, 1e-4);
    assert_true(cosine(index, "alphabq", "gammabq") > cosine(index, "alphabq", "gammacq") + 0.2F);
    struct rag_result *result = ask(index, "alphabq", NULL);
    assert_string_equal(result->method, "bm25+letters+lsa");
    assert_true(result->hits[0].parts.meaning > 0.5F);
    rag_result_free(result);
    rag_index_free(index);
}

/* ---- readers while a writer writes ---- */

struct reading {
    struct rag_index *index;
    atomic_bool done;
    atomic_uint searches;
};

static void *read_on(void *of) {
    struct reading *r = of;
    while (!atomic_load(&r->done)) {
        struct rag_version *version = rag_index_version(r->index);
        struct rag_result *result = NULL;
        const struct rag_text label = RAG_TEXT("team=2");
        const struct rag_query query = {
            .text = RAG_TEXT("crash of a certifcate backlog"), .labels = &label, .label_count = 1};
        if (rag_search(version, &query, &result) != RAG_OK) abort();
        for (size_t i = 0; i < result->count; i++)
            if (strtoul(result->hits[i].document.at + 3, NULL, 10) % 3 != 2) abort();
        rag_result_free(result);
        rag_version_put(version);
        atomic_fetch_add(&r->searches, 1);
    }
    return NULL;
}

static void test_readers_and_a_writer(void **state) {
    (void)state;
    struct model m = {0};
    struct reading r = {.index = rag_index_new(&(struct rag_options){0})};
    pthread_t threads[2];
    seed = 17;
    for (int i = 0; i < 2; i++) assert_int_equal(pthread_create(&threads[i], NULL, read_on, &r), 0);
    for (int i = 0; i < 30 || atomic_load(&r.searches) < 20; i++) change(r.index, &m);
    atomic_store(&r.done, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    rag_index_free(r.index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grown_is_like_rebuilt),
        cmocka_unit_test(test_learning_takes_part),
        cmocka_unit_test(test_readers_and_a_writer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
