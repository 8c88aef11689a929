/* ingest.c - how fast Markdown becomes passages that are found: reading, hashing and indexing on one
 * thread, in CPU time. Pages come from a corpus of JSON lines ({"title","text"}), else they are made
 * up; the corpus is taken as often as it needs to be for enough bytes.
 *
 *     rag-ingest [corpus.jsonl] [megabytes] */
#include "index.h"
#include "reading.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct page {
    char *text;
    size_t size;
};

struct pages {
    struct page *items;
    size_t count;
};

static double cpu_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(struct pages *pages, char *text) {
    pages->items = realloc(pages->items, (pages->count + 1) * sizeof *pages->items);
    if (!pages->items) abort();
    pages->items[pages->count++] = (struct page){text, strlen(text)};
}

static void load(struct pages *pages, const char *path) {
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    while (file && getline(&line, &room, file) > 0) {
        cJSON *json = cJSON_Parse(line);
        const char *title = cJSON_GetStringValue(cJSON_GetObjectItem(json, "title"));
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(json, "text"));
        char *page = NULL;
        if (text && asprintf(&page, "# %s\n\n%s\n", title ? title : "", text) > 0) add(pages, page);
        cJSON_Delete(json);
    }
    if (file) fclose(file);
    free(line);
}

static void make_up(struct pages *pages) {
    uint32_t seed = 1;
    for (int p = 0; p < 500; p++) {
        char *page = malloc(6000), *at = page;
        if (!page) abort();
        at += sprintf(at, "# Page %d\n", p);
        for (int w = 0; w < 700; w++) {
            seed = seed * 1664525U + 1013904223U;
            at += sprintf(at, "%sw%x%s", w % 120 == 0 ? "\n\n## Part\n\n" : "", seed >> 20,
                          w % 12 == 11 ? ".\n" : " ");
        }
        add(pages, page);
    }
}

static size_t put(struct rag_index *index, const struct page *page, size_t number, double *read_s) {
    struct reading reading;
    char name[40];
    const int name_size = snprintf(name, sizeof name, "p/%zu.md", number);
    const double from_s = cpu_s();
    const struct reading_ask ask = {.name = name, .bytes = page->text, .size = page->size};
    size_t count = 0;
    if (!reading_of(&reading, &ask)) {
        struct rag_passage *passages = calloc(reading.passage_count, sizeof *passages);
        if (!passages) abort();
        count = reading.passage_count;
        for (size_t i = 0; i < count; i++)
            passages[i] = (struct rag_passage){
                .heading = {reading.passages[i].heading, strlen(reading.passages[i].heading)},
                .text = {reading.passages[i].text, reading.passages[i].size}};
        *read_s += cpu_s() - from_s;
        const struct rag_document document = {.id = {name, (size_t)name_size},
                                              .title = {reading.title, strlen(reading.title)},
                                              .passages = passages,
                                              .passage_count = count};
        if (rag_index_put(index, &document)) abort();
        free(passages);
    }
    reading_fini(&reading);
    return count;
}

int main(int argc, char **argv) {
    const char *data = getenv("RAG_DATA");
    char path[1000];
    struct pages pages = {0};
    snprintf(path, sizeof path, "%s/runbooks/corpus.jsonl", data ? data : "../shared/data/rag");
    load(&pages, argc > 1 ? argv[1] : path);
    const char *which = pages.count ? "real pages" : "made-up pages (no RAG_DATA)";
    if (!pages.count) make_up(&pages);
    const double wanted = (argc > 2 ? atof(argv[2]) : 30) * 1e6; // NOLINT
    struct rag_index *index = rag_index_new(&(struct rag_options){0});
    double bytes = 0, read_s = 0;
    size_t passages = 0, number = 0;
    const double from_s = cpu_s();
    for (; bytes < wanted; number++) {
        const struct page *page = &pages.items[number % pages.count];
        passages += put(index, page, number, &read_s);
        bytes += (double)page->size;
    }
    const double put_s = cpu_s();
    if (rag_index_publish(index)) abort();
    const double end_s = cpu_s();
    printf("ingest of %s: %.1f MB, %zu documents, %zu passages\n", which, bytes / 1e6, number,
           passages);
    printf("  reading and chunking  %6.1f MB/s\n", bytes / 1e6 / read_s);
    printf("  indexing              %6.1f MB/s\n", bytes / 1e6 / (end_s - from_s - read_s));
    printf("  all, with publish     %6.1f MB/s of CPU on one thread\n",
           bytes / 1e6 / (end_s - from_s));
    printf("  publish               %6.0f ms\n", (end_s - put_s) * 1e3);
    for (size_t i = 0; i < pages.count; i++) free(pages.items[i].text);
    free(pages.items);
    rag_index_free(index);
    return 0;
}
