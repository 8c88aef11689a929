/* The lines between hunks: which file follows, what happened to it, and which lines follow. */
#include "diff_reader.h"

#include <string.h>

static struct diff_text after(struct diff_text text, size_t skip) {
    skip = skip < text.len ? skip : text.len;
    return (struct diff_text){text.at + skip, text.len - skip};
}

static bool contains(struct diff_text text, const char *word) {
    const size_t len = strlen(word);
    for (size_t i = 0; i + len <= text.len; i++)
        if (memcmp(text.at + i, word, len) == 0) return true;
    return false;
}

static void on_git(struct diff_reader *r, struct diff_text rest) {
    diff_begin_file(r);
    diff_git_paths(r, rest);
}

static void on_combined(struct diff_reader *r, struct diff_text rest) {
    diff_begin_file(r);
    diff_take_path(r, &r->new_path, rest);
    r->exact = true;
    r->file.combined = true;
}

/* "diff -ru old new": the names follow in the "---" and "+++" lines. */
static void on_diff(struct diff_reader *r, struct diff_text rest) {
    diff_begin_file(r);
    const char *space = NULL;
    for (size_t i = 0; i < rest.len; i++)
        if (rest.at[i] == ' ') space = rest.at + i;
    if (space) diff_take_path(r, &r->new_path, after(rest, (size_t)(space - rest.at) + 1));
}

static void on_svn_index(struct diff_reader *r, struct diff_text rest) {
    diff_begin_file(r);
    diff_take_path(r, &r->new_path, rest);
    r->exact = true;
}

static void on_old(struct diff_reader *r, struct diff_text rest) {
    if (r->where != DIFF_HEADER) {
        /* Maybe a new file, maybe prose: the next line decides. */
        diff_end_file(r);
        diff_take_path(r, &r->old_path, rest);
        r->where = DIFF_MAYBE;
        return;
    }
    if (!r->exact || !r->new_path.known)
        diff_take_path(r, &r->old_path, rest);
    else if (diff_starts(rest, "/dev/null"))
        r->old_path.null = r->old_path.known = true;
}

static void on_new(struct diff_reader *r, struct diff_text rest) {
    if (r->where == DIFF_MAYBE) {
        const size_t len = r->old_path.len;
        const bool null = r->old_path.null;
        diff_begin_file(r);
        r->file.line = r->line_no - 1;
        r->old_path.len = len;
        r->old_path.null = null;
        r->old_path.known = true;
    }
    if (r->where != DIFF_HEADER) return;
    if (!r->exact)
        diff_take_path(r, &r->new_path, rest);
    else if (diff_starts(rest, "/dev/null"))
        r->file.change = DIFF_REMOVED;
}

static void on_index(struct diff_reader *r, struct diff_text rest) {
    if (r->where != DIFF_HEADER) return;
    r->file.submodule |= rest.len > 7 && memcmp(rest.at + rest.len - 7, " 160000", 7) == 0;
    r->file.symlink |= rest.len > 7 && memcmp(rest.at + rest.len - 7, " 120000", 7) == 0;
}

static void take_mode(struct diff_reader *r, struct diff_text mode) {
    r->file.submodule |= diff_starts(mode, "160000");
    r->file.symlink |= diff_starts(mode, "120000");
    r->file.executable = diff_starts(mode, "100755");
}

static void on_created(struct diff_reader *r, struct diff_text rest) {
    r->file.change = DIFF_CREATED;
    take_mode(r, rest);
}

static void on_removed(struct diff_reader *r, struct diff_text rest) {
    r->file.change = DIFF_REMOVED;
    r->file.submodule |= diff_starts(rest, "160000");
}

static void on_mode(struct diff_reader *r, struct diff_text rest) {
    r->file.mode_changed = true;
    take_mode(r, rest);
}

static void take_exact(struct diff_reader *r, struct diff_path *path, struct diff_text rest) {
    if (!r->exact) {
        r->old_path.known = r->new_path.known = false;
        r->exact = true;
    }
    diff_take_path(r, path, rest);
}

static void on_rename_from(struct diff_reader *r, struct diff_text rest) {
    r->file.change = DIFF_RENAMED;
    take_exact(r, &r->old_path, rest);
}

static void on_copy_from(struct diff_reader *r, struct diff_text rest) {
    r->file.change = DIFF_COPIED;
    take_exact(r, &r->old_path, rest);
}

static void on_move_to(struct diff_reader *r, struct diff_text rest) {
    take_exact(r, &r->new_path, rest);
}

static void on_binary(struct diff_reader *r, struct diff_text rest) {
    if (r->where != DIFF_HEADER) {
        /* Plain diff: "Binary files a/x and b/x differ" stands alone. */
        if (!contains(rest, " differ")) return;
        diff_begin_file(r);
        size_t end = 0;
        while (end + 5 <= rest.len && memcmp(rest.at + end, " and ", 5) != 0) end++;
        diff_take_path(r, &r->new_path, (struct diff_text){rest.at, end});
    }
    r->file.binary = true;
}

