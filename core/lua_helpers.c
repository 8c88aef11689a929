/* lua_helpers.c - small pure words for scripts. There is no clock: time comes from ctx.now. */
#include "lua_helpers.h"

#include "lua_image.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

bool glob_matches(const char *pattern, size_t pattern_size, const char *text, size_t size) {
    size_t p = 0, t = 0, star = SIZE_MAX, mark = 0;
    while (t < size) {
        if (p < pattern_size && pattern[p] == '*') {
            star = p++, mark = t;
        } else if (p < pattern_size && (pattern[p] == '?' || pattern[p] == text[t])) {
            p++, t++;
        } else if (star != SIZE_MAX) {
            p = star + 1, t = ++mark;
        } else {
            return false;
        }
    }
    while (p < pattern_size && pattern[p] == '*') p++;
    return p == pattern_size;
}

static int helper_glob(lua_State *lua) {
    size_t size, pattern_size;
    const char *pattern = luaL_checklstring(lua, 1, &pattern_size);
    const char *text = luaL_checklstring(lua, 2, &size);
    sandbox_charge(lua, 1 + (int64_t)(size / 4 + 1) * (int64_t)(pattern_size / 4 + 1));
    lua_pushboolean(lua, glob_matches(pattern, pattern_size, text, size));
    return 1;
}

/* percent(0.083) -> "8.3%" */
static int helper_percent(lua_State *lua) {
    char text[64];
    double value = luaL_checknumber(lua, 1) * 100.0;
    lua_Integer digits = luaL_optinteger(lua, 2, 1);
    luaL_argcheck(lua, digits >= 0 && digits <= 6, 2, "0 to 6 digits");
    if (!isfinite(value) || fabs(value) > 1e15) return luaL_argerror(lua, 1, "not a finite share");
    if (value == floor(value)) digits = 0;
    snprintf(text, sizeof text, "%.*f%%", (int)digits, value);
    lua_pushstring(lua, text);
    return 1;
}

static int helper_has_prefix(lua_State *lua) {
    size_t size, wanted;
    const char *text = luaL_checklstring(lua, 1, &size);
    const char *prefix = luaL_checklstring(lua, 2, &wanted);
    sandbox_charge(lua, (int64_t)(wanted / 16));
    lua_pushboolean(lua, size >= wanted && memcmp(text, prefix, wanted) == 0);
    return 1;
}

static int helper_has_suffix(lua_State *lua) {
    size_t size, wanted;
    const char *text = luaL_checklstring(lua, 1, &size);
    const char *suffix = luaL_checklstring(lua, 2, &wanted);
    sandbox_charge(lua, (int64_t)(wanted / 16));
    lua_pushboolean(lua, size >= wanted && memcmp(text + size - wanted, suffix, wanted) == 0);
    return 1;
}

/* split("a,b", ",") -> {"a", "b"} */
static int helper_split(lua_State *lua) {
    size_t size, wanted;
    const char *text = luaL_checklstring(lua, 1, &size), *end = text + size;
    const char *separator = luaL_checklstring(lua, 2, &wanted);
    luaL_argcheck(lua, wanted > 0, 2, "the separator is empty");
    sandbox_charge(lua, (int64_t)(size / 16));
    lua_createtable(lua, 4, 0);
    for (lua_Integer i = 1;; i++) {
        const char *next = memmem(text, (size_t)(end - text), separator, wanted);
        lua_pushlstring(lua, text, (size_t)((next ? next : end) - text));
        lua_rawseti(lua, -2, i);
        if (!next) return 1;
        sandbox_charge(lua, 4);
        text = next + wanted;
    }
}

static int helper_trim(lua_State *lua) {
    size_t size;
    const char *text = luaL_checklstring(lua, 1, &size);
    sandbox_charge(lua, (int64_t)(size / 8));
    while (size && strchr(" \t\r\n", text[size - 1]) && text[size - 1]) size--;
    while (size && strchr(" \t\r\n", *text) && *text) text++, size--;
    lua_pushlstring(lua, text, size);
    return 1;
}

static void set_part(lua_State *lua, const char *name, struct image_part part) {
    if (!part.at) return;
    lua_pushlstring(lua, part.at, part.size);
    lua_setfield(lua, -2, name);
}

/* image.parse(name) -> { registry, repository, tag, digest }, or nil and why not. An image without
 * a registry is of docker.io, as the container runtimes read it. */
