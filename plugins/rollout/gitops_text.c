#include "gitops_text.h"

#include <stdio.h>
#include <string.h>

static const char usual[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

/* A part of a path that stays where it is put: no "..", no ".git" in any spelling, no option. */
static bool part_fits(const char *part, size_t size) {
    return size && size <= 200 && part[0] != '.' && part[0] != '-' && strspn(part, usual) >= size;
}

static const char *parts_problem(const char *path) {
    if (!*path) return "it is empty";
    if (strlen(path) >= GITOPS_PATH) return "it is too long";
    while (true) {
        const size_t size = strcspn(path, "/");
        if (!part_fits(path, size))
            return "each part must be made of letters, digits, '.', '_' and '-', and begin with a "
                   "letter, a digit or '_'";
        if (!path[size]) return NULL;
        path += size + 1;
    }
}

/* Puts the names in; false: too long. */
static bool fill(const char *pattern, const struct gitops_names *names, char to[GITOPS_PATH]) {
    const struct {
        const char *place, *name;
    } places[] = {
        {"{tenant}", names->tenant}, {"{app}", names->app}, {"{environment}", names->environment}};
    size_t size = 0;
    while (*pattern) {
        const char *piece = pattern;
        size_t count = 1, skip = 1;
        for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
            if (strncmp(pattern, places[i].place, strlen(places[i].place)) != 0) continue;
            piece = places[i].name;
            count = strlen(piece);
            skip = strlen(places[i].place);
        }
        if (count >= GITOPS_PATH - size) return false;
        memcpy(to + size, piece, count);
        size += count;
        pattern += skip;
    }
    to[size] = 0;
    return true;
}

const char *gitops_pattern_problem(const char *pattern) {
    const struct gitops_names plain = {"t", "a", "e"};
    char filled[GITOPS_PATH];
    if (!strstr(pattern, "{app}") || !strstr(pattern, "{environment}"))
        return "it needs {app} and {environment}, or services would overwrite each other";
    if (!fill(pattern, &plain, filled)) return "it is too long";
    return parts_problem(filled);
}

const char *gitops_folder(const char *pattern, const struct gitops_names *names,
                          char folder[GITOPS_PATH]) {
    if (!part_fits(names->app, strlen(names->app)) ||
        !part_fits(names->environment, strlen(names->environment)) ||
        !part_fits(names->tenant, strlen(names->tenant)))
        return "the name of the application, environment or tenant cannot be a folder";
    if (strcmp(names->tenant, "default") != 0 && !strstr(pattern, "{tenant}"))
        return "the path has no {tenant}, so only the tenant \"default\" may write there";
    if (!fill(pattern, names, folder)) return "it is too long";
    return parts_problem(folder);
}

bool gitops_author(const char *text, char name[GITOPS_NAME], char mail[GITOPS_NAME]) {
    const char *open = strchr(text, '<'), *end = open ? strchr(open, '>') : NULL;
    if (!end || end[1] || end - open < 2 || strlen(text) >= GITOPS_NAME) return false;
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || (c > open && (*c == ' ' || *c == '<'))) return false;
    size_t size = (size_t)(open - text);
    while (size && text[size - 1] == ' ') size--;
    if (!size) return false;
    memcpy(name, text, size);
    name[size] = 0;
    memcpy(mail, open + 1, (size_t)(end - open) - 1);
    mail[end - open - 1] = 0;
    return true;
}

/* ---- the message ---- */

struct message {
    char *to;
    size_t size;
};

static void say(struct message *message, const char *text) {
    for (; *text && message->size + 1 < GITOPS_MESSAGE; text++)
        message->to[message->size++] = *text;
    message->to[message->size] = 0;
}

/* In one line, cut at `most` bytes, but never within a character. */
static void say_plain(struct message *message, const char *text, size_t most) {
    size_t size = strlen(text);
    if (size > most) {
        size = most;
        while (size && ((unsigned char)text[size] & 0xc0) == 0x80) size--;
    }
    for (size_t i = 0; i < size && message->size + 1 < GITOPS_MESSAGE; i++)
        message->to[message->size++] =
            (unsigned char)text[i] < ' ' || text[i] == 0x7f ? ' ' : text[i];
    message->to[message->size] = 0;
}

static void say_trailer(struct message *message, const char *name, const char *value) {
    say(message, name);
    say(message, ": ");
    say_plain(message, value, GITOPS_NAME - 1);
    say(message, "\n");
}

void gitops_message(const struct gitops_commit *commit, char message[GITOPS_MESSAGE]) {
    struct message out = {.to = message};
    const bool back = strcmp(commit->cause, "rolled_back") == 0;
    const bool approved = strcmp(commit->cause, "approved") == 0;
    say(&out, back               ? "Take back "
              : approved         ? "Approve "
              : commit->restores ? "Restore "
                                 : "Promote ");
    say_plain(&out, commit->image, 300);
    say(&out, back ? " from " : " to ");
    say_plain(&out, commit->names.environment, 100);
    say(&out, "\n\n");
    if (commit->reason && *commit->reason) {
        say_plain(&out, commit->reason, 1000);
        say(&out, "\n\n");
    }
    say_trailer(&out, "Sluice-Deployment", commit->id);
    say_trailer(&out, "Sluice-Cause", commit->cause);
    say(&out, "Sluice-Service: ");
    say_plain(&out, commit->names.tenant, 80);
    say(&out, "/");
    say_plain(&out, commit->names.app, 80);
    say(&out, "/");
    say_plain(&out, commit->names.environment, 80);
    say(&out, "\n");
    if (commit->restores) say_trailer(&out, "Sluice-Restores", commit->restores);
}

bool gitops_trailer(const char *message, const char *name, char value[GITOPS_NAME]) {
    const size_t named = strlen(name);
    size_t size = strlen(message);
    while (size && message[size - 1] == '\n') size--;
    size_t from = size;
    while (from && !(message[from - 1] == '\n' && from > 1 && message[from - 2] == '\n')) from--;
    while (from < size) {
        const char *line = message + from;
        const size_t length = strcspn(line, "\n");
        if (length > named + 2 && strncmp(line, name, named) == 0 &&
            strncmp(line + named, ": ", 2) == 0 && length - named - 2 < GITOPS_NAME) {
            memcpy(value, line + named + 2, length - named - 2);
            value[length - named - 2] = 0;
            return true;
        }
        from += length + 1;
    }
    return false;
}
