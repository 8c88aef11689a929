/* route.c - a tree of path segments. A request visits each node of it at most once. */
#include "route.h"
#include "arena.h"
#include "fields.h"
#include "percent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TROUBLE_BYTES = 320, ALLOW_BYTES = 96 };

struct segment {
    const char *text;
    size_t size;
};

/* One route at the node where its path ends. */
struct endpoint {
    struct endpoint *next;
    char method[8];
    char *template_;
    char *names[ROUTE_PARAMS_MAX];
    size_t name_count;
    void *target;
};

struct node {
    char *literal;
    size_t literal_size;
    struct node *next;     /* the next literal of the same parent */
    struct node *literals; /* children */
    struct node *param;    /* "{name}" */
    struct endpoint *rest; /* "{name...}": ends here, whatever follows */
    struct endpoint *ends;
};

struct router {
    struct node root;
    char *trouble;
};

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};

struct router *router_new(void) {
    struct router *router = calloc(1, sizeof *router);
    router->trouble = calloc(1, TROUBLE_BYTES);
    return router;
}

static void endpoints_free(struct endpoint *endpoint) {
    while (endpoint) {
        struct endpoint *next = endpoint->next;
        for (size_t i = 0; i < endpoint->name_count; i++) free(endpoint->names[i]);
        free(endpoint->template_);
        free(endpoint);
        endpoint = next;
    }
}

static void node_fini(struct node *node) {
    endpoints_free(node->ends);
    endpoints_free(node->rest);
    if (node->param) node_fini(node->param);
    free(node->param);
    for (struct node *child = node->literals, *next; child; child = next) {
        next = child->next;
        node_fini(child);
        free(child->literal);
        free(child);
    }
}

void router_free(struct router *router) {
    if (!router) return;
    node_fini(&router->root);
    free(router->trouble);
    free(router);
}

/* ---- declaring ---- */

struct parsed {
    const char *method;
    struct segment path;
    struct segment segments[ROUTE_SEGMENTS_MAX]; /* names without braces */
    bool is_param[ROUTE_SEGMENTS_MAX];
    size_t count, params;
    bool rest; /* the last one takes the rest */
};

static bool all_of(const char *text, size_t size, const char *set) {
    for (size_t i = 0; i < size; i++) {
        if (!strchr(set, text[i])) return false;
    }
    return size > 0;
}

static bool parse_segment(struct parsed *parsed, struct segment segment, bool last) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    static const char literals[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~@:";
    bool param = segment.size > 2 && segment.text[0] == '{';
    if (param) {
        if (segment.text[segment.size - 1] != '}') return false;
        segment = (struct segment){segment.text + 1, segment.size - 2};
        bool rest = segment.size > 3 && memcmp(segment.text + segment.size - 3, "...", 3) == 0;
        if (rest) segment.size -= 3;
        if (rest && !last) return false;
        parsed->rest = rest;
        if (++parsed->params > ROUTE_PARAMS_MAX) return false;
        for (size_t i = 0; i < parsed->count; i++) {
            bool same = parsed->is_param[i] && parsed->segments[i].size == segment.size &&
                        memcmp(parsed->segments[i].text, segment.text, segment.size) == 0;
            if (same) return false;
        }
    }
    if (!all_of(segment.text, segment.size, param ? letters : literals)) return false;
    parsed->is_param[parsed->count] = param;
    parsed->segments[parsed->count++] = segment;
    return true;
}

static const char *known_method(const char *text, size_t size) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strlen(methods[i]) == size && memcmp(methods[i], text, size) == 0) return methods[i];
    }
    return NULL;
}

static bool parse_route(struct parsed *parsed, const char *route) {
    *parsed = (struct parsed){0};
    const char *blank = strchr(route, ' ');
    if (!blank || blank[1] != '/') return false;
    parsed->method = known_method(route, (size_t)(blank - route));
    if (!parsed->method) return false;
    parsed->path = (struct segment){blank + 1, strlen(blank + 1)};
    const char *at = parsed->path.text + 1;
    while (*at) {
        size_t size = strcspn(at, "/");
        bool last = !at[size];
        if (parsed->count == ROUTE_SEGMENTS_MAX) return false;
        if (!parse_segment(parsed, (struct segment){at, size}, last)) return false;
        at += size;
        if (*at && !*++at) return false; /* a slash at the end */
    }
    return true;
}

static struct node *literal_child(const struct node *node, struct segment segment) {
    for (struct node *child = node->literals; child; child = child->next) {
        if (child->literal_size == segment.size &&
            memcmp(child->literal, segment.text, segment.size) == 0) {
            return child;
        }
    }
    return NULL;
}

static const struct endpoint *with_method(const struct endpoint *endpoint, const char *method) {
    while (endpoint && strcmp(endpoint->method, method) != 0) endpoint = endpoint->next;
    return endpoint;
}

