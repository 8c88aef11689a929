#include "secrets.h"

#include "pattern.h"
#include "wordset.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How far around a keyword a search may reach, in bytes. */
enum {
    REACH_BACK = 256,
    REACH_ON = 4096,
    REACH_BLOCK = 16384,
    REACH_LOOK_BACK = 600,
    REACH_BOTH_WAYS = 2048 /* of a rule that looks back too */
};

enum { SHARED_PATHS, SHARED_PLACEHOLDERS, SHARED_NAMES, SHARED_LINES, SHARED_COUNT };

struct secrets {
    struct patterns *patterns; /* body, allow and path of each rule, then the shared ones */
    struct wordset *stopwords;
    char **expressions;
};

#define ASSIGNMENT "(?:=|>|:{1,3}=|\\|\\||:|=>|\\?=|,)[\\x60'\"\\s=]{0,5}("
#define BETWEEN    "(?:[ \\t\\w.-]{0,20})[\\s'\"]{0,3}"
#define BORDER     ")(?:[\\x60'\"\\s;]|\\\\[nr]|$)"

char *secret_expression(size_t at) {
    const struct secret_rule *rule = &secret_rules[at];
    const bool nocase = rule->flags & SECRET_NOCASE;
    char *out = NULL;
    int len = -1;
    if (rule->form == SECRET_NAMED && nocase)
        len = asprintf(&out, "(?i)(?:%s)" BETWEEN ASSIGNMENT "%s" BORDER, rule->names, rule->body);
    else if (rule->form == SECRET_NAMED)
        len = asprintf(&out, "(?i:(?:%s)" BETWEEN ")" ASSIGNMENT "%s" BORDER, rule->names,
                       rule->body);
    else if (rule->form == SECRET_TOKEN)
        len = asprintf(&out, "%s\\b(%s" BORDER, nocase ? "(?i)" : "", rule->body);
    else
        len = asprintf(&out, "%s", rule->body);
    return len < 0 ? NULL : out;
}

static struct wordset *make_stopwords(void) {
    size_t count = 0;
    while (secret_stopwords[count]) count++;
    struct wordset_word *words = calloc(count, sizeof *words);
    if (!words) return NULL;
    for (size_t i = 0; i < count; i++)
        words[i] = (struct wordset_word){secret_stopwords[i], strlen(secret_stopwords[i]), 0};
    struct wordset *made = wordset_new(words, count);
    free(words);
    return made;
}

struct secrets *secrets_new(void) {
    struct secrets *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->patterns = patterns_new(3 * secret_rule_count + SHARED_COUNT);
    s->stopwords = make_stopwords();
    s->expressions = calloc(secret_rule_count, sizeof *s->expressions);
    bool good = s->patterns && s->stopwords && s->expressions;
    for (size_t i = 0; good && i < secret_rule_count; i++)
        good = (s->expressions[i] = secret_expression(i)) != NULL;
    if (good) return s;
    secrets_free(s);
    return NULL;
}

void secrets_free(struct secrets *s) {
    if (!s) return;
    for (size_t i = 0; s->expressions && i < secret_rule_count; i++) free(s->expressions[i]);
    free(s->expressions);
    patterns_free(s->patterns);
    wordset_free(s->stopwords);
    free(s);
}

static bool shared_finds(struct secrets *s, size_t which, struct diff_text text) {
    static const char *const sources[] = {secret_free_paths, secret_placeholders, secret_free_names,
                                          secret_free_lines};
    const struct pattern_source source = {3 * secret_rule_count + which, sources[which]};
    struct pattern_match match;
    return pattern_find(s->patterns, &source, text, 0, &match);
}

bool secrets_expected_in(struct secrets *s, struct diff_text path) {
    return !shared_finds(s, SHARED_PATHS, path);
}

static bool own_finds(struct secrets *s, size_t at, const char *text, struct diff_text in) {
    struct pattern_match match;
    const struct pattern_source source = {at, text};
    return pattern_find(s->patterns, &source, in, 0, &match);
}

bool secret_rule_applies(struct secrets *s, size_t rule, struct diff_text path) {
    const char *wanted = secret_rules[rule].path;
    return !wanted || own_finds(s, 3 * rule + 2, wanted, path);
}

static double entropy_of(struct diff_text text) {
    uint32_t counts[256] = {0};
    double sum = 0;
    for (size_t i = 0; i < text.len; i++) counts[(unsigned char)text.at[i]]++;
    for (size_t i = 0; i < 256; i++)
        if (counts[i]) {
            const double share = (double)counts[i] / (double)text.len;
            sum -= share * log2(share);
        }
    return sum;
}

static void note_hit(void *of, uint16_t tag, size_t end) {
    (void)tag;
    (void)end;
    *(bool *)of = true;
}

static bool is_name_like(struct diff_text secret) {
    for (size_t i = 0; i < secret.len; i++) {
        const char c = secret.at[i], l = (char)(c | 0x20);
        if (!(l >= 'a' && l <= 'z') && c != '_' && c != '.' && c != '-') return false;
    }
    return true;
}

