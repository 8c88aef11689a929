#include "conventional.h"

#include <string.h>

/* ---- cleaning ---- */

static bool is_scissors(struct span line) {
    return line.len > 3 && line.at[0] == '#' && memmem(line.at, line.len, ">8", 2) &&
           memmem(line.at, line.len, "----", 4);
}

/* The comments of git's commit template, where a message was saved with them. */
static bool is_template(struct span message) {
    static const char mark[] = "\n# Please enter the commit message";
    return memmem(message.at, message.len, mark, sizeof mark - 1) != NULL;
}

static struct span next_line(struct span *rest) {
    const char *stop = rest->len ? memchr(rest->at, '\n', rest->len) : NULL;
    struct span line = {rest->at, stop ? (size_t)(stop - rest->at) : rest->len};
    const size_t used = line.len + (stop ? 1 : 0);
    rest->at += used;
    rest->len -= used;
    while (line.len && (line.at[line.len - 1] == '\r' || line.at[line.len - 1] == ' ' ||
                        line.at[line.len - 1] == '\t'))
        line.len--;
    return line;
}

size_t cc_clean(const char *message, size_t len, char *out) {
    struct span rest = {message, len < CC_MESSAGE_MOST ? len : CC_MESSAGE_MOST};
    const bool template = is_template(rest);
    size_t used = 0;
    while (rest.len) {
        const struct span line = next_line(&rest);
        if (is_scissors(line)) break;
        if (template && line.len && line.at[0] == '#') continue;
        if (!used && !line.len) continue;
        for (size_t i = 0; i < line.len; i++) out[used++] = line.at[i] ? line.at[i] : ' ';
        out[used++] = '\n';
    }
    while (used && out[used - 1] == '\n') used--;
    out[used] = 0;
    return used;
}

/* ---- words ---- */

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool span_starts(struct span span, const char *prefix) {
    for (size_t i = 0; prefix[i]; i++)
        if (i >= span.len || lower(span.at[i]) != lower(prefix[i])) return false;
    return true;
}

bool span_is(struct span span, const char *word) {
    return span.len == strlen(word) && span_starts(span, word);
}

const struct cc_footer *cc_footer_of(const struct cc_commit *commit, const char *token) {
    for (size_t i = 0; i < commit->footer_count; i++)
        if (span_is(commit->footers[i].token, token)) return &commit->footers[i];
    return NULL;
}

static struct span trimmed(struct span span) {
    while (span.len && (span.at[0] == ' ' || span.at[0] == '\t')) span.at++, span.len--;
    while (span.len && strchr(" \t\n", span.at[span.len - 1])) span.len--;
    return span;
}

/* ---- the header ---- */

/* A type is a noun: letters of any script, digits, and - _ . / + within. */
static size_t type_length(struct span line) {
    size_t len = 0;
    while (len < line.len) {
        const char c = line.at[len], l = lower(c);
        const bool letter = (l >= 'a' && l <= 'z') || (unsigned char)c >= 0x80;
        if (!letter && !(len && ((c >= '0' && c <= '9') || strchr("-_./+", c)))) break;
        len++;
    }
    return len;
}

static bool read_header(struct span line, struct cc_commit *out) {
    const size_t type = type_length(line);
    size_t at = type;
    if (!type) return false;
    struct span scope = {0};
    if (at < line.len && line.at[at] == '(') {
        const size_t from = ++at;
        while (at < line.len && line.at[at] != ')' && line.at[at] != '(') at++;
        if (at == line.len || line.at[at] != ')' || at == from) return false;
        scope = trimmed((struct span){line.at + from, at - from});
        if (!scope.len) return false;
        at++;
    }
    const bool bang = at < line.len && line.at[at] == '!';
    at += bang;
    if (at + 1 >= line.len || line.at[at] != ':' || line.at[at + 1] != ' ') return false;
    const struct span description = trimmed((struct span){line.at + at + 1, line.len - at - 1});
    if (!description.len) return false;
    out->type = (struct span){line.at, type};
    out->scope = scope;
    out->bang = bang;
    out->description = description;
    return true;
}

/* ---- footers ---- */

static bool is_breaking_token(struct span token) {
    return (token.len == 15 && memcmp(token.at, "BREAKING CHANGE", 15) == 0) ||
           (token.len == 15 && memcmp(token.at, "BREAKING-CHANGE", 15) == 0);
}

