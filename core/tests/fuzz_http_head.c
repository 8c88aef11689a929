/* Whatever the head check lets in, llhttp must take too, and read the same length of body. */
#include "http_head.h"

#include <llhttp.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int pause_at_end(llhttp_t *parser) {
    *(int *)parser->data += 1;
    return HPE_PAUSED;
}

static void same_in_llhttp(const char *head, size_t size, const struct head_facts *facts) {
    llhttp_settings_t settings;
    llhttp_t parser;
    int complete = 0;
    llhttp_settings_init(&settings);
    settings.on_message_complete = pause_at_end;
    llhttp_init(&parser, HTTP_REQUEST, &settings);
    parser.data = &complete;
    llhttp_errno_t error = llhttp_execute(&parser, head, size);
    if (error == HPE_PAUSED_UPGRADE) error = HPE_PAUSED; /* the server ignores Upgrade */
    bool same = error == HPE_OK && !complete;
    if (facts->content_length == 0)
        same = error == HPE_PAUSED && llhttp_get_error_pos(&parser) == head + size;
    else if (facts->content_length < 0)
        same = same && parser.flags & F_CHUNKED;
    else
        same = same && parser.content_length == (uint64_t)facts->content_length;
    if (!same) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct http_limits limits;
    struct head_facts facts;
    http_limits_default(&limits);
    const char *text = (const char *)data;
    size_t scanned = 0, stepwise = 0;
    int64_t end = head_end(text, size, &scanned), found = 0;
    for (size_t i = 1; i <= size && !found; i++) found = head_end(text, i, &stepwise);
    if (found != end) abort();
    size_t head = end > 0 ? (size_t)end : size;
    if (head_scan(text, head, &limits, &facts) == 0) same_in_llhttp(text, head, &facts);
    return 0;
}
