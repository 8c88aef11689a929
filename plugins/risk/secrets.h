/*
 * Is there a secret here? Keywords come from one set of words; this judges a place near a keyword by
 * the rule's expression, the entropy of what was found and the allow-lists. The value itself never
 * leaves this file. Pure, thread-safe.
 */
#ifndef RISK_SECRETS_H
#define RISK_SECRETS_H

#include "finding.h"
#include "kind.h"
#include "secret_rules.h"

struct secrets;

extern const char secret_free_paths[];
extern const char secret_placeholders[];
extern const char secret_free_names[];
extern const char secret_free_lines[];

struct secrets *secrets_new(void);
void secrets_free(struct secrets *secrets);

/* A place in a text: around a keyword that ends at `hit`. */
struct secret_place {
    struct diff_text text;
    size_t line_from, line_to; /* the keyword's line */
    size_t hit;                /* after the keyword's last byte */
    size_t keyword_len;
};

/* True when rule number `rule` finds a secret; *at is its offset in the text. */
bool secret_is_at(struct secrets *secrets, size_t rule, const struct secret_place *place,
                  size_t *at);

/* How far the rule looks on from its keyword when it spreads over many lines; 0: it does not. */
size_t secret_block_bytes(size_t rule);

/* False for paths where random strings are usual (locks, vendored code, images). */
bool secrets_expected_in(struct secrets *secrets, struct diff_text path);

/* True when the rule applies to files of this path. */
bool secret_rule_applies(struct secrets *secrets, size_t rule, struct diff_text path);

/* How grave a find is in a file of this kind. */
enum severity secret_severity(size_t rule, enum file_kind kind);

/* The rule's whole expression, for tests; the caller frees it. */
char *secret_expression(size_t rule);

#endif
