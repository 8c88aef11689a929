#include "template.h"

#include <stdbool.h>
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

void template_fill(struct text *text, const char *template, const struct place *places) {
    const char *from = template;
    for (const char *at; (at = strchr(from, '$'));) {
        bool whole = at[1] == '(';
        const char *name = at + (whole ? 2 : 1);
        size_t size = 0;
        while (in_name(name[size])) size++;
        text_add(text, from, (size_t)(at - from) - whole); /* not the quote before "$( */
        fill_place(text, name, size, places);
        from = name + size + (whole ? 2 : 0); /* nor )" behind it */
    }
    text_add(text, from, strlen(from));
}
