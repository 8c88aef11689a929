#include "render.h"

#include <stdio.h>
#include <string.h>

static struct span span_of(const char *text) {
    return (struct span){text, strlen(text)};
}

static bool listed(const struct note_commit *c) {
    return c->fate == FATE_LISTED;
}

static bool breaks(const struct note_commit *c) {
    return c->cc.conventional && c->cc.breaking;
}

struct span first_paragraph(struct span text) {
    const char *stop = text.at ? memmem(text.at, text.len, "\n\n", 2) : NULL;
    if (stop) text.len = (size_t)(stop - text.at);
    return text;
}

/* ---- components ---- */

void component_of(const struct note_commit *c, const struct render_options *options,
                  char text[128]) {
    text[0] = 0;
    if (!c->cc.conventional || !c->cc.scope.at) return;
    for (size_t i = 0; i < options->component_count; i++)
        if (span_is(c->cc.scope, options->components[i].scope)) {
            snprintf(text, 128, "%s", options->components[i].name);
            return;
        }
    snprintf(text, 128, "%.*s", (int)(c->cc.scope.len < 120 ? c->cc.scope.len : 120),
             c->cc.scope.at);
}

/* Customers read a component's name when the team has given it one. */
static const char *public_name(const struct note_commit *c, const struct render_options *options) {
    for (size_t i = 0; c->cc.conventional && c->cc.scope.at && i < options->component_count; i++)
        if (span_is(c->cc.scope, options->components[i].scope)) return options->components[i].name;
    return NULL;
}

/* ---- what customers read ---- */

bool customer_sees(const struct note_commit *c) {
    if (!listed(c)) return false;
    switch (c->section) {
    case SECTION_SECURITY:
    case SECTION_FEATURES:
    case SECTION_FIXES:
    case SECTION_PERFORMANCE:
    case SECTION_DEPRECATED:
    case SECTION_REMOVED:
        return true;
    default:
        return breaks(c);
    }
}

static void add_advisories(const struct note_commit *c, char text[SAFE_MOST]) {
    size_t at = 0, used = strlen(text);
    for (int i = 0; i < 3; i++) {
        const struct span found = next_advisory(c->message, &at);
        if (!found.at || used + found.len + 4 > SAFE_MOST) break;
        used += (size_t)snprintf(text + used, SAFE_MOST - used, "%s%.*s", i ? ", " : " (",
                                 (int)found.len, found.at);
        if (i == 2) break;
    }
    if (strchr(text, '(') && used + 2 < SAFE_MOST) memcpy(text + used, ")", 2);
}

/* What was wrong helps those who attack versions that are not updated yet: it is withheld. */
static void security_text(const struct note_commit *c, const char *name, char text[SAFE_MOST]) {
    snprintf(text, SAFE_MOST, "A security issue%s%.80s was fixed; we recommend updating",
             name ? " in " : "", name ? name : "");
    add_advisories(c, text);
}

void customer_text(const struct note_commit *c, const struct render_options *options,
                   char text[SAFE_MOST]) {
    static const char *const neutral[SECTIONS] = {[SECTION_FEATURES] = "There is something new",
                                                  [SECTION_FIXES] = "A fault was corrected",
                                                  [SECTION_PERFORMANCE] = "It works faster",
                                                  [SECTION_DEPRECATED] =
                                                      "Something will go away in a later version",
                                                  [SECTION_REMOVED] = "Something was removed"};
    const char *name = public_name(c, options);
    if (c->section == SECTION_SECURITY) {
        security_text(c, name, text);
        return;
    }
    if (safe_text(c->title, options->inside, text)) return;
    const char *words = neutral[c->section] ? neutral[c->section] : "Something works differently";
    snprintf(text, SAFE_MOST, "%s%s%.80s", words, name ? " in " : "", name ? name : "");
}

void customer_migration(const struct note_commit *c, const struct render_options *options,
                        char text[SAFE_MOST]) {
    const struct cc_footer *told = cc_footer_of(&c->cc, "Migration");
    if (!told) told = cc_footer_of(&c->cc, "Upgrade");
    const struct span source = told ? told->value : first_paragraph(c->cc.breaking_text);
    if (!c->security && safe_text(source, options->inside, text)) return;
    const char *name = public_name(c, options);
    snprintf(text, SAFE_MOST,
             "%s%.80s works differently from this version on: ask us before you update",
             name ? "" : "Something", name ? name : "");
}

static const char *reworded(const struct notes *notes, const struct note_commit *c,
                            const struct render_options *options) {
    return options->reworded ? options->reworded[c - notes->commits] : NULL;
}

