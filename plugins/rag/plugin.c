/* plugin.c - the face of the plugin: every operation, field, table and option. */
#include "rag.h"
#include "vectors.h"

#include <stdlib.h>
#include <string.h>

/* ---- documents in ---- */

static const sl_field document_in[] = {
    SL_STRING("source", .help = "its name, mostly a path: what it is replaced and cited by",
              .min = 1, .max = RAG_SOURCE_BYTES, .example = "\"runbooks/disk-full.md\""),
    SL_STRING("text", .help = "its content", .max = READING_MOST_BYTES, .flags = SL_FILE,
              .example = "\"# Disk is full\\n\\nDelete old logs.\""),
    SL_STRING("title", .help = "in place of the one in the text", .max = READING_TITLE_BYTES),
    SL_ENUM("format", "auto|markdown|text|html|json|yaml", .def = "auto",
            .help = "auto: told by the ending of the source, else by the text"),
    SL_STRING("url", .help = "where people read it; alert rules name it as runbook_url",
              .max = 1000),
    SL_STRING("collection", .help = "the set that it belongs to, as a folder or repository",
              .max = 200),
    SL_LIST("labels", SL_T_STRING,
            .help = "\"team=payments\", \"database\": searches filter by them",
            .max = READING_MOST_LABELS),
    SL_END};

static const sl_field ingest_in[] = {
    SL_STRING("source", .help = "its name, mostly a path: what it is replaced and cited by",
              .min = 1, .max = RAG_SOURCE_BYTES, .example = "\"runbooks/disk-full.md\""),
    SL_STRING("text", .help = "its content", .max = READING_MOST_BYTES, .flags = SL_FILE,
              .example = "\"# Disk is full\\n\\nDelete old logs.\""),
    SL_STRING("title", .help = "in place of the one in the text", .max = READING_TITLE_BYTES),
    SL_ENUM("format", "auto|markdown|text|html|json|yaml", .def = "auto",
            .help = "auto: told by the ending of the source, else by the text"),
    SL_STRING("url", .help = "where people read it; alert rules name it as runbook_url",
              .max = 1000),
    SL_STRING("collection", .help = "the set that it belongs to, as a folder or repository",
              .max = 200),
    SL_LIST("labels", SL_T_STRING,
            .help = "\"team=payments\", \"database\": searches filter by them",
            .max = READING_MOST_LABELS),
    SL_LIST_OF("documents", document_in, .help = "many, in place of one", .max = RAG_BATCH_MOST),
    SL_LIST("keep", SL_T_STRING, .max = 200000,
            .help = "sources that the collection still has: its other documents are removed"),
    SL_BOOL("force", .help = "remove more than half of a collection, if `keep` says so"),
    SL_END};

static const sl_field item_out[] = {SL_STRING("source"),
                                    SL_ENUM("status", "added|changed|unchanged|removed|failed"),
                                    SL_STRING("id"),
                                    SL_INT("passages", .help = "that it was parted into"),
                                    SL_STRING("error", .help = "why it failed"),
                                    SL_END};

static const sl_field ingest_out[] = {
    SL_STRING("id", .help = "of the one document"),
    SL_INT("added"),
    SL_INT("changed"),
    SL_INT("unchanged", .help = "for these nothing was written"),
    SL_INT("removed"),
    SL_INT("failed"),
    SL_LIST_OF("items", item_out, .help = "what became of each, in order"),
    SL_END};

/* ---- searching ---- */

static const sl_field query_in[] = {
    SL_STRING("query", .help = "a question, words, an alert's name or its text", .min = 1,
              .max = SL_KIB(64), .flags = SL_REQUIRED, .example = "\"disk is full\""),
    SL_INT("k", .help = "passages wanted", .def = "8", .min = 1, .max = 100),
    SL_INT("per_document", .help = "at most so many of one document", .def = "2", .min = 1,
           .max = 20),
    SL_LIST("labels", SL_T_STRING, .max = READING_MOST_LABELS, .cli = "label",
            .help = "documents must bear all of these; \"collection=NAME\" is one too"),
    SL_END};

