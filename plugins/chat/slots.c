#include "slots.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static const char *environment_of(const char *text) {
    static const struct {
        const char *words, *environment;
    } rows[] = {{" dev development devel ", "dev"},
                {" stage staging preprod pre-prod ", "stage"},
                {" prod production prd ", "prod"}};
    char padded[WORD_BYTES + 2];
    (void)snprintf(padded, sizeof padded, " %s ", text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strstr(rows[i].words, padded)) return rows[i].environment;
    return NULL;
}

/* 26 characters of Crockford's base 32, as ids of ours are. */
static bool is_ulid(const char *text) {
    if (strlen(text) != 26 || !isdigit((unsigned char)*text)) return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) || strchr("ilou", *text)) return false;
    return true;
}

static bool is_version(const char *text) {
    if (*text == 'v') text++;
    bool dot = false, digit = false;
    for (; *text; text++) {
        if (!isdigit((unsigned char)*text) && *text != '.' && *text != '-') return false;
        dot |= *text == '.';
        digit |= isdigit((unsigned char)*text) != 0;
    }
    return dot && digit;
}

/* Alerts are named so: capitals inside one word, as in HighErrorRate or KubePodCrashLooping. */
static bool is_camel(const char *typed) {
    if (!isupper((unsigned char)*typed)) return false;
    int humps = 0;
    for (const char *at = typed + 1; *at; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_') return false;
        humps += isupper((unsigned char)*at) && islower((unsigned char)at[-1]);
    }
    return humps > 0;
}

static void copy_upper(char *to, const char *from) {
    size_t i = 0;
    for (; from[i] && i < WORD_BYTES - 1; i++) to[i] = (char)toupper((unsigned char)from[i]);
    to[i] = 0;
}

/* An id, with what stands before it: "deployment/ID", "incident ID", or ID alone. */
static bool read_id(struct slots *slots, struct words *words, size_t i) {
    struct word *word = &words->at[i];
    const char *slash = strrchr(word->text, '/');
    const char *id = slash ? slash + 1 : word->text;
    const bool incident_before =
        i && words->at[i - 1].about && strcmp(words->at[i - 1].about, "incident") == 0;
    const bool incident = incident_before || strncmp(word->text, "incident/", 9) == 0 ||
                          strncmp(word->text, "inc-", 4) == 0;
    if (!is_ulid(id) && strncmp(word->text, "inc-", 4) != 0) return false;
    copy_upper(incident ? slots->incident : slots->deployment, id);
    return word->taken = true;
}

static void read_word(struct slots *slots, struct words *words, size_t i) {
    struct word *word = &words->at[i];
    if (word->taken || read_id(slots, words, i)) return;
    const char *environment = environment_of(word->text);
    if (environment) {
        word->taken = true;
        const bool again =
            slots->environment_count && strcmp(slots->environments[0], environment) == 0;
        if (!again && slots->environment_count < SLOT_TWO)
            slots->environments[slots->environment_count++] = environment;
    } else if (is_version(word->text) && slots->version_count < SLOT_TWO) {
        word->taken = true;
        (void)snprintf(slots->versions[slots->version_count++], WORD_BYTES, "%s",
                       word->text + (*word->text == 'v'));
    } else if (is_camel(word->typed) && !word->about && !*slots->alert) {
        word->taken = true;
        memcpy(slots->alert, word->typed, WORD_BYTES);
    }
}

void slots_read(struct slots *slots, struct words *words, int64_t now_ms) {
    *slots = (struct slots){0};
    slots->time = moment_read(words, now_ms);
    for (size_t i = 0; i < words->count; i++) read_word(slots, words, i);
}

static bool may_be_name(const struct word *word) {
    return !word->taken && !word->small && (!word->about || word->guessed);
}

static void assume(struct slots *slots, const struct word *word, const char *name) {
    (void)snprintf(slots->assumed, sizeof slots->assumed, "'%.50s' was read as '%.50s'",
                   word->typed, name);
}

static void add_app(struct slots *slots, const char *name) {
    const bool again = slots->app_count && strcmp(slots->apps[0], name) == 0;
    if (!again && slots->app_count < SLOT_TWO) slots->apps[slots->app_count++] = name;
}

/* Exact names first, also where the word is in the vocabulary: an application may be called "live". */
static void exact_names(struct slots *slots, struct words *words, struct known apps,
                        struct known policies) {
    for (size_t i = 0; i < words->count; i++) {
        struct word *word = &words->at[i];
        bool exact = false;
        if (word->taken || word->small) continue;
        int at = words_nearest(word->text, apps.names, apps.count, &exact);
        if (exact) {
            add_app(slots, apps.names[at]);
            word->taken = true;
            continue;
        }
        at = words_nearest(word->text, policies.names, policies.count, &exact);
        if (!exact) continue;
        slots->policy = policies.names[at];
        word->taken = !word->about; /* a policy may be called "freeze" */
    }
}

static void near_names(struct slots *slots, struct words *words, struct known apps,
                       struct known policies) {
    for (size_t i = 0; i < words->count; i++) {
        struct word *word = &words->at[i];
        bool exact = false;
        if (!may_be_name(word)) continue;
        int at = words_nearest(word->text, apps.names, apps.count, &exact);
        if (at >= 0) {
            add_app(slots, apps.names[at]);
            assume(slots, word, apps.names[at]);
            word->taken = true;
            continue;
        }
        at = words_nearest(word->text, policies.names, policies.count, &exact);
        if (at < 0) continue;
        slots->policy = policies.names[at];
        assume(slots, word, policies.names[at]);
        word->taken = true;
    }
}

static void alert_names(struct slots *slots, struct words *words, struct known alerts) {
    for (size_t i = 0; i < words->count && !*slots->alert; i++) {
        struct word *word = &words->at[i];
        for (size_t a = 0; a < alerts.count && !word->taken && !word->small; a++) {
            char lower[WORD_BYTES];
            size_t n = 0;
            for (; alerts.names[a][n] && n < WORD_BYTES - 1; n++)
                lower[n] = (char)tolower((unsigned char)alerts.names[a][n]);
            lower[n] = 0;
            if (strcmp(lower, word->text) != 0) continue;
            (void)snprintf(slots->alert, WORD_BYTES, "%s", alerts.names[a]);
            word->taken = true;
        }
    }
}

void slots_names(struct slots *slots, struct words *words, struct known apps, struct known policies,
                 struct known alerts) {
    exact_names(slots, words, apps, policies);
    near_names(slots, words, apps, policies);
    alert_names(slots, words, alerts);
    for (size_t i = 0; i < words->count && !*slots->unknown; i++) {
        const struct word *word = &words->at[i];
        if (!word->taken && !word->small && !word->about)
            memcpy(slots->unknown, word->typed, WORD_BYTES);
    }
}
