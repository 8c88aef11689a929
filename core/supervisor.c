#include "supervisor.h"
#include "config.h"
#include "listen.h"
#include "logging.h"
#include "loop.h"
#include "worker.h"

#include <sluice/abi.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS_MAX = 64, SOCKETS_MAX = 16, START_LIMIT_MS = 30000, KILL_GRACE_MS = 2000 };

enum state { EMPTY, WAITING, STARTING, SERVING, DRAINING };

/* A place for one worker of one generation. */
struct place {
    enum state state;
    pid_t pid;
    int ready_fd;
    unsigned generation;
    unsigned quick_deaths;
    int64_t since_ms, due_ms; /* due: respawn (WAITING), give up (STARTING) or kill (DRAINING) */
};

struct socket_set {
    int fd[SOCKETS_MAX];
    char *address[SOCKETS_MAX];
    size_t count;
};

struct supervisor {
    const char *config_path;
    char program[4096];
    struct config *config;
    struct socket_set sockets;
    struct place place[WORKERS_MAX];
    unsigned generation; /* of the workers that serve */
    unsigned next;       /* of those being started by a reload; 0: none */
    struct socket_set next_sockets;
    struct config *next_config;
    sigset_t old_mask;
    int signal_fd;
    bool stopping, announced;
    int exit_code;
};

static int64_t now_ms(void) {
    return loop_clock_ns() / 1000000;
}

/* ---- configuration ---- */

static struct config *read_core_config(const char *path) {
    struct config *config = config_read(path);
    struct config_section core = {"", {config_core_rows, sizeof(sl_field)}};
    if (config_ok(config)) config_check(config, &core, 1);
    return config;
}

/* The whole check, plugins included, happens in a child: it loads code. */
static int check_in_child(const struct supervisor *super) {
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &super->old_mask, NULL);
        _exit(worker_check(super->config_path));
    }
    int status;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR) return EXIT_NO_START;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_NO_START;
}

static int64_t number_at(const struct config *config, const char *pointer, int64_t otherwise) {
    const cJSON *item = config_at(config, pointer);
    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : otherwise;
}

static const char *text_at(const struct config *config, const char *pointer,
                           const char *otherwise) {
    const cJSON *item = config_at(config, pointer);
    return cJSON_IsString(item) ? item->valuestring : otherwise;
}

/* ---- sockets ---- */

static int find_socket(const struct socket_set *set, const char *address) {
    for (size_t i = 0; i < set->count; i++)
        if (strcmp(set->address[i], address) == 0) return set->fd[i];
    return -1;
}

static bool add_socket(struct supervisor *super, struct socket_set *set, const char *address) {
    char error[512];
    if (set->count == SOCKETS_MAX) return true;
    int fd = find_socket(&super->sockets, address);
    if (fd < 0) fd = listen_open(address, error, sizeof error);
    if (fd < 0) {
        log_error("%s", error);
        return false;
    }
    set->fd[set->count] = fd;
    set->address[set->count++] = strdup(address);
    return true;
}

/* Keeps sockets that are open already. */
static bool open_sockets(struct supervisor *super, const struct config *config,
                         struct socket_set *set) {
    const cJSON *listen = config_at(config, "/server/listen"), *item;
    *set = (struct socket_set){0};
    if (cJSON_IsString(listen)) return add_socket(super, set, listen->valuestring);
    cJSON_ArrayForEach(item, listen) {
        if (cJSON_IsString(item) && !add_socket(super, set, item->valuestring)) return false;
    }
    if (!set->count) return add_socket(super, set, "127.0.0.1:8000");
    return true;
}

/* Closes those of `set` that `kept` does not have. */
static void drop_sockets(struct socket_set *set, const struct socket_set *kept) {
    for (size_t i = 0; i < set->count; i++) {
        if (find_socket(kept, set->address[i]) < 0) close(set->fd[i]);
        free(set->address[i]);
    }
    *set = (struct socket_set){0};
}

/* ---- workers ---- */

