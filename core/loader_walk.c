#include "loader_walk.h"

#include <stdbool.h>
#include <string.h>

enum { ROWS_MAX = 100000, DEPTH_MAX = 32 };

static size_t text(const char *string) {
    return string ? strlen(string) : 0;
}

static const void *row_at(const void *first, size_t size, size_t i) {
    return (const char *)first + size * i;
}

static size_t fields(const sl_field *first, size_t size, int depth) {
    size_t sum = 0;
    for (size_t i = 0; first && i < ROWS_MAX && depth < DEPTH_MAX; i++) {
        const sl_field *row = row_at(first, size, i);
        if (!row->name) break;
        sum += text(row->name) + text(row->help) + text(row->def) + text(row->values);
        sum += text(row->format) + text(row->example) + text(row->cli);
        sum += fields(row->fields, size, depth + 1);
    }
    return sum;
}

static size_t ops(const sl_plugin *face) {
    size_t sum = 0;
    for (size_t i = 0; face->ops && i < ROWS_MAX; i++) {
        const sl_op *row = row_at(face->ops, face->op_size, i);
        if (!row->name) break;
        sum += text(row->name) + text(row->route) + text(row->also) + text(row->summary);
        sum += text(row->help) + text(row->needs) + text(row->example);
        sum += fields(row->in, face->field_size, 0) + fields(row->out, face->field_size, 0);
    }
    return sum;
}

static size_t listens_and_jobs(const sl_plugin *face) {
    size_t sum = 0;
    for (size_t i = 0; face->on && i < ROWS_MAX; i++) {
        const sl_listen *row = row_at(face->on, face->listen_size, i);
        if (!row->name) break;
        sum += text(row->name) + text(row->type);
    }
    for (size_t i = 0; face->jobs && i < ROWS_MAX; i++) {
        const sl_job *row = row_at(face->jobs, face->job_size, i);
        if (!row->name) break;
        sum += text(row->name);
    }
    return sum;
}

static size_t tables_and_metrics(const sl_plugin *face) {
    size_t sum = 0;
    for (size_t i = 0; face->schema && i < ROWS_MAX; i++) {
        const sl_migration *row = row_at(face->schema, face->migration_size, i);
        if (!row->number) break;
        sum += text(row->name) + text(row->sql);
    }
    for (size_t i = 0; face->metrics && i < ROWS_MAX; i++) {
        const sl_metric *row = row_at(face->metrics, face->metric_size, i);
        if (!row->name) break;
        sum += text(row->name) + text(row->help) + text(row->labels);
        for (size_t k = 0; row->buckets && k < ROWS_MAX && row->buckets[k] > 0; k++) sum++;
    }
    return sum;
}

static bool sizes_fit(const sl_plugin *raw) {
    return raw->magic == SL_ABI_MAGIC && raw->abi_major == SL_ABI_MAJOR &&
           raw->abi_minor <= SL_ABI_MINOR && raw->size >= sizeof(sl_plugin) &&
           raw->op_size >= sizeof(sl_op) && raw->field_size >= sizeof(sl_field) &&
           raw->listen_size >= sizeof(sl_listen) && raw->job_size >= sizeof(sl_job) &&
           raw->migration_size >= sizeof(sl_migration) && raw->metric_size >= sizeof(sl_metric);
}

size_t descriptor_walk(const sl_plugin *raw) {
    if (!sizes_fit(raw)) return 0; /* the host refuses it before it follows a pointer */
    sl_plugin face = {0};
    memcpy(&face, raw, sizeof face);
    size_t sum = text(face.name) + text(face.version) + text(face.summary) + text(face.license);
    sum += text(face.requires_plugins) + fields(face.config, face.field_size, 0);
    return sum + ops(&face) + listens_and_jobs(&face) + tables_and_metrics(&face);
}
