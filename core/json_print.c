/* json_print.c - a tree as text on one line. cJSON's own printer spends a printf and a scanf on
 * every number; this one answers a request of 1 KB several times faster. */
#include "arena.h"
#include "json.h"
#include "json_plain.h"

#include <string.h>

enum { JSON_LOOK_AHEAD = 16 };

struct writer {
    struct arena *arena;
    char *text;
    size_t size, room;
};

static void grow(struct writer *writer, size_t more) {
    size_t room;
    char *text = arena_open(writer->arena, (writer->size + more) * 2, &room);
    memcpy(text, writer->text, writer->size);
    writer->text = text;
    writer->room = room;
}

/* Where the next `more` bytes go. */
static inline char *space(struct writer *writer, size_t more) {
    if (writer->size + more > writer->room) grow(writer, more);
    return writer->text + writer->size;
}

static inline void put(struct writer *writer, const char *text, size_t size) {
    memcpy(space(writer, size), text, size);
    writer->size += size;
}

static inline void put_byte(struct writer *writer, char byte) {
    *space(writer, 1) = byte;
    writer->size++;
}

/* Writes what cannot stand in a string as it is; returns the byte behind it. */
static const char *put_special(struct writer *writer, const char *at, const char *end) {
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    unsigned char byte = (unsigned char)*at;
    if (byte >= 0x80) {
        unsigned length = json_utf8_length(at, end);
        put(writer, length ? at : "\xef\xbf\xbd", length ? length : 3);
        return at + (length ? length : 1);
    }
    const char *found = strchr(plain, byte);
    if (found) {
        const char escape[2] = {'\\', letter[found - plain]};
        put(writer, escape, 2);
    } else {
        static const char hex[] = "0123456789abcdef";
        const char escape[6] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
        put(writer, escape, 6);
    }
    return at + 1;
}

/* Copies `size` bytes, perhaps a few more, and tells whether one of them cannot stand in a string as
 * it is. There is room for JSON_LOOK_AHEAD bytes more at `to`; nothing is read behind `from`'s NUL. */
static inline bool copy_plain(char *to, const char *from, size_t size) {
    if (size >= 16) {
        unsigned special = 0;
        for (size_t at = 0; at + 16 <= size; at += 16) special |= copy_16(to + at, from + at);
        return !(special | copy_16(to + size - 16, from + size - 16));
    }
    if (size >= 8) {
        memcpy(to, from, 8);
        memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
        memcpy(to, from, 4);
        memcpy(to + size - 4, from + size - 4, 4);
    } else {
        for (size_t at = 0; at < size; at++) to[at] = from[at];
    }
    return !(special_of_16(to) & ((1U << size) - 1));
}

static void put_marked_string(struct writer *writer, const char *text, size_t size) {
    for (const char *at = text, *end = text + size; at < end;) {
        const char *stop = json_plain_run(at, end);
        if (stop > at) put(writer, at, (size_t)(stop - at));
        at = stop < end ? put_special(writer, stop, end) : end;
    }
    put_byte(writer, '"');
}

/* Most strings are names of less than 16 bytes: one look finds their end as well as what cannot stand
 * as it is. It may see bytes behind the end, but, like strlen, never those of another page. */
static inline bool put_short_string(struct writer *writer, const char *text) {
#if defined(__SSE2__) && !defined(__SANITIZE_ADDRESS__)
    if (((uintptr_t)text & 4095) > 4096 - 16) return false;
    unsigned special = special_of_16(text);
    if (!special) return false;
    size_t size = (size_t)__builtin_ctz(special);
    if (text[size]) return false;
    char *to = space(writer, size + 2 + JSON_LOOK_AHEAD);
    *to = '"';
    memcpy(to + 1, text, 16);
    to[size + 1] = '"';
    writer->size += size + 2;
    return true;
#else
    (void)writer, (void)text;
    return false;
#endif
}

static void put_string(struct writer *writer, const char *text) {
    if (!text) text = "";
    if (put_short_string(writer, text)) return;
    size_t size = strlen(text);
    char *to = space(writer, size + 2 + JSON_LOOK_AHEAD);
    *to++ = '"';
    if (!copy_plain(to, text, size)) {
        writer->size++;
        put_marked_string(writer, text, size);
        return;
    }
    to[size] = '"';
    writer->size += size + 2;
}

static void put_value(struct writer *writer, const cJSON *json) {
    switch (json->type & 0xff) {
    case cJSON_String:
        put_string(writer, json->valuestring);
        return;
    case cJSON_Number:
        writer->size += json_print_number(json->valuedouble, space(writer, JSON_NUMBER_TEXT));
        return;
    case cJSON_True:
        put(writer, "true", 4);
        return;
    case cJSON_False:
        put(writer, "false", 5);
        return;
    case cJSON_Raw:
        put(writer, json->valuestring, strlen(json->valuestring));
        return;
    case cJSON_Object:
    case cJSON_Array:
        break;
    default:
        put(writer, "null", 4);
        return;
    }
    bool object = (json->type & 0xff) == cJSON_Object;
    put_byte(writer, object ? '{' : '[');
    for (const cJSON *child = json->child; child; child = child->next) {
        if (child != json->child) put_byte(writer, ',');
        if (object) {
            put_string(writer, child->string);
            put_byte(writer, ':');
        }
        put_value(writer, child);
    }
    put_byte(writer, object ? '}' : ']');
}

char *json_print(struct arena *arena, const cJSON *json, size_t *size) {
    struct writer writer = {.arena = arena};
    writer.text = arena_open(arena, 512, &writer.room);
    if (json) {
        put_value(&writer, json);
    } else {
        put(&writer, "null", 4);
    }
    *space(&writer, 1) = 0;
    arena_close(arena, writer.size + 1);
    if (size) *size = writer.size;
    return writer.text;
}
