/* The plugin's state, and what its files with a host share. */
#ifndef NOTES_NOTES_H
#define NOTES_NOTES_H

#include "git/log.h"
#include "render.h"
#include "version.h"

#include <sluice/sluice.h>

struct notes_state {
    cJSON *components;     /* scope -> display name; kept */
    cJSON *internal_names; /* a list; kept */
    cJSON *repositories;   /* name -> folder; kept */
    cJSON *hooks;          /* options of the webhooks; kept, may be NULL */
    char *repository_url;  /* may be NULL */
    char *templates;       /* path of a Lua file; NULL: the built-in ones */
    int language_model;    /* customers' sentences are reworded by default */
    git_log_fn git_log;    /* of notes-git.so; NULL until first used */
    git_log_drop_fn git_drop;
};

/* One composition in progress; all in the call's memory but what notes_drop frees. */
struct notes_work {
    struct notes notes;
    struct render_options render;
    struct version_options version;
    regex_t patterns[3]; /* no_increment, custom_major, custom_minor */
    bool compiled[3];
    struct version_next next;
    bool has_next;
    struct out customer, engineer, changelog;
    bool wants_customer, wants_engineer;
    int rc; /* of the work beside the loop */
    cJSON *warnings;
    const char *method;
};

/* Fills work->notes from the request: its commits, or a range of a repository. Suspends. */
int notes_read(sl_call *call, const cJSON *in, struct notes_work *work);
/* Version options and rendering options from request and configuration. */
int notes_options(sl_call *call, const cJSON *in, struct notes_work *work);
void notes_drop(struct notes_work *work);

/* Folds, renders, counts: pure, beside the loop when there are many commits. Suspends. */
int notes_run(sl_call *call, const cJSON *in, struct notes_work *work);
void notes_answer(sl_call *call, const cJSON *in, const struct notes_work *work, cJSON *out);

/* Lets the language model reword what customers read; what it cannot prove stays. Suspends. */
void notes_reword(sl_call *call, struct notes_work *work);
/* The team's own Lua templates in place of the built-in ones. */
void notes_templates(sl_call *call, struct notes_work *work, cJSON *answer);

int notes_compose(sl_call *call, const cJSON *in, cJSON *out);

#endif
