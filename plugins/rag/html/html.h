/* html.h - HTML to a reading's text, by libxml2's SAX parser. In a module of its own (rag-html.so,
 * loaded on first use): libxml2 brings ICU, which most servers never need. */
#ifndef RAG_HTML_H
#define RAG_HTML_H

#include "../reading.h"

/* A read_html_fn. Scripts, styles, forms, what is hidden and comments are left out; headings, code
 * and tables stay as blocks. */
__attribute__((visibility("default"))) int rag_read_html(struct reading *reading);

#endif