/* "Token: value", "Token #value"; the token is words joined by '-', or BREAKING CHANGE. */
static bool footer_starts(struct span line, struct cc_footer *out, uint32_t *lints) {
    size_t len = 0;
    if (line.len > 15 && is_breaking_token((struct span){line.at, 15})) {
        len = 15;
        if (line.at[15] == ':' && (line.len == 16 || line.at[16] != ' ')) {
            /* Never miss a breaking change for want of a blank. */
            *lints |= CC_BREAKING_WITHOUT_BLANK;
            *out = (struct cc_footer){
                {line.at, 15}, trimmed((struct span){line.at + 16, line.len - 16}), ':'};
            return out->value.len > 0;
        }
    } else {
        while (len < line.len) {
            const char l = lower(line.at[len]);
            const bool letter = (l >= 'a' && l <= 'z') || (unsigned char)l >= 0x80;
            if (!letter && !(len && ((l >= '0' && l <= '9') || l == '-'))) break;
            len++;
        }
    }
    if (!len || line.len < len + 3) return false;
    const char *const separator = line.at + len;
    const bool colon = separator[0] == ':' && separator[1] == ' ';
    const bool hash = separator[0] == ' ' && separator[1] == '#';
    if (!colon && !hash) return false;
    out->token = (struct span){line.at, len};
    out->separator = colon ? ':' : '#';
    out->value = trimmed((struct span){line.at + len + 2, line.len - len - 2});
    return out->value.len > 0;
}

/* Trailers that are no words of prose: they are footers even right under the body. */
static bool is_trailer(struct span token) {
    static const char *const known[] = {"signed-off-by", "co-authored-by",    "reviewed-by",
                                        "acked-by",      "tested-by",         "release-as",
                                        "change-id",     "piperorigin-revid", "source-link"};
    if (is_breaking_token(token)) return true;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (span_is(token, known[i])) return true;
    return false;
}

struct reading {
    struct cc_commit *out;
    struct cc_footer *open; /* the footer that further lines belong to */
    const char *body_from, *body_end;
    bool after_blank;
};

static void close_footer(struct reading *r, const char *end) {
    if (!r->open) return;
    r->open->value = trimmed((struct span){r->open->value.at, (size_t)(end - r->open->value.at)});
    r->open = NULL;
}

static void add_footer(struct reading *r, struct cc_footer footer) {
    struct cc_commit *out = r->out;
    if (out->footer_count == CC_FOOTERS_MOST) {
        out->lints |= CC_CUT;
        return;
    }
    r->open = &out->footers[out->footer_count++];
    *r->open = footer;
}

/* A footer stands in the last block of paragraphs that begin with one: when prose follows after a
 * blank line, it belongs to the value, as the specification allows. */
static void read_rest(struct span rest, struct cc_commit *out) {
    struct reading r = {.out = out, .after_blank = true};
    const char *const end = rest.at + rest.len;
    while (rest.len) {
        const char *const from = rest.at;
        const struct span line = next_line(&rest);
        struct cc_footer footer;
        uint32_t lints = 0;
        const bool starts = footer_starts(line, &footer, &lints);
        const bool taken = starts && (r.open || r.after_blank || is_trailer(footer.token));
        if (taken) {
            if (!r.open && !r.after_blank) out->lints |= CC_FOOTER_WITHOUT_BLANK;
            out->lints |= lints;
            close_footer(&r, from);
            add_footer(&r, footer);
        } else if (!r.open && line.len) {
            if (!r.body_from) r.body_from = from;
            r.body_end = line.at + line.len;
        }
        r.after_blank = !line.len;
    }
    close_footer(&r, end);
    if (r.body_from) out->body = (struct span){r.body_from, (size_t)(r.body_end - r.body_from)};
}

static void judge_breaking(struct cc_commit *out) {
    out->breaking = out->bang;
    out->breaking_text = out->bang ? out->description : (struct span){0};
    for (size_t i = 0; i < out->footer_count; i++)
        if (is_breaking_token(out->footers[i].token)) {
            out->breaking = true;
            out->breaking_text = out->footers[i].value;
            return;
        }
}

void cc_read(struct span message, struct cc_commit *out) {
    *out = (struct cc_commit){0};
    struct span rest = message;
    out->header = next_line(&rest);
    out->conventional = read_header(out->header, out);
    if (rest.len && rest.at[0] != '\n') out->lints |= CC_BODY_WITHOUT_BLANK;
    while (rest.len && rest.at[0] == '\n') rest.at++, rest.len--;
    read_rest(rest, out);
    judge_breaking(out);
}
