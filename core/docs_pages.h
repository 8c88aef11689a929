/* docs_pages.h - pages for people, as HTML in the arena. They work without JavaScript and without
 * any other server. */
#ifndef SLUICE_CORE_DOCS_PAGES_H
#define SLUICE_CORE_DOCS_PAGES_H

#include "html.h"
#include "op.h"

void page_begin(struct html *html, const char *title);
void page_end(struct html *html);

const char *docs_page(const struct registry *registry, struct arena *arena, size_t *size);
const char *home_page(const struct registry *registry, struct arena *arena, size_t *size);

/* A problem that answers may carry in `code`. */
struct problem {
    const char *code, *title;
    int status; /* HTTP */
    const char *meaning, *remedy;
};
/* The problem of a code, '-' and '_' alike, or NULL. */
const struct problem *problem_find(const char *code);
const struct problem *problem_at(size_t i); /* NULL at the end */
const char *problems_page(struct arena *arena, size_t *size);
const char *problem_page(const struct problem *problem, struct arena *arena, size_t *size);

/* The files of core/docs, taken in when the program is built. */
struct asset {
    const char *bytes;
    size_t size;
};
struct asset asset_script(void);
struct asset asset_style(void);

#endif
