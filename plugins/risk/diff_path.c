/* Paths in headers: C-style quoting, the two names of "diff --git", time stamps, a/ and b/. */
#include "diff_reader.h"

#include <string.h>

static void put(struct diff_reader *r, struct diff_path *path, char c) {
    if (path->len < DIFF_PATH_BYTES)
        path->bytes[path->len++] = c;
    else if (path->len == DIFF_PATH_BYTES)
        diff_note(r, "a path of more than 4096 bytes was cut");
}

static char escaped(char c) {
    static const char from[] = "abtnvfr", to[] = "\a\b\t\n\v\f\r";
    const char *at = c ? strchr(from, c) : NULL;
    return at ? to[at - from] : c;
}

/* Reads "…" with git's escapes; returns the bytes used, the closing quote included. */
static size_t unquote(struct diff_reader *r, struct diff_path *path, struct diff_text text) {
    size_t i = 1;
    while (i < text.len && text.at[i] != '"') {
        char c = text.at[i++];
        if (c == '\\' && i < text.len) {
            unsigned octal = 0;
            size_t digits = 0;
            while (digits < 3 && i < text.len && text.at[i] >= '0' && text.at[i] <= '7') {
                octal = octal * 8 + (unsigned)(text.at[i++] - '0');
                digits++;
            }
            c = digits ? (char)(octal & 0xffU) : escaped(text.at[i++]);
        }
        if (path->len >= DIFF_PATH_BYTES) return text.len;
        put(r, path, c);
    }
    return i < text.len ? i + 1 : i;
}

static void copy(struct diff_reader *r, struct diff_path *path, struct diff_text text) {
    path->len = 0;
    path->known = true;
    path->null = false;
    if (text.len && text.at[0] == '"') {
        (void)unquote(r, path, text);
        return;
    }
    const size_t len = text.len < DIFF_PATH_BYTES ? text.len : DIFF_PATH_BYTES;
    if (len < text.len) diff_note(r, "a path of more than 4096 bytes was cut");
    if (len) memcpy(path->bytes, text.at, len);
    path->len = len;
    path->null = len == 9 && memcmp(path->bytes, "/dev/null", 9) == 0;
}

void diff_take_path(struct diff_reader *r, struct diff_path *path, struct diff_text text) {
    if (text.len && text.at[0] == '"') {
        copy(r, path, text);
        return;
    }
    const char *tab = text.len ? memchr(text.at, '\t', text.len) : NULL;
    if (tab) text.len = (size_t)(tab - text.at);
    /* svn writes "path (revision 12)" with a tab before, old ones with blanks. */
    static const char *const tails[] = {" (revision ", " (working copy)", " (nonexistent)"};
    const bool maybe = text.len && memchr(text.at, '(', text.len);
    for (size_t t = 0; maybe && t < sizeof tails / sizeof *tails; t++) {
        const size_t len = strlen(tails[t]);
        for (size_t i = 0; i + len <= text.len; i++)
            if (memcmp(text.at + i, tails[t], len) == 0) text.len = i;
    }
    while (text.len && text.at[text.len - 1] == ' ') text.len--;
    copy(r, path, text);
}

/* Both names are equal but for the prefix unless renamed, and renames come with their own lines. */
static size_t split_unquoted(struct diff_text text) {
    const size_t mid = text.len / 2;
    if (text.len % 2 && text.at[mid] == ' ') {
        const char *first = memchr(text.at, '/', mid);
        const char *second = memchr(text.at + mid + 1, '/', mid);
        const size_t skip = first && second ? (size_t)(first - text.at) : 0;
        if (memcmp(text.at + skip, text.at + mid + 1 + skip, mid - skip) == 0) return mid;
    }
    for (size_t i = 0; i + 3 <= text.len; i++)
        if (memcmp(text.at + i, " b/", 3) == 0) return i;
    const char *space = text.len ? memchr(text.at, ' ', text.len) : NULL;
    return space ? (size_t)(space - text.at) : text.len;
}

void diff_git_paths(struct diff_reader *r, struct diff_text text) {
    size_t end;
    if (text.len && text.at[0] == '"') {
        r->old_path.len = 0;
        end = unquote(r, &r->old_path, text);
        r->old_path.known = true;
    } else {
        const char *quote = text.len ? memchr(text.at, '"', text.len) : NULL;
        const bool quoted = quote && quote > text.at && quote[-1] == ' ' &&
                            text.at[text.len - 1] == '"' && quote + 1 < text.at + text.len;
        end = quoted ? (size_t)(quote - text.at) - 1 : split_unquoted(text);
        copy(r, &r->old_path, (struct diff_text){text.at, end});
    }
    if (end + 1 < text.len)
        copy(r, &r->new_path, (struct diff_text){text.at + end + 1, text.len - end - 1});
}

static bool prefixed(const struct diff_path *path, char letter) {
    return path->known && !path->null && path->len > 2 && path->bytes[1] == '/' &&
           path->bytes[0] == letter;
}

static void strip(struct diff_path *path) {
    if (!path->known || path->null || path->len <= 2) return;
    memmove(path->bytes, path->bytes + 2, path->len - 2);
    path->len -= 2;
}

/* Only known pairs are prefixes: with --no-prefix a folder named "a" stays a folder. */
void diff_strip_prefixes(struct diff_reader *r) {
    static const char pairs[][2] = {{'a', 'b'}, {'i', 'w'}, {'c', 'i'}, {'c', 'w'},
                                    {'o', 'w'}, {'b', 'a'}, {'w', 'i'}, {'1', '2'}};
    struct diff_path *old = &r->old_path, *now = &r->new_path;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const bool old_fits = prefixed(old, pairs[i][0]) || old->null || !old->known;
        const bool new_fits = prefixed(now, pairs[i][1]) || now->null || !now->known;
        if (old_fits && new_fits) {
            strip(old);
            strip(now);
            return;
        }
    }
}
