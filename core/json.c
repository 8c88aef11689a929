/* json.c - the strict reader: one pass that checks and builds. */
#include "json.h"
#include "arena.h"
#include "json_names.h"
#include "json_plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct arena *arena;
    const char *start, *at, *end;
    const char *why; /* NULL: no fault yet */
    const char *fault_at;
    size_t values;
    unsigned depth;
};

static bool fail(struct reader *reader, const char *at, const char *why) {
    if (!reader->why) {
        reader->why = why;
        reader->fault_at = at;
    }
    return false;
}

static inline void skip_blanks(struct reader *reader) {
    const char *at = reader->at, *end = reader->end;
    if (at < end && (unsigned char)*at > ' ') return; /* most texts have none */
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    reader->at = at;
}

static inline bool next_is(const struct reader *reader, char wanted) {
    return reader->at < reader->end && *reader->at == wanted;
}

/* Fewer than 16 bytes before the end. */
static __attribute__((noinline)) const char *plain_end(const char *at, const char *end) {
    char last[16] = {0}; /* NULs need attention, so the run ends at `end` at the latest */
    memcpy(last, at, (size_t)(end - at));
    return at + plain_of_16(last);
}

static inline const char *plain_run(const char *at, const char *end) {
    while (end - at >= 16) {
        size_t plain = plain_of_16(at);
        at += plain;
        if (plain < 16) return at;
    }
    return plain_end(at, end);
}

const char *json_plain_run(const char *at, const char *end) {
    return plain_run(at, end);
}

unsigned json_utf8_length(const char *at, const char *end) {
    const unsigned char *byte = (const unsigned char *)at;
    size_t left = (size_t)(end - at);
    if (!left) return 0;
    unsigned first = byte[0];
    if (first < 0x80) return 1;
    if (first < 0xc2 || first > 0xf4) return 0;
    unsigned length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (left < length) return 0;
    /* The second byte's range keeps out overlong forms, surrogates and what is above U+10FFFF. */
    unsigned from = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    unsigned to = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (byte[1] < from || byte[1] > to) return 0;
    for (unsigned i = 2; i < length; i++) {
        if ((byte[i] & 0xc0) != 0x80) return 0;
    }
    return length;
}

