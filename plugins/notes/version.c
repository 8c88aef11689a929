#include "version.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading and writing ---- */

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool read_number(const char **at, uint64_t *out) {
    if (!digit(**at) || (**at == '0' && digit((*at)[1]))) return false;
    *out = 0;
    for (; digit(**at); ++*at) {
        if (*out > UINT64_MAX / 100) return false;
        *out = *out * 10 + (uint64_t)(**at - '0');
    }
    return true;
}

/* Identifiers of digits, letters and '-', split by dots. */
static bool read_tail(const char **at, char out[64]) {
    size_t len = 0;
    while (digit(**at) || (unsigned)((**at | 0x20) - 'a') < 26U || **at == '-' || **at == '.') {
        if (len == 63) return false;
        out[len++] = *(*at)++;
    }
    out[len] = 0;
    return len > 0;
}

static bool read_core(const char *at, struct version *out) {
    if (!read_number(&at, &out->major) || *at++ != '.' || !read_number(&at, &out->minor) ||
        *at++ != '.' || !read_number(&at, &out->patch))
        return false;
    if (*at == '-' && (at++, !read_tail(&at, out->pre))) return false;
    if (*at == '+' && (at++, !read_tail(&at, out->build))) return false;
    return !*at;
}

/* The prefix is what stands before the first place from which all reads as a version. */
bool version_read(const char *text, struct version *out) {
    for (const char *at = text; *at && at - text < 64; at++) {
        if (!digit(*at) || (at > text && (digit(at[-1]) || at[-1] == '.'))) continue;
        *out = (struct version){0};
        if (!read_core(at, out)) continue;
        memcpy(out->prefix, text, (size_t)(at - text));
        return true;
    }
    return false;
}

void version_write(const struct version *v, char out[VERSION_TEXT]) {
    snprintf(out, VERSION_TEXT, "%.40s%llu.%llu.%llu%s%.30s%s%.30s", v->prefix,
             (unsigned long long)v->major, (unsigned long long)v->minor,
             (unsigned long long)v->patch, *v->pre ? "-" : "", v->pre, *v->build ? "+" : "",
             v->build);
}

const char *bump_name(enum bump bump) {
    static const char *const names[] = {NULL, "patch", "minor", "major"};
    return names[bump];
}

/* ---- raising ---- */

static void raise_by(struct version *v, enum bump bump) {
    if (bump == BUMP_MAJOR) v->major++, v->minor = v->patch = 0;
    if (bump == BUMP_MINOR) v->minor++, v->patch = 0;
    if (bump == BUMP_PATCH) v->patch++;
}

/* The last number of a pre-release counts on, its width kept: rc.9 -> rc.10, beta01 -> beta02. */
static void count_pre(struct version *v) {
    size_t end = strlen(v->pre);
    while (end && !digit(v->pre[end - 1])) end--;
    size_t from = end;
    while (from && digit(v->pre[from - 1])) from--;
    char next[64];
    if (from == end)
        snprintf(next, sizeof next, "%.58s.1", v->pre);
    else
        snprintf(next, sizeof next, "%.*s%0*llu%s", (int)from, v->pre, (int)(end - from),
                 strtoull(v->pre + from, NULL, 10) + 1, v->pre + end);
    memcpy(v->pre, next, sizeof next);
}

/* ---- what the commits ask for ---- */

static bool type_fits(const regex_t *pattern, const struct cc_commit *commit) {
    char type[64];
    if (!pattern || !commit->type.at || commit->type.len >= sizeof type) return false;
    memcpy(type, commit->type.at, commit->type.len);
    type[commit->type.len] = 0;
    return regexec(pattern, type, 0, NULL, 0) == 0;
}

static bool matches(const char *pattern, struct span text) {
    char copy[128];
    if (!pattern) return true;
    if (!text.at || text.len >= sizeof copy) return false;
    memcpy(copy, text.at, text.len);
    copy[text.len] = 0;
    return fnmatch(pattern, copy, 0) == 0;
}

/* The strongest of the rules that fit; -1: none does. */
static int by_rules(const struct version_options *options, const struct cc_commit *commit) {
    int found = -1;
    for (size_t i = 0; i < options->rule_count; i++) {
        const struct version_rule *rule = &options->rules[i];
        if (!matches(rule->type, commit->type) || !matches(rule->scope, commit->scope)) continue;
        if (rule->breaking >= 0 && rule->breaking != commit->breaking) continue;
        if ((int)rule->bump > found) found = (int)rule->bump;
    }
    return found;
}

static bool is_release_as(const struct cc_commit *commit, struct span *version) {
    const struct cc_footer *footer = cc_footer_of(commit, "Release-As");
    if (footer) *version = footer->value;
    return footer != NULL;
}

static enum bump by_spec(const struct cc_commit *commit) {
    if (!commit->conventional) return BUMP_NONE;
    if (commit->breaking) return BUMP_MAJOR;
    if (span_is(commit->type, "feat")) return BUMP_MINOR;
    return span_is(commit->type, "fix") ? BUMP_PATCH : BUMP_NONE;
}

