/* expr_parse.c - reads a condition into a tree: precedence climbing with expr-lang's levels. */
#include "expr_tree.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

struct expr_chunk {
    struct expr_chunk *next;
    size_t used, room;
    _Alignas(16) char bytes[];
};

enum { CHUNK_BYTES = 8192 };

void *expr_alloc(struct expr_memory *memory, size_t size) {
    size = (size + 15) & ~(size_t)15;
    if (size > EXPR_MEMORY_MAX || memory->used + size > EXPR_MEMORY_MAX) return NULL;
    struct expr_chunk *chunk = memory->chunks;
    if (!chunk || chunk->room - chunk->used < size) {
        const size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        chunk = malloc(sizeof *chunk + room);
        if (!chunk) return NULL;
        *chunk = (struct expr_chunk){.next = memory->chunks, .room = room};
        memory->chunks = chunk;
    }
    void *bytes = chunk->bytes + chunk->used;
    chunk->used += size;
    memory->used += size;
    return memset(bytes, 0, size);
}

void expr_free(struct expr_memory *memory) {
    while (memory->chunks) {
        struct expr_chunk *next = memory->chunks->next;
        free(memory->chunks);
        memory->chunks = next;
    }
}

/* ---- functions ---- */

static const struct function_row functions[] = {
    [FN_LEN] = {"len", 1, 1, false},       [FN_ALL] = {"all", 2, 2, true},
    [FN_ANY] = {"any", 2, 2, true},        [FN_NONE] = {"none", 2, 2, true},
    [FN_ONE] = {"one", 2, 2, true},        [FN_FILTER] = {"filter", 2, 2, true},
    [FN_MAP] = {"map", 2, 2, true},        [FN_COUNT] = {"count", 1, 2, true},
    [FN_FIND] = {"find", 2, 2, true},      [FN_SUM] = {"sum", 1, 2, true},
    [FN_MEAN] = {"mean", 1, 8, false},     [FN_MEDIAN] = {"median", 1, 8, false},
    [FN_MIN] = {"min", 1, 8, false},       [FN_MAX] = {"max", 1, 8, false},
    [FN_ABS] = {"abs", 1, 1, false},       [FN_CEIL] = {"ceil", 1, 1, false},
    [FN_FLOOR] = {"floor", 1, 1, false},   [FN_ROUND] = {"round", 1, 1, false},
    [FN_INT] = {"int", 1, 1, false},       [FN_FLOAT] = {"float", 1, 1, false},
    [FN_STRING] = {"string", 1, 1, false}, [FN_LOWER] = {"lower", 1, 1, false},
    [FN_UPPER] = {"upper", 1, 1, false},   [FN_TRIM] = {"trim", 1, 1, false},
    [FN_FIRST] = {"first", 1, 1, false},   [FN_LAST] = {"last", 1, 1, false},
    [FN_KEYS] = {"keys", 1, 1, false},     [FN_VALUES] = {"values", 1, 1, false},
    [FN_AS_INT] = {"asInt", 1, 1, false},  [FN_AS_FLOAT] = {"asFloat", 1, 1, false},
    [FN_IS_NAN] = {"isNaN", 1, 1, false},  [FN_IS_INF] = {"isInf", 1, 1, false},
    [FN_IS_NIL] = {"isNil", 1, 1, false},  [FN_DEFAULT] = {"default", 2, 2, false},
};

const struct function_row *function_row(enum function function) {
    return &functions[function];
}

int function_find(const char *name, size_t size) {
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (strlen(functions[i].name) == size && memcmp(functions[i].name, name, size) == 0)
            return (int)i;
    return -1;
}

/* ---- tokens ---- */

enum token_kind { TOKEN_END, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_NAME, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    const char *text, *at; /* a string's text is unescaped, elsewhere */
    size_t size;
    double number;
    bool whole;
};

struct reader {
    struct expr_memory *memory;
    const char *start, *at;
    struct token token;
    char *fault;
    int depth, nodes;
    int predicates; /* how many predicates we are inside of */
    bool failed;
    struct node spare; /* given out after a fault, never looked at */
};

static int place(const struct reader *r) {
    return (int)(r->token.at - r->start) + 1;
}

