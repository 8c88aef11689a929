/* lua_pattern.h - Lua patterns, matched with a budget of steps: backtracking of any degree ends.
 * Pure; the language is that of Lua 5.4's manual, section 6.4.1. */
#ifndef SLUICE_CORE_LUA_PATTERN_H
#define SLUICE_CORE_LUA_PATTERN_H

#include <stddef.h>
#include <stdint.h>

enum { PATTERN_CAPTURES = 32, PATTERN_OPEN = -1, PATTERN_POSITION = -2, PATTERN_DEPTH = 200 };

struct pattern {
    const char *source, *source_end, *pattern_end;
    int64_t steps_left; /* counted down; below zero the match is given up */
    const char *fault;  /* set: the pattern is malformed, or too much work */
    int depth;
    int levels; /* captures begun */
    struct {
        const char *start;
        ptrdiff_t size; /* or PATTERN_OPEN, PATTERN_POSITION */
    } captures[PATTERN_CAPTURES];
};

/* Matches `p` at `s`; the end of the match, or NULL (then look at `fault`). Set `levels`, `depth`
 * and `fault` to 0 before each try. */
const char *pattern_match(struct pattern *match, const char *s, const char *p);

#endif
