/* The model files of plugins/risk/model as bytes in the program, best first; ended by NULL. */
#ifndef RISK_EMBEDDED_MODELS_H
#define RISK_EMBEDDED_MODELS_H

#include <stddef.h>

struct embedded_model {
    const char *json;
    size_t len;
};

extern const struct embedded_model embedded_models[];

#endif
