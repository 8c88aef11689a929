/* What goes to providers, what comes from them, schemas, secrets, the breaker. */
#include "breaker.h"
#include "reading.h"
#include "redact.h"
#include "schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_all(struct reading *reading, enum wire wire, const char *text) {
    reading_init(reading, wire, 4096);
    (void)reading_feed(reading, text, strlen(text));
    reading_end(reading);
}

static void fault_is(enum wire wire, const char *text, enum reading_fault fault,
                     const char *words) {
    struct reading reading;
    read_all(&reading, wire, text);
    assert_int_equal(reading.fault, fault);
    if (words) assert_non_null(strstr(reading.trouble, words));
    reading_fini(&reading);
}

static void streams_are_put_together(void **state) {
    (void)state;
    struct reading reading;
    read_all(
        &reading, WIRE_OPENAI,
        "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\r\n\r\n: ping\n\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"b\"},\"finish_reason\":\"length\"}]}\n\n"
        "data: [DONE]\n\n");
    assert_string_equal(text_get(&reading.answer), "ab");
    assert_string_equal(reading.finish, "length");
    assert_int_equal(reading.output_tokens, -1);
    reading_fini(&reading);
    read_all(&reading, WIRE_ANTHROPIC,
             "data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":"
             "\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n\n"
             "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
             "\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
             "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
             "\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
             "data: {\"type\":\"something_new\"}\n\n"
             "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\"}}\n\n");
    assert_int_equal(reading.fault, READING_GOOD);
    assert_int_equal(reading.tool_count, 1);
    assert_string_equal(text_get(&reading.tools[0].arguments), "{\"a\":1}");
    reading_fini(&reading);
}

static void bad_streams_are_told_apart(void **state) {
    (void)state;
    fault_is(WIRE_OPENAI, "", READING_CUT, "empty");
    fault_is(WIRE_OPENAI, "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", READING_CUT,
             "in the middle");
    fault_is(WIRE_OPENAI, "data: nonsense\n\n", READING_BROKEN, "nonsense");
    fault_is(WIRE_OPENAI, "{\"choices\":[]}", READING_BROKEN, "no message");
    fault_is(WIRE_OPENAI, "data: {\"error\":{\"message\":\"died\"}}\n\n", READING_REFUSED, "died");
    fault_is(WIRE_OLLAMA, "{\"error\":\"no such model\"}\n", READING_REFUSED, "no such model");
    fault_is(WIRE_ANTHROPIC, "data: {\"kind\":1}\n\n", READING_BROKEN, "no type");
    char large[6000];
    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = 0;
    fault_is(WIRE_OPENAI, large, READING_LARGE, "over 4096");
}

static void too_many_tools_are_refused(void **state) {
    (void)state;
    struct reading reading;
    reading_init(&reading, WIRE_OPENAI, 1 << 20);
    char event[160];
    for (int i = 0; i <= READING_TOOLS; i++) {
        (void)snprintf(event, sizeof event,
                       "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,"
                       "\"function\":{\"name\":\"n\"}}]}}]}\n\n",
                       i);
        (void)reading_feed(&reading, event, strlen(event));
    }
    assert_int_equal(reading.fault, READING_LARGE);
    reading_fini(&reading);
}

static void schema_says(const char *schema, const char *value, const char *why) {
    cJSON *rule = cJSON_Parse(schema), *json = cJSON_Parse(value);
    char words[SCHEMA_WHY];
    const bool good = schema_accepts(rule, json, words);
    assert_int_equal(good, why == NULL);
    if (why && !strstr(words, why)) fail_msg("%s: %s", value, words);
    cJSON_Delete(rule);
    cJSON_Delete(json);
}

