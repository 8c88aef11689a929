/* Any bytes as the answers of HAProxy's runtime API: no fault, and weights stay in their range. */
#include "haproxy_split.h"
#include "haproxy_stat.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct haproxy_servers servers;
    const char *text = (const char *)data;
    if (haproxy_stat_read(text, size, "shop", &servers)) {
        for (size_t i = 0; i < servers.count; i++) {
            const struct haproxy_server *server = &servers.items[i];
            if (server->weight < 0 || server->weight > 256 || !(server->requests >= 0) ||
                server->errors > server->requests)
                abort();
        }
    } else if (!servers.fault[0]) {
        abort();
    }
    if (!(haproxy_info(text, size, "Pid") >= -1)) abort();
    char value[HAPROXY_NOTE], again[HAPROXY_NOTE];
    struct haproxy_note note;
    if (haproxy_var(text, size, value, sizeof value) && haproxy_note_read(value, &note)) {
        haproxy_note_write(&note, again);
        struct haproxy_note same;
        if (!haproxy_note_read(again, &same) || same.generation != note.generation) abort();
    }
    size_t length = 0;
    (void)haproxy_refusal(text, size, &length);
    return 0;
}
