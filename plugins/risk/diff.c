#include "diff_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST_CARRY = 1024 * 1024 };

void diff_note(struct diff_reader *r, const char *what) {
    struct diff_report *report = &r->report;
    if (report->note_count < DIFF_NOTES) {
        struct diff_note *note = &report->notes[report->note_count];
        note->line = r->line_no;
        snprintf(note->text, sizeof note->text, "%s", what);
    }
    report->note_count++;
}

void diff_begin_file(struct diff_reader *r) {
    diff_end_file(r);
    r->file = (struct diff_file){.line = r->line_no};
    r->old_path.len = r->new_path.len = 0;
    r->old_path.known = r->new_path.known = false;
    r->old_path.null = r->new_path.null = false;
    r->exact = false;
    r->begun = true;
    r->where = DIFF_HEADER;
}

static void settle_paths(struct diff_reader *r) {
    struct diff_file *file = &r->file;
    if (!r->exact) diff_strip_prefixes(r);
    const struct diff_path *now = &r->new_path, *before = &r->old_path;
    if (file->change == DIFF_MODIFIED && before->null && !now->null) file->change = DIFF_CREATED;
    if (file->change == DIFF_MODIFIED && now->null && !before->null) file->change = DIFF_REMOVED;
    if (!now->known || now->null || file->change == DIFF_REMOVED)
        now = before->known && !before->null ? before : now;
    if (!before->known || before->null) before = now;
    file->path = (struct diff_text){now->bytes, now->len};
    file->old_path = (struct diff_text){before->bytes, before->len};
}

void diff_announce(struct diff_reader *r) {
    if (!r->begun) return;
    settle_paths(r);
    r->begun = false;
    r->announced = true;
    r->report.files++;
    if (r->sink.file) r->sink.file(r->sink.of, &r->file);
}

void diff_end_file(struct diff_reader *r) {
    diff_announce(r);
    if (r->announced && r->sink.file_end) r->sink.file_end(r->sink.of, &r->file);
    r->announced = false;
}

static bool hunk_open(const struct diff_reader *r) {
    if (r->new_left) return true;
    for (uint32_t i = 0; i < r->parents; i++)
        if (r->old_left[i]) return true;
    return false;
}

static void tell(struct diff_reader *r, enum diff_side side, struct diff_text text) {
    const uint32_t number = side == DIFF_DELETED ? r->old_no : r->new_no;
    const struct diff_line line = {.side = side, .text = text, .number = number};
    r->report.lines++;
    if (side == DIFF_ADDED) r->report.added++;
    if (side == DIFF_DELETED) r->report.deleted++;
    if (side != DIFF_ADDED) r->old_no++;
    if (side != DIFF_DELETED) r->new_no++;
    if (r->sink.line && !(side == DIFF_CONTEXT && r->sink.changes_only))
        r->sink.line(r->sink.of, &line);
}

static bool plain_line(struct diff_reader *r, struct diff_text line) {
    /* Mail and editors cut the blank of an empty context line. */
    const char mark = line.len ? line.at[0] : ' ';
    enum diff_side side = DIFF_CONTEXT;
    if (mark == '+')
        side = DIFF_ADDED;
    else if (mark == '-')
        side = DIFF_DELETED;
    else if (mark != ' ')
        return false;
    if ((side != DIFF_ADDED && !r->old_left[0]) || (side != DIFF_DELETED && !r->new_left))
        return false;
    r->old_left[0] -= side != DIFF_ADDED;
    r->new_left -= side != DIFF_DELETED;
    const size_t cut = line.len ? 1 : 0;
    tell(r, side, (struct diff_text){line.at + cut, line.len - cut});
    return true;
}

static bool combined_line(struct diff_reader *r, struct diff_text line) {
    bool plus = false, minus = false;
    for (uint32_t i = 0; i < r->parents; i++) {
        const char mark = i < line.len ? line.at[i] : ' ';
        plus |= mark == '+';
        minus |= mark == '-';
        if (mark != '+' && mark != '-' && mark != ' ') return false;
    }
    if (!minus && !r->new_left) return false;
    for (uint32_t i = 0; i < r->parents; i++) {
        const char mark = i < line.len ? line.at[i] : ' ';
        const bool had = minus ? mark == '-' : mark == ' ';
        r->old_left[i] -= had && r->old_left[i];
    }
    r->new_left -= !minus;
    const size_t cut = line.len < r->parents ? line.len : r->parents;
    const enum diff_side side = minus ? DIFF_DELETED : plus ? DIFF_ADDED : DIFF_CONTEXT;
    tell(r, side, (struct diff_text){line.at + cut, line.len - cut});
    return true;
}

static void read_line(struct diff_reader *r, struct diff_text line) {
    r->line_no++;
    if (line.len && line.at[line.len - 1] == '\r') line.len--;
    if (!r->first_text_line && line.len) r->first_text_line = r->line_no;
    if (r->where == DIFF_HUNK) {
        if (line.len && line.at[0] == '\\') return; /* "\ No newline at end of file" */
        if (r->parents == 1 ? plain_line(r, line) : combined_line(r, line)) {
            if (!hunk_open(r)) r->where = DIFF_AFTER;
            return;
        }
        diff_note(r, "the hunk ends before the number of lines that its header promised");
        r->where = DIFF_AFTER;
    }
    diff_header_line(r, line);
}

