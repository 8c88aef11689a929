/* cmd_notes.c - release notes of the git working tree at hand, written by the server. */
#include "client.h"
#include "git.h"
#include "op_fields.h"
#include "op_input.h"

#include <stdlib.h>
#include <string.h>

enum { LOG_MOST = 48 * 1024 * 1024, LINE_MOST = 4096, FIELDS = 7 };

static const struct cli_flag notes_flags[] = {
    {.name = "from", .value = "REV", .help = "begin after it (default: the tag before --to)"},
    {.name = "to", .value = "REV", .help = "the last commit (default HEAD)"},
    {.name = "audience", .value = "customer|engineer|both", .help = "whom for (default both)"},
    {.name = "changelog", .help = "the section for CHANGELOG.md in place of notes"},
    {.name = "next-version", .help = "only the next version"},
    {.name = "version", .value = "VERSION", .help = "of this release (default: the next one)"},
    {.name = "versioning", .value = "RULES", .help = "conventional, git-cliff, release-please, …"},
    {.name = "path", .value = "PATH", .help = "only commits that touch it (may be repeated)"},
    {.name = "files", .help = "tell engineers which files a commit touches"},
    {.name = "language-model", .help = "let it reword what customers read"},
    {0}};

/* The one line that git prints, or NULL. Quiet: the question may have no answer. */
static const char *line_of(struct cli *cli, const char *const *words) {
    FILE *loud = cli->err;
    size_t size = 0;
    FILE *nowhere = fopen("/dev/null", "w");
    if (nowhere) cli->err = nowhere;
    char *text = git_run(cli, words, LINE_MOST, &size);
    cli->err = loud;
    if (nowhere) fclose(nowhere);
    if (!text || !size) return NULL;
    text[strcspn(text, "\n")] = 0;
    return text;
}

/* The nearest tag at a commit or before it. */
static const char *tag_at(struct cli *cli, const char *rev) {
    const char *const words[] = {"git", "describe", "--tags", "--abbrev=0", rev, NULL};
    return line_of(cli, words);
}

static void put_text(struct cli *cli, cJSON *object, const char *name, const char *bytes,
                     size_t size) {
    size_t replaced;
    cJSON_AddStringToObject(object, name, utf8_mend(&cli->arena, bytes, size, &replaced));
}

/* Names of files, each ended by NUL, after a line end. */
static void read_files(struct cli *cli, cJSON *commit, const char *at, size_t size) {
    cJSON *files = NULL;
    while (size) {
        const char *stop = memchr(at, 0, size);
        const size_t len = stop ? (size_t)(stop - at) : size;
        const size_t skip = len && at[0] == '\n' ? 1 : 0;
        size_t replaced;
        if (len > skip) {
            if (!files) files = cJSON_AddArrayToObject(commit, "files");
            cJSON_AddItemToArray(files, cJSON_CreateString(utf8_mend(&cli->arena, at + skip,
                                                                     len - skip, &replaced)));
        }
        at += len + (stop ? 1 : 0);
        size -= len + (stop ? 1 : 0);
    }
}

/* The fields of a record are split by the unit separator, the files come last. */
static cJSON *read_record(struct cli *cli, const char *at, size_t size) {
    static const char *const names[FIELDS] = {"id", NULL, NULL, "email", NULL, "message", NULL};
    cJSON *commit = cJSON_CreateObject(), *author = NULL;
    for (int field = 0; field < FIELDS; field++) {
        const char *stop = field + 1 < FIELDS ? memchr(at, '\x1f', size) : NULL;
        const size_t len = stop ? (size_t)(stop - at) : size;
        if (field == 1) { /* hashes of the parents, split by blanks */
            int parents = len > 0;
            for (size_t i = 0; i < len; i++) parents += at[i] == ' ';
            cJSON_AddNumberToObject(commit, "parents", parents);
        } else if (field == 2) {
            author = cJSON_AddObjectToObject(commit, "author");
            put_text(cli, author, "name", at, len);
        } else if (names[field]) {
            put_text(cli, field == 3 ? author : commit, names[field], at, len);
        } else if (field == FIELDS - 1) {
            read_files(cli, commit, at, len);
        }
        at += len + (stop ? 1 : 0);
        size -= len + (stop ? 1 : 0);
    }
    return commit;
}

