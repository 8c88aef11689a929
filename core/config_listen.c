/* config_listen.c - whether server.listen names addresses, before anything is bound. Pure. */
#include "config_inside.h"

#include <stdlib.h>
#include <string.h>

enum { UNIX_PATH_MAX = 107, HOST_MAX = 255 };

/* NULL, or what is wrong with it. */
static const char *address_trouble(const char *address) {
    if (strncmp(address, "unix:", 5) == 0) {
        size_t size = strlen(address + 5);
        if (size == 0) return "expected a path behind 'unix:'";
        return size > UNIX_PATH_MAX ? "the path of a socket has at most 107 bytes" : NULL;
    }
    const char *colon = strrchr(address, ':');
    if (!colon) return "expected HOST:PORT, [IPV6]:PORT or unix:PATH";
    size_t host = (size_t)(colon - address), digits = strspn(colon + 1, "0123456789");
    bool bracketed = host >= 2 && address[0] == '[' && colon[-1] == ']';
    if (!bracketed && memchr(address, ':', host)) return "put an IPv6 address into [brackets]";
    if (host > HOST_MAX) return "the host's name is too long";
    bool port = digits > 0 && digits <= 5 && colon[1 + digits] == '\0';
    if (!port || strtol(colon + 1, NULL, 10) > 65535) return "a port is a number from 0 to 65535";
    return NULL;
}

void config_check_listen(struct config *config) {
    const cJSON *list = config_at(config, "/server/listen"), *one, *other;
    size_t index = 0;
    cJSON_ArrayForEach(one, list) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/server/listen/%zu", index++);
        if (!cJSON_IsString(one)) continue; /* told by its field */
        const char *trouble = address_trouble(one->valuestring);
        for (other = list->child; other != one && !trouble; other = other->next)
            if (cJSON_IsString(other) && strcmp(other->valuestring, one->valuestring) == 0)
                trouble = "the same address stands here twice";
        if (trouble)
            config_fault(config, pointer, false, "C0201", NULL, "server.listen: %s", trouble);
    }
}
