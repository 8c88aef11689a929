/* render_rag.c - passages and answers as people read them. */
#include "op_input.h"
#include "render.h"

#include <string.h>

int render_rag_query(struct cli *cli, const cJSON *answer);
int render_rag_answer(struct cli *cli, const cJSON *answer);

enum { SNIPPET_LINES = 6 };

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static double number(const cJSON *object, const char *name) {
    const cJSON *item = member(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

/* "runbooks/disk.md:12-20  Disk is full > Diagnosis" */
static void place(struct cli *cli, const cJSON *item) {
    const cJSON *lines = member(item, "lines");
    const char *heading = member_text(item, "heading", "");
    cli_out(cli, "%s:%d-%d  %s%s%s",
            cli_paint(cli, CLI_BOLD, cli_clean(cli, member_text(item, "document", ""), false)),
            lines && lines->child ? lines->child->valueint : 0,
            lines && lines->child && lines->child->next ? lines->child->next->valueint : 0,
            cli_clean(cli, member_text(item, "title", ""), false), *heading ? " > " : "",
            cli_clean(cli, heading, false));
}

static void snippet(struct cli *cli, const char *text) {
    for (int i = 0; i < SNIPPET_LINES && *text; i++) {
        const size_t size = strcspn(text, "\n");
        const char *line = arena_strndup(&cli->arena, text, size);
        cli_out(cli, "    %s\n", cli_clean(cli, line, false));
        text += size + (text[size] != '\0');
    }
    if (*text) cli_out(cli, "    ...\n");
}

static void verdict(struct cli *cli, const cJSON *answer) {
    const char *word = member_text(answer, "verdict", "");
    const char *says = !strcmp(word, "answer")   ? "the documents answer"
                       : !strcmp(word, "unsure") ? "closest pages, not sure"
                                                 : "not in the documents";
    const enum cli_color color = !strcmp(word, "answer")   ? CLI_GREEN
                                 : !strcmp(word, "unsure") ? CLI_YELLOW
                                                           : CLI_RED;
    cli_out(cli, "%s (confidence %.2f, %s)\n", cli_paint(cli, color, says),
            number(answer, "confidence"), cli_clean(cli, member_text(answer, "method", ""), false));
}

int render_rag_query(struct cli *cli, const cJSON *answer) {
    const cJSON *passage;
    verdict(cli, answer);
    cJSON_ArrayForEach(passage, member(answer, "passages")) {
        cli_out(cli, "\n%.2f  ", number(passage, "score"));
        place(cli, passage);
        cli_out(cli, "\n");
        snippet(cli, member_text(passage, "text", ""));
    }
    return 0;
}

int render_rag_answer(struct cli *cli, const cJSON *answer) {
    const cJSON *item;
    cli_out(cli, "%s\n\n", cli_clean(cli, member_text(answer, "answer", ""), true));
    cJSON_ArrayForEach(item, member(answer, "citations")) {
        cli_out(cli, "  [%g] ", number(item, "n"));
        place(cli, item);
        cli_out(cli, "\n");
    }
    const cJSON *nearest = member(answer, "nearest");
    if (nearest && nearest->child) cli_out(cli, "Nearest:\n");
    cJSON_ArrayForEach(item, nearest) {
        cli_out(cli, "  ");
        place(cli, item);
        cli_out(cli, "\n");
    }
    verdict(cli, answer);
    return 0;
}
