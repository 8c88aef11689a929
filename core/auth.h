/* auth.h - bearer tokens. Stored as SHA-256; the first start writes an admin token to a 0600 file.
 */
#ifndef SLUICE_CORE_AUTH_H
#define SLUICE_CORE_AUTH_H

#include "call.h"

struct auth;
struct auth *auth_open(struct host *host, char **error);
void auth_close(struct auth *auth);
/* Who holds this token ("slk_..."), or NULL. Cheap: one hash and one look-up in memory. */
const struct identity *auth_identify(struct auth *auth, const char *token, size_t size);
uint32_t auth_generation(const struct auth *auth); /* rises whenever a token is made or revoked */
/* A local timer of each worker: notices tokens that another worker made or revoked. */
extern const sl_job auth_job;
extern const sl_op auth_ops[]; /* token.create, token.list, token.revoke, whoami */
extern const sl_migration auth_schema[];

#endif
