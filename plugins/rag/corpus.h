/* corpus.h - inside of a tenant's index: corpus.c searches, corpus_load.c takes in what changed,
 * corpus_rules.c says which alert rules speak of which page. */
#ifndef RAG_CORPUS_H
#define RAG_CORPUS_H

#include "rag.h"

enum { CORPUS_INLINE_PASSAGES = 5000, CORPUS_PAGE = 400 };

/* A document as the index needs to know it beside its passages. */
struct page {
    struct page *next; /* in its bucket */
    char id[RAG_ID_BYTES];
    char *source, *title, *url; /* url may be NULL */
    bool rules;                 /* a file of alert rules */
    bool dirty;                 /* to be put into the index again */
    uint64_t anchors;           /* hash of what rules say of it, as it was put */
    uint64_t anchors_now;
};

/* An alert rule: the page it speaks of, if there is one. */
struct rule {
    char document[RAG_ID_BYTES];
    int64_t ordinal;
    char *text;         /* its words */
    char *alert, *link; /* link may be NULL */
    struct page *page;  /* NULL: it stands for itself */
};

struct corpus {
    struct corpus *next;
    char *tenant;
    char *space;       /* of the vectors in it, or "" */
    int64_t dimension; /* of these; 0: none */
    struct rag_index *index;
    int64_t version, target;
    int64_t used_ms;
    unsigned users;
    bool loading, learning, graphing;
    bool whole;      /* it has been loaded at least once */
    bool ensured;    /* vectors_ensure */
    char error[200]; /* of the last loading */
    struct page **buckets;
    size_t bucket_count, page_count;
    struct rule *rules;
    size_t rule_count;
};

/* Takes in what changed up to corpus->target; a fiber of its own (sl_spawn). Ends with
 * corpus->loading false. */
void corpus_load(sl_call *call, void *corpus);

/* Starts to build the graph over the vectors of what was published last, when they are many. */
void corpus_start_graph(sl_call *call, struct corpus *corpus);

struct page *corpus_page(const struct corpus *corpus, const char *id); /* or NULL */
struct page *corpus_page_add(struct corpus *corpus, const char *id);   /* NULL: memory is out */
void corpus_page_remove(struct corpus *corpus, const char *id);
void corpus_pages_free(struct corpus *corpus);

/* The rules of one document go, and come again by corpus_rule_add. */
void corpus_rules_drop(struct corpus *corpus, const char *document);
bool corpus_rule_add(struct corpus *corpus, const struct rule *rule); /* copies */
/* Finds the page of each rule anew, and marks pages and rule files dirty whose search text changes
 * by that. False: memory is out. */
bool corpus_rules_settle(struct corpus *corpus);

#endif
