/* severity.h - how bad it is: SEV1 (worst) to SEV4, from the words that alerts use. Pure. */
#ifndef INCIDENT_SEVERITY_H
#define INCIDENT_SEVERITY_H

#define SEVERITIES "SEV1|SEV2|SEV3|SEV4"

/* 1..4; a word that is not known, or none, is 3. */
int severity_from(const char *word);
const char *severity_name(int severity); /* "SEV1" */
/* The wording of a status page: critical, major, minor, none. */
const char *severity_impact(int severity);

#endif
