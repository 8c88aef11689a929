/* reading_inside.h - between the reader of transfers (reading.c) and of events (reading_event.c). */
#ifndef LLM_READING_INSIDE_H
#define LLM_READING_INSIDE_H

#include "reading.h"

/* Takes one event, or the one document, into the answer. */
void reading_take(struct reading *reading, const cJSON *event);
/* Notes the first fault. */
void reading_fail(struct reading *reading, enum reading_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