static enum bump by_semantic_release(const struct cc_commit *commit) {
    const enum bump plain = by_spec(commit);
    if (plain || !commit->conventional) return plain;
    return span_is(commit->type, "perf") || span_is(commit->type, "revert") ? BUMP_PATCH
                                                                            : BUMP_NONE;
}

/* git-cliff's and release-plz's rules below 1.0 (the crate next_version). */
static enum bump by_git_cliff(const struct cc_commit *commit, const struct version *from,
                              const struct version_options *options) {
    const bool young = from->major == 0;
    if (type_fits(options->no_increment, commit)) return BUMP_NONE;
    if (type_fits(options->custom_major, commit)) return BUMP_MAJOR;
    if (commit->conventional && commit->breaking) {
        if (!young || options->breaking_always_bump_major) return BUMP_MAJOR;
        if (from->minor) return BUMP_MINOR;
    }
    const bool feature = (commit->conventional && span_is(commit->type, "feat")) ||
                         type_fits(options->custom_minor, commit);
    if (feature && (!young || options->features_always_bump_minor)) return BUMP_MINOR;
    if (options->versioning == VERSION_GIT_CLIFF) return BUMP_PATCH;
    return by_spec(commit) ? BUMP_PATCH : BUMP_NONE;
}

static enum bump by_release_please(const struct cc_commit *commit, const struct version *from,
                                   const struct version_options *options) {
    const bool young = from->major == 0;
    if (commit->breaking) return young && options->bump_minor_pre_major ? BUMP_MINOR : BUMP_MAJOR;
    if (commit->conventional && span_is(commit->type, "feat"))
        return young && options->bump_patch_for_minor_pre_major ? BUMP_PATCH : BUMP_MINOR;
    return BUMP_PATCH;
}

static enum bump asked_by(const struct cc_commit *commit, const struct version *from,
                          const struct version_options *options) {
    const int ruled = by_rules(options, commit);
    if (ruled >= 0) return (enum bump)ruled;
    switch (options->versioning) {
    case VERSION_CONVENTIONAL:
    case VERSION_GIT_CLIFF:
        return by_git_cliff(commit, from, options);
    case VERSION_RELEASE_PLEASE:
    case VERSION_PRERELEASE:
        return by_release_please(commit, from, options);
    case VERSION_SEMANTIC_RELEASE:
        return by_semantic_release(commit);
    case VERSION_ALWAYS_MAJOR:
        return BUMP_MAJOR;
    case VERSION_ALWAYS_MINOR:
        return BUMP_MINOR;
    case VERSION_ALWAYS_PATCH:
        break;
    }
    return BUMP_PATCH;
}

/* release-please's prerelease strategy: a pre-release of the asked height counts on. */
static void raise_pre(struct version *v, enum bump bump, const struct version_options *options) {
    const bool in_pre = *v->pre != 0;
    const bool high_enough = bump == BUMP_PATCH || (bump == BUMP_MINOR && !v->patch) ||
                             (bump == BUMP_MAJOR && !v->minor && !v->patch);
    if (in_pre && high_enough)
        count_pre(v);
    else
        raise_by(v, bump);
    if (!in_pre && options->prerelease && options->prerelease_type)
        snprintf(v->pre, sizeof v->pre, "%s", options->prerelease_type);
    if (!options->prerelease) v->pre[0] = v->build[0] = 0;
}

static bool pins(enum versioning versioning) {
    return versioning < VERSION_ALWAYS_MAJOR || versioning > VERSION_ALWAYS_PATCH;
}

static void raise_version(struct version *v, enum bump bump,
                          const struct version_options *options) {
    switch (options->versioning) {
    case VERSION_PRERELEASE:
        raise_pre(v, bump, options);
        break;
    case VERSION_CONVENTIONAL:
    case VERSION_GIT_CLIFF:
        if (*v->pre)
            count_pre(v);
        else
            raise_by(v, bump);
        v->build[0] = 0;
        break;
    default:
        raise_by(v, bump);
    }
}

bool version_next(const char *from, const struct cc_commit *const *commits, size_t count,
                  const struct version_options *options, struct version_next *out) {
    *out = (struct version_next){.decided_by = -1};
    if (!from || !*from) {
        snprintf(out->text, sizeof out->text, "%s",
                 options->initial_tag ? options->initial_tag : "0.1.0");
        return true;
    }
    struct version version;
    if (!version_read(from, &version)) return false;
    struct span pinned = {0};
    for (size_t i = 0; i < count; i++) {
        if (!pinned.at && pins(options->versioning) && is_release_as(commits[i], &pinned))
            out->decided_by = (int)i;
        const enum bump bump = asked_by(commits[i], &version, options);
        if (bump <= out->bump) continue;
        out->bump = bump;
        if (!pinned.at) out->decided_by = (int)i;
    }
    if (pinned.at) {
        snprintf(out->text, sizeof out->text, "%.*s", (int)(pinned.len < 100 ? pinned.len : 100),
                 pinned.at);
        return true;
    }
    if (out->bump) raise_version(&version, out->bump, options);
    version_write(&version, out->text);
    return true;
}
