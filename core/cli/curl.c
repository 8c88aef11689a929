/* curl.c - --print-curl, and quoting for URLs and shells. */
#include "client.h"

#include <ctype.h>
#include <string.h>

const char *url_encode(struct cli *cli, const char *text) {
    char *encoded = arena_alloc(&cli->arena, strlen(text) * 3 + 1), *to = encoded;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x80 && (isalnum(c) || strchr("-._~", c)))
            *to++ = (char)c;
        else
            to += snprintf(to, 4, "%%%02X", c);
    }
    *to = '\0';
    return encoded;
}

const char *shell_quote(struct cli *cli, const char *text) {
    size_t plain = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "-._/:=@%+,");
    if (plain && !text[plain]) return text;
    char *quoted = arena_alloc(&cli->arena, strlen(text) * 4 + 3), *to = quoted;
    *to++ = '\'';
    for (; *text; text++) {
        if (*text == '\'') {
            memcpy(to, "'\\''", 4);
            to += 4;
        } else {
            *to++ = *text;
        }
    }
    *to++ = '\'', *to = '\0';
    return quoted;
}

/* The shell reads the token when the command runs, so that it is in no history and on no screen. */
static void print_token(struct cli *cli) {
    const char *source = client_token_source(cli);
    if (!source) return;
    bool variable = !strcmp(source, "SLUICE_TOKEN") || !strcmp(source, "--token");
    if (variable)
        cli_out(cli, " \\\n  -H \"Authorization: Bearer $SLUICE_TOKEN\"");
    else
        cli_out(cli, " \\\n  -H \"Authorization: Bearer $(cat %s)\"", shell_quote(cli, source));
}

static void print_header(struct cli *cli, const char *name, const char *value) {
    if (value)
        cli_out(cli, " \\\n  -H %s",
                shell_quote(cli, arena_printf(&cli->arena, "%s: %s", name, value)));
}

void client_print_curl(struct cli *cli, const struct client_request *request) {
    const char *url = arena_printf(&cli->arena, "%s%s", client_base(cli), request->path);
    cli_out(cli, "curl -sS");
    if (strcmp(request->method, "GET") != 0) cli_out(cli, " -X %s", request->method);
    if (client_socket(cli)) cli_out(cli, " --unix-socket %s", shell_quote(cli, client_socket(cli)));
    cli_out(cli, " %s", shell_quote(cli, url));
    print_token(cli);
    print_header(cli, "Idempotency-Key", cli->idempotency_key);
    print_header(cli, "If-Match", cli->if_match);
    print_header(cli, "Accept", request->accept);
    if (request->body) {
        print_header(cli, "Content-Type",
                     request->content_type ? request->content_type : "application/json");
        cli_out(cli, " \\\n  --data-binary %s", shell_quote(cli, request->body));
    }
    cli_out(cli, "\n");
}
