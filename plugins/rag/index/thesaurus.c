#include "thesaurus.h"

#include "analyse.h"
#include "dictionary.h"
#include "grow.h"

#include <libstemmer.h>
#include <string.h>

/* Entries of one group lie side by side, and the words of one entry too. */
struct entry {
    uint32_t group, first, count; /* words: in thesaurus.words */
};

struct thesaurus {
    struct names stems;
    uint32_t *words; /* stems of all entries */
    struct entry *entries;
    uint32_t word_count, word_room, entry_count, entry_room;
};

enum { MOST_WORDS = 65000, ENTRY_WORDS = 8 };

struct reader {
    struct thesaurus *thesaurus;
    struct sb_stemmer *stemmer;
    bool failed;
};

static void take_word(void *to, const char *text, size_t len, enum token_kind kind) {
    struct reader *r = to;
    struct thesaurus *t = r->thesaurus;
    struct entry *entry = &t->entries[t->entry_count - 1];
    if (kind == TOKEN_EXACT || is_stop_word(text, len) || entry->count == ENTRY_WORDS) return;
    const sb_symbol *stem = sb_stemmer_stem(r->stemmer, (const sb_symbol *)text, (int)len);
    const uint32_t name =
        stem ? names_intern(&t->stems, (const char *)stem, (size_t)sb_stemmer_length(r->stemmer))
             : NAME_NONE;
    r->failed |= name == NAME_NONE || t->word_count == MOST_WORDS ||
                 !grow(&t->words, &t->word_room, t->word_count + 1, sizeof *t->words);
    if (r->failed) return;
    t->words[t->word_count++] = name;
    entry->count++;
}

static void read_entry(struct reader *r, const char *at, size_t len, uint32_t group) {
    struct thesaurus *t = r->thesaurus;
    struct analysis about;
    r->failed |= !grow(&t->entries, &t->entry_room, t->entry_count + 1, sizeof *t->entries);
    if (r->failed) return;
    t->entries[t->entry_count++] = (struct entry){.group = group, .first = t->word_count};
    analyse(at, len, take_word, r, &about);
    if (!t->entries[t->entry_count - 1].count) t->entry_count--;
}

static void read_line(struct reader *r, const char *at, size_t len, uint32_t group) {
    const char *comment = memchr(at, '#', len);
    const char *const end = comment ? comment : at + len;
    while (at < end) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        read_entry(r, at, (size_t)(stop - at), group);
        at = comma ? comma + 1 : end;
    }
}

struct thesaurus *thesaurus_new(const char *text, size_t len, struct sb_stemmer *stemmer) {
    struct thesaurus *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    struct reader r = {.thesaurus = t, .stemmer = stemmer};
    const char *const end = text + len;
    for (uint32_t group = 0; text < end && !r.failed; group++) {
        const char *line = memchr(text, '\n', (size_t)(end - text));
        const char *stop = line ? line : end;
        read_line(&r, text, (size_t)(stop - text), group);
        text = line ? line + 1 : end;
    }
    if (!r.failed) return t;
    thesaurus_free(t);
    return NULL;
}

void thesaurus_free(struct thesaurus *t) {
    if (!t) return;
    names_fini(&t->stems);
    free(t->words);
    free(t->entries);
    free(t);
}

static bool is_met(const struct thesaurus *t, const struct entry *e, const uint32_t *names,
                   size_t count) {
    for (uint32_t i = 0; i < e->count; i++) {
        bool held = false;
        for (size_t k = 0; k < count && !held; k++) held = names[k] == t->words[e->first + i];
        if (!held) return false;
    }
    return true;
}

static void tell(const struct thesaurus *t, const struct entry *e, thesaurus_fn take, void *to) {
    for (uint32_t i = 0; i < e->count; i++) {
        size_t len;
        const char *stem = names_text(&t->stems, t->words[e->first + i], &len);
        take(to, stem, len, 1.0F / (float)e->count);
    }
}

void thesaurus_expand(const struct thesaurus *t, const struct stem *stems, size_t count,
                      thesaurus_fn take, void *to) {
    enum { MOST = 256 };
    uint32_t names[MOST];
    size_t known = 0;
    for (size_t i = 0; i < count && known < MOST; i++) {
        const uint32_t name = names_find(&t->stems, stems[i].at, stems[i].len);
        if (name != NAME_NONE) names[known++] = name;
    }
    for (uint32_t from = 0, end; known && from < t->entry_count; from = end) {
        bool met = false;
        for (end = from; end < t->entry_count && t->entries[end].group == t->entries[from].group;
             end++)
            met |= is_met(t, &t->entries[end], names, known);
        for (uint32_t i = from; met && i < end; i++)
            if (!is_met(t, &t->entries[i], names, known)) tell(t, &t->entries[i], take, to);
    }
}
