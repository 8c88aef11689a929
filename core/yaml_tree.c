/* yaml_tree.c - libyaml's events to a tree, by the rules of yaml_tree.h. */
#include "yaml_tree.h"

#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

struct anchor {
    const char *name;
    struct yaml_node *node;
    struct anchor *next;
};

struct reader {
    yaml_parser_t parser;
    struct arena *arena;
    const struct source *source;
    struct yaml_sink *sink;
    struct anchor *anchors;
    size_t anchor_count, nodes;
    unsigned depth;
    bool stopped; /* a fault after which there is no tree */
};

static void tell(struct reader *reader, struct yaml_fault fault) {
    reader->sink->fault(reader->sink, &fault);
}

/* Ends the reading. */
static void stop(struct reader *reader, struct yaml_fault fault) {
    if (!reader->stopped) tell(reader, fault);
    reader->stopped = true;
}

static struct text_place place_of(const struct reader *reader, yaml_mark_t start, yaml_mark_t end) {
    return (struct text_place){.source = reader->source,
                               .line = (unsigned)start.line + 1,
                               .column = (unsigned)start.column + 1,
                               .end_line = (unsigned)end.line + 1,
                               .end_column = (unsigned)end.column + 1};
}

static struct text_place place_of_event(const struct reader *reader, const yaml_event_t *event) {
    return place_of(reader, event->start_mark, event->end_mark);
}

/* ---- libyaml's own errors, in better words ---- */

static const struct {
    const char *theirs, *ours;
} wordings[] = {
    {"mapping values are not allowed in this context",
     "a ':' that begins no value here: check the indentation, or quote the text"},
    {"could not find expected ':'", "a key without ':' behind it"},
    {"did not find expected key", "the indentation fits no open block"},
    {"did not find expected '-' indicator", "expected '-' like the items above"},
    {"did not find expected ',' or ']'", "expected ',' or ']' in the list"},
    {"did not find expected ',' or '}'", "expected ',' or '}' in the mapping"},
    {"did not find expected node content", "expected a value"},
    {"found unexpected end of stream", "the text ends inside a quoted value"},
    {"found character that cannot start any token", "a character that begins no value: quote it"},
    {"block sequence entries are not allowed in this context",
     "a '-' that begins no item here: put the list on its own lines"},
};

static const char *reworded(const char *problem) {
    for (size_t i = 0; i < sizeof wordings / sizeof *wordings; i++)
        if (strcmp(wordings[i].theirs, problem) == 0) return wordings[i].ours;
    return problem;
}

static bool tab_indents(const struct source *source, unsigned line, unsigned *column) {
    const char *text;
    size_t size;
    if (!source_line(source, line, &text, &size)) return false;
    for (size_t i = 0; i < size && (text[i] == ' ' || text[i] == '\t'); i++) {
        if (text[i] != '\t') continue;
        *column = (unsigned)i + 1;
        return true;
    }
    return false;
}

static bool line_has(const struct source *source, unsigned line, const char *what) {
    const char *text;
    size_t size;
    return source_line(source, line, &text, &size) && memmem(text, size, what, strlen(what));
}

static void stop_at_syntax(struct reader *reader, const yaml_parser_t *parser) {
    yaml_mark_t mark = parser->problem_mark;
    struct text_place at = place_of(reader, mark, mark);
    at.end_column++;
    const char *why = parser->problem ? reworded(parser->problem) : "not YAML";
    unsigned column = 0;
    if (tab_indents(reader->source, at.line, &column)) {
        at.column = column;
        at.end_column = column + 1;
        stop(reader, (struct yaml_fault){.code = "C0104",
                                         .at = at,
                                         .message = "a tab in the indentation",
                                         .suggestion = "YAML indents with blanks only"});
        return;
    }
    bool variable = line_has(reader->source, at.line, "${");
    stop(reader,
         (struct yaml_fault){
             .code = "C0105",
             .at = at,
             .message = why,
             .suggestion = variable ? "inside [ ] and { } write \"${NAME}\" with quotes" : NULL});
}

static void stop_at_bytes(struct reader *reader, const yaml_parser_t *parser) {
    struct text_place at = source_place(reader->source, parser->problem_offset);
    bool control = parser->problem && strstr(parser->problem, "control");
    stop(reader, (struct yaml_fault){.code = "C0103",
                                     .at = at,
                                     .message = control ? "a control character" : "not UTF-8",
                                     .suggestion = control ? "write it as an escape in \"quotes\""
                                                           : "save the file as UTF-8"});
}

