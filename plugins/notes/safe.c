#include "safe.h"

#include <string.h>
#include <strings.h>

/* ---- kinds of words ---- */

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

static bool letter(char c) {
    return (unsigned)((c | 0x20) - 'a') < 26U;
}

static bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}

static bool hex(char c) {
    return digit(c) || (unsigned)((c | 0x20) - 'a') < 6U;
}

static bool has(struct span word, char c) {
    return memchr(word.at, c, word.len) != NULL;
}

/* "1a2b3c4", a whole SHA: hexadecimal with both digits and letters, or forty of them. */
static bool is_hash(struct span word) {
    size_t digits = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (!hex(word.at[i])) return false;
        digits += digit(word.at[i]);
    }
    return word.len >= 7 && word.len <= 64 && digits && (digits < word.len || word.len >= 12);
}

/* "ABC-123" as trackers write them; "UTF-8", "SHA-256" and the like are words of the trade. */
static bool is_ticket(struct span word) {
    static const char *const trade[] = {"UTF", "SHA", "ISO", "RFC",  "AES",   "HTTP",
                                        "TLS", "IPV", "CVE", "GHSA", "OAUTH", "MD",
                                        "UTC", "H",   "X",   "COVID"};
    size_t letters = 0;
    while (letters < word.len && (upper(word.at[letters]) || (letters && digit(word.at[letters]))))
        letters++;
    if (letters < 1 || letters + 1 >= word.len || word.at[letters] != '-') return false;
    for (size_t i = letters + 1; i < word.len; i++)
        if (!digit(word.at[i])) return false;
    for (size_t i = 0; i < sizeof trade / sizeof *trade; i++)
        if (strlen(trade[i]) == letters && strncasecmp(trade[i], word.at, letters) == 0)
            return false;
    return true;
}

/* "#123", "!12", "GH-1", "org/repo#5" */
static bool is_reference(struct span word) {
    const char *mark = memchr(word.at, '#', word.len);
    if (!mark && word.at[0] == '!') mark = word.at;
    return mark && mark + 1 < word.at + word.len && digit(mark[1]);
}

static bool is_host_ending(struct span end) {
    static const char *const endings[] = {"com",     "net",   "org",  "io",    "dev", "internal",
                                          "local",   "corp",  "lan",  "cloud", "app", "svc",
                                          "cluster", "intra", "home", "co",    "de",  "uk",
                                          "eu",      "us",    "ai",   "tech"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (strlen(endings[i]) == end.len && strncasecmp(endings[i], end.at, end.len) == 0)
            return true;
    return false;
}

/* "db-3.prod.internal", "10.0.0.7", "fe80::1", "host:8080" */
static bool is_host(struct span word) {
    size_t dots = 0, colons = 0, digits = 0;
    for (size_t i = 0; i < word.len; i++) {
        dots += word.at[i] == '.';
        colons += word.at[i] == ':';
        digits += digit(word.at[i]);
    }
    if (dots == 3 && digits + dots + colons == word.len) return true; /* IPv4 */
    if (colons >= 2) {
        size_t i = 0;
        while (i < word.len && (hex(word.at[i]) || strchr(":.%/", word.at[i]))) i++;
        if (i == word.len) return true; /* IPv6 */
    }
    const char *last = memrchr(word.at, '.', word.len);
    if (last) {
        const char *end = word.at + word.len, *port = memchr(last, ':', (size_t)(end - last));
        const struct span ending = {last + 1, (size_t)((port ? port : end) - last - 1)};
        if (is_host_ending(ending)) return true;
    }
    const char *colon = memchr(word.at, ':', word.len);
    return colon && colon > word.at && colons == 1 && colon + 1 < word.at + word.len &&
           digit(colon[1]) && letter(word.at[0]);
}

/* A path or a file of the source: "src/pay/x.go", "C:\x", "config.yaml". */
static bool is_path(struct span word) {
    static const char *const endings[] = {
        ".go",   ".c",   ".h",    ".py",   ".js",    ".ts",   ".java", ".rs",   ".rb",
        ".yaml", ".yml", ".json", ".toml", ".sh",    ".sql",  ".lua",  ".cc",   ".cpp",
        ".tsx",  ".jsx", ".kt",   ".tf",   ".proto", ".conf", ".env",  ".lock", ".xml"};
    if (has(word, '\\')) return true;
    size_t slashes = 0;
    for (size_t i = 0; i < word.len; i++) slashes += word.at[i] == '/';
    if (slashes >= 2 || (slashes && (word.at[0] == '/' || word.at[0] == '.'))) return true;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        const size_t len = strlen(endings[i]);
        if (word.len > len && strncasecmp(word.at + word.len - len, endings[i], len) == 0)
            return true;
    }
    return false;
}

/* Names of code: snake_case, camelCase, call(), a::b, $x. */
static bool is_code(struct span word) {
    if (has(word, '_') || has(word, '(') || has(word, '$') || has(word, '=') || has(word, '{') ||
        has(word, '<') || has(word, '>'))
        return true;
    if (memmem(word.at, word.len, "::", 2)) return true;
    bool small = false;
    for (size_t i = 0; i < word.len; i++) {
        const bool camel = small && upper(word.at[i]) && i + 1 < word.len && letter(word.at[i + 1]);
        if (camel && word.at[0] >= 'a' && word.at[0] <= 'z') return true;
        small = word.at[i] >= 'a' && word.at[i] <= 'z';
    }
    return false;
}

