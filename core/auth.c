/* auth.c - the token table. All tokens live in memory, so that a request costs one hash and one
 * look-up; the rows are read again when this or another worker changed them. */
#include "auth.h"
#include "host.h"
#include "ids.h"
#include "logging.h"
#include "sha256.h"
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_HEX = 48 };

struct token {
    struct token *next; /* in its bucket */
    struct token *all;
    uint8_t hash[32];
    struct identity who;
};

enum { BUCKETS = 256 };

struct auth {
    struct host *host;
    struct token *bucket[BUCKETS];
    struct token *all, *retired; /* retired ones are kept: calls in progress borrow from them */
    uint32_t generation;
    char mark[64]; /* of the table as it was read last */
};

const sl_migration auth_schema[] = {
    {.number = 1,
     .name = "tokens",
     .sql =
         "CREATE TABLE sluice_token("
         " tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, hash TEXT NOT NULL UNIQUE,"
         " permissions TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER,"
         " PRIMARY KEY(tenant, id));"
         "CREATE UNIQUE INDEX sluice_token_name ON sluice_token(tenant, name);"},
    SL_END};

static void hash_token(const char *token, size_t size, uint8_t hash[32]) {
    struct sha256_ctx sha;
    sha256_init(&sha);
    sha256_update(&sha, size, (const uint8_t *)token);
    sha256_digest(&sha, SHA256_DIGEST_SIZE, hash);
}

static bool from_hex(const char *hex, uint8_t *out, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned byte;
        if (!hex || sscanf(hex + 2 * i, "%2x", &byte) != 1) return false;
        out[i] = (uint8_t)byte;
    }
    return true;
}

const struct identity *auth_identify(struct auth *auth, const char *token, size_t size) {
    uint8_t hash[32];
    if (size < 8 || size > 256) return NULL;
    hash_token(token, size, hash);
    for (struct token *at = auth->bucket[hash[0]]; at; at = at->next) {
        if (memcmp(at->hash, hash, sizeof hash) != 0) continue;
        if (at->who.expires_ms && loop_now_ms(auth->host->loop) >= at->who.expires_ms) return NULL;
        return &at->who;
    }
    return NULL;
}

uint32_t auth_generation(const struct auth *auth) {
    return auth->generation;
}

static void add_token(struct auth *auth, const sl_rows *rows, size_t i) {
    struct token *token = calloc(1, sizeof *token);
    char *actor;
    if (!from_hex(sl_cell_text(rows, i, "hash"), token->hash, 32) ||
        asprintf(&actor, "token:%s", sl_cell_text(rows, i, "name")) < 0) {
        free(token);
        return;
    }
    token->who = (struct identity){.tenant = strdup(sl_cell_text(rows, i, "tenant")),
                                   .actor = actor,
                                   .permissions = strdup(sl_cell_text(rows, i, "permissions")),
                                   .generation = auth->generation,
                                   .expires_ms = sl_cell_int(rows, i, "expires_ms")};
    token->next = auth->bucket[token->hash[0]];
    auth->bucket[token->hash[0]] = token;
    token->all = auth->all;
    auth->all = token;
}

static void free_tokens(struct token *token) {
    while (token) {
        struct token *next = token->all;
        free((char *)token->who.tenant);
        free((char *)token->who.actor);
        free((char *)token->who.permissions);
        free(token);
        token = next;
    }
}

/* Reads the table anew. */
static int reload(struct sl_call *call, struct auth *auth) {
    sl_rows rows;
    int rc = store_query(call, &rows,
                         "SELECT tenant, name, hash, permissions, expires_ms FROM sluice_token",
                         SL_NO_ARGS);
    if (rc) return rc;
    struct token **end = &auth->retired;
    while (*end) end = &(*end)->all;
    *end = auth->all;
    auth->all = NULL;
    memset(auth->bucket, 0, sizeof auth->bucket);
    auth->generation++;
    for (size_t i = 0; i < rows.count; i++) add_token(auth, &rows, i);
    return 0;
}

