/* Signals that a single line does not tell: paths, whole files, the whole change. Pure. */
#ifndef RISK_WHOLE_SIGNALS_H
#define RISK_WHOLE_SIGNALS_H

#include "signals.h"

void whole_on_file(struct signals_run *run, const struct diff_file *file);
void whole_on_manifest_line(struct signals_run *run, const struct diff_line *line);
void whole_on_file_end(struct signals_run *run, const struct diff_file *file);
void whole_on_end(struct signals_run *run, const struct change *change);

#endif