static void __attribute__((format(printf, 2, 3)))
complain(struct reader *r, const char *format, ...) {
    if (r->failed) return;
    r->failed = true;
    char why[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    (void)snprintf(r->fault, EXPR_FAULT_BYTES, "column %d: %s", place(r), why);
}

static bool is_name(char c) {
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static void read_number(struct reader *r) {
    char digits[64];
    size_t size = 0;
    bool whole = true;
    const char *at = r->at;
    for (; isdigit((unsigned char)*at) || *at == '_' || *at == '.' || *at == 'e' || *at == 'E' ||
           ((*at == '-' || *at == '+') && size && (digits[size - 1] | 32) == 'e');
         at++) {
        if (*at == '.' && (at[1] == '.' || !isdigit((unsigned char)at[1]))) break;
        if (*at == '_') continue;
        if (!isdigit((unsigned char)*at)) whole = false;
        if (size + 1 >= sizeof digits) {
            complain(r, "a number of more than 60 digits");
            break;
        }
        digits[size++] = *at;
    }
    digits[size] = 0;
    char *end = NULL;
    r->token.number = strtod(digits, &end);
    if (*end) complain(r, "'%s' is no number", digits);
    r->token.whole = whole;
    r->token.kind = TOKEN_NUMBER;
    r->at = at;
}

static void read_escape(struct reader *r, char *out, size_t *size) {
    static const char from[] = "ntr\\'\"`0", to[] = "\n\t\r\\'\"`\0";
    const char *found = *r->at ? strchr(from, *r->at) : NULL;
    if (!found) {
        complain(r, "an escape that is not known: \\%c", *r->at ? *r->at : ' ');
        return;
    }
    out[(*size)++] = to[found - from];
    r->at++;
}

static void read_text(struct reader *r) {
    const char quote = *r->at++;
    const size_t room = strlen(r->at);
    char *out = expr_alloc(r->memory, room + 1);
    size_t size = 0;
    while (out && *r->at && *r->at != quote && !r->failed) {
        if (*r->at == '\\' && quote != '`') {
            r->at++;
            read_escape(r, out, &size);
        } else {
            out[size++] = *r->at++;
        }
    }
    if (!out || *r->at != quote) {
        complain(r, "the string that begins here has no end");
        return;
    }
    r->at++;
    r->token.kind = TOKEN_TEXT;
    r->token.text = out;
    r->token.size = size;
}

static const char *const signs[] = {"?.", "??", "||", "&&", "==", "!=", "<=", ">=", "**", NULL};

static void read_sign(struct reader *r) {
    size_t size = 1;
    for (const char *const *sign = signs; *sign; sign++)
        if (strncmp(r->at, *sign, 2) == 0) size = 2;
    /* "a ?.5 : 1" is a ternary */
    if (size == 2 && r->at[0] == '?' && r->at[1] == '.' && isdigit((unsigned char)r->at[2]))
        size = 1;
    r->token.kind = TOKEN_SIGN;
    r->token.size = size;
    if (!strchr("+-*/%^<>!?:.,()[]{}#|&=", *r->at)) complain(r, "a sign that is not known here");
    r->at += size;
}

static void next(struct reader *r) {
    while (isspace((unsigned char)*r->at)) r->at++;
    const char *start = r->at;
    r->token = (struct token){.kind = TOKEN_END, .text = start, .at = start};
    if (!*start || r->failed) return;
    if (isdigit((unsigned char)*start)) {
        read_number(r);
    } else if (*start == '"' || *start == '\'' || *start == '`') {
        read_text(r);
    } else if (is_name(*start)) {
        while (is_name(*r->at)) r->at++;
        r->token.kind = TOKEN_NAME;
        r->token.size = (size_t)(r->at - start);
    } else {
        read_sign(r);
    }
}

static bool is(const struct reader *r, enum token_kind kind, const char *text) {
    return r->token.kind == kind && strlen(text) == r->token.size &&
           memcmp(r->token.text, text, r->token.size) == 0;
}

static bool take(struct reader *r, const char *sign) {
    if (!is(r, TOKEN_SIGN, sign)) return false;
    next(r);
    return true;
}

static void want(struct reader *r, const char *sign) {
    if (!take(r, sign)) complain(r, "'%s' is missing here", sign);
}

/* ---- trees ---- */

static struct node *make(struct reader *r, enum node_kind kind) {
    struct node *node = r->nodes++ < EXPR_NODES_MAX ? expr_alloc(r->memory, sizeof *node) : NULL;
    if (!node) {
        complain(r, "the condition is too large");
        r->spare = (struct node){0};
        return &r->spare;
    }
    node->kind = kind;
    return node;
}

static struct node *expression(struct reader *r, int level);

static struct node *predicate(struct reader *r) {
    const bool braced = take(r, "{");
    r->predicates++;
    struct node *node = expression(r, 0);
    r->predicates--;
    if (braced) want(r, "}");
    return node;
}

static struct node *call(struct reader *r, const char *name, size_t size, int at) {
    const int found = function_find(name, size);
    if (found < 0) {
        r->token.at = name;
        complain(r, "there is no function %.*s", (int)(size < 40 ? size : 40), name);
        return make(r, NODE_NIL);
    }
    const struct function_row *row = &functions[found];
    struct node *node = make(r, NODE_CALL), **last = &node->a;
    node->function = (enum function)found;
    node->at = at;
    while (!r->failed && !is(r, TOKEN_SIGN, ")")) {
        *last = node->args == 1 && row->predicate ? predicate(r) : expression(r, 0);
        last = &(*last)->next;
        node->args++;
        if (!take(r, ",")) break;
    }
    want(r, ")");
    if (!r->failed && (node->args < row->least || node->args > row->most))
        complain(r, "%s takes %d argument%s, not %d", row->name, row->least,
                 row->least == 1 ? "" : "s", node->args);
    return node;
}

static struct node *name(struct reader *r) {
    static const struct {
        const char *word;
        enum node_kind kind;
        double number;
    } words[] = {{"true", NODE_BOOL, 1},
                 {"false", NODE_BOOL, 0},
                 {"nil", NODE_NIL, 0},
                 {"result", NODE_RESULT, 0}};
    const struct token token = r->token;
    const int at = place(r);
    next(r);
    if (take(r, "(")) return call(r, token.text, token.size, at);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) != token.size ||
            memcmp(words[i].word, token.text, token.size) != 0)
            continue;
        struct node *node = make(r, words[i].kind);
        node->number = words[i].number;
        node->at = at;
        return node;
    }
    r->token.at = token.at;
    complain(r, "unknown name %.*s: the measured value is called result",
             (int)(token.size < 40 ? token.size : 40), token.text);
    return make(r, NODE_NIL);
}

