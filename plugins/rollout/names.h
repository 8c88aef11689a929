/* names.h - names that Kubernetes takes. Pure. */
#ifndef ROLLOUT_NAMES_H
#define ROLLOUT_NAMES_H

#include <stdbool.h>

enum {
    KUBE_NAME_MAX = 63, /* bytes of a DNS label */
    APP_NAME_MAX = 50   /* leaves room for "-success-rate" and the environment */
};

/* a-z, 0-9 and '-', begins with a letter, ends with a letter or digit, at most APP_NAME_MAX. */
bool app_name_fits(const char *name);
/* The nearest name that fits, for an error message: "Shop_API" -> "shop-api". */
void app_name_mend(const char *name, char mended[APP_NAME_MAX + 1]);

/* Joins the parts that are not NULL with '-'. What is longer than a label is cut and gets a hash of
 * the whole name at its end, so that two long names stay two. */
void kube_name(char name[KUBE_NAME_MAX + 1], const char *a, const char *b, const char *c);

#endif