static bool word_char(char c) {
    const char l = (char)(c | 0x20);
    return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

/* A find without a known format must not look like a name, a word, or something well known. */
static bool generic_allows(struct secrets *s, const struct secret_place *place, size_t from,
                           size_t to, struct diff_text secret) {
    if (is_name_like(secret)) return false;
    bool word = false;
    wordset_scan(s->stopwords, secret.at, secret.len, note_hit, &word);
    if (word) return false;
    /* The name's beginning belongs to the judgement: public_key, foreign_key. */
    for (int i = 0; i < 50 && from > place->line_from && word_char(place->text.at[from - 1]); i++)
        from--;
    if (shared_finds(s, SHARED_NAMES, (struct diff_text){place->text.at + from, to - from}))
        return false;
    const struct diff_text line = {place->text.at + place->line_from,
                                   place->line_to - place->line_from};
    return line.len > REACH_ON || !shared_finds(s, SHARED_LINES, line);
}

/* Cheap and exact enough to spare most lines of code the expression: after the name an assignment,
 * after that ten bytes that could be a secret, with a digit or '=' among them. */
static bool value_follows(const struct secret_place *place) {
    const char *at = place->text.at + place->hit;
    const size_t left = place->text.len - place->hit;
    const char *const stop = at + (left < 40 ? left : 40), *const end = at + left;
    while (at < stop && (word_char(*at) || *at == ' ' || *at == '\t' || *at == '\'' || *at == '"' ||
                         *at == '\n'))
        at++;
    if (at == end || !strchr("=>|:?,", *at)) return false;
    const char *const skip_to = at + 12 < end ? at + 12 : end;
    while (at < skip_to && !((word_char(*at) && *at != '.') || *at == '+' || *at == '/')) at++;
    size_t run = 0;
    bool telling = false;
    for (; at < end && run < 160; at++, run++) {
        if (!word_char(*at) && *at != '=' && *at != '+' && *at != '/') break;
        telling |= (*at >= '0' && *at <= '9') || *at == '=' || *at == '+' || *at == '/';
    }
    return run >= 10 && telling;
}

static size_t end_of_lines(struct diff_text text, size_t from, int lines, size_t most) {
    const size_t limit = text.len - from < most ? text.len : from + most;
    while (from < limit && lines >= 0) {
        const char *stop = memchr(text.at + from, '\n', limit - from);
        if (!stop) return limit;
        from = (size_t)(stop - text.at) + 1;
        lines--;
    }
    return from;
}

size_t secret_block_bytes(size_t rule) {
    if (!(secret_rules[rule].flags & SECRET_BLOCK)) return 0;
    return secret_rules[rule].flags & SECRET_LOOKS_BACK ? REACH_BOTH_WAYS : REACH_BLOCK;
}

/* Where to search: the keyword's line and two more, or a block. */
static struct diff_text window_of(const struct secret_rule *rule,
                                  const struct secret_place *place) {
    size_t from = place->line_from, to = 0;
    if (rule->flags & SECRET_LOOKS_BACK)
        from = from > REACH_LOOK_BACK ? from - REACH_LOOK_BACK : 0;
    else if (place->hit - from > REACH_BACK + place->keyword_len)
        from = place->hit - REACH_BACK - place->keyword_len;
    const size_t block = secret_block_bytes((size_t)(rule - secret_rules));
    if (block)
        to = place->text.len - place->hit < block ? place->text.len : place->hit + block;
    else
        to = end_of_lines(place->text, place->hit, 2, REACH_ON);
    return (struct diff_text){place->text.at + from, to - from};
}

static bool counts(struct secrets *s, size_t at, const struct secret_place *place,
                   const struct pattern_match *match, struct diff_text window) {
    const struct secret_rule *rule = &secret_rules[at];
    struct diff_text secret = {window.at + match->group_from, match->group_to - match->group_from};
    if (rule->flags & SECRET_GROUP_2 && match->has_group_2)
        secret = (struct diff_text){window.at + match->second_from,
                                    match->second_to - match->second_from};
    if (rule->entropy > 0 && entropy_of(secret) <= rule->entropy) return false;
    if (secret.len < 400 && shared_finds(s, SHARED_PLACEHOLDERS, secret)) return false;
    if (rule->allow && own_finds(s, 3 * at + 1, rule->allow, secret)) return false;
    const size_t base = (size_t)(window.at - place->text.at);
    return !(rule->flags & SECRET_GENERIC) ||
           generic_allows(s, place, base + match->from, base + match->to, secret);
}

bool secret_is_at(struct secrets *s, size_t at, const struct secret_place *place, size_t *where) {
    const struct secret_rule *rule = &secret_rules[at];
    if (rule->flags & SECRET_GENERIC && !value_follows(place)) return false;
    const struct diff_text window = window_of(rule, place);
    const struct pattern_source source = {3 * at, s->expressions[at]};
    size_t start = 0;
    if (rule->flags & SECRET_GENERIC)
        start = place->hit - place->keyword_len - (size_t)(window.at - place->text.at);
    struct pattern_match match;
    for (int tries = 0; tries < 8 && start <= window.len; tries++) {
        if (!pattern_find(s->patterns, &source, window, start, &match)) return false;
        if (counts(s, at, place, &match, window)) {
            *where = (size_t)(window.at - place->text.at) + match.group_from;
            return true;
        }
        start = match.to > start ? match.to : start + 1;
    }
    return false;
}

static bool ends(const char *id, const char *tail) {
    const size_t a = strlen(id), b = strlen(tail);
    return a >= b && strcmp(id + a - b, tail) == 0;
}

enum severity secret_severity(size_t at, enum file_kind kind) {
    const struct secret_rule *rule = &secret_rules[at];
    const bool vague =
        rule->flags & (SECRET_GENERIC | SECRET_BLOCK) && strcmp(rule->id, "private-key") != 0;
    enum severity severity = vague ? SEVERITY_HIGH : SEVERITY_CRITICAL;
    /* Names and public halves are no secrets by themselves. */
    if (ends(rule->id, "-id") || strstr(rule->id, "-pub")) severity = SEVERITY_MEDIUM;
    if ((kind == KIND_TEST || kind == KIND_DOCS) && severity > SEVERITY_MEDIUM) severity--;
    return severity;
}
