/* bench.c - one operation that parses and checks a 1 KB object and answers a few fields, as the peers
 * of the benchmark do. */
#include <sluice/sluice.h>

static const sl_field config_in[] = {SL_STRING("image", .format = "image", .flags = SL_REQUIRED),
                                     SL_INT("replicas", .min = 1, .max = 1000, .def = "1"), SL_END};
static const sl_field limits_in[] = {SL_NUMBER("cpu"), SL_STRING("memory"), SL_INT("gpu"), SL_END};
static const sl_field echo_in[] = {SL_STRING("app_name", .format = "name", .flags = SL_REQUIRED),
                                   SL_ENUM("environment", "dev|stage|prod", .flags = SL_REQUIRED),
                                   SL_STRING("data_classification"),
                                   SL_STRING("exposure"),
                                   SL_OBJECT("config", config_in, .flags = SL_REQUIRED),
                                   SL_MAP("labels", SL_T_STRING),
                                   SL_OBJECT("limits", limits_in),
                                   SL_LIST("tags", SL_T_ANY),
                                   SL_STRING("notes"),
                                   SL_END};
static const sl_field echo_out[] = {SL_BOOL("ok"), SL_STRING("app"), SL_STRING("env"),
                                    SL_INT("keys"), SL_END};

static int echo(sl_call *call, const cJSON *in, cJSON *out) {
    (void)call;
    cJSON_AddBoolToObject(out, "ok", 1);
    cJSON_AddStringToObject(out, "app", sl_get_text(in, "app_name", ""));
    cJSON_AddStringToObject(out, "env", sl_get_text(in, "environment", ""));
    cJSON_AddNumberToObject(out, "keys", cJSON_GetArraySize(in));
    return 0;
}

static const sl_op ops[] = {{.name = "bench.echo",
                             .route = "POST /json",
                             .summary = "Answer a few fields of a 1 KB object",
                             .in = echo_in,
                             .out = echo_out,
                             .needs = "public",
                             .effect = SL_READS,
                             .run = echo},
                            SL_END};

SL_PLUGIN(.name = "bench", .version = "1.0.0", .summary = "Benchmark operation",
          .license = "Apache-2.0", .ops = ops);