/* Ids rise, so the count and the newest id change with every token made or revoked. */
static int notice_changes(sl_call *call, const cJSON *in) {
    (void)in;
    struct auth *auth = call->host->auth;
    sl_rows rows;
    int rc = store_query(call, &rows, "SELECT count(*) AS n, max(id) AS newest FROM sluice_token",
                         SL_NO_ARGS);
    if (rc || rows.count != 1) return rc;
    const char *newest = sl_cell_text(&rows, 0, "newest");
    char mark[64];
    snprintf(mark, sizeof mark, "%lld/%s", (long long)sl_cell_int(&rows, 0, "n"),
             newest ? newest : "");
    if (strcmp(mark, auth->mark) == 0) return 0;
    memcpy(auth->mark, mark, sizeof mark);
    return reload(call, auth);
}

const sl_job auth_job = {
    .name = "tokens", .run = notice_changes, .every_ms = 1000, .flags = SL_JOB_LOCAL};

/* ---- the first token ---- */

static int insert_token(struct sl_call *call, const char *tenant, const char *name,
                        const char *token, const char *permissions, int64_t expires_ms) {
    uint8_t hash[32];
    char hex[65];
    hash_token(token, strlen(token), hash);
    bytes_to_hex(hash, sizeof hash, hex);
    sl_batch *batch = store_batch(call);
    sl_batch_add(
        batch,
        "INSERT INTO sluice_token(tenant, id, name, hash, permissions, created_ms, expires_ms)"
        " VALUES($1, $2, $3, $4, $5, $6, $7)"
        " ON CONFLICT(tenant, name) DO UPDATE SET hash = excluded.hash",
        SL_ARGS(sl_text(tenant), sl_text(sl_new_id(call)), sl_text(name), sl_text(hex),
                sl_text(permissions), sl_int(sl_now_ms(call)),
                expires_ms ? sl_int(expires_ms) : sl_text(NULL)));
    return sl_commit(batch);
}

static bool read_token_file(const char *path, char *token, size_t room) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return false;
    ssize_t got = read(fd, token, room - 1);
    close(fd);
    if (got <= 0) return false;
    token[got] = 0;
    token[strcspn(token, "\r\n ")] = 0;
    return strncmp(token, "slk_", 4) == 0 && strlen(token) >= 20;
}

static bool write_token_file(const char *path, const char *token) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    bool good = fchmod(fd, 0600) == 0 && dprintf(fd, "%s\n", token) > 0 && fsync(fd) == 0;
    close(fd);
    return good;
}

static int ensure_admin(struct sl_call *call, struct auth *auth) {
    const char *state = auth->host->state_dir;
    if (!state) return 0;
    char *path = arena_printf(call->arena, "%s/admin.token", state);
    char token[256] = "slk_";
    bool known = read_token_file(path, token, sizeof token);
    if (known && auth_identify(auth, token, strlen(token))) return 0;
    /* A file without its row (another database) or a row without its file (lost): make both agree. */
    if (!known) {
        random_hex(token + 4, TOKEN_HEX);
        if (!write_token_file(path, token))
            return sl_fail(call, SL_UNAVAILABLE, "cannot write %s: %s", path, strerror(errno));
        log_info("wrote a new admin token to %s", path);
    }
    int rc = insert_token(call, "default", "admin", token, "*", 0);
    return rc ? rc : reload(call, auth);
}

struct auth *auth_open(struct host *host, char **error) {
    struct auth *auth = calloc(1, sizeof *auth);
    auth->host = host;
    struct arena arena;
    struct sl_call call;
    arena_init(&arena);
    struct arena *before = arena_use(&arena);
    call_init(&call, host, NULL, &arena);
    int rc = reload(&call, auth);
    if (!rc) rc = ensure_admin(&call, auth);
    if (rc) *error = strdup(sl_failure(&call));
    arena_use(before);
    arena_fini(&arena);
    if (!rc) return auth;
    auth_close(auth);
    return NULL;
}