static void schemas_are_held(void **state) {
    (void)state;
    schema_says("{\"type\":\"integer\"}", "3", NULL);
    schema_says("{\"type\":\"integer\"}", "3.5", "/: expected integer");
    schema_says("{\"type\":[\"string\",\"null\"]}", "null", NULL);
    schema_says("{\"type\":[\"string\",\"null\"]}", "1", "none of the types");
    schema_says("{\"enum\":[\"a\",1]}", "1", NULL);
    schema_says("{\"enum\":[\"a\",1]}", "\"b\"", "enum");
    schema_says("{\"const\":{\"a\":1}}", "{\"a\":2}", "one value");
    schema_says("{\"minimum\":1,\"maximum\":2}", "3", "above maximum");
    schema_says("{\"maxLength\":2}", "\"äöü\"", "3 characters");
    schema_says("{\"maxLength\":3}", "\"äöü\"", NULL);
    schema_says("{\"items\":{\"type\":\"string\"},\"minItems\":1}", "[]", "too few");
    schema_says("{\"items\":{\"type\":\"string\"}}", "[\"a\",2]", "/1: expected string");
    schema_says("{\"properties\":{\"a\":{\"properties\":{\"b\":{\"type\":\"boolean\"}}}}}",
                "{\"a\":{\"b\":0}}", "/a/b: expected boolean");
    schema_says("{\"required\":[\"a\"]}", "{}", "\"a\" is missing");
    schema_says("{\"additionalProperties\":{\"type\":\"number\"}}", "{\"x\":\"y\"}", "/x");
    schema_says("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "1", "alternatives");
    schema_says("{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}", "1", NULL);
    schema_says("{\"format\":\"date\",\"$comment\":\"words not known\"}", "1", NULL);
}

static void redacts(const char *text, const char *expected) {
    int found = 0;
    char *clean = redact(text, strlen(text), &found);
    assert_string_equal(clean ? clean : text, expected);
    assert_int_equal(found > 0, clean != NULL);
    free(clean);
}

static void secrets_are_taken_out(void **state) {
    (void)state;
    redacts("password: s3cret! and more", "password: [REDACTED] and more");
    redacts("token=abc123def456 x", "token=[REDACTED] x");
    redacts("http://u:p4ss@h/ http://u@h/ http://h:80/",
            "http://u:[REDACTED]@h/ http://u@h/ http://h:80/");
    redacts("-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\nx", "[REDACTED]\nx");
    redacts("-----BEGIN EC PRIVATE KEY-----\ncut off", "[REDACTED]");
    redacts("-----BEGIN CERTIFICATE-----\nabc", "-----BEGIN CERTIFICATE-----\nabc");
    redacts("", "");
    redacts("tokens: many, password: none, secret: true",
            "tokens: many, password: none, secret: true");
    redacts("xAKIAZ7Q2M4X6P8R3T5W9", "xAKIAZ7Q2M4X6P8R3T5W9"); /* in the middle of a word */
}

static void the_breaker_opens_and_tries_one(void **state) {
    (void)state;
    struct breaker breaker = {0};
    for (int i = 0; i < LLM_BREAKER_FAILURES; i++) {
        assert_true(breaker_allows(&breaker, 0));
        breaker_report(&breaker, false, 0);
    }
    assert_false(breaker_allows(&breaker, LLM_BREAKER_OPEN_MS - 1));
    assert_true(breaker_allows(&breaker, LLM_BREAKER_OPEN_MS));
    assert_false(breaker_allows(&breaker, LLM_BREAKER_OPEN_MS)); /* one at a time */
    breaker_report(&breaker, false, LLM_BREAKER_OPEN_MS);
    assert_string_equal(breaker_name(&breaker, LLM_BREAKER_OPEN_MS + 1), "open");
    assert_true(breaker_allows(&breaker, 2 * LLM_BREAKER_OPEN_MS));
    breaker_report(&breaker, true, 0);
    assert_string_equal(breaker_name(&breaker, 0), "closed");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(streams_are_put_together),
                                       cmocka_unit_test(bad_streams_are_told_apart),
                                       cmocka_unit_test(too_many_tools_are_refused),
                                       cmocka_unit_test(schemas_are_held),
                                       cmocka_unit_test(secrets_are_taken_out),
                                       cmocka_unit_test(the_breaker_opens_and_tries_one)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
