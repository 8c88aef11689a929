#include "fold.h"

#include <stdlib.h>
#include <string.h>

const char *section_name(enum section section) {
    static const char *const names[SECTIONS] = {
        "security",      "features",    "fixes", "performance", "reverts", "deprecated", "removed",
        "documentation", "refactoring", "tests", "build",       "chores",  "other"};
    return names[section];
}

const char *fate_name(enum fate fate) {
    static const char *const names[FATES] = {"listed", "merge",    "duplicate",
                                             "fixup",  "reverted", "revert"};
    return names[fate];
}

static const struct {
    const char *type;
    enum section section;
} types[] = {{"feat", SECTION_FEATURES},
             {"feature", SECTION_FEATURES},
             {"fix", SECTION_FIXES},
             {"bugfix", SECTION_FIXES},
             {"hotfix", SECTION_FIXES},
             {"perf", SECTION_PERFORMANCE},
             {"revert", SECTION_REVERTS},
             {"security", SECTION_SECURITY},
             {"sec", SECTION_SECURITY},
             {"vuln", SECTION_SECURITY},
             {"deprecate", SECTION_DEPRECATED},
             {"remove", SECTION_REMOVED},
             {"docs", SECTION_DOCS},
             {"doc", SECTION_DOCS},
             {"refactor", SECTION_REFACTORING},
             {"style", SECTION_REFACTORING},
             {"test", SECTION_TESTS},
             {"tests", SECTION_TESTS},
             {"build", SECTION_BUILD},
             {"ci", SECTION_BUILD},
             {"deps", SECTION_BUILD},
             {"chore", SECTION_CHORES},
             {"release", SECTION_CHORES}};

static enum section section_of(const struct cc_commit *commit) {
    if (!commit->conventional) return SECTION_OTHER;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (span_is(commit->type, types[i].type)) return types[i].section;
    return SECTION_OTHER;
}

/* ---- reading what surrounds a title ---- */

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool letter_or_digit(char c) {
    return digit(c) || (unsigned)((c | 0x20) - 'a') < 26U;
}

static uint32_t number_at(struct span text, size_t at) {
    uint32_t number = 0;
    for (; at < text.len && digit(text.at[at]) && number < 100000000; at++)
        number = number * 10 + (uint32_t)(text.at[at] - '0');
    return number;
}

static struct span trimmed(struct span span) {
    while (span.len && strchr(" \t\n", span.at[0])) span.at++, span.len--;
    while (span.len && strchr(" \t\n", span.at[span.len - 1])) span.len--;
    return span;
}

/* "add x (#123)" -> "add x", 123; GitLab's "(!12)" as well. */
static struct span without_number(struct span title, uint32_t *number) {
    title = trimmed(title);
    if (title.len < 5 || title.at[title.len - 1] != ')') return title;
    size_t at = title.len - 1;
    while (at && digit(title.at[at - 1])) at--;
    if (at < 2 || at == title.len - 1 || (title.at[at - 1] != '#' && title.at[at - 1] != '!') ||
        title.at[at - 2] != '(')
        return title;
    if (!*number) *number = number_at(title, at);
    return trimmed((struct span){title.at, at - 2});
}

static uint32_t number_after(struct span text, const char *words) {
    const char *found = memmem(text.at, text.len, words, strlen(words));
    return found ? number_at(text, (size_t)(found - text.at) + strlen(words)) : 0;
}

/* "See merge request group/project!12" */
static uint32_t merge_request(struct span text) {
    static const char words[] = "See merge request ";
    const char *found = memmem(text.at, text.len, words, sizeof words - 1);
    if (!found) return 0;
    const size_t from = (size_t)(found - text.at) + sizeof words - 1;
    for (size_t at = from; at < text.len && text.at[at] != '\n'; at++)
        if (text.at[at] == '!') return number_at(text, at + 1);
    return 0;
}

static bool is_merge_title(struct span header) {
    static const char *const beginnings[] = {
        "Merge pull request ", "Merge branch ", "Merge remote-tracking ", "Merge tag ",
        "Merge commit ",       "Merge main ",   "Merge master "};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (span_starts(header, beginnings[i])) return true;
    return false;
}

/* What stands behind the first line. */
static struct span behind_header(struct span message) {
    const char *stop = memchr(message.at, '\n', message.len);
    if (!stop) return (struct span){0};
    return trimmed((struct span){stop + 1, (size_t)(message.at + message.len - stop - 1)});
}

