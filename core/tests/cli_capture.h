/* cli_capture.h - runs one command line in-process and keeps what it says. */
#ifndef SLUICE_TEST_CLI_CAPTURE_H
#define SLUICE_TEST_CLI_CAPTURE_H

#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

struct said {
    char *out, *err;
    size_t out_size, err_size;
    int code;
};

/* `line` is split at blanks; a word cannot hold one. `input` is standard input. */
static struct said run_with(const char *line, const char *input) {
    char *words[64] = {0}, *copy = strdup(line), *rest = NULL;
    int count = 0;
    for (char *w = strtok_r(copy, " ", &rest); w && count < 63; w = strtok_r(NULL, " ", &rest))
        words[count++] = w;
    struct said said = {.code = -1};
    struct cli cli = {.in = fmemopen((void *)input, strlen(input) + 1, "r"),
                      .out = open_memstream(&said.out, &said.out_size),
                      .err = open_memstream(&said.err, &said.err_size)};
    said.code = cli_main(&cli, count, words);
    cli_fini(&cli);
    fclose(cli.in), fclose(cli.out), fclose(cli.err);
    free(copy);
    return said;
}

static inline struct said run(const char *line) {
    return run_with(line, "\n");
}

static inline void forget(struct said *said) {
    free(said->out), free(said->err);
}

#endif