static int carry_on(struct diff_reader *r, const char *bytes, size_t len) {
    if (r->carry_len + len > LONGEST_CARRY) {
        len = LONGEST_CARRY - r->carry_len;
        if (len) diff_note(r, "a line of more than 1 MiB was cut");
    }
    if (r->carry_len + len > r->carry_room) {
        const size_t room = (r->carry_len + len) * 2;
        char *grown = realloc(r->carry, room);
        if (!grown) {
            r->out_of_memory = true;
            return -1;
        }
        r->carry = grown;
        r->carry_room = room;
    }
    if (len) memcpy(r->carry + r->carry_len, bytes, len);
    r->carry_len += len;
    return 0;
}

/* A line of a hunk of a plain diff: most lines are one. false: read_line has to look. */
static bool hunk_line(struct diff_reader *r, struct diff_text line) {
    if (r->where != DIFF_HUNK || r->parents != 1) return false;
    if (line.len && line.at[line.len - 1] == '\r') line.len--;
    if (!plain_line(r, line)) return false;
    r->line_no++;
    if (!r->new_left && !r->old_left[0]) r->where = DIFF_AFTER;
    return true;
}

int diff_feed(struct diff_reader *r, const char *bytes, size_t len) {
    r->report.bytes += len;
    if (r->report.bytes > r->limit_bytes || r->out_of_memory) return -1;
    const char *const end = bytes + len;
    while (bytes < end) {
        const char *stop = memchr(bytes, '\n', (size_t)(end - bytes));
        const size_t part = (size_t)((stop ? stop : end) - bytes);
        if (!stop || r->carry_len) {
            if (carry_on(r, bytes, part)) return -1;
            if (!stop) return 0;
            const size_t whole = r->carry_len;
            r->carry_len = 0;
            read_line(r, (struct diff_text){r->carry, whole});
        } else if (!hunk_line(r, (struct diff_text){bytes, part})) {
            read_line(r, (struct diff_text){bytes, part});
        }
        bytes = stop + 1;
    }
    return 0;
}

static int fail(struct diff_reader *r, uint32_t line, const char *why) {
    r->report.error_line = line;
    snprintf(r->report.error, sizeof r->report.error, "%s", why);
    return -1;
}

static int verdict(struct diff_reader *r) {
    if (r->out_of_memory) return fail(r, r->line_no, "memory ran out while reading the diff");
    if (r->report.bytes > r->limit_bytes) {
        char why[120];
        snprintf(
            why, sizeof why,
            "the diff is larger than the limit of %llu bytes: send a numstat instead, or split it",
            (unsigned long long)r->limit_bytes);
        return fail(r, r->line_no ? r->line_no : 1, why);
    }
    if (!r->report.files && r->first_text_line)
        return fail(r, r->first_text_line,
                    "not a unified diff: expected a line that begins with \"diff --git\", \"--- \" "
                    "or \"Index: \", as `git diff` writes it");
    return 0;
}

int diff_finish(struct diff_reader *r, struct diff_report *report) {
    if (r->carry_len && r->report.bytes <= r->limit_bytes) {
        const size_t whole = r->carry_len;
        r->carry_len = 0;
        read_line(r, (struct diff_text){r->carry, whole});
    }
    if (r->where == DIFF_HUNK && hunk_open(r)) diff_note(r, "the diff ends inside a hunk");
    diff_end_file(r);
    const int rc = verdict(r);
    *report = r->report;
    return rc;
}

struct diff_reader *diff_reader_new(const struct diff_sink *sink, size_t limit_bytes) {
    struct diff_reader *r = malloc(sizeof *r);
    if (!r) return NULL;
    /* The path buffers need no clearing: their lengths are set with each file. */
    memset(r, 0, offsetof(struct diff_reader, old_path));
    memset(&r->begun, 0, sizeof *r - offsetof(struct diff_reader, begun));
    r->old_path.len = r->new_path.len = 0;
    r->old_path.known = r->new_path.known = r->old_path.null = r->new_path.null = false;
    r->sink = *sink;
    r->limit_bytes = limit_bytes ? limit_bytes : DIFF_LIMIT_BYTES;
    return r;
}

void diff_reader_free(struct diff_reader *r) {
    if (!r) return;
    free(r->carry);
    free(r);
}

int diff_read(struct diff_text diff, const struct diff_sink *sink, struct diff_report *report) {
    struct diff_reader *r = diff_reader_new(sink, 0);
    if (!r) {
        *report = (struct diff_report){.error_line = 1, .error = "memory ran out"};
        return -1;
    }
    (void)diff_feed(r, diff.at, diff.len);
    const int rc = diff_finish(r, report);
    diff_reader_free(r);
    return rc;
}