/* The next event; false after an error, which has been told. */
static bool next(struct reader *reader, yaml_event_t *event) {
    if (reader->stopped) return false;
    if (yaml_parser_parse(&reader->parser, event)) return true;
    if (reader->parser.error == YAML_READER_ERROR)
        stop_at_bytes(reader, &reader->parser);
    else
        stop_at_syntax(reader, &reader->parser);
    return false;
}

/* ---- the tree ---- */

void yaml_add(struct arena *arena, struct yaml_node *to, struct yaml_member member) {
    struct yaml_member *space = arena_alloc(arena, sizeof *space);
    *space = member;
    space->next = NULL;
    if (to->last)
        to->last->next = space;
    else
        to->first = space;
    to->last = space;
    to->count++;
    to->weight += member.value->weight;
    if (to->height <= member.value->height) to->height = member.value->height + 1;
}

struct yaml_member *yaml_find(const struct yaml_node *map, const char *key) {
    if (!map || map->kind != YAML_IS_MAP) return NULL;
    for (struct yaml_member *member = map->first; member; member = member->next)
        if (strcmp(member->key, key) == 0) return member;
    return NULL;
}

static bool count_nodes(struct reader *reader, size_t more, struct text_place at) {
    reader->nodes += more;
    if (reader->nodes <= YAML_NODES_MAX) return true;
    stop(reader,
         (struct yaml_fault){.code = "C0113",
                             .at = at,
                             .message = "more than 50000 values, with what aliases stand for"});
    return false;
}

static bool fits_depth(struct reader *reader, unsigned more, struct text_place at) {
    if (reader->depth + more <= YAML_DEPTH_MAX) return true;
    stop(reader, (struct yaml_fault){
                     .code = "C0106", .at = at, .message = "nested more than 64 levels deep"});
    return false;
}

static void add_anchor(struct reader *reader, const yaml_char_t *name, struct yaml_node *node) {
    if (!name) return;
    if (++reader->anchor_count > YAML_ANCHORS_MAX) {
        stop(reader, (struct yaml_fault){
                         .code = "C0110", .at = node->at, .message = "more than 100 anchors"});
        return;
    }
    struct anchor *anchor = arena_alloc(reader->arena, sizeof *anchor);
    *anchor = (struct anchor){.name = arena_strdup(reader->arena, (const char *)name),
                              .node = node,
                              .next = reader->anchors};
    reader->anchors = anchor;
}

static struct yaml_node *read_alias(struct reader *reader, const yaml_event_t *event) {
    const char *name = (const char *)event->data.alias.anchor;
    struct text_place at = place_of_event(reader, event);
    struct anchor *anchor = reader->anchors;
    while (anchor && strcmp(anchor->name, name) != 0) anchor = anchor->next;
    if (anchor && !anchor->node->open) {
        if (!count_nodes(reader, anchor->node->weight, at)) return NULL;
        return fits_depth(reader, anchor->node->height, at) ? anchor->node : NULL;
    }
    const char *why = anchor ? "this alias stands inside its own anchor"
                             : "this alias (*) has no anchor (&) before it";
    stop(reader, (struct yaml_fault){.code = "C0110",
                                     .at = at,
                                     .message = why,
                                     .suggestion = "quote a text that begins with '*'"});
    return NULL;
}

/* Only the tags of the core schema; `quoted` text with a type's tag is read as if it were not. */
static void take_tag(struct reader *reader, const yaml_char_t *tag, struct yaml_node *node) {
    static const char core[] = "tag:yaml.org,2002:";
    if (!tag) return;
    const char *name = (const char *)tag;
    if (strcmp(name, "!") == 0) return;
    if (strncmp(name, core, sizeof core - 1) == 0) {
        name += sizeof core - 1;
        bool scalar = node->kind == YAML_IS_SCALAR;
        if (node->kind == YAML_IS_MAP && strcmp(name, "map") == 0) return;
        if (node->kind == YAML_IS_LIST && strcmp(name, "seq") == 0) return;
        if (scalar && strcmp(name, "str") == 0) {
            node->plain = false;
            return;
        }
        if (scalar && (strcmp(name, "int") == 0 || strcmp(name, "float") == 0 ||
                       strcmp(name, "bool") == 0 || strcmp(name, "null") == 0)) {
            node->plain = true;
            return;
        }
    }
    /* Its name is not repeated: `password: !x` may be a password. */
    tell(reader, (struct yaml_fault){.code = "C0111",
                                     .at = node->at,
                                     .message = "this tag has no meaning here",
                                     .suggestion = "quote a text that begins with '!'"});
}

