/* notes.compose: from commits to notes for two audiences, a changelog and the next version. */
#include "notes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Folding and rendering take about 5 µs a commit: more of them are worked on beside the loop. */
enum { OFFLOAD_COMMITS = 150, BRIEF_COMMITS = 2000 };

/* ---- options ---- */

static int compile(sl_call *call, const cJSON *in, const char *name, struct notes_work *work,
                   int which, const regex_t **out) {
    const char *pattern = sl_get_text(in, name, NULL);
    char why[120];
    if (!pattern) return 0;
    const int rc = regcomp(&work->patterns[which], pattern, REG_EXTENDED | REG_NOSUB);
    if (rc) {
        regerror(rc, &work->patterns[which], why, sizeof why);
        sl_fault(call, sl_printf(call, "/%s", name), "send a POSIX extended expression", "%s", why);
        return sl_fail(call, SL_INVALID, "%s is no regular expression: %s", name, why);
    }
    work->compiled[which] = true;
    *out = &work->patterns[which];
    return 0;
}

static enum bump bump_of(const char *name) {
    for (enum bump b = BUMP_PATCH; b <= BUMP_MAJOR; b++)
        if (strcmp(name, bump_name(b)) == 0) return b;
    return BUMP_NONE;
}

static void read_rules(sl_call *call, const cJSON *in, struct version_options *options) {
    const cJSON *list = sl_get(in, "release_rules"), *item = NULL;
    if (!list) return;
    struct version_rule *rules = sl_alloc(call, VERSION_RULES_MOST * sizeof *rules);
    cJSON_ArrayForEach(item, list) {
        const cJSON *breaking = sl_get(item, "breaking");
        rules[options->rule_count++] =
            (struct version_rule){.type = sl_get_text(item, "type", NULL),
                                  .scope = sl_get_text(item, "scope", NULL),
                                  .breaking = breaking ? cJSON_IsTrue(breaking) : -1,
                                  .bump = bump_of(sl_get_text(item, "release", "none"))};
    }
    options->rules = rules;
}

static enum versioning versioning_of(const char *name) {
    static const char *const names[] = {
        "conventional",      "git-cliff",         "release-please", "always-bump-major",
        "always-bump-minor", "always-bump-patch", "prerelease",     "semantic-release"};
    for (int i = 0; i < 8; i++)
        if (strcmp(names[i], name) == 0) return (enum versioning)i;
    return VERSION_CONVENTIONAL;
}

static void add_components(const cJSON *map, struct component *to, size_t *count) {
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, map) to[(*count)++] =
        (struct component){item->string, item->valuestring};
}

/* Names of the inside: the configured ones, the request's, and everyone who wrote a commit. */
static struct safe_words *inside_words(sl_call *call, const cJSON *in,
                                       const struct notes_work *work) {
    const struct notes_state *state = sl_state(call);
    const cJSON *own = sl_get(in, "internal_names"), *item = NULL;
    struct safe_words *words = sl_alloc(call, sizeof *words);
    const size_t most =
        500 + (size_t)cJSON_GetArraySize(own) + (size_t)cJSON_GetArraySize(state->internal_names);
    const char **items = sl_alloc(call, most * sizeof *items);
    cJSON_ArrayForEach(item, state->internal_names) items[words->count++] = item->valuestring;
    cJSON_ArrayForEach(item, own) items[words->count++] = item->valuestring;
    for (size_t i = 0; i < work->notes.count && words->count < most; i++) {
        const char *author = work->notes.commits[i].author;
        bool known = !*author;
        for (size_t w = 0; w < words->count && !known; w++) known = !strcmp(items[w], author);
        if (!known) items[words->count++] = author;
    }
    words->items = items;
    return words;
}

