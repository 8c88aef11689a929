#include "explain.h"

#include "tree.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct page {
    char *at, *end;
};

static void __attribute__((format(printf, 2, 3))) say(struct page *page, const char *format, ...) {
    va_list args;
    va_start(args, format);
    size_t room = (size_t)(page->end - page->at);
    int size = vsnprintf(page->at, room, format, args);
    va_end(args);
    if (size > 0) page->at += (size_t)size < room ? (size_t)size : room - 1;
}

static void say_reason(struct page *page, int number, const cJSON *reason) {
    const char *file = text_of(reason, "file"), *fix = text_of(reason, "fix");
    say(page, "%d. %s %s", number, text_of(reason, "source"), text_of(reason, "rule"));
    if (file) {
        const char *name = strrchr(file, '/');
        say(page, " (%s:%d)", name ? name + 1 : file, (int)number_of(reason, "line"));
    }
    say(page, " says %s: %s\n", text_of(reason, "outcome"), text_of(reason, "message"));
    if (fix) say(page, "   fix: %s\n", fix);
}

/* The words of the first few rows of a list in the risk's answer. */
static void say_words(struct page *page, const char *title, const cJSON *list) {
    int told = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, list) {
        const char *words = cJSON_IsString(row) ? row->valuestring : text_of(row, "words");
        if (!words) words = text_of(row, "change");
        if (!words || told == 3) continue;
        say(page, "%s%s", told ? "; " : title, words);
        told++;
    }
    if (told) say(page, "\n");
}

static void say_risk(struct page *page, const cJSON *risk) {
    const char *reason = text_of(risk, "reason");
    say(page, "Risk: %s", text_of(risk, "level") ? text_of(risk, "level") : "UNKNOWN");
    if (item_of(risk, "score")) say(page, ", %.0f of 100", number_of(risk, "score"));
    say(page, "%s%s\n", reason ? ": " : "", reason ? reason : "");
    say_words(page, "What weighs most: ", item_of(risk, "contributions"));
    say_words(page, "What would lower it: ", item_of(risk, "what_would_lower_it"));
}

void explain(const cJSON *answer, char *text, size_t size) {
    struct page page = {.at = text, .end = text + size};
    *text = 0;
    say(&page, "%s of %s to %s: %s\n", text_of(answer, "status"), text_of(answer, "app_name"),
        text_of(answer, "environment"), text_of(answer, "created_at"));
    int number = 0;
    const cJSON *reason;
    cJSON_ArrayForEach(reason, item_of(answer, "reasons")) say_reason(&page, ++number, reason);
    say_risk(&page, item_of(answer, "risk"));
    say(&page, "Next: %s\n", text_of(answer, "next_action"));
}
