/* variables.h - ${VAR}, ${env:VAR}, ${VAR:-default}, ${file:PATH} and $$ in one text.
 *
 * The grammar is OpenTelemetry's: names match [A-Za-z_][A-Za-z0-9_]*, a default stands when the
 * variable is missing or empty and is taken as it is written, results are not looked at again, $$
 * is a '$', and a '$' before anything else stands for itself. What stands after ${ and is none of
 * this is an error.
 */
#ifndef SLUICE_CORE_VARIABLES_H
#define SLUICE_CORE_VARIABLES_H

#include <stdbool.h>
#include <stddef.h>

struct arena;

enum { VARIABLES_RESULT_MAX = 256 * 1024, VARIABLES_FILE_MAX = 64 * 1024 };

enum variable_fault {
    VARIABLE_MALFORMED,  /* C0301 */
    VARIABLE_UNDEFINED,  /* C0302: a warning; stands for nothing */
    VARIABLE_UNREADABLE, /* C0303: the file */
    VARIABLE_EXPOSED,    /* C0304: a warning: everybody can read the file */
    VARIABLE_UNUSABLE    /* C0305: too long, or not UTF-8 */
};

struct variables {
    struct arena *arena;
    const char *(*env)(void *arg, const char *name); /* NULL: undefined; borrowed */
    const char *folder;                              /* relative files stand here; NULL: the cwd */
    /* `reference` as written, "${VAR:-x}" without its default's text; never any value. */
    void (*fault)(void *arg, enum variable_fault fault, const char *reference, const char *why);
    void *arg;
};

struct expansion {
    const char *text; /* in the arena, ends in NUL; NULL: there was nothing to replace */
    size_t size;
    const char *origin; /* the first source that gave text: "env:NAME", "file:PATH", or NULL */
    bool from_file;
    bool failed;
};

/* Pure but for the files it opens. */
struct expansion variables_expand(const struct variables *variables, const char *text, size_t size);

/* The text of a regular file of at most `max` bytes in the arena, ended by NUL, or NULL and a
 * sentence. Never waits, whatever the path is. `exposed` (may be NULL): others may read it. */
char *file_text(struct arena *arena, const char *path, size_t max, size_t *size, bool *exposed,
                const char **why);

#endif
