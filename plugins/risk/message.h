/* What the words of a commit message say. Pure. */
#ifndef RISK_MESSAGE_H
#define RISK_MESSAGE_H

#include "diff.h"

struct message_words {
    bool known; /* a message was given */
    bool fix, revert, refactor, docs, feature, speed, version, issue;
    uint32_t words, chars;
};

struct message_words message_read(struct diff_text message);

#endif
