/* The numbers of the ranking. One set for all collections; where they come from: README.md. */
#ifndef RAG_TUNING_H
#define RAG_TUNING_H

struct rag_tuning {
    float k1, b;          /* BM25 */
    float title, heading; /* how often a word of these counts in a passage */
    float page_title;     /* and of the title in the page */
    /* Weights of the signals beside the passage's 1. */
    float page_weight;
    float letters_least, letters_most; /* by the kind of question */
    float meaning_weight;
    /* Weights of words that the question does not hold, beside a held one's 1. */
    float thesaurus_weight;
    float spelling_weight; /* shared by the guesses for one word */
};

#define RAG_TUNING                                                                                 \
    {                                                                                              \
        .k1 = 1.2F, .b = 0.8F, .title = 1.5F, .heading = 1, .page_title = 2, .page_weight = 0.5F,  \
        .letters_least = 0.3F, .letters_most = 1, .meaning_weight = 0.6F,                          \
        .thesaurus_weight = 0.25F, .spelling_weight = 0.8F                                         \
    }

#endif
