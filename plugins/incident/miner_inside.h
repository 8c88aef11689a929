/* miner_inside.h - what miner.c and templates.c share. */
#ifndef INCIDENT_MINER_INSIDE_H
#define INCIDENT_MINER_INSIDE_H

#include "miner.h"

enum { FORM_SLOTS = 4096, FAMILY_SLOTS = 1024, TEMPLATE_SLOTS = 1024, CACHE_SLOTS = 1024 };

struct kept_template {
    struct miner_template seen;
    struct kept_template *next;
    size_t forms; /* that belong to it */
    char text[];
};

struct form {
    struct form *next;    /* in its slot */
    struct form *sibling; /* in its family */
    struct family *family;
    struct kept_template *template;
    uint64_t id, seen; /* seen: the miner's clock */
    size_t bytes;
    uint32_t *words; /* as many as the family has */
    char *text;
    bool fixed; /* a template whose parameters are settled */
};

struct family {
    struct family *next;
    struct form *forms;
    size_t form_count;
    uint64_t key;
    size_t count; /* of words */
    bool dirty;   /* the templates of its forms must be sorted out again */
    uint32_t words[];
};

struct cached {
    uint64_t hash;
    struct form *form;
};

struct miner {
    struct miner_limits limits;
    uint64_t clock;
    size_t form_count, family_count, dropped, bytes;
    struct form *forms[FORM_SLOTS];
    struct family *families[FAMILY_SLOTS];
    struct kept_template *templates[TEMPLATE_SLOTS];
    struct cached cache[CACHE_SLOTS]; /* masked line -> form, also where a fixed form took it */
    struct masked work;
};

struct form *miner_new_form(struct miner *miner, struct family *family,
                            const struct masked *masked);
struct form *miner_find(struct miner *miner, uint64_t id); /* NULL: there is none */
void miner_drop(struct miner *miner, struct form *form);   /* frees its family with its last form */
void miner_set_template(struct miner *miner, struct form *form, struct kept_template *template);
struct kept_template *miner_keep_template(struct miner *miner, uint64_t id, const char *text,
                                          size_t size);

/* templates.c: gives each form of a family its template. */
void miner_sort_out(struct miner *miner, struct family *family);
/* The same, then replaces the forms of each template with parameters by one fixed form, and drops
 * the oldest forms when that is not enough. */
void miner_settle(struct miner *miner, struct family *family);

#endif
