#include "yaml_doc.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

struct build {
    struct pool *pool;
    struct yaml_node *open[YAML_DEPTH + 2];
    const char *key[YAML_DEPTH + 2]; /* of the map's member that comes next */
    uint32_t key_line[YAML_DEPTH + 2];
    bool flow[YAML_DEPTH + 2];
    size_t depth; /* index of the innermost that is open */
    size_t nodes;
    char *error;
    size_t error_bytes;
};

static int fail(struct build *build, const char *what, size_t line, size_t column) {
    snprintf(build->error, build->error_bytes, "line %zu, column %zu: %s", line + 1, column + 1,
             what);
    return -1;
}

/* libyaml walks all open brackets at each token; brackets in quoted text are counted too, which can
 * only refuse what nobody writes. */
static int check_brackets(struct build *build, const char *text, size_t size) {
    size_t open = 0, line = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '[' || text[i] == '{') open++;
        if ((text[i] == ']' || text[i] == '}') && open) open--;
        line += text[i] == '\n';
        if (open > YAML_BRACKETS) return fail(build, "too many open brackets", line, 0);
    }
    return 0;
}

static struct yaml_node *add(struct build *build, enum yaml_kind kind, const yaml_event_t *event) {
    struct yaml_node *node = pool_alloc(build->pool, sizeof *node);
    struct yaml_node *parent = build->open[build->depth];
    if (!parent) parent = build->open[0];
    node->kind = kind;
    node->from = (uint32_t)event->start_mark.line;
    node->to = (uint32_t)event->end_mark.line;
    if (event->end_mark.column == 0 && node->to > node->from) node->to--;
    node->key = build->key[build->depth];
    if (node->key) node->from = build->key_line[build->depth];
    build->key[build->depth] = NULL;
    if (parent->last)
        parent->last->next = node;
    else
        parent->child = node;
    parent->last = node;
    build->nodes++;
    return node;
}

static bool expects_key(const struct build *build) {
    const struct yaml_node *parent = build->open[build->depth];
    return parent && parent->kind == YAML_MAP && !build->key[build->depth];
}

/* A scalar in the place of a key is kept for the value that follows. */
static int take_scalar(struct build *build, const yaml_event_t *event, const char *text,
                       size_t size) {
    const char *copy = pool_strndup(build->pool, text, size);
    if (expects_key(build)) {
        build->key[build->depth] = copy;
        build->key_line[build->depth] = (uint32_t)event->start_mark.line;
        return 0;
    }
    add(build, YAML_SCALAR, event)->text = copy;
    return 0;
}

static int take_start(struct build *build, const yaml_event_t *event, enum yaml_kind kind,
                      bool flow) {
    if (build->depth >= YAML_DEPTH)
        return fail(build, "it is nested too deep", event->start_mark.line,
                    event->start_mark.column);
    if (expects_key(build))
        return fail(build, "a key must be text", event->start_mark.line, event->start_mark.column);
    struct yaml_node *node = add(build, kind, event);
    build->open[++build->depth] = node;
    build->key[build->depth] = NULL;
    build->flow[build->depth] = flow;
    return 0;
}

/* The end of a block is marked where the next thing starts: its last child says where it ends. */
static void take_end(struct build *build, const yaml_event_t *event) {
    const bool flow = build->flow[build->depth];
    struct yaml_node *node = build->open[build->depth--];
    if (!node) return;
    if (node->last && node->last->to > node->to) node->to = node->last->to;
    if (flow) node->to = (uint32_t)event->end_mark.line;
}

static int take(struct build *build, const yaml_event_t *event) {
    if (build->nodes > YAML_NODES)
        return fail(build, "too many values", event->start_mark.line, event->start_mark.column);
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return take_scalar(build, event, (const char *)event->data.scalar.value,
                           event->data.scalar.length);
    case YAML_ALIAS_EVENT: {
        const char *name = pool_printf(build->pool, "*%s", (const char *)event->data.alias.anchor);
        return take_scalar(build, event, name, strlen(name));
    }
    case YAML_MAPPING_START_EVENT:
        return take_start(build, event, YAML_MAP,
                          event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
    case YAML_SEQUENCE_START_EVENT:
        return take_start(build, event, YAML_LIST,
                          event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        take_end(build, event);
        return 0;
    default:
        return 0;
    }
}

static int read_events(struct build *build, yaml_parser_t *parser) {
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event))
            return fail(build, parser->problem ? parser->problem : "it is no YAML",
                        parser->problem_mark.line, parser->problem_mark.column);
        more = event.type != YAML_STREAM_END_EVENT;
        const int rc = take(build, &event);
        yaml_event_delete(&event);
        if (rc) return rc;
    }
    return 0;
}

struct yaml_node *yaml_read(struct pool *pool, const char *text, size_t size, char *error,
                            size_t error_bytes) {
    struct build build = {.pool = pool, .error = error, .error_bytes = error_bytes};
    struct yaml_node *root = pool_alloc(pool, sizeof *root);
    root->kind = YAML_LIST;
    build.open[0] = root;
    if (size > YAML_BYTES) return fail(&build, "YAML and JSON may have 4 MiB", 0, 0), NULL;
    yaml_parser_t parser;
    if (check_brackets(&build, text, size) || !yaml_parser_initialize(&parser)) return NULL;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    const int rc = read_events(&build, &parser);
    yaml_parser_delete(&parser);
    return rc ? NULL : root;
}

const struct yaml_node *yaml_get(const struct yaml_node *node, const char *key) {
    if (!node || node->kind != YAML_MAP) return NULL;
    for (const struct yaml_node *at = node->child; at; at = at->next)
        if (at->key && !strcmp(at->key, key)) return at;
    return NULL;
}

const char *yaml_text(const struct yaml_node *node, const char *key) {
    const struct yaml_node *found = yaml_get(node, key);
    return found && found->kind == YAML_SCALAR ? found->text : NULL;
}
