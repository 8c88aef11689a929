#include "page.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* Contrast with white text, or with the page: at least 4.5 : 1 (WCAG 2.2 AA). */
static const char *const colors[] = {"#595959", "#a4161a", "#7a4b00", "#1b6b3a"};
static const char *const words[] = {"Not enough data", "Degraded", "Some risk", "Good"};

void page_begin(struct text *text, const char *title) {
    text_add(text,
             "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>");
    text_add_escaped(text, title);
    text_add(text, "</title>\n<style>\n"
                   ":root{color-scheme:light}body{font:16px/1.5 system-ui,sans-serif;margin:0 auto;"
                   "max-width:46rem;padding:1rem;color:#1c1c1c;background:#fff}"
                   "h1{font-size:1.5rem}section{border-top:1px solid #ccc;padding:1rem 0}"
                   "h2{font-size:1.15rem;margin:0 0 .25rem}p{margin:.25rem 0}"
                   "svg{display:block;max-width:100%%;height:auto}footer{color:#595959}\n"
                   "</style>\n</head>\n<body>\n<main>\n<h1>");
    text_add_escaped(text, title);
    text_add(text, "</h1>\n");
}

static const char *trend_of(const struct page_item *item) {
    if (isnan(item->week_ago) || isnan(item->score)) return "";
    if (item->score > item->week_ago + 2) return ", better than a week ago";
    if (item->score < item->week_ago - 2) return ", lower than a week ago";
    return ", as a week ago";
}

static void add_days(struct text *text, const struct page_item *item) {
    text_add(text,
             "<svg viewBox=\"0 0 %d 34\" width=\"%d\" height=\"34\" role=\"img\" "
             "aria-label=\"The lowest of each of the last %d days\">\n",
             PAGE_DAYS * 6, PAGE_DAYS * 6, PAGE_DAYS);
    for (int day = 0; day < PAGE_DAYS; day++) {
        const double score = item->days[day];
        const enum confidence_level level = confidence_level(score, LEVEL_UNKNOWN);
        const double height = isnan(score) ? 4 : 4 + score * 0.3;
        text_add(text, "<rect x=\"%d\" y=\"%.1f\" width=\"5\" height=\"%.1f\" fill=\"%s\"/>\n",
                 day * 6, 34 - height, height, isnan(score) ? "#d0d0d0" : colors[level]);
    }
    text_add(text, "</svg>\n");
}

void page_add(struct text *text, const struct page_item *item) {
    text_add(text, "<section>\n<h2>");
    text_add_escaped(text, item->title);
    text_add(text, "</h2>\n<p><strong style=\"color:%s\">%s</strong>", colors[item->level],
             words[item->level]);
    if (!isnan(item->score))
        text_add(text,
                 " <meter min=\"0\" max=\"100\" low=\"50\" high=\"80\" optimum=\"100\" "
                 "value=\"%.0f\">%.0f of 100</meter> %.0f of 100",
                 item->score, item->score, item->score);
    text_add(text, "%s</p>\n", trend_of(item));
    add_days(text, item);
    text_add(text, "</section>\n");
}

void page_end(struct text *text, int64_t now_ms) {
    const time_t seconds = (time_t)(now_ms / 1000);
    struct tm parts;
    char at[40];
    gmtime_r(&seconds, &parts);
    (void)strftime(at, sizeof at, "%Y-%m-%d %H:%M UTC", &parts);
    text_add(text,
             "<footer><p>As of %s. 100 is best; each bar is the lowest of a day, the newest on the "
             "right.</p></footer>\n</main>\n</body>\n</html>\n",
             at);
}

/* A character of Verdana 11 is about 6.5 wide; wide enough is what matters. */
static int width_of(const char *plain) {
    int count = 0;
    for (; *plain; plain++) count += ((unsigned char)*plain & 0xc0) != 0x80;
    return count * 7 + 10;
}

void badge_write(struct text *text, const char *title, double score, enum confidence_level level) {
    struct text shown = {.at = NULL};
    if (isnan(score))
        text_add(&shown, "%s", words[level]);
    else
        text_add(&shown, "%.0f %s", score, level_name(level));
    const char *value = shown.at ? shown.at : "";
    const int left = width_of(title), right = width_of(value);
    text_add(text,
             "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"20\" role=\"img\" "
             "aria-label=\"",
             left + right);
    text_add_escaped(text, title);
    text_add(text, ": %s\"><title>", value);
    text_add_escaped(text, title);
    text_add(
        text,
        ": %s</title><rect width=\"%d\" height=\"20\" fill=\"#444\"/><rect x=\"%d\" width=\"%d\" "
        "height=\"20\" fill=\"%s\"/><g fill=\"#fff\" text-anchor=\"middle\" "
        "font-family=\"Verdana,sans-serif\" font-size=\"11\"><text x=\"%d\" y=\"14\">",
        value, left, left, right, colors[level], left / 2);
    text_add_escaped(text, title);
    text_add(text, "</text><text x=\"%d\" y=\"14\">%s</text></g></svg>\n", left + right / 2, value);
    text_free(&shown);
}
