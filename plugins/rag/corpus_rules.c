#include "corpus.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash_of(const char *text, uint64_t hash) {
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211ULL;
    return hash;
}
static const uint64_t hash_start = 14695981039346656037ULL;

/* ---- pages by id ---- */

static struct page **bucket(const struct corpus *corpus, const char *id) {
    return &corpus->buckets[hash_of(id, hash_start) & (corpus->bucket_count - 1)];
}

struct page *corpus_page(const struct corpus *corpus, const char *id) {
    if (!corpus->bucket_count) return NULL;
    struct page *page = *bucket(corpus, id);
    while (page && strcmp(page->id, id) != 0) page = page->next;
    return page;
}

static bool more_buckets(struct corpus *corpus) {
    struct corpus grown = {.bucket_count = corpus->bucket_count ? corpus->bucket_count * 2 : 256};
    grown.buckets = calloc(grown.bucket_count, sizeof *grown.buckets);
    if (!grown.buckets) return false;
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b], *next; page; page = next) {
            next = page->next;
            struct page **place = bucket(&grown, page->id);
            page->next = *place;
            *place = page;
        }
    free(corpus->buckets);
    corpus->buckets = grown.buckets;
    corpus->bucket_count = grown.bucket_count;
    return true;
}

struct page *corpus_page_add(struct corpus *corpus, const char *id) {
    if (corpus->page_count >= corpus->bucket_count && !more_buckets(corpus)) return NULL;
    struct page *page = calloc(1, sizeof *page);
    if (!page) return NULL;
    memcpy(page->id, id, strnlen(id, RAG_ID_BYTES - 1));
    struct page **place = bucket(corpus, page->id);
    page->next = *place;
    *place = page;
    corpus->page_count++;
    return page;
}

static void page_free(struct page *page) {
    free(page->source);
    free(page->title);
    free(page->url);
    free(page);
}

void corpus_page_remove(struct corpus *corpus, const char *id) {
    if (!corpus->bucket_count) return;
    struct page **place = bucket(corpus, id);
    while (*place && strcmp((*place)->id, id) != 0) place = &(*place)->next;
    struct page *page = *place;
    if (!page) return;
    for (size_t i = 0; i < corpus->rule_count; i++)
        if (corpus->rules[i].page == page) corpus->rules[i].page = NULL;
    *place = page->next;
    corpus->page_count--;
    page_free(page);
}

static void rule_free(struct rule *rule) {
    free(rule->text);
    free(rule->alert);
    free(rule->link);
}

void corpus_pages_free(struct corpus *corpus) {
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b], *next; page; page = next) {
            next = page->next;
            page_free(page);
        }
    for (size_t i = 0; i < corpus->rule_count; i++) rule_free(&corpus->rules[i]);
    free(corpus->buckets);
    free(corpus->rules);
    corpus->buckets = NULL;
    corpus->rules = NULL;
    corpus->bucket_count = corpus->page_count = corpus->rule_count = 0;
}

/* ---- rules ---- */

void corpus_rules_drop(struct corpus *corpus, const char *document) {
    size_t kept = 0;
    for (size_t i = 0; i < corpus->rule_count; i++) {
        if (strcmp(corpus->rules[i].document, document) != 0)
            corpus->rules[kept++] = corpus->rules[i];
        else
            rule_free(&corpus->rules[i]);
    }
    corpus->rule_count = kept;
}

bool corpus_rule_add(struct corpus *corpus, const struct rule *rule) {
    const size_t count = corpus->rule_count;
    if ((count & (count - 1)) == 0) {
        struct rule *grown = realloc(corpus->rules, (count ? count * 2 : 1) * sizeof *grown);
        if (!grown) return false;
        corpus->rules = grown;
    }
    struct rule copy = *rule;
    copy.page = NULL;
    copy.text = strdup(rule->text);
    copy.alert = strdup(rule->alert);
    copy.link = rule->link ? strdup(rule->link) : NULL;
    if (!copy.text || !copy.alert || (rule->link && !copy.link)) return rule_free(&copy), false;
    corpus->rules[corpus->rule_count++] = copy;
    return true;
}

/* ---- which rule speaks of which page ---- */

struct key {
    struct key *next;
    const char *text; /* malloc'ed with the key, behind it */
    struct page *page;
};

struct keys {
    struct key **buckets;
    size_t count; /* a power of two */
};

/* Of pages with the same key the one with the smallest id, so that the order of loading is nothing. */
static bool key_add(struct keys *keys, const char *text, struct page *page) {
    struct key **place = &keys->buckets[hash_of(text, hash_start) & (keys->count - 1)];
    for (struct key *key = *place; key; key = key->next)
        if (!strcmp(key->text, text)) {
            if (strcmp(page->id, key->page->id) < 0) key->page = page;
            return true;
        }
    const size_t size = strlen(text) + 1;
    struct key *key = malloc(sizeof *key + size);
    if (!key) return false;
    memcpy(key + 1, text, size);
    *key = (struct key){*place, (const char *)(key + 1), page};
    *place = key;
    return true;
}

static struct page *key_find(const struct keys *keys, const char *text) {
    struct key *key = keys->buckets[hash_of(text, hash_start) & (keys->count - 1)];
    while (key && strcmp(key->text, text) != 0) key = key->next;
    return key ? key->page : NULL;
}

static void keys_free(struct keys *keys) {
    for (size_t b = 0; b < keys->count; b++)
        for (struct key *key = keys->buckets[b], *next; key; key = next) {
            next = key->next;
            free(key);
        }
    free(keys->buckets);
}

static bool keys_of(const struct corpus *corpus, struct keys *keys) {
    keys->count = 256;
    while (keys->count < 2 * corpus->page_count) keys->count *= 2;
    keys->buckets = calloc(keys->count, sizeof *keys->buckets);
    if (!keys->buckets) return keys->count = 0, false;
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b]; page; page = page->next) {
            struct rule_keys own;
            if (page->rules) continue;
            rule_page_keys(&own, page->source, page->title, page->url);
            for (size_t i = 0; i < own.count; i++)
                if (!key_add(keys, own.key[i], page)) return false;
        }
    return true;
}

static void settle_rule(struct corpus *corpus, const struct keys *keys, struct rule *rule) {
    struct rule_keys own;
    rule_alert_keys(&own, rule->alert, rule->link);
    rule->page = NULL;
    for (size_t i = 0; i < own.count && !rule->page; i++) rule->page = key_find(keys, own.key[i]);
    /* What a page is told is in its hash; a file of rules shows those without a page. */
    struct page *shown = rule->page ? rule->page : corpus_page(corpus, rule->document);
    if (shown) shown->anchors_now += hash_of(rule->text, hash_start ^ (uint64_t)rule->ordinal);
}

bool corpus_rules_settle(struct corpus *corpus) {
    struct keys keys = {0};
    const bool known = corpus->rule_count == 0 || keys_of(corpus, &keys);
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b]; page; page = page->next) page->anchors_now = 0;
    for (size_t i = 0; known && i < corpus->rule_count; i++)
        settle_rule(corpus, &keys, &corpus->rules[i]);
    for (size_t b = 0; b < corpus->bucket_count; b++)
        for (struct page *page = corpus->buckets[b]; page; page = page->next)
            page->dirty |= page->anchors_now != page->anchors;
    keys_free(&keys);
    return known;
}
