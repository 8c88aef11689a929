/* templates.c - which columns of a family are parameters, which are text. */
#include "miner_inside.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A column with as many different words, or more, is a parameter. 4, 5 and 6 group the eight
 * systems of tests/bench/incident alike (GA .986 to .987). */
enum { PARAMETER_WORDS = 5 };

struct word {
    const char *at;
    size_t size;
};

struct row {
    struct form *form;
    struct word *words;
};

struct table {
    struct miner *miner;
    size_t columns;
    struct row *rows;
    struct row *spare; /* as many again, for partitioning */
    char *text;
};

/* ---- words ---- */

static struct word bare(struct word w) {
    static const char marks[] = ".,:;()[]{}'\"!?*";
    while (w.size && strchr(marks, *w.at)) w.at++, w.size--;
    while (w.size && strchr(marks, w.at[w.size - 1])) w.size--;
    return w;
}

/* What follows these names somebody or something: it varies, however plain it looks. */
static bool names_next(struct word before) {
    static const char *const names[] = {"user", "username", "host",   "hostname",
                                        "node", "name",     "account"};
    if (before.size && before.at[before.size - 1] == '=') return true;
    before = bare(before);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (before.size == strlen(names[i]) && !strncasecmp(before.at, names[i], before.size))
            return true;
    return false;
}

/* A plain word of some text: letters, perhaps joined by - / + _; or code like "f(" and "a=". */
static bool is_plain(struct word w) {
    if (w.size == 3 && memcmp(w.at, "<*>", 3) == 0) return true;
    w = bare(w);
    if (memchr(w.at, '=', w.size) || memchr(w.at, '(', w.size)) return true;
    for (size_t i = 0; i < w.size; i++) {
        const unsigned char c = (unsigned char)w.at[i];
        const bool letter = isalpha(c) || c > 127 || (i && c == '\'');
        const bool joint = i && (strchr("-/+_", c) || (c == '.' && i + 1 == w.size));
        if (!letter && !joint) return false;
    }
    return true;
}

/* ---- one column over some rows ---- */

/* NOLINTBEGIN(clang-analyzer-core.NullDereference): every row has its form, miner_sort_out fills
 * as many as there are */

/* How many different words it holds, counted up to PARAMETER_WORDS; `plain` tells whether all are. */
static size_t count_words(const struct row *rows, size_t n, size_t column, bool *plain) {
    uint32_t seen[PARAMETER_WORDS];
    size_t count = 0;
    *plain = !column || !names_next(rows[0].words[column - 1]);
    for (size_t r = 0; r < n; r++) {
        const uint32_t word = rows[r].form->words[column];
        size_t i = 0;
        while (i < count && seen[i] != word) i++;
        if (i < count) continue;
        if (word != WILD_HASH && !is_plain(rows[r].words[column])) *plain = false;
        seen[count++] = word;
        if (count == PARAMETER_WORDS) break;
    }
    return count;
}

/* The text column that parts the rows into the fewest kinds, or SIZE_MAX. */
static size_t dividing_column(const struct table *table, const struct row *rows, size_t n) {
    size_t best = SIZE_MAX, fewest = PARAMETER_WORDS;
    for (size_t c = 0; c < table->columns; c++) {
        bool plain;
        const size_t kinds = count_words(rows, n, c, &plain);
        if (kinds > 1 && kinds < fewest && plain) best = c, fewest = kinds;
    }
    return best;
}

static void give_template(const struct table *table, const struct row *rows, size_t n) {
    size_t used = 0;
    for (size_t c = 0; c < table->columns; c++) {
        bool same = true;
        for (size_t r = 1; r < n && same; r++)
            same = rows[r].form->words[c] == rows[0].form->words[c];
        const struct word w = same ? rows[0].words[c] : (struct word){"<*>", 3};
        memcpy(table->text + used, w.at, w.size);
        used += w.size;
        table->text[used++] = ' ';
    }
    if (used) used--;
    uint64_t id = 0xCBF29CE484222325u; /* FNV-1a: the same in every run */
    for (size_t i = 0; i < used; i++) id = (id ^ (unsigned char)table->text[i]) * 0x100000001B3u;
    struct kept_template *kept = miner_keep_template(table->miner, id, table->text, used);
    for (size_t r = 0; r < n; r++) miner_set_template(table->miner, rows[r].form, kept);
}

