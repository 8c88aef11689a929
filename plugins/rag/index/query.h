/* What is asked, in the words of the index. */
#ifndef RAG_QUERY_H
#define RAG_QUERY_H

#include "version.h"

enum { QUERY_GRAMS = 512 };
enum { QUERY_TERMS = 256 }; /* distinct ones; later ones are ignored */

enum term_kind {
    ASKED = 0,
    GUESSED = 1, /* a word of the question has a slip */
    RELATED = 2, /* the thesaurus names it beside a word of the question */
};

struct query_term {
    uint32_t term; /* NAME_NONE: in no document */
    float weight;
    enum term_kind kind;
};

struct query_gram { /* a letter run that occurs in the index */
    uint32_t gram;
    float weight; /* 1 + ln of how often */
};

struct question {
    const struct rag_version *version;
    struct query_term terms[QUERY_TERMS];
    uint32_t count;
    uint32_t asked, unknown; /* of kind ASKED; of these, in no document */
    struct query_gram grams[QUERY_GRAMS];
    uint32_t gram_count;
    struct analysis about;
    bool promql;
};

/* Takes the dictionary's lock for reading. RAG_OK or RAG_NO_MEMORY. */
int question_read(const struct rag_version *version, struct rag_text text, struct question *out);

/* By the version's model, which there must be; false: zeros. */
bool question_embed(const struct question *question, float *out);

/* ln(1 + (N - df + .5) / (df + .5)), over units of this level. */
float idf_of(const struct statistics *statistics, enum level_name level, uint32_t term);

#endif