static const sl_field passage_out[] = {
    SL_STRING("document", .help = "its source"),
    SL_STRING("document_id"),
    SL_STRING("title"),
    SL_STRING("heading", .help = "path of headings: \"Diagnosis > Disk\""),
    SL_LIST("lines", SL_T_INT, .help = "first and last line in the document"),
    SL_STRING("text", .help = "verbatim"),
    SL_NUMBER("score", .help = "0..1"),
    SL_OBJECT("parts", NULL, .help = "passage, page, letters, meaning: each signal's share",
              .flags = SL_OPEN),
    SL_LIST("labels", SL_T_STRING),
    SL_STRING("url"),
    SL_END};

#define EVIDENCE_OUT                                                                               \
    SL_NUMBER("confidence", .help = "calibrated probability that the documents answer, 0..1"),     \
        SL_BOOL("answerable", .help = "the verdict is answer"),                                    \
        SL_ENUM("verdict", "answer|unsure|absent",                                                 \
                .help = "the documents answer; closest pages only; not in the documents"),         \
        SL_OBJECT("evidence", NULL, .help = "coverage of the query's weight, terms, documents",    \
                  .flags = SL_OPEN)

static const sl_field query_out[] = {
    SL_LIST_OF("passages", passage_out, .help = "best first"), EVIDENCE_OUT,
    SL_STRING("method", .help = "the signals that took part: \"bm25+letters+lsa\""), SL_END};

static const sl_field answer_in[] = {
    SL_STRING("question", .help = "in your own words", .min = 1, .max = SL_KIB(16),
              .flags = SL_REQUIRED, .example = "\"how do I free disk space on a node?\""),
    SL_LIST("labels", SL_T_STRING, .max = READING_MOST_LABELS, .cli = "label",
            .help = "documents must bear all of these"),
    SL_END};

static const sl_field sentence_out[] = {
    SL_STRING("text", .help = "without a model: verbatim"),
    SL_LIST("cites", SL_T_INT, .help = "numbers of the citations that support it"), SL_END};

static const sl_field quote_out[] = {SL_STRING("text", .help = "verbatim"),
                                     SL_LIST("lines", SL_T_INT), SL_END};

static const sl_field citation_out[] = {
    SL_INT("n", .help = "its number in the answer"),
    SL_STRING("document", .help = "its source"),
    SL_STRING("document_id"),
    SL_STRING("title"),
    SL_STRING("heading"),
    SL_LIST("lines", SL_T_INT, .help = "first and last line that are quoted"),
    SL_LIST_OF("quotes", quote_out),
    SL_NUMBER("score"),
    SL_STRING("url"),
    SL_END};

static const sl_field nearest_out[] = {SL_STRING("document"), SL_STRING("title"),
                                       SL_STRING("heading"),  SL_LIST("lines", SL_T_INT),
                                       SL_NUMBER("score"),    SL_END};

static const sl_field answer_out[] = {
    SL_STRING("answer", .help = "with [n] behind each sentence, or that the documents do not say"),
    SL_LIST_OF("sentences", sentence_out),
    SL_LIST_OF("citations", citation_out),
    SL_LIST_OF("nearest", nearest_out, .help = "where to look when there is no answer"),
    EVIDENCE_OUT,
    SL_STRING("method", .help = "extractive or the model, and how was searched"),
    SL_INT("cut", .help = "sentences of a model that no passage supports"),
    SL_END};

/* ---- listing ---- */

static const sl_field documents_in[] = {
    SL_STRING("collection", .max = 200), SL_INT("limit", .def = "50", .min = 1, .max = 500),
    SL_STRING("after", .help = "`next` of the page before", .max = RAG_SOURCE_BYTES), SL_END};

static const sl_field one_document[] = {
    SL_STRING("id"),
    SL_STRING("source"),
    SL_STRING("collection"),
    SL_STRING("title"),
    SL_STRING("format", .help = "markdown, text, html, json, yaml, or rules (of alerts)"),
    SL_STRING("url"),
    SL_LIST("labels", SL_T_STRING),
    SL_INT("bytes"),
    SL_INT("passages"),
    SL_INT("created_at", .help = "ms since 1970"),
    SL_INT("updated_at", .help = "ms since 1970"),
    SL_END};

static const sl_field documents_out[] = {
    SL_LIST_OF("items", one_document, .help = "by source"),
    SL_STRING("next", .help = "give it as `after` for the next page"),
    SL_INT("documents", .help = "of the tenant"),
    SL_INT("passages", .help = "of the tenant"),
    SL_OBJECT("index", NULL, .help = "what this worker holds in memory", .flags = SL_OPEN),
    SL_END};

