/* lua_hostile.h - scripts that try to stay, to leave, or to leave something behind; by class. Each
 * must end within its limits and deny. `BODY` stands inside check(ctx), behind it a bare allow(). */
#ifndef SLUICE_TEST_LUA_HOSTILE_H
#define SLUICE_TEST_LUA_HOSTILE_H

struct hostile {
    const char *class, *body;
};

static const struct hostile hostile_scripts[] = {
    /* CPU in Lua code */
    {"cpu", "while true do end"},
    {"cpu", "for i = 1, 1e15 do end"},
    {"cpu", "local function f() return f() end f()"},
    {"cpu", "::again:: goto again"},
    {"cpu", "while true do pcall(function() while true do end end) end"},
    {"cpu", "pcall(pcall, pcall, function() while true do end end) while true do end"},
    {"cpu", "while true do pcall(error) end"},
    {"cpu", "while true do xpcall(function() while true do end end, function() end) end"},
    {"cpu", "xpcall(function() while true do end end, function() while true do end end)"},
    {"cpu", "xpcall(error, function() while true do end end)"},
    {"cpu",
     "local t = setmetatable({}, {__index = function(t, k) return t[k] end}) pcall(function() "
     "return t.x end) while true do pcall(function() return t.x end) end"},
    {"cpu", "local t = {} for i = 1, 2000 do t = setmetatable({}, {__index = t}) end while true do "
            "local x = t.y end"},
    {"cpu", "for _ in function() return 1 end do end"},
    {"cpu", "local m = {} m.__eq = function(a, b) while true do end end local a, b = "
            "setmetatable({}, m), setmetatable({}, m) local x = a == b"},
    {"cpu", "local m = {__concat = function(a, b) return a .. b end} local x = setmetatable({}, m) "
            "while true do pcall(function() return x .. x end) end"},
    {"cpu", "local m = {__lt = function() while true do end end} table.sort({setmetatable({}, m), "
            "setmetatable({}, m)})"},
    {"cpu", "for k in pairs(setmetatable({}, {__pairs = function() return function() return 1 end "
            "end})) do end"},
    {"cpu", "local s = ('x'):rep(1000000) while true do local a = s < s .. '' end"},
    {"cpu", "local a, b = ('x'):rep(900000) .. 'a', ('x'):rep(900000) .. 'b' while true do local c "
            "= a < b end"},
    /* CPU inside one C call */
    {"native", "('a'):rep(2000):find('.-.-.-.-b$')"},
    {"native", "('a'):rep(60000):find(('a?'):rep(200) .. ('a'):rep(200))"},
    {"native", "('a'):rep(1000):match(('.-'):rep(30) .. 'b')"},
    {"native", "while true do ('('):rep(200000):find('%b()') end"},
    {"native", "for _ in ('('):rep(200000):gmatch('%b()') do end while true do end"},
    {"native", "while true do ('a'):rep(100000):gsub('a*b', '') end"},
    {"native", "while true do ('a'):rep(100000):find(('a'):rep(5000) .. 'b', 1, true) end"},
    {"native", "string.rep('', math.maxinteger) while true do string.rep('', math.maxinteger) end"},
    {"native", "('x'):rep(1e9)"},
    {"native", "('x'):rep(math.maxinteger)"},
    {"native", "local s = ('x'):rep(100000) while true do s:upper() end"},
    {"native", "local s = ('x'):rep(100000) while true do s:reverse() end"},
    {"native", "local s = ('x'):rep(1000000) while true do s:sub(2) end"},
    {"native", "local s = ('%s'):rep(5000) while true do pcall(string.format, s) end"},
    {"native", "while true do local s = string.format('%99.99f', 1e308) end"},
    {"native", "local t = setmetatable({}, {__len = function() return math.maxinteger end}) "
               "table.concat(t)"},
    {"native",
     "local t = setmetatable({}, {__len = function() return 1e9 end, __index = function() "
     "return 'x' end}) table.concat(t)"},
    {"native", "local t = setmetatable({}, {__len = function() return math.maxinteger - 1 end}) "
               "table.insert(t, 1, 0)"},
    {"native",
     "local t = setmetatable({}, {__len = function() return 1e9 end}) table.remove(t, 1)"},
    {"native",
     "local t = setmetatable({}, {__len = function() return 1e8 end, __index = function(_, "
     "i) return -i end, __newindex = function() end}) table.sort(t)"},
    {"native", "table.move({}, 1, 1e15, 2)"},
    {"native", "table.move({}, -1e15, 1e15, 1, {})"},
    {"native", "table.unpack({}, 1, 1e7)"},
    {"native", "while true do table.unpack({}, 1, 9000) end"},
    {"native", "table.unpack({}, math.mininteger, math.maxinteger)"},
    {"native", "local t = {} for i = 1, 400000 do t[i] = -i end table.sort(t) while true do end"},
    {"native", "table.sort({3, 1, 2, 5, 4}, function() while true do end end)"},
    {"native", "table.sort({3, 1, 2}, function() return true end) while true do end"},
    {"native", "('x'):rep(1000):gsub('.', function() while true do end end)"},
    {"native", "local t = {} for i = 1, 200000 do t[i] = i end for i = 1, 200000 do t[i] = nil end "
               "while true do next(t) end"},
    {"native", "while true do glob(('*a'):rep(100), ('a'):rep(100000)) end"},
    {"native", "while true do split(('a,'):rep(100000), ',') end"},
    {"native", "local t = {} for i = 1, 1e7 do t[i * ((1 << 13) - 1)] = i end while true do end"},
    {"native", "local t = {} for i = 1, 300000 do t[i * ((1 << 20) - 1)] = true end while true do "
               "end"},
    {"native", "while true do tostring(setmetatable({}, {__tostring = function() return "
               "('x'):rep(1000) end})) end"},
    {"native", "while true do select(-1, table.unpack({}, 1, 9000)) end"},
    {"native", "for i = 1, 1e9 do ctx.list[1000000] = nil end"},
    {"native", "while true do local x = ctx.list[100000000] end"},
    {"native", "while true do pairs(ctx) end"},
    /* memory */
    {"memory", "local t = {} while true do t[#t + 1] = ('x'):rep(10000) .. #t end"},
    {"memory", "local s = 'x' while true do s = s .. s end"},
    {"memory", "local t = {} while true do t = {t, t, t} end"},
    {"memory", "local t = {} for i = 1, 1e9 do t[i] = i end"},
    {"memory", "local t = {} for i = 1, 1e9 do t['k' .. i] = i end"},
    {"memory",
     "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end"},
    {"memory",
     "while true do pcall(string.rep, 'x', 1000000) pcall(table.concat, {('x'):rep(900000),"
     " ('y'):rep(900000)}) end"},
    {"memory",
     "local t = {} while true do local ok = pcall(function() while true do t[#t + 1] = {} "
     "end end) end"},
    {"memory", "local t = {} while true do t[#t + 1] = function() return t end end"},
    {"memory", "local f = {} for i = 1, 1e9 do f[i] = string.gmatch('x', 'y') end"},
    {"memory", "('x'):rep(1000000):gsub('x', ('y'):rep(1000))"},
    {"memory",
     "string.char(table.unpack({}, 1, 9000)) local t = {} while true do t[#t+1] = {} end"},
    /* C stack */
    {"stack", "local function f() return f() + 1 end f()"},
    {"stack", "local function f() pcall(f) end f() while true do f() end"},
    {"stack", "local function f() return 1 + select('#', pcall(f)) end while true do f() end"},
    {"stack",
     "local t = setmetatable({}, {}) getmetatable(t).__index = t local x = t.y error('x')"},
    {"stack", "local m = {} m.__index = function(t, k) return setmetatable({}, m)[k] end local x = "
              "setmetatable({}, m).y"},
    {"stack", "local function f(s) return (s:gsub('.', f)) end f('x')"},
    {"stack", "local function f(a, b) table.sort({1, 2, 3}, f) return a < b end f(1, 2)"},
    {"stack", "local function f() error(setmetatable({}, {__tostring = f})) end xpcall(f, f)"},
    {"stack", "local function h(e) error(e) end xpcall(error, h, 'x') error('x')"},
    {"stack", "('x'):find(('('):rep(31) .. ('a*'):rep(10000))"},
    {"stack", "('x'):rep(100000):match(('x'):rep(1) .. ('%f[x]'):rep(5000)) error('x')"},
    {"stack", "local m = {} m.__tostring = function(t) return tostring(t) end tostring("
              "setmetatable({}, m))"},
    {"stack", "local m = {} m.__len = function(t) return #t end local x = #setmetatable({}, m)"},
    {"stack",
     "local m = {} m.__pairs = function(t) return pairs(t) end pairs(setmetatable({}, m))"},
    {"stack", "local m = {} m.__call = setmetatable({}, m) local x = setmetatable({}, m)()"},
    {"stack", "local m m = {__call = function(self, ...) return self(...) + 1 end} "
              "setmetatable({}, m)()"},
    /* finalizers */
    {"finalizer", "setmetatable({}, {__gc = function() while true do end end})"},
    {"finalizer", "local m = {} setmetatable({}, m) m.__gc = true setmetatable({}, m)"},
    {"finalizer", "setmetatable({}, {__mode = 'k'})"},
    {"finalizer", "setmetatable({}, {__close = function() while true do end end})"},
    {"finalizer", "local m = {} local x <close> = setmetatable({}, m) m.__close = function() while "
                  "true do end end"},
    /* host access */
    {"host", "os.exit(1)"},
    {"host", "os.execute('true')"},
    {"host", "io.open('/etc/passwd')"},
    {"host", "debug.getregistry()"},
    {"host", "load('return 1')()"},
    {"host", "loadstring('return 1')()"},
    {"host", "dofile('/etc/passwd')"},
    {"host", "loadfile('/etc/passwd')"},
    {"host", "require('os')"},
    {"host", "require('../policies/x')"},
    {"host", "package.loadlib('libc.so.6', '*')"},
    {"host", "string.dump(function() end)"},
    {"host", "coroutine.wrap(function() end)()"},
    {"host", "collectgarbage('stop')"},
    {"host", "_G.string.find('x', 'y')"},
    {"host", "rawset(string, 'find', print)"},
    {"host", "getmetatable(_ENV).__index = {}"},
    {"host", "sluice.call('store.drop', {})"},
    {"host", "math.random()"},
    {"host", "ctx.environment = 'dev'"},
    {"host", "ctx.config.image = 'x'"},
    {"host", "table.insert(ctx.list, 1)"},
    {"host", "setmetatable(ctx, {})"},
    /* information */
    {"leak", "if tostring({}):find('0x') or tostring(print):find('0x') then return allow() end "
             "error('no address')"},
    {"leak", "string.format('%p', {})"},
    {"leak", "if string.format('%s', {}):find('0x') then return allow() end error('no address')"},
    {"leak",
     "if string.format('%s', function() end):find('0x') then return allow() end error('x')"},
    {"leak", "local ok, why = pcall(error, {}) if tostring(why):find('0x') then return allow() end "
             "error('x')"},
    {"leak", "if tostring(ctx):find('0x') then return allow() end error('no address')"},
    {"leak", "if tostring(allow()):find('0x') then return allow() end error('no address')"},
    {"leak", "return deny(tostring(ctx))"},
    /* integrity between scripts and runs */
    {"poison", "string.find = function() return 1 end"},
    {"poison", "string.evil = 1"},
    {"poison", "table.insert(table, 1)"},
    {"poison", "getmetatable('').__index = {}"},
    {"poison", "setmetatable(string, {})"},
    {"poison", "setmetatable(_ENV, {})"},
    {"poison", "for k in pairs(math) do math[k] = nil end math.x = 1"},
    {"poison", "setmetatable('', {})"},
    {"poison", "time.parse = nil"},
    /* answers */
    {"answer", "return nil"},
    {"answer", "return"},
    {"answer", "return true"},
    {"answer", "return 1"},
    {"answer", "return 'allow'"},
    {"answer", "return 'allow\\0deny'"},
    {"answer", "return {}"},
    {"answer", "return { outcome = 'allow', allow = true }"},
    {"answer", "return allow"},
    {"answer", "return allow(), allow()"},
    {"answer", "return ctx"},
    {"answer", "return setmetatable({}, {__index = function() return 'allow' end})"},
    {"answer", "return function() return allow() end"},
    {"answer", "return 0/0"},
    {"answer", "error()"},
    {"answer", "error(nil)"},
    {"answer", "error({})"},
    {"answer", "error(setmetatable({}, {__tostring = function() while true do end end}))"},
    {"answer", "error('a\\0b')"},
    {"answer", "error(('x'):rep(100000))"},
    {"answer", "error('\\xff\\xfe')"},
    {"answer", "return deny('\\xff\\0\\27[2J')"},
    {"answer", "return deny('x', { evidence = 0/0 })"},
    {"answer", "return deny('x', { evidence = 1/0 })"},
    {"answer", "local t = {} t.t = t return deny('x', { evidence = t })"},
    {"answer", "local t = {} for i = 1, 200000 do t = {t} end return deny('x', { evidence = t })"},
    {"answer", "return deny('x', { evidence = { [1e9] = 1 } })"},
    {"answer", "return deny('x', { evidence = { ['a\\0b'] = 1 } })"},
    {"answer", "return deny('x', { evidence = { ['\\xff'] = 1 } })"},
    {"answer", "return deny('x', { evidence = print or function() end })"},
    {"answer",
     "local t = {} for i = 1, 1000000 do t[i] = i end return deny('x', { evidence = t })"},
    {"answer", "return deny('x', { evidence = setmetatable({}, {__index = function() while true do "
               "end end}) })"},
    {"answer", "return deny('x', { evidence = allow() })"},
    {"answer", "return deny()"},
    {"answer", "return deny({})"},
    {"answer", "return deny('x', 'y')"},
    {"answer", "return deny('x', { fx = 'y' })"},
    {"answer", "return warn()"},
    {"answer", "return wait('x')"},
    {"answer", "return allow({})"},
    {"answer", "return allow('x', { evidence = function() end })"},
};

#endif
