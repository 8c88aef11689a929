/* lua_image.h - a container image's name taken apart, by the grammar of the OCI distribution. Pure.
 */
#ifndef SLUICE_CORE_LUA_IMAGE_H
#define SLUICE_CORE_LUA_IMAGE_H

#include <stdbool.h>
#include <stddef.h>

struct image_part {
    const char *at; /* into the name; NULL: absent */
    size_t size;
};

struct image_name {
    struct image_part registry, repository, tag, digest;
};

/* "registry.internal:5000/team/shop:1.4@sha256:..."; false: `*why` says what is wrong. */
bool image_parse(const char *name, size_t size, struct image_name *image, const char **why);

#endif
