#include "loader.h"
#include "loader_walk.h"
#include "logging.h"
#include "lua_host.h"
#include "plugin_elf.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLUGIN_MAGIC = 0x9106u, PROBE_MS = 10000, FILE_MAX = 512 << 20 };

static char *sentence(const char *format, ...) SL_PRINTF(1, 2);
static char *sentence(const char *format, ...) {
    char *text = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0) abort();
    va_end(args);
    return text;
}

static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

/* ---- before any code of the file runs ---- */

static char *file_fault(const char *file) {
    const char *name = base_name(file);
    struct stat info;
    if (stat(file, &info) != 0) return sentence("%s: %s", name, strerror(errno));
    if (!S_ISREG(info.st_mode)) return sentence("%s: not a plugin: not a regular file", name);
    if (info.st_size > FILE_MAX) return sentence("%s: not a plugin: larger than 512 MiB", name);
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return sentence("%s: %s", name, strerror(errno));
    Elf64_Ehdr head;
    ssize_t got = read(fd, &head, sizeof head);
    close(fd);
    if (got != (ssize_t)sizeof head || memcmp(head.e_ident, ELFMAG, SELFMAG) != 0)
        return sentence("%s: not a plugin: not an ELF shared object", name);
    if (head.e_type != ET_DYN) return sentence("%s: not a plugin: not a shared object", name);
    if (head.e_shoff + (uint64_t)head.e_shnum * head.e_shentsize > (uint64_t)info.st_size)
        return sentence("%s: not a plugin: the file is truncated", name);
    return NULL;
}

/* glibc's text when the plugin needs a newer node of our version script, as the host's sentence. */
static char *open_fault(const char *file, const char *text) {
    const char *node = strstr(text, "version `SLUICE_");
    int major, minor;
    if (node && sscanf(node, "version `SLUICE_%d.%d'", &major, &minor) == 2)
        return sentence("%s: built for ABI %d.%d, this host is %d.%d", base_name(file), major,
                        minor, SL_ABI_MAJOR, SL_ABI_MINOR);
    const char *missing = strstr(text, "undefined symbol: ");
    if (missing)
        return sentence("%s: needs the symbol %s, which neither this host nor its libraries have",
                        base_name(file), missing + strlen("undefined symbol: "));
    const char *colon = strstr(text, ": ");
    return sentence("%s: cannot be loaded: %s", base_name(file), colon ? colon + 2 : text);
}

/* What the child says at its end; one that a constructor ended does not get to say it. */
#define LOADED "loaded"

static void probe_in_child(const char *file, int out) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int signo = 1; signo < 32; signo++) signal(signo, SIG_DFL);
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) dup2(null, STDERR_FILENO);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    const sl_plugin *raw = library ? dlsym(library, "sluice_plugin") : NULL;
    volatile size_t read_all = raw ? descriptor_walk(raw) : 0;
    (void)read_all;
    const char *text = library ? LOADED : dlerror();
    ssize_t ignored = write(out, text, strlen(text));
    (void)ignored;
    _exit(library ? 0 : 1);
}

/* Waits for the probe; fills `text` with what it wrote. Its wait status, or -1 at the deadline. */
static int probe_result(pid_t child, int in, char *text, size_t room) {
    size_t size = 0;
    struct pollfd wait = {.fd = in, .events = POLLIN};
    int status = -1;
    bool late = false;
    while (poll(&wait, 1, PROBE_MS) > 0 || !(late = true)) {
        ssize_t got = read(in, text + size, room - 1 - size);
        if (got <= 0) break;
        size += (size_t)got;
    }
    text[size] = 0;
    if (late) kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return late ? -1 : status;
}

static char *probe(const char *file) {
    int ends[2];
    char text[1024];
    if (pipe2(ends, O_CLOEXEC) != 0) return sentence("%s: %s", base_name(file), strerror(errno));
    pid_t child = fork();
    if (child == 0) probe_in_child(file, ends[1]);
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        return sentence("%s: cannot be probed: %s", base_name(file), strerror(errno));
    }
    int status = probe_result(child, ends[0], text, sizeof text);
    close(ends[0]);
    if (status == -1)
        return sentence("%s: loading it did not end within %d s", base_name(file), PROBE_MS / 1000);
    if (WIFSIGNALED(status))
        return sentence(
            "%s: loading it crashes (%s): the file is damaged, or its constructor fails",
            base_name(file), strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) || strcmp(text, LOADED) != 0)
        return open_fault(file, *text ? text : "its constructor ended the process");
    return NULL;
}