static void exec_worker(struct supervisor *super, const struct socket_set *sockets, int ready_fd) {
    char list[SOCKETS_MAX * 12] = "", ready[32];
    for (size_t i = 0; i < sockets->count; i++) {
        fcntl(sockets->fd[i], F_SETFD, 0);
        size_t size = strlen(list);
        snprintf(list + size, sizeof list - size, "%s%d", i ? "," : "", sockets->fd[i]);
    }
    fcntl(ready_fd, F_SETFD, 0);
    snprintf(ready, sizeof ready, "%d", ready_fd);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &super->old_mask, NULL);
    execl(super->program, "sluice", "serve", "--worker", "--sockets", list, "--ready-fd", ready,
          "--config", super->config_path, (char *)NULL);
    fprintf(stderr, "sluice: cannot start %s: %s\n", super->program, strerror(errno));
    _exit(EXIT_NO_START);
}

static void spawn(struct supervisor *super, struct place *place) {
    const struct socket_set *sockets =
        super->next && place->generation == super->next ? &super->next_sockets : &super->sockets;
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    pid_t pid = fork();
    if (pid == 0) exec_worker(super, sockets, ends[1]);
    close(ends[1]);
    if (pid < 0) {
        log_error("cannot fork: %s", strerror(errno));
        close(ends[0]);
        place->due_ms = now_ms() + 1000;
        return;
    }
    place->pid = pid;
    place->ready_fd = ends[0];
    place->state = STARTING;
    place->since_ms = now_ms();
    place->due_ms = place->since_ms + START_LIMIT_MS;
}

static void drain(struct supervisor *super, struct place *place) {
    if (place->state == WAITING || place->state == EMPTY) {
        place->state = EMPTY;
        return;
    }
    kill(place->pid, SIGTERM);
    place->state = DRAINING;
    place->due_ms =
        now_ms() + number_at(super->config, "/server/drain_timeout", 30000) + KILL_GRACE_MS;
}

static void start_generation(struct supervisor *super, const struct config *config,
                             unsigned generation) {
    int64_t wanted = number_at(config, "/server/workers", 1);
    for (int i = 0; i < WORKERS_MAX && wanted > 0; i++) {
        struct place *place = &super->place[i];
        if (place->state != EMPTY) continue;
        *place = (struct place){.state = WAITING, .generation = generation, .ready_fd = -1};
        spawn(super, place);
        wanted--;
    }
}

static bool any(const struct supervisor *super, enum state state, unsigned generation) {
    for (int i = 0; i < WORKERS_MAX; i++)
        if (super->place[i].state == state && super->place[i].generation == generation) return true;
    return false;
}

/* ---- telling others ---- */

/* systemd's protocol is one datagram; its library would bring a large dependency for it. */
static void notify(const char *state) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof name.sun_path) return;
    memcpy(name.sun_path, path, strlen(path));
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (name.sun_path[0] == '@') name.sun_path[0] = 0;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&name, size);
    close(fd);
}

static void write_file(const char *folder, const char *name, const char *text) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "we");
    if (!file) return;
    fprintf(file, "%s\n", text);
    fclose(file);
}

/* The address goes to a file too: with port 0 nobody could know it. */
static void announce(struct supervisor *super) {
    char url[256], pid[32];
    const char *state = text_at(super->config, "/state", "./var");
    listen_url(super->sockets.fd[0], url, sizeof url);
    snprintf(pid, sizeof pid, "%d", getpid());
    write_file(state, "sluice.addr", url);
    write_file(state, "sluice.pid", pid);
    log_info("sluice " SLUICE_VERSION " serves at %s (docs: %s/docs, token: %s/admin.token)", url,
             url, state);
    notify("READY=1");
    super->announced = true;
}

/* ---- what happens ---- */

