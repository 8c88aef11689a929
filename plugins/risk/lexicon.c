#include "lexicon.h"

#include <string.h>

enum { BRANCH = 1, CONCURRENCY = 2, EXCEPTION = 4, NULLS = 8, TODO = 16 };

static const struct {
    const char *word;
    uint8_t groups;
} words[] = {
    {"if", BRANCH},
    {"else", BRANCH},
    {"elif", BRANCH},
    {"elsif", BRANCH},
    {"elseif", BRANCH},
    {"for", BRANCH},
    {"foreach", BRANCH},
    {"while", BRANCH},
    {"until", BRANCH},
    {"unless", BRANCH},
    {"switch", BRANCH},
    {"case", BRANCH},
    {"when", BRANCH},
    {"match", BRANCH},
    {"loop", BRANCH},
    {"goto", BRANCH},
    {"catch", BRANCH | EXCEPTION},
    {"except", BRANCH | EXCEPTION},
    {"rescue", BRANCH | EXCEPTION},
    {"try", EXCEPTION},
    {"throw", EXCEPTION},
    {"throws", EXCEPTION},
    {"raise", EXCEPTION},
    {"finally", EXCEPTION},
    {"panic", EXCEPTION},
    {"recover", EXCEPTION},
    {"ensure", EXCEPTION},
    {"synchron", CONCURRENCY},
    {"volatile", CONCURRENCY},
    {"lock", CONCURRENCY},
    {"unlock", CONCURRENCY},
    {"mutex", CONCURRENCY},
    {"Thread", CONCURRENCY},
    {"thread", CONCURRENCY},
    {"threads", CONCURRENCY},
    {"atomic", CONCURRENCY},
    {"await", CONCURRENCY},
    {"async", CONCURRENCY},
    {"wait", CONCURRENCY},
    {"notify", CONCURRENCY},
    {"chan", CONCURRENCY},
    {"select", CONCURRENCY},
    {"join", CONCURRENCY},
    {"Runnable", CONCURRENCY},
    {"Callable", CONCURRENCY},
    {"Executor", CONCURRENCY},
    {"Reentran", CONCURRENCY},
    {"AtomicIn", CONCURRENCY},
    {"AtomicLo", CONCURRENCY},
    {"AtomicBo", CONCURRENCY},
    {"AtomicRe", CONCURRENCY},
    {"CountDow", CONCURRENCY},
    {"Concurre", CONCURRENCY},
    {"Semaphor", CONCURRENCY},
    {"semaphor", CONCURRENCY},
    {"spinlock", CONCURRENCY},
    {"spin_loc", CONCURRENCY},
    {"pthread_", CONCURRENCY},
    {"Mutex", CONCURRENCY},
    {"goroutin", CONCURRENCY},
    {"null", NULLS},
    {"NULL", NULLS},
    {"nullptr", NULLS},
    {"None", NULLS},
    {"nil", NULLS},
    {"undefine", NULLS},
    {"TODO", TODO},
    {"FIXME", TODO},
    {"XXX", TODO},
    {"HACK", TODO},
};

static uint64_t pack(const char *at, size_t len) {
    uint64_t word = 0;
    memcpy(&word, at, len < 8 ? len : 8);
    return word;
}

static size_t slot(uint64_t word) {
    return (size_t)((word * 0x9E3779B97F4A7C15ULL) >> 55); /* 9 bits: LEXICON_SLOTS */
}

void lexicon_init(struct lexicon *lexicon) {
    memset(lexicon, 0, sizeof *lexicon);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const uint64_t word = pack(words[i].word, strlen(words[i].word));
        size_t at = slot(word);
        while (lexicon->words[at]) at = (at + 1) % LEXICON_SLOTS;
        const size_t len = strlen(words[i].word);
        lexicon->lengths[(unsigned char)words[i].word[0]] |= (uint16_t)(1U << (len < 8 ? len : 8));
        lexicon->words[at] = word;
        lexicon->groups[at] = words[i].groups;
    }
}

/* Most words are none of ours: their first letter and length already say so. */
static uint8_t groups_of(const struct lexicon *lexicon, const char *at, size_t len) {
    if (!(lexicon->lengths[(unsigned char)*at] >> (len < 8 ? len : 8) & 1U)) return 0;
    const uint64_t word = pack(at, len);
    for (size_t i = slot(word); lexicon->words[i]; i = (i + 1) % LEXICON_SLOTS)
        if (lexicon->words[i] == word) {
            /* Entries of eight letters stand for all words that begin so; shorter ones for
             * themselves, which the packed zero bytes ensure. */
            return lexicon->groups[i];
        }
    return 0;
}

