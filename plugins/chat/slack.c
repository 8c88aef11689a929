#include "slack.h"

#include <ctype.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- signature ---- */

static bool same(const char *a, const char *b, size_t size) {
    unsigned char differs = 0;
    for (size_t i = 0; i < size; i++) differs |= (unsigned char)(a[i] ^ b[i]);
    return !differs;
}

bool slack_signed(const char *secret, const char *timestamp, const char *signature,
                  const void *body, size_t size, int64_t now_s) {
    enum { SIGNATURE = 3 + 2 * SHA256_DIGEST_SIZE };
    char *end = NULL;
    if (!*secret || !timestamp || !signature || strlen(signature) != SIGNATURE) return false;
    const long long at_s = strtoll(timestamp, &end, 10);
    if (end == timestamp || *end || at_s < now_s - SLACK_WINDOW_S || at_s > now_s + SLACK_WINDOW_S)
        return false;
    struct hmac_sha256_ctx hmac;
    uint8_t digest[SHA256_DIGEST_SIZE];
    hmac_sha256_set_key(&hmac, strlen(secret), (const uint8_t *)secret);
    hmac_sha256_update(&hmac, 3, (const uint8_t *)"v0:");
    hmac_sha256_update(&hmac, strlen(timestamp), (const uint8_t *)timestamp);
    hmac_sha256_update(&hmac, 1, (const uint8_t *)":");
    hmac_sha256_update(&hmac, size, body);
    hmac_sha256_digest(&hmac, sizeof digest, digest);
    char wanted[SIGNATURE + 1] = "v0=";
    for (size_t i = 0; i < sizeof digest; i++)
        (void)snprintf(wanted + 3 + 2 * i, 3, "%02x", digest[i]);
    return same(wanted, signature, SIGNATURE);
}

/* ---- forms ---- */

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static bool is_utf8(const char *text) {
    const unsigned char *at = (const unsigned char *)text;
    while (*at) {
        const int more = *at < 0x80                  ? 0
                         : *at >= 0xf0 && *at < 0xf5 ? 3
                         : *at >= 0xe0               ? 2
                         : *at >= 0xc2               ? 1
                                                     : -1;
        if (more < 0 || *at > 0xf4) return false;
        const unsigned char head = *at++;
        for (int i = 0; i < more; i++, at++) {
            if ((*at & 0xc0) != 0x80) return false;
            if (!i && ((head == 0xe0 && *at < 0xa0) || (head == 0xed && *at > 0x9f) ||
                       (head == 0xf0 && *at < 0x90) || (head == 0xf4 && *at > 0x8f)))
                return false;
        }
    }
    return true;
}

static char *decode(const char *from, size_t size) {
    char *out = malloc(size + 1);
    size_t used = 0;
    for (size_t i = 0; out && i < size; i++) {
        char c = from[i] == '+' ? ' ' : from[i];
        if (from[i] == '%' && i + 2 < size + 0 && hex_of(from[i + 1]) >= 0 &&
            hex_of(from[i + 2]) >= 0) {
            c = (char)(hex_of(from[i + 1]) * 16 + hex_of(from[i + 2]));
            i += 2;
        }
        if (c) out[used++] = c;
    }
    if (!out) return NULL;
    out[used] = 0;
    if (is_utf8(out)) return out;
    free(out);
    return NULL;
}

char *slack_form(const char *body, size_t size, const char *name) {
    const size_t length = strlen(name);
    for (const char *at = body, *end = body + size; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        if (!stop) stop = end;
        if ((size_t)(stop - at) > length && memcmp(at, name, length) == 0 && at[length] == '=')
            return decode(at + length + 1, (size_t)(stop - at) - length - 1);
        at = stop + 1;
    }
    return NULL;
}

/* ---- texts ---- */

char *slack_question(const char *text) {
    static const char *const escapes[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}};
    char *out = malloc(strlen(text) + 1);
    size_t used = 0;
    for (const char *at = text; out && *at;) {
        const char *close = *at == '<' && (at[1] == '@' || at[1] == '!') ? strchr(at, '>') : NULL;
        if (close) {
            at = close + 1;
            continue;
        }
        bool escaped = false;
        for (size_t i = 0; i < sizeof escapes / sizeof *escapes && !escaped; i++) {
            const size_t size = strlen(escapes[i][0]);
            escaped = strncmp(at, escapes[i][0], size) == 0;
            if (escaped) out[used++] = *escapes[i][1], at += size;
        }
        if (!escaped) out[used++] = *at++;
    }
    if (!out) return NULL;
    out[used] = 0;
    const size_t blank = strspn(out, " \t\r\n");
    memmove(out, out + blank, used - blank + 1);
    return out;
}

