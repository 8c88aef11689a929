/* yaml_api.c - sluice/json.h: YAML for plugins, over the reader of the configuration. */
#include "call.h"
#include "yaml_tree.h"

#include <sluice/json.h>

struct first_fault {
    struct yaml_sink sink; /* first: yaml_read hands it back */
    struct text_place at;
    const char *message, *suggestion;
};

static void take_fault(struct yaml_sink *sink, const struct yaml_fault *fault) {
    struct first_fault *first = (struct first_fault *)sink;
    if (first->message) return;
    first->at = fault->at;
    first->message = fault->message;
    first->suggestion = fault->suggestion;
}

int sl_yaml_parse(sl_call *call, const char *what, const char *text, size_t size, cJSON **out) {
    const struct source source = {.name = what, .text = text, .size = size};
    struct first_fault fault = {.sink = {.fault = take_fault}};
    const struct yaml_node *root = yaml_read(call->arena, &source, &fault.sink);
    *out = root && !fault.message ? yaml_json(root) : NULL;
    if (*out) return 0;
    if (!fault.message) return sl_fail(call, SL_UNAVAILABLE, "no memory for %s", what);
    return sl_fail(call, SL_INVALID, "%s is not valid YAML: line %u, column %u: %s%s%s", what,
                   fault.at.line, fault.at.column, fault.message, fault.suggestion ? "; " : "",
                   fault.suggestion ? fault.suggestion : "");
}