int notes_options(sl_call *call, const cJSON *in, struct notes_work *work) {
    const struct notes_state *state = sl_state(call);
    struct render_options *render = &work->render;
    const cJSON *own = sl_get(in, "components");
    struct component *components =
        sl_alloc(call, ((size_t)cJSON_GetArraySize(own) +
                        (size_t)cJSON_GetArraySize(state->components) + 1) *
                           sizeof *components);
    add_components(own, components, &render->component_count);
    add_components(state->components, components, &render->component_count);
    render->components = components;
    render->repository_url = sl_get_text(in, "repository_url", state->repository_url);
    const char *previous = sl_get_text(in, "previous_version", NULL);
    if (previous) render->previous = previous;
    render->date = sl_get_text(in, "date", NULL);
    struct version_options *v = &work->version;
    v->versioning = versioning_of(sl_get_text(in, "versioning", "conventional"));
    v->features_always_bump_minor = sl_get_bool(in, "features_always_bump_minor", 1);
    v->breaking_always_bump_major = sl_get_bool(in, "breaking_always_bump_major", 1);
    v->bump_minor_pre_major = sl_get_bool(in, "bump_minor_pre_major", 0);
    v->bump_patch_for_minor_pre_major = sl_get_bool(in, "bump_patch_for_minor_pre_major", 0);
    v->prerelease = sl_get_bool(in, "prerelease", 0);
    v->prerelease_type = sl_get_text(in, "prerelease_type", NULL);
    v->initial_tag = sl_get_text(in, "initial_tag", NULL);
    read_rules(call, in, v);
    int rc = compile(call, in, "no_increment_regex", work, 0, &v->no_increment);
    if (!rc) rc = compile(call, in, "custom_major_increment_regex", work, 1, &v->custom_major);
    if (!rc) rc = compile(call, in, "custom_minor_increment_regex", work, 2, &v->custom_minor);
    render->inside = inside_words(call, in, work);
    return rc;
}

void notes_drop(struct notes_work *work) {
    for (int i = 0; i < 3; i++)
        if (work->compiled[i]) regfree(&work->patterns[i]);
    out_drop(&work->customer);
    out_drop(&work->engineer);
    out_drop(&work->changelog);
}

/* ---- the work ---- */

/* Commits that were folded away do not bump: what was taken back is not in the release. */
static bool next_version(struct notes_work *work) {
    const struct cc_commit **commits = calloc(work->notes.count + 1, sizeof(*commits));
    size_t count = 0;
    if (!commits) return false;
    for (size_t i = 0; i < work->notes.count; i++)
        if (work->notes.commits[i].fate == FATE_LISTED)
            commits[count++] = &work->notes.commits[i].cc;
    work->has_next =
        version_next(work->render.previous, commits, count, &work->version, &work->next);
    for (size_t i = 0; i < work->notes.count && work->next.decided_by >= 0; i++)
        if (&work->notes.commits[i].cc == commits[work->next.decided_by]) {
            work->next.decided_by = (int)i;
            break;
        }
    free(commits);
    return true;
}

static int do_fold(void *arg) {
    struct notes_work *work = arg;
    work->rc = fold(&work->notes) || !next_version(work) ? -1 : 0;
    return 0;
}

static int do_render(void *arg) {
    struct notes_work *work = arg;
    if (work->wants_customer) render_customer(&work->notes, &work->render, &work->customer);
    if (work->wants_engineer) render_engineer(&work->notes, &work->render, &work->engineer);
    render_changelog(&work->notes, &work->render, &work->changelog);
    work->rc = work->customer.failed || work->engineer.failed || work->changelog.failed ? -1 : 0;
    return 0;
}

static int do_beside(sl_call *call, struct notes_work *work, int (*run)(void *)) {
    int rc = work->notes.count > OFFLOAD_COMMITS ? sl_offload(call, run, work) : run(work);
    if (rc) return rc;
    return work->rc ? sl_fail(call, SL_UNAVAILABLE, "memory ran out while the notes were written")
                    : 0;
}

