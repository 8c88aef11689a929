/* script.h - Lua policies and gates: a folder of scripts, kept fresh, judged under hard limits.
 *
 * A script returns `policy { name=…, applies=…, check=function(ctx) … end }` or `gate { … }`. A run
 * has a fresh environment, at most 50 ms of CPU, 8 MiB and 10 million instructions. A script that
 * fails, overruns or answers nonsense **denies**, with its file and line.
 */
#ifndef SLUICE_SCRIPT_H
#define SLUICE_SCRIPT_H

#include <sluice/base.h>

typedef struct sl_scripts sl_scripts;

/* Opens a folder (kept until the plugin stops). `kind`: "policy" or "gate". Files are re-read when
 * they change; a changed file that does not compile keeps denying with its error until mended.
 * SL_NOT_FOUND: no such folder. */
SL_API int sl_scripts_open(sl_call *call, const char *folder, const char *kind, sl_scripts **out);

/* Judges `ctx` by every script that applies, in order of name. Appends one verdict a script to the
 * array `verdicts`: { name, outcome: allow|warn|wait|approval|deny, reason, fix, evidence, file, line,
 * class: decision|error|limit, script_hash }. Returns 0 whenever the verdicts are complete, denials
 * included. */
SL_API int sl_scripts_judge(sl_call *call, sl_scripts *scripts, const cJSON *ctx, cJSON *verdicts);

/* Names, files, hashes, applies, and errors of compilation: an array. */
SL_API cJSON *sl_scripts_list(sl_call *call, sl_scripts *scripts);

/* Hex SHA-256 over all scripts as they stand, those that do not apply included: what a decision was
 * made by. Borrowed until the next judgement. */
SL_API const char *sl_scripts_hash(sl_call *call, sl_scripts *scripts);

/* Runs one script that was not opened before: `sluice policy eval`, and scripts under test. */
SL_API int sl_script_eval(sl_call *call, const char *file, const char *source, size_t size,
                          const cJSON *ctx, cJSON **verdict);

#endif
