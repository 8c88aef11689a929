/* Secrets leave texts by the rules that find them in diffs: measured on the samples of every family. */
#include "redact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct redactor *redactor;

static char *clean(const char *text, int *found) {
    *found = 0;
    char *out = redactor_run(redactor, text, strlen(text), found);
    assert_true(*found >= 0);
    return out ? out : strdup(text);
}

static void reverse(char *text) {
    for (size_t i = 0, j = strlen(text); i + 1 < j; i++) {
        const char c = text[i];
        text[i] = text[--j];
        text[j] = c;
    }
}

/* The longest run of what tokens are made of: of a sample it is the secret. */
static size_t longest_run(const char *text) {
    size_t best = 0, run = 0;
    for (; *text; text++) {
        const char l = (char)(*text | 0x20);
        run = (l >= 'a' && l <= 'z') || (*text >= '0' && *text <= '9') ? run + 1 : 0;
        if (run > best) best = run;
    }
    return best;
}

static void samples_of_every_family(void **state) {
    (void)state;
    FILE *file = fopen(SLUICE_SOURCE_DIR "/plugins/risk/tests/secrets.samples", "r");
    assert_non_null(file);
    char *line = NULL;
    size_t room = 0;
    unsigned positives = 0, caught = 0, shorter = 0;
    for (ssize_t len; (len = getline(&line, &room, file)) > 0;) {
        line[len - 1] = '\0';
        char *text = strrchr(line, '\t') + 1;
        if (*line != '+' || strchr(line, '\t') + 1 != text - 1) continue; /* some need a path */
        reverse(text);
        for (char *at = text; *at; at++)
            if (*at == '\x1f') *at = '\n'; /* how the file writes a line's end */
        int found;
        const size_t before = longest_run(text);
        char *out = clean(text, &found);
        positives++;
        caught += found > 0;
        shorter += found > 0 && (longest_run(out) < before || before < 12);
        free(out);
    }
    free(line);
    fclose(file);
    print_message("%u positives, %u caught, %u shorter\n", positives, caught, shorter);
    assert_true(positives > 700);
    assert_true(caught * 100 >= positives * 98);
    assert_true(shorter * 100 >= positives * 95);
}

static void text_around_stays(void **state) {
    (void)state;
    int found;
    char text[200], wanted[200];
    /* Put together here, so that no scanner takes it for a real one. */
    (void)snprintf(text, sizeof text, "a ghp_%s b\nc \"glpat-%s\", d",
                   "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8", "Zx9Yw8Vu7Ts6Rq5Po4Nm");
    (void)snprintf(wanted, sizeof wanted,
                   "a [REDACTED:github-pat] b\nc \"[REDACTED:gitlab-pat]\", d");
    char *out = clean(text, &found);
    assert_string_equal(out, wanted);
    assert_int_equal(found, 2);
    free(out);
}

static void many_on_one_line_all_go(void **state) {
    (void)state;
    char text[2048] = "";
    for (int i = 0; i < 10; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text),
                       "ghp_%c1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R%d ", 'a' + i, i);
    int found;
    char *out = clean(text, &found);
    assert_int_equal(found, 10);
    assert_null(strstr(out, "ghp_"));
    free(out);
}

static void prose_is_left_alone(void **state) {
    (void)state;
    int found;
    free(clean("The token bucket denied it; rotate the password of shop in prod. See runbook 12.",
               &found));
    assert_int_equal(found, 0);
    free(clean("", &found));
    assert_int_equal(found, 0);
}

int main(void) {
    redactor = redactor_new();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_every_family), cmocka_unit_test(text_around_stays),
        cmocka_unit_test(many_on_one_line_all_go), cmocka_unit_test(prose_is_left_alone)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    redactor_free(redactor);
    return failed;
}
