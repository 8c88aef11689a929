#include "forge.h"

#include <string.h>

enum { TIMEOUT_MS = 20000, DIFF_MOST = 8 * 1024 * 1024, DESCRIPTION_MOST = 139 };

/* ---- names that become parts of an address ---- */

static int made_of(const char *text, const char *more, size_t most) {
    size_t len = 0;
    for (; text[len]; len++) {
        const char c = text[len], l = (char)(c | 0x20);
        const int plain = (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !strchr(more, c)) return 0;
    }
    return len && len <= most && !strstr(text, "..");
}

const char *forge_task_problem(const cJSON *task) {
    const char *sha = sl_get_text(task, "sha", NULL), *tag = sl_get_text(task, "tag", NULL);
    const char *before = sl_get_text(task, "before", NULL);
    if (!made_of(sl_get_text(task, "project", ""), "-_./", 200)) return "no repository is named";
    if (sha && !made_of(sha, "", 64)) return "the commit is no hash";
    if (before && !made_of(before, "", 64)) return "the commit before is no hash";
    if (tag && !made_of(tag, "-_./+@", 200)) return "the tag's name is not taken";
    if (strcmp(sl_get_text(task, "kind", ""), "release") == 0 ? !tag : !sha)
        return "it names neither commit nor tag";
    return NULL;
}

/* ---- requests ---- */

static int ask(sl_call *call, const struct forge *forge, const char *method, const char *path,
               const char *accept, const cJSON *body, sl_response *response) {
    const char *json = body ? sl_json_print(call, body) : NULL;
    const char *token = sl_get_text(forge->options, "token", "");
    const char *const headers[] = {
        sl_printf(call, forge->is_gitlab ? "PRIVATE-TOKEN: %s" : "Authorization: Bearer %s", token),
        sl_printf(call, "Accept: %s", accept), "User-Agent: sluice",
        json ? "Content-Type: application/json" : "X-GitHub-Api-Version: 2022-11-28", NULL};
    const sl_request request = {
        .method = method,
        .url = sl_printf(call, "%s%s", sl_get_text(forge->options, "api", ""), path),
        .headers = headers,
        .body = json,
        .body_size = json ? strlen(json) : 0,
        .timeout_ms = TIMEOUT_MS,
        .max_bytes = DIFF_MOST,
        .retries = 2,
        .breaker = forge->is_gitlab ? "gitlab" : "github"};
    int rc = sl_fetch(call, &request, response);
    if (rc) return rc;
    if (response->status >= 200 && response->status < 300) return 0;
    return sl_fail(call, response->status == 404 ? SL_NOT_FOUND : SL_UNAVAILABLE,
                   "%s %s answered %d: %.200s", method, path, response->status,
                   response->body ? response->body : "");
}

static const char *encoded(sl_call *call, const char *text) {
    char *out = sl_alloc(call, 3 * strlen(text) + 1), *to = out;
    static const char digits[] = "0123456789ABCDEF";
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (strchr("/+@", *text)) {
            *to++ = '%', *to++ = digits[c >> 4], *to++ = digits[c & 15];
        } else {
            *to++ = *text;
        }
    }
    return out;
}

static int is_zero(const char *sha) {
    return !sha[strspn(sha, "0")];
}

/* ---- the risk of a change ---- */

