#include "numstat.h"

#include <string.h>

static bool take_count(struct diff_text *line, uint32_t *count, bool *binary) {
    size_t i = 0;
    uint64_t value = 0;
    if (line->len && line->at[0] == '-') {
        *binary = true;
        i = 1;
    }
    for (; !*binary && i < line->len && line->at[i] >= '0' && line->at[i] <= '9' && i < 10; i++)
        value = value * 10 + (uint64_t)(line->at[i] - '0');
    if (!i || i >= line->len || (line->at[i] != '\t' && line->at[i] != ' ') || value > INT32_MAX)
        return false;
    while (i < line->len && (line->at[i] == '\t' || line->at[i] == ' ')) i++;
    *count = (uint32_t)value;
    line->at += i;
    line->len -= i;
    return line->len > 0;
}

static size_t find(struct diff_text text, const char *what, size_t from) {
    const size_t len = strlen(what);
    for (size_t i = from; i + len <= text.len; i++)
        if (memcmp(text.at + i, what, len) == 0) return i;
    return text.len;
}

/* "src/{old => new}/x.c" and "old.c => new.c" name the new path; written to `out`. */
static struct diff_text new_path(struct diff_text path, char *out, size_t room) {
    const size_t arrow = find(path, " => ", 0);
    if (arrow == path.len || path.len > room) return path;
    const size_t open = find(path, "{", 0), close = find(path, "}", arrow);
    size_t len = 0;
    if (open < arrow && close < path.len) {
        memcpy(out, path.at, open);
        len = open;
        memcpy(out + len, path.at + arrow + 4, close - arrow - 4);
        len += close - arrow - 4;
        size_t tail = close + 1;
        /* "src/{old => }/x.c" would leave two slashes. */
        if (tail < path.len && path.at[tail] == '/' && len && out[len - 1] == '/') tail++;
        memcpy(out + len, path.at + tail, path.len - tail);
        len += path.len - tail;
    } else {
        len = path.len - arrow - 4;
        memcpy(out, path.at + arrow + 4, len);
    }
    return (struct diff_text){out, len};
}

static bool read_line(struct diff_text line, struct change *change) {
    if (line.len && line.at[line.len - 1] == '\r') line.len--;
    if (!line.len) return true;
    struct change_file file = {0};
    if (!take_count(&line, &file.added, &file.binary) ||
        !take_count(&line, &file.deleted, &file.binary))
        return false;
    char moved[DIFF_PATH_BYTES];
    const struct diff_text path = new_path(line, moved, sizeof moved);
    file.how = path.at == moved ? DIFF_RENAMED : DIFF_MODIFIED;
    change_add_file(change, path, &file);
    return true;
}

uint32_t numstat_read(struct diff_text text, struct change *change) {
    const char *at = text.at, *const end = at + text.len;
    change->from_numstat = true;
    for (uint32_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (!stop) stop = end;
        if (!read_line((struct diff_text){at, (size_t)(stop - at)}, change)) return number;
        at = stop < end ? stop + 1 : end;
    }
    return 0;
}
