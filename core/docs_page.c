/* docs_page.c - /docs: every operation on one page, grouped by noun. The server writes it whole;
 * the script only adds a filter and "try it". */
#include "arena.h"
#include "docs.h"
#include "docs_example.h"
#include "docs_pages.h"
#include "host.h"
#include "route.h"

#include <string.h>

void page_begin(struct html *html, const char *title) {
    html_put(html,
             "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta name=\"color-scheme\" content=\"light dark\">\n<title>@ · Sluice</title>\n"
             "<link rel=\"icon\" href=\"data:,\">\n"
             "<link rel=\"stylesheet\" href=\"/docs/style.css\">\n"
             "<script src=\"/docs/app.js\" defer></script></head>\n<body>\n"
             "<a class=\"skip\" href=\"#content\">Skip to content</a>\n"
             "<header><a class=\"home\" href=\"/\">Sluice</a> <nav aria-label=\"Site\">"
             "<a href=\"/docs\">Operations</a> <a href=\"/problems\">Problems</a> "
             "<a href=\"/openapi.json\">OpenAPI</a></nav></header>\n",
             title);
}

void page_end(struct html *html) {
    html_put(html, "<footer>Sluice " SLUICE_VERSION "</footer>\n</body></html>\n");
}

/* ---- tables of fields ---- */

static const char *type_text(const sl_field *row, struct arena *arena) {
    const char *type = field_type_name(row->type);
    if (!row->item) return type;
    return arena_printf(arena, "%s of %s", type, field_type_name(row->item));
}

static void put_row(struct html *html, const sl_field *row, const char *name) {
    struct arena *arena = html->arena;
    bool required = (row->flags & SL_REQUIRED) && !row->def;
    bool bounded = row->min < row->max || row->format || row->values;
    html_put(html, "<tr><th scope=\"row\"><code>@</code></th><td>@</td><td>", name,
             type_text(row, arena));
    if (required) html_put(html, "<b>required</b>");
    if (row->def) html_put(html, "default <code>@</code>", row->def);
    html_put(html, "</td><td>@", row->help);
    if (bounded) html_put(html, " <small>@</small>", field_expected(row, arena));
    if (row->flags & SL_NULLABLE) html_put(html, " <small>may be null</small>");
    if (row->flags & SL_DEPRECATED) html_put(html, " <small>deprecated</small>");
    if (row->flags & SL_SECRET) html_put(html, " <small>never shown</small>");
    html_put(html, "</td></tr>\n");
}

static void put_rows(struct html *html, struct field_rows rows, const char *prefix,
                     unsigned depth) {
    const sl_field *row = NULL;
    while ((row = field_next(rows, row))) {
        bool list = row->type == SL_T_LIST, map = row->type == SL_T_MAP;
        const char *name = arena_printf(html->arena, "%s%s%s", prefix, row->name,
                                        list  ? "[]"
                                        : map ? ".*"
                                              : "");
        put_row(html, row, name);
        if (!row->fields || depth == 6) continue;
        put_rows(html, (struct field_rows){row->fields, rows.row_size},
                 arena_printf(html->arena, "%s.", name), depth + 1);
    }
}

static void put_table(struct html *html, const char *caption, struct field_rows rows) {
    if (!field_next(rows, NULL)) return;
    html_put(html,
             "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"@\"><table>"
             "<caption>@</caption><thead><tr><th scope=\"col\">member</th><th scope=\"col\">type"
             "</th><th scope=\"col\"></th><th scope=\"col\">what it is</th></tr></thead><tbody>\n",
             caption, caption);
    put_rows(html, rows, "", 0);
    html_put(html, "</tbody></table></div>\n");
}

/* ---- one operation ---- */

/* Help is Markdown; shown as its paragraphs. */
static void put_help(struct html *html, const char *help) {
    while (help && *help) {
        const char *end = strstr(help, "\n\n");
        size_t size = end ? (size_t)(end - help) : strlen(help);
        html_put(html, "<p>@</p>\n", arena_strndup(html->arena, help, size));
        help += size;
        while (*help == '\n') help++;
    }
}

