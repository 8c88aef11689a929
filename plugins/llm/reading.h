/* reading.h - a provider's answer as it comes: SSE, lines of JSON, or one JSON document, in pieces
 * of any size, under limits. Nothing that a server sends is trusted. Pure. */
#ifndef LLM_READING_H
#define LLM_READING_H

#include "text.h"
#include "wire.h"

enum { READING_TOOLS = 16, READING_NAME = 129 };

enum reading_fault {
    READING_GOOD,
    READING_BROKEN,  /* not what the protocol says */
    READING_LARGE,   /* over the limit */
    READING_REFUSED, /* the server says that it failed, in the middle of its answer */
    READING_CUT      /* the stream ended before the answer did */
};

/* A call of a tool that the model asks for. */
struct reading_tool {
    int index; /* the server's number of it */
    char id[READING_NAME], name[READING_NAME];
    struct text arguments; /* JSON */
};

struct reading {
    enum wire wire;
    size_t limit; /* bytes of the whole transfer */
    /* A strict parser; NULL: it is no JSON. */
    cJSON *(*parse)(void *arg, const char *text, size_t size);
    void *parse_arg;

    struct text answer;
    struct reading_tool tools[READING_TOOLS];
    size_t tool_count;
    int64_t input_tokens, output_tokens; /* -1: not told */
    char model[READING_NAME];
    const char *finish; /* "stop", "length", "tool_calls", "filter"; NULL: not yet */
    enum reading_fault fault;
    char trouble[300];

    struct text line, data, whole;
    size_t bytes;
    bool begun, one_document, ended;
};

void reading_init(struct reading *reading, enum wire wire, size_t limit);
void reading_fini(struct reading *reading);
/* 0, or nonzero when it is useless to go on; `fault` and `trouble` say why. */
int reading_feed(struct reading *reading, const char *bytes, size_t size);
/* The transfer has ended: `fault` is final. */
void reading_end(struct reading *reading);

#endif