static const char *today(sl_call *call) {
    const time_t now = (time_t)(sl_now_ms(call) / 1000);
    struct tm parts;
    gmtime_r(&now, &parts);
    return sl_printf(call, "%04d-%02d-%02d", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

int notes_run(sl_call *call, const cJSON *in, struct notes_work *work) {
    const struct notes_state *state = sl_state(call);
    const char *audience = sl_get_text(in, "audience", "both");
    const cJSON *model = sl_get(in, "language_model");
    work->wants_customer = strcmp(audience, "engineer") != 0;
    work->wants_engineer = strcmp(audience, "customer") != 0;
    work->method = "template";
    int rc = do_beside(call, work, do_fold);
    if (rc) return rc;
    if (!work->has_next)
        cJSON_AddItemToArray(
            work->warnings,
            cJSON_CreateString(sl_printf(call,
                                         "'%s' is no semantic version (as v1.2.3): the next one "
                                         "cannot be told",
                                         work->render.previous)));
    const char *version = sl_get_text(in, "version", NULL);
    work->render.version = version ? version : work->has_next ? work->next.text : "";
    if (!work->render.date) work->render.date = today(call);
    if (work->wants_customer && (model ? cJSON_IsTrue(model) : state->language_model))
        notes_reword(call, work);
    return do_beside(call, work, do_render);
}

/* ---- the answer ---- */

static void add_span(sl_call *call, cJSON *to, const char *name, struct span text) {
    if (!text.at) return;
    /* Commit messages need not be UTF-8: what is not becomes a question mark. */
    struct out clean = {0};
    for (size_t i = 0; i < text.len;) {
        const unsigned char c = (unsigned char)text.at[i];
        size_t len = c < 0x80                ? 1
                     : c >= 0xc2 && c < 0xe0 ? 2
                     : c < 0xf0 && c >= 0xe0 ? 3
                     : c >= 0xf0 && c < 0xf5 ? 4
                                             : 0;
        bool whole = len && i + len <= text.len;
        for (size_t k = 1; whole && k < len; k++)
            whole = ((unsigned char)text.at[i + k] & 0xc0) == 0x80;
        if (whole)
            out_bytes(&clean, text.at + i, len);
        else
            out_text(&clean, "?");
        i += whole ? len : 1;
    }
    cJSON_AddStringToObject(to, name, clean.at ? sl_strdup(call, clean.at) : "");
    out_drop(&clean);
}

static void add_advisories(sl_call *call, const struct note_commit *c, cJSON *entry) {
    size_t at = 0;
    cJSON *list = NULL;
    for (int i = 0; i < 8; i++) {
        const struct span found = next_advisory(c->message, &at);
        if (!found.at) return;
        if (!list) list = cJSON_AddArrayToObject(entry, "advisories");
        cJSON_AddItemToArray(list, cJSON_CreateString(sl_strndup(call, found.at, found.len)));
    }
}

static cJSON *entry_of(sl_call *call, const struct notes_work *work, const struct note_commit *c) {
    char text[SAFE_MOST];
    cJSON *entry = cJSON_CreateObject(), *ids = cJSON_CreateArray();
    cJSON_AddStringToObject(entry, "section", section_name(c->section));
    if (c->cc.conventional) add_span(call, entry, "type", c->cc.type);
    if (c->cc.conventional) add_span(call, entry, "scope", c->cc.scope);
    component_of(c, &work->render, text);
    if (*text) cJSON_AddStringToObject(entry, "component", text);
    add_span(call, entry, "text", c->title);
    const bool breaking = c->cc.conventional && c->cc.breaking;
    cJSON_AddBoolToObject(entry, "breaking", breaking);
    if (breaking) add_span(call, entry, "migration", c->cc.breaking_text);
    cJSON_AddBoolToObject(entry, "security", c->security);
    add_advisories(call, c, entry);
    if (c->pr) cJSON_AddNumberToObject(entry, "pr", c->pr);
    if (*c->author) cJSON_AddStringToObject(entry, "author", c->author);
    if (*c->risk_level) cJSON_AddStringToObject(entry, "risk_level", c->risk_level);
    if (c->files) cJSON_AddStringToObject(entry, "files", c->files);
    if (customer_sees(c)) {
        const char *said =
            work->render.reworded ? work->render.reworded[c - work->notes.commits] : NULL;
        if (!said) customer_text(c, &work->render, text);
        cJSON_AddStringToObject(entry, "customer", said ? said : text);
    }
    for (const struct note_commit *each = c;; each = &work->notes.commits[each->next - 1]) {
        cJSON_AddItemToArray(ids, cJSON_CreateString(each->id));
        if (!each->next) break;
    }
    cJSON_AddItemToObject(entry, "commits", ids);
    return entry;
}

static void add_version(sl_call *call, const struct notes_work *work, cJSON *out) {
    cJSON *version = cJSON_AddObjectToObject(out, "version");
    cJSON_AddStringToObject(version, "previous",
                            work->render.previous ? work->render.previous : "");
    if (work->has_next) cJSON_AddStringToObject(version, "next", work->next.text);
    const char *bump = bump_name(work->next.bump);
    if (work->has_next) cJSON_AddStringToObject(version, "bump", bump ? bump : "none");
    if (work->next.decided_by >= 0) {
        const struct note_commit *by = &work->notes.commits[work->next.decided_by];
        cJSON *decided = cJSON_AddObjectToObject(version, "decided_by");
        cJSON_AddStringToObject(decided, "commit", by->id);
        add_span(call, decided, "header", by->cc.header);
    }
}

static void add_counts(const struct notes *notes, cJSON *out) {
    cJSON *counts = cJSON_AddObjectToObject(out, "counts");
    cJSON_AddNumberToObject(counts, "commits", (double)notes->count);
    for (int fate = 0; fate < FATES; fate++)
        cJSON_AddNumberToObject(counts, fate_name((enum fate)fate), (double)notes->fates[fate]);
    cJSON_AddNumberToObject(counts, "breaking", (double)notes->breaking);
    cJSON *sections = cJSON_AddObjectToObject(counts, "sections");
    for (int s = 0; s < SECTIONS; s++)
        if (notes->sections[s])
            cJSON_AddNumberToObject(sections, section_name((enum section)s),
                                    (double)notes->sections[s]);
}

static void add_accounts(sl_call *call, const struct notes *notes, cJSON *out) {
    cJSON *list = cJSON_AddArrayToObject(out, "accounted");
    for (size_t i = 0; i < notes->count; i++) {
        const struct note_commit *c = &notes->commits[i];
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", c->id);
        add_span(call, item, "header", c->cc.header);
        cJSON_AddBoolToObject(item, "conventional", c->cc.conventional);
        cJSON_AddStringToObject(item, "fate", fate_name(c->fate));
        if (c->into != i) cJSON_AddNumberToObject(item, "into", c->into);
        cJSON_AddItemToArray(list, item);
    }
}

static void add_lints(sl_call *call, const struct notes_work *work) {
    size_t unconventional = 0, lenient = 0;
    for (size_t i = 0; i < work->notes.count; i++) {
        const struct note_commit *c = &work->notes.commits[i];
        unconventional += c->fate == FATE_LISTED && !c->cc.conventional;
        lenient += c->cc.conventional && (c->cc.lints & ~(uint32_t)CC_CUT);
    }
    if (unconventional)
        cJSON_AddItemToArray(
            work->warnings,
            cJSON_CreateString(sl_printf(call,
                                         "%zu commits follow no convention (type: description): "
                                         "they stand under Other",
                                         unconventional)));
    if (lenient)
        cJSON_AddItemToArray(
            work->warnings,
            cJSON_CreateString(sl_printf(call,
                                         "%zu commits miss a blank line or a blank after a colon: "
                                         "they were read all the same",
                                         lenient)));
}

void notes_answer(sl_call *call, const cJSON *in, const struct notes_work *work, cJSON *out) {
    const bool large = work->notes.count > BRIEF_COMMITS;
    const bool brief = strcmp(sl_get_text(in, "detail", large ? "brief" : "full"), "brief") == 0;
    const struct out *first = work->wants_customer ? &work->customer : &work->engineer;
    add_span(call, out, "notes", (struct span){first->at, first->len});
    if (work->wants_customer)
        add_span(call, out, "customer", (struct span){work->customer.at, work->customer.len});
    if (work->wants_engineer)
        add_span(call, out, "engineer", (struct span){work->engineer.at, work->engineer.len});
    add_span(call, out, "changelog", (struct span){work->changelog.at, work->changelog.len});
    add_version(call, work, out);
    add_counts(&work->notes, out);
    if (!brief) {
        cJSON *entries = cJSON_AddArrayToObject(out, "entries");
        for (int s = 0; s < SECTIONS; s++)
            for (size_t i = 0; i < work->notes.count; i++) {
                const struct note_commit *c = &work->notes.commits[i];
                if (c->fate == FATE_LISTED && (int)c->section == s)
                    cJSON_AddItemToArray(entries, entry_of(call, work, c));
            }
        add_accounts(call, &work->notes, out);
    }
    add_lints(call, work);
    cJSON_AddItemToObject(out, "warnings", work->warnings);
    cJSON_AddStringToObject(out, "method", work->method);
}

int notes_compose(sl_call *call, const cJSON *in, cJSON *out) {
    struct notes_work *work = sl_alloc(call, sizeof *work);
    work->warnings = cJSON_CreateArray();
    int rc = notes_read(call, in, work);
    if (!rc) rc = notes_options(call, in, work);
    if (!rc) rc = notes_run(call, in, work);
    if (!rc) notes_answer(call, in, work, out);
    if (!rc) notes_templates(call, work, out);
    if (!rc) sl_count(call, "notes_composed_total", 1, work->method);
    notes_drop(work);
    return rc;
}