static void end_reload(struct supervisor *super, bool good) {
    if (good) {
        for (int i = 0; i < WORKERS_MAX; i++)
            if (super->place[i].generation != super->next && super->place[i].state != DRAINING)
                drain(super, &super->place[i]);
        super->generation = super->next;
        drop_sockets(&super->sockets, &super->next_sockets);
        super->sockets = super->next_sockets;
        config_free(super->config);
        super->config = super->next_config;
        log_info("the new configuration is in use");
    } else {
        for (int i = 0; i < WORKERS_MAX; i++)
            if (super->place[i].generation == super->next) drain(super, &super->place[i]);
        drop_sockets(&super->next_sockets, &super->sockets);
        config_free(super->next_config);
        log_error("the new configuration is not in use; the old workers go on");
    }
    super->next_sockets = (struct socket_set){0};
    super->next_config = NULL;
    super->next = 0;
    notify("READY=1");
}

static void reload(struct supervisor *super) {
    if (super->next) {
        log_warn("a reload is in progress already");
        return;
    }
    notify("RELOADING=1");
    struct config *config = NULL;
    if (check_in_child(super) == EXIT_CLEAN) config = read_core_config(super->config_path);
    if (!config || !config_ok(config) || !open_sockets(super, config, &super->next_sockets)) {
        if (config) drop_sockets(&super->next_sockets, &super->sockets);
        config_free(config);
        log_error("the new configuration is not in use; the old workers go on");
        notify("READY=1");
        return;
    }
    super->next_config = config;
    super->next = super->generation + 1;
    start_generation(super, config, super->next);
}

static void on_ready(struct supervisor *super, struct place *place) {
    char byte;
    ssize_t got = read(place->ready_fd, &byte, 1);
    if (got < 0 && errno == EINTR) return;
    close(place->ready_fd);
    place->ready_fd = -1;
    if (got != 1 || place->state != STARTING) return; /* it died: waitpid tells */
    place->state = SERVING;
    if (super->next && place->generation == super->next) {
        if (!any(super, STARTING, super->next) && !any(super, WAITING, super->next))
            end_reload(super, true);
    } else if (!super->announced) {
        announce(super);
    }
}

static void describe_death(const struct place *place, int status) {
    if (WIFSIGNALED(status))
        log_error("worker %d died: %s", place->pid, strsignal(WTERMSIG(status)));
    else
        log_error("worker %d ended with code %d", place->pid, WEXITSTATUS(status));
}

static void schedule_respawn(struct place *place) {
    bool quick = now_ms() - place->since_ms < 5000;
    place->quick_deaths = quick ? place->quick_deaths + 1 : 0;
    /* The first is replaced at once; a loop of crashes waits 100 ms, doubling to 30 s. */
    int64_t delay = place->quick_deaths < 2
                        ? 0
                        : 100LL << (place->quick_deaths - 2 < 9 ? place->quick_deaths - 2 : 9);
    if (delay > 30000) delay = 30000;
    place->due_ms = now_ms() + delay;
    place->state = WAITING;
}

static void on_death(struct supervisor *super, struct place *place, int status) {
    enum state was = place->state;
    if (place->ready_fd >= 0) {
        close(place->ready_fd);
        place->ready_fd = -1;
    }
    if (was == DRAINING) {
        place->state = EMPTY;
        return;
    }
    if (super->next && place->generation == super->next) {
        place->state = EMPTY;
        describe_death(place, status);
        end_reload(super, false);
        return;
    }
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_NO_START;
    if (!super->announced) { /* the first start failed: say its code, do not try again */
        if (WIFSIGNALED(status)) describe_death(place, status);
        place->state = EMPTY;
        super->stopping = true;
        super->exit_code = code;
        return;
    }
    describe_death(place, status);
    schedule_respawn(place);
}

static void reap(struct supervisor *super) {
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < WORKERS_MAX; i++)
            if (super->place[i].state > WAITING && super->place[i].pid == pid)
                on_death(super, &super->place[i], status);
}

static void stop_all(struct supervisor *super) {
    if (super->stopping) { /* a second signal: at once */
        for (int i = 0; i < WORKERS_MAX; i++)
            if (super->place[i].state > WAITING) kill(super->place[i].pid, SIGKILL);
        super->exit_code = EXIT_FORCED;
        return;
    }
    super->stopping = true;
    notify("STOPPING=1");
    for (int i = 0; i < WORKERS_MAX; i++) drain(super, &super->place[i]);
}

