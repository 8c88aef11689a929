/* The diff reader: each dialect, each damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "diff.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What was heard, written down as text. */
struct heard {
    char text[8192];
    size_t len;
};

static void note(struct heard *heard, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct heard *heard, const char *format, ...) {
    va_list args;
    va_start(args, format);
    const int len =
        vsnprintf(heard->text + heard->len, sizeof heard->text - heard->len, format, args);
    va_end(args);
    heard->len += (size_t)len;
    assert_true(heard->len < sizeof heard->text);
}

static void on_file(void *of, const struct diff_file *f) {
    static const char changes[] = "MADRC";
    note(of, "%c %.*s", changes[f->change], (int)f->path.len, f->path.at);
    if (f->change == DIFF_RENAMED || f->change == DIFF_COPIED)
        note(of, " < %.*s", (int)f->old_path.len, f->old_path.at);
    note(of, "%s%s%s%s%s\n", f->binary ? " binary" : "", f->mode_changed ? " mode" : "",
         f->submodule ? " submodule" : "", f->symlink ? " symlink" : "",
         f->combined ? " combined" : "");
}

static void on_hunk(void *of, const struct diff_hunk *h) {
    note(of, "@ %u,%u %u,%u\n", h->old_start, h->old_count, h->new_start, h->new_count);
}

static void on_line(void *of, const struct diff_line *l) {
    static const char marks[] = " +-";
    note(of, "%c%u %.*s\n", marks[l->side], l->number, (int)l->text.len, l->text.at);
}

static void on_end(void *of, const struct diff_file *f) {
    note(of, "end%s\n", f->binary ? " binary" : "");
}

static struct diff_report report;

static const char *read_all(const char *diff, size_t piece) {
    static struct heard heard;
    heard.len = 0;
    heard.text[0] = '\0';
    const struct diff_sink sink = {&heard, on_file, on_hunk, on_line, on_end};
    struct diff_reader *reader = diff_reader_new(&sink, 0);
    const size_t len = strlen(diff);
    for (size_t at = 0; at < len; at += piece)
        assert_int_equal(diff_feed(reader, diff + at, len - at < piece ? len - at : piece), 0);
    (void)diff_finish(reader, &report);
    diff_reader_free(reader);
    return heard.text;
}

/* Every case is also read byte by byte. */
static void check(const char *diff, const char *expected) {
    assert_string_equal(read_all(diff, strlen(diff) + 1), expected);
    assert_int_equal(report.error_line, 0);
    assert_string_equal(read_all(diff, 1), expected);
    assert_string_equal(read_all(diff, 3), expected);
}

static void git_change(void **state) {
    (void)state;
    check("diff --git a/src/x.c b/src/x.c\nindex 123..456 100644\n--- a/src/x.c\n+++ b/src/x.c\n"
          "@@ -1,3 +1,4 @@ int main\n a\n-b\n+c\n+d\n e\n",
          "M src/x.c\n@ 1,3 1,4\n 1 a\n-2 b\n+2 c\n+3 d\n 4 e\nend\n");
    assert_int_equal(report.files, 1);
    assert_int_equal(report.added, 2);
    assert_int_equal(report.deleted, 1);
    assert_int_equal(report.note_count, 0);
}

static void created_removed_renamed_copied(void **state) {
    (void)state;
    check(
        "diff --git a/n b/n\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/n\n@@ -0,0 +1 "
        "@@\n+x\n"
        "diff --git a/o b/o\ndeleted file mode 100644\n--- a/o\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
        "diff --git a/p b/q\nsimilarity index 100%\nrename from p\nrename to q\n"
        "diff --git a/p b/r\nsimilarity index 90%\ncopy from p\ncopy to r\n--- a/p\n+++ b/r\n@@ -1 "
        "+1 @@\n-1\n+2\n",
        "A n\n@ 0,0 1,1\n+1 x\nend\nD o\n@ 1,1 0,0\n-1 x\nend\nR q < p\nend\n"
        "C r < p\n@ 1,1 1,1\n-1 1\n+1 2\nend\n");
}

