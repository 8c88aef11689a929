/* table.h - rows and columns for people, as a table or as Markdown; and values as YAML. */
#ifndef SLUICE_CORE_CLI_TABLE_H
#define SLUICE_CORE_CLI_TABLE_H

#include "cli.h"

struct table;

/* `heads`: column names split by '|': "ID|APP|STATUS". In the arena. */
struct table *table_new(struct cli *cli, const char *heads);
/* Starts a row; then one table_cell for each column. Text is copied and cleaned of controls. */
void table_row(struct table *table);
void table_cell(struct table *table, enum cli_color color, const char *text);
/* Aligned columns, never cut; Markdown with -o md. Empty: nothing but the heads. */
void table_print(struct table *table);
size_t table_rows(const struct table *table);

/* Any JSON as YAML that reads back as the same values. */
void yaml_print(struct cli *cli, const cJSON *value);

#endif
