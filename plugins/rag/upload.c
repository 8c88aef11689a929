/* upload.c - POST /rag/ingest: JSON as rag.ingest takes it, or files of a form. */
#include "clean.h"
#include "multipart.h"
#include "rag.h"

#include <string.h>
#include <strings.h>

struct form {
    struct intake *intakes;
    size_t count;
    const char *collection, *source, *title, *url, *format;
    cJSON *labels;
};

static int bad_field(sl_call *call, const struct part *part, const char *why) {
    sl_fault(call, sl_printf(call, "/%s", part->name), NULL, "%s", why);
    return sl_fail(call, SL_INVALID, "the form's field '%s': %s", part->name, why);
}

static bool is_plain(const struct part *part) {
    uint32_t code;
    for (size_t i = 0; i < part->size;) {
        const size_t bytes = utf8_decode(part->data + i, part->size - i, &code);
        if (!bytes || code < 0x20 || code == 0x7F) return false;
        i += bytes;
    }
    return true;
}

static int take_field(sl_call *call, struct form *form, const struct part *part) {
    if (part->size > RAG_SOURCE_BYTES) return bad_field(call, part, "at most 1000 bytes");
    if (!is_plain(part)) return bad_field(call, part, "it is no plain text");
    const char *text = sl_strndup(call, part->data, part->size);
    const struct {
        const char *name;
        const char **place;
    } fields[] = {{"collection", &form->collection},
                  {"source", &form->source},
                  {"title", &form->title},
                  {"url", &form->url},
                  {"format", &form->format}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!strcmp(part->name, fields[i].name)) {
            if (*fields[i].place) return bad_field(call, part, "it is given twice");
            return *fields[i].place = text, 0;
        }
    if (strcmp(part->name, "label") != 0 && strcmp(part->name, "labels") != 0)
        return bad_field(call, part,
                         "known are collection, source, title, url, format, label, and files");
    if (cJSON_GetArraySize(form->labels) >= READING_MOST_LABELS)
        return bad_field(call, part, "there are too many labels");
    cJSON_AddItemToArray(form->labels, cJSON_CreateString(text));
    return 0;
}

static int take_file(sl_call *call, struct form *form, const struct part *part) {
    if (!*part->filename) return bad_field(call, part, "the file has no name");
    const struct part name = {.data = part->filename, .size = strlen(part->filename)};
    if (!is_plain(&name)) return bad_field(call, part, "the file's name is no plain text");
    form->intakes[form->count++] =
        (struct intake){.source = part->filename, .text = part->data, .size = part->size};
    return 0;
}

static int take_parts(sl_call *call, struct form *form, const struct multipart *parts) {
    int rc = 0;
    form->intakes = sl_alloc(call, (parts->count + 1) * sizeof *form->intakes);
    form->labels = cJSON_CreateArray();
    for (size_t i = 0; i < parts->count && !rc; i++)
        rc = parts->parts[i].filename ? take_file(call, form, &parts->parts[i])
                                      : take_field(call, form, &parts->parts[i]);
    if (rc) return rc;
    if (!form->count) return sl_fail(call, SL_INVALID, "the form holds no file");
    const bool of_one = form->source || form->title || form->url;
    if (of_one && form->count > 1)
        return sl_fail(call, SL_INVALID, "source, title and url need a form with one file");
    for (size_t i = 0; i < form->count; i++) {
        struct intake *intake = &form->intakes[i];
        if (form->source) intake->source = form->source;
        intake->title = form->title;
        intake->url = form->url;
        intake->format = form->format;
        intake->collection = form->collection;
        intake->labels = form->labels->child ? form->labels : NULL;
    }
    return 0;
}

static int upload_form(sl_call *call, const char *type, const char *body, size_t size, cJSON *out) {
    struct pool pool = {0};
    struct multipart parts;
    struct form form = {0};
    struct intake_told told = {.items = cJSON_CreateArray()};
    int rc = 0;
    if (multipart_read(&parts, &pool, type, body, size))
        rc = sl_fail(call, SL_INVALID, "the form cannot be read: %s", parts.error);
    if (!rc) rc = take_parts(call, &form, &parts);
    if (!rc) rc = rag_take(call, form.intakes, form.count, &told);
    pool_fini(&pool);
    if (!rc) rag_put_told(&told, out);
    return rc;
}

int rag_upload(sl_call *call, const cJSON *in, cJSON *out) {
    size_t size = 0;
    const char *body = sl_body(call, &size), *type = sl_header(call, "content-type");
    cJSON *json = NULL, *told = NULL;
    (void)in;
    if (!body || !size) return sl_fail(call, SL_INVALID, "the body is empty");
    if (type && !strncasecmp(type, "multipart/", 10))
        return upload_form(call, type, body, size, out);
    if (type && strncasecmp(type, "application/json", 16) != 0)
        return sl_fail(call, SL_UNSUPPORTED, "send application/json or multipart/form-data, not %s",
                       type);
    int rc = sl_json_parse(call, "the body", body, size, &json);
    if (!rc) rc = sl_invoke_as_caller(call, "rag.ingest", json, &told);
    if (rc) return rc;
    while (told->child) {
        cJSON *member = cJSON_DetachItemViaPointer(told, told->child);
        cJSON_AddItemToObject(out, member->string, member);
    }
    return 0;
}