static int fetch_diff(sl_call *call, const struct forge *forge, const cJSON *task,
                      const char **diff) {
    const char *project = sl_get_text(task, "project", ""), *sha = sl_get_text(task, "sha", "");
    const char *before = sl_get_text(task, "before", "");
    const long long number = sl_get_int(task, "number", 0);
    const char *path, *accept = forge->is_gitlab ? "text/plain" : "application/vnd.github.diff";
    sl_response response;
    if (number)
        path = forge->is_gitlab
                   ? sl_printf(call, "/projects/%s/merge_requests/%lld/raw_diffs", project, number)
                   : sl_printf(call, "/repos/%s/pulls/%lld", project, number);
    else if (is_zero(before)) /* a new branch: the commit alone */
        path = forge->is_gitlab
                   ? sl_printf(call, "/projects/%s/repository/commits/%s/diff", project, sha)
                   : sl_printf(call, "/repos/%s/commits/%s", project, sha);
    else
        path = forge->is_gitlab
                   ? sl_printf(call, "/projects/%s/repository/compare?from=%s&to=%s", project,
                               before, sha)
                   : sl_printf(call, "/repos/%s/compare/%s...%s", project, before, sha);
    int rc = ask(call, forge, "GET", path, accept, NULL, &response);
    if (rc) return rc;
    *diff = response.body ? response.body : "";
    if (!forge->is_gitlab || number) return 0;
    /* GitLab gives commits and comparisons as JSON: hunks without their file headers. */
    cJSON *answer = NULL;
    rc = sl_json_parse(call, "GitLab's answer", response.body, response.body_size, &answer);
    if (rc) return rc;
    const cJSON *item = NULL, *list = cJSON_IsArray(answer) ? answer : sl_get(answer, "diffs");
    const char *text = "";
    cJSON_ArrayForEach(item, list) text =
        sl_printf(call, "%sdiff --git a/%s b/%s\n--- a/%s\n+++ b/%s\n%s", text,
                  sl_get_text(item, "old_path", "x"), sl_get_text(item, "new_path", "x"),
                  sl_get_text(item, "old_path", "x"), sl_get_text(item, "new_path", "x"),
                  sl_get_text(item, "diff", ""));
    *diff = text;
    return 0;
}

static int level_of(const char *name) {
    static const char *const levels[] = {"LOW", "MED", "HIGH", "CRITICAL"};
    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], name) == 0) return i;
    return 3;
}

static int write_status(sl_call *call, const struct forge *forge, const cJSON *task,
                        const cJSON *score) {
    const char *level = sl_get_text(score, "level", "?");
    const int fails = level_of(level) >= level_of(forge->fail_at);
    const char *project = sl_get_text(task, "project", ""), *sha = sl_get_text(task, "sha", "");
    char *words =
        sl_printf(call, "risk %s, score %lld: %s", level, (long long)sl_get_int(score, "score", 0),
                  sl_get_text(score, "reason", ""));
    if (strlen(words) > DESCRIPTION_MOST) { /* the forges' limit; not within a character */
        size_t end = DESCRIPTION_MOST;
        while (end && ((unsigned char)words[end] & 0xc0) == 0x80) end--;
        words[end] = 0;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "state",
                            !fails             ? "success"
                            : forge->is_gitlab ? "failed"
                                               : "failure");
    cJSON_AddStringToObject(body, "description", words);
    cJSON_AddStringToObject(body, forge->is_gitlab ? "name" : "context", "sluice/risk");
    sl_response response;
    return ask(call, forge, "POST",
               forge->is_gitlab ? sl_printf(call, "/projects/%s/statuses/%s", project, sha)
                                : sl_printf(call, "/repos/%s/statuses/%s", project, sha),
               "application/json", body, &response);
}

int forge_score(sl_call *call, const struct forge *forge, const cJSON *task) {
    const char *diff = NULL;
    int rc = fetch_diff(call, forge, task, &diff);
    if (rc) return rc;
    cJSON *question = cJSON_CreateObject(), *score = NULL;
    cJSON_AddStringToObject(question, "diff", diff);
    cJSON_AddStringToObject(question, "message",
                            sl_printf(call, "%.4000s\n\n%.8000s", sl_get_text(task, "title", ""),
                                      sl_get_text(task, "body", "")));
    cJSON_AddStringToObject(question, "detail", "brief");
    rc = sl_invoke(call, "risk.score", question, &score);
    if (rc == SL_INVALID) return 0; /* nothing in it can be scored: no status, no retry */
    return rc ? rc : write_status(call, forge, task, score);
}

