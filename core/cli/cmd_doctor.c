/* cmd_doctor.c - what an operator runs when something is odd: each part looked at, with the fix. */
#include "../host.h"
#include "../store.h"
#include "checks.h"
#include "client.h"
#include "op_input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

enum { CLOCK_WARN_S = 5, CLOCK_FAIL_S = 60, FILES_MIN = 4096 };
static const double DISK_WARN_BYTES = 1e9, DISK_FAIL_BYTES = 100e6;

static const char *state_folder(void) {
    const char *state = getenv("SLUICE_STATE");
    return state && *state ? state : "./var";
}

/* ---- this machine ---- */

static void check_config(struct checks *checks, const char *file) {
    struct cli *cli = checks->cli;
    if (!file) {
        checks_add(
            checks, VERDICT_WARN, "configuration", "name it: sluice doctor -c FILE",
            "no sluice.yaml here, in config/ or in /etc/sluice: the built-in one would serve");
        return;
    }
    struct loop loop;
    struct host host;
    if (loop_init(&loop)) return;
    arena_use(NULL); /* the host has memory of its own */
    host_init(&host, &loop);
    bool good = host_configure(&host, file);
    size_t count = 0, warnings = 0;
    const struct config_note *notes = NULL;
    if (host.config) count = config_notes(host.config, &notes);
    for (size_t i = 0; i < count; i++) warnings += notes[i].warning;
    const char *first = count ? arena_printf(&cli->arena, "%s:%u:%u: %s", notes[0].file,
                                             notes[0].line, notes[0].column, notes[0].message)
                              : "";
    host_fini(&host);
    loop_fini(&loop);
    arena_use(&cli->arena);
    const char *fix = arena_printf(&cli->arena, "sluice validate %s", file);
    if (!good)
        checks_add(checks, VERDICT_FAIL, "configuration", fix, "%zu error%s; the first: %s",
                   count - warnings, count - warnings == 1 ? "" : "s", first);
    else if (warnings)
        checks_add(checks, VERDICT_WARN, "configuration", fix, "%s: %zu warning%s; the first: %s",
                   file, warnings, warnings == 1 ? "" : "s", first);
    else
        checks_add(checks, VERDICT_OK, "configuration", NULL, "%s is valid", file);
}

static void check_disk(struct checks *checks) {
    struct statvfs disk;
    const char *state = state_folder();
    if (statvfs(state, &disk) != 0) {
        checks_add(checks, VERDICT_WARN, "disk",
                   "the first start makes it; SLUICE_STATE names another folder",
                   "no state folder %s: %s", state, strerror(errno));
        return;
    }
    double left = (double)disk.f_bavail * (double)disk.f_frsize;
    enum verdict verdict = left < DISK_FAIL_BYTES   ? VERDICT_FAIL
                           : left < DISK_WARN_BYTES ? VERDICT_WARN
                                                    : VERDICT_OK;
    checks_add(checks, verdict, "disk", "free space there: a full disk stops all writes",
               "%.1f GB free under %s", left / 1e9, state);
}

static void check_token_file(struct checks *checks) {
    struct stat info;
    const char *path = arena_printf(&checks->cli->arena, "%s/admin.token", state_folder());
    if (stat(path, &info) != 0) return;
    bool open = info.st_mode & (S_IRWXG | S_IRWXO);
    checks_add(checks, open ? VERDICT_FAIL : VERDICT_OK, "token file",
               arena_printf(&checks->cli->arena, "chmod 600 %s", path), "%s %s", path,
               open ? "can be read by others" : "is private");
}

static void check_limits(struct checks *checks) {
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    bool few = files.rlim_max < FILES_MIN;
    checks_add(checks, few ? VERDICT_WARN : VERDICT_OK, "open files",
               "raise it: ulimit -n, or LimitNOFILE= of the unit", "at most %llu files",
               (unsigned long long)files.rlim_max);
}

static void check_store(struct checks *checks) {
    struct cli *cli = checks->cli;
    const char *file = arena_printf(&cli->arena, "%s/sluice.db", state_folder());
    if (access(file, R_OK) != 0) {
        checks_add(checks, VERDICT_WARN, "database", "the first start makes it",
                   "no database %s yet", file);
        return;
    }
    char *report = NULL;
    arena_use(NULL);
    int rc = store_check_file(file, &report);
    arena_use(&cli->arena);
    checks_add(checks, rc ? VERDICT_FAIL : VERDICT_OK, "database",
               "stop the server, keep the file, and restore the last backup", "%s%s%s", file,
               rc ? ": " : " is sound", rc && report ? report : "");
    free(report);
}

/* ---- the server ---- */

