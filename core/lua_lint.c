/* lua_lint.c - reads the compiled form that lua_dump gives (our own, never one from outside). */
#include "lua_lint.h"

#include <lauxlib.h>
#include <stdint.h>
#include <string.h>

enum {
    HEADER_BYTES = 4 + 1 + 1 + 6 + 1 + 1 + 1, /* signature, version, format, data, three sizes */
    OP_BAND = 41,                             /* 5.4's opcodes; a test holds them to the compiler */
    OP_BXOR = 43,
    OPCODE_BITS = 0x7f,
    INDEX_MAX = 255
};

struct reader {
    const unsigned char *at, *end;
    struct lint_finding *finding;
    bool found, broken;
};

static const unsigned char *take(struct reader *reader, size_t size) {
    if (reader->broken || (size_t)(reader->end - reader->at) < size) {
        reader->broken = true;
        return NULL;
    }
    const unsigned char *at = reader->at;
    reader->at += size;
    return at;
}

static int take_byte(struct reader *reader) {
    const unsigned char *at = take(reader, 1);
    return at ? *at : 0;
}

/* Seven bits a byte, the last one marked. */
static size_t take_size(struct reader *reader) {
    size_t size = 0;
    for (int i = 0; i < 10 && !reader->broken; i++) {
        int byte = take_byte(reader);
        size = size << 7 | (size_t)(byte & 0x7f);
        if (byte & 0x80) break;
    }
    return size;
}

static void skip_text(struct reader *reader) {
    size_t size = take_size(reader);
    if (size > 1) take(reader, size - 1);
}

static size_t skip_constants(struct reader *reader) {
    size_t count = take_size(reader);
    for (size_t i = 0; i < count && !reader->broken; i++) {
        int type = take_byte(reader);
        if ((type & 0x0f) == LUA_TNUMBER)
            take(reader, 8);
        else if ((type & 0x0f) == LUA_TSTRING)
            skip_text(reader);
    }
    return count;
}

/* Line of instruction `index`: the line of the function plus the differences so far. */
struct lines {
    const signed char *delta;
    size_t count, absolute_count;
    int first;
    struct {
        size_t instruction;
        int line;
    } nearest;
};

static void read_lines(struct reader *reader, struct lines *lines, size_t wanted) {
    lines->count = take_size(reader);
    lines->delta = (const signed char *)take(reader, lines->count);
    lines->absolute_count = take_size(reader);
    lines->nearest.line = lines->first;
    for (size_t i = 0; i < lines->absolute_count && !reader->broken; i++) {
        size_t instruction = take_size(reader), line = take_size(reader);
        if (instruction > wanted) continue;
        lines->nearest.instruction = instruction + 1;
        lines->nearest.line = (int)line;
    }
    for (size_t i = lines->nearest.instruction; !reader->broken && i <= wanted && i < lines->count;
         i++)
        lines->nearest.line += lines->delta[i];
}

static void skip_names(struct reader *reader) {
    size_t locals = take_size(reader);
    for (size_t i = 0; i < locals && !reader->broken; i++) {
        skip_text(reader);
        take_size(reader);
        take_size(reader);
    }
    size_t upvalues = take_size(reader);
    for (size_t i = 0; i < upvalues && !reader->broken; i++) skip_text(reader);
}

/* The first bit operation on registers, or -1. */
static long bit_operation(const unsigned char *code, size_t count) {
    for (size_t i = 0; i < count; i++) {
        uint32_t instruction;
        memcpy(&instruction, code + i * 4, 4);
        uint32_t op = instruction & OPCODE_BITS;
        if (op >= OP_BAND && op <= OP_BXOR) return (long)i;
    }
    return -1;
}

static void read_function(struct reader *reader, int depth) {
    skip_text(reader);
    int line = (int)take_size(reader);
    take_size(reader);
    take(reader, 3);
    size_t instructions = take_size(reader);
    const unsigned char *code = instructions > SIZE_MAX / 4 ? NULL : take(reader, instructions * 4);
    size_t constants = skip_constants(reader);
    size_t upvalues = take_size(reader);
    if (upvalues <= 255) take(reader, upvalues * 3);
    size_t inner = take_size(reader);
    for (size_t i = 0; i < inner && !reader->broken && depth < 200; i++)
        read_function(reader, depth + 1);
    if (reader->broken) return;
    long suspect = constants > INDEX_MAX + 1 ? bit_operation(code, instructions) : -1;
    struct lines lines = {.first = line};
    read_lines(reader, &lines, suspect < 0 ? 0 : (size_t)suspect);
    skip_names(reader);
    if (suspect < 0 || reader->found) return;
    reader->found = true;
    *reader->finding = (struct lint_finding){
        .function_line = line, .line = lines.nearest.line, .constants = (int)constants};
}

struct dump {
    luaL_Buffer bytes;
    bool begun; /* the buffer must begin above the function that is dumped */
};

static int append(lua_State *lua, const void *bytes, size_t size, void *arg) {
    struct dump *dump = arg;
    if (!dump->begun) luaL_buffinit(lua, &dump->bytes);
    dump->begun = true;
    luaL_addlstring(&dump->bytes, bytes, size);
    return 0;
}

/* Does this Lua have the fault at all? Compiles and runs the known case. */
static bool lua_is_faulty(lua_State *lua) {
    luaL_Buffer source;
    luaL_buffinit(lua, &source);
    luaL_addstring(&source, "local t = {");
    for (int i = 0; i < 300; i++) {
        lua_pushfstring(lua, "'k%d',", i);
        luaL_addvalue(&source);
    }
    luaL_addstring(&source, "} return 1 | (2 or 3)");
    luaL_pushresult(&source);
    size_t size;
    const char *text = lua_tolstring(lua, -1, &size);
    bool faulty = luaL_loadbufferx(lua, text, size, "=lint", "t") != LUA_OK;
    if (!faulty) {
        lua_call(lua, 0, 1);
        faulty = lua_tointeger(lua, -1) != 3;
    }
    lua_pop(lua, 2);
    return faulty;
}

bool lint_function(lua_State *lua, struct lint_finding *finding) {
    struct dump dump = {.begun = false};
    lua_dump(lua, append, &dump, 0);
    luaL_pushresult(&dump.bytes);
    size_t size;
    const unsigned char *bytes = (const unsigned char *)lua_tolstring(lua, -1, &size);
    struct reader reader = {.at = bytes, .end = bytes + size, .finding = finding};
    take(&reader, HEADER_BYTES + 8 + 8 + 1);
    read_function(&reader, 0);
    lua_pop(lua, 1);
    return reader.found && lua_is_faulty(lua);
}

void lint_refuse(lua_State *lua, const char *file) {
    struct lint_finding finding;
    if (!lint_function(lua, &finding)) return;
    lua_pushfstring(lua,
                    "%s:%d: this Lua can compute '&', '|' and '~' wrongly in a function with more "
                    "than 256 constants (the one at line %d has %d): move the bit operation into a "
                    "small function of its own",
                    file, finding.line, finding.function_line, finding.constants);
    lua_error(lua);
}