/* ---- the text of a release ---- */

/* The release before this one, as the forge lists them: newest first. */
static const char *previous_tag(const cJSON *releases, const char *tag) {
    const cJSON *item = NULL;
    int seen = 0;
    cJSON_ArrayForEach(item, releases) {
        const char *name = sl_get_text(item, "tag_name", "");
        if (seen && !sl_get_bool(item, "draft", 0)) return name;
        seen |= strcmp(name, tag) == 0;
    }
    return NULL;
}

static int fetch_json(sl_call *call, const struct forge *forge, const char *path, cJSON **out) {
    sl_response response;
    int rc = ask(call, forge, "GET", path, "application/json", NULL, &response);
    return rc ? rc
              : sl_json_parse(call, "the forge's answer", response.body, response.body_size, out);
}

static cJSON *commits_of(const struct forge *forge, const cJSON *comparison) {
    cJSON *commits = cJSON_CreateArray();
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, sl_get(comparison, "commits")) {
        const cJSON *inner = forge->is_gitlab ? item : sl_get(item, "commit");
        const char *author = forge->is_gitlab ? sl_get_text(item, "author_name", "")
                                              : sl_get_text(sl_get(inner, "author"), "name", "");
        cJSON *commit = cJSON_CreateObject();
        cJSON_AddStringToObject(commit, "id",
                                sl_get_text(item, forge->is_gitlab ? "id" : "sha", ""));
        cJSON_AddStringToObject(commit, "message", sl_get_text(inner, "message", ""));
        cJSON_AddStringToObject(commit, "author", author);
        cJSON_AddItemToArray(commits, commit);
    }
    return commits;
}

int forge_release(sl_call *call, const struct forge *forge, const cJSON *task) {
    const char *project = sl_get_text(task, "project", ""), *tag = sl_get_text(task, "tag", "");
    cJSON *releases = NULL, *comparison = NULL, *answer = NULL;
    if (sl_get_bool(task, "has_text", 0)) return 0; /* what people wrote stands */
    int rc =
        fetch_json(call, forge,
                   forge->is_gitlab ? sl_printf(call, "/projects/%s/releases?per_page=20", project)
                                    : sl_printf(call, "/repos/%s/releases?per_page=20", project),
                   &releases);
    const char *previous = rc ? NULL : previous_tag(releases, tag);
    if (rc || !previous) return rc; /* the first release has nothing to compare with */
    rc = fetch_json(call, forge,
                    forge->is_gitlab
                        ? sl_printf(call, "/projects/%s/repository/compare?from=%s&to=%s", project,
                                    encoded(call, previous), encoded(call, tag))
                        : sl_printf(call, "/repos/%s/compare/%s...%s", project,
                                    encoded(call, previous), encoded(call, tag)),
                    &comparison);
    if (rc) return rc;
    cJSON *question = cJSON_CreateObject();
    cJSON_AddItemToObject(question, "commits", commits_of(forge, comparison));
    cJSON_AddStringToObject(question, "previous_version", previous);
    cJSON_AddStringToObject(question, "version", tag);
    cJSON_AddStringToObject(question, "audience", "customer");
    rc = sl_invoke(call, "notes.compose", question, &answer);
    if (rc) return rc;
    cJSON *body = cJSON_CreateObject();
    sl_response response;
    cJSON_AddStringToObject(body, forge->is_gitlab ? "description" : "body",
                            sl_get_text(answer, "customer", ""));
    return ask(call, forge, forge->is_gitlab ? "PUT" : "PATCH",
               forge->is_gitlab
                   ? sl_printf(call, "/projects/%s/releases/%s", project, encoded(call, tag))
                   : sl_printf(call, "/repos/%s/releases/%lld", project,
                               (long long)sl_get_int(task, "number", 0)),
               "application/json", body, &response);
}