static void divide(const struct table *table, struct row *rows, size_t n) {
    const size_t column = dividing_column(table, rows, n);
    if (column == SIZE_MAX) {
        give_template(table, rows, n);
        return;
    }
    while (n) {
        const uint32_t word = rows[0].form->words[column];
        size_t with = 0, without = 0;
        for (size_t r = 0; r < n; r++)
            if (rows[r].form->words[column] == word)
                rows[with++] = rows[r];
            else
                table->spare[without++] = rows[r];
        memcpy(rows + with, table->spare, without * sizeof *rows);
        divide(table, rows, with);
        rows += with;
        n -= with;
    }
}

/* NOLINTEND(clang-analyzer-core.NullDereference) */

/* ---- a whole family ---- */

static void read_words(struct row *row, struct word *words, size_t columns) {
    const char *p = row->form->text;
    row->words = words;
    for (size_t c = 0; c < columns; c++) {
        const size_t size = strcspn(p, " ");
        words[c] = (struct word){p, size};
        p += size + (p[size] == ' ');
    }
}

void miner_sort_out(struct miner *miner, struct family *family) {
    const size_t n = family->form_count;
    struct table table = {.miner = miner, .columns = family->count};
    const size_t words = n * family->count * sizeof(struct word);
    void *memory = calloc(1, 2 * n * sizeof(struct row) + words + MASK_TEXT_BYTES * 2);
    if (!memory) return; /* it stays dirty: the next question tries again */
    table.rows = memory;
    table.spare = table.rows + n;
    struct word *next = (struct word *)(void *)(table.spare + n);
    table.text = (char *)(next + n * family->count);
    size_t r = 0;
    for (struct form *form = family->forms; form; form = form->sibling, r++) {
        table.rows[r].form = form;
        read_words(&table.rows[r], next + r * family->count, family->count);
    }
    divide(&table, table.rows, n);
    family->dirty = false;
    free(memory);
}

/* ---- settling ---- */

/* One fixed form in place of all forms of `template`. */
static void fix(struct miner *miner, struct family *family, struct kept_template *template) {
    struct masked *masked = malloc(sizeof *masked);
    if (!masked) return;
    mask_read_back(template->seen.text, strlen(template->seen.text), masked);
    /* The template may be a form already: one of these, or of another family that cannot take it. */
    struct form *keeper = miner_find(miner, masked->hash);
    if (!keeper && masked->count == family->count) keeper = miner_new_form(miner, family, masked);
    if (keeper && keeper->family != family) keeper = NULL;
    if (keeper) {
        keeper->fixed = true;
        miner_set_template(miner, keeper, template);
    }
    struct form *next = NULL;
    for (struct form *f = keeper ? family->forms : NULL; f; f = next) {
        next = f->sibling;
        if (f != keeper && f->template == template) miner_drop(miner, f);
    }
    free(masked);
}

static struct form *oldest(const struct family *family) {
    struct form *old = family->forms;
    for (struct form *f = family->forms; f; f = f->sibling)
        if (f->seen < old->seen) old = f;
    return old;
}

void miner_settle(struct miner *miner, struct family *family) {
    miner_sort_out(miner, family);
    if (family->dirty) return;
    for (bool again = true; again;) {
        again = false;
        for (const struct form *f = family->forms; f; f = f->sibling) {
            if (!f->template || f->template->forms < 2) continue;
            const size_t before = family->form_count;
            fix(miner, family, f->template); /* drops f, perhaps */
            again = family->form_count < before;
            break;
        }
    }
    while (family->form_count > miner->limits.family_forms / 2 + 1) {
        miner_drop(miner, oldest(family));
        miner->dropped++;
    }
    family->dirty = true;
}
