#include "severity.h"

#include <stddef.h>
#include <strings.h>

/* Words of Prometheus, PagerDuty, Opsgenie, syslog and of Sluice itself. */
static const struct {
    const char *word;
    int severity;
} words[] = {
    {"sev1", 1},      {"critical", 1}, {"crit", 1},     {"page", 1},     {"fatal", 1},
    {"emergency", 1}, {"p1", 1},       {"disaster", 1}, {"sev2", 2},     {"error", 2},
    {"high", 2},      {"major", 2},    {"p2", 2},       {"alert", 2},    {"sev3", 3},
    {"warning", 3},   {"warn", 3},     {"medium", 3},   {"moderate", 3}, {"p3", 3},
    {"minor", 3},     {"ticket", 3},   {"sev4", 4},     {"info", 4},     {"informational", 4},
    {"none", 4},      {"low", 4},      {"p4", 4},       {"p5", 4},       {"debug", 4},
};

int severity_from(const char *word) {
    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcasecmp(word, words[i].word) == 0) return words[i].severity;
    return 3;
}

const char *severity_name(int severity) {
    static const char *const names[] = {"SEV1", "SEV2", "SEV3", "SEV4"};
    return names[severity < 1 ? 0 : severity > 4 ? 3 : severity - 1];
}

const char *severity_impact(int severity) {
    static const char *const names[] = {"critical", "major", "minor", "none"};
    return names[severity < 1 ? 0 : severity > 4 ? 3 : severity - 1];
}
