/* cmd_rag.c - documents into the server from this machine's files, and searching them. */
#include "../json.h"
#include "client.h"
#include "op_input.h"
#include "render.h"
#include "table.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

int render_rag_query(struct cli *cli, const cJSON *answer);
int render_rag_answer(struct cli *cli, const cJSON *answer);

enum {
    FILES_MOST = 100000,
    DEPTH_MOST = 32,
    FILE_BYTES = 8 * 1024 * 1024, /* what the server takes of one document */
    BATCH_FILES = 200,
    BATCH_BYTES = 4 * 1024 * 1024,
    BAR_CELLS = 24
};

struct ingest {
    struct cli *cli;
    const char **paths, **sources;
    size_t count, room, skipped;
    const char *root; /* the folder as given; NULL: files */
    const char *collection;
    cJSON *documents; /* of the batch that is being filled */
    size_t batch_count, batch_bytes;
    cJSON *items; /* what is told: all but added and unchanged */
    double added, changed, unchanged, removed, failed, passages, bytes;
    bool bar;
};

/* ---- which files ---- */

static bool is_document(const char *name) {
    static const char *const endings[] = {".md",   ".markdown", ".mdx", ".txt",  ".text", ".rst",
                                          ".adoc", ".html",     ".htm", ".json", ".yaml", ".yml"};
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && dot != name && i < sizeof endings / sizeof *endings; i++)
        if (!strcasecmp(dot, endings[i])) return true;
    return false;
}

static void add_file(struct ingest *ingest, const char *path, const char *source) {
    if (ingest->count == ingest->room) {
        const size_t room = ingest->room ? ingest->room * 2 : 256;
        const char **paths = arena_zalloc(&ingest->cli->arena, room * sizeof *paths);
        const char **sources = arena_zalloc(&ingest->cli->arena, room * sizeof *sources);
        for (size_t i = 0; i < ingest->count; i++)
            paths[i] = ingest->paths[i], sources[i] = ingest->sources[i];
        ingest->paths = paths, ingest->sources = sources, ingest->room = room;
    }
    ingest->paths[ingest->count] = path;
    ingest->sources[ingest->count++] = source;
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* Sorted, so that two runs send the same; links are not followed. */
static int walk(struct ingest *ingest, const char *folder, const char *source, unsigned depth) {
    struct cli *cli = ingest->cli;
    struct dirent **entries;
    int count = depth < DEPTH_MOST ? scandir(folder, &entries, is_visible, alphasort) : -1;
    if (count < 0)
        return cli_fail(cli, CLI_BAD_INPUT, "the folder %s cannot be read: %s", folder,
                        depth < DEPTH_MOST ? strerror(errno) : "it is nested too deep");
    int code = CLI_DONE;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        const char *path = arena_printf(&cli->arena, "%s/%s", folder, name);
        const char *below = arena_printf(&cli->arena, "%s/%s", source, name);
        struct stat status;
        const bool seen = code == CLI_DONE && !lstat(path, &status);
        if (seen && S_ISDIR(status.st_mode)) code = walk(ingest, path, below, depth + 1);
        if (seen && S_ISREG(status.st_mode)) {
            if (is_document(name))
                add_file(ingest, path, below);
            else
                ingest->skipped++;
        }
        free(entries[i]);
    }
    free(entries);
    if (ingest->count > FILES_MOST)
        return cli_fail(cli, CLI_BAD_INPUT, "there are more than %d documents in it", FILES_MOST);
    return code;
}

/* "runbooks" of "./docs/runbooks/". */
static const char *base_of(struct cli *cli, const char *path) {
    char *whole = realpath(path, NULL);
    const char *slash = whole ? strrchr(whole, '/') : NULL;
    const char *base = arena_strdup(&cli->arena, slash && slash[1] ? slash + 1 : "documents");
    free(whole);
    return base;
}

