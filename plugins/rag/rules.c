#include "rules.h"

#include <string.h>
#include <strings.h>

/* ---- reading ---- */

static const char *const said[] = {"summary", "description", "message", NULL};
static const char *const links[] = {"runbook_url", "runbook", "runbookURL", NULL};

static const char *words_of(struct pool *pool, const struct yaml_node *rule) {
    const struct yaml_node *notes = yaml_get(rule, "annotations");
    const char *out = yaml_text(rule, "alert");
    for (const char *const *key = said; *key; key++) {
        const char *text = yaml_text(notes, *key);
        if (text) out = pool_printf(pool, "%s\n%s", out, text);
    }
    const char *expression = yaml_text(rule, "expr");
    return expression ? pool_printf(pool, "%s\n%s", out, expression) : out;
}

static void add_rule(struct reading *reading, const struct yaml_node *rule) {
    const char *alert = yaml_text(rule, "alert");
    if (!alert || !*alert || rule->to >= reading->lines) return;
    const struct yaml_node *notes = yaml_get(rule, "annotations");
    const char *link = NULL;
    for (const char *const *key = links; *key && !link; key++) link = yaml_text(notes, *key);
    size_t from = reading->starts[rule->from], to = reading->starts[rule->to + 1];
    while (to > from && strchr(" \n", reading->text[to - 1])) to--;
    if (to - from > READING_PASSAGE_BYTES) { /* JSON on one line: the words are all there is */
        to = from + READING_PASSAGE_BYTES;
        while (to > from && ((unsigned char)reading->text[to] & 0xC0) == 0x80) to--;
    }
    reading->passages = pool_grow(&reading->pool, reading->passages, reading->passage_count,
                                  sizeof *reading->passages);
    reading->passages[reading->passage_count++] = (struct passage){
        .heading = reading_tidy(reading, alert, strlen(alert), READING_TITLE_BYTES),
        .text = reading->text + from,
        .size = to - from,
        .from = rule->from + 1,
        .to = rule->to + 1,
        .rule = true,
        .link = link ? reading_tidy(reading, link, strlen(link), 1000) : NULL,
        .anchor = words_of(&reading->pool, rule)};
}

static void add_groups(struct reading *reading, const struct yaml_node *groups) {
    for (const struct yaml_node *group = groups->child; group; group = group->next) {
        const struct yaml_node *rules = yaml_get(group, "rules");
        for (const struct yaml_node *rule = rules ? rules->child : NULL; rule; rule = rule->next)
            if (reading->passage_count < READING_MOST_PASSAGES) add_rule(reading, rule);
    }
}

bool read_rules(struct reading *reading, const struct yaml_node *root) {
    for (const struct yaml_node *at = root->child; at; at = at->next) {
        const struct yaml_node *groups = yaml_get(at, "groups");
        if (!groups) groups = yaml_get(yaml_get(at, "spec"), "groups");
        if (groups && groups->kind == YAML_LIST) add_groups(reading, groups);
    }
    return reading->passage_count > 0;
}

/* ---- which page ---- */

static bool is_sign(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* "name:kubepodcrashlooping"; names without letters and digits are no key. */
static void add_name(struct rule_keys *keys, const char *name, size_t size) {
    char *key = keys->key[keys->count];
    static const char prefix[] = "name:";
    const size_t head = sizeof prefix - 1;
    size_t n = head;
    memcpy(key, prefix, head);
    for (size_t i = 0; i < size && n + 1 < RULE_KEY_BYTES; i++)
        if (is_sign(name[i])) key[n++] = (char)(name[i] | 0x20);
    key[n] = '\0';
    keys->count += n > head;
}

/* The whole of it, without query, fragment and scheme. */
static void add_url(struct rule_keys *keys, const char *url) {
    const char *host = strstr(url, "://");
    if (host) url = host + 3;
    size_t size = strcspn(url, "?#");
    while (size && url[size - 1] == '/') size--;
    if (!size || size + 5 > RULE_KEY_BYTES) return;
    char *key = keys->key[keys->count++];
    memcpy(key, "url:", 4);
    memcpy(key + 4, url, size);
    key[size + 4] = '\0';
}

/* The last part of a path or URL: without query, slash at the end and the ending of a document. */
static const char *last_part(const char *path, size_t *size) {
    size_t end = strcspn(path, "?#");
    while (end && path[end - 1] == '/') end--;
    size_t from = end;
    while (from && path[from - 1] != '/') from--;
    static const char *const endings[] = {".md", ".html", ".htm", ".markdown", ".txt", NULL};
    for (const char *const *ending = endings; *ending; ending++) {
        const size_t n = strlen(*ending);
        if (end - from > n && !strncasecmp(path + end - n, *ending, n)) {
            end -= n;
            break;
        }
    }
    return *size = end - from, path + from;
}

void rule_page_keys(struct rule_keys *keys, const char *source, const char *title,
                    const char *url) {
    *keys = (struct rule_keys){0};
    size_t size;
    const char *stem = last_part(source, &size);
    if (url && *url) add_url(keys, url);
    add_name(keys, stem, size);
    if (title) add_name(keys, title, strlen(title));
}

void rule_alert_keys(struct rule_keys *keys, const char *alert, const char *link) {
    *keys = (struct rule_keys){0};
    if (link && *link) {
        size_t size;
        const char *part = last_part(link, &size);
        add_url(keys, link);
        add_name(keys, part, size);
    }
    add_name(keys, alert, strlen(alert));
}
