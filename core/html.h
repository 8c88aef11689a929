/* html.h - a page being written. What a template does not spell out is escaped, always. */
#ifndef SLUICE_CORE_HTML_H
#define SLUICE_CORE_HTML_H

#include <stddef.h>

struct arena;

struct html {
    struct arena *arena;
    char *text;
    size_t size, room;
};

void html_init(struct html *html, struct arena *arena);
/* Writes the template; each '@' in it becomes the next argument, a `const char *` (NULL: nothing),
 * with < > & " ' escaped. A literal '@' cannot be written. */
void html_put(struct html *html, const char *template_, ...);
/* The page so far, ended by NUL. */
const char *html_text(struct html *html, size_t *size);

#endif
