/* say.c - what a command says, where and in which colour; what it asks and reads. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void cli_out(struct cli *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vfprintf(cli->out, format, args);
    va_end(args);
}

void cli_note(struct cli *cli, const char *format, ...) {
    if (cli->quiet) return;
    fflush(cli->out);
    va_list args;
    va_start(args, format);
    vfprintf(cli->err, format, args);
    va_end(args);
    fputc('\n', cli->err);
}

/* Data first: a reader of both streams then sees them in order. */
static void say_error(struct cli *cli, const char *format, va_list args) {
    char *sentence = arena_vprintf(&cli->arena, format, args);
    fflush(cli->out);
    fprintf(cli->err, "%ssluice:%s %s\n", cli->color_err ? "\033[31;1m" : "",
            cli->color_err ? "\033[0m" : "", cli_clean(cli, sentence, true));
}

int cli_fail(struct cli *cli, int code, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_error(cli, format, args);
    va_end(args);
    return code;
}

void cli_fix(struct cli *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *sentence = arena_vprintf(&cli->arena, format, args);
    va_end(args);
    fprintf(cli->err, "  fix: %s\n", cli_clean(cli, sentence, true));
}

int cli_usage(struct cli *cli, const char *format, ...) {
    va_list args;
    va_start(args, format);
    say_error(cli, format, args);
    va_end(args);
    const char *words = cli->command ? cli->command->words : NULL;
    fprintf(cli->err, "  see: sluice %s%s--help\n", words ? words : "", words ? " " : "");
    return CLI_USAGE;
}

const char *cli_paint(struct cli *cli, enum cli_color color, const char *text) {
    static const char *const codes[] = {"", "1", "2", "31;1", "32;1", "33;1"};
    if (!cli->color_out || color == CLI_PLAIN) return text;
    return arena_printf(&cli->arena, "\033[%sm%s\033[0m", codes[color], text);
}

static bool is_control(const unsigned char *at) {
    if (*at < 0x20 || *at == 0x7f) return true;
    return at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0; /* C1 controls in UTF-8 */
}

const char *cli_clean(struct cli *cli, const char *text, bool lines) {
    const unsigned char *from = (const unsigned char *)text;
    while (*from && !is_control(from)) from++;
    if (!*from) return text;
    char *clean = arena_alloc(&cli->arena, strlen(text) + 1), *to = clean;
    for (from = (const unsigned char *)text; *from; from++) {
        if (!is_control(from)) {
            *to++ = (char)*from;
        } else if (*from == '\n' || *from == '\t') {
            *to++ = lines ? (char)*from : ' ';
        } else if (*from == 0xc2) {
            from++; /* the second byte of the control goes too */
        }
    }
    *to = '\0';
    return clean;
}

bool cli_confirm(struct cli *cli, const char *question) {
    if (cli->yes) return true;
    int in = fileno(cli->in);
    if (cli->no_input || in < 0 || !isatty(in)) return false;
    fprintf(cli->err, "%s [y/N] ", question);
    fflush(cli->err);
    char answer[16];
    if (!fgets(answer, sizeof answer, cli->in)) return false;
    return answer[0] == 'y' || answer[0] == 'Y';
}

/* Grows by doubling in the arena; what is left behind goes with it. */
static char *read_stream(struct cli *cli, FILE *file, const char *name, size_t *size) {
    size_t room = (size_t)64 * 1024, used = 0;
    char *text = arena_alloc(&cli->arena, room + 1);
    for (;;) {
        used += fread(text + used, 1, room - used, file);
        if (used < room) break;
        if (room >= CLI_FILE_MAX_BYTES) {
            cli_fail(cli, CLI_BAD_INPUT, "%s is larger than %d MiB", name,
                     CLI_FILE_MAX_BYTES / 1048576);
            return NULL;
        }
        char *larger = arena_alloc(&cli->arena, room * 2 + 1);
        memcpy(larger, text, used);
        text = larger, room *= 2;
    }
    if (ferror(file)) {
        cli_fail(cli, CLI_BAD_INPUT, "cannot read %s: %s", name, strerror(errno));
        return NULL;
    }
    text[used] = '\0';
    if (size) *size = used;
    return text;
}

char *cli_read(struct cli *cli, const char *path, size_t *size) {
    if (!strcmp(path, "-")) return read_stream(cli, cli->in, "standard input", size);
    FILE *file = fopen(path, "re");
    if (!file) {
        cli_fail(cli, CLI_BAD_INPUT, "cannot read %s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = read_stream(cli, file, path, size);
    fclose(file);
    return text;
}
