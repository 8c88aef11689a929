#include "redact.h"

#include "secrets.h"
#include "wordset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Secrets of one rule on one line come out one a pass. */
enum { PASSES = 16, WORDS_MOST = 1024, RULES_MOST = 512, AGAIN_BYTES = 1000 };

struct redactor {
    struct secrets *secrets;
    struct wordset *keywords; /* tag: the rule */
};

struct cut {
    size_t from, to, rule;
};

/* One pass over one text. */
struct pass {
    const struct redactor *redactor;
    struct diff_text text;
    size_t line_from, line_to; /* of the last hit: hits rise */
    size_t tried_line[RULES_MOST], tried_at[RULES_MOST];
    struct cut *cuts;
    size_t count, room;
    int lost; /* memory ran out */
};

static struct wordset *keywords_new(void) {
    struct wordset_word *words = calloc(WORDS_MOST, sizeof *words);
    if (!words) return NULL;
    size_t count = 0;
    for (size_t rule = 0; rule < secret_rule_count && rule < RULES_MOST; rule++) {
        const char *at = secret_rules[rule].keywords;
        while (*at && count < WORDS_MOST) {
            const size_t len = strcspn(at, " ");
            if (len) words[count++] = (struct wordset_word){at, len, (uint16_t)rule};
            at += len + (at[len] == ' ');
        }
    }
    struct wordset *made = wordset_new(words, count);
    free(words);
    return made;
}

struct redactor *redactor_new(void) {
    struct redactor *redactor = calloc(1, sizeof *redactor);
    if (!redactor) return NULL;
    redactor->secrets = secrets_new();
    redactor->keywords = keywords_new();
    if (redactor->secrets && redactor->keywords) return redactor;
    redactor_free(redactor);
    return NULL;
}

void redactor_free(struct redactor *redactor) {
    if (!redactor) return;
    secrets_free(redactor->secrets);
    wordset_free(redactor->keywords);
    free(redactor);
}

/* ---- one pass ---- */

static void set_line(struct pass *pass, size_t end) {
    while (pass->line_to < end) {
        const char *from = pass->text.at + pass->line_to;
        pass->line_from = pass->line_to;
        const char *stop = memchr(from, '\n', pass->text.len - pass->line_to);
        pass->line_to = stop ? (size_t)(stop - pass->text.at) + 1 : pass->text.len;
    }
}

/* Where a secret that begins at `from` ends: a key at its last line, others at what cannot be in a
 * word. */
static size_t end_of_secret(struct diff_text text, size_t from) {
    static const char finish[] = "-----END";
    if (text.len - from > 10 && memcmp(text.at + from, "-----BEGIN", 10) == 0) {
        const char *end = memmem(text.at + from + 10, text.len - from - 10, finish, 8);
        if (!end) return text.len;
        const size_t at = (size_t)(end - text.at);
        const char *stop = memchr(end, '\n', text.len - at);
        return stop ? (size_t)(stop - text.at) : text.len;
    }
    size_t to = from;
    while (to < text.len && text.at[to] && !strchr(" \t\r\n\"'`<>{}[]\\", text.at[to])) to++;
    while (to > from + 1 && strchr(".,;:)", text.at[to - 1])) to--;
    return to > from ? to : from + 1;
}

static void add_cut(struct pass *pass, struct cut cut) {
    if (pass->count == pass->room) {
        const size_t room = pass->room * 2 + 16;
        struct cut *more = realloc(pass->cuts, room * sizeof *more);
        if (!more) {
            pass->lost = 1;
            return;
        }
        pass->cuts = more;
        pass->room = room;
    }
    pass->cuts[pass->count++] = cut;
}

/* The letters of the name before `end`: a generic rule is anchored where the name begins. */
static size_t name_before(const struct pass *pass, size_t end) {
    size_t len = 0;
    while (len < 10 && len < end - pass->line_from &&
           (unsigned)((pass->text.at[end - len - 1] | 0x20) - 'a') < 26U)
        len++;
    return len;
}

static void on_hit(void *of, uint16_t rule, size_t end) {
    struct pass *pass = of;
    set_line(pass, end);
    const int generic = secret_rules[rule].flags & SECRET_GENERIC;
    const int again = pass->tried_line[rule] == pass->line_from + 1;
    if (again && !generic && end < pass->tried_at[rule] + AGAIN_BYTES) return;
    pass->tried_line[rule] = pass->line_from + 1;
    pass->tried_at[rule] = end;
    const struct secret_place place = {.text = pass->text,
                                       .line_from = pass->line_from,
                                       .line_to = pass->line_to,
                                       .hit = end,
                                       .keyword_len = generic ? name_before(pass, end) : 0};
    size_t at = 0;
    if (!secret_is_at(pass->redactor->secrets, rule, &place, &at) || at >= pass->text.len) return;
    add_cut(pass, (struct cut){at, end_of_secret(pass->text, at), rule});
}

static int by_place(const void *a, const void *b) {
    const struct cut *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

/* The text without the cuts, which are sorted and may overlap. */
static char *without(const struct pass *pass, size_t *size, int *found) {
    size_t wanted = pass->text.len + 1;
    for (size_t i = 0; i < pass->count; i++)
        wanted += strlen(secret_rules[pass->cuts[i].rule].id) + 16;
    char *out = malloc(wanted);
    if (!out) return NULL;
    size_t used = 0, copied = 0;
    for (size_t i = 0; i < pass->count; i++) {
        const struct cut *cut = &pass->cuts[i];
        if (cut->from < copied) {
            if (cut->to > copied) copied = cut->to;
            continue;
        }
        memcpy(out + used, pass->text.at + copied, cut->from - copied);
        used += cut->from - copied;
        used += (size_t)snprintf(out + used, wanted - used, "[REDACTED:%s]",
                                 secret_rules[cut->rule].id);
        copied = cut->to;
        ++*found;
    }
    memcpy(out + used, pass->text.at + copied, pass->text.len - copied);
    used += pass->text.len - copied;
    out[used] = 0;
    *size = used;
    return out;
}

/* The text after one pass; NULL: nothing was found, or memory is out (*found is then -1). */
static char *one_pass(const struct redactor *redactor, const char *text, size_t *size, int *found) {
    struct pass *pass = calloc(1, sizeof *pass);
    char *out = NULL;
    if (pass) {
        pass->redactor = redactor;
        pass->text = (struct diff_text){text, *size};
        wordset_scan(redactor->keywords, text, *size, on_hit, pass);
        if (pass->count) qsort(pass->cuts, pass->count, sizeof *pass->cuts, by_place);
        if (pass->count) out = without(pass, size, found);
    }
    if (!pass || pass->lost || (pass->count && !out)) *found = -1;
    if (pass) free(pass->cuts);
    free(pass);
    return out;
}

/* The rules read lines, and a line has an end. */
static char *with_line_end(const char *text, size_t size) {
    char *out = malloc(size + 2);
    if (!out) return NULL;
    memcpy(out, text, size);
    memcpy(out + size, "\n", 2);
    return out;
}

char *redactor_run(const struct redactor *redactor, const char *text, size_t size, int *found) {
    char *last = with_line_end(text, size++);
    const int before = *found;
    if (!last) *found = -1;
    for (int i = 0; i < PASSES && *found >= 0; i++) {
        char *next = one_pass(redactor, last, &size, found);
        if (!next) break;
        free(last);
        last = next;
    }
    if (*found > before) {
        if (last[size - 1] == '\n') last[size - 1] = 0;
        return last;
    }
    free(last);
    return NULL;
}
