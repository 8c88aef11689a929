#include "signals.h"

#include "dangers.h"
#include "path_words.h"
#include "pattern.h"
#include "secrets.h"
#include "whole_signals.h"
#include "wordset.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A side of a file is searched whenever this many bytes have come together. */
enum { FLUSH_BYTES = 512 * 1024, MOST_WORDS = 1024, MOST_RULES = 512, LOOK_ON_BYTES = 600 };

struct signals {
    struct secrets *secrets;
    struct patterns *patterns; /* two a danger: the expression, and what takes it back */
    struct wordset *added;     /* tags: secret rules first, then dangers */
    struct wordset *deleted;   /* tags: dangers */
    struct wordset *path_words;
};

struct signals_search {
    struct signals_run *run;
    const struct signals_side *side;
    size_t line; /* the last hit's line: hits rise */
    /* One bit a rule: was it tried in this search? Only then do the arrays tell something, so that
     * they are never cleared. */
    uint64_t tried[MOST_RULES / 64];
    size_t tried_line[MOST_RULES]; /* by rule: line of the last try */
    size_t tried_at[MOST_RULES];   /* by rule: offset of the last try, for very long lines */
};

/* ---- building ---- */

struct words {
    struct wordset_word items[MOST_WORDS];
    size_t count;
};

static void add_words(struct words *words, const char *list, char split, size_t tag) {
    while (*list && words->count < MOST_WORDS) {
        const char *stop = strchr(list, split);
        const size_t len = stop ? (size_t)(stop - list) : strlen(list);
        words->items[words->count++] = (struct wordset_word){list, len, (uint16_t)tag};
        list += len + (stop ? 1 : 0);
    }
}

static struct wordset *build(bool deleted) {
    struct words *words = calloc(1, sizeof *words);
    if (!words) return NULL;
    for (size_t i = 0; !deleted && i < secret_rule_count; i++)
        add_words(words, secret_rules[i].keywords, ' ', i);
    for (size_t i = 0; i < danger_count; i++)
        if (dangers[i].deleted == deleted)
            add_words(words, dangers[i].keywords, '\n', secret_rule_count + i);
    struct wordset *made = wordset_new(words->items, words->count);
    free(words);
    return made;
}

struct signals *signals_new(char why[160]) {
    struct signals *s = calloc(1, sizeof *s);
    if (s) {
        s->secrets = secrets_new();
        s->patterns = patterns_new(2 * danger_count);
        s->added = build(false);
        s->deleted = build(true);
        s->path_words = path_words_new();
    }
    if (s && s->secrets && s->patterns && s->added && s->deleted && s->path_words) return s;
    snprintf(why, 160, "memory ran out while the danger signals were made ready");
    signals_free(s);
    return NULL;
}

void signals_free(struct signals *s) {
    if (!s) return;
    secrets_free(s->secrets);
    patterns_free(s->patterns);
    wordset_free(s->added);
    wordset_free(s->deleted);
    wordset_free(s->path_words);
    free(s);
}

/* ---- one file ---- */

static uint32_t places_of(struct diff_text path, uint32_t says, enum file_kind kind) {
    uint32_t where = 0;
    const bool yaml =
        path_ends(path, ".yaml") || path_ends(path, ".yml") || path_ends(path, ".tpl");
    const bool shell = path_ends(path, ".sh") || path_ends(path, ".bash") || says & PATH_SHELL;
    const bool quiet = kind == KIND_DOCS || kind == KIND_GENERATED || kind == KIND_LOCK;
    if (kind == KIND_TEST) return IN_TEST;
    if (quiet) return 0;
    where |= yaml ? IN_YAML : 0U;
    where |= says & PATH_DOCKER ? IN_DOCKER | IN_SHELL : 0U;
    where |= says & PATH_CI ? IN_CI | IN_SHELL : 0U;
    where |= shell ? IN_SHELL : 0U;
    where |= path_ends(path, ".tf") || path_ends(path, ".hcl") ? IN_TERRAFORM | IN_CONFIG : 0U;
    where |= path_ends(path, ".sql") || kind == KIND_MIGRATION ? IN_SQL : 0U;
    where |= kind == KIND_MIGRATION ? IN_MIGRATION : 0U;
    where |= kind == KIND_SOURCE ? IN_SOURCE : 0U;
    where |= kind == KIND_MANIFEST ? IN_MANIFEST : 0U;
    where |= kind == KIND_CONFIG || kind == KIND_INFRA ? IN_CONFIG : 0U;
    return where;
}

