/* lua_script.h - one version of one script: its source, what it declares, and runs of it.
 *
 * A run begins as if the whole file were executed anew under a fresh environment, so that nothing of
 * one run, not even a local of the file, is there in the next (lua_prepared.h tells where the
 * execution itself can be spared). States wait compiled between runs; a run that
 * suspends (sluice.call) keeps its state and another run takes another. */
#ifndef SLUICE_CORE_LUA_SCRIPT_H
#define SLUICE_CORE_LUA_SCRIPT_H

#include "lua_sandbox.h"
#include "lua_view.h"

#include <cjson/cJSON.h>
#include <sluice/base.h>

enum script_kind {
    SCRIPT_POLICY = 1,
    SCRIPT_GATE = 2,
    SCRIPT_PLUGIN = 4,
    SCRIPT_TESTS = 8,
    SCRIPT_FUNCTIONS = 16 /* returns a function, or a table of them */
};

/* Helper files that scripts may `require`; shared by the scripts of a folder. */
struct script_library {
    unsigned refs;
    size_t count;
    struct script_helper {
        char *name, *source;
        size_t size;
    } * helpers;
};

/* Text that a script is made from; everything is copied but the library, which is shared. */
struct script_text {
    const char *file; /* as shown: "no-latest.lua" */
    const char *source;
    size_t size;
    unsigned kinds;                 /* that are expected here, or-ed */
    struct script_library *library; /* or NULL */
    struct sandbox_limits limits;
    const char *trouble; /* set: the file could not be read, and why; then there is no source */
};

enum { SCRIPT_STATES_MAX = 64, SCRIPT_FILE_MAX = 56 };

struct script {
    unsigned refs;
    enum script_kind kind;
    unsigned kinds;
    char *file, *source;
    size_t size;
    char hash[65]; /* SHA-256 of the source, hex */
    struct script_library *library;
    struct sandbox_limits limits;
    struct sandbox *idle[SCRIPT_STATES_MAX];
    unsigned idle_count, live;
    /* what it declares */
    char *name;
    cJSON *declared; /* { name, summary, applies, calls }; malloc'ed */
    struct script_fault {
        char *text, *file;
        int line;
        bool limit;
    } * fault; /* set: it cannot be run, and why */
};

/* One run. `act` is called inside the sandbox with the declared table on the top of the stack. */
struct script_run {
    struct script *script;
    sl_call *call; /* for sluice.call; may be NULL */
    const cJSON *ctx;
    void (*act)(lua_State *lua, struct script_run *run);
    void *arg;
    struct view_trace *trace;
    unsigned calls_left;
    bool checks;  /* `act` wants only the function `check`, on the top of the stack */
    bool effects; /* the script used a word that acts or asks outside */
    /* outcome */
    int status; /* enum sl_status that sluice.fail gave, or 0 */
    enum sandbox_over over;
    char message[SANDBOX_MESSAGE_MAX];
};

/* Always gives a script: one that does not compile has a fault. */
struct script *script_open(const struct script_text *text);
/* The same, from a file on the disk; `as` tells all but the source. */
struct script *script_open_file(const char *path, const struct script_text *as);
void script_fail(struct script *script, const char *trouble); /* denies from now on */
void script_unref(struct script *script);
struct script *script_ref(struct script *script);

/* 0, or -1: then run->message and run->over say why. The caller holds a reference to the script. May
 * suspend inside sluice.call. */
int script_execute(struct script_run *run);
struct script_run *script_running(lua_State *lua);

/* Splits "file.lua:12: text"; returns the text, and the file (malloc'ed, or NULL) and line. */
const char *script_locate(const char *message, char **file, int *line);

/* The helpers in `folder` (lib/NAME.lua), or NULL when there are none. */
struct script_library *library_open(const char *folder);
struct script_library *library_ref(struct script_library *library);
void library_unref(struct script_library *library);

#endif
