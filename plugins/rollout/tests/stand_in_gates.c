/* Stands in for what gates ask: slo.status and incident.list answer what was last told by
 * stand.in.set. */
#include <sluice/sluice.h>
#include <stdlib.h>
#include <string.h>

static cJSON *answers(sl_call *call) {
    return sl_state(call);
}

static int set(sl_call *call, const cJSON *in, cJSON *out) {
    (void)out;
    sl_json_drop(answers(call));
    sl_set_state(call, sl_json_keep(in));
    return 0;
}

static int answer(sl_call *call, const char *name, cJSON *out) {
    const cJSON *all = answers(call), *own = sl_get(all, name), *member;
    if (cJSON_IsString(own)) return sl_fail(call, SL_UNAVAILABLE, "%s", own->valuestring);
    cJSON_ArrayForEach(member, own) {
        cJSON_AddItemToObject(out, member->string, cJSON_Duplicate(member, 1));
    }
    if (!own) cJSON_AddItemToObject(out, "items", cJSON_CreateArray());
    return 0;
}

static int slo(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    return answer(call, "slo", out);
}

static int incidents(sl_call *call, const cJSON *in, cJSON *out) {
    (void)in;
    return answer(call, "incidents", out);
}

static void stop(sl_call *call) {
    sl_json_drop(answers(call));
}

static const sl_op ops[] = {{.name = "stand.set",
                             .summary = "Sets the answers",
                             .needs = "any",
                             .effect = SL_WRITES,
                             .flags = SL_OP_OPEN,
                             .run = set},
                            {.name = "slo.status",
                             .summary = "Answers slo",
                             .needs = "any",
                             .effect = SL_READS,
                             .flags = SL_OP_OPEN,
                             .run = slo},
                            {.name = "incident.list",
                             .summary = "Answers incidents",
                             .needs = "any",
                             .effect = SL_READS,
                             .flags = SL_OP_OPEN,
                             .run = incidents},
                            SL_END};

SL_PLUGIN(.name = "stand-in-gates", .version = "1.0.0", .ops = ops, .stop = stop);