void auth_close(struct auth *auth) {
    if (!auth) return;
    free_tokens(auth->all);
    free_tokens(auth->retired);
    free(auth);
}

/* ---- operations ---- */

/* A token grants no more than its maker has. */
static int check_grant(sl_call *call, const char *permissions) {
    for (const char *at = permissions; *at;) {
        at += strspn(at, " ");
        size_t size = strcspn(at, " ");
        char *one = sl_strndup(call, at, size);
        if (size && !sl_can(call, one))
            return sl_fail(call, SL_DENIED, "you cannot grant '%s': %s does not have it", one,
                           sl_actor(call));
        at += size;
    }
    return 0;
}

static int token_create(sl_call *call, const cJSON *in, cJSON *out) {
    const char *name = sl_get_text(in, "name", "");
    const char *permissions = sl_get_text(in, "permissions", "");
    int64_t lifetime_ms = sl_get_int(in, "expires_in", 0);
    int rc = check_grant(call, permissions);
    if (rc) return rc;
    char token[TOKEN_HEX + 8] = "slk_", hex[65];
    uint8_t hash[32];
    random_hex(token + 4, TOKEN_HEX);
    hash_token(token, strlen(token), hash);
    bytes_to_hex(hash, sizeof hash, hex);
    const char *id = sl_new_id(call);
    int64_t expires_ms = lifetime_ms ? sl_now_ms(call) + lifetime_ms : 0;
    sl_batch *batch = store_batch(call);
    sl_batch_demand(batch, 1, arena_printf(call->arena, "a token named '%s' exists already", name),
                    "INSERT INTO sluice_token(tenant, id, name, hash, permissions, created_ms,"
                    " expires_ms) VALUES($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                    SL_ARGS(sl_text(sl_tenant(call)), sl_text(id), sl_text(name), sl_text(hex),
                            sl_text(permissions), sl_int(sl_now_ms(call)),
                            expires_ms ? sl_int(expires_ms) : sl_text(NULL)));
    cJSON *data = cJSON_CreateObject();
    cJSON_AddStringToObject(data, "id", id);
    cJSON_AddStringToObject(data, "name", name);
    cJSON_AddStringToObject(data, "permissions", permissions);
    sl_batch_emit(batch, "token.created", arena_printf(call->arena, "token/%s", id), data);
    cJSON_AddStringToObject(out, "id", id);
    cJSON_AddStringToObject(out, "name", name);
    cJSON_AddStringToObject(out, "permissions", permissions);
    if (expires_ms) cJSON_AddNumberToObject(out, "expires_ms", (double)expires_ms);
    sl_reply_status(call, 201);
    rc = sl_commit(batch);
    if (rc) return rc;
    /* Only now: with an Idempotency-Key the commit stores the answer, and the token is never kept. */
    cJSON_AddStringToObject(out, "token", sl_strdup(call, token));
    return reload(call, call->host->auth);
}

static int token_list(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    sl_rows rows;
    int rc = store_query(call, &rows,
                         "SELECT id, name, permissions, created_ms, expires_ms FROM sluice_token"
                         " WHERE tenant = $1 ORDER BY name",
                         SL_ARGS(sl_text(sl_tenant(call))));
    if (rc) return rc;
    cJSON *items = cJSON_AddArrayToObject(out, "items");
    for (size_t i = 0; i < rows.count; i++) {
        cJSON *item = cJSON_CreateObject();
        cJSON_AddStringToObject(item, "id", sl_cell_text(&rows, i, "id"));
        cJSON_AddStringToObject(item, "name", sl_cell_text(&rows, i, "name"));
        cJSON_AddStringToObject(item, "permissions", sl_cell_text(&rows, i, "permissions"));
        cJSON_AddNumberToObject(item, "created_ms", sl_cell_real(&rows, i, "created_ms"));
        if (sl_cell_int(&rows, i, "expires_ms"))
            cJSON_AddNumberToObject(item, "expires_ms", sl_cell_real(&rows, i, "expires_ms"));
        cJSON_AddItemToArray(items, item);
    }
    return 0;
}