static void put_operation(struct html *html, const struct op *op) {
    struct arena *arena = html->arena;
    const sl_op *row = &op->row;
    char method[8] = "";
    const char *path = "";
    bool routed = op_route(op, method, &path);
    html_put(html, "<section class=\"op\" id=\"@\"", row->name);
    if (routed) {
        html_put(html, " data-method=\"@\" data-path=\"@\"", method, path);
        html_put(html, " data-body=\"@\"", example_body(op, path, arena));
    }
    html_put(html, "><h3><a href=\"#@\">@</a></h3>\n<p>@.</p>\n", row->name, row->name,
             row->summary);
    if (routed) {
        html_put(html, "<p class=\"route\"><b class=\"@\">@</b> <code>@</code>", method, method,
                 path);
        if (row->also) html_put(html, " <small>also <code>@</code></small>", row->also);
        html_put(html, "</p>\n");
    }
    html_put(html, "<p class=\"facts\"><span>@</span> <span>needs <code>@</code></span>",
             row->effect == SL_READS ? "reads" : "writes", row->needs);
    if (row->flags & SL_OP_STREAMS) html_put(html, " <span>can stream events</span>");
    if (row->flags & SL_OP_IF_MATCH) html_put(html, " <span>needs <code>If-Match</code></span>");
    html_put(html, "</p>\n");
    put_help(html, row->help);
    put_table(html, "Input", op->in);
    html_put(html, "<pre><code>@</code></pre>\n", example_cli(op, arena));
    if (routed) html_put(html, "<pre><code>@</code></pre>\n", example_curl(op, arena));
    put_table(html, "Answer", op->out);
    html_put(html, "</section>\n");
}

static bool same_noun(const char *a, const char *b) {
    size_t size = strcspn(a, ".");
    return size == strcspn(b, ".") && strncmp(a, b, size) == 0;
}

static bool is_listed(const struct op *op) {
    return !(op->row.flags & SL_OP_HIDDEN);
}

static void put_contents(struct html *html, const struct registry *registry) {
    const struct op *op, *last = NULL;
    html_put(html, "<nav class=\"contents\" aria-label=\"Operations\"><ul>\n");
    for (size_t i = 0; (op = registry_at(registry, i)); i++) {
        if (!is_listed(op)) continue;
        if (last && !same_noun(last->row.name, op->row.name)) html_put(html, "</ul><ul>\n");
        html_put(html, "<li><a href=\"#@\">@</a></li>\n", op->row.name, op->row.name);
        last = op;
    }
    html_put(html, "</ul></nav>\n");
}

const char *docs_page(const struct registry *registry, struct arena *arena, size_t *size) {
    struct html html;
    html_init(&html, arena);
    page_begin(&html, "Operations");
    put_contents(&html, registry);
    html_put(&html,
             "<main id=\"content\"><h1>Operations</h1>\n<p>Each operation is an HTTP route, a "
             "command, a function for Lua scripts and a tool for language models. Programs read "
             "<a href=\"/openapi.json\">openapi.json</a>; failures are "
             "<a href=\"/problems\">problems</a>.</p>\n<div id=\"tools\"></div>\n");
    const struct op *op, *last = NULL;
    for (size_t i = 0; (op = registry_at(registry, i)); i++) {
        if (!is_listed(op)) continue;
        if (!last || !same_noun(last->row.name, op->row.name)) {
            const char *noun = arena_strndup(arena, op->row.name, strcspn(op->row.name, "."));
            const char *about = op->plugin->face.summary;
            html_put(&html, "<h2>@</h2>\n", noun);
            if (about) html_put(&html, "<p>@</p>\n", about);
        }
        put_operation(&html, op);
        last = op;
    }
    html_put(&html, "</main>\n");
    page_end(&html);
    return html_text(&html, size);
}

/* ---- / ---- */

const char *home_page(const struct registry *registry, struct arena *arena, size_t *size) {
    static const struct {
        const char *path, *what;
        bool optional; /* only where a plugin serves it */
    } places[] = {{"/console", "the console", true},
                  {"/docs", "every operation: fields, examples, try it", false},
                  {"/openapi.json", "the same for programs (OpenAPI 3.1)", false},
                  {"/operations", "the list that the command line reads", false},
                  {"/problems", "what failures mean, and what to do", false},
                  {"/readyz", "is it ready? every part by itself", false},
                  {"/healthz", "does it turn?", false},
                  {"/metrics", "figures for Prometheus", true}};
    struct html html;
    html_init(&html, arena);
    page_begin(&html, "Home");
    html_put(&html, "<main id=\"content\"><h1>Sluice</h1>\n<p>A deployment control plane: it takes "
                    "a request, scores its risk, asks policies and gates, and explains what it "
                    "decided.</p>\n<dl class=\"places\">\n");
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct route_match match;
        const char *path = places[i].path;
        bool there = !places[i].optional || (router_match(registry_router(registry), "GET", path,
                                                          strlen(path), arena, &match) &&
                                             match.target);
        if (!there) continue;
        html_put(&html, "<dt><a href=\"@\">@</a></dt><dd>@</dd>\n", path, path, places[i].what);
    }
    html_put(&html, "</dl></main>\n");
    page_end(&html);
    return html_text(&html, size);
}
