#include "plugin_check.h"

#include "../plugin_elf.h"
#include "../test_inside.h"
#include "checks.h"
#include "op_input.h"

#include <errno.h>
#include <fcntl.h>
#include <sluice/test.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const struct cli_flag plugin_check_flags[] = {
    {"config", "JSON", "the plugin's options", 0, false},
    {"with", "FILE", "another plugin to load first (may be repeated)", 0, false},
    {0}};

const char *const *plugin_files(struct cli *cli) {
    size_t count = 0;
    while (cli_option_at(cli, "with", count)) count++;
    const char **files = arena_zalloc(&cli->arena, (count + 2) * sizeof *files);
    files[0] = cli->args[0];
    for (size_t i = 0; i < count; i++) files[i + 1] = cli_option_at(cli, "with", i);
    return files;
}

static bool is_lua(const char *file) {
    size_t size = strlen(file);
    return size > 4 && !strcmp(file + size - 4, ".lua");
}

/* ---- the file, before anything of it runs ---- */

struct facts {
    struct checks *checks;
    bool plugin_symbol, path, stack, text;
    const char *junk; /* exported, and not ours */
    unsigned junk_count;
};

static bool is_compilers(const char *name) {
    static const char *const prefixes[] = {"__asan",      "__odr_asan", "__ubsan",
                                           "__sanitizer", "__gcov",     "__llvm"};
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
        if (!strncmp(name, prefixes[i], strlen(prefixes[i]))) return true;
    return false;
}

static void keep_fact(void *arg, enum elf_fact fact, const char *text) {
    struct facts *facts = arg;
    struct arena *arena = &facts->checks->cli->arena;
    if (fact == ELF_RPATH) facts->path = true;
    if (fact == ELF_EXEC_STACK) facts->stack = true;
    if (fact == ELF_TEXT_RELOC) facts->text = true;
    if (fact != ELF_EXPORT) return;
    if (!strcmp(text, "sluice_plugin"))
        facts->plugin_symbol = true;
    else if (!is_compilers(text) && facts->junk_count++ < 5)
        facts->junk = facts->junk ? arena_printf(arena, "%s, %s", facts->junk, text)
                                  : arena_strdup(arena, text);
}

static void add_file_checks(struct checks *checks, const struct facts *facts) {
    checks_add(checks, facts->plugin_symbol ? VERDICT_OK : VERDICT_FAIL, "descriptor",
               "declare the plugin with SL_PLUGIN(...)", "the symbol sluice_plugin is %s",
               facts->plugin_symbol ? "there" : "not exported");
    if (facts->junk)
        checks_add(checks, VERDICT_FAIL, "symbols",
                   "compile with -fvisibility=hidden, link with -Wl,--exclude-libs,ALL",
                   "it exports more than sluice_plugin: %s%s", facts->junk,
                   facts->junk_count > 5 ? ", ..." : "");
    else
        checks_add(checks, VERDICT_OK, "symbols", NULL, "nothing but sluice_plugin is exported");
    if (facts->stack)
        checks_add(checks, VERDICT_FAIL, "stack", "link with -Wl,-z,noexecstack",
                   "it asks for an executable stack");
    if (facts->text)
        checks_add(checks, VERDICT_FAIL, "code", "compile with -fPIC",
                   "it writes into its own code while it is loaded");
    if (facts->path)
        checks_add(checks, VERDICT_FAIL, "search path", "link without -rpath",
                   "it carries a search path for libraries (RPATH)");
}

/* False: there is no use in going on. */
static bool check_file(struct checks *checks, const char *file) {
    struct cli *cli = checks->cli;
    struct stat info;
    if (stat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        checks_add(checks, VERDICT_FAIL, "file", NULL, "%s: %s", file,
                   errno && !S_ISREG(info.st_mode) ? "not a regular file" : strerror(errno));
        return false;
    }
    if (is_lua(file)) return true;
    size_t size;
    const char *bytes = cli_read(cli, file, &size);
    if (!bytes) return false;
    struct facts facts = {.checks = checks};
    const char *fault = plugin_elf_read(bytes, size, keep_fact, &facts);
    if (fault) {
        checks_add(checks, VERDICT_FAIL, "file", "build it again", "not a plugin: %s", fault);
        return false;
    }
    add_file_checks(checks, &facts);
    return true;
}

/* ---- the plugin, in a child that may die of it ---- */

