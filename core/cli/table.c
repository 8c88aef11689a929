#include "table.h"

#include <string.h>

enum { COLUMNS_MAX = 16 };

struct cell {
    const char *text;
    enum cli_color color;
};

struct row {
    struct row *next;
    struct cell cells[COLUMNS_MAX];
};

struct table {
    struct cli *cli;
    const char *heads[COLUMNS_MAX];
    size_t columns, filled, count;
    struct row *first, *last;
};

struct table *table_new(struct cli *cli, const char *heads) {
    struct table *table = arena_zalloc(&cli->arena, sizeof *table);
    table->cli = cli;
    while (*heads && table->columns < COLUMNS_MAX) {
        size_t size = strcspn(heads, "|");
        table->heads[table->columns++] = arena_strndup(&cli->arena, heads, size);
        heads += size + (heads[size] == '|');
    }
    return table;
}

void table_row(struct table *table) {
    struct row *row = arena_zalloc(&table->cli->arena, sizeof *row);
    for (size_t i = 0; i < table->columns; i++) row->cells[i].text = "";
    if (table->last)
        table->last->next = row;
    else
        table->first = row;
    table->last = row, table->filled = 0, table->count++;
}

void table_cell(struct table *table, enum cli_color color, const char *text) {
    if (!table->last || table->filled == table->columns) return;
    const char *clean = cli_clean(table->cli, text ? text : "", false);
    table->last->cells[table->filled++] =
        (struct cell){.text = arena_strdup(&table->cli->arena, clean), .color = color};
}

size_t table_rows(const struct table *table) {
    return table->count;
}

/* Characters, not bytes: continuation bytes of UTF-8 take no column. */
static size_t text_width(const char *text) {
    size_t width = 0;
    for (; *text; text++) width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void print_aligned(struct table *table, const size_t *widths, const struct row *row) {
    struct cli *cli = table->cli;
    for (size_t i = 0; i < table->columns; i++) {
        const char *text = row ? row->cells[i].text : table->heads[i];
        enum cli_color color = row ? row->cells[i].color : CLI_BOLD;
        fputs(cli_paint(cli, color, text), cli->out);
        if (i + 1 < table->columns)
            for (size_t w = text_width(text); w < widths[i] + 2; w++) fputc(' ', cli->out);
    }
    fputc('\n', cli->out);
}

static void print_markdown(struct table *table) {
    FILE *out = table->cli->out;
    for (size_t i = 0; i < table->columns; i++) fprintf(out, "| %s ", table->heads[i]);
    fputs("|\n", out);
    for (size_t i = 0; i < table->columns; i++) fputs("| --- ", out);
    fputs("|\n", out);
    for (const struct row *row = table->first; row; row = row->next) {
        for (size_t i = 0; i < table->columns; i++) {
            fputs("| ", out);
            for (const char *c = row->cells[i].text; *c; c++) {
                if (*c == '|' || *c == '\\') fputc('\\', out);
                fputc(*c, out);
            }
            fputc(' ', out);
        }
        fputs("|\n", out);
    }
}

void table_print(struct table *table) {
    if (table->cli->format == CLI_MD) {
        print_markdown(table);
        return;
    }
    size_t widths[COLUMNS_MAX];
    for (size_t i = 0; i < table->columns; i++) {
        widths[i] = text_width(table->heads[i]);
        for (const struct row *row = table->first; row; row = row->next)
            if (text_width(row->cells[i].text) > widths[i])
                widths[i] = text_width(row->cells[i].text);
    }
    print_aligned(table, widths, NULL);
    for (const struct row *row = table->first; row; row = row->next)
        print_aligned(table, widths, row);
}
