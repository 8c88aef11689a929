/* variables.c - puts variables into one text. */
#include "variables.h"

#include "arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct expander {
    const struct variables *variables;
    FILE *out;
    size_t written;
    struct expansion result;
};

/* One reference, split: "${" source ":" name ":-" fallback "}". */
struct reference {
    const char *body; /* behind "${" */
    size_t size;      /* without "}" */
    bool file;
    const char *name; /* of the variable or the file; in the arena */
    const char *fallback;
    size_t fallback_size; /* fallback NULL: none */
    const char *shown;    /* in the arena */
};

static bool name_char(char c, bool first) {
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

static size_t name_size(const char *text, size_t size) {
    size_t n = 0;
    while (n < size && name_char(text[n], n == 0)) n++;
    return n;
}

static void tell(struct expander *expander, enum variable_fault fault, const char *shown,
                 const char *why) {
    const struct variables *variables = expander->variables;
    variables->fault(variables->arg, fault, shown, why);
    if (fault != VARIABLE_UNDEFINED && fault != VARIABLE_EXPOSED) expander->result.failed = true;
}

static void put(struct expander *expander, const char *text, size_t size) {
    if (expander->written + size > VARIABLES_RESULT_MAX) {
        if (!expander->result.failed)
            tell(expander, VARIABLE_UNUSABLE, "the value", "is longer than 256 KiB");
        return;
    }
    fwrite(text, 1, size, expander->out);
    expander->written += size;
}

/* Strict: no overlong forms, no surrogates, nothing beyond U+10FFFF. */
static bool is_utf8(const char *text, size_t size) {
    const unsigned char *at = (const unsigned char *)text, *end = at + size;
    while (at < end) {
        unsigned char c = *at++;
        if (c < 0x80) continue;
        unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || (size_t)(end - at) < more) return false;
        unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (*at < low || *at > high) return false;
        for (unsigned i = 1; i < more; i++)
            if ((at[i] & 0xc0) != 0x80) return false;
        at += more;
    }
    return true;
}

static bool begins(const struct reference *reference, const char *prefix) {
    size_t size = strlen(prefix);
    return reference->size >= size && memcmp(reference->body, prefix, size) == 0;
}

static void set_fallback(struct reference *reference, const char *mark) {
    reference->fallback = mark + 2;
    reference->fallback_size = (size_t)(reference->body + reference->size - reference->fallback);
}

/* ${file:PATH} or ${file:PATH:-default} */
static const char *split_file(struct arena *arena, struct reference *reference) {
    const char *path = reference->body + strlen("file:");
    size_t size = reference->size - strlen("file:");
    const char *mark = memmem(path, size, ":-", 2);
    if (mark) {
        set_fallback(reference, mark);
        size = (size_t)(mark - path);
    }
    reference->file = true;
    reference->name = arena_strndup(arena, path, size);
    reference->shown = arena_printf(arena, "${file:%s}", reference->name);
    return size ? NULL : "expected a path behind 'file:'";
}

static const char *split_variable(struct arena *arena, struct reference *reference) {
    const char *end = reference->body + reference->size;
    const char *name = reference->body + (begins(reference, "env:") ? strlen("env:") : 0);
    size_t size = name_size(name, (size_t)(end - name));
    const char *rest = name + size;
    /* Only the name and the sign behind it: what follows may be a secret. */
    reference->shown = arena_printf(arena, "${%.*s", (int)(rest - reference->body + (rest < end)),
                                    reference->body);
    if (size == 0) return "expected a name of letters, digits and '_' that begins with no digit";
    reference->name = arena_strndup(arena, name, size);
    if (rest != end && end - rest >= 2 && rest[0] == ':' && rest[1] == '-')
        set_fallback(reference, rest);
    else if (rest != end && *rest == ':')
        return "expected '}' or ':-' behind the name; the sources are env: and file:";
    else if (rest != end)
        return "expected '}' or ':-' behind the name";
    reference->shown = arena_printf(arena, "${%s}", reference->name);
    return NULL;
}

static const char *split(struct arena *arena, struct reference *reference) {
    return begins(reference, "file:") ? split_file(arena, reference)
                                      : split_variable(arena, reference);
}