static void on_git_binary(struct diff_reader *r, struct diff_text rest) {
    (void)rest;
    if (r->where != DIFF_HEADER) return;
    r->file.binary = true;
    diff_announce(r);
    r->where = DIFF_BINARY;
}

static void on_submodule(struct diff_reader *r, struct diff_text rest) {
    size_t end = 0;
    while (end < rest.len && rest.at[end] != ' ') end++;
    diff_begin_file(r);
    diff_take_path(r, &r->new_path, (struct diff_text){rest.at, end});
    r->exact = true;
    r->file.submodule = true;
}

static void on_only_in(struct diff_reader *r, struct diff_text rest) {
    (void)rest;
    diff_end_file(r);
    r->report.skipped++;
    diff_note(r, "a file that exists on one side only was not shown by diff: use diff -N");
    r->where = DIFF_OUTSIDE;
}

static void on_properties(struct diff_reader *r, struct diff_text rest) {
    if (!r->announced && !r->begun) {
        diff_begin_file(r);
        diff_take_path(r, &r->new_path, rest);
        r->exact = true;
        r->file.mode_changed = true;
    }
    r->where = DIFF_PROPERTIES;
}

#define PREFIX(text) (text), sizeof(text) - 1

static const struct {
    const char *prefix;
    size_t len;
    void (*take)(struct diff_reader *r, struct diff_text rest);
    bool in_header; /* means something only inside a file's header */
} headers[] = {
    {PREFIX("diff --git "), on_git, false},
    {PREFIX("diff --cc "), on_combined, false},
    {PREFIX("diff --combined "), on_combined, false},
    {PREFIX("diff -"), on_diff, false},
    {PREFIX("Index: "), on_svn_index, false},
    {PREFIX("--- "), on_old, false},
    {PREFIX("+++ "), on_new, false},
    {PREFIX("index "), on_index, true},
    {PREFIX("new file mode "), on_created, true},
    {PREFIX("deleted file mode "), on_removed, true},
    {PREFIX("old mode "), on_mode, true},
    {PREFIX("new mode "), on_mode, true},
    {PREFIX("mode "), on_mode, true},
    {PREFIX("rename from "), on_rename_from, true},
    {PREFIX("rename to "), on_move_to, true},
    {PREFIX("rename old "), on_rename_from, true},
    {PREFIX("rename new "), on_move_to, true},
    {PREFIX("copy from "), on_copy_from, true},
    {PREFIX("copy to "), on_move_to, true},
    {PREFIX("Binary files "), on_binary, false},
    {PREFIX("Cannot display: "), on_binary, true},
    {PREFIX("GIT binary patch"), on_git_binary, true},
    {PREFIX("Submodule "), on_submodule, false},
    {PREFIX("Only in "), on_only_in, false},
    {PREFIX("Property changes on: "), on_properties, false},
};

/* A line of another kind. Prose between patches is usual; a change outside a hunk is damage. */
static void stray(struct diff_reader *r, struct diff_text line) {
    if (r->where != DIFF_AFTER) return;
    const char mark = line.len ? line.at[0] : '\0';
    if (!line.len || diff_starts(line, "-- ") || diff_starts(line, "commit ") ||
        diff_starts(line, "From ")) {
        r->where = DIFF_OUTSIDE; /* the file may still get properties (svn) */
    } else if (mark == '+' || mark == '-' || mark == ' ') {
        if (!r->report.skipped++) diff_note(r, "a changed line stands outside of any hunk");
    }
}

static bool binary_goes_on(struct diff_reader *r, struct diff_text line) {
    /* A base85 line holds no blank; "literal 12" and "delta 12" do. */
    if (!line.len || diff_starts(line, "literal ") || diff_starts(line, "delta ")) return true;
    if (!memchr(line.at, ' ', line.len)) return true;
    r->where = DIFF_AFTER;
    return false;
}

void diff_header_line(struct diff_reader *r, struct diff_text line) {
    if (r->where == DIFF_BINARY && binary_goes_on(r, line)) return;
    if (r->where == DIFF_MAYBE && !diff_starts(line, "+++ ")) r->where = DIFF_OUTSIDE;
    if (line.len && line.at[0] == '\\') return;
    if (diff_starts(line, "@@")) {
        if (r->where == DIFF_PROPERTIES) r->where = DIFF_AFTER;
        if (!diff_hunk_header(r, line) && r->where != DIFF_OUTSIDE) {
            diff_note(r, "a hunk header was expected, as in \"@@ -1,3 +1,4 @@\"");
            r->report.skipped++;
            diff_announce(r);
            r->where = DIFF_AFTER;
        }
        return;
    }
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        const size_t len = headers[i].len;
        /* The first byte tells most of them off. */
        if (line.len < len || line.at[0] != headers[i].prefix[0] ||
            memcmp(line.at, headers[i].prefix, len) != 0)
            continue;
        if (headers[i].in_header && r->where != DIFF_HEADER) continue;
        headers[i].take(r, after(line, len));
        return;
    }
    stray(r, line);
}
