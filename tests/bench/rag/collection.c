#include "collection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void die(const char *what, const char *file) {
    fprintf(stderr, "bench-rag: %s: %s\n", file, what);
    exit(2);
}

static char *read_file(const char *folder, const char *name, size_t *len) {
    char path[1000];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file) return NULL;
    fseek(file, 0, SEEK_END);
    const long size = ftell(file);
    rewind(file);
    char *bytes = malloc((size_t)size + 1);
    if (!bytes || fread(bytes, 1, (size_t)size, file) != (size_t)size) die("cannot be read", path);
    bytes[size] = 0;
    fclose(file);
    *len = (size_t)size;
    return bytes;
}

static const char *text_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsString(item) ? strdup(item->valuestring) : NULL;
}

/* Calls take() for each line's object. */
static void each_line(char *bytes, void (*take)(struct collection *, const cJSON *),
                      struct collection *c) {
    for (char *line = bytes, *next; line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        cJSON *object = cJSON_Parse(line);
        if (!object) die("a line is no JSON object", line);
        take(c, object);
        cJSON_Delete(object);
    }
}

static void take_document(struct collection *c, const cJSON *o) {
    c->documents = realloc(c->documents, (c->document_count + 1) * sizeof *c->documents);
    struct bench_document *d = &c->documents[c->document_count++];
    *d = (struct bench_document){
        .id = text_of(o, "_id"), .title = text_of(o, "title"), .text = text_of(o, "text")};
    if (!d->id || !d->text) die("a document without _id or text", "corpus.jsonl");
    if (!d->title) d->title = strdup("");
    c->bytes += strlen(d->text) + strlen(d->title);
    cut_passages(d);
}

static void take_query(struct collection *c, const cJSON *o) {
    c->queries = realloc(c->queries, (c->query_count + 1) * sizeof *c->queries);
    const cJSON *about = cJSON_GetObjectItem(o, "metadata");
    struct bench_query *q = &c->queries[c->query_count++];
    *q = (struct bench_query){.id = text_of(o, "_id"),
                              .text = text_of(o, "text"),
                              .kind = text_of(about, "cls"),
                              .alert = text_of(about, "alert")};
    if (!q->id || !q->text) die("a query without _id or text", "queries.jsonl");
    if (!q->kind) q->kind = strdup("");
}

static void take_judgement(struct collection *c, char *line) {
    char *document = strchr(line, '\t');
    char *grade = document ? strchr(document + 1, '\t') : NULL;
    if (!grade) die("not three columns", "qrels.tsv");
    *document++ = 0;
    *grade++ = 0;
    for (size_t i = 0; i < c->query_count; i++) {
        struct bench_query *q = &c->queries[i];
        if (strcmp(q->id, line) != 0) continue;
        q->judgements = realloc(q->judgements, (q->judgement_count + 1) * sizeof *q->judgements);
        q->judgements[q->judgement_count++] =
            (struct judgement){.document = strdup(document), .grade = strtod(grade, NULL)};
        return;
    }
}

struct collection *collection_load(const char *folder) {
    size_t len;
    char *corpus = read_file(folder, "corpus.jsonl", &len);
    if (!corpus) return NULL;
    struct collection *c = calloc(1, sizeof *c);
    each_line(corpus, take_document, c);
    free(corpus);
    char *queries = read_file(folder, "queries.jsonl", &len);
    char *qrels = read_file(folder, "qrels.tsv", &len);
    if (!queries || !qrels) die("queries.jsonl or qrels.tsv is missing", folder);
    each_line(queries, take_query, c);
    for (char *line = strchr(qrels, '\n'), *next; line && line[1]; line = next) {
        next = strchr(line + 1, '\n');
        if (next) *next = 0;
        take_judgement(c, line + 1);
    }
    free(queries);
    free(qrels);
    return c;
}

static struct bench_document *find(struct collection *c, const char *id) {
    for (size_t i = 0; i < c->document_count; i++)
        if (!strcmp(c->documents[i].id, id)) return &c->documents[i];
    return NULL;
}

void collection_anchor(struct collection *c) {
    for (size_t i = 0; i < c->query_count; i++) {
        const struct bench_query *q = &c->queries[i];
        if (!q->alert) continue;
        for (size_t k = 0; k < q->judgement_count; k++) {
            struct bench_document *d = find(c, q->judgements[k].document);
            if (!d || q->judgements[k].grade < 2) continue;
            d->anchors = realloc(d->anchors, (d->anchor_count + 1) * sizeof *d->anchors);
            d->anchors[d->anchor_count++] = (struct rag_text){q->text, strlen(q->text)};
        }
    }
}

void collection_free(struct collection *c) {
    for (size_t i = 0; i < c->document_count; i++) {
        struct bench_document *d = &c->documents[i];
        free((void *)(uintptr_t)d->id);
        free((void *)(uintptr_t)d->title);
        free((void *)(uintptr_t)d->text);
        free(d->passages);
        free(d->anchors);
        free(d->paths);
    }
    for (size_t i = 0; i < c->query_count; i++) {
        struct bench_query *q = &c->queries[i];
        for (size_t k = 0; k < q->judgement_count; k++)
            free((void *)(uintptr_t)q->judgements[k].document);
        free(q->judgements);
        free((void *)(uintptr_t)q->id);
        free((void *)(uintptr_t)q->text);
        free((void *)(uintptr_t)q->kind);
        free((void *)(uintptr_t)q->alert);
    }
    free(c->documents);
    free(c->queries);
    free(c);
}
