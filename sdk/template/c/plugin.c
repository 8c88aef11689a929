/* plugin.c - the face of the plugin: its settings and operations on one screen.
 *
 * What it knows how to do lies in greeting.c, which needs no host and is tested by itself. */
#include "greeting.h"

#include <sluice/sluice.h>
#include <stdlib.h>
#include <string.h>

static const sl_field config[] = {
    SL_STRING("salutation", .help = "how people are greeted", .def = "Hello", .max = 40), SL_END};

static const sl_field greet_in[] = {SL_STRING("name", .help = "who is greeted",
                                              .flags = SL_REQUIRED, .min = 1, .max = 100,
                                              .example = "\"Ada\""),
                                    SL_END};

static const sl_field greet_out[] = {SL_STRING("message", .help = "the greeting"), SL_END};

static int greet(sl_call *call, const cJSON *in, cJSON *out) {
    const char *salutation = sl_state(call);
    char message[GREETING_MAX];
    greeting_compose(message, salutation, sl_get_text(in, "name", ""));
    cJSON_AddStringToObject(out, "message", message);
    return 0;
}

static const sl_op ops[] = {{.name = "@NAME@.greet",
                             .route = "POST /@NAME@/greet",
                             .summary = "Greet somebody",
                             .in = greet_in,
                             .out = greet_out,
                             .needs = "any",
                             .effect = SL_READS,
                             .example = "{\"name\": \"Ada\"}",
                             .run = greet},
                            SL_END};

static int start(sl_call *call, const cJSON *settings) {
    sl_set_state(call, strdup(sl_get_text(settings, "salutation", "Hello")));
    return 0;
}

static void stop(sl_call *call) {
    free(sl_state(call));
}

SL_PLUGIN(.name = "@NAME@", .version = "0.1.0", .summary = "Greets people", .license = "Apache-2.0",
          .config = config, .ops = ops, .start = start, .stop = stop);
