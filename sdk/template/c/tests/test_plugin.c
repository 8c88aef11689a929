/* Runs the plugin inside this process: real validation, a store in memory, no sockets. */
#include <sluice/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const sl_plugin sluice_plugin;

#define CHECK(what)                                                                                \
    do {                                                                                           \
        if (!(what)) {                                                                             \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #what);                   \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

static void greets(void) {
    sl_test_host *host = sl_test_host_new(
        &(sl_test_options){.plugin = &sluice_plugin, .config = "{\"salutation\": \"Good day\"}"});
    if (!host) fprintf(stderr, "%s\n", sl_test_error());
    CHECK(host);
    CHECK(sl_test_call(host, "@NAME@.greet", "{\"name\": \"Ada\"}") == SL_OK);
    CHECK(strstr(sl_test_answer(host), "Good day, Ada!"));
    sl_test_host_free(host);
}

static void refuses_a_request_without_a_name(void) {
    sl_test_host *host = sl_test_host_new(&(sl_test_options){.plugin = &sluice_plugin});
    CHECK(host);
    CHECK(sl_test_call(host, "@NAME@.greet", "{}") == SL_INVALID);
    CHECK(strstr(sl_test_answer(host), "name"));
    sl_test_host_free(host);
}

int main(void) {
    greets();
    refuses_a_request_without_a_name();
    puts("all tests passed");
    return 0;
}