/* Long words without meaning: keys, tokens, identifiers. */
static bool is_token(struct span word) {
    size_t digits = 0, letters = 0;
    for (size_t i = 0; i < word.len; i++) {
        digits += digit(word.at[i]);
        letters += letter(word.at[i]);
    }
    return (word.len >= 16 && digits && letters) || word.len > 40;
}

static bool is_named(struct span word, const struct safe_words *inside) {
    for (size_t i = 0; inside && i < inside->count; i++) {
        const char *name = inside->items[i];
        for (const char *at = name; *at;) {
            const size_t len = strcspn(at, " ");
            if (len >= 3 && len == word.len && strncasecmp(at, word.at, len) == 0) return true;
            at += len;
            while (*at == ' ') at++;
        }
    }
    return false;
}

static bool is_inside(struct span word, const struct safe_words *inside) {
    if (has(word, '@') || memmem(word.at, word.len, "://", 3) ||
        (word.len > 4 && strncasecmp(word.at, "www.", 4) == 0))
        return true;
    return is_reference(word) || is_hash(word) || is_ticket(word) || is_host(word) ||
           is_path(word) || is_code(word) || is_token(word) || is_named(word, inside);
}

/* ---- sentences ---- */

static const char edges[] = "()[]{}<>\"'`,;*~|";

/* The word itself: what stands around it belongs to the sentence. */
static struct span core(struct span word) {
    while (word.len && strchr(edges, word.at[0]) && word.at[0]) word.at++, word.len--;
    while (word.len &&
           (strchr(edges, word.at[word.len - 1]) || strchr(".!?:", word.at[word.len - 1])) &&
           !(word.len > 2 && word.at[word.len - 1] == ')' && has(word, '(')))
        word.len--;
    return word;
}

static struct span next_word(struct span *rest) {
    while (rest->len && (unsigned char)rest->at[0] <= ' ') rest->at++, rest->len--;
    struct span word = {rest->at, 0};
    while (word.len < rest->len && (unsigned char)rest->at[word.len] > ' ') word.len++;
    rest->at += word.len;
    rest->len -= word.len;
    return word;
}

bool safe_leaks(const char *text, const struct safe_words *inside) {
    struct span rest = {text, strlen(text)};
    for (;;) {
        const struct span word = next_word(&rest);
        if (!word.len) return false;
        const struct span inner = core(word);
        if (inner.len && is_inside(inner, inside)) return true;
    }
}

/* Words that lead to what was left out: "see #12", "by Ada", "on db-1". */
static bool leads(struct span word) {
    static const char *const words[] = {
        "see",    "by",   "on",     "at",    "in",    "from",   "to",   "of",
        "for",    "refs", "closes", "fixes", "issue", "via",    "with", "and",
        "or",     "the",  "a",      "an",    "pr",    "ticket", "host", "user",
        "thanks", "cc",   "commit", "when",  "if",    "using",  "into", "as"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == word.len && strncasecmp(words[i], word.at, word.len) == 0)
            return true;
    return false;
}

static bool is_article(struct span word) {
    return span_is(word, "a") || span_is(word, "an") || span_is(word, "the");
}

struct sentence {
    char *out;
    size_t len;
    size_t words; /* kept ones that say something */
};

static void take_back_leads(struct sentence *s) {
    while (s->len) {
        size_t from = s->len;
        while (from && s->out[from - 1] != ' ') from--;
        const struct span last = core((struct span){s->out + from, s->len - from});
        if (last.len && !leads(last)) return;
        s->len = from ? from - 1 : 0;
    }
}

static void add_word(struct sentence *s, struct span word) {
    if (s->len + word.len + 2 >= SAFE_MOST) return;
    if (s->len) s->out[s->len++] = ' ';
    for (size_t i = 0; i < word.len; i++)
        if (!strchr("`*<>[]|{}", word.at[i])) s->out[s->len++] = word.at[i];
    s->words += word.len >= 3 && !leads(word);
}

static size_t finish(struct sentence *s) {
    take_back_leads(s);
    while (s->len && strchr(".,;:!- (", s->out[s->len - 1])) s->len--;
    s->out[s->len] = 0;
    if (s->out[0] >= 'a' && s->out[0] <= 'z') s->out[0] = (char)(s->out[0] - 32);
    return s->len;
}

size_t safe_text(struct span text, const struct safe_words *inside, char out[SAFE_MOST]) {
    struct sentence s = {.out = out};
    struct span rest = text;
    bool cut = false;
    out[0] = 0;
    for (;;) {
        const struct span word = next_word(&rest);
        if (!word.len) break;
        const struct span inner = core(word);
        if (inner.len && is_inside(inner, inside)) {
            take_back_leads(&s);
            cut = true;
            continue;
        }
        /* After a cut a lead would hang in the air. */
        if (cut && inner.len && leads(inner) && !is_article(inner)) continue;
        if (inner.len) cut = false;
        if (inner.len || s.len) add_word(&s, word);
    }
    const size_t len = finish(&s);
    if (s.words >= 2 && !safe_leaks(out, inside)) return len;
    out[0] = 0;
    return 0;
}