/* What a forge wraps around a change's own message is taken off. */
static void read_message(struct note_commit *c) {
    cc_read(c->message, &c->cc);
    c->is_merge = c->parents > 1 || is_merge_title(c->cc.header);
    if (!c->pr) c->pr = number_after(c->cc.header, "Merge pull request #");
    if (!c->pr) c->pr = merge_request(c->message);
    if (span_starts(c->cc.header, "Merged PR ")) { /* Azure DevOps */
        const char *colon = memchr(c->cc.header.at, ':', c->cc.header.len);
        if (!c->pr) c->pr = number_at(c->cc.header, 10);
        if (colon) {
            const char *rest = colon + 1;
            while (*rest == ' ') rest++;
            cc_read((struct span){rest, (size_t)(c->message.at + c->message.len - rest)}, &c->cc);
        }
    } else if (c->is_merge && !c->cc.conventional) {
        struct cc_commit inner;
        cc_read(behind_header(c->message), &inner);
        if (inner.conventional) c->cc = inner;
    }
    c->title = without_number(c->cc.conventional ? c->cc.description : c->cc.header, &c->pr);
    c->section = section_of(&c->cc);
}

/* ---- security ---- */

static size_t run(struct span text, size_t at, bool (*is)(char)) {
    size_t len = 0;
    while (at + len < text.len && is(text.at[at + len])) len++;
    return len;
}

static size_t cve_length(struct span text, size_t at) {
    const struct span rest = {text.at + at, text.len - at};
    if (!span_starts(rest, "CVE-") || run(text, at + 4, digit) != 4) return 0;
    if (at + 8 >= text.len || text.at[at + 8] != '-') return 0;
    const size_t digits = run(text, at + 9, digit);
    return digits >= 4 ? 9 + digits : 0;
}

static size_t ghsa_length(struct span text, size_t at) {
    const struct span rest = {text.at + at, text.len - at};
    size_t len = 4;
    if (!span_starts(rest, "GHSA-")) return 0;
    for (int part = 0; part < 3; part++) {
        if (at + len >= text.len || text.at[at + len] != '-' ||
            run(text, at + len + 1, letter_or_digit) != 4)
            return 0;
        len += 5;
    }
    return len;
}

struct span next_advisory(struct span text, size_t *at) {
    for (; *at + 8 < text.len; ++*at) {
        const char c = text.at[*at];
        if (c != 'C' && c != 'G' && c != 'c' && c != 'g') continue;
        size_t len = cve_length(text, *at);
        if (!len) len = ghsa_length(text, *at);
        if (!len) continue;
        const struct span found = {text.at + *at, len};
        *at += len;
        return found;
    }
    return (struct span){0};
}

static bool is_security(const struct note_commit *c) {
    size_t at = 0;
    return c->section == SECTION_SECURITY ||
           (c->cc.conventional && c->cc.scope.at && span_is(c->cc.scope, "security")) ||
           cc_footer_of(&c->cc, "Security") || cc_footer_of(&c->cc, "CVE") ||
           next_advisory(c->message, &at).at;
}

/* ---- finding commits again ---- */

struct key {
    uint64_t hash;
    uint32_t index;
};

static uint64_t mix(uint64_t hash, struct span text) {
    for (size_t i = 0; i < text.len; i++) {
        const char c = text.at[i];
        if (c == ' ') continue;
        hash = (hash ^ (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c)) * 0x100000001b3ULL;
    }
    return (hash ^ 0xff) * 0x100000001b3ULL;
}

/* Type, scope and title, without what forges add: two squashes of one change have the same. */
static uint64_t hash_of(const struct note_commit *c) {
    uint64_t hash = 0xcbf29ce484222325ULL;
    if (c->cc.conventional) hash = mix(mix(hash, c->cc.type), c->cc.scope);
    return mix(hash, c->title);
}