/* The file's text without the line ends at its end, or NULL after telling. */
static const char *file_value(struct expander *expander, const struct reference *reference,
                              size_t *size) {
    const struct variables *variables = expander->variables;
    const char *path = reference->name, *why = NULL;
    if (variables->folder && path[0] != '/')
        path = arena_printf(variables->arena, "%s/%s", variables->folder, path);
    bool exposed = false;
    char *text = file_text(variables->arena, path, VARIABLES_FILE_MAX, size, &exposed, &why);
    if (!text) {
        if (!reference->fallback) tell(expander, VARIABLE_UNREADABLE, reference->shown, why);
        return NULL;
    }
    if (exposed)
        tell(expander, VARIABLE_EXPOSED, reference->shown,
             "everybody on this machine can read the file");
    while (*size > 0 && (text[*size - 1] == '\n' || text[*size - 1] == '\r')) (*size)--;
    return text;
}

static const char *value_of(struct expander *expander, const struct reference *reference,
                            size_t *size) {
    if (reference->file) return file_value(expander, reference, size);
    const char *text = expander->variables->env(expander->variables->arg, reference->name);
    *size = text ? strlen(text) : 0;
    if (!text && !reference->fallback)
        tell(expander, VARIABLE_UNDEFINED, reference->shown, "is not set, and has no default");
    return text;
}

static void replace(struct expander *expander, struct reference reference) {
    struct arena *arena = expander->variables->arena;
    const char *malformed = split(arena, &reference);
    if (malformed) {
        tell(expander, VARIABLE_MALFORMED, reference.shown, malformed);
        return;
    }
    size_t size = 0;
    const char *text = value_of(expander, &reference, &size);
    if (reference.fallback && size == 0) {
        put(expander, reference.fallback, reference.fallback_size);
        return;
    }
    if (!text) return;
    if (!is_utf8(text, size) || memchr(text, 0, size)) {
        tell(expander, VARIABLE_UNUSABLE, reference.shown, "holds bytes that are no UTF-8 text");
        return;
    }
    if (!expander->result.origin)
        expander->result.origin =
            arena_printf(arena, "%s:%s", reference.file ? "file" : "env", reference.name);
    if (reference.file) expander->result.from_file = true;
    put(expander, text, size);
}

/* Takes what stands at `text`, which begins with '$'. Returns the bytes taken. */
static size_t take_dollar(struct expander *expander, const char *text, size_t size) {
    if (size > 1 && text[1] == '$') {
        put(expander, "$", 1);
        return 2;
    }
    if (size < 2 || text[1] != '{') {
        put(expander, "$", 1);
        return 1;
    }
    for (size_t i = 2; i < size; i++) {
        if (text[i] == '}') {
            replace(expander, (struct reference){.body = text + 2, .size = i - 2});
            return i + 1;
        }
        if (text[i] == '$' && i + 1 < size && text[i + 1] == '$') {
            put(expander, "${", 2); /* an escape cuts the reference off: it is text */
            return 2;
        }
    }
    size_t name = name_size(text + 2, size - 2);
    const char *shown = arena_printf(expander->variables->arena, "${%.*s", (int)name, text + 2);
    tell(expander, VARIABLE_MALFORMED, shown, "has no '}'; write $$ for a '$'");
    return size;
}

struct expansion variables_expand(const struct variables *variables, const char *text,
                                  size_t size) {
    struct expander expander = {.variables = variables};
    if (!memchr(text, '$', size)) return expander.result;
    char *buffer = NULL;
    size_t buffer_size = 0;
    expander.out = open_memstream(&buffer, &buffer_size);
    if (!expander.out) abort(); /* only without memory */
    for (size_t at = 0; at < size;) {
        const char *dollar = memchr(text + at, '$', size - at);
        size_t plain = dollar ? (size_t)(dollar - text) - at : size - at;
        put(&expander, text + at, plain);
        at += plain;
        if (dollar) at += take_dollar(&expander, dollar, size - at);
    }
    fclose(expander.out);
    expander.result.text = arena_strndup(variables->arena, buffer, buffer_size);
    expander.result.size = buffer_size;
    free(buffer);
    return expander.result;
}
