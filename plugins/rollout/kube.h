/* kube.h - the Kubernetes API by HTTPS: where it is, who asks, requests, and watching.
 *
 * Settings, first that fits: `kubeconfig` (a file; with `context`), `server` (with `token_file` or
 * `client_cert_file` and `client_key_file`, `ca_file`), else the service account of the pod that
 * runs here. A token file is read anew each time, since it is rotated.
 */
#ifndef ROLLOUT_KUBE_H
#define ROLLOUT_KUBE_H

#include <sluice/sluice.h>
#include <stdbool.h>

enum { KUBE_FILES = 3, KUBE_TRIES = 5 };

/* For one call: strings in its arena. */
struct kube {
    const char *server; /* https://host:port, without a slash at its end */
    const char *token;  /* NULL: by certificate */
    const char *ca_file, *cert_file, *key_file;
    const char *namespace; /* of the context, or "default" */
    int held[KUBE_FILES];  /* memory files for what a kubeconfig holds inline */
    int held_count;
};

/* SL_INVALID: the settings or the kubeconfig are wrong; SL_UNAVAILABLE: neither settings nor a
 * service account. Close in any case. Does not suspend. */
int kube_open(sl_call *call, const cJSON *settings, struct kube *kube);
void kube_close(struct kube *kube);

/* Lower case letters, digits, '-' and '.', at most 253: what may stand in a path. */
bool kube_name_fits(const char *name);

struct kube_answer {
    int status;        /* HTTP */
    const cJSON *body; /* NULL: none */
    int retry_after_s; /* 0: none said */
};

#define KUBE_MERGE "application/merge-patch+json"
#define KUBE_PATCH "application/json-patch+json"
#define KUBE_APPLY "application/apply-patch+yaml"
#define KUBE_JSON  "application/json"

/* 0 with any HTTP status. `body` and `type` may be NULL. Suspends. */
int kube_request(sl_call *call, const struct kube *kube, const char *method, const char *path,
                 const char *type, const cJSON *body, struct kube_answer *answer);
/* Turns an answer that is no success into a failure that says `doing` ("reading rollout a/b") and
 * what the server said; 0 for a 2xx. 409 is SL_CONFLICT, 410 SL_STALE. */
int kube_check(sl_call *call, const struct kube_answer *answer, const char *doing);
/* GET, and a failure unless it is a 200. */
int kube_get(sl_call *call, const struct kube *kube, const char *path, const cJSON **object);

/* ---- watching ---- */

struct kube_watch {
    const char *path;   /* of a collection */
    const char *query;  /* "fieldSelector=...", or NULL */
    int64_t until_ms;   /* wall clock; 0: only when `event` says so */
    int server_seconds; /* for which the server is asked to keep a watch; 0: 300 */
    /* Hears each object as it is now: ADDED (also from a list), MODIFIED, DELETED. Nonzero ends. */
    int (*event)(void *arg, const char *type, const cJSON *object);
    /* A new list begins: what it does not hold is gone. May be NULL. Nonzero ends. */
    int (*listed)(void *arg, bool begins);
    void *arg;
    int lists, watches; /* counted, for tests and logs */
};

/* Lists, then watches from there; takes bookmarks; lists again on 410; opens a watch that ended again
 * from the last version, after a growing pause with jitter when it failed. Returns what `event` or
 * `listed` returned, or a failure of authentication or of the path, or SL_CANCELLED. */
int kube_watch(sl_call *call, const struct kube *kube, struct kube_watch *watch);

#endif
