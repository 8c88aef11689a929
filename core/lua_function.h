/* lua_function.h - single functions of Lua files: JSON in, JSON out (sl_script_run). */
#ifndef SLUICE_CORE_LUA_FUNCTION_H
#define SLUICE_CORE_LUA_FUNCTION_H

#include "lua_script.h"

/* Compiled files, the latest ones used. */
struct function_cache;
struct function_cache *function_cache_new(void);
void function_cache_free(struct function_cache *cache);
/* The compiled file, by name and content; a new reference, never NULL. */
struct script *function_cache_get(struct function_cache *cache, const struct script_text *text);

/* As sl_script_run. */
int function_run(sl_call *call, struct script *script, const char *function, const cJSON *in,
                 cJSON **out);

#endif