static const sl_field id_in[] = {SL_STRING("id", .help = "id or source of the document", .min = 1,
                                           .max = RAG_SOURCE_BYTES, .flags = SL_REQUIRED),
                                 SL_END};

static const sl_field forget_out[] = {SL_STRING("id"), SL_STRING("source"), SL_BOOL("removed"),
                                      SL_END};

static const sl_field whole_passage[] = {
    SL_STRING("heading"), SL_LIST("lines", SL_T_INT), SL_STRING("text"),
    SL_STRING("runbook_url", .help = "of an alert rule"), SL_END};

static const sl_field document_out[] = {
    SL_STRING("id"),
    SL_STRING("source"),
    SL_STRING("collection"),
    SL_STRING("title"),
    SL_STRING("format"),
    SL_STRING("url"),
    SL_LIST("labels", SL_T_STRING),
    SL_INT("bytes"),
    SL_INT("created_at"),
    SL_INT("updated_at"),
    SL_LIST_OF("passages", whole_passage, .help = "in order, verbatim"),
    SL_END};

/* ---- the rows ---- */

static const sl_op ops[] = {
    {.name = "rag.ingest",
     .route = "POST /rag/documents",
     .summary = "Take documents in: runbooks, policies, write-ups, alert rules",
     .help = "One document (`source`, `text`) or many (`documents`). A document whose content is "
             "known is left alone, a changed one replaces the old. With `collection` and `keep` "
             "the documents of that collection that are not listed are removed.",
     .in = ingest_in,
     .out = ingest_out,
     .needs = "rag:write",
     .example = "{\"source\":\"runbooks/disk-full.md\",\"text\":\"# Disk is full\\n\\nDelete old "
                "logs.\"}",
     .run = rag_ingest,
     .effect = SL_WRITES,
     .timeout_ms = 120000,
     .max_body = 48U * 1024 * 1024},
    {.name = "rag.upload",
     .route = "POST /rag/ingest",
     .summary = "Take documents in as JSON or as the files of a form",
     .help = "`application/json`: the same as POST /rag/documents. `multipart/form-data`: files, "
             "and the fields collection, label, format; with one file also source, title, url.",
     .out = ingest_out,
     .needs = "rag:write",
     .run = rag_upload,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW,
     .timeout_ms = 120000,
     .max_body = 48U * 1024 * 1024},
    {.name = "rag.query",
     .route = "POST /rag/query",
     .summary = "Find the passages of the documents that answer a question",
     .in = query_in,
     .out = query_out,
     .needs = "rag:read",
     .example = "{\"query\":\"disk is full\"}",
     .run = rag_query,
     .effect = SL_READS},
    {.name = "rag.answer",
     .route = "POST /rag/answer",
     .summary = "Answer a question from the documents, each sentence with its citation",
     .help = "Without a language model the sentences are verbatim. What a model writes is checked: "
             "a sentence that no retrieved passage supports is cut. When the documents do not "
             "answer, it says so and names the nearest headings.",
     .in = answer_in,
     .out = answer_out,
     .needs = "rag:read",
     .example = "{\"question\":\"how do I free disk space on a node?\"}",
     .run = rag_answer,
     .effect = SL_READS,
     .timeout_ms = 60000},
    {.name = "rag.documents",
     .route = "GET /rag/documents",
     .summary = "List the documents",
     .in = documents_in,
     .out = documents_out,
     .needs = "rag:read",
     .run = rag_documents,
     .effect = SL_READS},
    {.name = "rag.document",
     .route = "GET /rag/documents/{id}",
     .summary = "Show one document with its passages",
     .in = id_in,
     .out = document_out,
     .needs = "rag:read",
     .run = rag_document_get,
     .effect = SL_READS},
    {.name = "rag.forget",
     .route = "DELETE /rag/documents/{id}",
     .summary = "Remove a document",
     .in = id_in,
     .out = forget_out,
     .needs = "rag:write",
     .run = rag_forget,
     .effect = SL_WRITES},
    SL_END};

/* The name keeps the listener's place in the log. */
static const sl_listen listens[] = {
    {.name = "incidents", .type = "incident.resolved", .run = rag_hear_resolved}, SL_END};