static void check_rows(struct checks *checks, const struct plugin *plugin) {
    struct arena *arena = &checks->cli->arena;
    size_t row_size = plugin->face.field_size;
    const char *fault = fields_trouble((struct field_rows){plugin->face.config, row_size}, arena);
    if (fault) checks_add(checks, VERDICT_FAIL, "options", NULL, "%s", fault);
    size_t count = 0;
    const char *at = (const char *)plugin->face.ops;
    for (; at; at += plugin->face.op_size, count++) {
        const sl_op *op = (const sl_op *)(const void *)at;
        if (!op->name) break;
        fault = fields_trouble((struct field_rows){op->in, row_size}, arena);
        if (!fault) fault = fields_trouble((struct field_rows){op->out, row_size}, arena);
        if (fault) checks_add(checks, VERDICT_FAIL, "fields", NULL, "%s: %s", op->name, fault);
    }
    checks_add(checks, VERDICT_OK, "plugin", NULL, "%s %s, ABI %u.%u, %zu operation%s",
               plugin->name, plugin->face.version, plugin->face.abi_major, plugin->face.abi_minor,
               count, count == 1 ? "" : "s");
}

static void check_words(struct checks *checks, const struct plugin *plugin) {
    if (!plugin->face.license)
        checks_add(checks, VERDICT_WARN, "licence", ".license = \"Apache-2.0\" (an SPDX id)",
                   "it does not say under which licence it may be used");
    if (!plugin->face.summary)
        checks_add(checks, VERDICT_WARN, "summary", ".summary = \"...\", one line",
                   "it does not say what it is for");
}

static void try_out(struct checks *checks, const char *const *files) {
    sl_test_options options = {.files = files, .config = cli_option(checks->cli, "config")};
    for (int round = 1; round <= 2; round++) {
        arena_use(NULL);
        sl_test_host *host = sl_test_host_new(&options);
        arena_use(&checks->cli->arena);
        if (!host) {
            checks_add(checks, VERDICT_FAIL, round == 1 ? "start" : "second start", NULL, "%s",
                       sl_test_error());
            return;
        }
        if (round == 1) {
            check_rows(checks, host->under_test);
            check_words(checks, host->under_test);
        }
        arena_use(NULL);
        sl_test_host_free(host);
        arena_use(&checks->cli->arena);
    }
    checks_add(checks, VERDICT_OK, "life", NULL, "it starts and stops, twice");
}

static void child(struct cli *cli, const char *const *files, int out) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (null >= 0 && !cli->verbose) dup2(null, STDERR_FILENO);
    struct checks checks;
    checks_init(&checks, cli);
    try_out(&checks, files);
    const char *text = cli_json(checks.list);
    FILE *pipe = fdopen(out, "w");
    if (pipe) fputs(text, pipe), fclose(pipe);
    _exit(0);
}

static void take_over(struct checks *checks, const cJSON *list) {
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        const char *status = member_text(item, "status", "fail");
        enum verdict verdict = !strcmp(status, "ok")     ? VERDICT_OK
                               : !strcmp(status, "warn") ? VERDICT_WARN
                                                         : VERDICT_FAIL;
        checks_add(checks, verdict, member_text(item, "name", "?"), member_text(item, "fix", NULL),
                   "%s", member_text(item, "detail", ""));
    }
}

static int check_plugin(struct checks *checks) {
    struct cli *cli = checks->cli;
    int ends[2], status = 0;
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0) return cli_fail(cli, CLI_FAILED, "%s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) child(cli, plugin_files(cli), ends[1]);
    close(ends[1]);
    FILE *pipe = fdopen(ends[0], "r");
    char *text = arena_zalloc(&cli->arena, 65536);
    if (pipe && pid > 0) (void)!fread(text, 1, 65535, pipe);
    if (pipe) fclose(pipe);
    if (pid < 0) return cli_fail(cli, CLI_FAILED, "cannot start a child: %s", strerror(errno));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    take_over(checks, cJSON_Parse(text));
    if (WIFSIGNALED(status))
        checks_add(checks, VERDICT_FAIL, "life", "run it under a debugger: gdb --args sluice ...",
                   "it crashes while it is tried out: %s", strsignal(WTERMSIG(status)));
    else if (!*text)
        checks_add(checks, VERDICT_FAIL, "life", NULL,
                   "it ends the process while it is tried out (exit code %d)", WEXITSTATUS(status));
    return CLI_DONE;
}

int plugin_check(struct cli *cli) {
    struct checks checks;
    checks_init(&checks, cli);
    const char *file = cli->args[0];
    if (check_file(&checks, file)) {
        int rc = check_plugin(&checks);
        if (rc) return rc;
    }
    checks_print(&checks);
    if (!checks.failures) return CLI_DONE;
    return cli_fail(cli, CLI_BAD_INPUT, "%s: %u of these checks failed", file, checks.failures);
}
