#include "verify.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MARKS_MOST = 16, TOKEN_BYTES = 160 };

/* Share of a sentence's other words that its evidence must hold. */
static const double words_share = 0.3;

struct sentence {
    const char *at;
    size_t size;
    const char *evidence[MARKS_MOST]; /* texts that it names */
    size_t evidence_count;
};

/* The size of a mark that stands here, "[e1]" or "[e1, e2]"; 0: none does. */
static size_t mark_size(const char *at) {
    const char *from = at;
    if (*at++ != '[') return 0;
    for (;;) {
        if (*at++ != 'e' || !isdigit((unsigned char)*at)) return 0;
        while (isdigit((unsigned char)*at)) at++;
        if (*at == ']') return (size_t)(at + 1 - from);
        if (*at++ != ',') return 0;
        while (*at == ' ') at++;
    }
}

/* ---- cutting into sentences ---- */

/* The end of the sentence that begins at `at`: behind its stop, the marks and blanks that follow. A
 * stop is followed by a blank and begins no number or version. */
static const char *sentence_end(const char *at) {
    while (*at) {
        const bool stop =
            *at == '\n' ||
            (strchr(".!?", *at) && (isspace((unsigned char)at[1]) || !at[1] || at[1] == '['));
        at++;
        if (!stop) continue;
        /* "… failed. [e1] Next" keeps its mark. */
        for (;;) {
            while (*at == ' ' || *at == '\n') at++;
            const size_t mark = mark_size(at);
            if (!mark) return at;
            at += mark;
            if (*at && strchr(".!?", *at)) at++;
        }
    }
    return at;
}

/* ---- marks ---- */

static const char *evidence_named(const cJSON *evidence, const char *id, size_t size) {
    char name[32];
    if (size >= sizeof name) return NULL;
    memcpy(name, id, size);
    name[size] = 0;
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(evidence, name);
    return cJSON_IsString(item) ? item->valuestring : NULL;
}

/* Reads [e1], [e1, e2]. False: a mark that names nothing. */
static bool read_marks(struct sentence *sentence, const cJSON *evidence) {
    const char *end = sentence->at + sentence->size;
    for (const char *at = sentence->at; at < end;) {
        const char *close = at + mark_size(at);
        if (close > end) return false;
        if (close == at) at++;
        while (at < close) {
            const size_t size = strspn(at, "e0123456789");
            const char *text = size ? evidence_named(evidence, at, size) : NULL;
            if (size && !text) return false;
            if (text && sentence->evidence_count < MARKS_MOST)
                sentence->evidence[sentence->evidence_count++] = text;
            at += size ? size : 1;
        }
    }
    return true;
}

/* ---- tokens ---- */

static bool in_token(char c) {
    return isalnum((unsigned char)c) || (unsigned char)c >= 0x80 || (c && strchr("-_./:%@#", c));
}

/* The next token from *at on, without the punctuation at its end; 0: none. Marks are passed over. */
static size_t next_token(const char **at, const char *end, char token[TOKEN_BYTES]) {
    while (*at < end) {
        const size_t mark = mark_size(*at);
        if (mark) {
            *at += mark - 1;
        } else if (in_token(**at)) {
            const char *from = *at;
            while (*at < end && in_token(**at)) ++*at;
            size_t size = (size_t)(*at - from);
            while (size && strchr(".:-/%", from[size - 1])) size--;
            while (size && strchr(".-/", *from)) from++, size--;
            if (size >= TOKEN_BYTES) size = TOKEN_BYTES - 1;
            memcpy(token, from, size);
            token[size] = 0;
            if (size) return size;
            continue;
        }
        ++*at;
    }
    return 0;
}

/* Words that begin a sentence and name nobody. */
static bool is_opener(const char *token) {
    static const char openers[] =
        " the this that these those there they it its a an no not yes to so because since after before "
        "when while then both all each every only also in on at by for from with without as if however "
        "therefore one two three four five some most another other according currently here what who why "
        "where which how you we ask use see check try wait name deployment deployments policy policies "
        "rollout rollouts gate gates incident incidents nothing nobody fix next first second finally root "
        "cause answer evidence risk either neither once until now today yesterday ";
    char padded[TOKEN_BYTES + 2];
    size_t size = 0;
    padded[size++] = ' ';
    for (; *token && size < TOKEN_BYTES; token++)
        padded[size++] = (char)tolower((unsigned char)*token);
    padded[size++] = ' ';
    padded[size] = 0;
    return strstr(openers, padded) != NULL;
}

