/* reading.h - bytes of a document in, its passages out. Pure: no host, no I/O.
 *
 * Every format becomes a text of lines (the "reading text") and blocks, each a range of its lines.
 * For Markdown, plain text and YAML the reading text is the source itself, cleaned (clean.h), and line
 * numbers are those of the file; for HTML and JSON it is what was taken out of the markup, and each
 * line knows the source line that it came from. A passage is a run of whole lines, verbatim.
 */
#ifndef RAG_READING_H
#define RAG_READING_H

#include "pool.h"

#include <stdbool.h>
#include <stdint.h>

enum reading_limits {
    READING_MOST_BYTES = 8 * 1024 * 1024, /* of a document */
    READING_MOST_PASSAGES = 20000,
    READING_MOST_LABELS = 32,
    READING_LABEL_BYTES = 200,
    READING_TITLE_BYTES = 300,
    READING_PASSAGE_BYTES = 16 * 1024 /* a longer line, code block or table is cut */
};

enum reading_format {
    FORMAT_AUTO,
    FORMAT_MARKDOWN,
    FORMAT_TEXT,
    FORMAT_HTML,
    FORMAT_JSON,
    FORMAT_YAML
};

enum block_kind { BLOCK_TEXT, BLOCK_HEADING, BLOCK_WHOLE /* code, table: not to be split */ };

struct block {
    uint32_t from, to; /* lines of the reading text, from 0, both included */
    uint32_t kind, level;
    const char *heading; /* BLOCK_HEADING: its plain text */
};

struct passage {
    const char *heading; /* "Diagnosis > Check the pod", "" at the top of a document */
    const char *text;    /* verbatim lines of the reading text; not ended by NUL */
    size_t size;
    uint32_t from, to; /* lines of the source, from 1, both included */
    /* An alert rule: its name is the heading. */
    bool rule;
    const char *link;   /* a rule's runbook_url, or NULL */
    const char *anchor; /* what a rule says in words, for the search: else NULL */
};

struct reading {
    struct pool pool;
    char *text; /* the reading text */
    size_t size;
    uint32_t *starts; /* of its lines: byte offsets; starts[lines] == size */
    uint32_t lines;
    const uint32_t *origin; /* source line (from 1) of each line; NULL: the same */
    struct block *blocks;
    size_t block_count;
    const char *title;   /* of the document; NULL: nothing in it says one */
    const char *url;     /* front matter `url` or `runbook_url`; NULL */
    const char **labels; /* "service=shop" or "database" */
    size_t label_count;
    struct passage *passages;
    size_t passage_count;
    char error[240]; /* why it cannot be read: what, where, what was expected */
};

struct reading;
typedef int (*read_html_fn)(struct reading *reading);

struct reading_ask {
    const char *name; /* a path: tells the format, and the title where the document says none */
    enum reading_format format;
    const char *bytes;
    size_t size;
    read_html_fn html; /* of the module rag-html.so (libxml2); NULL: HTML is refused */
};

/* Reads a document. 0, or -1 with error set; reading_fini is due in both cases. */
int reading_of(struct reading *reading, const struct reading_ask *ask);
void reading_fini(struct reading *reading);

enum reading_format reading_format_of(const char *name, const char *bytes, size_t size);
const char *reading_format_name(enum reading_format format);
/* FORMAT_AUTO for a name that is not known. */
enum reading_format reading_format_named(const char *name);
/* Whether a file of this name is one that folders are searched for. */
bool reading_is_document(const char *name);

/* The version of readers and chunker: part of a document's fingerprint, so that a better reader
 * reads everything anew. Raise it with each change of what passages come out. */
#define READING_VERSION "1"

/* ---- what the readers of the formats share ---- */
int reading_fail(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Finds the lines of reading->text. */
void reading_find_lines(struct reading *reading);
uint32_t reading_line_at(const struct reading *reading, size_t offset); /* from 0 */
struct block *reading_add_block(struct reading *reading, enum block_kind kind, uint32_t from,
                                uint32_t to);
void reading_add_label(struct reading *reading, const char *text, size_t size);
/* The plain text, in the pool, without leading, trailing and doubled blanks, at most `most` bytes. */
char *reading_tidy(struct reading *reading, const char *text, size_t size, size_t most);

int read_markdown(struct reading *reading);
int read_plain(struct reading *reading);
int read_yaml(struct reading *reading); /* alert rules too */
int read_json(struct reading *reading);
/* YAML between "---" lines at the top: title, labels, url. Returns the line behind it, 0: none. */
uint32_t read_front_matter(struct reading *reading);

/* Blocks to passages (chunk.c). */
int chunk_blocks(struct reading *reading);

#endif
