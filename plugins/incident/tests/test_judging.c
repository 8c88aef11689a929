/* Anomalies, suspects, impact, times, severities, signatures. */
#include "anomaly.h"
#include "impact.h"
#include "severity.h"
#include "signature.h"
#include "suspects.h"
#include "when.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>

#include <cmocka.h>

static void anomalies(void **state) {
    (void)state;
    double score;
    assert_int_equal(anomaly_judge(&(struct pattern){0, 60, 5, 5, 17}, &score), ANOMALY_NEW);
    const double of_error = score;
    anomaly_judge(&(struct pattern){0, 60, 5, 5, 9}, &score);
    assert_true(of_error > score);
    assert_int_equal(anomaly_judge(&(struct pattern){0, 5, 5, 5, 17}, &score), ANOMALY_NONE);
    assert_int_equal(anomaly_judge(&(struct pattern){600, 60, 500, 5, 9}, &score), ANOMALY_MORE);
    assert_int_equal(anomaly_judge(&(struct pattern){600, 60, 60, 5, 9}, &score), ANOMALY_NONE);
    assert_int_equal(anomaly_judge(&(struct pattern){6, 60, 3, 5, 9}, &score), ANOMALY_NONE);
    assert_int_equal(anomaly_judge(&(struct pattern){60000, 60, 0, 30, 9}, &score), ANOMALY_NONE);
    assert_int_equal(anomaly_judge(&(struct pattern){0, 60, 0, 5, 9}, &score), ANOMALY_NONE);
}

static struct suspect change(const char *id, int64_t minutes_before, int hops) {
    return (struct suspect){.id = id,
                            .kind = "deployment",
                            .service = id,
                            .words = id,
                            .at_ms = 100000000 - minutes_before * 60000,
                            .hops = hops,
                            .new_error_ratio = -1,
                            .old_error_ratio = -1};
}

static void suspects_are_ranked_or_nobody_is_named(void **state) {
    (void)state;
    const struct elsewhere none = {0};
    const char *why;
    struct suspect list[] = {change("after", -5, 0), change("near", 5, 0), change("off", 2, -1),
                             change("old", 300, 0)};
    size_t n = suspects_rank(list, 4, 100000000, &none, &why);
    assert_null(why);
    assert_string_equal(list[0].id, "near"); /* the fix came after, the newest is off the path */
    for (size_t i = 0; i < n; i++) assert_string_not_equal(list[i].id, "after");

    struct suspect far[] = {change("off", 2, -1), change("old", 300, 0)};
    (void)suspects_rank(far, 2, 100000000, &none, &why);
    assert_non_null(why);
    assert_int_equal(suspects_rank(NULL, 0, 100000000, &none, &why), 0);
    assert_non_null(why);

    struct suspect one[] = {change("near", 5, 0)};
    (void)suspects_rank(one, 1, 100000000, &(struct elsewhere){.certificate = true}, &why);
    assert_non_null(strstr(why, "certificate"));
    (void)suspects_rank(one, 1, 100000000, &(struct elsewhere){.traffic_ratio = 3}, &why);
    assert_non_null(strstr(why, "traffic"));
    one[0].new_error_ratio = 0.2, one[0].old_error_ratio = 0.001; /* the versions differ */
    (void)suspects_rank(one, 1, 100000000, &(struct elsewhere){.traffic_ratio = 3}, &why);
    assert_null(why);
}

/* Generated cases: the guilty change shares words with the new errors or lies on the path; innocent
 * ones lie nearer in time but off the path. Naive "last change" is always wrong here. */
static void the_guilty_change_is_found_among_innocent_ones(void **state) {
    (void)state;
    unsigned seed = 3;
    int right = 0, naive = 0;
    for (int round = 0; round < 500; round++) {
        struct suspect list[6];
        const char *why;
        for (int i = 0; i < 5; i++) list[i] = change("innocent", 1 + rand_r(&seed) % 30, -1);
        list[5] = change("guilty", 5 + rand_r(&seed) % 40, rand_r(&seed) % 2);
        list[5].overlap = rand_r(&seed) % 3;
        int64_t newest = 0;
        const char *last = "";
        for (int i = 0; i < 6; i++)
            if (list[i].at_ms > newest) newest = list[i].at_ms, last = list[i].id;
        naive += strcmp(last, "guilty") == 0;
        (void)suspects_rank(list, 6, 100000000, &(struct elsewhere){0}, &why);
        right += !why && strcmp(list[0].id, "guilty") == 0;
    }
    assert_true(right > 480);
    assert_true(naive < 200);
}