static const sl_job jobs[] = {
    {.name = "tidy", .run = corpus_tidy, .every_ms = 60000, .flags = SL_JOB_LOCAL},
    {.name = "watch", .run = rag_watch, .every_ms = 2000, .timeout_ms = 10000},
    {.name = "vectors", .run = vectors_make, .timeout_ms = 600000, .max_attempts = 20},
    SL_END};

/* ---- options ---- */

static const sl_field watch_options[] = {
    SL_STRING("folder", .help = "a folder, also a work tree of git", .max = 4096,
              .flags = SL_PATH | SL_REQUIRED),
    SL_STRING("collection", .help = "the set that its documents belong to", .min = 1, .max = 200,
              .flags = SL_REQUIRED),
    SL_STRING("tenant", .help = "whose documents they are", .def = "default", .format = "name"),
    SL_LIST("labels", SL_T_STRING, .max = READING_MOST_LABELS, .help = "of its documents"),
    SL_DURATION("every", .def = "1m", .min = 2000, .max = 86400000, .help = "how often it is read"),
    SL_END};

static const sl_field qdrant_options[] = {
    SL_STRING("url", .help = "http://127.0.0.1:6333; https:// for TLS", .format = "uri",
              .max = 1000, .flags = SL_REQUIRED),
    SL_STRING("api_key", .flags = SL_SECRET, .max = 4096),
    SL_STRING("ca_file", .help = "who signed its certificate; default: the system's authorities",
              .max = 4096, .flags = SL_PATH),
    SL_STRING("collection", .def = "sluice", .min = 1, .max = 100, .format = "name",
              .help = "how the names of its collections begin"),
    SL_DURATION("timeout", .def = "5s", .min = 100, .max = 120000, .help = "of one request"),
    SL_END};

static const sl_field config[] = {
    SL_LIST_OF("watch", watch_options, .max = 100, .help = "folders that are kept in step"),
    SL_ENUM("vectors", "builtin|llm", .def = "builtin",
            .help = "builtin: learnt from the documents; llm: besides, those of llm.embed"),
    SL_OBJECT("qdrant", qdrant_options,
              .help = "keeps the vectors of llm.embed there in place of the store"),
    SL_END};

static const sl_migration migrations[] = {
    {.number = 1,
     .name = "documents and their passages",
     .sql = "CREATE TABLE rag_document (tenant TEXT NOT NULL, id TEXT NOT NULL, "
            "source TEXT NOT NULL, collection TEXT NOT NULL, title TEXT NOT NULL, "
            "format TEXT NOT NULL, url TEXT, labels TEXT NOT NULL, fingerprint TEXT NOT NULL, "
            "bytes BIGINT NOT NULL, passages INTEGER NOT NULL, rules INTEGER NOT NULL, "
            "version BIGINT NOT NULL, removed INTEGER NOT NULL, created_ms BIGINT NOT NULL, "
            "updated_ms BIGINT NOT NULL, PRIMARY KEY (tenant, id));"
            "CREATE INDEX rag_document_newest ON rag_document (tenant, version, id);"
            "CREATE INDEX rag_document_source ON rag_document (tenant, source);"
            "CREATE TABLE rag_passage (tenant TEXT NOT NULL, document TEXT NOT NULL, "
            "ordinal INTEGER NOT NULL, heading TEXT NOT NULL, line_from INTEGER NOT NULL, "
            "line_to INTEGER NOT NULL, text TEXT NOT NULL, link TEXT, anchor TEXT, "
            "PRIMARY KEY (tenant, document, ordinal));"
            "CREATE TABLE rag_version (tenant TEXT NOT NULL PRIMARY KEY, "
            "version BIGINT NOT NULL, floor BIGINT NOT NULL);"
            "CREATE TABLE rag_watch (tenant TEXT NOT NULL, collection TEXT NOT NULL, "
            "look TEXT NOT NULL, head TEXT, at_ms BIGINT NOT NULL, "
            "PRIMARY KEY (tenant, collection));"},
    {.number = 2,
     .name = "vectors of models",
     .sql = "CREATE TABLE rag_space (tenant TEXT NOT NULL, space TEXT NOT NULL, "
            "dimension INTEGER NOT NULL, serving INTEGER NOT NULL, made_ms BIGINT NOT NULL, "
            "PRIMARY KEY (tenant, space));"
            "CREATE TABLE rag_vector (tenant TEXT NOT NULL, space TEXT NOT NULL, "
            "document TEXT NOT NULL, ordinal INTEGER NOT NULL, vector BYTEA NOT NULL, "
            "PRIMARY KEY (tenant, space, document, ordinal));"
            "CREATE TABLE rag_vectored (tenant TEXT NOT NULL, space TEXT NOT NULL, "
            "document TEXT NOT NULL, fingerprint TEXT NOT NULL, "
            "PRIMARY KEY (tenant, space, document));"},
    SL_END};

