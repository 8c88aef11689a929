/* tree.h - writing and reading cJSON trees with fewer words.
 *
 * `name` is always a constant: it is not copied. put_borrowed does not copy the value either: it
 * must live as long as the tree. In a call both come from the call's arena. */
#ifndef ROLLOUT_TREE_H
#define ROLLOUT_TREE_H

#include <cjson/cJSON.h>
#include <stdbool.h>

void put_item(cJSON *object, const char *name, cJSON *item); /* takes `item` */
void put_text(cJSON *object, const char *name, const char *value);
void put_borrowed(cJSON *object, const char *name, const char *value);
void put_number(cJSON *object, const char *name, double value);
void put_bool(cJSON *object, const char *name, bool value);
cJSON *put_object(cJSON *object, const char *name); /* borrowed from `object`; as is put_array */
cJSON *put_array(cJSON *object, const char *name);
cJSON *add_object(cJSON *array);
/* Shows `shared` under a second parent, which then must not outlive it. */
void put_shared(cJSON *object, const char *name, const cJSON *shared);

const cJSON *item_of(const cJSON *object, const char *name); /* NULL when absent or null */
const char *text_of(const cJSON *object, const char *name);  /* NULL when it is no string */
double number_of(const cJSON *object, const char *name);     /* 0 when it is no number */

#endif
