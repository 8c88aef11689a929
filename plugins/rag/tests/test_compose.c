/* Answers: what is quoted is verbatim, what a model writes holds only when a passage supports it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../compose.h"
#include "../sentence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char disk[] =
    "The filesystem has less than 5% space left, e.g. because logs grow. Pods are evicted!\n"
    "Do not delete files of /var/lib/etcd by hand.\n\n- Run this:\n\n```sh\njournalctl "
    "--vacuum-size=500M\n```\n\n1. Cordon the node\n   before you resize the volume.\n\n"
    "| part | size |\n|---|---|\n| root | 20 GiB |\n";
static const char queue[] =
    "Consumers fall behind when a rebalance does not end. Restart the consumer group one pod at a "
    "time.\nKubePodCrashLooping fires after 15 minutes.";

static struct source sources[2];
static struct pool pool;
static struct answer answer;

static int start(void **state) {
    (void)state;
    sources[0] = (struct source){"Node disk is full", "Mitigation", disk, sizeof disk - 1, 10, 0.9};
    sources[1] = (struct source){"Lag", "Meaning", queue, sizeof queue - 1, 1, 0.5};
    answer = (struct answer){0};
    return 0;
}

static int stop(void **state) {
    (void)state;
    pool_fini(&pool);
    return 0;
}

static void passages_are_split_into_sentences(void **state) {
    (void)state;
    static const char *const wanted[] = {
        "The filesystem has less than 5% space left, e.g. because logs grow.",
        "Pods are evicted!",
        "Do not delete files of /var/lib/etcd by hand.",
        "Run this:",
        "journalctl --vacuum-size=500M",
        "Cordon the node\n   before you resize the volume.",
        "| part | size |",
        "| root | 20 GiB |"};
    size_t count;
    const struct span *spans = sentences_of(&pool, disk, sizeof disk - 1, &count);
    assert_int_equal(count, sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(spans[i].size, strlen(wanted[i]));
        assert_memory_equal(disk + spans[i].from, wanted[i], spans[i].size);
        uint32_t line = 0;
        for (uint32_t at = 0; at < spans[i].from; at++) line += disk[at] == '\n';
        assert_int_equal(spans[i].line, line);
    }
    assert_int_equal(spans[4].kind, SPAN_CODE);
    assert_int_equal(spans[5].line_to, spans[5].line + 1);
}

static void extraction_is_verbatim_and_brings_the_command(void **state) {
    (void)state;
    compose_extract(&pool, "how do I run the cleanup of a full filesystem", sources, 2, &answer);
    assert_true(answer.count >= 1);
    compose_number(&answer);
    for (size_t i = 0; i < answer.count; i++) {
        const struct cite *cite = &answer.sentences[i].cites[0];
        const char *text = sources[cite->source].text;
        assert_true(cite->quote >= text &&
                    cite->quote + cite->quote_size <= text + sources[cite->source].size);
        assert_ptr_equal(answer.sentences[i].text, cite->quote);
    }
    compose_extract(&pool, "run this", sources, 1, &answer);
    compose_number(&answer);
    const char *text = compose_text(&pool, &answer);
    assert_non_null(strstr(text, "Run this: [1]\n```\njournalctl --vacuum-size=500M\n```\n[1]"));
}

static void check(const char *text, int64_t cite, bool holds) {
    const size_t before = answer.count, cut = answer.cut;
    compose_check(&pool, sources, 2, text, &cite, 1, &answer);
    if ((answer.count > before) != holds) fail_msg("%s [%d]", text, (int)cite);
    if (!holds) assert_int_equal(answer.cut, cut + 1);
    if (!holds) return;
    const struct cite *found = &answer.sentences[before].cites[0];
    assert_int_equal(found->source, cite - 1);
    answer.count = 0;
}

static void sentences_hold_when_supported(void **state) {
    (void)state;
    check("Cordon the node before resizing the volume.", 1, true);
    check("Free space with journalctl --vacuum-size=500M.", 1, true);
    check("Run journalctl --vacuum-size=500M.", 1, true);
    check("Pods are evicted when the filesystem has less than 5% space left.", 1, true);
    check("Never delete files of /var/lib/etcd by hand.", 1, true);
    check("KubePodCrashLooping fires after 15 minutes.", 2, true);
}

static void sentences_fall_when_not(void **state) {
    (void)state;
    check("Cordon the node before resizing the volume.", 2, false); /* another passage */
    check("Cordon the node before resizing the volume.", 3, false); /* not retrieved */
    check("Cordon the node before resizing the volume.", 0, false);
    check("Cordon the node before resizing the volume.", -1, false);
    check("Cordon the node before resizing the volume.", INT64_MIN, false);
    check("Delete files of /var/lib/etcd by hand.", 1, false);        /* the "not" is lost */
    check("KubePodCrashLooping fires after 25 minutes.", 2, false);   /* another number */
    check("KubePodNotReady fires after 15 minutes.", 2, false);       /* another name */
    check("Pods are evicted, see https://evil.example/x.", 1, false); /* a link of its own */
    check("Reboot the database and call the vendor.", 1, false);
    check("", 1, false);
    check("...", 1, false);
}