static int by_hash(const void *a, const void *b) {
    const struct key *x = a, *y = b;
    if (x->hash != y->hash) return x->hash < y->hash ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static int by_id(const void *a, const void *b, void *of) {
    const struct note_commit *commits = of;
    return strcmp(commits[*(const uint32_t *)a].id, commits[*(const uint32_t *)b].id);
}

struct finder {
    struct notes *notes;
    struct key *keys;
    uint32_t *ids; /* commits sorted by id */
};

static struct key *first_key(const struct finder *f, uint64_t hash) {
    size_t low = 0, high = f->notes->count;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (f->keys[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low < f->notes->count && f->keys[low].hash == hash ? &f->keys[low] : NULL;
}

/* Index + 1 of the commit whose id begins so; 0: none. */
static uint32_t find_id(const struct finder *f, struct span id) {
    size_t low = 0, high = f->notes->count;
    if (id.len < 7) return 0;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (strncmp(f->notes->commits[f->ids[middle]].id, id.at, id.len) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == f->notes->count) return 0;
    const uint32_t found = f->ids[low];
    return strncmp(f->notes->commits[found].id, id.at, id.len) == 0 ? found + 1 : 0;
}

static bool hex(char c) {
    return digit(c) || (unsigned)((c | 0x20) - 'a') < 6U;
}

/* A title as it would stand in another commit's header. */
static uint32_t find_title(const struct finder *f, struct span title, uint32_t but) {
    struct note_commit other = {.message = trimmed(title)};
    if (!other.message.len) return 0;
    read_message(&other);
    const struct key *key = first_key(f, hash_of(&other));
    for (; key && key < f->keys + f->notes->count && key->hash == hash_of(&other); key++)
        if (key->index != but && !f->notes->commits[key->index].is_revert) return key->index + 1;
    return 0;
}

/* ---- fates ---- */

static void go_into(struct notes *notes, uint32_t index, uint32_t entry, enum fate fate) {
    struct note_commit *c = &notes->commits[index], *e = &notes->commits[entry];
    c->fate = fate;
    c->into = entry;
    if (index == entry) return;
    if (!e->pr) e->pr = c->pr;
    e->security |= c->security;
    c->next = e->next;
    e->next = index + 1;
}

static struct span fixup_target(struct span header) {
    static const char *const marks[] = {"fixup! ", "squash! ", "amend! "};
    bool found = true;
    while (found) {
        found = false;
        for (size_t i = 0; i < 3; i++)
            if (span_starts(header, marks[i])) {
                header.at += strlen(marks[i]);
                header.len -= strlen(marks[i]);
                found = true;
            }
    }
    return header;
}

static void fold_fixups(const struct finder *f) {
    for (uint32_t i = 0; i < f->notes->count; i++) {
        struct note_commit *c = &f->notes->commits[i];
        const struct span target = fixup_target(c->cc.header);
        if (target.len == c->cc.header.len) continue;
        const uint32_t found = find_title(f, target, i);
        go_into(f->notes, i, found ? found - 1 : i, FATE_FIXUP);
        c->fate = FATE_FIXUP;
    }
}

/* `Revert "feat: x"`, `revert: feat: x`; the hash in the body is the better witness. */
static void read_revert(const struct finder *f, uint32_t index) {
    static const char words[] = "This reverts commit ";
    struct note_commit *c = &f->notes->commits[index];
    struct span title = {0};
    if (span_starts(c->cc.header, "Revert \"")) {
        title = (struct span){c->cc.header.at + 8, c->cc.header.len - 8};
        const char *stop = memrchr(title.at, '"', title.len);
        if (stop) title.len = (size_t)(stop - title.at);
    } else if (c->cc.conventional && span_is(c->cc.type, "revert")) {
        title = c->title;
    } else {
        return;
    }
    c->is_revert = true;
    c->section = SECTION_REVERTS;
    const char *said = memmem(c->message.at, c->message.len, words, sizeof words - 1);
    const struct cc_footer *refs = cc_footer_of(&c->cc, "Refs");
    if (said) {
        const size_t at = (size_t)(said - c->message.at) + sizeof words - 1;
        c->other = find_id(f, (struct span){c->message.at + at, run(c->message, at, hex)});
    }
    if (!c->other && refs)
        c->other = find_id(f, (struct span){refs->value.at, run(refs->value, 0, hex)});
    if (!c->other) c->other = find_title(f, title, index);
    if (c->other == index + 1) c->other = 0;
}

enum { UNKNOWN, ASKED, STANDS, FALLS };

/* A commit stands unless a revert that stands itself takes it back. Reverts are few: each is asked
 * once, and a ring of them (which no history has) ends where it began. */
static uint8_t standing(const struct notes *notes, uint32_t index, const uint32_t *takers,
                        const uint32_t *chain, uint8_t *known) {
    if (known[index] >= STANDS) return known[index];
    if (known[index] == ASKED) return STANDS;
    known[index] = ASKED;
    uint8_t found = STANDS;
    for (uint32_t r = takers[index]; r && found == STANDS; r = chain[r - 1])
        if (standing(notes, r - 1, takers, chain, known) == STANDS) found = FALLS;
    return known[index] = found;
}

static int fold_reverts(const struct finder *f) {
    struct notes *notes = f->notes;
    uint32_t *takers = calloc(notes->count + 1, sizeof *takers);
    uint32_t *chain = calloc(notes->count + 1, sizeof *chain);
    uint8_t *known = calloc(notes->count + 1, 1);
    const bool good = takers && chain && known;
    for (uint32_t i = 0; good && i < notes->count; i++) {
        const struct note_commit *c = &notes->commits[i];
        if (!c->is_revert || !c->other || c->fate != FATE_LISTED) continue;
        chain[i] = takers[c->other - 1];
        takers[c->other - 1] = i + 1;
    }
    for (uint32_t i = 0; good && i < notes->count; i++) {
        struct note_commit *c = &notes->commits[i];
        if (c->fate != FATE_LISTED) continue;
        const uint8_t stands = standing(notes, i, takers, chain, known);
        if (stands == FALLS) c->fate = FATE_REVERTED;
        if (stands == STANDS && c->is_revert && c->other) c->fate = FATE_REVERT;
        if (c->is_revert && c->other && c->fate != FATE_LISTED) c->into = c->other - 1;
    }
    free(takers);
    free(chain);
    free(known);
    return good ? 0 : -1;
}

static void fold_merges(const struct finder *f) {
    for (uint32_t i = 0; i < f->notes->count; i++) {
        struct note_commit *c = &f->notes->commits[i];
        if (!c->is_merge || c->fate != FATE_LISTED) continue;
        const struct key *key = first_key(f, hash_of(c));
        uint32_t same = i;
        for (; key && key < f->keys + f->notes->count && key->hash == hash_of(c); key++) {
            const struct note_commit *d = &f->notes->commits[key->index];
            if (d->is_merge || d->fate != FATE_LISTED) continue;
            if (same == i || (c->pr && d->pr == c->pr)) same = key->index;
        }
        if (same != i)
            go_into(f->notes, i, same, FATE_MERGE);
        else if (!c->cc.conventional)
            c->fate = FATE_MERGE;
    }
}

/* Equal titles are one change, unless two pull requests say otherwise. */
static void fold_duplicates(const struct finder *f) {
    const size_t count = f->notes->count;
    struct note_commit *commits = f->notes->commits;
    for (size_t i = 0; i < count; i++) {
        struct note_commit *c = &commits[f->keys[i].index];
        if (c->fate != FATE_LISTED || !c->title.len) continue;
        for (size_t j = i + 1; j < count && f->keys[j].hash == f->keys[i].hash && j < i + 200;
             j++) {
            const struct note_commit *d = &commits[f->keys[j].index];
            if (d->fate != FATE_LISTED || (c->pr && d->pr && c->pr != d->pr)) continue;
            if (d->is_revert != c->is_revert) continue;
            go_into(f->notes, f->keys[j].index, f->keys[i].index, FATE_DUPLICATE);
        }
    }
}

static void count_up(struct notes *notes) {
    for (size_t i = 0; i < notes->count; i++) {
        struct note_commit *c = &notes->commits[i];
        notes->fates[c->fate]++;
        if (c->fate != FATE_LISTED) continue;
        if (c->security && c->section != SECTION_REVERTS) c->section = SECTION_SECURITY;
        notes->sections[c->section]++;
        notes->breaking += c->cc.conventional && c->cc.breaking;
    }
}

int fold(struct notes *notes) {
    struct finder f = {.notes = notes,
                       .keys = calloc(notes->count + 1, sizeof *f.keys),
                       .ids = calloc(notes->count + 1, sizeof *f.ids)};
    int rc = f.keys && f.ids ? 0 : -1;
    for (uint32_t i = 0; !rc && i < notes->count; i++) {
        struct note_commit *c = &notes->commits[i];
        read_message(c);
        c->security = is_security(c);
        c->into = i;
        f.ids[i] = i;
        f.keys[i] = (struct key){hash_of(c), i};
    }
    if (!rc) {
        qsort(f.keys, notes->count, sizeof *f.keys, by_hash);
        qsort_r(f.ids, notes->count, sizeof *f.ids, by_id, notes->commits);
        for (uint32_t i = 0; i < notes->count; i++) read_revert(&f, i);
        fold_fixups(&f);
        rc = fold_reverts(&f);
    }
    if (!rc) {
        fold_merges(&f);
        fold_duplicates(&f);
        count_up(notes);
    }
    free(f.keys);
    free(f.ids);
    return rc;
}
