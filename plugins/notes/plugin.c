/* plugin.c - release notes: the face. */
#include "hooks.h"
#include "notes.h"

#include <stdlib.h>
#include <string.h>

#define VERSIONINGS                                                                                \
    "conventional|git-cliff|release-please|always-bump-major|always-bump-minor|always-bump-patch|" \
    "prerelease|semantic-release"

static const sl_field rule_in[] = {
    SL_STRING("type", .help = "of the commit, a pattern as dep*", .max = 100),
    SL_STRING("scope", .help = "of the commit, a pattern", .max = 100),
    SL_BOOL("breaking", .help = "only breaking changes, or only others"),
    SL_ENUM("release", "major|minor|patch|none", .flags = SL_REQUIRED, .help = "what it bumps"),
    SL_END};

static const sl_field compose_in[] = {
    SL_LIST("commits", SL_T_ANY, .max = FOLD_COMMITS_MOST,
            .help = "messages as texts, or objects: id, message (or title and body), author, "
                    "email, parents, pr, files, risk_level"),
    SL_LIST("pull_requests", SL_T_ANY, .max = 10000,
            .help = "objects: number, title, body, author; in place of commits"),
    SL_STRING("context", .max = SL_MIB(1),
              .help = "a commit a line, as git log --oneline; in place of commits"),
    SL_STRING("repository", .help = "a repository listed in the configuration", .max = 200),
    SL_STRING("from", .help = "the range begins after it: a tag or commit; default: the tag before",
              .max = 250),
    SL_STRING("to", .help = "the range's end; default HEAD", .max = 250),
    SL_LIST("paths", SL_T_STRING, .max = 100, .help = "only commits that touch one of these"),
    SL_ENUM("audience", "customer|engineer|both", .def = "both", .help = "whom the notes are for"),
    SL_STRING("version", .help = "of this release; default: the next one by the commits",
              .max = 100),
    SL_STRING("previous_version", .help = "of the release before; default: from", .max = 100),
    SL_STRING("date", .help = "of the release; default: today, UTC", .max = 40),
    SL_ENUM("versioning", VERSIONINGS, .def = "conventional",
            .help = "how the next version is counted"),
    SL_BOOL("features_always_bump_minor", .def = "true",
            .help = "below 1.0 too (conventional, git-cliff)"),
    SL_BOOL("breaking_always_bump_major", .def = "true",
            .help = "below 1.0 too (conventional, git-cliff)"),
    SL_BOOL("bump_minor_pre_major", .def = "false",
            .help = "a breaking change is minor below 1.0 (release-please)"),
    SL_BOOL("bump_patch_for_minor_pre_major", .def = "false",
            .help = "a feature is a patch below 1.0 (release-please)"),
    SL_BOOL("prerelease", .def = "false", .help = "stay in pre-releases (prerelease)"),
    SL_STRING("prerelease_type", .help = "such as beta (prerelease)", .max = 40),
    SL_STRING("initial_tag", .def = "0.1.0", .help = "when there is no version yet", .max = 100),
    SL_STRING("no_increment_regex", .help = "types that bump nothing", .max = 500),
    SL_STRING("custom_major_increment_regex", .help = "types that bump major", .max = 500),
    SL_STRING("custom_minor_increment_regex", .help = "types that bump minor", .max = 500),
    SL_LIST_OF("release_rules", rule_in, .max = VERSION_RULES_MOST,
               .help = "the strongest that fits a commit decides"),
    SL_MAP("components", SL_T_STRING, .max = 500,
           .help = "scope -> name that customers know it by"),
    SL_LIST("internal_names", SL_T_STRING, .max = 500, .help = "what customers must never read"),
    SL_STRING("repository_url", .help = "of the forge: links commits and pull requests",
              .max = 500),
    SL_BOOL("language_model", .help = "let it reword what customers read; default: as configured"),
    SL_ENUM("detail", "full|brief", .help = "brief: texts and counts; default above 2,000 commits"),
    SL_END};

static const sl_field version_out[] = {
    SL_STRING("previous"), SL_STRING("next"),
    SL_ENUM("bump", "major|minor|patch|none", .help = "what the commits ask for"),
    SL_OBJECT("decided_by", NULL, .help = "the commit that decided: commit, header",
              .flags = SL_OPEN),
    SL_END};

static const sl_field compose_out[] = {
    SL_STRING("notes", .help = "Markdown for the asked audience; customers first"),
    SL_STRING("customer", .help = "Markdown without anything of the inside"),
    SL_STRING("engineer", .help = "Markdown with commits, people, risk levels and links"),
    SL_STRING("changelog", .help = "a section of CHANGELOG.md by Keep a Changelog 1.1.0"),
    SL_OBJECT("version", version_out),
    SL_OBJECT("counts", NULL, .help = "commits in, by fate and by section: they add up",
              .flags = SL_OPEN),
    SL_LIST("entries", SL_T_ANY, .help = "what is listed, with its commits"),
    SL_LIST("accounted", SL_T_ANY, .help = "each commit that came in, and what became of it"),
    SL_LIST("warnings", SL_T_STRING),
    SL_STRING("method", .help = "template, or template+llm:…"),
    SL_END};