void signals_begin(struct signals_run *run, const struct signals *signals, struct findings *found) {
    memset(run, 0, offsetof(struct signals_run, versions));
    run->signals = signals;
    run->found = found;
    run->search =
        secret_rule_count + danger_count <= MOST_RULES ? malloc(sizeof *run->search) : NULL;
    if (run->search) run->search->run = run;
}

void signals_on_file(struct signals_run *run, const struct diff_file *file,
                     const struct change *change) {
    run->change = change;
    run->path = file->path;
    run->file = (int32_t)change->file_count - 1;
    run->kind = change->file_count ? change->files[change->file_count - 1].kind : KIND_OTHER;
    run->created = file->change == DIFF_CREATED;
    run->says = path_words_read(run->signals->path_words, file->path);
    run->where = places_of(file->path, run->says, run->kind);
    run->secrets_here = !file->binary && run->kind != KIND_LOCK;
    run->way_down = run->says & PATH_DOWN;
    memset(run->tallies, 0, sizeof run->tallies);
    whole_on_file(run, file);
}

static bool grow(void **items, size_t *room, size_t wanted, size_t size) {
    if (wanted <= *room) return true;
    const size_t more = wanted * 2 + 64;
    void *grown = realloc(*items, more * size);
    if (!grown) return false;
    *items = grown;
    *room = more;
    return true;
}

static bool append(struct signals_side *side, const struct diff_line *line) {
    if (!grow((void **)&side->text, &side->room, side->len + line->text.len + 1, 1) ||
        !grow((void **)&side->lines, &side->lines_room, side->line_count + 1, sizeof *side->lines))
        return false;
    side->lines[side->line_count++] = (struct signals_line){(uint32_t)side->len, line->number};
    if (line->text.len) memcpy(side->text + side->len, line->text.at, line->text.len);
    side->len += line->text.len;
    side->text[side->len++] = '\n';
    return true;
}

/* ---- searching ---- */

static size_t line_end(const struct signals_side *side, size_t line) {
    return line + 1 < side->line_count ? side->lines[line + 1].from : side->len;
}

static size_t line_at(struct signals_search *search, size_t offset) {
    while (search->line + 1 < search->side->line_count &&
           search->side->lines[search->line + 1].from < offset)
        search->line++;
    return search->line;
}

