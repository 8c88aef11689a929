/* Hunk headers: "@@ -old,count +new,count @@ section" and the combined form with more parents. */
#include "diff_reader.h"

static bool number(struct diff_text *text, uint32_t *out) {
    uint64_t value = 0;
    size_t i = 0;
    for (; i < text->len && text->at[i] >= '0' && text->at[i] <= '9'; i++) {
        value = value * 10 + (uint64_t)(text->at[i] - '0');
        if (value > INT32_MAX) return false;
    }
    *out = (uint32_t)value;
    text->at += i;
    text->len -= i;
    return i > 0;
}

static bool eat(struct diff_text *text, char c) {
    if (!text->len || text->at[0] != c) return false;
    text->at++;
    text->len--;
    return true;
}

static bool range(struct diff_text *text, char mark, uint32_t out[2]) {
    out[1] = 1;
    return eat(text, mark) && number(text, &out[0]) && (!eat(text, ',') || number(text, &out[1])) &&
           eat(text, ' ');
}

bool diff_hunk_header(struct diff_reader *r, struct diff_text line) {
    struct diff_text rest = line;
    uint32_t ats = 0;
    while (eat(&rest, '@')) ats++;
    const uint32_t parents = ats - 1;
    if (ats < 2 || parents > DIFF_PARENTS || !eat(&rest, ' ')) return false;
    uint32_t old[DIFF_PARENTS][2], now[2];
    for (uint32_t i = 0; i < parents; i++)
        if (!range(&rest, '-', old[i])) return false;
    if (!range(&rest, '+', now)) return false;
    for (uint32_t i = 0; i < ats; i++)
        if (!eat(&rest, '@')) return false;
    eat(&rest, ' ');
    if (!r->begun && !r->announced) {
        diff_begin_file(r);
        diff_note(r, "a hunk without a file header: its file has no name");
    }
    diff_announce(r);
    r->parents = parents;
    for (uint32_t i = 0; i < parents; i++) r->old_left[i] = old[i][1];
    r->new_left = now[1];
    r->old_no = old[0][0];
    r->new_no = now[0];
    r->report.hunks++;
    const struct diff_hunk hunk = {.old_start = old[0][0],
                                   .old_count = old[0][1],
                                   .new_start = now[0],
                                   .new_count = now[1],
                                   .section = rest,
                                   .line = r->line_no};
    if (r->sink.hunk) r->sink.hunk(r->sink.of, &hunk);
    r->where = DIFF_HUNK;
    if (!now[1] && !old[0][1]) r->where = DIFF_AFTER;
    return true;
}
