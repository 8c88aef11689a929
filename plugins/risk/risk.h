/* The plugin's state, and what its files with a host share: plugin.c, scoring.c, learning.c. */
#ifndef RISK_RISK_H
#define RISK_RISK_H

#include "git/repo.h"
#include "learn.h"
#include "score.h"
#include "signals.h"

#include <pthread.h>
#include <sluice/sluice.h>

enum { RISK_TENANT_BUCKETS = 64, RISK_PASTS_KEPT = 64 };

/* The history of a range, kept: the walk through a repository is dear. */
struct risk_past {
    char key[REPO_KEY_BYTES];
    struct history_facts facts;
};

/* What was learned for one tenant; read again from the store when it is older than some seconds. */
struct risk_tenant {
    struct risk_tenant *next;
    char *name;
    int64_t loaded_ms; /* 0: never */
    int64_t empty_ms;  /* when the store held no change with a known ending; 0: it may hold some */
    uint32_t endings;  /* how often this worker has recorded some */
    struct base_rate base;
    struct scorer *scorer; /* with the tenant's own models; NULL: the built-in ones */
    char *models;          /* which own models these are, to see when they change */
};

struct risk {
    struct scorer scorer;
    struct signals *signals;
    struct redactor *redactor; /* NULL until first used */
    double base_rate;          /* until local outcomes are known */
    bool language_model;       /* it is asked for an opinion unless a request says otherwise */
    struct risk_tenant *tenants[RISK_TENANT_BUCKETS];
    /* Scorers that were replaced: a scoring beside the loop may still read one. */
    struct scorer **replaced;
    size_t replaced_count;
    cJSON *repositories;    /* name -> folder; kept */
    repo_read_fn repo_read; /* of risk-git.so; NULL until first used */
    repo_drop_fn repo_drop;
    pthread_mutex_t pasts_lock; /* the pool's threads read what the loop writes */
    struct risk_past pasts[RISK_PASTS_KEPT];
    uint32_t past_count; /* ever written; the oldest makes way */
};

/* The caller's tenant with fresh learning. Suspends. Never NULL: without a store the defaults. */
struct risk_tenant *risk_tenant_of(sl_call *call, struct risk *risk);
const struct scorer *risk_scorer_of(const struct risk *risk, const struct risk_tenant *tenant);
void risk_forget_tenants(struct risk *risk);

/* Handlers. */
int risk_score(sl_call *call, const cJSON *in, cJSON *out);
int risk_diff(sl_call *call, const cJSON *in, cJSON *out);
int risk_model(sl_call *call, const cJSON *in, cJSON *out);
int risk_outcomes(sl_call *call, const cJSON *in, cJSON *out);
int risk_install(sl_call *call, const cJSON *in, cJSON *out);
int risk_rollback(sl_call *call, const cJSON *in, cJSON *out);
int risk_redact(sl_call *call, const cJSON *in, cJSON *out);
int risk_hear(sl_call *call, const sl_event *event);

/* The newest scored changes of which the ending is known, oldest first. Suspends. */
int risk_load_labelled(sl_call *call, struct labelled **rows, size_t *count);

/* Adds up to three similar changes of the past and how they ended. Suspends. */
int risk_add_similar(sl_call *call, const struct score *score, const char *app, cJSON *out);

/* Reads a range of commits of a listed repository; risk->repo_drop(*out) is due. Suspends. */
int risk_read_range(sl_call *call, const char *name, const char *range, struct repo_told **out);

/* Scores what `in` holds; score_fini(&work->score) is due when it returned 0. Suspends. */
struct risk_work {
    const struct scorer *scorer;
    struct score_input in;
    struct score score;
};
int risk_run(sl_call *call, struct risk_work *work);

#endif