static void on_signals(struct supervisor *super) {
    struct signalfd_siginfo info;
    while (read(super->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(super);
        else if (info.ssi_signo == SIGHUP)
            reload(super);
        else
            stop_all(super);
    }
}

/* Whose time has come: respawn, give up starting, kill. Returns ms until the next one, or -1. */
static int run_due(struct supervisor *super) {
    int64_t now = now_ms(), next = -1;
    for (int i = 0; i < WORKERS_MAX; i++) {
        struct place *place = &super->place[i];
        if (place->state == EMPTY || place->state == SERVING) continue;
        if (place->due_ms <= now) {
            if (place->state == WAITING)
                spawn(super, place);
            else
                kill(place->pid, SIGKILL);
            if (place->state != STARTING) place->due_ms = now + 1000;
        }
        int64_t left = place->due_ms - now;
        if (next < 0 || left < next) next = left > 0 ? left : 0;
    }
    return (int)next;
}

static bool all_gone(const struct supervisor *super) {
    for (int i = 0; i < WORKERS_MAX; i++)
        if (super->place[i].state > WAITING) return false;
    return true;
}

static void serve(struct supervisor *super) {
    while (!super->stopping || !all_gone(super)) {
        struct pollfd fds[WORKERS_MAX + 1] = {{.fd = super->signal_fd, .events = POLLIN}};
        int timeout = run_due(super);
        for (int i = 0; i < WORKERS_MAX; i++)
            fds[i + 1] = (struct pollfd){
                .fd = super->place[i].state == STARTING ? super->place[i].ready_fd : -1,
                .events = POLLIN};
        if (poll(fds, WORKERS_MAX + 1, timeout) < 0 && errno != EINTR) return;
        for (int i = 0; i < WORKERS_MAX; i++)
            if (fds[i + 1].revents) on_ready(super, &super->place[i]);
        if (fds[0].revents) on_signals(super);
    }
}

static bool take_signals(struct supervisor *super) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, &super->old_mask);
    signal(SIGPIPE, SIG_IGN);
    super->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return super->signal_fd >= 0;
}

static void remove_file(const char *folder, const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    unlink(path);
}

static void supervisor_free(struct supervisor *super) {
    drop_sockets(&super->sockets, &(struct socket_set){0});
    config_free(super->config);
    if (super->signal_fd > 0) close(super->signal_fd);
    free(super);
}

/* With sockets and a configuration at hand: serves until a signal ends it. */
static void supervise(struct supervisor *super) {
    super->generation = 1;
    start_generation(super, super->config, super->generation);
    serve(super);
    if (!super->announced) return;
    const char *state = text_at(super->config, "/state", "./var");
    remove_file(state, "sluice.addr");
    remove_file(state, "sluice.pid");
}

static int prepare_and_supervise(struct supervisor *super) {
    ssize_t size = readlink("/proc/self/exe", super->program, sizeof super->program - 1);
    if (size <= 0 || !take_signals(super)) return EXIT_NO_START;
    super->config = read_core_config(super->config_path);
    if (!config_ok(super->config)) {
        check_in_child(super); /* prints every fault, the plugins' too */
        return EXIT_CONFIG;
    }
    worker_logging(super->config);
    if (strcmp(super->config_path, CONFIG_BUILT_IN) == 0)
        log_info("there is no configuration file: the built-in one is in use, with its paths as in "
                 "%s (give one with -c FILE, or make sluice.yaml here)",
                 config_path(super->config));
    if (!open_sockets(super, super->config, &super->sockets)) return EXIT_NO_START;
    supervise(super);
    return super->exit_code;
}

int supervisor_run(const char *config_path) {
    struct supervisor *super = calloc(1, sizeof *super);
    if (!super) return EXIT_NO_START;
    super->config_path = config_path;
    int exit_code = prepare_and_supervise(super);
    supervisor_free(super);
    return exit_code;
}
