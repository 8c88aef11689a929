/* render_risk.c - a risk score as people read it: the level, bars of what did it, what to do. */
#include "op_input.h"
#include "render.h"

#include <math.h>
#include <string.h>

int render_risk(struct cli *cli, const cJSON *answer);
int risk_exit_code(const cJSON *answer);

enum { BAR_CELLS = 20, TOLD = 8 };

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name) {
    const cJSON *item = member(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static enum cli_color color_of(const char *level) {
    if (!strcmp(level, "LOW") || !strcmp(level, "info")) return CLI_GREEN;
    if (!strcmp(level, "MED") || !strcmp(level, "medium")) return CLI_YELLOW;
    return CLI_RED;
}

static void head(struct cli *cli, const cJSON *answer) {
    const char *level = cli_clean(cli, member_text(answer, "level", "?"), false);
    const cJSON *band = member(answer, "band");
    cli_out(cli, "%s  score %g of 100, probability %.1f %%", cli_paint(cli, color_of(level), level),
            number(answer, "score"), 100 * number(answer, "probability"));
    if (band)
        cli_out(cli, " (%.1f to %.1f)", 100 * number(band, "probability_low"),
                100 * number(band, "probability_high"));
    cli_out(cli, ", base rate %.1f %%\n", 100 * number(answer, "base_rate"));
    cli_out(cli, "  %s\n", cli_clean(cli, member_text(answer, "reason", ""), false));
}

/* A bar of twenty cells for two natural units of log-odds; to the left it lowers the risk. */
static void bar(struct cli *cli, double effect) {
    char cells[BAR_CELLS + 1];
    int filled = (int)lround(fmin(fabs(effect), 2) / 2 * BAR_CELLS);
    memset(cells, ' ', BAR_CELLS);
    memset(cells, effect < 0 ? '-' : '+', (size_t)filled);
    cells[BAR_CELLS] = '\0';
    cli_out(cli, "  %s %+5.2f  ", cli_paint(cli, effect < 0 ? CLI_GREEN : CLI_RED, cells), effect);
}

static void effects(struct cli *cli, const cJSON *list, const char *title) {
    if (!list || !list->child) return;
    cli_out(cli, "\n%s\n", cli_paint(cli, CLI_BOLD, title));
    int told = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list) {
        if (told++ == TOLD) break;
        bar(cli, number(item, "effect"));
        cli_out(cli, "%s\n", cli_clean(cli, member_text(item, "words", ""), false));
    }
}

static void signal_line(struct cli *cli, const cJSON *item) {
    const char *severity = cli_clean(cli, member_text(item, "severity", ""), false);
    const char *file = member_text(item, "file", NULL);
    const cJSON *line = member(item, "line");
    cli_out(cli, "  %s %s", cli_paint(cli, color_of(severity), severity),
            cli_clean(cli, member_text(item, "id", ""), false));
    if (file) cli_out(cli, "  %s", cli_clean(cli, file, false));
    if (file && cJSON_IsNumber(line)) cli_out(cli, ":%d", line->valueint);
    cli_out(cli, "\n      %s\n      fix: %s\n",
            cli_clean(cli, member_text(item, "means", ""), false),
            cli_clean(cli, member_text(item, "fix", ""), false));
}

static void all_signals(struct cli *cli, const cJSON *list) {
    if (!list || !list->child) return;
    cli_out(cli, "\n%s\n", cli_paint(cli, CLI_BOLD, "Danger signals"));
    const cJSON *item;
    cJSON_ArrayForEach(item, list) signal_line(cli, item);
}

static void places(struct cli *cli, const cJSON *list) {
    if (!list || !list->child) return;
    cli_out(cli, "\n%s\n", cli_paint(cli, CLI_BOLD, "Look here first"));
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
        cli_out(cli, "  %s:%g  +%g -%g, %g branches\n",
                cli_clean(cli, member_text(item, "file", ""), false), number(item, "line"),
                number(item, "added"), number(item, "deleted"), number(item, "branches"));
}

static void remedies(struct cli *cli, const cJSON *list) {
    if (!list || !list->child) return;
    cli_out(cli, "\n%s\n", cli_paint(cli, CLI_BOLD, "What would lower it"));
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
        cli_out(cli, "  - %s\n", cli_clean(cli, member_text(item, "words", ""), false));
}

static void model_line(struct cli *cli, const cJSON *model) {
    if (!cJSON_IsObject(model)) return;
    cli_out(cli, "\nmodel %s, AUC %.3f on projects it never saw; it predicts %s\n",
            cli_clean(cli, member_text(model, "id", ""), false), number(model, "auc"),
            cli_clean(cli, member_text(model, "predicts", ""), false));
}

static void second_opinion(struct cli *cli, const cJSON *opinion) {
    if (!opinion) return;
    const bool heard = cJSON_IsTrue(member(opinion, "heard"));
    cli_out(cli, "\n%s\n  %s\n", cli_paint(cli, CLI_BOLD, "The language model says"),
            cli_clean(cli,
                      heard ? member_text(opinion, "words", "")
                            : arena_printf(&cli->arena, "nothing: %s",
                                           member_text(opinion, "why", "it was not asked")),
                      false));
    if (cJSON_IsTrue(member(opinion, "raised")))
        cli_out(cli, "  it raised the level from %s: %s\n",
                cli_clean(cli, member_text(opinion, "from", ""), false),
                cli_clean(cli, member_text(opinion, "reason", ""), false));
}

int render_risk(struct cli *cli, const cJSON *answer) {
    head(cli, answer);
    effects(cli, member(answer, "contributions"), "What was learned from other projects says");
    effects(cli, member(answer, "context"), "The circumstances, by policy");
    all_signals(cli, member(answer, "signals"));
    places(cli, member(answer, "hotspots"));
    remedies(cli, member(answer, "what_would_lower_it"));
    second_opinion(cli, member(answer, "opinion"));
    model_line(cli, member(answer, "model"));
    return 0;
}

/* With --threshold the answer says whether the level reaches it: then a pipeline stops. */
int risk_exit_code(const cJSON *answer) {
    return cJSON_IsTrue(member(answer, "reaches_threshold")) ? CLI_DENIED : CLI_DONE;
}