static void customer_line(const struct notes *notes, const struct note_commit *c,
                          const struct render_options *options, struct out *out) {
    char text[SAFE_MOST];
    const char *said = reworded(notes, c, options), *name = public_name(c, options);
    if (!said) customer_text(c, options, text);
    out_text(out, "- ");
    if (name) {
        out_text(out, "**");
        out_markdown(out, span_of(name));
        out_text(out, ":** ");
    }
    out_markdown(out, span_of(said ? said : text));
    out_text(out, ".\n");
}

static void customer_part(const struct notes *notes, enum section section, const char *title,
                          const struct render_options *options, struct out *out) {
    bool any = false;
    for (size_t i = 0; i < notes->count; i++) {
        const struct note_commit *c = &notes->commits[i];
        if (!listed(c) || c->section != section) continue;
        if (!any) out_text(out, "\n## "), out_text(out, title), out_text(out, "\n\n");
        any = true;
        customer_line(notes, c, options, out);
    }
}

static void title_line(const struct render_options *options, const char *words, struct out *out) {
    out_text(out, "# ");
    out_text(out, words);
    if (options->version && *options->version)
        out_text(out, " in "), out_markdown(out, span_of(options->version));
    if (options->date && *options->date)
        out_text(out, " ("), out_markdown(out, span_of(options->date)), out_text(out, ")");
    out_text(out, "\n");
}

void render_customer(const struct notes *notes, const struct render_options *options,
                     struct out *out) {
    size_t seen = 0;
    title_line(options, "What is new", out);
    for (size_t i = 0; i < notes->count; i++) seen += customer_sees(&notes->commits[i]);
    if (notes->breaking) out_text(out, "\n## Before you update\n\n");
    for (size_t i = 0; i < notes->count; i++) {
        char text[SAFE_MOST];
        if (!listed(&notes->commits[i]) || !breaks(&notes->commits[i])) continue;
        customer_migration(&notes->commits[i], options, text);
        out_text(out, "- ");
        out_markdown(out, span_of(text));
        out_text(out, ".\n");
    }
    customer_part(notes, SECTION_SECURITY, "Security", options, out);
    customer_part(notes, SECTION_FEATURES, "New", options, out);
    customer_part(notes, SECTION_PERFORMANCE, "Faster", options, out);
    customer_part(notes, SECTION_FIXES, "Fixed", options, out);
    customer_part(notes, SECTION_DEPRECATED, "Going away", options, out);
    customer_part(notes, SECTION_REMOVED, "Removed", options, out);
    if (!seen) out_text(out, "\nThis version brings work under the hood only.\n");
}

/* ---- what engineers read ---- */

static void link_to(const struct render_options *options, const char *kind, const char *name,
                    const char *mark, struct out *out) {
    const bool link = options->repository_url && *options->repository_url;
    if (link) out_text(out, "[");
    out_text(out, mark);
    out_markdown(out, span_of(name));
    if (!link) return;
    out_text(out, "](");
    out_text(out, options->repository_url);
    out_text(out, kind);
    out_markdown(out, span_of(name));
    out_text(out, ")");
}

static void short_id(const struct note_commit *c, char id[16]) {
    snprintf(id, 16, "%.8s", c->id);
}

static void commit_links(const struct notes *notes, const struct note_commit *c,
                         const struct render_options *options, struct out *out) {
    char text[16];
    if (c->pr) {
        snprintf(text, sizeof text, "%u", c->pr);
        out_text(out, " (");
        link_to(options, "/pull/", text, "#", out);
        out_text(out, ")");
    }
    const struct note_commit *each = c;
    for (int i = 0; i < 4; i++) {
        short_id(each, text);
        if (*text) {
            out_text(out, " ");
            link_to(options, "/commit/", text, "", out);
        }
        if (!each->next) break;
        each = &notes->commits[each->next - 1];
    }
}

static void engineer_line(const struct notes *notes, const struct note_commit *c,
                          const struct render_options *options, struct out *out) {
    char name[128];
    component_of(c, options, name);
    out_text(out, "- ");
    if (*name) {
        out_text(out, "**");
        out_markdown(out, span_of(name));
        out_text(out, ":** ");
    }
    out_markdown(out, c->title);
    commit_links(notes, c, options, out);
    if (c->author && *c->author) out_text(out, ", "), out_markdown(out, span_of(c->author));
    if (c->risk_level && *c->risk_level)
        out_text(out, ", risk "), out_markdown(out, span_of(c->risk_level));
    if (c->files) out_text(out, ", in "), out_markdown(out, span_of(c->files));
    out_text(out, "\n");
}