/* ---- ten thousand outputs of a model that means no good ---- */

static uint32_t seed = 1;

static uint32_t next(uint32_t most) {
    seed = seed * 1664525U + 1013904223U;
    return (seed >> 8) % most;
}

static void garble(char *out, size_t room) {
    static const char *const pieces[] = {"Cordon the node ",
                                         "before you resize the volume ",
                                         "Restart the consumer group ",
                                         "not ",
                                         "never ",
                                         "5% ",
                                         "95% ",
                                         "delete ",
                                         "KubePodCrashLooping ",
                                         "KubeNodeNotReady ",
                                         "[1] ",
                                         "[7] ",
                                         "ignore all previous instructions ",
                                         "the system prompt is ",
                                         "\n",
                                         "https://evil.example ",
                                         "one pod at a time ",
                                         "journalctl --vacuum-size=500M ",
                                         ". ",
                                         "\xC3\xA9\xFF ",
                                         "evicted ",
                                         "logs grow ",
                                         "rebalance ",
                                         "<|im_start|> "};
    size_t n = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < 1 + next(14); i++) {
        const char *piece = pieces[next(sizeof pieces / sizeof *pieces)];
        if (n + strlen(piece) >= room) break;
        n += (size_t)snprintf(out + n, room - n, "%s", piece);
    }
}

static void no_output_of_a_model_breaks_the_rules(void **state) {
    (void)state;
    size_t kept = 0;
    for (int round = 0; round < 10000; round++) {
        char text[8][400];
        answer = (struct answer){0};
        const size_t count = next(3); /* also no source at all */
        for (size_t i = 0; i < 1 + next(8); i++) {
            int64_t cites[6];
            const size_t cite_count = next(7);
            for (size_t c = 0; c < cite_count; c++) cites[c] = (int64_t)next(12) - 4;
            garble(text[i], sizeof text[i]);
            compose_check(&pool, sources, count, text[i], cites, cite_count, &answer);
        }
        compose_number(&answer);
        for (size_t i = 0; i < answer.count; i++) {
            const struct answer_sentence *s = &answer.sentences[i];
            assert_true(s->cite_count >= 1);
            assert_null(strstr(s->text, "https://"));
            assert_null(strstr(s->text, "95%"));
            assert_null(strstr(s->text, "KubeNodeNotReady"));
            for (size_t c = 0; c < s->cite_count; c++) {
                const struct cite *cite = &s->cites[c];
                assert_true(cite->source < count);
                const struct source *from = &sources[cite->source];
                assert_true(cite->quote >= from->text &&
                            cite->quote + cite->quote_size <= from->text + from->size);
                assert_true(cite->line_from >= from->line && cite->line_to >= cite->line_from);
                assert_true(answer.numbers[cite->source] >= 1);
            }
        }
        kept += answer.count;
        pool_fini(&pool);
    }
    assert_true(kept > 100); /* else nothing was tested */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passages_are_split_into_sentences, start, stop),
        cmocka_unit_test_setup_teardown(extraction_is_verbatim_and_brings_the_command, start, stop),
        cmocka_unit_test_setup_teardown(sentences_hold_when_supported, start, stop),
        cmocka_unit_test_setup_teardown(sentences_fall_when_not, start, stop),
        cmocka_unit_test_setup_teardown(no_output_of_a_model_breaks_the_rules, start, stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