/* Escapes what Slack reads as markup: `size` bytes of text. The caller frees it. */
static char *escape(const char *text, size_t size) {
    char *out = malloc(size * 5 + 1);
    size_t used = 0;
    for (size_t i = 0; out && i < size; i++) {
        const char *as = text[i] == '&'   ? "&amp;"
                         : text[i] == '<' ? "&lt;"
                         : text[i] == '>' ? "&gt;"
                                          : NULL;
        if (as) {
            memcpy(out + used, as, strlen(as));
            used += strlen(as);
        } else {
            out[used++] = text[i];
        }
    }
    if (out) out[used] = 0;
    return out;
}

/* How much of a text fits, escaped, into a section; ends between characters and, if it can, words. */
static size_t piece_of(const char *text, size_t room) {
    size_t size = 0, blank = 0, used = 0;
    for (; text[size]; size++) {
        used += text[size] == '&' ? 5 : strchr("<>", text[size]) ? 4 : 1;
        if (used > room) break;
        if (text[size] == ' ' || text[size] == '\n') blank = size + 1;
    }
    if (!text[size]) return size;
    if (blank > size / 2) return blank;
    while (size && ((unsigned char)text[size] & 0xc0) == 0x80) size--;
    return size;
}

static void add_section(cJSON *blocks, const char *type, const char *title, const char *text,
                        size_t size) {
    char *clean = escape(text, size), *whole = NULL;
    if (!clean || asprintf(&whole, "%s%s", title, clean) < 0) whole = NULL;
    if (whole && cJSON_GetArraySize(blocks) < SLACK_BLOCKS) {
        cJSON *block = cJSON_CreateObject(), *inner = cJSON_CreateObject();
        cJSON_AddStringToObject(block, "type", type);
        cJSON_AddStringToObject(inner, "type", "mrkdwn");
        cJSON_AddStringToObject(inner, "text", whole);
        if (strcmp(type, "context") == 0)
            cJSON_AddItemToArray(cJSON_AddArrayToObject(block, "elements"), inner);
        else
            cJSON_AddItemToObject(block, "text", inner);
        cJSON_AddItemToArray(blocks, block);
    }
    free(whole);
    free(clean);
}

/* A text in as many sections as it needs, up to `most`. */
static void add_text(cJSON *blocks, const char *title, const char *text, int most) {
    while (*text && most--) {
        const size_t size = piece_of(text, SLACK_SECTION_BYTES);
        add_section(blocks, "section", title, text, size);
        title = "";
        text += size ? size : strlen(text);
    }
}

static const char *text_in(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void add_evidence(cJSON *blocks, const cJSON *answer) {
    const cJSON *item;
    int shown = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(answer, "evidence")) {
        char *line = NULL;
        if (shown++ == 10) break;
        if (asprintf(&line, "[%s] %s: %.200s", text_in(item, "id"), text_in(item, "ref"),
                     text_in(item, "quote")) < 0)
            return;
        add_section(blocks, "context", "", line, piece_of(line, 1900));
        free(line);
    }
}

static void add_next(cJSON *blocks, const cJSON *answer) {
    const cJSON *next = cJSON_GetObjectItemCaseSensitive(answer, "next_best_action");
    char *words = NULL;
    if (!next) return;
    char *input = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(next, "input"));
    if (asprintf(&words, "%s: %s %s", text_in(next, "why"), text_in(next, "operation"),
                 input ? input : "") > 0) {
        add_text(blocks, "*Next* ", words, 1);
        free(words);
    }
    cJSON_free(input);
}

cJSON *slack_message(const cJSON *answer, const char *question) {
    cJSON *message = cJSON_CreateObject();
    char *plain = escape(text_in(answer, "answer"), piece_of(text_in(answer, "answer"), 3000));
    cJSON_AddStringToObject(message, "text", plain && *plain ? plain : "There is no answer.");
    free(plain);
    cJSON *blocks = cJSON_AddArrayToObject(message, "blocks");
    add_section(blocks, "context", "", question, piece_of(question, 500));
    add_text(blocks, "", text_in(answer, "answer"), 6);
    if (*text_in(answer, "root_cause"))
        add_text(blocks, "*Root cause* ", text_in(answer, "root_cause"), 1);
    if (*text_in(answer, "fix")) add_text(blocks, "*Fix* ", text_in(answer, "fix"), 1);
    add_next(blocks, answer);
    add_evidence(blocks, answer);
    return message;
}
