#include "greeting.h"

#include <stdio.h>

void greeting_compose(char *message, const char *salutation, const char *name) {
    snprintf(message, GREETING_MAX, "%s, %s!", salutation, name);
}