static void mode_binary_submodule_symlink(void **state) {
    (void)state;
    check(
        "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n"
        "diff --git a/i.png b/i.png\nindex 1..2 100644\nBinary files a/i.png and b/i.png differ\n"
        "diff --git a/j b/j\nindex 1..2 100644\nGIT binary patch\nliteral 3\nKcmZ\n\nliteral "
        "0\nHcmV\n\n"
        "diff --git a/lib b/lib\nindex 1..2 160000\n--- a/lib\n+++ b/lib\n@@ -1 +1 @@\n-Subproject "
        "commit 1\n+Subproject commit 2\n"
        "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n@@ -0,0 +1 @@\n+t\n\\ No "
        "newline at end of file\n",
        "M run mode\nend\nM i.png binary\nend binary\nM j binary\nend binary\n"
        "M lib submodule\n@ 1,1 1,1\n-1 Subproject commit 1\n+1 Subproject commit 2\nend\n"
        "A l symlink\n@ 0,0 1,1\n+1 t\nend\n");
}

static void paths(void **state) {
    (void)state;
    check("diff --git \"a/\\303\\244 \\\"b\\t.txt\" \"b/\\303\\244 \\\"b\\t.txt\"\n--- "
          "\"a/\\303\\244 \\\"b\\t.txt\"\n+++ \"b/\\303\\244 \\\"b\\t.txt\"\n@@ -1 +1 @@\n-1\n+2\n"
          "diff --git a/a b c b/a b c\nold mode 100644\nnew mode 100755\n"
          "diff --git a/a b/x b/a b/x\nold mode 100644\nnew mode 100755\n"
          "diff --git dir/x.c dir/x.c\n--- dir/x.c\n+++ dir/x.c\n@@ -1 +1 @@\n-1\n+2\n"
          "diff --git i/x.c w/x.c\n--- i/x.c\n+++ w/x.c\n@@ -1 +1 @@\n-1\n+2\n"
          "diff --git a/\xff\xfe b/\xff\xfe\nold mode 100644\nnew mode 100755\n",
          "M \xc3\xa4 \"b\t.txt\n@ 1,1 1,1\n-1 1\n+1 2\nend\nM a b c mode\nend\nM a b/x mode\nend\n"
          "M dir/x.c\n@ 1,1 1,1\n-1 1\n+1 2\nend\nM x.c\n@ 1,1 1,1\n-1 1\n+1 2\nend\n"
          "M \xff\xfe mode\nend\n");
}

static void svn_and_plain(void **state) {
    (void)state;
    check("Index: src/x.c\n=====================================\n--- src/x.c\t(revision 12)\n+++ "
          "src/x.c\t(working copy)\n@@ -1 +1 @@\n-1\n+2\n\nProperty changes on: "
          "src/x.c\n______\nAdded: svn:eol-style\n## -0,0 +1 ##\n+native\n\\ No newline at end of "
          "property\nIndex: logo.png\n====\nCannot display: file marked as a binary type.\n"
          "svn:mime-type = application/octet-stream\n",
          "M src/x.c\n@ 1,1 1,1\n-1 1\n+1 2\nend\nM logo.png binary\nend binary\n");
    check("--- old/x.c\t2024-01-01 10:00:00.0 +0000\n+++ new/x.c\t2024-01-02\n@@ -1 +1 "
          "@@\n-1\n+2\n--- y\n+++ y\n@@ -1 +1 @@\n-1\n+2\n",
          "M new/x.c\n@ 1,1 1,1\n-1 1\n+1 2\nend\nM y\n@ 1,1 1,1\n-1 1\n+1 2\nend\n");
    check("diff -ruN a/x.c b/x.c\n--- a/x.c\t1970-01-01\n+++ b/x.c\t2024\n@@ -0,0 +1 @@\n+1\n",
          "M x.c\n@ 0,0 1,1\n+1 1\nend\n");
    check("Binary files a/x and b/x differ\n", "M x binary\nend binary\n");
}

static void crlf_and_no_newline(void **state) {
    (void)state;
    check("diff --git a/x b/x\r\n--- a/x\r\n+++ b/x\r\n@@ -1,2 +1,2 @@\r\n a\r\n-b\r\n+c\r\n",
          "M x\n@ 1,2 1,2\n 1 a\n-2 b\n+2 c\nend\n");
    check(
        "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end "
        "of file",
        "M x\n@ 1,1 1,1\n-1 b\n+1 c\nend\n");
}

static void combined(void **state) {
    (void)state;
    check(
        "diff --cc x.c\nindex 1,2..3\n--- a/x.c\n+++ b/x.c\n@@@ -1,3 -1,3 +1,3 @@@\n  a\n- b\n -c\n"
        "++d\n+ e\n",
        "M x.c combined\n@ 1,3 1,3\n 1 a\n-2 b\n-3 c\n+2 d\n+3 e\nend\n");
}