static int find_files(struct ingest *ingest) {
    struct cli *cli = ingest->cli;
    struct stat status;
    for (size_t i = 0; i < cli->arg_count; i++) {
        const char *path = cli->args[i];
        if (!strcmp(path, "-")) {
            const char *source = cli_option(cli, "source");
            if (!source) return cli_usage(cli, "standard input needs a name: --source NAME");
            add_file(ingest, path, source);
        } else if (stat(path, &status) != 0) {
            return cli_fail(cli, CLI_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
        } else if (S_ISDIR(status.st_mode)) {
            if (cli->arg_count > 1)
                return cli_usage(cli, "give one folder, or files: each folder is a collection");
            ingest->root = path;
            const char *base = base_of(cli, path);
            if (!ingest->collection) ingest->collection = base;
            int code = walk(ingest, path, base, 0);
            if (code) return code;
        } else {
            const char *source = cli->arg_count == 1 ? cli_option(cli, "source") : NULL;
            add_file(ingest, path, source ? source : path);
        }
    }
    return CLI_DONE;
}

/* ---- sending ---- */

static void show_bar(const struct ingest *ingest, size_t done) {
    if (!ingest->bar) return;
    char cells[BAR_CELLS + 1];
    const size_t filled = ingest->count ? done * BAR_CELLS / ingest->count : BAR_CELLS;
    memset(cells, '.', BAR_CELLS);
    memset(cells, '#', filled);
    cells[BAR_CELLS] = '\0';
    fprintf(ingest->cli->err, "\r[%s] %zu of %zu  %.1f MB ", cells, done, ingest->count,
            ingest->bytes / 1e6);
    fflush(ingest->cli->err);
}

static void end_bar(const struct ingest *ingest) {
    if (ingest->bar) fprintf(ingest->cli->err, "\r\033[K");
}

static void tell_failed(struct ingest *ingest, const char *source, const char *why) {
    cJSON *item = cJSON_CreateObject();
    cJSON_AddStringToObject(item, "source", source);
    cJSON_AddStringToObject(item, "status", "failed");
    cJSON_AddStringToObject(item, "error", why);
    cJSON_AddItemToArray(ingest->items, item);
    ingest->failed++;
}

static double number_of(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static void take_answer(struct ingest *ingest, const cJSON *told) {
    ingest->added += number_of(told, "added");
    ingest->changed += number_of(told, "changed");
    ingest->unchanged += number_of(told, "unchanged");
    ingest->removed += number_of(told, "removed");
    ingest->failed += number_of(told, "failed");
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(told, "items")) {
        ingest->passages += number_of(item, "passages");
        const char *status = member_text(item, "status", "");
        if (strcmp(status, "unchanged") != 0 && strcmp(status, "added") != 0)
            cJSON_AddItemToArray(ingest->items, cJSON_Duplicate(item, 1));
    }
}

static int send_body(struct ingest *ingest, const cJSON *body) {
    struct cli *cli = ingest->cli;
    const char *text = cli_json(body);
    struct client_answer answer;
    const struct client_request request = {
        .method = "POST", .path = "/rag/documents", .body = text, .body_size = strlen(text)};
    int code = client_send(cli, &request, &answer);
    if (code) return code;
    if (answer.status != 200) return end_bar(ingest), client_problem(cli, &answer);
    const cJSON *told = cJSON_ParseWithLength(answer.body, answer.size);
    if (!told) return cli_fail(cli, CLI_FAILED, "the server's answer is no JSON");
    take_answer(ingest, told);
    return CLI_DONE;
}

static int flush_batch(struct ingest *ingest) {
    if (!ingest->batch_count) return CLI_DONE;
    cJSON *body = cJSON_CreateObject();
    if (ingest->collection) cJSON_AddStringToObject(body, "collection", ingest->collection);
    cJSON_AddItemToObject(body, "documents", ingest->documents);
    ingest->documents = cJSON_CreateArray();
    ingest->batch_count = ingest->batch_bytes = 0;
    return send_body(ingest, body);
}

static void add_labels(struct cli *cli, cJSON *document) {
    const char *label;
    cJSON *labels = cJSON_CreateArray();
    for (size_t i = 0; (label = cli_option_at(cli, "label", i)); i++)
        cJSON_AddItemToArray(labels, cJSON_CreateString(label));
    if (labels->child) cJSON_AddItemToObject(document, "labels", labels);
}

static bool is_utf8(const char *text, size_t size) {
    for (const char *at = text, *end = text + size; at < end;) {
        const unsigned bytes = (unsigned char)*at < 0x80 ? *at != '\0' : json_utf8_length(at, end);
        if (!bytes) return false;
        at += bytes;
    }
    return true;
}

static int add_document(struct ingest *ingest, size_t i) {
    struct cli *cli = ingest->cli;
    const char *source = ingest->sources[i], *title = cli_option(cli, "title");
    struct stat status = {0};
    if (strcmp(ingest->paths[i], "-") != 0 && !stat(ingest->paths[i], &status) &&
        status.st_size > FILE_BYTES)
        return tell_failed(ingest, source, "it is larger than 8 MiB: split it"), CLI_DONE;
    size_t size;
    const char *text = cli_read(cli, ingest->paths[i], &size);
    if (!text) return CLI_BAD_INPUT;
    if (!is_utf8(text, size)) return tell_failed(ingest, source, "it is no UTF-8 text"), CLI_DONE;
    cJSON *document = cJSON_CreateObject();
    cJSON_AddStringToObject(document, "source", source);
    cJSON_AddItemToObject(document, "text", cJSON_CreateStringReference(text));
    if (title) cJSON_AddStringToObject(document, "title", title);
    add_labels(cli, document);
    cJSON_AddItemToArray(ingest->documents, document);
    ingest->batch_bytes += size;
    ingest->bytes += (double)size;
    const bool full = ++ingest->batch_count == BATCH_FILES || ingest->batch_bytes > BATCH_BYTES;
    return full ? flush_batch(ingest) : CLI_DONE;
}

/* What is in the folder stays, files that could not be read too; the rest of its collection goes. */
static int remove_gone(struct ingest *ingest) {
    cJSON *body = cJSON_CreateObject(), *keep = cJSON_AddArrayToObject(body, "keep");
    cJSON_AddStringToObject(body, "collection", ingest->collection);
    if (cli_option(ingest->cli, "force")) cJSON_AddTrueToObject(body, "force");
    for (size_t i = 0; i < ingest->count; i++)
        cJSON_AddItemToArray(keep, cJSON_CreateStringReference(ingest->sources[i]));
    return send_body(ingest, body);
}

/* ---- telling ---- */

static void print_items(struct ingest *ingest) {
    struct cli *cli = ingest->cli;
    const cJSON *item;
    cJSON_ArrayForEach(item, ingest->items) {
        const char *status = member_text(item, "status", "");
        const bool failed = !strcmp(status, "failed");
        if (!failed && strcmp(status, "removed") != 0 && !cli->verbose) continue;
        cli_out(cli, "%s  %s%s%s\n", cli_paint(cli, failed ? CLI_RED : CLI_YELLOW, status),
                cli_clean(cli, member_text(item, "source", ""), false), failed ? ": " : "",
                cli_clean(cli, member_text(item, "error", ""), false));
    }
}

static void tell(struct ingest *ingest) {
    struct cli *cli = ingest->cli;
    if (cli->format == CLI_TABLE || cli->format == CLI_MD) {
        print_items(ingest);
        cli_out(cli, "%g added, %g changed, %g unchanged, %g removed, %g failed", ingest->added,
                ingest->changed, ingest->unchanged, ingest->removed, ingest->failed);
        if (ingest->skipped) cli_out(cli, "; %zu other files skipped", ingest->skipped);
        cli_out(cli, "\n");
        return;
    }
    cJSON *value = cJSON_CreateObject();
    if (ingest->collection) cJSON_AddStringToObject(value, "collection", ingest->collection);
    cJSON_AddNumberToObject(value, "added", ingest->added);
    cJSON_AddNumberToObject(value, "changed", ingest->changed);
    cJSON_AddNumberToObject(value, "unchanged", ingest->unchanged);
    cJSON_AddNumberToObject(value, "removed", ingest->removed);
    cJSON_AddNumberToObject(value, "failed", ingest->failed);
    cJSON_AddNumberToObject(value, "skipped", (double)ingest->skipped);
    cJSON_AddNumberToObject(value, "passages", ingest->passages);
    cJSON_AddItemToObject(value, "items", ingest->items);
    cli_value(cli, value);
}

static int run_ingest(struct cli *cli) {
    struct ingest ingest = {.cli = cli,
                            .collection = cli_option(cli, "collection"),
                            .documents = cJSON_CreateArray(),
                            .items = cJSON_CreateArray()};
    const int err = fileno(cli->err);
    ingest.bar = !cli->quiet && err >= 0 && isatty(err);
    int code = find_files(&ingest);
    if (!code) code = client_check_tenant(cli);
    for (size_t i = 0; i < ingest.count && !code; i++) {
        show_bar(&ingest, i);
        code = add_document(&ingest, i);
    }
    if (!code) code = flush_batch(&ingest);
    if (!code && ingest.root && !cli_option(cli, "keep-removed")) code = remove_gone(&ingest);
    end_bar(&ingest);
    if (code) return code;
    tell(&ingest);
    return ingest.failed > 0 ? CLI_BAD_INPUT : CLI_DONE;
}

/* ---- searching ---- */

static int run_search(struct cli *cli) {
    cJSON *body = cJSON_CreateObject(), *labels = cJSON_CreateArray();
    const char *words = "", *label, *most = cli_option(cli, "k");
    for (size_t i = 0; i < cli->arg_count; i++)
        words = arena_printf(&cli->arena, "%s%s%s", words, i ? " " : "", cli->args[i]);
    cJSON_AddStringToObject(body, "query", words);
    if (most) {
        char *end;
        const long k = strtol(most, &end, 10);
        if (*end || k < 1 || k > 100) return cli_usage(cli, "-k takes a number from 1 to 100");
        cJSON_AddNumberToObject(body, "k", (double)k);
    }
    for (size_t i = 0; (label = cli_option_at(cli, "label", i)); i++)
        cJSON_AddItemToArray(labels, cJSON_CreateString(label));
    if (labels->child) cJSON_AddItemToObject(body, "labels", labels);
    const char *text = cli_json(body);
    const struct client_request request = {
        .method = "POST", .path = "/rag/query", .body = text, .body_size = strlen(text)};
    if (cli->print_curl) return client_print_curl(cli, &request), CLI_DONE;
    struct client_answer answer;
    int code = client_check_tenant(cli);
    if (!code) code = client_send(cli, &request, &answer);
    if (code) return code;
    if (answer.status != 200) return client_problem(cli, &answer);
    const cJSON *found = cJSON_ParseWithLength(answer.body, answer.size);
    if (!found) return cli_fail(cli, CLI_FAILED, "the server's answer is no JSON");
    if (cli->format == CLI_TABLE)
        render_rag_query(cli, found);
    else
        cli_value(cli, found);
    return CLI_DONE;
}

static const struct cli_flag ingest_flags[] = {
    {"collection", "NAME", "the set that they belong to; of a folder its own name", 0, false},
    {"label", "LABEL", "\"team=web\" or a word; may be repeated", 'l', false},
    {"source", "NAME", "name of one file or of standard input", 0, false},
    {"title", "TITLE", "title of one file", 0, false},
    {"keep-removed", NULL, "of a folder: keep documents whose file is gone", 0, false},
    {"force", NULL, "remove also when more than half of the collection is gone", 0, false},
    {0}};

static const struct cli_flag search_flags[] = {
    {"k", "N", "passages wanted (default 8)", 'k', false},
    {"label", "LABEL", "only documents that bear it; may be repeated", 'l', false},
    {0}};

extern const struct cli_command rag_commands[];
const struct cli_command rag_commands[] = {
    {.words = "rag ingest",
     .args = "DIR|FILE...|-",
     .args_min = 1,
     .args_max = 10000,
     .summary = "Take files or a folder in as documents",
     .more = "Markdown, text, HTML, JSON, YAML and alert rules. Unchanged files cost nothing. A\n"
             "folder is a collection: documents whose file is gone are removed. Exit code 3: some\n"
             "files failed; the others are in.",
     .example = "sluice rag ingest ./runbooks --label team=web",
     .flags = ingest_flags,
     .run = run_ingest},
    {.words = "rag search",
     .args = "WORD...",
     .args_min = 1,
     .args_max = 200,
     .summary = "Search the documents",
     .example = "sluice rag search pod crash looping",
     .flags = search_flags,
     .run = run_search},
    {0}};
