/* Webhooks of GitHub and GitLab: a pushed or proposed change gets a risk score and a status at its
 * commit, a release without text gets notes. What comes in is checked, answered at once, and worked
 * on by a durable job. */
#ifndef NOTES_HOOKS_H
#define NOTES_HOOKS_H

#include <sluice/sluice.h>

extern const sl_field hooks_config[];

int hooks_github(sl_call *call, const cJSON *in, cJSON *out);
int hooks_gitlab(sl_call *call, const cJSON *in, cJSON *out);
int hooks_job(sl_call *call, const cJSON *in);

/* "sha256=HEX" over the body; constant in time over the signature. */
int hooks_signature_fits(const char *secret, const void *body, size_t size, const char *header);

#endif
