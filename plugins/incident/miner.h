/* miner.h - log templates mined online, in bounded memory, with one setting for all systems.
 *
 * Three levels. A *form* is one masked line (mask.h); a repeat of it costs one look-up. Forms of
 * the same length that agree in half of their tokens are one *family* (the Drain tree: He et al.,
 * "Drain: an online log parsing approach with fixed depth tree", ICWS 2017). Within a family a
 * column of few plain words is part of the text ("VM Started", "VM Stopped"), a column of many is a
 * parameter: that split gives the *templates* (the idea of Brain, Yu et al., TSC 2023, made
 * incremental). A template can grow more parameters as lines come; its id is a hash of its text, so
 * it is the same after a restart. */
#ifndef INCIDENT_MINER_H
#define INCIDENT_MINER_H

#include "mask.h"

struct miner;

struct miner_limits {
    uint32_t forms;        /* kept at most; the least recently seen go. 0: 4096 */
    uint32_t family_forms; /* kept a family before its parameters are fixed. 0: 96 */
};

/* NULL: no memory. */
struct miner *miner_new(const struct miner_limits *limits);
void miner_free(struct miner *miner);

/* Learns a line; returns the id of its form, 0 when memory is out or the line is empty. */
uint64_t miner_add(struct miner *miner, const char *line, size_t size);
/* Learns a template that was kept from an earlier run. */
void miner_seed(struct miner *miner, const char *text, size_t size);

/* The template that a form belongs to by now; NULL for a form that was dropped. Sorts out what has
 * changed since the last call. `text` is borrowed until the next miner_add or miner_template. */
struct miner_template {
    uint64_t id;
    const char *text;
};
const struct miner_template *miner_template(struct miner *miner, uint64_t form);

struct miner_size {
    size_t forms, families, dropped; /* dropped: forms that made room */
    size_t bytes;
};
struct miner_size miner_size(const struct miner *miner);

#endif
