/* lua_decision.h - the words of a script's face: what it declares, and what it decides.
 *
 * Declarations: policy{}, gate{}, plugin{}, tests{}. Decisions: allow(), warn(), deny(), wait(),
 * needs_approval(). Only a value made by one of these words is a decision; true, "allow" or nothing
 * is not. */
#ifndef SLUICE_CORE_LUA_DECISION_H
#define SLUICE_CORE_LUA_DECISION_H

#include "lua_script.h"

enum outcome { OUTCOME_ALLOW, OUTCOME_WARN, OUTCOME_WAIT, OUTCOME_APPROVAL, OUTCOME_DENY };
enum { REASON_BYTES_MAX = 2048, NAME_BYTES_MAX = 64 };

void decision_open(lua_State *lua); /* once a state, inside sandbox_run */

/* A run may declare once. */
void declaration_reset(lua_State *lua);
/* Takes what the file returned off the stack; leaves the declared table, or raises. */
void declaration_check(lua_State *lua, const struct script *script);
enum script_kind declaration_kind(lua_State *lua);
const char *kind_name(enum script_kind kind);

/* Judges: calls the function on the top of the stack with the run's context, and adds what it
 * decided to `verdict`: outcome, reason, fix, evidence, line. Raises for anything else. */
void decision_take(lua_State *lua, const struct script_run *run, cJSON *verdict);

#endif
