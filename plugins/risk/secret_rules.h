/* The formats of secrets: data. How they are looked for: secrets.h. */
#ifndef RISK_SECRET_RULES_H
#define RISK_SECRET_RULES_H

#include <stddef.h>
#include <stdint.h>

enum secret_form {
    SECRET_NAMED,  /* a name, an assignment, the secret: acme_token = "…" */
    SECRET_TOKEN,  /* a secret that is known by itself, with borders around */
    SECRET_PATTERN /* the whole expression */
};

enum secret_flag {
    SECRET_NOCASE = 1,     /* letters of the secret in any case */
    SECRET_GENERIC = 2,    /* no known format: needs every allow-list there is */
    SECRET_BLOCK = 4,      /* spreads over many lines */
    SECRET_LOOKS_BACK = 8, /* may begin lines before its keyword */
    SECRET_GROUP_2 = 16    /* the secret is in the second group */
};

struct secret_rule {
    const char *id;
    enum secret_form form;
    uint32_t flags;
    const char *keywords; /* lower case, split by blanks; one of them must be near */
    const char *names;    /* NAMED: the names, as an expression */
    const char *body;
    double entropy;    /* bits a byte that the secret has at least; 0: any */
    const char *path;  /* expression of the paths it applies to; NULL: all */
    const char *allow; /* expression of secrets that are none; NULL: none */
};

extern const struct secret_rule secret_rules[];
extern const size_t secret_rule_count;
extern const char *const secret_stopwords[]; /* lower case, ended by NULL */

#endif