/* ---- the descriptor ---- */

static bool name_is_good(const char *name) {
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return size && size <= 32 && !name[size] && name[0] >= 'a';
}

static char *descriptor_fault(const sl_plugin *raw, const char *file) {
    if (raw->magic != SL_ABI_MAGIC)
        return sentence("%s: not a plugin: sluice_plugin was not made by SL_PLUGIN", file);
    if (raw->abi_major != SL_ABI_MAJOR)
        return sentence("%s: built for ABI %u.x, this host is %d.%d", file, raw->abi_major,
                        SL_ABI_MAJOR, SL_ABI_MINOR);
    if (raw->abi_minor > SL_ABI_MINOR)
        return sentence("%s: built for ABI %u.%u, this host is %d.%d", file, raw->abi_major,
                        raw->abi_minor, SL_ABI_MAJOR, SL_ABI_MINOR);
    if (raw->size < sizeof(sl_plugin) || raw->op_size < sizeof(sl_op) ||
        raw->field_size < sizeof(sl_field) || raw->listen_size < sizeof(sl_listen) ||
        raw->job_size < sizeof(sl_job) || raw->migration_size < sizeof(sl_migration) ||
        raw->metric_size < sizeof(sl_metric))
        return sentence("%s: its descriptor is %u bytes, ABI %d.0 has %zu: rebuild it", file,
                        raw->size, SL_ABI_MAJOR, sizeof(sl_plugin));
    if (!raw->name || !name_is_good(raw->name))
        return sentence("%s: its name '%s' is not [a-z][a-z0-9-]{0,31}", file,
                        raw->name ? raw->name : "");
    if (!raw->version || !*raw->version)
        return sentence("%s: plugin %s has no version", file, raw->name);
    return NULL;
}

struct plugin *loader_adopt(struct host *host, const sl_plugin *raw, const char *file,
                            char **error) {
    const char *name = file ? base_name(file) : "plugin";
    *error = descriptor_fault(raw, name);
    if (*error) return NULL;
    struct plugin *plugin = calloc(1, sizeof *plugin);
    plugin->magic = PLUGIN_MAGIC;
    plugin->host = host;
    memcpy(&plugin->face, raw, raw->size < sizeof plugin->face ? raw->size : sizeof plugin->face);
    plugin->name = plugin->face.name;
    plugin->file = file ? strdup(file) : NULL;
    plugin->identity = (struct identity){
        .tenant = "system", .actor = sentence("plugin:%s", plugin->name), .permissions = "*"};
    return plugin;
}

void plugin_free(struct plugin *plugin) {
    if (!plugin) return;
    free((char *)plugin->identity.actor);
    free(plugin->trouble);
    free(plugin->file);
    free(plugin);
}