static int token_revoke(sl_call *call, const cJSON *in, cJSON *out) {
    const char *id = sl_get_text(in, "id", "");
    sl_batch *batch = store_batch(call);
    sl_batch_demand(batch, 1, arena_printf(call->arena, "there is no token '%s'", id),
                    "DELETE FROM sluice_token WHERE tenant = $1 AND (id = $2 OR name = $2)",
                    SL_ARGS(sl_text(sl_tenant(call)), sl_text(id)));
    sl_batch_emit(batch, "token.revoked", arena_printf(call->arena, "token/%s", id), NULL);
    cJSON_AddStringToObject(out, "revoked", id);
    int rc = sl_commit(batch);
    if (rc == SL_CONFLICT) return sl_fail(call, SL_NOT_FOUND, "there is no token '%s'", id);
    return rc ? rc : reload(call, call->host->auth);
}

static int whoami(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    cJSON_AddStringToObject(out, "actor", sl_actor(call));
    cJSON_AddStringToObject(out, "tenant", sl_tenant(call));
    cJSON_AddStringToObject(out, "permissions", call->who.permissions);
    return 0;
}

static const sl_field create_in[] = {
    SL_STRING("name", .help = "what the token is for; unique in the tenant", .flags = SL_REQUIRED,
              .format = "name", .min = 1, .max = 63),
    SL_STRING("permissions", .flags = SL_REQUIRED, .max = 2000, .example = "\"deploy:* risk:read\"",
              .help = "split by blanks; noun:verb, noun:* or *"),
    SL_DURATION("expires_in", .help = "how long it is valid; absent: until it is revoked"), SL_END};
static const sl_field token_out[] = {
    SL_STRING("id"),
    SL_STRING("name"),
    SL_STRING("permissions"),
    SL_INT("created_ms"),
    SL_INT("expires_ms"),
    SL_STRING("token", .help = "shown this once; only its SHA-256 is stored"),
    SL_END};
static const sl_field list_out[] = {SL_LIST_OF("items", token_out), SL_END};
static const sl_field revoke_in[] = {
    SL_STRING("id", .help = "id or name of the token", .flags = SL_REQUIRED, .max = 128), SL_END};
static const sl_field revoke_out[] = {SL_STRING("revoked"), SL_END};
static const sl_field whoami_out[] = {SL_STRING("actor"), SL_STRING("tenant"),
                                      SL_STRING("permissions"), SL_END};

const sl_op auth_ops[] = {
    {.name = "token.create",
     .route = "POST /tokens",
     .summary = "Make an API token",
     .in = create_in,
     .out = token_out,
     .needs = "token:write",
     .effect = SL_WRITES,
     .example = "{\"name\": \"ci\", \"permissions\": \"deploy:write risk:read\"}",
     .run = token_create},
    {.name = "token.list",
     .route = "GET /tokens",
     .summary = "List the API tokens of the tenant",
     .out = list_out,
     .needs = "token:read",
     .effect = SL_READS,
     .run = token_list},
    {.name = "token.revoke",
     .route = "DELETE /tokens/{id}",
     .summary = "Revoke an API token",
     .in = revoke_in,
     .out = revoke_out,
     .needs = "token:write",
     .effect = SL_WRITES,
     .run = token_revoke},
    {.name = "platform.whoami",
     .route = "GET /whoami",
     .summary = "Say who the token belongs to",
     .out = whoami_out,
     .needs = "any",
     .effect = SL_READS,
     .run = whoami},
    SL_END};
