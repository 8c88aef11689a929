/* lua_judge.h - one script, one context, one verdict (sluice/script.h says what is in it). */
#ifndef SLUICE_CORE_LUA_JUDGE_H
#define SLUICE_CORE_LUA_JUDGE_H

#include "lua_script.h"

/* The verdict, by cJSON's allocator. Always given, and an explicit allow only when the script said
 * so within its limits. May suspend inside sluice.call. */
cJSON *script_judge(struct script *script, sl_call *call, const cJSON *ctx,
                    struct view_trace *trace);
/* A denial for a reason outside of the script: "the folder is gone". */
cJSON *verdict_denied(const struct script *script, const char *class, const char *reason);

/* Does what `applies` says hold for this context? A script without it applies always. A name in it
 * that looks misspelt makes `*trouble` a sentence (malloc'ed) and the answer true. */
bool script_applies(const struct script *script, const cJSON *ctx, char **trouble);

#endif
