/* rules.h - Prometheus alert rules: what an alert says of the runbook that it names. Pure. */
#ifndef RAG_RULES_H
#define RAG_RULES_H

#include "reading.h"
#include "yaml_doc.h"

/* Is this a file of alert rules (`groups:` with `rules:`, also inside `spec:` of a PrometheusRule)?
 * Then its alerts become the passages of `reading`, each with its runbook_url and its words. */
bool read_rules(struct reading *reading, const struct yaml_node *root);

/* A page and a rule belong together when they share a key: the rule's runbook_url and the page's url,
 * else the last part of that URL, else the alert's name, and the page's file name or title. Of names
 * letters and digits count, case does not. */
enum { RULE_KEYS = 3, RULE_KEY_BYTES = 320 };
struct rule_keys {
    size_t count;
    char key[RULE_KEYS][RULE_KEY_BYTES];
};
/* Keys of a page; `title` and `url` may be NULL. */
void rule_page_keys(struct rule_keys *keys, const char *source, const char *title, const char *url);
/* Keys of a rule, the surest first; `link` may be NULL. */
void rule_alert_keys(struct rule_keys *keys, const char *alert, const char *link);

#endif