static void breaking_part(const struct notes *notes, const struct render_options *options,
                          struct out *out) {
    if (notes->breaking) out_text(out, "\n## Breaking changes\n\n");
    for (size_t i = 0; i < notes->count; i++) {
        const struct note_commit *c = &notes->commits[i];
        if (!listed(c) || !breaks(c)) continue;
        engineer_line(notes, c, options, out);
        for (size_t f = 0; f < c->cc.footer_count; f++) {
            const struct cc_footer *footer = &c->cc.footers[f];
            const bool told = span_starts(footer->token, "BREAKING") ||
                              span_is(footer->token, "Migration") ||
                              span_is(footer->token, "Upgrade");
            if (!told) continue;
            out_text(out, "  - ");
            out_markdown(out, first_paragraph(footer->value));
            out_text(out, "\n");
        }
    }
}

static void engineer_part(const struct notes *notes, enum section section,
                          const struct render_options *options, struct out *out) {
    static const char *const titles[SECTIONS] = {
        "Security",      "Features",    "Fixes", "Performance",  "Reverts", "Deprecated", "Removed",
        "Documentation", "Refactoring", "Tests", "Build and CI", "Chores",  "Other"};
    if (!notes->sections[section]) return;
    out_text(out, "\n## ");
    out_text(out, titles[section]);
    out_text(out, "\n\n");
    for (size_t i = 0; i < notes->count; i++)
        if (listed(&notes->commits[i]) && notes->commits[i].section == section)
            engineer_line(notes, &notes->commits[i], options, out);
}

static void taken_back(const struct notes *notes, const struct render_options *options,
                       struct out *out) {
    bool any = false;
    for (size_t i = 0; i < notes->count; i++) {
        const struct note_commit *c = &notes->commits[i];
        if (c->fate != FATE_REVERTED) continue;
        if (!any) out_text(out, "\n## Taken back before the release\n\n");
        any = true;
        engineer_line(notes, c, options, out);
    }
}

static void accounts(const struct notes *notes, struct out *out) {
    out_text(out, "\n---\n");
    out_number(out, notes->count);
    out_text(out, notes->count == 1 ? " commit:" : " commits:");
    for (int fate = 0; fate < FATES; fate++) {
        if (!notes->fates[fate]) continue;
        out_text(out, fate ? ", " : " ");
        out_number(out, notes->fates[fate]);
        out_text(out, " ");
        out_text(out, fate_name((enum fate)fate));
    }
    out_text(out, ".\n");
}

void render_engineer(const struct notes *notes, const struct render_options *options,
                     struct out *out) {
    title_line(options, "Changes", out);
    if (options->previous && *options->previous) {
        out_text(out, "\nSince ");
        out_markdown(out, span_of(options->previous));
        out_text(out, ".\n");
    }
    breaking_part(notes, options, out);
    for (int section = 0; section < SECTIONS; section++)
        engineer_part(notes, (enum section)section, options, out);
    taken_back(notes, options, out);
    accounts(notes, out);
}

/* ---- Keep a Changelog ---- */

static int changelog_part(const struct note_commit *c) {
    static const int parts[SECTIONS] = {
        [SECTION_SECURITY] = 5,    [SECTION_FEATURES] = 0, [SECTION_FIXES] = 4,
        [SECTION_PERFORMANCE] = 1, [SECTION_REVERTS] = 1,  [SECTION_DEPRECATED] = 2,
        [SECTION_REMOVED] = 3,     [SECTION_DOCS] = -1,    [SECTION_REFACTORING] = -1,
        [SECTION_TESTS] = -1,      [SECTION_BUILD] = -1,   [SECTION_CHORES] = -1,
        [SECTION_OTHER] = 1};
    const int part = parts[c->section];
    return part < 0 && breaks(c) ? 1 : part;
}

void render_changelog(const struct notes *notes, const struct render_options *options,
                      struct out *out) {
    static const char *const titles[] = {"Added",   "Changed", "Deprecated",
                                         "Removed", "Fixed",   "Security"};
    const bool released = options->version && *options->version;
    out_text(out, "## [");
    out_markdown(out, span_of(released ? options->version : "Unreleased"));
    out_text(out, "]");
    if (released && options->date && *options->date)
        out_text(out, " - "), out_markdown(out, span_of(options->date));
    out_text(out, "\n");
    for (int part = 0; part < 6; part++) {
        bool any = false;
        for (size_t i = 0; i < notes->count; i++) {
            const struct note_commit *c = &notes->commits[i];
            char name[128];
            if (!listed(c) || changelog_part(c) != part) continue;
            if (!any) out_text(out, "\n### "), out_text(out, titles[part]), out_text(out, "\n\n");
            any = true;
            component_of(c, options, name);
            out_text(out, "- ");
            if (breaks(c)) out_text(out, "**Breaking:** ");
            if (*name) out_markdown(out, span_of(name)), out_text(out, ": ");
            out_markdown(out, c->title);
            out_text(out, "\n");
        }
    }
}