/* The value of four hexadecimal digits, or -1. */
static int hex4(const char *at, const char *end) {
    if (end - at < 4) return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* What a letter behind a backslash stands for; 0: no short escape. */
static const char short_escapes[256] = {['"'] = '"',  ['\\'] = '\\', ['/'] = '/',  ['b'] = '\b',
                                        ['f'] = '\f', ['n'] = '\n',  ['r'] = '\r', ['t'] = '\t'};

/* Checks the escape at `at` (its backslash); the byte behind it, or NULL. */
static const char *check_escape(struct reader *reader, const char *at) {
    const char *wrong = NULL;
    if (reader->end - at >= 2 && short_escapes[(unsigned char)at[1]]) return at + 2;
    if (reader->end - at < 2 || at[1] != 'u') {
        wrong = "expected one of \" \\ / b f n r t u after a backslash";
    } else {
        int unit = hex4(at + 2, reader->end);
        bool pair = unit >= 0xd800 && unit <= 0xdbff;
        int second = pair && reader->end - at >= 12 && at[6] == '\\' && at[7] == 'u'
                         ? hex4(at + 8, reader->end)
                         : -1;
        if (unit < 0) {
            wrong = "expected four hexadecimal digits after \\u";
        } else if (unit == 0) {
            wrong = "\\u0000 is not taken";
        } else if (pair && second >= 0xdc00 && second <= 0xdfff) {
            return at + 12;
        } else if (unit >= 0xd800 && unit <= 0xdfff) {
            wrong = "a surrogate must stand in a pair (\\ud83d\\ude00)";
        } else {
            return at + 6;
        }
    }
    fail(reader, at, wrong);
    return NULL;
}

static char *put_utf8(char *to, unsigned point) {
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* Copies what stands before the next backslash; both sides have room for it. */
static size_t text_before_escape(const char *at, const char *end, char *to) {
    const char *const start = at;
    /* Sixteen bytes are copied even when only the first of them count: the decoded text is never
     * longer than what is still to be read. */
    for (; end - at >= 16; at += 16, to += 16) {
        memcpy(to, at, 16);
        const size_t size = escape_of_16(at);
        if (size < 16) return (size_t)(at - start) + size;
    }
    while (at < end && *at != '\\') *to++ = *at++;
    return (size_t)(at - start);
}

/* Decodes a checked string; what it becomes is never longer. Returns its length. */
static size_t decode(const char *at, const char *end, char *text) {
    char *to = text;
    while (at < end) {
        if (*at != '\\') {
            const size_t size = text_before_escape(at, end, to);
            at += size;
            to += size;
            continue;
        }
        const char meant = short_escapes[(unsigned char)at[1]];
        if (meant) {
            *to++ = meant;
            at += 2;
            continue;
        }
        unsigned point = (unsigned)hex4(at + 2, end);
        at += 6;
        if (point >= 0xd800 && point <= 0xdbff) {
            point = 0x10000 + ((point - 0xd800) << 10) + ((unsigned)hex4(at + 2, end) - 0xdc00);
            at += 6;
        }
        to = put_utf8(to, point);
    }
    *to = 0;
    return (size_t)(to - text);
}

struct text {
    const char *start; /* raw, behind the opening quote */
    size_t size;
    bool escaped;
};

/* Reads a string whose opening quote is next. */
static bool read_string(struct reader *reader, struct text *text) {
    const char *at = ++reader->at;
    *text = (struct text){.start = at};
    for (;;) {
        at = plain_run(at, reader->end);
        if (at == reader->end) return fail(reader, at, "expected '\"' at the end of a string");
        if (*at == '"') break;
        if (*at == '\\') {
            text->escaped = true;
            at = check_escape(reader, at);
            if (!at) return false;
        } else if ((unsigned char)*at < 0x20) {
            return fail(reader, at, "a control character in a string must be escaped (\\n, \\t)");
        } else {
            unsigned length = json_utf8_length(at, reader->end);
            if (!length) return fail(reader, at, "these bytes are no UTF-8");
            at += length;
        }
    }
    text->size = (size_t)(at - text->start);
    reader->at = at + 1;
    return true;
}

/* Copies a string to `to`, which has text.size + 1 bytes; returns its length. */
static size_t put_text(const struct text *text, char *to) {
    if (text->escaped) return decode(text->start, text->start + text->size, to);
    memcpy(to, text->start, text->size);
    to[text->size] = 0;
    return text->size;
}

static inline cJSON *new_node(struct reader *reader, size_t more) {
    cJSON *node = arena_alloc(reader->arena, sizeof *node + more);
    *node = (cJSON){0};
    return node;
}

/* cJSON keeps the last child in the first one's `prev`. */
static inline void append(cJSON *parent, cJSON *node) {
    if (!parent->child) {
        parent->child = node->prev = node;
        return;
    }
    cJSON *last = parent->child->prev;
    last->next = node;
    node->prev = last;
    parent->child->prev = node;
}

static bool read_value(struct reader *reader, cJSON *into);

static bool read_array(struct reader *reader, cJSON *into) {
    into->type = cJSON_Array;
    reader->at++;
    skip_blanks(reader);
    if (next_is(reader, ']')) {
        reader->at++;
        return true;
    }
    for (;;) {
        cJSON *item = new_node(reader, 0);
        if (!read_value(reader, item)) return false;
        append(into, item);
        skip_blanks(reader);
        if (next_is(reader, ']')) break;
        if (!next_is(reader, ',')) {
            return fail(reader, reader->at, "expected ',' or ']' after an item");
        }
        reader->at++;
    }
    reader->at++;
    return true;
}

static bool read_member(struct reader *reader, cJSON *into, struct names *names) {
    skip_blanks(reader);
    const char *start = reader->at;
    if (!next_is(reader, '"')) {
        return fail(reader, start,
                    into->child ? "expected '\"' of the next member's name after ','"
                                : "expected '\"' of a member's name, or '}'");
    }
    struct text name;
    if (!read_string(reader, &name)) return false;
    cJSON *item = new_node(reader, name.size + 1);
    item->string = (char *)(item + 1);
    size_t size = put_text(&name, item->string);
    if (!names_add(names, into, item, size)) {
        return fail(reader, start, "the object has a member of this name already");
    }
    skip_blanks(reader);
    if (!next_is(reader, ':')) {
        return fail(reader, reader->at, "expected ':' after a member's name");
    }
    reader->at++;
    if (!read_value(reader, item)) return false;
    append(into, item);
    return true;
}

static bool read_object(struct reader *reader, cJSON *into) {
    into->type = cJSON_Object;
    reader->at++;
    skip_blanks(reader);
    if (next_is(reader, '}')) {
        reader->at++;
        return true;
    }
    struct names names;
    names_init(&names, reader->arena);
    for (;;) {
        if (!read_member(reader, into, &names)) return false;
        skip_blanks(reader);
        if (next_is(reader, '}')) break;
        if (!next_is(reader, ',')) {
            return fail(reader, reader->at, "expected ',' or '}' after a member");
        }
        reader->at++;
    }
    reader->at++;
    return true;
}

static bool read_nested(struct reader *reader, cJSON *into) {
    if (reader->depth == JSON_DEPTH_MAX) {
        return fail(reader, reader->at, "values nest at most 64 deep here");
    }
    reader->depth++;
    bool ok = *reader->at == '{' ? read_object(reader, into) : read_array(reader, into);
    reader->depth--;
    return ok;
}

static bool read_word(struct reader *reader, cJSON *into) {
    static const struct {
        const char *word;
        size_t size;
        int type;
    } words[] = {{"true", 4, cJSON_True}, {"false", 5, cJSON_False}, {"null", 4, cJSON_NULL}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if ((size_t)(reader->end - reader->at) < words[i].size) continue;
        if (memcmp(reader->at, words[i].word, words[i].size) != 0) continue;
        reader->at += words[i].size;
        into->type = words[i].type;
        into->valueint = words[i].type == cJSON_True;
        return true;
    }
    return fail(reader, reader->at,
                "expected a value: an object, an array, a string in double quotes, a number, true, "
                "false or null");
}

static bool read_number(struct reader *reader, cJSON *into) {
    const char *why = NULL;
    double number = 0;
    const char *behind = json_read_number(reader->at, reader->end, &number, &why);
    if (!behind) return fail(reader, reader->at, why);
    reader->at = behind;
    into->type = cJSON_Number;
    into->valuedouble = number;
    into->valueint = number >= INT32_MAX   ? INT32_MAX
                     : number <= INT32_MIN ? INT32_MIN
                                           : (int)number;
    return true;
}

static bool read_value(struct reader *reader, cJSON *into) {
    skip_blanks(reader);
    if (++reader->values > JSON_VALUES_MAX) {
        return fail(reader, reader->at, "more than 1,000,000 values in one document");
    }
    if (reader->at == reader->end) return fail(reader, reader->at, "expected a value");
    char c = *reader->at;
    if (c == '"') {
        struct text text;
        if (!read_string(reader, &text)) return false;
        into->type = cJSON_String;
        into->valuestring = arena_alloc(reader->arena, text.size + 1);
        put_text(&text, into->valuestring);
        return true;
    }
    if (c == '{' || c == '[') return read_nested(reader, into);
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(reader, into);
    return read_word(reader, into);
}

/* What stands at the fault: "found ':'", "found byte 0xff", "the text ends". */
static void describe(const struct reader *reader, struct json_fault *fault) {
    const char *at = reader->fault_at;
    bool expected = strncmp(reader->why, "expected", 8) == 0;
    unsigned length = json_utf8_length(at, reader->end);
    if (!expected) {
        snprintf(fault->why, sizeof fault->why, "%s", reader->why);
    } else if (at >= reader->end) {
        snprintf(fault->why, sizeof fault->why, "%s, but the text ends", reader->why);
    } else if (length && (unsigned char)*at >= 0x20 && *at != 0x7f) {
        snprintf(fault->why, sizeof fault->why, "%s, found '%.*s'", reader->why, (int)length, at);
    } else {
        snprintf(fault->why, sizeof fault->why, "%s, found byte 0x%02x", reader->why,
                 (unsigned)(unsigned char)*at);
    }
    fault->offset = (size_t)(at - reader->start);
    fault->line = fault->column = 1;
    for (const char *c = reader->start; c < at; c++) {
        if (*c == '\n') {
            fault->line++;
            fault->column = 1;
        } else if (((unsigned char)*c & 0xc0) != 0x80) {
            fault->column++;
        }
    }
}

static cJSON *read_document(struct arena *arena, const char *text, size_t size,
                            struct json_fault *fault) {
    if (!text) text = "";
    struct reader reader = {.arena = arena, .start = text, .at = text, .end = text + size};
    cJSON *root = new_node(&reader, 0);
    bool ok = read_value(&reader, root);
    if (ok) {
        skip_blanks(&reader);
        if (reader.at < reader.end)
            ok = fail(&reader, reader.at, "expected nothing after the value");
    }
    if (ok) return root;
    describe(&reader, fault);
    return NULL;
}

bool json_check(const char *text, size_t size, struct json_fault *fault) {
    struct arena scratch;
    arena_init(&scratch);
    bool ok = read_document(&scratch, text, size, fault) != NULL;
    arena_fini(&scratch);
    return ok;
}

cJSON *json_parse(struct arena *arena, const char *text, size_t size, struct json_fault *fault) {
    if (arena) return read_document(arena, text, size, fault);
    struct arena scratch;
    arena_init(&scratch);
    cJSON *copy = read_document(&scratch, text, size, fault);
    if (copy) {
        struct arena *before = arena_use(NULL);
        copy = cJSON_Duplicate(copy, true);
        arena_use(before);
        if (!copy) *fault = (struct json_fault){.line = 1, .column = 1, .why = "out of memory"};
    }
    arena_fini(&scratch);
    return copy;
}