/* The endpoint that stands where the parsed route would; NULL: none. */
static const struct endpoint *standing(const struct router *router, const struct parsed *parsed) {
    const struct node *node = &router->root;
    for (size_t i = 0; i < parsed->count && node; i++) {
        if (parsed->rest && i + 1 == parsed->count) return with_method(node->rest, parsed->method);
        node = parsed->is_param[i] ? node->param : literal_child(node, parsed->segments[i]);
    }
    return node ? with_method(node->ends, parsed->method) : NULL;
}

static const char *refusal(const struct router *router, const char *route, struct parsed *parsed) {
    if (!parse_route(parsed, route)) {
        snprintf(router->trouble, TROUBLE_BYTES,
                 "the route '%s' is malformed: expected METHOD /path/{name}, such as "
                 "\"GET /deployments/{id}\"",
                 route);
        return router->trouble;
    }
    const struct endpoint *other = standing(router, parsed);
    if (!other) return NULL;
    snprintf(router->trouble, TROUBLE_BYTES, "the route '%s' collides with '%s %s'", route,
             other->method, other->template_);
    return router->trouble;
}

const char *router_clash(const struct router *router, const char *route) {
    struct parsed parsed;
    return refusal(router, route, &parsed);
}

static char *copy_of(struct segment segment) {
    char *copy = calloc(1, segment.size + 1);
    if (segment.size) memcpy(copy, segment.text, segment.size);
    return copy;
}

static struct node *add_literal(struct node *node, struct segment segment) {
    struct node *child = literal_child(node, segment);
    if (child) return child;
    child = calloc(1, sizeof *child);
    child->literal = copy_of(segment);
    child->literal_size = segment.size;
    child->next = node->literals;
    node->literals = child;
    return child;
}

static struct endpoint *endpoint_new(const struct parsed *parsed, void *target) {
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);
    snprintf(endpoint->method, sizeof endpoint->method, "%s", parsed->method);
    endpoint->template_ = copy_of(parsed->path);
    endpoint->target = target;
    for (size_t i = 0; i < parsed->count; i++) {
        if (!parsed->is_param[i]) continue;
        endpoint->names[endpoint->name_count++] = copy_of(parsed->segments[i]);
    }
    return endpoint;
}

const char *router_add(struct router *router, const char *route, void *target) {
    struct parsed parsed;
    const char *why = refusal(router, route, &parsed);
    if (why) return why;
    struct node *node = &router->root;
    size_t steps = parsed.count - parsed.rest;
    for (size_t i = 0; i < steps; i++) {
        if (!parsed.is_param[i]) {
            node = add_literal(node, parsed.segments[i]);
            continue;
        }
        if (!node->param) node->param = calloc(1, sizeof *node->param);
        node = node->param;
    }
    struct endpoint *endpoint = endpoint_new(&parsed, target);
    struct endpoint **list = parsed.rest ? &node->rest : &node->ends;
    endpoint->next = *list;
    *list = endpoint;
    return NULL;
}

/* ---- matching ---- */

struct search {
    const char *method;
    struct segment segments[ROUTE_SEGMENTS_MAX];
    size_t count;
    size_t params[ROUTE_PARAMS_MAX]; /* which segments are parameters on the way down */
    size_t param_count;
    const struct endpoint *found;
    const char *path_template; /* of the first path found, whatever the method */
    unsigned allowed;          /* bits of methods[] */
};

static unsigned method_bit(const char *method) {
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i], method) == 0) return 1u << i;
    }
    return 0;
}

static bool take(struct search *search, const struct endpoint *list) {
    if (!list) return false;
    search->found = with_method(list, search->method);
    if (!search->found && strcmp(search->method, "HEAD") == 0) {
        search->found = with_method(list, "GET");
    }
    if (search->found) return true;
    if (!search->path_template) search->path_template = list->template_;
    for (; list; list = list->next) search->allowed |= method_bit(list->method);
    return false;
}

static bool descend(struct search *search, const struct node *node, size_t depth) {
    if (depth == search->count) return take(search, node->ends);
    struct segment segment = search->segments[depth];
    const struct node *literal = literal_child(node, segment);
    if (literal && descend(search, literal, depth + 1)) return true;
    if (search->param_count == ROUTE_PARAMS_MAX || !segment.size) return false;
    search->params[search->param_count++] = depth;
    if (node->param && descend(search, node->param, depth + 1)) return true;
    if (take(search, node->rest)) return true;
    search->param_count--;
    return false;
}

static bool is_dots(struct segment segment) {
    return (segment.size == 1 && segment.text[0] == '.') ||
           (segment.size == 2 && memcmp(segment.text, "..", 2) == 0);
}

