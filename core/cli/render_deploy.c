/* render_deploy.c - a decision about a deployment as people read it: what, why, what to do. */
#include "op_input.h"
#include "render.h"

#include <string.h>

int render_deploy(struct cli *cli, const cJSON *answer);
int deploy_exit_code(const cJSON *answer);
int policy_exit_code(const cJSON *answer);

static enum cli_color color_of(const char *word) {
    static const struct {
        const char *word;
        enum cli_color color;
    } colors[] = {{"APPROVED", CLI_GREEN}, {"DENIED", CLI_RED},  {"NEEDS_APPROVAL", CLI_YELLOW},
                  {"LOW", CLI_GREEN},      {"MED", CLI_YELLOW},  {"MEDIUM", CLI_YELLOW},
                  {"HIGH", CLI_RED},       {"CRITICAL", CLI_RED}};
    for (size_t i = 0; i < sizeof colors / sizeof *colors; i++)
        if (!strcmp(colors[i].word, word)) return colors[i].color;
    return CLI_BOLD;
}

static const char *id_of(struct cli *cli, const cJSON *answer) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(answer, "id");
    if (cJSON_IsString(id)) return cli_clean(cli, id->valuestring, false);
    return id ? cli_json(id) : "";
}

static void head_line(struct cli *cli, const cJSON *answer) {
    const char *status = cli_clean(cli, member_text(answer, "status", "?"), false);
    cli_out(cli, "%s", cli_paint(cli, color_of(status), status));
    const char *const parts[][2] = {{"  ", member_text(answer, "app_name", "")},
                                    {" to ", member_text(answer, "environment", "")}};
    for (size_t i = 0; i < 2; i++)
        if (*parts[i][1]) cli_out(cli, "%s%s", parts[i][0], cli_clean(cli, parts[i][1], false));
    cli_out(cli, "  (deployment %s)\n", id_of(cli, answer));
}

/* "risk  HIGH 0.71: touches a migration ..." */
static void risk_line(struct cli *cli, const cJSON *risk) {
    const char *level = member_text(risk, "level", NULL);
    if (!level) return;
    const cJSON *score = cJSON_GetObjectItemCaseSensitive(risk, "score");
    const char *reason = member_text(risk, "reason", NULL);
    cli_out(cli, "  risk  %s", cli_paint(cli, color_of(level), cli_clean(cli, level, false)));
    if (cJSON_IsNumber(score)) cli_out(cli, " %g", score->valuedouble);
    cli_out(cli, "%s%s\n", reason ? ": " : "", reason ? cli_clean(cli, reason, false) : "");
}

static void evidence_line(struct cli *cli, const cJSON *item) {
    const char *file = member_text(item, "file", NULL);
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(item, "line");
    const cJSON *evidence = cJSON_GetObjectItemCaseSensitive(item, "evidence");
    if (file && cJSON_IsNumber(line))
        cli_out(cli, "          at %s:%d\n", cli_clean(cli, file, false), line->valueint);
    if (cJSON_IsString(evidence) && *evidence->valuestring)
        cli_out(cli, "          evidence: %s\n", cli_clean(cli, evidence->valuestring, false));
}

/* A reason is a sentence, or an object that carries one with its source and fix. */
static const char *reason_text(const cJSON *item) {
    static const char *const names[] = {"message", "reason", "detail", "text", "sentence"};
    if (cJSON_IsString(item)) return item->valuestring;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (member_text(item, names[i], NULL)) return member_text(item, names[i], NULL);
    return NULL;
}

static void reason_lines(struct cli *cli, const cJSON *reasons) {
    const cJSON *item;
    cJSON_ArrayForEach(item, reasons) {
        const char *text = reason_text(item), *fix = member_text(item, "fix", NULL);
        const char *source = member_text(item, "rule", member_text(item, "source", NULL));
        if (!text) continue;
        cli_out(cli, "  why   %s%s%s\n", source ? cli_clean(cli, source, false) : "",
                source ? ": " : "", cli_clean(cli, text, false));
        if (fix && *fix) cli_out(cli, "        fix: %s\n", cli_clean(cli, fix, false));
        if (cli->verbose) evidence_line(cli, item);
    }
}

/* The policies that said no or warned, when the answer has no reasons of its own. */
static void policy_lines(struct cli *cli, const cJSON *policy) {
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(policy, "results")) {
        if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "ok"))) continue;
        const cJSON *one = cJSON_CreateArray();
        cJSON_AddItemReferenceToArray((cJSON *)one, (cJSON *)item);
        reason_lines(cli, one);
    }
}

static void named_line(struct cli *cli, const char *label, const cJSON *value) {
    if (cJSON_IsString(value) && *value->valuestring)
        cli_out(cli, "  %-5s %s\n", label, cli_clean(cli, value->valuestring, false));
}

/* A next step is a sentence, or an object with one and the command that does it. */
static void next_line(struct cli *cli, const cJSON *next) {
    named_line(cli, "next", next);
    if (!cJSON_IsObject(next)) return;
    named_line(cli, "next", cJSON_GetObjectItemCaseSensitive(next, "text"));
    named_line(cli, "next", cJSON_GetObjectItemCaseSensitive(next, "summary"));
    named_line(cli, "run", cJSON_GetObjectItemCaseSensitive(next, "command"));
}

static bool any_fix(const cJSON *reasons) {
    const cJSON *item;
    cJSON_ArrayForEach(item, reasons) if (*member_text(item, "fix", "")) return true;
    return false;
}

int render_deploy(struct cli *cli, const cJSON *answer) {
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(answer, "reasons");
    head_line(cli, answer);
    risk_line(cli, cJSON_GetObjectItemCaseSensitive(answer, "risk"));
    if (cJSON_GetArraySize(reasons))
        reason_lines(cli, reasons);
    else
        policy_lines(cli, cJSON_GetObjectItemCaseSensitive(answer, "policy"));
    if (!any_fix(reasons)) named_line(cli, "fix", cJSON_GetObjectItemCaseSensitive(answer, "fix"));
    next_line(cli, cJSON_GetObjectItemCaseSensitive(answer, "next_action"));
    const cJSON *manifests = cJSON_GetObjectItemCaseSensitive(answer, "manifests"), *one;
    if (manifests && manifests->child) {
        const char *names = "";
        cJSON_ArrayForEach(one, manifests) names = arena_printf(
            &cli->arena, "%s%s%s", names, *names ? ", " : "", one->string ? one->string : "");
        cli_out(cli, "  files %s (sluice deploy manifests %s -o yaml)\n",
                cli_clean(cli, names, false), id_of(cli, answer));
    }
    return CLI_DONE;
}

int deploy_exit_code(const cJSON *answer) {
    return strcmp(member_text(answer, "status", ""), "DENIED") ? CLI_DONE : CLI_DENIED;
}

int policy_exit_code(const cJSON *answer) {
    return cJSON_IsFalse(cJSON_GetObjectItemCaseSensitive(answer, "allowed")) ? CLI_DENIED
                                                                              : CLI_DONE;
}
