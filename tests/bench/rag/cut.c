/* Passages as the plugin cuts them: at headings, about 200 words, short ones merged. */
#include "collection.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = 200, SHORT = 80, LEVELS = 6 };

struct cutter {
    struct bench_document *document;
    struct rag_text headings[LEVELS];
    const char *from; /* of the passage in hand; NULL: none */
    struct rag_text path;
    size_t words, path_used;
};

static size_t count_words(const char *at, const char *end) {
    size_t words = 0;
    for (bool in = false; at < end; at++) {
        const bool space = *at == ' ' || *at == '\t' || *at == '\n';
        words += !space && !in;
        in = !space;
    }
    return words;
}

static struct rag_text make_path(struct cutter *c) {
    char *const start = c->document->paths + c->path_used, *at = start;
    for (int i = 1; i < LEVELS; i++) {
        if (!c->headings[i].len) continue;
        if (at > start) {
            memcpy(at, " > ", 3);
            at += 3;
        }
        memcpy(at, c->headings[i].at, c->headings[i].len);
        at += c->headings[i].len;
    }
    c->path_used += (size_t)(at - start);
    return (struct rag_text){start, (size_t)(at - start)};
}

static void close_passage(struct cutter *c, const char *end) {
    if (c->from && end > c->from && c->words) {
        struct bench_document *d = c->document;
        d->passages = realloc(d->passages, (d->passage_count + 1) * sizeof *d->passages);
        d->passages[d->passage_count++] =
            (struct rag_passage){.heading = c->path, .text = {c->from, (size_t)(end - c->from)}};
    }
    c->from = NULL;
    c->words = 0;
}

static int heading_level(const char *at, const char *end) {
    int level = 0;
    while (at < end && *at == '#') level++, at++;
    return level >= 1 && level <= LEVELS && at < end && *at == ' ' ? level : 0;
}

static void take_heading(struct cutter *c, const char *at, const char *end, int level) {
    if (c->words >= SHORT) close_passage(c, at);
    const char *text = at + level;
    while (text < end && *text == ' ') text++;
    c->headings[level - 1] = (struct rag_text){text, (size_t)(end - text)};
    for (int i = level; i < LEVELS; i++) c->headings[i].len = 0;
}

void cut_passages(struct bench_document *d) {
    const size_t len = strlen(d->text);
    d->paths = malloc(LEVELS * (len + 3 * LEVELS) + 1);
    struct cutter c = {.document = d};
    bool fenced = false;
    for (const char *at = d->text, *const end = d->text + len; at < end;) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const char *next = stop ? stop + 1 : end;
        if (!stop) stop = end;
        if (stop - at >= 3 && !strncmp(at, "```", 3)) fenced = !fenced;
        const int level = fenced ? 0 : heading_level(at, stop);
        if (level) take_heading(&c, at, stop, level);
        for (const char *piece = at; piece < stop;) { /* a line may be a whole abstract */
            const char *cut = stop;
            if (stop - piece > 1600) {
                cut = piece + 1200;
                while (cut < stop && *cut != ' ') cut++;
            }
            const size_t words = count_words(piece, cut);
            if (c.from && c.words + words > WORDS) close_passage(&c, piece);
            if (!c.from) {
                c.from = piece;
                c.path = make_path(&c);
            }
            c.words += words;
            piece = cut;
        }
        at = next;
        if (at == end) close_passage(&c, end);
    }
}
