/* thesaurus.txt, made part of the program when it is built. */
#ifndef RAG_THESAURUS_TEXT_H
#define RAG_THESAURUS_TEXT_H

#include <stddef.h>

extern const char thesaurus_text[];
extern const size_t thesaurus_text_len;

#endif
