#include "exact.h"

#include <stdlib.h>

/* counts[c * width + s]: ways to choose c of the ranks seen so far with a sum of s half ranks. */
struct table {
    double *counts;
    size_t choose, width;
    size_t ranks, reached; /* seen so far, and their sum */
};

static bool table_init(struct table *table, size_t choose, size_t all) {
    *table = (struct table){.choose = choose, .width = all * (all + 1) + 1};
    table->counts = calloc((choose + 1) * table->width, sizeof *table->counts);
    if (!table->counts) return false;
    table->counts[0] = 1;
    return true;
}

static void table_add(struct table *table, size_t half_ranks) {
    table->reached += half_ranks;
    table->ranks++;
    for (size_t c = table->ranks < table->choose ? table->ranks : table->choose; c > 0; c--) {
        double *with = table->counts + c * table->width + half_ranks;
        const double *without = table->counts + (c - 1) * table->width;
        for (size_t s = 0; s + half_ranks <= table->reached; s++) with[s] += without[s];
    }
}

/* The pooled values' ranks in halves, ties sharing their mean. */
static void add_ranks(struct table *table, const struct two_samples *two, double shift) {
    size_t i = 0, j = 0;
    while (i < two->n || j < two->m) {
        double value;
        if (i == two->n)
            value = two->y[j];
        else if (j == two->m || two->x[i] - shift < two->y[j])
            value = two->x[i] - shift;
        else
            value = two->y[j];
        size_t before = i + j;
        while (i < two->n && two->x[i] - shift == value) i++;
        while (j < two->m && two->y[j] == value) j++;
        size_t after = i + j;
        for (size_t k = before; k < after; k++) table_add(table, before + after + 1);
    }
}

bool exact_tails(const struct two_samples *two, double shift, struct tails *tails) {
    struct table table;
    if (two->n + two->m > EXACT_MAX || !table_init(&table, two->n, two->n + two->m)) return false;
    add_ranks(&table, two, shift);
    const double *sums = table.counts + table.choose * table.width;
    size_t observed = (size_t)(2 * rank_together(two, shift).sum);
    double all = 0, above = 0, below = 0;
    for (size_t s = 0; s < table.width; s++) {
        all += sums[s];
        if (s >= observed) above += sums[s];
        if (s <= observed) below += sums[s];
    }
    *tails = (struct tails){.above = above / all, .below = below / all};
    free(table.counts);
    return true;
}

double exact_critical(size_t n, size_t m, double chance) {
    struct table table;
    if (n + m > EXACT_MAX || !table_init(&table, n, n + m)) return -1;
    for (size_t rank = 1; rank <= n + m; rank++) table_add(&table, 2 * rank);
    const double *sums = table.counts + n * table.width;
    double all = 0, above = 0;
    for (size_t s = 0; s < table.width; s++) all += sums[s];
    size_t s = table.width;
    while (s > 0 && above + sums[s - 1] <= chance * all) above += sums[--s];
    free(table.counts);
    double smallest = (double)n * (double)(n + 1) / 2;
    /* sums between two whole ranks are empty: the first that counts is even */
    size_t ranks = (s + 1) / 2;
    double u = (double)ranks - smallest;
    return u > (double)n * (double)m ? (double)n * (double)m + 1 : u;
}
