/* Forms: what curl and browsers send is read, everything else is refused with its place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../multipart.h"

#include <string.h>

static struct pool pool;
static struct multipart parts;

static int done(void **state) {
    (void)state;
    pool_fini(&pool);
    return 0;
}

static int read_form(const char *type, const char *body) {
    return multipart_read(&parts, &pool, type, body, strlen(body));
}

#define TYPE "multipart/form-data; boundary=XX"
#define HEAD "Content-Disposition: form-data; name=\"f\"; filename=\"a.md\"\r\n\r\n"

static void reads_fields_and_files(void **state) {
    (void)state;
    assert_int_equal(
        read_form("Multipart/Form-Data; charset=x; boundary=\"XX\"",
                  "--XX\r\nContent-Disposition: form-data; name=\"label\"\r\n\r\nteam=a\r\n--XX\r\n"
                  "content-disposition: form-data; filename=\"d/%22a\\\"b.md\"; name=\"f\"\r\n"
                  "Content-Type: text/markdown\r\n\r\n# T\r\n--X\r\n\r\n--XX\r\n" HEAD
                  "\r\n--XX--\r\n"),
        0);
    assert_int_equal(parts.count, 3);
    assert_string_equal(parts.parts[0].name, "label");
    assert_null(parts.parts[0].filename);
    assert_memory_equal(parts.parts[0].data, "team=a", 6);
    assert_int_equal(parts.parts[0].size, 6);
    assert_string_equal(parts.parts[1].filename, "d/\"a\"b.md");
    assert_int_equal(parts.parts[1].size, strlen("# T\r\n--X\r\n"));
    assert_int_equal(parts.parts[2].size, 0);
}

static void refuses(const char *type, const char *body, const char *why) {
    assert_int_equal(read_form(type, body), -1);
    if (!strstr(parts.error, why)) fail_msg("'%s' is not in '%s'", why, parts.error);
}

static void refuses_what_is_not_whole(void **state) {
    (void)state;
    refuses("text/plain", "", "not multipart/form-data");
    refuses("multipart/form-data", "", "no boundary");
    refuses("multipart/form-data; boundary=a b", "x", "begin with the boundary");
    refuses("multipart/form-data; boundary=", "", "1 to 70");
    refuses("multipart/form-data; boundary=\"a", "", "1 to 70");
    refuses(TYPE, "", "byte 0");
    refuses(TYPE, "preamble\r\n--XX--", "byte 0");
    refuses(TYPE, "--XX", "CRLF or --");
    refuses(TYPE, "--XX\n" HEAD, "CRLF or --");
    refuses(TYPE, "--XX\r\n" HEAD "text", "boundary behind this part is missing");
    refuses(TYPE, "--XX\r\n" HEAD "text\r\n--XX--x", "more behind the last");
    refuses(TYPE, "--XX\r\nContent-Type: x\r\n\r\n\r\n--XX--", "needs Content-Disposition");
    refuses(TYPE, "--XX\r\nContent-Disposition: form-data; name=\"a\nb\"\r\n\r\n\r\n--XX--",
            "CRLF");
    refuses(TYPE, "--XX\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n\r\n--XX--",
            "form-data is expected");
    refuses(TYPE,
            "--XX\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; "
            "name=\"a\"\r\n\r\n\r\n--XX--",
            "must not be encoded");
}

static void bounds_hold(void **state) {
    (void)state;
    static char body[200000];
    char *at = body;
    for (int i = 0; i <= MULTIPART_PARTS; i++) {
        static const char part[] =
            "--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx\r\n";
        memcpy(at, part, sizeof part - 1);
        at += sizeof part - 1;
    }
    memcpy(at, "--XX--", 7);
    refuses(TYPE, body, "more than 500 parts");
    at = body;
    memcpy(at, "--XX\r\n", 6), at += 6;
    for (int i = 0; i < 600; i++) memcpy(at, "A: bcdefgh\r\n", 12), at += 12;
    *at = '\0';
    refuses(TYPE, body, "head ends");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test_teardown(reads_fields_and_files, done),
                                       cmocka_unit_test_teardown(refuses_what_is_not_whole, done),
                                       cmocka_unit_test_teardown(bounds_hold, done)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
