/* The plugin on the test host: incidents that are over, failures of the store, tenants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sluice/sluice.h>
#include <sluice/test.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const sl_plugin sluice_plugin;

static sl_test_host *host;

static int start(void **state) {
    (void)state;
    host = sl_test_host_new(&(sl_test_options){.plugin = &sluice_plugin});
    if (!host) print_error("%s\n", sl_test_error());
    return host ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    sl_test_host_free(host);
    return 0;
}

static const char *ask(const char *op, const char *json) {
    if (sl_test_call(host, op, json)) fail_msg("%s: %s", op, sl_test_answer(host));
    return sl_test_answer(host);
}

static void incident_becomes_a_document(void **state) {
    (void)state;
    assert_int_equal(sl_test_publish(host, "incident.resolved", "incident/I1",
                                     "{\"incident_id\":\"I1\",\"title\":\"Checkout outage\","
                                     "\"severity\":\"sev2\",\"services\":[\"checkout\"],"
                                     "\"root_cause\":\"the zebrafinch cache was cold\"}"),
                     0);
    const char *found =
        ask("rag.query", "{\"query\":\"zebrafinch cache\",\"labels\":[\"service=checkout\"]}");
    assert_non_null(strstr(found, "incidents/I1.md"));
    assert_non_null(strstr(found, "the zebrafinch cache was cold"));
    /* Heard again: nothing is written twice. */
    sl_test_publish(
        host, "incident.resolved", "incident/I1",
        "{\"incident_id\":\"I1\",\"title\":\"Checkout outage\",\"severity\":\"sev2\","
        "\"services\":[\"checkout\"],\"root_cause\":\"the zebrafinch cache was cold\"}");
    assert_int_equal(sl_test_event_count(host, "rag.documents_changed"), 1);
}

static void failed_commit_keeps_nothing(void **state) {
    (void)state;
    static const char document[] = "{\"source\":\"a.md\",\"text\":\"# A\\n\\nzebrafinch\"}";
    sl_test_fail_commit(host, 1);
    assert_int_not_equal(sl_test_call(host, "rag.ingest", document), 0);
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"zebrafinch\"}"), "\"passages\":[]"));
    assert_non_null(strstr(ask("rag.ingest", document), "\"added\":1"));
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"zebrafinch\"}"), "a.md"));
}

static void permissions_are_asked(void **state) {
    (void)state;
    static const char document[] = "{\"source\":\"a.md\",\"text\":\"# A\\n\\nzebrafinch\"}";
    assert_int_equal(sl_test_call_as(host, "rag:read", "rag.ingest", document), SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "rag:write", "rag.query", "{\"query\":\"x\"}"),
                     SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "rag:read", "rag.forget", "{\"id\":\"x\"}"), SL_DENIED);
    assert_int_equal(sl_test_call_as(host, "rag:read", "rag.answer", "{\"question\":\"x\"}"), 0);
}

static void index_is_let_go_and_comes_again(void **state) {
    (void)state;
    ask("rag.ingest", "{\"source\":\"a.md\",\"text\":\"# A\\n\\nzebrafinch\"}");
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"zebrafinch\"}"), "a.md"));
    assert_non_null(strstr(ask("rag.documents", "{}"), "\"index\":{\"documents\":1"));
    sl_test_advance(host, 40LL * 60 * 1000);
    assert_non_null(strstr(ask("rag.documents", "{}"), "\"index\":{\"documents\":0"));
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"zebrafinch\"}"), "a.md"));
}

/* Long after a removal its row is purged; an index that missed it starts anew. */
static void removals_outlive_their_rows(void **state) {
    (void)state;
    ask("rag.ingest", "{\"source\":\"a.md\",\"text\":\"# A\\n\\nzebrafinch\"}");
    ask("rag.ingest", "{\"source\":\"b.md\",\"text\":\"# B\\n\\nalbatross\"}");
    ask("rag.query", "{\"query\":\"zebrafinch\"}");
    ask("rag.forget", "{\"id\":\"a.md\"}");
    sl_test_advance(host, 8LL * 24 * 3600 * 1000);
    ask("rag.ingest", "{\"source\":\"c.md\",\"text\":\"# C\\n\\ncormorant\"}");
    ask("rag.forget", "{\"id\":\"b.md\"}"); /* purges a.md's row */
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"zebrafinch\"}"), "\"passages\":[]"));
    assert_non_null(strstr(ask("rag.query", "{\"query\":\"cormorant\"}"), "c.md"));
    assert_non_null(strstr(ask("rag.documents", "{}"), "\"documents\":1"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(incident_becomes_a_document, start, stop),
        cmocka_unit_test_setup_teardown(failed_commit_keeps_nothing, start, stop),
        cmocka_unit_test_setup_teardown(permissions_are_asked, start, stop),
        cmocka_unit_test_setup_teardown(index_is_let_go_and_comes_again, start, stop),
        cmocka_unit_test_setup_teardown(removals_outlive_their_rows, start, stop)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
