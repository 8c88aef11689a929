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
    size_t room = writer->room * 2;
    while (room < writer->size + more) room *= 2;
    char *text = arena_alloc(writer->arena, room);
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

/* Copies first and looks then: in the writer's own memory 16 bytes can be read at once, and the
 * closing quote ends the look. Most strings need nothing more. */
static void put_string(struct writer *writer, const char *text) {
    if (!text) text = "";
    size_t size = strlen(text);
    char *to = space(writer, size + 2 + JSON_LOOK_AHEAD);
    *to++ = '"';
    memcpy(to, text, size + 1);
    to[size] = '"'; /* in the place of the NUL */
    size_t plain = 0;
    for (size_t run = JSON_LOOK_AHEAD; run == JSON_LOOK_AHEAD; plain += run)
        run = plain_of_16(to + plain);
    if (plain == size) {
        writer->size += size + 2;
        return;
    }
    writer->size += 1 + plain;
    for (const char *at = text + plain, *end = text + size; at < end;) {
        at = put_special(writer, at, end);
        const char *stop = json_plain_run(at, end);
        if (stop > at) put(writer, at, (size_t)(stop - at));
        at = stop;
    }
    put_byte(writer, '"');
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
    struct writer writer = {.arena = arena, .room = 512};
    writer.text = arena_alloc(arena, writer.room);
    if (json) {
        put_value(&writer, json);
    } else {
        put(&writer, "null", 4);
    }
    *space(&writer, 1) = 0;
    if (size) *size = writer.size;
    return writer.text;
}
