#include "index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct rag_text text(const char *at) {
    return (struct rag_text){at, strlen(at)};
}

static int put(struct rag_index *index, const char *id, const char *title, const char *body,
               const char *label) {
    const struct rag_passage passage = {.text = text(body)};
    const struct rag_text labels[] = {text(label ? label : "")};
    return rag_index_put(index, &(struct rag_document){.id = text(id),
                                                       .title = text(title),
                                                       .passages = &passage,
                                                       .passage_count = 1,
                                                       .labels = labels,
                                                       .label_count = label ? 1 : 0});
}

static void search(struct rag_index *index, const struct rag_query *query, char *out, size_t room) {
    struct rag_version *version = rag_index_version(index);
    struct rag_result *result = NULL;
    assert_int_equal(rag_search(version, query, &result), RAG_OK);
    out[0] = 0;
    for (size_t i = 0; i < result->count; i++) {
        const size_t used = strlen(out);
        snprintf(out + used, room - used, "%s%.*s", used ? " " : "",
                 (int)result->hits[i].document.len, result->hits[i].document.at);
    }
    rag_result_free(result);
    rag_version_put(version);
}

static const char *found(struct rag_index *index, const char *words) {
    static char out[1000];
    search(index, &(struct rag_query){.text = text(words)}, out, sizeof out);
    return out;
}

static int setup(void **state) {
    struct rag_index *index = rag_index_new(&(struct rag_options){.without_thesaurus = true});
    assert_non_null(index);
    put(index, "disk", "NodeDiskFull", "The root disk of a machine has filled up. Remove images.",
        "team=infra");
    put(index, "dns", "CoreDNSDown", "Names are not resolved inside the cluster.", "team=net");
    put(index, "crash", "KubePodCrashLooping", "A container restarts again and again.",
        "team=apps");
    assert_int_equal(rag_index_publish(index), RAG_OK);
    *state = index;
    return 0;
}

static int teardown(void **state) {
    rag_index_free(*state);
    return 0;
}

static void test_finds_by_stem_and_identifier(void **state) {
    struct rag_index *index = *state;
    assert_string_equal(found(index, "removing an image"), "disk");
    assert_string_equal(found(index, "crash looping"), "crash");
    assert_string_equal(found(index, "kubepodcrashlooping"), "crash");
    assert_string_equal(found(index, "zebra"), "");
    assert_string_equal(found(index, ""), "");
}

static void test_put_replaces_and_remove_removes(void **state) {
    struct rag_index *index = *state;
    put(index, "disk", "NodeDiskFull", "Grow the volume.", NULL);
    assert_string_equal(found(index, "volume"), ""); /* not published yet */
    rag_index_publish(index);
    assert_string_equal(found(index, "volume"), "disk");
    assert_string_equal(found(index, "images"), "");
    assert_true(rag_index_remove(index, text("disk")));
    assert_false(rag_index_remove(index, text("disk")));
    rag_index_publish(index);
    assert_string_equal(found(index, "volume"), "");
    assert_int_equal(rag_index_count(index), 2);
}

static void test_labels_filter_inside(void **state) {
    struct rag_index *index = *state;
    char out[100];
    const struct rag_text team = RAG_TEXT("team=net"), other = RAG_TEXT("team=none");
    struct rag_query query = {
        .text = RAG_TEXT("disk names restart"), .labels = &team, .label_count = 1};
    search(index, &query, out, sizeof out);
    assert_string_equal(out, "dns");
    query.labels = &other;
    search(index, &query, out, sizeof out);
    assert_string_equal(out, "");
}

static void test_version_stays_as_it_was(void **state) {
    struct rag_index *index = *state;
    struct rag_version *before = rag_index_version(index);
    rag_index_remove(index, text("dns"));
    rag_index_publish(index);
    struct rag_result *result = NULL;
    assert_int_equal(rag_search(before, &(struct rag_query){.text = RAG_TEXT("names")}, &result),
                     0);
    assert_int_equal(result->count, 1);
    rag_result_free(result);
    rag_version_put(before);
    assert_string_equal(found(index, "names"), "");
}

static void test_shows_further_passages(void **state) {
    struct rag_index *index = *state;
    const struct rag_passage passages[] = {
        {.heading = RAG_TEXT("Meaning"), .text = RAG_TEXT("The queue is long.")},
        {.heading = RAG_TEXT("Mitigation"),
         .text = RAG_TEXT("Drain the queue, then the queue's disk.")},
        {.heading = RAG_TEXT("Other"), .text = RAG_TEXT("Nothing.")}};
    rag_index_put(index, &(struct rag_document){.id = RAG_TEXT("queue"),
                                                .title = RAG_TEXT("Backlog"),
                                                .passages = passages,
                                                .passage_count = 3});
    rag_index_publish(index);
    struct rag_version *version = rag_index_version(index);
    struct rag_result *result = NULL;
    const struct rag_query query = {.text = RAG_TEXT("drain the queue"), .per_document = 3};
    assert_int_equal(rag_search(version, &query, &result), 0);
    assert_int_equal(result->count, 2);
    assert_int_equal(result->hits[0].passage, 1);
    assert_int_equal(result->hits[1].passage, 0);
    assert_true(result->hits[0].score > result->hits[1].score);
    assert_float_equal(result->evidence.coverage, 1, 1e-6);
    assert_int_equal(result->evidence.verdict, RAG_ANSWER);
    rag_result_free(result);
    rag_version_put(version);
}

static void test_thesaurus_adds_words(void **state) {
    (void)state;
    struct rag_index *index = rag_index_new(&(struct rag_options){
        .thesaurus = RAG_TEXT("# groups\nferry, boat  # ships\n lost key , locked out\n\n,,\n")});
    assert_non_null(index);
    put(index, "boat", "Boats", "When it sinks.", NULL);
    put(index, "key", "Doors", "Ring the bell when you are locked out.", NULL);
    rag_index_publish(index);
    assert_string_equal(found(index, "ferries"), "boat");
    assert_string_equal(found(index, "my key is lost"), "key");
    assert_string_equal(found(index, "key"), ""); /* half of an entry is not the entry */
    rag_index_free(index);
}

static void test_guesses_slips(void **state) {
    struct rag_index *index = *state;
    assert_string_equal(found(index, "clutser"), "dns");
    assert_string_equal(found(index, "contaner"), "crash");
    assert_string_equal(found(index, "dsk"), ""); /* too short to tell */
}

static void test_refuses_bad_documents(void **state) {
    struct rag_index *index = *state;
    assert_int_equal(put(index, "", "t", "b", NULL), RAG_INVALID);
    assert_null(rag_index_new(&(struct rag_options){.language = "klingon"}));
    assert_null(rag_index_new(&(struct rag_options){.dimension = 100000}));
    assert_int_equal(rag_index_count(index), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_finds_by_stem_and_identifier, setup, teardown),
        cmocka_unit_test_setup_teardown(test_put_replaces_and_remove_removes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_labels_filter_inside, setup, teardown),
        cmocka_unit_test_setup_teardown(test_version_stays_as_it_was, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shows_further_passages, setup, teardown),
        cmocka_unit_test(test_thesaurus_adds_words),
        cmocka_unit_test_setup_teardown(test_guesses_slips, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_bad_documents, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