static struct yaml_node *new_node(struct reader *reader, enum yaml_kind kind,
                                  const yaml_event_t *event) {
    struct text_place at = place_of_event(reader, event);
    if (!count_nodes(reader, 1, at)) return NULL;
    struct yaml_node *node = arena_zalloc(reader->arena, sizeof *node);
    node->kind = kind;
    node->at = at;
    node->weight = 1;
    return node;
}

static struct yaml_node *read_scalar(struct reader *reader, const yaml_event_t *event) {
    struct yaml_node *node = new_node(reader, YAML_IS_SCALAR, event);
    if (!node) return NULL;
    const char *text = (const char *)event->data.scalar.value;
    node->size = event->data.scalar.length;
    node->text = arena_strndup(reader->arena, text, node->size);
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text, 0, node->size))
        tell(reader, (struct yaml_fault){
                         .code = "C0103", .at = node->at, .message = "a NUL character in a value"});
    take_tag(reader, event->data.scalar.tag, node);
    add_anchor(reader, event->data.scalar.anchor, node);
    return node;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event);

/* Enters a collection: its node, still empty. */
static struct yaml_node *enter(struct reader *reader, const yaml_event_t *event) {
    bool list = event->type == YAML_SEQUENCE_START_EVENT;
    struct yaml_node *node = new_node(reader, list ? YAML_IS_LIST : YAML_IS_MAP, event);
    if (!node) return NULL;
    if (!fits_depth(reader, 1, node->at)) return NULL;
    reader->depth++;
    node->height = 1;
    node->open = true;
    take_tag(reader, list ? event->data.sequence_start.tag : event->data.mapping_start.tag, node);
    add_anchor(reader, list ? event->data.sequence_start.anchor : event->data.mapping_start.anchor,
               node);
    return node;
}

static void leave(struct reader *reader, struct yaml_node *node, yaml_mark_t end) {
    node->at.end_line = (unsigned)end.line + 1;
    node->at.end_column = (unsigned)end.column + 1;
    node->open = false;
    reader->depth--;
}

static struct yaml_node *read_list(struct reader *reader, const yaml_event_t *start) {
    struct yaml_node *list = enter(reader, start);
    yaml_event_t event;
    while (list && next(reader, &event)) {
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        const yaml_mark_t mark = event.end_mark;
        struct yaml_node *item = end ? NULL : read_node(reader, &event);
        yaml_event_delete(&event);
        if (item) yaml_add(reader->arena, list, (struct yaml_member){.value = item});
        if (end) {
            leave(reader, list, mark);
            return list;
        }
    }
    return NULL;
}

