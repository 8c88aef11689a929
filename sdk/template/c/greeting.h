/* greeting.h - composes greetings. Pure: no host, no I/O. */
#ifndef GREETING_H
#define GREETING_H

enum { GREETING_MAX = 200 }; /* bytes, with the NUL */

/* Writes "SALUTATION, NAME!" into `message`, of GREETING_MAX bytes. */
void greeting_compose(char *message, const char *salutation, const char *name);

#endif
