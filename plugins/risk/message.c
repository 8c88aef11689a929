#include "message.h"

#include <string.h>

enum topic { FIX = 1, REVERT = 2, REFACTOR = 4, DOCS = 8, FEATURE = 16, SPEED = 32, VERSION = 64 };

/* Whole words in lower case; a trailing star stands for any ending. */
static const struct {
    const char *word;
    enum topic topic;
} table[] = {
    {"fix", FIX},
    {"fixes", FIX},
    {"fixed", FIX},
    {"fixing", FIX},
    {"fixup", FIX},
    {"hotfix*", FIX},
    {"bug", FIX},
    {"bugs", FIX},
    {"bugfix*", FIX},
    {"defect*", FIX},
    {"patch", FIX},
    {"issue", FIX},
    {"fault*", FIX},
    {"crash*", FIX},
    {"deadlock*", FIX},
    {"npe", FIX},
    {"regression*", FIX},
    {"leak*", FIX},
    {"failure*", FIX},
    {"incorrect*", FIX},
    {"wrong*", FIX},
    {"broken", FIX},
    {"revert*", REVERT},
    {"rollback", REVERT},
    {"backout", REVERT},
    {"refactor*", REFACTOR},
    {"cleanup*", REFACTOR},
    {"clean", REFACTOR},
    {"rename*", REFACTOR},
    {"simplif*", REFACTOR},
    {"restructur*", REFACTOR},
    {"moved", REFACTOR},
    {"tidy", REFACTOR},
    {"polish*", REFACTOR},
    {"doc", DOCS},
    {"docs", DOCS},
    {"documentation", DOCS},
    {"documented", DOCS},
    {"javadoc*", DOCS},
    {"readme", DOCS},
    {"typo*", DOCS},
    {"comment", DOCS},
    {"comments", DOCS},
    {"changelog", DOCS},
    {"license*", DOCS},
    {"spelling", DOCS},
    {"website", DOCS},
    {"add", FEATURE},
    {"adds", FEATURE},
    {"added", FEATURE},
    {"adding", FEATURE},
    {"implement*", FEATURE},
    {"feature*", FEATURE},
    {"support", FEATURE},
    {"new", FEATURE},
    {"introduce*", FEATURE},
    {"allow*", FEATURE},
    {"perf", SPEED},
    {"performance", SPEED},
    {"optimi*", SPEED},
    {"faster", SPEED},
    {"cache*", SPEED},
    {"caching", SPEED},
    {"concurren*", SPEED},
    {"thread*", SPEED},
    {"async*", SPEED},
    {"version*", VERSION},
    {"bump*", VERSION},
    {"upgrade*", VERSION},
    {"dependenc*", VERSION},
    {"release*", VERSION},
    {"update", VERSION},
    {"updated", VERSION},
    {"updates", VERSION},
};

static bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool word_is(const char *pattern, const char *word, size_t len) {
    const size_t plen = strlen(pattern);
    const bool open = pattern[plen - 1] == '*';
    const size_t fixed = open ? plen - 1 : plen;
    return (open ? len >= fixed : len == fixed) && memcmp(pattern, word, fixed) == 0;
}

static unsigned topics_of(const char *word, size_t len) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (table[i].word[0] == word[0] && word_is(table[i].word, word, len)) return table[i].topic;
    return 0;
}

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

/* "#123" or "ABC-123". */
static bool issue_at(struct diff_text m, size_t i) {
    if (m.at[i] == '#') return i + 1 < m.len && digit(m.at[i + 1]);
    return m.at[i] == '-' && i >= 2 && i + 1 < m.len && digit(m.at[i + 1]) && m.at[i - 1] >= 'A' &&
           m.at[i - 1] <= 'Z' && m.at[i - 2] >= 'A' && m.at[i - 2] <= 'Z';
}

struct message_words message_read(struct diff_text m) {
    struct message_words found = {.known = m.len > 0, .chars = (uint32_t)m.len};
    unsigned topics = 0;
    for (size_t i = 0; i < m.len;) {
        if (!letter(m.at[i])) {
            found.issue |= issue_at(m, i);
            i++;
            continue;
        }
        char word[24];
        size_t len = 0;
        for (; i < m.len && letter(m.at[i]); i++)
            if (len < sizeof word) word[len++] = (char)(m.at[i] | 0x20);
        found.words++;
        topics |= topics_of(word, len);
    }
    found.fix = topics & FIX;
    found.revert = topics & REVERT;
    found.refactor = topics & REFACTOR;
    found.docs = topics & DOCS;
    found.feature = topics & FEATURE;
    found.speed = topics & SPEED;
    found.version = topics & VERSION;
    return found;
}
