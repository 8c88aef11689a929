/* A text that grows, and the escapes of Markdown. Pure; malloc'ed, out_drop is due. */
#ifndef NOTES_OUT_H
#define NOTES_OUT_H

#include "conventional.h"

struct out {
    char *at; /* NUL after the last byte once something was added */
    size_t len, room;
    bool failed; /* memory ran out: the text is not whole */
};

void out_bytes(struct out *out, const char *bytes, size_t len);
void out_text(struct out *out, const char *text);
void out_number(struct out *out, uint64_t number);
/* On one line; < and > outside code spans become entities, so that no HTML gets through. */
void out_markdown(struct out *out, struct span text);
void out_drop(struct out *out);

#endif