static const char *key_trouble(const yaml_event_t *event) {
    if (event->type != YAML_SCALAR_EVENT) return "a key must be a plain name";
    const char *text = (const char *)event->data.scalar.value;
    size_t size = event->data.scalar.length;
    if (size == 0) return "a key without a name";
    if (size > YAML_KEY_BYTES_MAX) return "a key of more than 256 bytes";
    if (memchr(text, 0, size)) return "a NUL character in a key";
    if (strcmp(text, "<<") == 0 && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
        return "merge keys (<<) are not part of YAML 1.2";
    return NULL;
}

static bool read_member(struct reader *reader, struct yaml_node *map, const yaml_event_t *key) {
    struct yaml_member member = {.key_at = place_of_event(reader, key)};
    const char *trouble = key_trouble(key);
    if (trouble) {
        stop(reader, (struct yaml_fault){.code = "C0109", .at = member.key_at, .message = trouble});
        return false;
    }
    member.key = arena_strdup(reader->arena, (const char *)key->data.scalar.value);
    yaml_event_t event;
    if (!next(reader, &event)) return false;
    member.value = read_node(reader, &event);
    yaml_event_delete(&event);
    if (member.value) yaml_add(reader->arena, map, member);
    return member.value != NULL;
}

struct keyed {
    struct yaml_member *member;
};

static int by_key(const void *left, const void *right) {
    const struct yaml_member *a = ((const struct keyed *)left)->member;
    const struct yaml_member *b = ((const struct keyed *)right)->member;
    int order = strcmp(a->key, b->key);
    if (order) return order;
    if (a->key_at.line != b->key_at.line) return a->key_at.line < b->key_at.line ? -1 : 1;
    return a->key_at.column < b->key_at.column ? -1 : a->key_at.column > b->key_at.column;
}

static void tell_twin(struct reader *reader, struct yaml_member *twin, unsigned first_line) {
    twin->twin = true;
    tell(reader,
         (struct yaml_fault){
             .code = "C0108",
             .at = twin->key_at,
             .message = arena_printf(reader->arena, "the key '%s' stands here twice", twin->key),
             .suggestion = arena_printf(reader->arena, "the first one is in line %u", first_line)});
}

/* Sorted, since a map may have tens of thousands of members. */
static void check_twins(struct reader *reader, const struct yaml_node *map) {
    if (map->count < 2) return;
    struct keyed *sorted = arena_alloc(reader->arena, map->count * sizeof *sorted);
    size_t n = 0;
    for (struct yaml_member *member = map->first; member; member = member->next)
        sorted[n++].member = member;
    qsort(sorted, n, sizeof *sorted, by_key);
    for (size_t i = 1, first = 0; i < n; i++) {
        if (strcmp(sorted[first].member->key, sorted[i].member->key) == 0)
            tell_twin(reader, sorted[i].member, sorted[first].member->key_at.line);
        else
            first = i;
    }
}

static struct yaml_node *read_map(struct reader *reader, const yaml_event_t *start) {
    struct yaml_node *map = enter(reader, start);
    yaml_event_t event;
    while (map && next(reader, &event)) {
        bool end = event.type == YAML_MAPPING_END_EVENT;
        const yaml_mark_t mark = event.end_mark;
        bool good = end || read_member(reader, map, &event);
        yaml_event_delete(&event);
        if (!good) return NULL;
        if (end) {
            leave(reader, map, mark);
            check_twins(reader, map);
            return map;
        }
    }
    return NULL;
}

static struct yaml_node *read_node(struct reader *reader, const yaml_event_t *event) {
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event);
    case YAML_ALIAS_EVENT:
        return read_alias(reader, event);
    case YAML_SEQUENCE_START_EVENT:
        return read_list(reader, event);
    case YAML_MAPPING_START_EVENT:
        return read_map(reader, event);
    default:
        return NULL;
    }
}

/* ---- the document ---- */

static struct yaml_node *empty_map(struct reader *reader) {
    struct yaml_node *node = arena_zalloc(reader->arena, sizeof *node);
    node->kind = YAML_IS_MAP;
    node->at = (struct text_place){.source = reader->source, .line = 1, .column = 1};
    node->weight = 1;
    return node;
}

static struct yaml_node *read_stream(struct reader *reader) {
    struct yaml_node *root = NULL;
    unsigned documents = 0;
    yaml_event_t event;
    for (bool end = false; !end && next(reader, &event);) {
        end = event.type == YAML_STREAM_END_EVENT;
        if (event.type == YAML_DOCUMENT_START_EVENT && ++documents > 1)
            stop(reader, (struct yaml_fault){.code = "C0107",
                                             .at = place_of_event(reader, &event),
                                             .message = "a second document begins here",
                                             .suggestion = "use include: for a second file"});
        else if (!root && documents == 1)
            root = read_node(reader, &event);
        yaml_event_delete(&event);
    }
    if (reader->stopped) return NULL;
    bool nothing = !root || (root->kind == YAML_IS_SCALAR && root->plain && root->size == 0);
    return nothing ? empty_map(reader) : root;
}

static bool within_limits(struct reader *reader) {
    const struct source *source = reader->source;
    if (source->size > YAML_BYTES_MAX) {
        stop(reader, (struct yaml_fault){.code = "C0102",
                                         .at = {.source = source, .line = 1, .column = 1},
                                         .message = "larger than 1 MiB"});
        return false;
    }
    size_t offset;
    if (yaml_scan(source->text, source->size, &offset)) return true;
    bool directive = source->text[offset] == '\n';
    stop(reader, (struct yaml_fault){.code = "C0106",
                                     .at = source_place(source, offset),
                                     .message = directive ? "more than 8 directives (%)"
                                                          : "nested more than 64 levels deep"});
    return false;
}

struct yaml_node *yaml_read(struct arena *arena, const struct source *source,
                            struct yaml_sink *sink) {
    struct reader reader = {.arena = arena, .source = source, .sink = sink};
    if (!within_limits(&reader)) return NULL;
    if (!yaml_parser_initialize(&reader.parser)) abort(); /* only without memory */
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)source->text, source->size);
    struct yaml_node *root = read_stream(&reader);
    yaml_parser_delete(&reader.parser);
    return root;
}
