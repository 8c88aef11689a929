/* renderers.c - which operations have an answer of their own look. */
#include "render.h"

#include <string.h>

extern int render_deploy(struct cli *cli, const cJSON *answer);
extern int deploy_exit_code(const cJSON *answer);
extern int policy_exit_code(const cJSON *answer);
extern int render_risk(struct cli *cli, const cJSON *answer);
extern int risk_exit_code(const cJSON *answer);
extern int render_rag_query(struct cli *cli, const cJSON *answer);
extern int render_rag_answer(struct cli *cli, const cJSON *answer);

const struct renderer *renderer_of(const char *op) {
    static const struct renderer renderers[] = {{"deploy.request", render_deploy, deploy_exit_code},
                                                {"deploy.get", render_deploy, NULL},
                                                {"policy.evaluate", NULL, policy_exit_code},
                                                {"risk.score", render_risk, risk_exit_code},
                                                {"rag.query", render_rag_query, NULL},
                                                {"rag.answer", render_rag_answer, NULL}};
    for (size_t i = 0; i < sizeof renderers / sizeof *renderers; i++)
        if (!strcmp(renderers[i].op, op)) return &renderers[i];
    return NULL;
}
