/* The numbers of the ranking. One set for all collections; where they come from: docs/rag.md. */
#ifndef RAG_TUNING_H
#define RAG_TUNING_H

struct rag_tuning {
    float k1, b;                       /* BM25 */
    float title, heading;              /* how often a word of these counts in a passage */
    float page_title;                  /* and of the title in the page */
    float page_weight;                 /* beside the passage's 1 */
    float letters_least, letters_most; /* weight of the letter runs, by the kind of query */
    float meaning_weight;
    float thesaurus_weight;
    float spelling_weight; /* of a word that is guessed, shared by the guesses */
};

#define RAG_TUNING                                                                                 \
    {                                                                                              \
        .k1 = 1.2F, .b = 0.75F, .title = 1, .heading = 1, .page_title = 1, .page_weight = 0.5F,    \
        .letters_least = 0.3F, .letters_most = 1, .meaning_weight = 0.5F, .spelling_weight = 0.8F, \
        .thesaurus_weight = 0.25F                                                                  \
    }

#endif