static const char *header_value(struct cli *cli, const char *headers, const char *name) {
    size_t size = strlen(name);
    for (const char *line = headers; *line;) {
        size_t length = strcspn(line, "\n");
        if (length > size + 2 && !memcmp(line, name, size) && line[size] == ':')
            return arena_strndup(&cli->arena, line + size + 2, length - size - 2);
        line += length + (line[length] == '\n');
    }
    return NULL;
}

static void check_clock(struct checks *checks, const struct client_answer *answer) {
    const char *date = header_value(checks->cli, answer->headers, "date");
    struct tm parts = {0};
    if (!date || !strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &parts)) return;
    double off = difftime(timegm(&parts), time(NULL));
    if (off < 0) off = -off;
    enum verdict verdict = off > CLOCK_FAIL_S   ? VERDICT_FAIL
                           : off > CLOCK_WARN_S ? VERDICT_WARN
                                                : VERDICT_OK;
    checks_add(checks, verdict, "clock", "keep both clocks by NTP (timedatectl status)",
               "the server's clock is %.0f s apart from this one", off);
}

static bool check_reachable(struct checks *checks) {
    struct client_answer answer;
    struct cli *cli = checks->cli;
    struct client_request request = {.method = "GET", .path = "/healthz", .quiet = true};
    if (client_send(cli, &request, &answer)) {
        checks_add(checks, VERDICT_FAIL, "server",
                   "start it (sluice serve), or name it by --addr or SLUICE_ADDR", "%s: %s",
                   cli->addr, answer.trouble);
        return false;
    }
    if (answer.status != 200 || !strstr(answer.body, "\"status\"")) {
        checks_add(checks, VERDICT_FAIL, "server", "is another program listening there?",
                   "%s answers /healthz with %d", cli->addr, answer.status);
        return false;
    }
    checks_add(checks, VERDICT_OK, "server", NULL, "%s answers", cli->addr);
    check_clock(checks, &answer);
    return true;
}

static void check_token(struct checks *checks) {
    struct client_answer answer;
    struct cli *cli = checks->cli;
    const char *source = client_token_source(cli);
    struct client_request request = {.method = "GET", .path = "/whoami", .quiet = true};
    if (!source) {
        checks_add(checks, VERDICT_FAIL, "token", "set SLUICE_TOKEN, or give --token-file",
                   "there is no token");
        return;
    }
    if (client_send(cli, &request, &answer)) return;
    const cJSON *who = cJSON_ParseWithLength(answer.body, answer.size);
    if (answer.status == 200)
        checks_add(checks, VERDICT_OK, "token", NULL, "%s (from %s), tenant %s: %s",
                   member_text(who, "actor", "?"), source, member_text(who, "tenant", "?"),
                   member_text(who, "permissions", ""));
    else
        checks_add(checks, VERDICT_FAIL, "token",
                   "take the one in $SLUICE_STATE/admin.token, or ask for a new one",
                   "the token from %s is refused: %s", source, member_text(who, "detail", ""));
}

/* The server's own checks: the store, each plugin. */
static void check_ready(struct checks *checks) {
    struct client_answer answer;
    struct client_request request = {.method = "GET", .path = "/readyz", .quiet = true};
    if (client_send(checks->cli, &request, &answer)) return;
    const cJSON *ready = cJSON_ParseWithLength(answer.body, answer.size), *check;
    cJSON_ArrayForEach(check, cJSON_GetObjectItemCaseSensitive(ready, "checks")) {
        const char *status = member_text(check, "status", "down");
        enum verdict verdict = !strcmp(status, "ok")         ? VERDICT_OK
                               : !strcmp(status, "degraded") ? VERDICT_WARN
                                                             : VERDICT_FAIL;
        checks_add(checks, verdict, member_text(check, "name", "?"),
                   "see the server's log for the whole story", "%s",
                   member_text(check, "reason", status));
    }
}

static int run_doctor(struct cli *cli) {
    struct checks checks;
    checks_init(&checks, cli);
    const char *config = cli_option(cli, "config");
    check_config(&checks, config ? config : cli_default_config());
    check_disk(&checks);
    check_limits(&checks);
    check_token_file(&checks);
    check_store(&checks);
    if (check_reachable(&checks)) {
        check_token(&checks);
        check_ready(&checks);
    }
    return checks_print(&checks);
}

static const struct cli_flag doctor_flags[] = {
    {"config", "FILE", "the configuration to check", 'c', false}, {0}};

const struct cli_command doctor_commands[] = {
    {.words = "doctor",
     .summary = "Look at every part and say what is wrong and how to mend it",
     .more = "Configuration, disk, limits, token, database, the server and its plugins, clocks.\n"
             "Exit code 0: nothing failed (warnings may be there); 1: something did.",
     .example = "sluice doctor -c config/sluice.yaml",
     .flags = doctor_flags,
     .run = run_doctor},
    {0}};
