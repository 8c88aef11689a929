#include "git.h"

#include "client.h"
#include "op_fields.h"
#include "op_input.h"

#include <errno.h>
#include <poll.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { DIFF_MOST = 8 * 1024 * 1024, TEXT_MOST = 64 * 1024 };

/* ---- running git ---- */

struct output {
    char *bytes;
    size_t size, room;
};

/* Both streams at once, so that neither blocks git. What is over `most` is read and dropped. */
static void drain(struct cli *cli, const int fds[2], struct output out[2], size_t most) {
    struct pollfd polls[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        if (poll(polls, 2, -1) < 0 && errno != EINTR) break;
        for (int i = 0; i < 2; i++) {
            char piece[16384];
            if (polls[i].fd < 0 || !polls[i].revents) continue;
            const ssize_t got = read(polls[i].fd, piece, sizeof piece);
            if (got <= 0) {
                polls[i].fd = -1;
                continue;
            }
            struct output *to = &out[i];
            if (to->size > most) continue;
            if (to->size + (size_t)got + 1 > to->room) {
                to->room = (to->size + (size_t)got + 1) * 2;
                char *grown = arena_alloc(&cli->arena, to->room);
                if (to->size) memcpy(grown, to->bytes, to->size);
                to->bytes = grown;
            }
            memcpy(to->bytes + to->size, piece, (size_t)got);
            to->size += (size_t)got;
            to->bytes[to->size] = 0;
        }
    }
}

static int start(const char *const *words, const int out[2], const int err[2], pid_t *pid) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, err[1], STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        posix_spawn_file_actions_addclose(&actions, out[i]);
        posix_spawn_file_actions_addclose(&actions, err[i]);
    }
    const int rc =
        posix_spawnp(pid, "git", &actions, NULL, (char *const *)(const void *)words, environ);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

char *git_run(struct cli *cli, const char *const *words, size_t most, size_t *size) {
    int out[2], err[2], status = 0;
    pid_t pid;
    if (pipe(out)) return cli_fail(cli, CLI_FAILED, "git: %s", strerror(errno)), NULL;
    if (pipe(err)) {
        close(out[0]), close(out[1]);
        return cli_fail(cli, CLI_FAILED, "git: %s", strerror(errno)), NULL;
    }
    const int rc = start(words, out, err, &pid);
    close(out[1]), close(err[1]);
    struct output said[2] = {0};
    if (!rc) drain(cli, (const int[2]){out[0], err[0]}, said, most);
    close(out[0]), close(err[0]);
    if (rc) {
        cli_fail(cli, CLI_FAILED, "git cannot be started: %s", strerror(rc));
        return NULL;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        char *why = said[1].bytes ? said[1].bytes : arena_strdup(&cli->arena, "it failed");
        why[strcspn(why, "\n")] = 0;
        cli_fail(cli, CLI_BAD_INPUT, "git %s: %s", words[1], cli_clean(cli, why, false));
        return NULL;
    }
    *size = said[0].size;
    return said[0].bytes ? said[0].bytes : arena_strdup(&cli->arena, "");
}

/* ---- the flag ---- */

const struct cli_flag git_flag = {
    .name = "git",
    .value = "A..B",
    .help = "the change between two commits of the working tree here, in place of --diff"};

static bool has(const cJSON *op, const char *name) {
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(op, "in")) {
        if (!strcmp(member_text(row, "name", ""), name)) return true;
    }
    return false;
}

bool git_flag_fits(const cJSON *op) {
    return has(op, "diff") && !has(op, "git");
}

static void put(struct cli *cli, cJSON *input, const char *name, const char *bytes, size_t size) {
    size_t replaced;
    cJSON_AddStringToObject(input, name, utf8_mend(&cli->arena, bytes, size, &replaced));
}

/* One line or text from `git log` for a member that is wanted and missing. */
static bool fill(struct cli *cli, const cJSON *op, cJSON *input, const char *name,
                 const char *const *words) {
    size_t size;
    if (!has(op, name) || cJSON_HasObjectItem(input, name)) return true;
    char *text = git_run(cli, words, TEXT_MOST, &size);
    if (!text) return false;
    if (size > TEXT_MOST) size = TEXT_MOST;
    while (size && (text[size - 1] == '\n' || text[size - 1] == ' ')) size--;
    if (size) put(cli, input, name, text, size);
    return true;
}

int git_fill(struct cli *cli, const cJSON *op, cJSON *input) {
    const char *range = cli_option(cli, "git");
    size_t size;
    if (!range) return CLI_DONE;
    if (cJSON_HasObjectItem(input, "diff"))
        return cli_usage(cli, "--git and --diff both give the change: take one of them");
    if (range[0] == '-' || !strstr(range, ".."))
        return cli_usage(cli, "--git takes two commits, such as v1.3.0..HEAD, not '%s'", range);
    const char *const diff[] = {"git", "diff", "--no-color", "--no-ext-diff",
                                "-M",  range,  "--",         NULL};
    char *text = git_run(cli, diff, DIFF_MOST, &size);
    if (!text) return CLI_BAD_INPUT;
    if (size > DIFF_MOST)
        return cli_fail(cli, CLI_BAD_INPUT, "the diff of %s has more than 8 MiB: split the range",
                        range);
    if (!size) return cli_fail(cli, CLI_BAD_INPUT, "nothing changed in %s", range);
    put(cli, input, "diff", text, size);
    const char *const message[] = {"git", "log", "--no-merges", "--format=%B", range, "--", NULL};
    const char *const commit[] = {"git", "log", "-1", "--format=%H", range, "--", NULL};
    const char *const author[] = {"git", "log", "-1", "--format=%aN <%aE>", range, "--", NULL};
    return fill(cli, op, input, "message", message) && fill(cli, op, input, "commit", commit) &&
                   fill(cli, op, input, "author", author)
               ? CLI_DONE
               : CLI_BAD_INPUT;
}
