/* Release notes as Markdown: for customers, for engineers, and as a section of Keep a Changelog
 * 1.1.0. Pure. */
#ifndef NOTES_RENDER_H
#define NOTES_RENDER_H

#include "fold.h"
#include "out.h"
#include "safe.h"

struct component {
    const char *scope, *name; /* "api" -> "Public API" */
};

struct render_options {
    const char *version, *previous, *date; /* date: "2026-11-22"; NULL or "": left out */
    const char *repository_url;            /* links commits and pull requests; NULL: none */
    const struct component *components;
    size_t component_count;
    const struct safe_words *inside; /* what customers must not read */
    /* Customers' sentences in place of the built ones, by index of the commit; items may be NULL. */
    const char *const *reworded;
};

/* The sentence that customers read for a listed commit; never empty. */
void customer_text(const struct note_commit *commit, const struct render_options *options,
                   char text[SAFE_MOST]);
/* What they have to do about a breaking change; never empty. */
void customer_migration(const struct note_commit *commit, const struct render_options *options,
                        char text[SAFE_MOST]);
bool customer_sees(const struct note_commit *commit);

/* The display name of a commit's scope; "" when it has none. `text` has 128 bytes. */
void component_of(const struct note_commit *commit, const struct render_options *options,
                  char text[128]);

/* The first paragraph of a text: what stands after a blank line is another thought. */
struct span first_paragraph(struct span text);

void render_customer(const struct notes *notes, const struct render_options *options,
                     struct out *out);
void render_engineer(const struct notes *notes, const struct render_options *options,
                     struct out *out);
void render_changelog(const struct notes *notes, const struct render_options *options,
                      struct out *out);

#endif
