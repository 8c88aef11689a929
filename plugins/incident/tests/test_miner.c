/* The log miner: what is text, what varies, bounds, ids that outlive a restart. */
#include "miner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t add(struct miner *miner, const char *line) {
    return miner_add(miner, line, strlen(line));
}

static const char *text(struct miner *miner, uint64_t form) {
    const struct miner_template *t = miner_template(miner, form);
    return t ? t->text : "(none)";
}

static void check_mask(const char *line, const char *expected) {
    struct masked m;
    mask_line(line, strlen(line), &m);
    m.text[m.used ? m.used - 1 : 0] = 0;
    assert_string_equal(m.text, expected);
}

static void masks_values(void **state) {
    (void)state;
    check_mask("dial tcp 10.2.3.4:5432: connection refused", "dial tcp <*>: connection refused");
    check_mask("took 12.5 ms, 3 retries", "took <*> retries");
    check_mask("at Fri Jun 17 20:55:06 2005 done", "at <*> done");
    check_mask("open /var/lib/app/x.db: no such file", "open <*>: no such file");
    check_mask("uid=0 tty=ssh ruser= rhost=", "uid=<*> tty=<*> ruser= rhost=");
    check_mask("tag=\"View Lock\" next", "tag=<*> next");
    check_mask("x=\"never closed", "x=\"never closed");
    check_mask("an14 an15 an16, an17", "<*>");
    check_mask("instruction......0 end", "instruction......<*> end");
    check_mask("(18.4 KB) received, lifetime <1 sec", "(<*>) received, lifetime <*>");
    check_mask("GET https://a.example/b?c=d now", "GET <*> now");
    check_mask("C:\\Windows\\x.dll loaded", "<*> loaded");
    check_mask("May we go", "May we go");
    check_mask("", "");
    check_mask("   \t ", "");
}

static void few_words_are_text_many_are_parameters(void **state) {
    (void)state;
    struct miner *miner = miner_new(NULL);
    const uint64_t started = add(miner, "[instance: 11] VM Started (Lifecycle Event)");
    const uint64_t stopped = add(miner, "[instance: 12] VM Stopped (Lifecycle Event)");
    assert_string_equal(text(miner, started), "[instance: <*>] VM Started (Lifecycle Event)");
    assert_string_not_equal(text(miner, started), text(miner, stopped));

    static const char *const names[] = {"time", "echo", "ftp", "telnet", "login", "talk"};
    uint64_t forms[6];
    char line[64];
    for (size_t i = 0; i < 6; i++) {
        (void)snprintf(line, sizeof line, "removing service %s", names[i]);
        forms[i] = add(miner, line);
    }
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(text(miner, forms[i]), "removing service <*>");

    const uint64_t ada = add(miner, "session opened for user ada by root");
    const uint64_t bob = add(miner, "session opened for user bob by root");
    assert_string_equal(text(miner, ada), "session opened for user <*> by root");
    assert_true(miner_template(miner, ada)->id == miner_template(miner, bob)->id);
    miner_free(miner);
}

static void a_repeat_is_the_same_form(void **state) {
    (void)state;
    struct miner *miner = miner_new(NULL);
    const uint64_t first = add(miner, "request 1 from 10.0.0.1 took 5 ms");
    for (int i = 0; i < 1000; i++) {
        char line[80];
        (void)snprintf(line, sizeof line, "request %d from 10.0.0.%d took %d ms", i, i % 256, i);
        assert_true(add(miner, line) == first);
    }
    assert_int_equal(miner_size(miner).forms, 1);
    miner_free(miner);
}

/* A restart seeds the templates that were kept: ids stay. */
static void ids_outlive_a_restart(void **state) {
    (void)state;
    struct miner *before = miner_new(NULL);
    uint64_t form = 0;
    char line[64];
    for (int i = 0; i < 8; i++) {
        (void)snprintf(line, sizeof line, "cannot reach peer %c%c now", 'a' + i, 'k' + i);
        form = add(before, line);
    }
    const struct miner_template kept = *miner_template(before, form);
    assert_string_equal(kept.text, "cannot reach peer <*> now");

    struct miner *after = miner_new(NULL);
    miner_seed(after, kept.text, strlen(kept.text));
    const uint64_t again = add(after, "cannot reach peer zz now");
    assert_true(miner_template(after, again)->id == kept.id);
    miner_free(before);
    miner_free(after);
}

static void word(char *to, unsigned *seed) {
    const size_t n = 3 + (size_t)rand_r(seed) % 8;
    for (size_t i = 0; i < n; i++) to[i] = (char)('a' + rand_r(seed) % 26);
    to[n] = 0;
}

/* A million lines of random words, none like another: memory stays within its bound. */
static void memory_is_bounded(void **state) {
    (void)state;
    struct miner *miner = miner_new(&(struct miner_limits){.forms = 1000});
    unsigned seed = 7;
    size_t most = 0;
    for (int i = 0; i < 200000; i++) {
        char line[512] = "";
        size_t used = 0;
        const int words = 1 + rand_r(&seed) % 20;
        for (int w = 0; w < words; w++) {
            word(line + used, &seed);
            used += strlen(line + used);
            line[used++] = ' ';
        }
        miner_add(miner, line, used);
        if (miner_size(miner).bytes > most) most = miner_size(miner).bytes;
    }
    assert_in_range(miner_size(miner).forms, 1, 1000);
    assert_true(miner_size(miner).dropped > 1000);
    assert_true(most < 2u << 20);
    miner_free(miner);
}

/* One template with a word that never repeats: it settles, and costs one form. */
static void a_parameter_of_plain_words_settles(void **state) {
    (void)state;
    struct miner *miner = miner_new(NULL);
    unsigned seed = 3;
    uint64_t form = 0;
    for (int i = 0; i < 5000; i++) {
        char line[96], name[16];
        word(name, &seed);
        (void)snprintf(line, sizeof line, "cache entry %s has been refreshed by worker", name);
        form = add(miner, line);
    }
    assert_string_equal(text(miner, form), "cache entry <*> has been refreshed by worker");
    assert_in_range(miner_size(miner).forms, 1, 100);
    miner_free(miner);
}

static void odd_lines_are_taken(void **state) {
    (void)state;
    struct miner *miner = miner_new(NULL);
    char *big = malloc(100000);
    memset(big, 'a', 100000);
    assert_true(miner_add(miner, big, 100000) != 0);
    for (size_t i = 0; i < 100000; i += 2) big[i] = ' ';
    assert_true(miner_add(miner, big, 100000) != 0);
    memset(big, '7', 100000);
    assert_true(miner_add(miner, big, 100000) != 0);
    assert_true(miner_add(miner, "\0\0a\0", 4) != 0);
    assert_true(miner_add(miner, "", 0) == 0);
    assert_null(miner_template(miner, 12345));
    free(big);
    miner_free(miner);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_values),
        cmocka_unit_test(few_words_are_text_many_are_parameters),
        cmocka_unit_test(a_repeat_is_the_same_form),
        cmocka_unit_test(ids_outlive_a_restart),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(a_parameter_of_plain_words_settles),
        cmocka_unit_test(odd_lines_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
