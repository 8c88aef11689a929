/* Reads `git diff --numstat`: "added<TAB>deleted<TAB>path", '-' for binary files. Pure. */
#ifndef RISK_NUMSTAT_H
#define RISK_NUMSTAT_H

#include "change.h"

enum { NUMSTAT_LIMIT_BYTES = 1024 * 1024 };

/* Adds the files to the change. 0, or the number of the line that is not a numstat line. */
uint32_t numstat_read(struct diff_text text, struct change *change);

#endif
