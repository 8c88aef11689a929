/* page.h - the meter for customers: a page and a badge, without scripts and without internals. Pure.
 *
 * They hold the title that the operator gave, a level, a number and days: no name of a service, no
 * reason, no part. */
#ifndef SLO_PAGE_H
#define SLO_PAGE_H

#include "confidence.h"
#include "text.h"

enum { PAGE_DAYS = 90 };

struct page_item {
    const char *title;
    double score; /* NaN: not known */
    enum confidence_level level;
    double week_ago;        /* score; NaN: not known */
    double days[PAGE_DAYS]; /* the day's lowest score, the oldest first; NaN: not known */
};

void page_begin(struct text *text, const char *title);
void page_add(struct text *text, const struct page_item *item);
void page_end(struct text *text, int64_t now_ms);

void badge_write(struct text *text, const char *title, double score, enum confidence_level level);

#endif