static bool ends_with(const char *text, const char *end) {
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* ---- what it exports beside its descriptor ---- */

static void name_stranger(void *arg, enum elf_fact fact, const char *text) {
    const char **stranger = arg;
    if (fact == ELF_EXPORT && !*stranger && strcmp(text, "sluice_plugin") != 0 &&
        strncmp(text, "__", 2) != 0)
        *stranger = text;
}

/* A symbol that leaks may catch calls that were meant for a library. It loads (RTLD_LOCAL keeps it
 * apart from the host), but whoever built it should know. */
static void warn_of_strangers(const char *file) {
    struct stat info;
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return;
    void *bytes = fstat(fd, &info) == 0 && info.st_size > 0
                      ? mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
                      : MAP_FAILED;
    close(fd);
    if (bytes == MAP_FAILED) return;
    const char *stranger = NULL;
    plugin_elf_read(bytes, (size_t)info.st_size, name_stranger, &stranger);
    if (stranger)
        log_warn("%s exports more than sluice_plugin: %s; sluice plugin check %s tells all",
                 base_name(file), stranger, file);
    munmap(bytes, (size_t)info.st_size);
}

struct plugin *loader_open(struct host *host, const char *file, char **error) {
    *error = NULL;
    if (ends_with(file, ".lua")) {
        const sl_plugin *raw = lua_plugin_load(host->lua, file, error);
        return raw ? loader_adopt(host, raw, file, error) : NULL;
    }
    *error = file_fault(file);
    if (*error) return NULL;
    /* A name without a slash would be looked for among the system's libraries. */
    char *path = realpath(file, NULL);
    *error = path ? probe(path) : sentence("%s: %s", base_name(file), strerror(errno));
    /* Never closed: pthread keys and threads of a plugin outlive any unloading. */
    void *library = *error ? NULL : dlopen(path, RTLD_NOW | RTLD_LOCAL);
    free(path);
    if (*error) return NULL;
    if (!library) {
        *error = open_fault(file, dlerror());
        return NULL;
    }
    const sl_plugin *raw = dlsym(library, "sluice_plugin");
    if (!raw) {
        *error = sentence("%s: not a plugin: it exports no symbol sluice_plugin", base_name(file));
        return NULL;
    }
    warn_of_strangers(file);
    return loader_adopt(host, raw, file, error);
}

char *library_folder(void) {
    Dl_info info;
    char path[4096];
    if (!dladdr((void *)(uintptr_t)library_folder, &info) || !info.dli_fname ||
        !realpath(info.dli_fname, path))
        return strdup(".");
    char *slash = strrchr(path, '/');
    if (slash) *slash = 0;
    return strdup(path);
}

char *loader_find(const char *name, const char *const *dirs) {
    static const char *const endings[] = {".so", ".lua"};
    for (; *dirs; dirs++) {
        for (int i = 0; i < 2; i++) {
            char *path = sentence("%s/%s%s", *dirs, name, endings[i]);
            if (access(path, F_OK) == 0) return path;
            free(path);
        }
    }
    return NULL;
}

/* ---- order ---- */

static bool word_in(const char *words, const char *word) {
    size_t size = strlen(word);
    for (const char *at = words; at && *at;) {
        at += strspn(at, " ");
        size_t length = strcspn(at, " ");
        if (length == size && strncmp(at, word, size) == 0) return true;
        at += length;
    }
    return false;
}

static char *missing_of(struct plugin **plugins, size_t count, const struct plugin *plugin) {
    const char *at = plugin->face.requires_plugins;
    while (at && *at) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ");
        bool found = size == 0;
        for (size_t i = 0; i < count && !found; i++)
            found = strlen(plugins[i]->name) == size && strncmp(plugins[i]->name, at, size) == 0;
        if (!found) return strndup(at, size);
        at += size;
    }
    return NULL;
}

static bool waits_for(const struct plugin *plugin, struct plugin **rest, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (rest[i] != plugin && word_in(plugin->face.requires_plugins, rest[i]->name)) return true;
    return word_in(plugin->face.requires_plugins, plugin->name);
}

static char *cycle_sentence(struct plugin **rest, size_t count) {
    char *members = strdup("");
    for (size_t i = 0; i < count; i++) {
        char *longer = sentence("%s%s%s", members, i ? ", " : "", rest[i]->name);
        free(members);
        members = longer;
    }
    char *text = sentence("plugins require each other in a circle: %s", members);
    free(members);
    return text;
}

char *loader_order(struct plugin **plugins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *missing = missing_of(plugins, count, plugins[i]);
        if (!missing) continue;
        char *text =
            sentence("plugin %s requires plugin %s, which is not loaded: add it under 'plugins'",
                     plugins[i]->name, missing);
        free(missing);
        return text;
    }
    for (size_t done = 0; done < count; done++) {
        size_t next = done;
        while (next < count && waits_for(plugins[next], plugins + done, count - done)) next++;
        if (next == count) return cycle_sentence(plugins + done, count - done);
        struct plugin *plugin = plugins[next];
        memmove(plugins + done + 1, plugins + done, (next - done) * sizeof *plugins);
        plugins[done] = plugin;
    }
    return NULL;
}