static const sl_metric metrics[] = {
    {.name = "rag_documents_total",
     .help = "Documents taken in",
     .labels = "status",
     .type = SL_COUNTER},
    {.name = "rag_queries_total",
     .help = "Searches by verdict",
     .labels = "verdict",
     .type = SL_COUNTER},
    {.name = "rag_answers_total",
     .help = "Questions by outcome",
     .labels = "outcome",
     .type = SL_COUNTER},
    {.name = "rag_query_seconds", .help = "Time of a search", .type = SL_HISTOGRAM},
    {.name = "rag_load_seconds", .help = "Time to bring an index up to date", .type = SL_HISTOGRAM},
    SL_END};

static int check(sl_call *call, const cJSON *options) {
    const cJSON *watch, *other;
    size_t i = 0;
    if (sl_get(options, "qdrant") && strcmp(sl_get_text(options, "vectors", ""), "llm") != 0)
        return sl_fail(
            call, SL_INVALID,
            "plugins.rag.qdrant keeps the vectors of a model: set plugins.rag.vectors to "
            "llm, or leave qdrant out; the built-in vectors need no service");
    cJSON_ArrayForEach(watch, sl_get(options, "watch")) {
        for (other = watch->next; other; other = other->next)
            if (!strcmp(sl_get_text(watch, "collection", ""),
                        sl_get_text(other, "collection", "")) &&
                !strcmp(sl_get_text(watch, "tenant", ""), sl_get_text(other, "tenant", "")))
                return sl_fail(
                    call, SL_INVALID,
                    "plugins.rag.watch[%zu]: another folder has the collection '%s' too; "
                    "each would remove the other's documents",
                    i, sl_get_text(watch, "collection", ""));
        i++;
    }
    return 0;
}

static int keep_watches(sl_call *call, struct rag *rag, const cJSON *options) {
    const cJSON *list = sl_get(options, "watch"), *item;
    const size_t count = (size_t)cJSON_GetArraySize(list);
    rag->watches = count ? calloc(count, sizeof *rag->watches) : NULL;
    if (count && !rag->watches) return sl_fail(call, SL_UNAVAILABLE, "memory is out");
    cJSON_ArrayForEach(item, list) {
        if (rag->watches) rag->watches[rag->watch_count++].options = sl_json_keep(item);
    }
    return 0;
}

static int start(sl_call *call, const cJSON *options) {
    struct rag *rag = calloc(1, sizeof *rag);
    if (!rag) return sl_fail(call, SL_UNAVAILABLE, "no memory for the documents");
    sl_set_state(call, rag);
    const cJSON *qdrant = sl_get(options, "qdrant");
    rag->embeds = !strcmp(sl_get_text(options, "vectors", ""), "llm");
    rag->qdrant = qdrant ? sl_json_keep(qdrant) : NULL;
    return keep_watches(call, rag, options);
}

static void stop(sl_call *call) {
    struct rag *rag = sl_state(call);
    if (!rag) return;
    corpus_free_all(rag);
    for (size_t i = 0; i < rag->watch_count; i++) sl_json_drop(rag->watches[i].options);
    free(rag->watches);
    sl_json_drop(rag->qdrant);
    free(rag);
    sl_set_state(call, NULL);
}

SL_PLUGIN(.name = "rag", .version = "1.0.0",
          .summary = "Finds the passages of runbooks and write-ups that answer a question",
          .license = "Apache-2.0", .config = config, .ops = ops, .on = listens, .jobs = jobs,
          .schema = migrations, .metrics = metrics, .check = check, .start = start, .stop = stop);
