/* client.h - the server from the command line: one request, one answer, and what went wrong. */
#ifndef SLUICE_CORE_CLI_CLIENT_H
#define SLUICE_CORE_CLI_CLIENT_H

#include "cli.h"

struct client_request {
    const char *method, *path; /* path with its query, already encoded */
    const char *body;          /* NULL: none */
    size_t body_size;
    const char *content_type; /* NULL: application/json */
    const char *accept;       /* NULL: application/json */
    const char *header;       /* one more line, or NULL */
    /* A stream: pieces of a 2xx body as they come; nonzero stops. No time limit then. */
    int (*on_bytes)(void *arg, const char *bytes, size_t size);
    void *on_bytes_arg;
    bool quiet; /* do not tell of a server that cannot be reached */
};

struct client_answer {
    int status;         /* HTTP; 0: none came */
    int trouble_status; /* enum sl_status when none came */
    const char *body;   /* NUL behind; in the arena */
    size_t size;
    const char *content_type, *headers, *trouble;
};

/* Sends. CLI_DONE with any HTTP status; else the exit code, after telling why. */
int client_send(struct cli *cli, const struct client_request *request,
                struct client_answer *answer);
/* Tells the problem of an answer of 4xx or 5xx on standard error (and gives the document itself on
 * standard output with --json) and returns its exit code. */
int client_problem(struct cli *cli, const struct client_answer *answer);
int client_exit_code(int http_status);
/* GET of a JSON document: the tree, or NULL with `*code` set after telling. */
cJSON *client_get(struct cli *cli, const char *path, int *code);
/* With --tenant: is the token of that tenant? CLI_DONE, or the exit code after telling. */
int client_check_tenant(struct cli *cli);
/* The request as a curl command on standard output; the token by reference, never itself. */
void client_print_curl(struct cli *cli, const struct client_request *request);

/* Where the token comes from: "--token", "SLUICE_TOKEN", a file name; NULL: there is none. */
const char *client_token_source(struct cli *cli);
/* The token, or NULL: then the request goes without one. */
const char *client_token(struct cli *cli);
/* "http://127.0.0.1:8000", without a slash at the end; of a unix socket "http://localhost". */
const char *client_base(struct cli *cli);
const char *client_socket(const struct cli *cli); /* path of the unix socket, or NULL */

/* Percent-encodes all but unreserved characters. */
const char *url_encode(struct cli *cli, const char *text);
/* In single quotes where a shell needs them. */
const char *shell_quote(struct cli *cli, const char *text);

#endif