static int helper_image_parse(lua_State *lua) {
    struct image_name image;
    const char *why;
    size_t size;
    const char *name = luaL_checklstring(lua, 1, &size);
    sandbox_charge(lua, (int64_t)(size / 4));
    if (!image_parse(name, size, &image, &why)) {
        lua_pushnil(lua);
        lua_pushstring(lua, why);
        return 2;
    }
    lua_createtable(lua, 0, 4);
    lua_pushliteral(lua, "docker.io");
    lua_setfield(lua, -2, "registry");
    set_part(lua, "registry", image.registry);
    set_part(lua, "repository", image.repository);
    set_part(lua, "tag", image.tag);
    set_part(lua, "digest", image.digest);
    return 1;
}

/* ---- time, in milliseconds since 1970 ---- */

static void set_int(lua_State *lua, const char *name, int value) {
    lua_pushinteger(lua, value);
    lua_setfield(lua, -2, name);
}

/* time.fields(ms [, offset_minutes]) -> { year, month, day, hour, minute, second, weekday } */
static int helper_time_fields(lua_State *lua) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    lua_Number ms = luaL_checknumber(lua, 1);
    lua_Integer offset = luaL_optinteger(lua, 2, 0);
    struct tm fields;
    luaL_argcheck(lua, fabs(ms) < 8.64e15, 1, "no time in milliseconds");
    luaL_argcheck(lua, offset >= -1440 && offset <= 1440, 2, "an offset of at most a day");
    time_t seconds = (time_t)floor(ms / 1000.0) + (time_t)offset * 60;
    gmtime_r(&seconds, &fields);
    lua_createtable(lua, 0, 8);
    set_int(lua, "year", fields.tm_year + 1900);
    set_int(lua, "month", fields.tm_mon + 1);
    set_int(lua, "day", fields.tm_mday);
    set_int(lua, "hour", fields.tm_hour);
    set_int(lua, "minute", fields.tm_min);
    set_int(lua, "second", fields.tm_sec);
    lua_pushstring(lua, days[fields.tm_wday]);
    lua_setfield(lua, -2, "weekday");
    return 1;
}

/* time.parse("2026-11-22T10:00:00Z") -> ms, or nil */
static int helper_time_parse(lua_State *lua) {
    struct tm fields = {0};
    int read = 0, hours = 0, minutes = 0;
    size_t size;
    const char *text = luaL_checklstring(lua, 1, &size);
    char sign = 'Z';
    int parts =
        size > 40 ? 0
                  : sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &fields.tm_year, &fields.tm_mon,
                           &fields.tm_mday, &fields.tm_hour, &fields.tm_min, &fields.tm_sec, &read);
    const char *zone = text + read;
    if (parts == 6 && *zone == '.') zone += 1 + strspn(zone + 1, "0123456789");
    bool zulu = parts == 6 && strcmp(zone, "Z") == 0;
    bool known = zulu || (parts == 6 && strlen(zone) == 6 &&
                          sscanf(zone, "%c%2d:%2d", &sign, &hours, &minutes) == 3 &&
                          (sign == '+' || sign == '-'));
    if (!known || fields.tm_mon < 1 || fields.tm_mon > 12 || fields.tm_mday < 1 ||
        fields.tm_mday > 31 || fields.tm_hour > 23 || fields.tm_min > 59 || fields.tm_sec > 60) {
        lua_pushnil(lua);
        return 1;
    }
    fields.tm_year -= 1900, fields.tm_mon -= 1;
    int64_t offset = (hours * 60 + minutes) * 60 * (sign == '-' ? -1 : 1);
    lua_pushinteger(lua, ((int64_t)timegm(&fields) - offset) * 1000);
    return 1;
}

void helpers_open(lua_State *lua) {
    static const luaL_Reg words[] = {{"percent", helper_percent},
                                     {"glob", helper_glob},
                                     {"split", helper_split},
                                     {"has_prefix", helper_has_prefix},
                                     {"trim", helper_trim},
                                     {"has_suffix", helper_has_suffix},
                                     {NULL, NULL}};
    static const luaL_Reg image[] = {{"parse", helper_image_parse}, {NULL, NULL}};
    static const luaL_Reg times[] = {
        {"fields", helper_time_fields}, {"parse", helper_time_parse}, {NULL, NULL}};
    sandbox_define(lua, words);
    sandbox_define_library(lua, "image", image);
    sandbox_define_library(lua, "time", times);
}
