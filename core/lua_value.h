/* lua_value.h - what a script answers, as JSON: strict, bounded, and read without running any code
 * of the script. */
#ifndef SLUICE_CORE_LUA_VALUE_H
#define SLUICE_CORE_LUA_VALUE_H

#include "lua_sandbox.h"

#include <cjson/cJSON.h>

enum { VALUE_DEPTH_MAX = 16, VALUE_NODES_MAX = 10000, VALUE_TEXT_MAX = 256 * 1024 };

/* Appends the value at `at` to `parent` (an object: as `name`; a list: name is NULL). Tables with
 * the keys 1..n become lists, others objects, views are copied; an empty table is an object, unless
 * it came from list{}. Raises for functions, NaN, cycles and too much. */
void value_read(lua_State *lua, int at, cJSON *parent, const char *name);

/* Text as UTF-8 without control characters, at most `max` bytes; a malloc'ed or arena string by
 * cJSON's allocator. Bytes that are no UTF-8 become U+FFFD. */
char *value_text(const char *text, size_t size, size_t max);

/* Adds `list` to the globals: list{} marks a table as a list. */
void value_open(lua_State *lua);

#endif
