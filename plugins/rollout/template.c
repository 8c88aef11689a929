#include "template.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool in_name(char c) {
    return (c >= 'a' && c <= 'z') || c == '_';
}

static void fill_place(struct text *text, const char *name, size_t size,
                       const struct place *place) {
    for (; place->name; place++) {
        if (place->name[0] != name[0]) continue; /* most are told apart by their first letter */
        if (strncmp(place->name, name, size) != 0 || place->name[size]) continue;
        if (place->value) text_add(text, place->value, strlen(place->value));
        return;
    }
}

/* A place found in a template: what stands before it, its name, and where to go on. */
struct found {
    const char *text, *name, *rest;
    size_t size, name_size;
};

/* false: there are no more, and `text` is what is left. */
static bool find_place(const char *from, struct found *found) {
    const char *at = strchr(from, '$');
    found->text = from;
    found->size = at ? (size_t)(at - from) : strlen(from);
    if (!at) return false;
    bool whole = at[1] == '(';
    if (whole && found->size) found->size--; /* not the quote before "$( */
    found->name = at + (whole ? 2 : 1);
    found->name_size = 0;
    while (in_name(found->name[found->name_size])) found->name_size++;
    found->rest = found->name + found->name_size + (whole ? 2 : 0); /* nor )" behind it */
    return true;
}

void template_fill(struct text *text, const char *template, const struct place *places) {
    struct found found;
    for (const char *from = template;; from = found.rest) {
        bool more = find_place(from, &found);
        text_add(text, found.text, found.size);
        if (!more) return;
        fill_place(text, found.name, found.name_size, places);
    }
}

/* ---- taken apart ---- */

static int32_t place_named(const char *const *names, const struct found *found) {
    for (int32_t i = 0; names[i]; i++)
        if (strncmp(names[i], found->name, found->name_size) == 0 && !names[i][found->name_size])
            return i;
    return -1;
}

struct template *template_compile(const char *text, const char *const *names) {
    size_t count = 1, size = strlen(text) + 1;
    for (const char *at = text; (at = strchr(at, '$')); at++) count++;
    struct template *template = malloc(sizeof *template + count * sizeof *template->pieces);
    char *copy = malloc(size);
    if (!template || !copy) {
        free(template);
        free(copy);
        return NULL;
    }
    memcpy(copy, text, size);
    *template = (struct template){.text = copy};
    struct found found;
    bool more = true;
    for (const char *from = copy; more; from = found.rest) {
        more = find_place(from, &found);
        template->pieces[template->count++] =
            (struct template_piece){.text = found.text,
                                    .size = (uint32_t)found.size,
                                    .place = more ? place_named(names, &found) : -1};
    }
    return template;
}

void template_free(struct template *template) {
    if (!template) return;
    free(template->text);
    free(template);
}

size_t template_size(const struct template *template, const struct filling *fillings) {
    size_t size = 0;
    for (size_t i = 0; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        size += piece->size + (piece->place >= 0 ? fillings[piece->place].size : 0);
    }
    return size;
}

char *template_write(const struct template *template, const struct filling *fillings, char *to) {
    for (size_t i = 0; i < template->count; i++) {
        const struct template_piece *piece = &template->pieces[i];
        memcpy(to, piece->text, piece->size);
        to += piece->size;
        if (piece->place < 0) continue;
        const struct filling *filling = &fillings[piece->place];
        if (filling->size) memcpy(to, filling->bytes, filling->size);
        to += filling->size;
    }
    return to;
}
