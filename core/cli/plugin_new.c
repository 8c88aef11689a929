#include "plugin_new.h"

#include "plugin_templates.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct cli_flag plugin_new_flags[] = {
    {"lang", "c|lua", "what it is written in (default c)", 0, false},
    {"dir", "FOLDER", "where it goes (default ./NAME)", 0, false},
    {0}};

static int check_name(struct cli *cli, const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (size && size <= 32 && !name[size] && name[0] >= 'a') return 0;
    return cli_usage(cli,
                     "'%s' is no name for a plugin: 1 to 32 of a-z, 0-9 and -, beginning with "
                     "a letter",
                     name);
}

/* `text` with every @NAME@ replaced. */
static char *fill_in(struct cli *cli, const char *text, const char *name) {
    static const char mark[] = "@NAME@";
    char *filled = arena_strdup(&cli->arena, "");
    for (const char *next; (next = strstr(text, mark)); text = next + strlen(mark))
        filled = arena_printf(&cli->arena, "%s%.*s%s", filled, (int)(next - text), text, name);
    return arena_printf(&cli->arena, "%s%s", filled, text);
}

static bool folder_is_free(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return errno == ENOENT;
    bool free = true;
    for (struct dirent *entry; free && (entry = readdir(folder));)
        free = !strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..");
    closedir(folder);
    return free;
}

/* Makes the folders above `path`. */
static void make_folders(char *path) {
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(path, 0777); /* what fails here fails clearly when the file is opened */
        *slash = '/';
    }
}

static int write_file(struct cli *cli, char *path, const char *text) {
    make_folders(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    size_t size = strlen(text);
    ssize_t wrote = fd < 0 ? -1 : write(fd, text, size);
    int error = errno;
    bool closed = fd >= 0 && close(fd) == 0;
    if (wrote == (ssize_t)size && closed) return 0;
    return cli_fail(cli, error == EEXIST ? CLI_CONFLICT : CLI_FAILED, "cannot write %s: %s", path,
                    strerror(error));
}

static void next_steps(struct cli *cli, const char *language, const char *folder,
                       const char *name) {
    if (!strcmp(language, "c"))
        cli_note(cli,
                 "next: cd %s && cmake -S . -B build && cmake --build build && ctest --test-dir "
                 "build",
                 folder);
    else
        cli_note(cli, "next: cd %s && sluice plugin test %s.lua --cases cases.json", folder, name);
}

int plugin_new(struct cli *cli) {
    const char *name = cli->args[0], *language = cli_option(cli, "lang");
    if (!language) language = "c";
    if (strcmp(language, "c") != 0 && strcmp(language, "lua") != 0)
        return cli_usage(cli, "no template for '%s': expected c or lua", language);
    int rc = check_name(cli, name);
    if (rc) return rc;
    const char *folder = cli_option(cli, "dir") ? cli_option(cli, "dir") : name;
    if (!folder_is_free(folder)) {
        cli_fail(cli, CLI_CONFLICT, "%s is there already, and nothing is overwritten", folder);
        cli_fix(cli, "choose another folder by --dir, or remove it");
        return CLI_CONFLICT;
    }
    for (const struct plugin_template *file = plugin_templates; file->path; file++) {
        if (strcmp(file->language, language) != 0) continue;
        char *path = arena_printf(&cli->arena, "%s/%s", folder, fill_in(cli, file->path, name));
        rc = write_file(cli, path, fill_in(cli, file->bytes, name));
        if (rc) return rc;
        cli_out(cli, "%s\n", path);
    }
    next_steps(cli, language, folder, name);
    return CLI_DONE;
}