static struct node *list(struct reader *r) {
    struct node *node = make(r, NODE_LIST), **last = &node->a;
    while (!r->failed && !is(r, TOKEN_SIGN, "]")) {
        *last = expression(r, 0);
        last = &(*last)->next;
        if (!take(r, ",")) break;
    }
    want(r, "]");
    return node;
}

static struct node *literal(struct reader *r) {
    struct node *node;
    if (r->token.kind == TOKEN_NUMBER) {
        node = make(r, r->token.whole ? NODE_INT : NODE_FLOAT);
        node->number = r->token.number;
    } else {
        node = make(r, NODE_TEXT);
        node->text = r->token.text;
        node->size = r->token.size;
    }
    next(r);
    return node;
}

/* #, #index, and .member in a predicate */
static struct node *item(struct reader *r) {
    if (!r->predicates) complain(r, "# is the item of a list: it stands in all(result, {# > 1})");
    if (is(r, TOKEN_SIGN, ".")) return make(r, NODE_ITEM); /* the member follows */
    next(r);
    if (is(r, TOKEN_NAME, "index") && r->token.text[-1] == '#') {
        next(r);
        return make(r, NODE_PLACE);
    }
    return make(r, NODE_ITEM);
}

static struct node *primary(struct reader *r) {
    if (r->token.kind == TOKEN_NUMBER || r->token.kind == TOKEN_TEXT) return literal(r);
    if (r->token.kind == TOKEN_NAME) return name(r);
    if (is(r, TOKEN_SIGN, "#") || is(r, TOKEN_SIGN, ".")) return item(r);
    if (take(r, "[")) return list(r);
    if (take(r, "(")) {
        struct node *node = expression(r, 0);
        want(r, ")");
        return node;
    }
    complain(r, r->token.kind == TOKEN_END ? "the condition ends where a value is expected"
                                           : "a value is expected here");
    return make(r, NODE_NIL);
}

static struct node *brackets(struct reader *r, struct node *of, bool optional) {
    struct node *node = make(r, NODE_INDEX);
    node->a = of;
    node->optional = optional;
    node->at = place(r);
    if (!is(r, TOKEN_SIGN, ":")) node->b = expression(r, 0);
    if (take(r, ":")) {
        node->kind = NODE_SLICE;
        if (!is(r, TOKEN_SIGN, "]")) node->c = expression(r, 0);
    }
    want(r, "]");
    return node;
}

