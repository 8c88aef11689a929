/* lua_tests.h - the tests of scripts: files of contexts and of what must be decided on them.
 *
 *     return tests {
 *       script = "../policies/no-latest.lua",
 *       cases = {
 *         { name = "latest is denied", ctx = { environment = "prod", ... },
 *           expect = "deny", reason = "latest" },
 *       } }
 */
#ifndef SLUICE_CORE_LUA_TESTS_H
#define SLUICE_CORE_LUA_TESTS_H

#include "lua_script.h"

/* Runs one file of tests. { file, script, kind, error?, passed, failed, cases: [{ name, ok, why?,
 * verdict, trace: ["environment = \"prod\""] }] }, by cJSON's allocator. */
cJSON *tests_run(const char *path);

/* Judges and tells which members of the context were read on the way. */
cJSON *judge_traced(struct script *script, const cJSON *ctx, cJSON *trace);

/* A policy or gate from the disk, with the helpers beside its folder. */
struct script *script_open_alone(const char *path);

#endif
