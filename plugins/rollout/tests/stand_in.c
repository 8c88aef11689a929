/* Stands in for the plugins risk and policy: each answers what the request says it should. The
 * request's message is the answer of risk.score, its reason that of policy.evaluate; no such text,
 * or "fail", makes it fail. */
#include <sluice/sluice.h>
#include <string.h>

static int answer_with(sl_call *call, const char *text, cJSON *out) {
    if (!text || strcmp(text, "fail") == 0)
        return sl_fail(call, SL_UNAVAILABLE, "the stand-in was told to fail");
    cJSON *answer;
    int rc = sl_json_parse(call, "the stand-in's answer", text, strlen(text), &answer);
    if (rc) return rc;
    const cJSON *member;
    cJSON_ArrayForEach(member, answer) {
        cJSON_AddItemToObject(out, member->string, cJSON_Duplicate(member, 1));
    }
    return 0;
}

static int score(sl_call *call, const cJSON *in, cJSON *out) {
    return answer_with(call, sl_get_text(in, "message", NULL), out);
}

static int evaluate(sl_call *call, const cJSON *in, cJSON *out) {
    return answer_with(call, sl_get_text(in, "reason", NULL), out);
}

static const sl_op ops[] = {{.name = "risk.score",
                             .summary = "Answers the message",
                             .needs = "any",
                             .effect = SL_READS,
                             .flags = SL_OP_OPEN,
                             .run = score},
                            {.name = "policy.evaluate",
                             .summary = "Answers the reason",
                             .needs = "any",
                             .effect = SL_READS,
                             .flags = SL_OP_OPEN,
                             .run = evaluate},
                            SL_END};

SL_PLUGIN(.name = "stand-in", .version = "1.0.0", .ops = ops);