static const sl_field hook_out[] = {SL_STRING("event"),
                                    SL_BOOL("taken", .help = "a job works on it"),
                                    SL_STRING("reason", .help = "why nothing is done"), SL_END};

static const sl_op ops[] = {
    {.name = "notes.compose",
     .route = "POST /ai/release-notes",
     .also = "POST /notes",
     .summary = "Write release notes for customers and engineers from commits",
     .help = "Conventional Commits 1.0.0. Merges, squashes, fixups and pairs of commit and revert "
             "are folded; every commit is accounted for. Nothing is dropped: what follows no "
             "convention stands under Other, security always has its section.",
     .in = compose_in,
     .out = compose_out,
     .needs = "notes:read",
     .example = "{\"commits\":[\"feat(api): add cursor paging (#41)\","
                "\"fix: do not lose the last page\"],\"previous_version\":\"v1.3.0\"}",
     .run = notes_compose,
     .effect = SL_READS,
     .timeout_ms = 120000,
     .max_body = 64U << 20},
    {.name = "notes.github",
     .route = "POST /webhooks/github",
     .summary = "Take a delivery of a GitHub webhook: push, pull_request, release",
     .out = hook_out,
     .needs = "public",
     .run = hooks_github,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW | SL_OP_HIDDEN,
     .max_body = 26U << 20},
    {.name = "notes.gitlab",
     .route = "POST /webhooks/gitlab",
     .summary = "Take a delivery of a GitLab webhook: push, merge request, release",
     .out = hook_out,
     .needs = "public",
     .run = hooks_gitlab,
     .effect = SL_WRITES,
     .flags = SL_OP_RAW | SL_OP_HIDDEN,
     .max_body = 26U << 20},
    SL_END};

static const sl_job jobs[] = {
    {.name = "forge", .run = hooks_job, .timeout_ms = 90000, .max_attempts = 6}, SL_END};

static const sl_field config[] = {
    SL_MAP("components", SL_T_STRING, .max = 500,
           .help = "scope of a commit -> name that customers know it by"),
    SL_LIST("internal_names", SL_T_STRING, .max = 500,
            .help = "words that customers must never read: services, hosts, code names"),
    SL_MAP("repositories", SL_T_STRING, .max = 1000,
           .help = "folders of git repositories, by name; every tenant may ask for them"),
    SL_STRING("repository_url", .help = "of the forge: links commits and pull requests",
              .max = 500),
    SL_STRING("templates", .flags = SL_PATH, .max = 4096,
              .help = "a Lua file that returns functions customer, engineer, changelog: each gets "
                      "the answer and returns Markdown"),
    SL_BOOL("language_model", .def = "false",
            .help = "let the language model reword what customers read"),
    SL_OBJECT("webhooks", hooks_config,
              .help = "of forges: pushed and proposed changes get a risk status, releases notes"),
    SL_END};

static const sl_metric metrics[] = {{.name = "notes_composed_total",
                                     .help = "Release notes written",
                                     .labels = "method",
                                     .type = SL_COUNTER},
                                    SL_END};

static cJSON *kept(const cJSON *options, const char *name) {
    const cJSON *item = sl_get(options, name);
    return item ? sl_json_keep(item) : NULL;
}

static char *kept_text(const cJSON *options, const char *name) {
    const char *text = sl_get_text(options, name, NULL);
    return text ? strdup(text) : NULL;
}

static int start(sl_call *call, const cJSON *options) {
    struct notes_state *state = calloc(1, sizeof *state);
    if (!state) return sl_fail(call, SL_UNAVAILABLE, "no memory for the release notes");
    state->components = kept(options, "components");
    state->internal_names = kept(options, "internal_names");
    state->repositories = kept(options, "repositories");
    state->repository_url = kept_text(options, "repository_url");
    state->templates = kept_text(options, "templates");
    state->hooks = kept(options, "webhooks");
    state->language_model = sl_get_bool(options, "language_model", 0);
    sl_set_state(call, state);
    return 0;
}

static void stop(sl_call *call) {
    struct notes_state *state = sl_state(call);
    if (!state) return;
    sl_json_drop(state->components);
    sl_json_drop(state->internal_names);
    sl_json_drop(state->repositories);
    sl_json_drop(state->hooks);
    free(state->repository_url);
    free(state->templates);
    free(state);
    sl_set_state(call, NULL);
}

SL_PLUGIN(.name = "notes", .version = "1.0.0",
          .summary = "Release notes for customers and engineers, and the next version",
          .license = "Apache-2.0", .config = config, .ops = ops, .jobs = jobs, .metrics = metrics,
          .start = start, .stop = stop);