static void impact_is_computed_or_unknown(void **state) {
    (void)state;
    struct impact i;
    impact_compute(&(struct impact_counts){.requests = 0}, NULL, &i);
    assert_false(i.known);
    impact_compute(&(struct impact_counts){.requests = 60000, .failed = 3000}, NULL, &i);
    assert_true(i.known && !i.usual_known);
    assert_true(fabs(i.share - 0.05) < 1e-9);
    assert_true(i.share_low < 0.05 && i.share_high > 0.05 && i.share_low > 0.047);
    double usual[30];
    for (int m = 0; m < 30; m++) usual[m] = m == 7 ? 0.9 : 0.01; /* one bad minute is no rule */
    impact_compute(
        &(struct impact_counts){
            .requests = 1000, .failed = 60, .usual_ratios = usual, .usual_count = 30},
        usual, &i);
    assert_true(i.usual_known && fabs(i.excess - 50) < 1e-9);
    impact_compute(&(struct impact_counts){.requests = 3, .failed = 0}, NULL, &i);
    assert_true(i.share_low >= 0 && i.share_high > 0.3); /* three requests prove little */
}

static void times_are_read_and_written(void **state) {
    (void)state;
    int64_t ms;
    char out[WHEN_TEXT];
    assert_true(when_parse(text_from("2026-05-04T08:20:00Z"), &ms));
    assert_int_equal(ms, 1777882800000);
    assert_string_equal(when_print(ms, out), "2026-05-04T08:20:00Z");
    assert_true(when_parse(text_from("2026-05-04T10:20:00.125+02:00"), &ms));
    assert_int_equal(ms, 1777882800125);
    assert_string_equal(when_print(ms, out), "2026-05-04T08:20:00.125Z");
    assert_true(when_parse(text_from("0001-01-01T00:00:00Z"), &ms));
    assert_int_equal(ms, 0);
    assert_true(when_parse(text_from("2024-02-29T23:59:60Z"), &ms));
    static const char *const bad[] = {"",
                                      "never",
                                      "2026-05-04",
                                      "2026-13-04T08:20:00Z",
                                      "2026-05-04T08:20:00",
                                      "2026-05-04T25:20:00Z",
                                      "2026-05-04T08:20:00Z ",
                                      "2026-05-04T08:20:00.Z"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(when_parse(text_from(bad[i]), &ms));
    for (int64_t day = 0; day < 60000; day += 17) { /* there and back */
        const int64_t at = day * 86400000 + 12345000;
        assert_true(when_parse(text_from(when_print(at, out)), &ms));
        assert_true(ms == at);
    }
    assert_string_equal(when_lasting(45000, out), "45 seconds");
    assert_string_equal(when_lasting(61000, out), "1 minute");
    assert_string_equal(when_lasting(11100000, out), "3 hours 5 minutes");
    assert_string_equal(when_lasting(187200000, out), "2 days 4 hours");
    assert_string_equal(when_day(1777882800000, out), "4 May 2026, 08:20 UTC");
}

static void severities(void **state) {
    (void)state;
    assert_int_equal(severity_from("critical"), 1);
    assert_int_equal(severity_from("P2"), 2);
    assert_int_equal(severity_from(NULL), 3);
    assert_int_equal(severity_from("whatever"), 3);
    assert_int_equal(severity_from("info"), 4);
    assert_string_equal(severity_name(1), "SEV1");
}

static void sha256(const void *data, size_t size, char hex[65]) {
    struct sha256_ctx c;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&c);
    sha256_update(&c, size, data);
    sha256_digest(&c, sizeof digest, digest);
    for (size_t i = 0; i < sizeof digest; i++) (void)snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

/* The example of GitHub's documentation, RFC 4231's long key, and a rotation. */
static void signatures(void **state) {
    (void)state;
    const char *key = "It's a Secret to Everybody", *body = "Hello, World!";
    char hex[65], header[300];
    assert_true(hmac_sha256(sha256, key, body, 13, hex));
    assert_string_equal(hex, "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
    (void)snprintf(header, sizeof header, "sha256=%s", hex);
    assert_true(signature_matches(sha256, key, body, 13, header));
    assert_false(signature_matches(sha256, key, "Hello, World?", 13, header));
    assert_false(signature_matches(sha256, "", body, 13, header));
    (void)snprintf(header, sizeof header, "v1=%064d,v1=%s", 0, hex);
    assert_true(signature_matches(sha256, key, body, 13, header));
    header[0] = 0;
    assert_false(signature_matches(sha256, key, body, 13, header));
    assert_false(signature_matches(sha256, key, body, 13, "v1=,,=,sha256"));
    char big[132];
    memset(big, 0xaa, 131);
    big[131] = 0;
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";
    assert_true(hmac_sha256(sha256, big, text, strlen(text), hex));
    assert_string_equal(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    assert_true(same_secret("abc", "abc"));
    assert_false(same_secret("abc", "abd"));
    assert_false(same_secret("", ""));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anomalies),
        cmocka_unit_test(suspects_are_ranked_or_nobody_is_named),
        cmocka_unit_test(the_guilty_change_is_found_among_innocent_ones),
        cmocka_unit_test(impact_is_computed_or_unknown),
        cmocka_unit_test(times_are_read_and_written),
        cmocka_unit_test(severities),
        cmocka_unit_test(signatures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