/* Is a part of the decoded segment "." or ".."? An encoded slash may hide one. */
static bool hides_dots(struct segment segment) {
    const char *at = segment.text, *end = at + segment.size;
    while (at <= end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        if (!slash) slash = end;
        if (is_dots((struct segment){at, (size_t)(slash - at)})) return true;
        at = slash + 1;
    }
    return false;
}

/* Splits the path and decodes what is encoded. False: malformed. */
static bool split(struct search *search, const char *path, size_t size, struct arena *arena) {
    if (!size || path[0] != '/') return false;
    const char *at = path + 1, *end = path + size;
    if (at == end) return true; /* "/" */
    for (;;) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        struct segment segment = {at, (size_t)((slash ? slash : end) - at)};
        bool plain = true;
        for (size_t i = 0; i < segment.size && plain; i++) {
            plain = segment.text[i] != '%' && (signed char)segment.text[i] > 0x20;
        }
        if (!plain) {
            segment.text = percent_decode(arena, at, segment.size, false, &segment.size);
            if (!segment.text || hides_dots(segment)) return false;
        } else if (is_dots(segment)) {
            return false;
        }
        if (search->count == ROUTE_SEGMENTS_MAX) return true; /* longer than any route: not found */
        search->segments[search->count++] = segment;
        if (!slash) return true;
        at = slash + 1;
    }
}

static const char *allow_text(unsigned allowed, struct arena *arena) {
    char text[ALLOW_BYTES] = "";
    size_t size = 0;
    for (unsigned i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!(allowed >> i & 1)) continue;
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s%s", size ? ", " : "",
                                 methods[i], i == 0 ? ", HEAD" : "");
    }
    return arena_strndup(arena, text, size);
}

/* "{name...}" takes the rest of the path, slashes between decoded segments. */
static struct segment rest_of(const struct search *search, size_t from, struct arena *arena) {
    size_t size = 0;
    for (size_t i = from; i < search->count; i++) size += search->segments[i].size + 1;
    char *text = arena_alloc(arena, size), *to = text;
    for (size_t i = from; i < search->count; i++) {
        memcpy(to, search->segments[i].text, search->segments[i].size);
        to += search->segments[i].size;
        *to++ = '/';
    }
    *--to = 0;
    return (struct segment){text, (size_t)(to - text)};
}

static void fill_params(const struct search *search, struct arena *arena,
                        struct route_match *match) {
    const struct endpoint *found = search->found;
    for (size_t i = 0; i < found->name_count; i++) {
        size_t index = search->params[i];
        struct segment value = search->segments[index];
        bool rest = i + 1 == found->name_count && strstr(found->template_, "...}");
        value = rest ? rest_of(search, index, arena)
                     : (struct segment){arena_strndup(arena, value.text, value.size), value.size};
        match->params[i] =
            (struct route_param){.name = found->names[i], .value = value.text, .size = value.size};
    }
    match->param_count = found->name_count;
}

bool router_match(const struct router *router, const char *method, const char *path, size_t size,
                  struct arena *arena, struct route_match *match) {
    match->target = NULL;
    match->template_ = match->allow = NULL;
    match->param_count = 0;
    struct search search;
    search.method = method;
    search.count = search.param_count = 0;
    search.found = NULL;
    search.path_template = NULL;
    search.allowed = 0;
    if (!split(&search, path, size, arena)) return false;
    if (descend(&search, &router->root, 0)) {
        match->target = search.found->target;
        match->template_ = search.found->template_;
        if (search.found->name_count) fill_params(&search, arena, match);
    } else if (search.path_template) {
        match->template_ = search.path_template;
        match->allow = allow_text(search.allowed, arena);
    }
    return true;
}

/* ---- what may have been meant ---- */

static const char *literal_at(const void *arg, size_t i) {
    const struct node *child = ((const struct node *)arg)->literals;
    for (; i && child; i--) child = child->next;
    return child ? child->literal : NULL;
}

const char *router_nearest(const struct router *router, const char *path, size_t size,
                           struct arena *arena) {
    struct search search = {.method = ""};
    if (!split(&search, path, size, arena)) return NULL;
    if (search.count && !search.segments[search.count - 1].size) search.count--; /* "/a/" */
    const struct node *node = &router->root;
    const char *meant = "";
    for (size_t i = 0; i < search.count; i++) {
        struct segment segment = search.segments[i];
        const char *text = arena_strndup(arena, segment.text, segment.size);
        const struct node *child = literal_child(node, segment);
        const char *near = child || node->param ? NULL : nearest_name(text, literal_at, node);
        if (near) {
            child = literal_child(node, (struct segment){near, strlen(near)});
            text = near;
        }
        node = child ? child : node->param;
        if (!node) return NULL;
        meant = arena_printf(arena, "%s/%s", meant, text);
    }
    return node->ends && *meant ? meant : NULL;
}
