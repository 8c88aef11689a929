#include "html.h"
#include "arena.h"

#include <stdarg.h>
#include <string.h>

void html_init(struct html *html, struct arena *arena) {
    *html = (struct html){.arena = arena, .room = (size_t)16 * 1024};
    html->text = arena_alloc(arena, html->room);
}

static void put(struct html *html, const char *text, size_t size) {
    if (html->size + size >= html->room) {
        while (html->size + size >= html->room) html->room *= 2;
        char *larger = arena_alloc(html->arena, html->room);
        memcpy(larger, html->text, html->size);
        html->text = larger;
    }
    memcpy(html->text + html->size, text, size);
    html->size += size;
}

static void put_escaped(struct html *html, const char *text) {
    while (text && *text) {
        size_t plain = strcspn(text, "<>&\"'");
        put(html, text, plain);
        text += plain;
        if (!*text) break;
        const char *entity = *text == '<'   ? "&lt;"
                             : *text == '>' ? "&gt;"
                             : *text == '&' ? "&amp;"
                             : *text == '"' ? "&quot;"
                                            : "&#39;";
        put(html, entity, strlen(entity));
        text++;
    }
}

void html_put(struct html *html, const char *template_, ...) {
    va_list args;
    va_start(args, template_);
    while (*template_) {
        size_t plain = strcspn(template_, "@");
        put(html, template_, plain);
        template_ += plain;
        if (!*template_) break;
        put_escaped(html, va_arg(args, const char *));
        template_++;
    }
    va_end(args);
}

const char *html_text(struct html *html, size_t *size) {
    html->text[html->size] = 0; /* put() always leaves room for it */
    *size = html->size;
    return html->text;
}