static cJSON *read_log(struct cli *cli, const char *range, int *code) {
    static const char format[] = "--format=%x1e%H%x1f%P%x1f%aN%x1f%aE%x1f%at%x1f%B%x1f";
    const char *files = cli_option(cli, "files") ? "--name-only" : "--no-patch";
    const char *words[64] = {"git", "log", "-z", "--no-color", files, format, range, "--"};
    size_t count = 8, size = 0;
    const char *path;
    for (size_t i = 0; (path = cli_option_at(cli, "path", i)) && count < 63; i++)
        words[count++] = path;
    char *text = git_run(cli, words, LOG_MOST, &size);
    *code = CLI_BAD_INPUT;
    if (!text) return NULL;
    if (size > LOG_MOST) {
        cli_fail(cli, CLI_BAD_INPUT, "the log of %s has more than 48 MiB: split the range", range);
        return NULL;
    }
    cJSON *commits = cJSON_CreateArray();
    while (size) {
        /* A record begins with the record separator, at the beginning or after a NUL. */
        const char *stop = memmem(text, size, "\0\x1e", 2);
        const size_t len = stop ? (size_t)(stop - text) : size;
        if (len > 1) cJSON_AddItemToArray(commits, read_record(cli, text + 1, len - 1));
        text += len + (stop ? 1 : 0);
        size -= len + (stop ? 1 : 0);
    }
    if (!commits->child) {
        cli_fail(cli, CLI_BAD_INPUT, "there are no commits in %s", range);
        return NULL;
    }
    *code = CLI_DONE;
    return commits;
}

static cJSON *question(struct cli *cli, int *code) {
    const char *to = cli_option(cli, "to"), *from = cli_option(cli, "from");
    const char *const passed[] = {"audience", "version", "versioning"};
    if (!to) to = "HEAD";
    if (!from) from = tag_at(cli, arena_printf(&cli->arena, "%s^", to));
    if (to[0] == '-' || (from && from[0] == '-')) {
        *code = cli_usage(cli, "--from and --to take a tag, branch or commit");
        return NULL;
    }
    const char *range = from ? arena_printf(&cli->arena, "%s..%s", from, to) : to;
    cJSON *commits = read_log(cli, range, code);
    if (!commits) return NULL;
    cJSON *in = cJSON_CreateObject();
    cJSON_AddItemToObject(in, "commits", commits);
    const char *previous = from ? tag_at(cli, from) : NULL;
    if (previous) cJSON_AddStringToObject(in, "previous_version", previous);
    for (size_t i = 0; i < sizeof passed / sizeof *passed; i++) {
        const char *value = cli_option(cli, passed[i]);
        if (value) cJSON_AddStringToObject(in, passed[i], value);
    }
    if (cli_option(cli, "language-model")) cJSON_AddTrueToObject(in, "language_model");
    if (cli->format != CLI_JSON && cli->format != CLI_YAML)
        cJSON_AddStringToObject(in, "detail", "brief");
    return in;
}

static void print(struct cli *cli, const cJSON *answer) {
    const cJSON *warning;
    const char *const texts[] = {"customer", "engineer"};
    bool any = false;
    if (cli_option(cli, "next-version")) {
        const cJSON *version = cJSON_GetObjectItemCaseSensitive(answer, "version");
        cli_out(cli, "%s\n", cli_clean(cli, member_text(version, "next", ""), false));
        return;
    }
    if (cli_option(cli, "changelog"))
        cli_out(cli, "%s", cli_clean(cli, member_text(answer, "changelog", ""), true));
    for (size_t i = 0; i < 2 && !cli_option(cli, "changelog"); i++) {
        const char *text = member_text(answer, texts[i], NULL);
        if (!text) continue;
        cli_out(cli, "%s%s", any ? "\n" : "", cli_clean(cli, text, true));
        any = true;
    }
    cJSON_ArrayForEach(warning, cJSON_GetObjectItemCaseSensitive(answer, "warnings")) {
        if (cJSON_IsString(warning))
            cli_note(cli, "note: %s", cli_clean(cli, warning->valuestring, false));
    }
}

static int run_notes(struct cli *cli) {
    int code = CLI_DONE;
    cJSON *in = question(cli, &code);
    if (!in) return code;
    const char *body = cli_json(in);
    struct client_request request = {
        .method = "POST", .path = "/ai/release-notes", .body = body, .body_size = strlen(body)};
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    struct client_answer answer;
    code = client_send(cli, &request, &answer);
    if (code) return code;
    if (answer.status != 200) return client_problem(cli, &answer);
    if (cli->format == CLI_JSON) {
        fwrite(answer.body, 1, answer.size, cli->out);
        return CLI_DONE;
    }
    cJSON *said = cJSON_ParseWithLength(answer.body, answer.size);
    if (cli->format == CLI_YAML)
        cli_value(cli, said);
    else
        print(cli, said);
    return CLI_DONE;
}

const struct cli_command notes_commands[] = {
    {.words = "notes",
     .summary = "Write release notes of the git working tree here",
     .more = "Reads the commits by git, sends them to the server, prints Markdown.",
     .example = "sluice notes --from v1.3.0 --to HEAD --audience customer",
     .flags = notes_flags,
     .run = run_notes},
    {0}};