/* Numbers, ids, versions, times, paths, names: what must not be made up. */
static bool is_fact(const char *token, bool first) {
    bool inside = false;
    for (size_t i = 0; token[i]; i++) {
        if (isdigit((unsigned char)token[i])) return true;
        inside |= i > 0 && strchr("-_/.:@#", token[i]) && token[i + 1];
    }
    const bool name = isupper((unsigned char)*token) && strlen(token) > 1;
    return inside || (name && !(first && is_opener(token)));
}

/* Do a word and its neighbour run into each other? "14" and "2014" do, "22:38" and "T22:38Z" not. */
static bool runs_on(char a, char b) {
    const bool digits = isdigit((unsigned char)a) && isdigit((unsigned char)b);
    return digits || (isalpha((unsigned char)a) && isalpha((unsigned char)b));
}

/* Stands as a whole. */
static bool stands_in(const char *text, const char *token) {
    const size_t size = strlen(token);
    for (const char *at = text; (at = strcasestr(at, token)); at++) {
        const bool before = at > text && runs_on(at[-1], *at);
        if (!before && !runs_on(at[size - 1], at[size])) return true;
    }
    return false;
}

static bool is_known(const struct sentence *sentence, const char *question, const char *token) {
    if (stands_in(question, token)) return true;
    for (size_t i = 0; i < sentence->evidence_count; i++)
        if (stands_in(sentence->evidence[i], token)) return true;
    return false;
}

/* Also where only its beginning stands: blocked, blocks. */
static bool is_said(const struct sentence *sentence, const char *question, const char *token) {
    char begin[TOKEN_BYTES];
    const size_t size = strlen(token);
    (void)snprintf(begin, sizeof begin, "%.*s", (int)(size > 6 ? size - 3 : size), token);
    if (strcasestr(question, begin)) return true;
    for (size_t i = 0; i < sentence->evidence_count; i++)
        if (strcasestr(sentence->evidence[i], begin)) return true;
    return false;
}

static bool fits(const struct sentence *sentence, const char *question, char why[200]) {
    const char *at = sentence->at, *end = at + sentence->size;
    char token[TOKEN_BYTES];
    bool first = true;
    int words = 0, said = 0;
    while (next_token(&at, end, token)) {
        if (is_fact(token, first) && !is_known(sentence, question, token)) {
            (void)snprintf(why, 200, "'%.100s' stands in none of the evidence that it names",
                           token);
            return false;
        }
        first = false;
        if (strlen(token) < 4) continue;
        words++;
        said += is_said(sentence, question, token);
    }
    if (!words) {
        (void)snprintf(why, 200, "it says nothing");
        return false;
    }
    if (words < 3 || said >= words_share * words) return true;
    (void)snprintf(why, 200, "only %d of its %d words stand in the evidence that it names", said,
                   words);
    return false;
}

static bool holds(struct sentence *sentence, const cJSON *evidence, const char *question,
                  char why[200]) {
    if (!read_marks(sentence, evidence)) {
        (void)snprintf(why, 200, "it names evidence that there is not");
        return false;
    }
    if (!sentence->evidence_count) {
        (void)snprintf(why, 200, "it names no evidence");
        return false;
    }
    return fits(sentence, question, why);
}

static bool says_nothing(const struct sentence *sentence) {
    for (size_t i = 0; i < sentence->size; i++)
        if (isalnum((unsigned char)sentence->at[i])) return false;
    return true;
}

struct verified verify(const char *answer, const cJSON *evidence, const char *question) {
    struct verified out = {.text = calloc(1, strlen(answer) + 2)};
    size_t used = 0;
    while (out.text && *answer) {
        const char *end = sentence_end(answer);
        struct sentence sentence = {.at = answer, .size = (size_t)(end - answer)};
        char why[200] = "";
        answer = end;
        if (says_nothing(&sentence)) continue;
        if (holds(&sentence, evidence, question, why)) {
            memcpy(out.text + used, sentence.at, sentence.size);
            used += sentence.size;
            out.kept++;
        } else if (!out.cut++) {
            memcpy(out.first_cut, why, sizeof why);
        }
    }
    while (used && isspace((unsigned char)out.text[used - 1])) used--;
    if (out.text) out.text[used] = 0;
    return out;
}