static void text_that_looks_like_headers(void **state) {
    (void)state;
    check(
        "--- a/x.sql\n+++ b/x.sql\n@@ -1,2 +1,2 @@\n--- old comment\n+++ new\n-diff --git\n+@@ -1 "
        "+1 @@\n",
        "M x.sql\n@ 1,2 1,2\n-1 -- old comment\n+1 ++ new\n-2 diff --git\n+2 @@ -1 +1 @@\nend\n");
}

static void mail_with_prose(void **state) {
    (void)state;
    check(
        "From 123 Mon Sep 17\nSubject: x\n\n--- not a file\nSome text\n---\n x | 2 +-\n\ndiff --git "
        "a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-1\n+2\n-- \n2.39.0\n\nFrom 124\n\n    - not a "
        "change\n",
        "M x\n@ 1,1 1,1\n-1 1\n+1 2\nend\n");
    assert_int_equal(report.skipped, 0);
}

static void empty_context_line_without_its_blank(void **state) {
    (void)state;
    check("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n a\n\n-1\n+2\n",
          "M x\n@ 1,3 1,3\n 1 a\n 2 \n-3 1\n+3 2\nend\n");
}

static void damage_is_told(void **state) {
    (void)state;
    read_all("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-1\n+2\ndiff --git a/y "
             "b/y\n--- a/y\n+++ b/y\n@@ -1 +1 @@\n-1\n+2\n+3\n@@ nonsense @@\n",
             99999);
    assert_int_equal(report.error_line, 0);
    assert_int_equal(report.files, 2);
    assert_int_equal(report.note_count, 3);
    assert_int_equal(report.notes[0].line, 7);
    assert_non_null(strstr(report.notes[0].text, "promised"));
    assert_int_equal(report.notes[1].line, 13);
    assert_int_equal(report.notes[2].line, 14);
    read_all("--- a/x\n+++ b/x\n@@ -1,9 +1,9 @@\n-1", 99999);
    assert_int_equal(report.note_count, 1);
    assert_non_null(strstr(report.notes[0].text, "ends inside a hunk"));
    read_all("@@ -1 +1 @@\n-1\n+2\n", 99999);
    assert_int_equal(report.files, 1);
    assert_int_equal(report.note_count, 1);
}

static void not_a_diff(void **state) {
    (void)state;
    read_all("\n\nhello\nworld\n", 99999);
    assert_int_equal(report.error_line, 3);
    assert_non_null(strstr(report.error, "expected a line that begins with"));
    read_all("1,2c1,2\n< a\n---\n> b\n", 99999);
    assert_int_equal(report.error_line, 1);
    read_all("", 1);
    assert_int_equal(report.error_line, 0);
    read_all(" \n", 99999);
}

static void limit(void **state) {
    (void)state;
    const struct diff_sink nobody = {0};
    struct diff_reader *reader = diff_reader_new(&nobody, 10);
    assert_int_equal(diff_feed(reader, "--- a/x\n", 8), 0);
    assert_int_equal(diff_feed(reader, "+++ b/x\n", 8), -1);
    assert_int_equal(diff_finish(reader, &report), -1);
    assert_non_null(strstr(report.error, "limit of 10 bytes"));
    diff_reader_free(reader);
}

static void huge_numbers_and_paths(void **state) {
    (void)state;
    read_all("--- a/x\n+++ b/x\n@@ -99999999999999999999 +1 @@\n-1\n", 99999);
    assert_int_equal(report.hunks, 0);
    assert_true(report.note_count > 0);
    char *diff = malloc(20000);
    strcpy(diff, "--- a/x\n+++ b/");
    memset(diff + 14, 'y', 9000);
    strcpy(diff + 9014, "\n@@ -1 +1 @@\n-1\n+2\n");
    const struct diff_sink nobody = {0};
    assert_int_equal(diff_read((struct diff_text){diff, strlen(diff)}, &nobody, &report), 0);
    assert_int_equal(report.added, 1);
    assert_int_equal(report.note_count, 1);
    free(diff);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(git_change),
        cmocka_unit_test(created_removed_renamed_copied),
        cmocka_unit_test(mode_binary_submodule_symlink),
        cmocka_unit_test(paths),
        cmocka_unit_test(svn_and_plain),
        cmocka_unit_test(crlf_and_no_newline),
        cmocka_unit_test(combined),
        cmocka_unit_test(text_that_looks_like_headers),
        cmocka_unit_test(mail_with_prose),
        cmocka_unit_test(empty_context_line_without_its_blank),
        cmocka_unit_test(damage_is_told),
        cmocka_unit_test(not_a_diff),
        cmocka_unit_test(limit),
        cmocka_unit_test(huge_numbers_and_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