static size_t line_of(const struct signals_side *side, size_t offset) {
    size_t low = 0, high = side->line_count;
    while (high - low > 1) {
        const size_t middle = (low + high) / 2;
        if (side->lines[middle].from <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void try_secret(struct signals_search *search, size_t rule, size_t line, size_t end) {
    struct signals_run *run = search->run;
    const struct signals_side *side = search->side;
    if (!run->secrets_here || !secret_rule_applies(run->signals->secrets, rule, run->path)) return;
    const struct secret_place place = {.text = {side->text, side->len},
                                       .line_from = side->lines[line].from,
                                       .line_to = line_end(side, line),
                                       .hit = end,
                                       .keyword_len = run->keyword_len};
    size_t at = 0;
    if (!secret_is_at(run->signals->secrets, rule, &place, &at)) return;
    /* Asked last, because it is dear and most files never come this far. */
    run->secrets_here = secrets_expected_in(run->signals->secrets, run->path);
    if (!run->secrets_here) return;
    finding_add(run->found,
                &(struct finding){
                    .id = secret_rules[rule].id,
                    .family = "secret",
                    .severity = secret_severity(rule, run->kind),
                    .means = "a credential stands in the change: whoever can read it can use it",
                    .fix = "revoke it first, then load it from the environment or a vault",
                    .file = run->file,
                    .line = side->lines[line_of(side, at)].number});
}

static bool danger_fires(struct signals_search *search, size_t at, size_t line) {
    const struct danger *danger = &dangers[at];
    const struct signals_side *side = search->side;
    if (!danger->pattern) return true;
    const size_t from = side->lines[line].from, own_end = line_end(side, line);
    size_t to = line + 1 < side->line_count ? line_end(side, line + 1) : own_end;
    if (to - from > 2 * LOOK_ON_BYTES) to = from + 2 * LOOK_ON_BYTES;
    const struct diff_text two = {side->text + from, to - from};
    struct pattern_match match;
    const struct pattern_source wanted = {2 * at, danger->pattern};
    if (!pattern_find(search->run->signals->patterns, &wanted, two, 0, &match) ||
        from + match.from >= own_end)
        return false;
    const struct diff_text own = {two.at, (own_end < to ? own_end : to) - from};
    const struct pattern_source unless = {2 * at + 1, danger->unless};
    return !danger->unless ||
           !pattern_find(search->run->signals->patterns, &unless, own, 0, &match);
}

static void try_danger(struct signals_search *search, size_t at, size_t line) {
    struct signals_run *run = search->run;
    const struct danger *danger = &dangers[at];
    if (!(danger->where & run->where) && danger->where != ~0U) return;
    if (danger->where & (IN_SQL | IN_MIGRATION) && run->way_down) return;
    if (!danger_fires(search, at, line)) return;
    if (danger->tally == TALLY_WAY_DOWN) run->way_down = true;
    if (danger->tally != TALLY_NONE) {
        run->tallies[danger->tally] += danger->deleted ? -1 : 1;
        return;
    }
    finding_add(run->found, &(struct finding){.id = danger->id,
                                              .family = danger->family,
                                              .severity = danger->severity,
                                              .means = danger->means,
                                              .fix = danger->fix,
                                              .file = run->file,
                                              .line = search->side->lines[line].number,
                                              .deleted = danger->deleted});
}

static bool was_tried(const struct signals_search *search, size_t rule) {
    return search->tried[rule / 64] >> (rule % 64) & 1;
}

/* A block rule has looked far ahead already: half of that is not searched again, so that a file full
 * of keywords costs no square of its size. */
static bool in_searched_block(const struct signals_search *search, size_t rule, size_t end) {
    if (rule >= secret_rule_count || !(secret_rules[rule].flags & SECRET_BLOCK)) return false;
    return was_tried(search, rule) && end < search->tried_at[rule] + secret_block_bytes(rule) / 2;
}

static void on_hit(void *of, uint16_t tag, size_t end) {
    struct signals_search *search = of;
    const size_t line = line_at(search, end);
    const size_t rule = tag;
    const bool generic = rule < secret_rule_count && secret_rules[rule].flags & SECRET_GENERIC;
    const bool again = was_tried(search, rule) && search->tried_line[rule] == line;
    /* One try a line finds all; very long lines are tried every thousand bytes. */
    if (again && !generic && end < search->tried_at[rule] + 1000) return;
    if (in_searched_block(search, rule, end)) return;
    search->tried[rule / 64] |= 1ULL << (rule % 64);
    search->tried_line[rule] = line;
    search->tried_at[rule] = end;
    if (rule >= secret_rule_count) {
        try_danger(search, rule - secret_rule_count, line);
        return;
    }
    search->run->keyword_len = 0;
    if (generic) {
        /* The expression is anchored where the name begins. */
        const char *at = search->side->text;
        size_t len = 0;
        while (len < 10 && len < end - search->side->lines[line].from)
            if (((unsigned char)(at[end - len - 1] | 0x20) - 'a') < 26)
                len++;
            else
                break;
        search->run->keyword_len = len;
    }
    try_secret(search, rule, line, end);
}

_Static_assert(MOST_RULES <= UINT16_MAX, "a rule's number is the tag of its words");

static void search_side(struct signals_run *run, bool deleted) {
    struct signals_side *side = deleted ? &run->deleted : &run->added;
    const struct signals *signals = run->signals;
    struct signals_search *search = run->search;
    if (side->line_count && search) {
        search->side = side;
        search->line = 0;
        memset(search->tried, 0, sizeof search->tried);
        wordset_scan(deleted ? signals->deleted : signals->added, side->text, side->len, on_hit,
                     search);
    }
    side->len = 0;
    side->line_count = 0;
}

void signals_on_hunk(struct signals_run *run, const struct diff_hunk *hunk) {
    (void)hunk;
    if (run->added.len > FLUSH_BYTES) search_side(run, false);
    if (run->deleted.len > FLUSH_BYTES) search_side(run, true);
}

void signals_on_line(struct signals_run *run, const struct diff_line *line) {
    if (line->side == DIFF_ADDED && (run->secrets_here || run->where)) {
        if (run->added.len > 2 * FLUSH_BYTES) search_side(run, false);
        (void)append(&run->added, line);
    } else if (line->side == DIFF_DELETED && run->where) {
        if (run->deleted.len > 2 * FLUSH_BYTES) search_side(run, true);
        (void)append(&run->deleted, line);
    }
    if (run->kind == KIND_MANIFEST && line->side != DIFF_CONTEXT) whole_on_manifest_line(run, line);
}

void signals_on_file_end(struct signals_run *run, const struct diff_file *file) {
    search_side(run, true);
    search_side(run, false);
    run->assertions += run->tallies[TALLY_ASSERTIONS];
    whole_on_file_end(run, file);
}

void signals_end(struct signals_run *run, const struct change *change) {
    whole_on_end(run, change);
    free(run->search);
    free(run->added.text);
    free(run->added.lines);
    free(run->deleted.text);
    free(run->deleted.lines);
}
