/* lua_folder.h - a folder of scripts as a set that is replaced when a file changes.
 *
 * Looked at once a second at most, when somebody asks: time of change, size and inode of each file,
 * and of the helpers in the folder `lib` beside it. */
#ifndef SLUICE_CORE_LUA_FOLDER_H
#define SLUICE_CORE_LUA_FOLDER_H

#include "lua_host.h"
#include "lua_script.h"

struct script_folder;

/* The scripts at one moment, in order of name. */
struct script_set {
    unsigned refs;
    size_t count;
    struct script **scripts;
    char hash[65];
};

/* NULL with a sentence (malloc'ed): no such folder. `limits` may be NULL: the defaults. */
struct script_folder *folder_open(const char *path, enum script_kind kind,
                                  const struct sandbox_limits *limits, char **trouble);
void folder_close(struct script_folder *folder);
/* Looks at the files again, unless that was less than a second before. */
void folder_refresh(struct script_folder *folder, int64_t now_ns);
struct script_set *folder_set(struct script_folder *folder); /* borrowed */

struct script_set *set_ref(struct script_set *set);
void set_unref(struct script_set *set);

#endif
