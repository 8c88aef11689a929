#include "dense.h"
#include "eigen.h"
#include "index.h"
#include "vectors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3000, DIMENSION = 100 };

static uint64_t state_of_chance = 5;

static float chance(void) {
    state_of_chance = state_of_chance * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(state_of_chance >> 32) / 2147483648.0F;
}

static void unit_row(float *row) {
    for (int i = 0; i < DIMENSION; i++) row[i] = chance();
    const float by = 1 / sqrtf(dense_dot(row, row, DIMENSION));
    for (int i = 0; i < DIMENSION; i++) row[i] *= by;
}

static const float *exact_row(const void *of, uint32_t row) {
    return (const float *)of + (size_t)row * DIMENSION;
}

static bool is_even(const void *of, uint32_t row) {
    (void)of;
    return row % 2 == 0;
}

static void check_scan(const struct vector_rows *rows, const float *query, row_fn may) {
    struct nearest found[10];
    float best = -2;
    uint32_t at = 0;
    for (uint32_t r = 0; r < ROWS; r++) {
        const float score = dense_dot(query, exact_row(rows->of, r), DIMENSION);
        if (score > best && (!may || may(NULL, r))) best = score, at = r;
    }
    assert_int_equal(vectors_scan(rows, query, may, NULL, found, 10), 10);
    assert_int_equal(found[0].row, at);
    assert_float_equal(found[0].score, best, 1e-5);
    for (int i = 1; i < 10; i++) {
        assert_true(found[i - 1].score >= found[i].score);
        assert_true(!may || may(NULL, found[i].row));
    }
}

static void test_scan_is_exact(void **state) {
    (void)state;
    float *vectors = malloc((size_t)ROWS * DIMENSION * sizeof *vectors), query[DIMENSION];
    uint8_t *rounded = calloc(ROWS, vector_bytes(DIMENSION));
    float *steps = malloc(ROWS * sizeof *steps);
    for (uint32_t r = 0; r < ROWS; r++) {
        unit_row(vectors + (size_t)r * DIMENSION);
        steps[r] = vector_round(vectors + (size_t)r * DIMENSION, DIMENSION,
                                rounded + r * vector_bytes(DIMENSION));
    }
    const struct vector_rows rows = {.rounded = rounded,
                                     .steps = steps,
                                     .count = ROWS,
                                     .dimension = DIMENSION,
                                     .exact = exact_row,
                                     .of = vectors};
    for (int i = 0; i < 50; i++) {
        unit_row(query);
        check_scan(&rows, query, NULL);
        check_scan(&rows, query, is_even);
    }
    free(vectors);
    free(rounded);
    free(steps);
}

static void test_products(void **state) {
    (void)state;
    float a[67], b[67], sum = 0;
    int8_t x[67], y[67];
    int32_t whole = 0;
    for (int i = 0; i < 67; i++) {
        a[i] = chance(), b[i] = chance();
        x[i] = (int8_t)(chance() * 127), y[i] = (int8_t)(chance() * 127);
        sum += a[i] * b[i];
        whole += x[i] * y[i];
    }
    assert_float_equal(dense_dot(a, b, 67), sum, 1e-4);
    assert_int_equal(dense_dot8(x, y, 67), whole);
    dense_add(a, 2, b, 67);
    dense_add8(b, 0, x, 67);
    assert_float_equal(dense_round(a, 0, x), 0, 0);
}

/* The vectors of a known matrix come back with its values. */
static void test_eigen(void **state) {
    (void)state;
    double matrix[9] = {2, -1, 0, -1, 2, -1, 0, -1, 2}, values[3], vectors[9];
    eigen_symmetric(matrix, 3, values, vectors);
    assert_true(fabs(values[0] - (2 + sqrt(2))) < 1e-9);
    assert_true(fabs(values[1] - 2) < 1e-9);
    assert_true(fabs(values[2] - (2 - sqrt(2))) < 1e-9);
    for (int i = 0; i < 3; i++) { /* A v = value v */
        const double *v = vectors + (size_t)i * 3;
        assert_true(fabs(2 * v[0] - v[1] - values[i] * v[0]) < 1e-9);
        assert_true(fabs(-v[1] + 2 * v[2] - values[i] * v[2]) < 1e-9);
    }
}

/* ---- in the index ---- */

static void put(struct rag_index *index, const char *id, const char *body, const float *vector) {
    const struct rag_passage passage = {.text = {body, strlen(body)}, .vector = vector};
    assert_int_equal(rag_index_put(index, &(struct rag_document){.id = {id, strlen(id)},
                                                                 .title = RAG_TEXT("t"),
                                                                 .passages = &passage,
                                                                 .passage_count = 1}),
                     RAG_OK);
}

static void assert_first(struct rag_version *version, const struct rag_query *query,
                         const char *id) {
    struct rag_result *result = NULL;
    assert_int_equal(rag_search(version, query, &result), RAG_OK);
    assert_true(result->count > 0);
    assert_string_equal(result->method, "bm25+letters+vectors");
    assert_int_equal(result->hits[0].document.len, strlen(id));
    assert_memory_equal(result->hits[0].document.at, id, strlen(id));
    rag_result_free(result);
}

/* A vector finds what no word does; a service's hits do the same, and unknown ones are ignored. */
static void test_vectors_find_documents(void **state) {
    (void)state;
    const float east[2] = {3, 0}, north[2] = {0, 1}, query[2] = {0.1F, 0.99F};
    struct rag_index *index = rag_index_new(&(struct rag_options){.dimension = 2});
    put(index, "east", "oranges", east);
    put(index, "north", "pears", north);
    put(index, "none", "plums", NULL);
    for (int i = 0; i < 1100; i++) { /* so many that the main segment is made */
        char id[16];
        snprintf(id, sizeof id, "far%d", i);
        put(index, id, "figs", (const float[]){-1, -0.001F * (float)i});
    }
    rag_index_publish(index);
    struct rag_version *version = rag_index_version(index);
    assert_first(version, &(struct rag_query){.text = RAG_TEXT("zebra"), .vector = query}, "north");
    const struct rag_outside outside[] = {{RAG_TEXT("gone"), 0, 0.9F},
                                          {RAG_TEXT("east"), 7, 0.9F},
                                          {RAG_TEXT("none"), 0, 0.8F},
                                          {RAG_TEXT("east"), 0, 0.3F}};
    assert_first(version,
                 &(struct rag_query){.text = RAG_TEXT("?"), .outside = outside, .outside_count = 4},
                 "none");
    assert_false(rag_version_wants_graph(version));
    const char *why = NULL;
    assert_int_equal(rag_version_graph(version, "/nowhere/rag-graph.so", &why), RAG_INVALID);
    assert_non_null(why);
    assert_int_equal(
        rag_version_graph(version, SLUICE_BUILD_DIR "/plugins/modules/rag-graph.so", &why), RAG_OK);
    assert_first(version, &(struct rag_query){.text = RAG_TEXT("zebra"), .vector = query}, "north");
    rag_version_put(version);
    rag_index_free(index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scan_is_exact),
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_eigen),
        cmocka_unit_test(test_vectors_find_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