/* What a byte may begin. */
enum { PLAIN, WORD, QUOTE, COMMENT_MARK, OPERATOR };

/* clang-format off */
static const uint8_t kinds[256] = {
    ['0' ... '9'] = WORD, ['A' ... 'Z'] = WORD, ['a' ... 'z'] = WORD, ['_'] = WORD, [128 ... 255] = WORD,
    ['"'] = QUOTE, ['\''] = QUOTE, ['`'] = QUOTE,
    ['/'] = COMMENT_MARK, ['#'] = COMMENT_MARK, ['-'] = COMMENT_MARK,
    ['&'] = OPERATOR, ['|'] = OPERATOR, ['?'] = OPERATOR,
};
/* clang-format on */

static uint8_t kind_at(const char *at) {
    return kinds[(unsigned char)*at];
}

/* The end of a string that begins at `at`, or `at` + 1 when it does not end on this line. */
static const char *past_string(const char *at, const char *end) {
    const char quote = *at;
    for (const char *p = at + 1; p < end; p++) {
        if (*p == '\\')
            p++;
        else if (*p == quote)
            return p + 1;
    }
    return at + 1;
}

static bool comment_starts(const char *at, const char *end, enum file_syntax syntax) {
    const char next = at + 1 < end ? at[1] : '\0';
    switch (syntax) {
    case SYNTAX_SLASHES:
        return *at == '/' && (next == '/' || next == '*');
    case SYNTAX_HASH:
        return *at == '#';
    case SYNTAX_DASHES:
        return *at == '-' && next == '-';
    case SYNTAX_NONE:
        return false;
    }
    return false;
}

static void count(struct line_words *found, uint8_t groups) {
    found->branches += (groups & BRANCH) != 0;
    found->concurrency += (groups & CONCURRENCY) != 0;
    found->exceptions += (groups & EXCEPTION) != 0;
    found->nulls += (groups & NULLS) != 0;
    found->todos += (groups & TODO) != 0;
}

static void read_comment(const struct lexicon *lexicon, const char *at, const char *end,
                         struct line_words *found) {
    for (; at < end; at++) {
        if (*at != 'T' && *at != 'F' && *at != 'X' && *at != 'H') continue;
        const char *start = at;
        while (at < end && kind_at(at) == WORD) at++;
        found->todos += (groups_of(lexicon, start, (size_t)(at - start)) & TODO) != 0;
    }
}

static bool is_operator(const char *at, const char *end) {
    if ((*at == '&' || *at == '|') && at + 1 < end) return at[1] == *at;
    return *at == '?' && at + 1 < end && at[1] == ' ' && at[-1] == ' ';
}

static void read_code(const struct lexicon *lexicon, struct diff_text code, enum file_syntax syntax,
                      struct line_words *found) {
    const char *at = code.at, *const start = at, *const end = at + code.len;
    while (at < end) {
        const uint8_t kind = kind_at(at);
        if (kind == WORD) {
            const char *word = at;
            do at++;
            while (at < end && kind_at(at) == WORD);
            const uint8_t groups = groups_of(lexicon, word, (size_t)(at - word));
            if (groups) count(found, groups);
        } else if (kind == QUOTE) {
            at = past_string(at, end);
        } else if (kind == COMMENT_MARK && comment_starts(at, end, syntax)) {
            read_comment(lexicon, at, end, found);
            return;
        } else if (kind == OPERATOR && at > start && is_operator(at, end)) {
            found->branches++;
            at += *at == '?' ? 1 : 2;
        } else {
            at++;
        }
    }
}

struct line_words lexicon_read(const struct lexicon *lexicon, struct diff_text line,
                               enum file_syntax syntax) {
    struct line_words found = {0};
    const char *at = line.at, *const end = at + line.len;
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    found.blank = at == end;
    if (found.blank) return found;
    /* A line inside a block comment begins with a star in every common style. */
    const bool star = *at == '*' && syntax == SYNTAX_SLASHES &&
                      (at + 1 == end || at[1] == ' ' || at[1] == '/' || at[1] == '*');
    found.comment = star || comment_starts(at, end, syntax);
    if (found.comment)
        read_comment(lexicon, at, end, &found);
    else
        read_code(lexicon, (struct diff_text){at, (size_t)(end - at)}, syntax, &found);
    return found;
}
