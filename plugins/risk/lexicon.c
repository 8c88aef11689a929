#include "lexicon.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

/* The same where eight bytes may be read: no copy of a length known only at run time. */
static uint64_t pack_before(const char *at, const char *end, size_t len) {
    uint64_t word;
    if (end - at < 8) return pack(at, len);
    memcpy(&word, at, 8);
    return len < 8 ? word & ((1ULL << (8 * len)) - 1) : word;
}

static size_t slot(uint64_t word) {
    return (size_t)((word * 0x9E3779B97F4A7C15ULL) >> 55); /* 9 bits: LEXICON_SLOTS */
}

void lexicon_init(struct lexicon *lexicon) {
    memset(lexicon, 0, sizeof *lexicon);
    kinds_init(&lexicon->kinds);
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
static uint8_t groups_of(const struct lexicon *lexicon, const char *at, const char *end,
                         size_t len) {
    if (!(lexicon->lengths[(unsigned char)*at] >> (len < 8 ? len : 8) & 1U)) return 0;
    const uint64_t word = pack_before(at, end, len);
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

/* Up to 64 bytes seen at once: a bit a byte, the first byte lowest. */
struct span {
    uint64_t words; /* part of a word */
    uint64_t marks; /* quotes, operators, what may begin a comment */
    unsigned count; /* bytes seen */
};

struct span_bytes {
    uint64_t bits;
    unsigned count;
};

#ifdef __SSE2__
/* Bytes of `from` to `from` + 15 in [low, low + width). */
static __m128i within(__m128i bytes, char low, char width) {
    const __m128i at = _mm_sub_epi8(bytes, _mm_set1_epi8(low));
    const __m128i last = _mm_set1_epi8((char)(width - 1));
    return _mm_cmpeq_epi8(_mm_min_epu8(at, last), at);
}

static uint64_t bits_of(__m128i mask) {
    return (uint64_t)(unsigned)_mm_movemask_epi8(mask);
}

static __m128i equal(__m128i bytes, char c) {
    return _mm_cmpeq_epi8(bytes, _mm_set1_epi8(c));
}

static uint64_t word_bits(__m128i bytes) {
    const __m128i letters = within(_mm_or_si128(bytes, _mm_set1_epi8(0x20)), 'a', 26);
    const __m128i digits = within(bytes, '0', 10);
    /* The sign bit is a byte from 128 on, which movemask takes as it is. */
    return bits_of(
        _mm_or_si128(_mm_or_si128(letters, bytes), _mm_or_si128(digits, equal(bytes, '_'))));
}

static uint64_t mark_bits(__m128i bytes) {
    const __m128i quotes =
        _mm_or_si128(_mm_or_si128(equal(bytes, '"'), equal(bytes, '\'')), equal(bytes, '`'));
    const __m128i comments =
        _mm_or_si128(_mm_or_si128(equal(bytes, '/'), equal(bytes, '#')), equal(bytes, '-'));
    const __m128i operators =
        _mm_or_si128(_mm_or_si128(equal(bytes, '&'), equal(bytes, '|')), equal(bytes, '?'));
    return bits_of(_mm_or_si128(_mm_or_si128(quotes, comments), operators));
}

/* Sixteen bytes from `at`, zeros after `end`. */
static __m128i load(const char *at, const char *end) {
    char padded[16] = {0};
    if (end - at >= 16) return _mm_loadu_si128((const __m128i *)(const void *)at);
    memcpy(padded, at, (size_t)(end - at));
    return _mm_loadu_si128((const __m128i *)(const void *)padded);
}

static struct span span_read(const char *at, const char *end) {
    struct span span = {.count = end - at < 64 ? (unsigned)(end - at) : 64};
    for (unsigned i = 0; i < span.count; i += 16) {
        const __m128i bytes = load(at + i, end);
        span.words |= word_bits(bytes) << i;
        span.marks |= mark_bits(bytes) << i;
    }
    return span;
}

static struct span_bytes span_marks(const char *at, const char *end) {
    const __m128i bytes = load(at, end);
    const __m128i found = _mm_or_si128(_mm_or_si128(equal(bytes, 'T'), equal(bytes, 'F')),
                                       _mm_or_si128(equal(bytes, 'X'), equal(bytes, 'H')));
    return (struct span_bytes){bits_of(found), end - at < 16 ? (unsigned)(end - at) : 16};
}
#else
static struct span span_read(const char *at, const char *end) {
    struct span span = {.count = end - at < 64 ? (unsigned)(end - at) : 64};
    for (unsigned i = 0; i < span.count; i++) {
        const uint8_t kind = kind_at(at + i);
        span.words |= (uint64_t)(kind == WORD) << i;
        span.marks |= (uint64_t)(kind > WORD) << i;
    }
    return span;
}

static struct span_bytes span_marks(const char *at, const char *end) {
    struct span_bytes seen = {.count = end - at < 16 ? (unsigned)(end - at) : 16};
    for (unsigned i = 0; i < seen.count; i++)
        seen.bits |= (uint64_t)(at[i] == 'T' || at[i] == 'F' || at[i] == 'X' || at[i] == 'H') << i;
    return seen;
}
#endif

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

/* A word counts from any of the letters that the marks begin with, also from within. */
static void read_comment(const struct lexicon *lexicon, const char *at, const char *end,
                         struct line_words *found) {
    while (at < end) {
        const struct span_bytes here = span_marks(at, end);
        if (!here.bits) {
            at += here.count;
            continue;
        }
        at += __builtin_ctzll(here.bits);
        const char *start = at;
        while (at < end && kind_at(at) == WORD) at++;
        found->todos += (groups_of(lexicon, start, end, (size_t)(at - start)) & TODO) != 0;
        if (at < end) at++;
    }
}

static bool is_operator(const char *at, const char *end) {
    if ((*at == '&' || *at == '|') && at + 1 < end) return at[1] == *at;
    return *at == '?' && at + 1 < end && at[1] == ' ' && at[-1] == ' ';
}

/* What stands before `end` from `at` on, 64 bytes at most: words are known by their first bit. */
static const char *read_span(const struct lexicon *lexicon, struct diff_text code, const char *at,
                             enum file_syntax syntax, struct line_words *found) {
    const char *const end = code.at + code.len;
    const struct span span = span_read(at, end);
    uint64_t events = span.marks | (span.words & ~(span.words << 1));
    while (events) {
        const unsigned place = (unsigned)__builtin_ctzll(events);
        const char *const here = at + place, *next = here + 1;
        const uint8_t kind = kind_at(here);
        if (kind == WORD) {
            const uint64_t gaps = ~span.words >> place;
            size_t len = gaps ? (size_t)__builtin_ctzll(gaps) : 64;
            if (place + len >= span.count)
                for (len = span.count - place; here + len < end && kind_at(here + len) == WORD;)
                    len++;
            const uint8_t groups = groups_of(lexicon, here, end, len);
            if (groups) count(found, groups);
            next = here + len;
        } else if (kind == QUOTE) {
            next = past_string(here, end);
        } else if (kind == COMMENT_MARK && comment_starts(here, end, syntax)) {
            read_comment(lexicon, here, end, found);
            return end;
        } else if (kind == OPERATOR && here > code.at && is_operator(here, end)) {
            found->branches++;
            next += *here != '?';
        }
        if (next >= at + span.count) return next;
        events &= ~0ULL << (next - at);
    }
    return at + span.count;
}

static void read_code(const struct lexicon *lexicon, struct diff_text code, enum file_syntax syntax,
                      struct line_words *found) {
    const char *at = code.at, *const end = at + code.len;
    while (at < end) at = read_span(lexicon, code, at, syntax, found);
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
