/* What HAProxy answers, read; weights; notes. */
#include "haproxy_split.h"
#include "haproxy_stat.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char stat_head[] =
    "# pxname,svname,econ,eresp,status,weight,type,hrsp_1xx,hrsp_2xx,hrsp_3xx,hrsp_4xx,hrsp_5xx,"
    "hrsp_other,rtime,uweight,new_one,\n";
static struct haproxy_servers servers;

static bool read_rows(const char *rows, const char *backend) {
    static char text[8192];
    (void)snprintf(text, sizeof text, "%s%s\n", stat_head, rows);
    return haproxy_stat_read(text, strlen(text), backend, &servers);
}

static void test_rows(void **state) {
    (void)state;
    assert_true(read_rows("fe,FRONTEND,,,OPEN,,0,0,5,0,0,0,0,,,x,\n"
                          "shop,old,1,2,UP,90,2,7,100,20,3,4,0,12,90,x,\n"
                          "shop,\"new,1\",0,0,DRAIN,0,2,0,0,0,0,0,0,,10,x,\n"
                          "shop,third,0,0,DOWN 1/3,0,2,0,0,0,0,0,0,,10,x,\n"
                          "shop,BACKEND,0,0,UP,90,1,0,100,0,0,0,0,9,90,x,\n"
                          "other,old,0,0,UP,1,2,0,0,0,0,0,0,,1,x,\n",
                          "shop"));
    assert_int_equal(servers.count, 3);
    const struct haproxy_server *old = &servers.items[0], *new = &servers.items[1];
    assert_string_equal(old->name, "old");
    assert_true(old->up && old->weight == 90);
    assert_true(old->requests == 130 && old->errors == 7); /* 1xx is no answer of its own */
    assert_true(old->response_ms == 12);
    assert_string_equal(new->name, "new,1");
    assert_true(new->draining && !new->up &&new->weight == 10 && new->response_ms == -1);
    assert_false(servers.items[2].up);
}

static void test_faults(void **state) {
    (void)state;
    assert_false(read_rows("shop,old,1,2,UP,90,2,,,,,,,,,,\n", "nosuch"));
    assert_non_null(strstr(servers.fault, "no backend 'nosuch'"));
    assert_false(read_rows("shop,BACKEND,1,2,UP,90,1,,,,,,,,,,\n", "shop"));
    assert_non_null(strstr(servers.fault, "no servers"));
    static const char refused[] = "No such proxy.\n";
    assert_false(haproxy_stat_read(refused, sizeof refused - 1, "shop", &servers));
    assert_non_null(strstr(servers.fault, "No such proxy."));
    assert_false(haproxy_stat_read("", 0, "shop", &servers));
    static const char cut[] = "# pxname,svname,status,weight\nshop,o";
    assert_true(
        haproxy_stat_read(cut, sizeof cut - 1, "shop", &servers)); /* reads as far as it goes */
}

static void test_other_answers(void **state) {
    (void)state;
    static const char info[] = "Name: HAProxy\nPid: 1559\nUptime: 0d\nStart_time_sec: 17\n";
    assert_true(haproxy_info(info, sizeof info - 1, "Pid") == 1559);
    assert_true(haproxy_info(info, sizeof info - 1, "Start_time_sec") == 17);
    assert_true(haproxy_info(info, sizeof info - 1, "Nothing") == -1);
    char value[40];
    static const char var[] = "proc.sluice_shop: type=str value=<sluice1.A.3.0.90.10>\n";
    assert_true(haproxy_var(var, sizeof var - 1, value, sizeof value));
    assert_string_equal(value, "sluice1.A.3.0.90.10");
    static const char none[] = "Variable not found.\n";
    assert_false(haproxy_var(none, sizeof none - 1, value, sizeof value));
    size_t length = 0;
    assert_null(haproxy_refusal("\n\n\n", 3, &length));
    static const char refused[] = "\nNo such server.\n\n";
    assert_memory_equal(haproxy_refusal(refused, sizeof refused - 1, &length), "No such server.",
                        15);
    assert_int_equal(length, 15);
}

static void test_weights(void **state) {
    (void)state;
    for (size_t ns = 1; ns <= 20; ns++) {
        for (size_t nc = 1; nc <= 5; nc++) {
            for (int weight = 0; weight <= 100; weight++) {
                struct haproxy_weights is = haproxy_weights_for(weight, 100, ns, nc);
                double canary = is.canary * (double)nc, stable = is.stable * (double)ns;
                assert_true(is.canary >= 0 && is.canary <= 256 && is.stable <= 256);
                assert_int_equal(is.canary == 0, weight == 0);
                assert_int_equal(is.stable == 0, weight == 100);
                if (!is.canary || !is.stable) continue;
                double share = weight / 100.0, away = fabs(canary / (canary + stable) - share);
                double each = share / (1 - share) * (double)ns / (double)nc;
                /* beyond 1 to 256 a server HAProxy has no finer weights */
                assert_true(away < 0.003 || each < 1.0 / 256 || each > 256);
            }
        }
    }
    struct haproxy_weights ten = haproxy_weights_for(10, 100, 1, 1);
    assert_true(ten.stable == 99 && ten.canary == 11);
}

/* Two servers, each a pool. */
static struct haproxy_pools pools_of(int stable, int canary) {
    servers.count = 2;
    servers.items[0] = (struct haproxy_server){.name = "blue", .weight = stable};
    servers.items[1] = (struct haproxy_server){.name = "green", .weight = canary};
    return (struct haproxy_pools){
        .stable = {0}, .stable_count = 1, .canary = {1}, .canary_count = 1};
}

static void test_the_live_pool_is_the_old_version(void **state) {
    (void)state;
    struct haproxy_pools pools = pools_of(100, 0);
    assert_true(haproxy_follow_traffic(&servers, &pools));
    assert_int_equal(pools.stable[0], 0);
    pools = pools_of(0, 100);
    assert_true(haproxy_follow_traffic(&servers, &pools));
    assert_int_equal(pools.stable[0], 1);
    pools = pools_of(90, 10);
    assert_false(haproxy_follow_traffic(&servers, &pools));
    assert_int_equal(haproxy_weight_in_force(&servers, &pools, 100), 10);
    pools = pools_of(0, 0);
    assert_int_equal(haproxy_weight_in_force(&servers, &pools, 100), -1);
}

static void test_notes(void **state) {
    (void)state;
    char text[HAPROXY_NOTE];
    struct haproxy_note note = {
        .deployment = "01J9", .generation = INT64_MAX, .swapped = true, .weights = {90, 10}};
    haproxy_note_write(&note, text);
    struct haproxy_note again;
    assert_true(haproxy_note_read(text, &again));
    assert_string_equal(again.deployment, "01J9");
    assert_true(again.generation == INT64_MAX && again.swapped && again.weights.canary == 10);
    static const char *const broken[] = {"",
                                         "abc",
                                         "sluice1.",
                                         "sluice1.A",
                                         "sluice1.A.1.0.90",
                                         "sluice1.A.1.2.90.10",
                                         "sluice1.A.-1.0.90.10",
                                         "sluice1.A.1.0.900.10",
                                         "sluice1.A.1.0.90.10x"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_false(haproxy_note_read(broken[i], &again));
    struct haproxy_pools pools = pools_of(90, 10);
    assert_null(haproxy_foreign(&servers, &pools, &note));
    pools = pools_of(90, 50);
    assert_string_equal(haproxy_foreign(&servers, &pools, &note)->name, "green");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_other_answers),
        cmocka_unit_test(test_weights),
        cmocka_unit_test(test_the_live_pool_is_the_old_version),
        cmocka_unit_test(test_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
