/* The HTTP client with client certificates, against a TLS server that asks for one (`openssl
 * s_server`; skipped where there is no openssl). */
#include "fetch_api.h"
#include "fetcher.h"
#include "lua_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <signal.h>

static struct scratch scratch;
static pid_t server;
static int port;
static const struct fetch_module *module;

/* A key and a certificate for one day, NAME.key and NAME.pem: signed by the authority "ca", or by
 * itself. */
static bool make_certificate(const char *name, const char *more) {
    char command[1000];
    snprintf(command, sizeof command,
             "cd %s && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
             "-days 1 -subj /CN=%s -keyout %s.key -out %s.pem %s >log 2>&1",
             scratch.path, name, name, name, more);
    return system(command) == 0;
}

static bool make_certificates(void) {
    return make_certificate("ca", "") &&
           make_certificate("server",
                            "-CA ca.pem -CAkey ca.key -addext subjectAltName=IP:127.0.0.1 "
                            "-addext basicConstraints=critical,CA:FALSE") &&
           make_certificate("client", "-CA ca.pem -CAkey ca.key -addext "
                                      "basicConstraints=critical,CA:FALSE") &&
           make_certificate("stranger", "");
}

static void serve(int out) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chdir(scratch.path) != 0 || dup2(out, 1) < 0 || !freopen("server.log", "w", stderr))
        _exit(1);
    execlp("openssl", "openssl", "s_server", "-www", "-accept", "127.0.0.1:0", "-cert",
           "server.pem", "-key", "server.key", "-CAfile", "ca.pem", "-Verify", "1",
           "-verify_return_error", (char *)NULL);
    _exit(1);
}

/* The port, from the line "ACCEPT 127.0.0.1:40231". */
static int port_said(FILE *said) {
    char line[200];
    while (fgets(line, sizeof line, said))
        if (sscanf(line, "ACCEPT 127.0.0.1:%d", &port) == 1) return port;
    return 0;
}

static int start(void **state) {
    (void)state;
    char trouble[256];
    int ends[2];
    scratch_make(&scratch);
    if (system("openssl version >/dev/null 2>&1") != 0) return 0;
    module = fetch_module_load(SLUICE_BUILD_DIR, trouble);
    if (!module || !make_certificates() || pipe(ends) != 0) return -1;
    server = fork();
    if (server == 0) serve(ends[1]);
    close(ends[1]);
    FILE *said = fdopen(ends[0], "r");
    return port_said(said) ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    if (server > 0) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
    scratch_clean(&scratch);
    return 0;
}

static const char *file(const char *name) {
    static char paths[3][300];
    static int turn;
    turn = (turn + 1) % 3;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", scratch.path, name);
    return paths[turn];
}

/* The status; `expected` must be part of the page, or of the trouble. */
static void fetch(const char *certificate, const char *key, int status, const char *expected) {
    if (!server) skip();
    char url[80], ca[300];
    struct fetch_answer answer;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", port);
    snprintf(ca, sizeof ca, "%s", file("ca.pem"));
    sl_request request = {.url = url,
                          .ca_file = ca,
                          .client_cert_file = certificate,
                          .client_key_file = key,
                          .timeout_ms = 10000};
    int got = module->blocking(&request, &answer);
    const char *text = got ? answer.trouble : answer.body;
    if (got != status || !strstr(text, expected)) fail_msg("%d: %s", got, text);
    fetch_answer_free(&answer);
}

static void a_client_certificate_is_shown(void **state) {
    (void)state;
    fetch(file("client.pem"), file("client.key"), 0, "Subject: CN=client");
}

static void one_file_may_hold_both(void **state) {
    (void)state;
    char command[700];
    snprintf(command, sizeof command, "cat %s %s > %s", file("client.pem"), file("client.key"),
             file("both.pem"));
    if (server) assert_int_equal(system(command), 0);
    fetch(file("both.pem"), NULL, 0, "Subject: CN=client");
}

static void a_server_that_asks_gets_one_or_refuses(void **state) {
    (void)state;
    fetch(NULL, NULL, SL_UNAVAILABLE, "127.0.0.1:");
    fetch(file("stranger.pem"), file("stranger.key"), SL_UNAVAILABLE, "127.0.0.1:");
}

static void wrong_files_are_named(void **state) {
    (void)state;
    fetch(file("none.pem"), file("client.key"), SL_INVALID, "none.pem: No such file or directory");
    fetch(file("client.pem"), file("none.key"), SL_INVALID, "the client key cannot be read: ");
    fetch(NULL, file("client.key"), SL_INVALID, "there is a client key but no client certificate");
    fetch(file("client.pem"), file("stranger.key"), SL_INVALID, "the client certificate for 127.");
    fetch(file("log"), file("client.key"), SL_INVALID, "the client certificate for 127.");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_certificate_is_shown),
        cmocka_unit_test(one_file_may_hold_both),
        cmocka_unit_test(a_server_that_asks_gets_one_or_refuses),
        cmocka_unit_test(wrong_files_are_named),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
