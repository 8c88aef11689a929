/* gitops_text.h - what a promotion is called in git: its folder, its author, its commit message. Pure.
 *
 * Two trailers name what a commit is for, and so the same is never committed twice:
 *     Sluice-Deployment: ID
 *     Sluice-Cause: approved, promoted or rolled_back
 * and Sluice-Service: TENANT/APP/ENVIRONMENT tells which deployments stand in one row. */
#ifndef ROLLOUT_GITOPS_TEXT_H
#define ROLLOUT_GITOPS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum { GITOPS_PATH = 512, GITOPS_NAME = 256, GITOPS_MESSAGE = 4096 };

#define GITOPS_FILE "manifests.yaml"

struct gitops_names {
    const char *tenant, *app, *environment;
};

/* What is wrong with a folder pattern, or NULL: relative, parts of [A-Za-z0-9._-] that do not begin
 * with '.' or '-', with {app} and {environment}, and perhaps {tenant}. */
const char *gitops_pattern_problem(const char *pattern);
/* The folder of a service; what is wrong, or NULL. A name that could leave the folder is refused, and
 * so is a tenant other than "default" when the pattern does not keep tenants apart. */
const char *gitops_folder(const char *pattern, const struct gitops_names *names,
                          char folder[GITOPS_PATH]);

/* "Name <mail>". */
bool gitops_author(const char *text, char name[GITOPS_NAME], char mail[GITOPS_NAME]);

struct gitops_commit {
    struct gitops_names names;
    const char *id, *cause, *image;
    const char *reason;   /* NULL: none */
    const char *restores; /* deployment whose manifests these are, when not its own; or NULL */
};

/* Line ends in what people wrote become spaces, so that no text makes a trailer. */
void gitops_message(const struct gitops_commit *commit, char message[GITOPS_MESSAGE]);

/* The value of a trailer: a line "NAME: value" of the last paragraph. */
bool gitops_trailer(const char *message, const char *name, char value[GITOPS_NAME]);

#endif
