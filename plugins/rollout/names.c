#include "names.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool is_letter(char c) {
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool app_name_fits(const char *name) {
    size_t size = strlen(name);
    if (size == 0 || size > APP_NAME_MAX || !is_letter(name[0]) || name[size - 1] == '-')
        return false;
    for (const char *at = name; *at; at++)
        if (!is_letter(*at) && !is_digit(*at) && *at != '-') return false;
    return true;
}

void app_name_mend(const char *name, char mended[APP_NAME_MAX + 1]) {
    size_t size = 0;
    for (const char *at = name; *at && size < APP_NAME_MAX; at++) {
        char c = *at;
        if (c >= 'A' && c <= 'Z') c = (char)(c - 'A' + 'a');
        if (is_letter(c) || (size && is_digit(c)))
            mended[size++] = c;
        else if (size && mended[size - 1] != '-')
            mended[size++] = '-';
    }
    while (size && mended[size - 1] == '-') size--;
    if (size == 0) mended[size++] = 'a';
    mended[size] = 0;
}

static uint32_t hash_more(uint32_t hash, const char *text) { /* FNV-1a */
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 16777619u;
    return (hash ^ '-') * 16777619u;
}

void kube_name(char name[KUBE_NAME_MAX + 1], const char *a, const char *b, const char *c) {
    const char *const parts[] = {a, b, c};
    size_t size = 0, wanted = 0;
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < 3; i++) {
        if (!parts[i]) continue;
        if (wanted++ && size < KUBE_NAME_MAX) name[size++] = '-';
        size_t length = strlen(parts[i]);
        size_t room = KUBE_NAME_MAX - size;
        memcpy(name + size, parts[i], length < room ? length : room);
        size += length < room ? length : room;
        wanted += length;
        hash = hash_more(hash, parts[i]);
    }
    name[size] = 0;
    /* each part counted one for its '-', the first had none */
    if (wanted - 1 > KUBE_NAME_MAX)
        (void)snprintf(name + KUBE_NAME_MAX - 9, 10, "-%08x", (unsigned)hash);
}