static struct node *postfix(struct reader *r) {
    struct node *node = primary(r);
    while (!r->failed) {
        const int at = place(r);
        const bool optional = take(r, "?.");
        if (take(r, "[")) {
            node = brackets(r, node, optional);
            continue;
        }
        if (!optional && !take(r, ".")) break;
        if (r->token.kind != TOKEN_NAME) {
            complain(r, "the name of a member is expected after the dot");
            break;
        }
        struct node *member = make(r, NODE_MEMBER);
        member->a = node;
        member->optional = optional;
        member->at = at;
        member->text = r->token.text;
        member->size = r->token.size;
        node = member;
        next(r);
    }
    return node;
}

/* expr-lang's levels: "not" binds looser than comparison's operands, minus tighter than "*". */
enum { NOT_LEVEL = 50, MINUS_LEVEL = 90 };

static struct node *unary(struct reader *r) {
    const bool not = is(r, TOKEN_SIGN, "!") || is(r, TOKEN_NAME, "not");
    const bool minus = is(r, TOKEN_SIGN, "-"), plus = is(r, TOKEN_SIGN, "+");
    if (!not &&!minus && !plus) return postfix(r);
    const int at = place(r);
    next(r);
    struct node *inner = expression(r, not ? NOT_LEVEL : MINUS_LEVEL);
    if (plus) return inner;
    struct node *node = make(r, not ? NODE_NOT : NODE_MINUS);
    node->a = inner;
    node->at = at;
    return node;
}

static const struct binary {
    const char *word;
    enum operation op;
    int level;
    bool right;
} binaries[] = {{"||", OP_OR, 10, false},
                {"or", OP_OR, 10, false},
                {"&&", OP_AND, 15, false},
                {"and", OP_AND, 15, false},
                {"==", OP_EQ, 20, false},
                {"!=", OP_NE, 20, false},
                {"<", OP_LT, 20, false},
                {">", OP_GT, 20, false},
                {"<=", OP_LE, 20, false},
                {">=", OP_GE, 20, false},
                {"in", OP_IN, 20, false},
                {"not", OP_NOT_IN, 20, false},
                {"contains", OP_CONTAINS, 20, false},
                {"startsWith", OP_STARTS, 20, false},
                {"endsWith", OP_ENDS, 20, false},
                {"+", OP_ADD, 30, false},
                {"-", OP_SUB, 30, false},
                {"*", OP_MUL, 60, false},
                {"/", OP_DIV, 60, false},
                {"%", OP_MOD, 60, false},
                {"**", OP_POW, 100, true},
                {"^", OP_POW, 100, true},
                {"??", OP_ELSE, 500, false}};

static const struct binary *binary_at(const struct reader *r) {
    if (r->token.kind != TOKEN_SIGN && r->token.kind != TOKEN_NAME) return NULL;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (is(r, r->token.kind, binaries[i].word)) return &binaries[i];
    return NULL;
}

static struct node *binary(struct reader *r, int level) {
    struct node *left = unary(r);
    const struct binary *row;
    while (!r->failed && (row = binary_at(r)) && row->level >= level) {
        struct node *node = make(r, NODE_BINARY);
        node->at = place(r);
        node->op = row->op;
        next(r);
        if (row->op == OP_NOT_IN) {
            if (!is(r, TOKEN_NAME, "in")) complain(r, "'in' is expected after 'not'");
            next(r);
        }
        node->a = left;
        node->b = expression(r, row->right ? row->level : row->level + 1);
        left = node;
    }
    return left;
}

static struct node *expression(struct reader *r, int level) {
    if (++r->depth > EXPR_DEPTH_MAX) complain(r, "more than %d levels deep", EXPR_DEPTH_MAX);
    struct node *node = r->failed ? make(r, NODE_NIL) : binary(r, level);
    if (level == 0 && !r->failed && take(r, "?")) {
        struct node *ternary = make(r, NODE_TERNARY);
        ternary->a = node;
        ternary->b = expression(r, 0);
        want(r, ":");
        ternary->c = expression(r, 0);
        node = ternary;
    }
    r->depth--;
    return node;
}

struct node *expr_parse(struct expr_memory *memory, const char *text,
                        char fault[EXPR_FAULT_BYTES]) {
    struct reader r = {.memory = memory, .start = text, .at = text, .fault = fault};
    fault[0] = 0;
    r.token.text = r.token.at = text;
    if (strnlen(text, EXPR_TEXT_MAX + 1) > EXPR_TEXT_MAX) {
        complain(&r, "a condition has at most %d bytes", EXPR_TEXT_MAX);
        return NULL;
    }
    next(&r);
    struct node *node = expression(&r, 0);
    if (!r.failed && r.token.kind != TOKEN_END)
        complain(&r, "'%.*s' is left over after the condition", 20, r.token.text);
    return r.failed ? NULL : node;
}
