/* slack.h - Slack's side of the chat, without a host: signatures, forms, Block Kit. Pure. */
#ifndef CHAT_SLACK_H
#define CHAT_SLACK_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLACK_WINDOW_S = 300, SLACK_SECTION_BYTES = 2900, SLACK_BLOCKS = 50 };

/* Did Slack sign these bytes within the last five minutes? `timestamp` and `signature` as in its
 * headers, NULL when absent. Compares in constant time. */
bool slack_signed(const char *secret, const char *timestamp, const char *signature,
                  const void *body, size_t size, int64_t now_s);

/* The value of a field of application/x-www-form-urlencoded, decoded; the caller frees it. NULL: it is
 * not there, or no UTF-8 text. */
char *slack_form(const char *body, size_t size, const char *name);

/* The question in a message: without mentions (<@U…>), with the escapes undone. The caller frees it. */
char *slack_question(const char *text);

/* A message from an answer of chat.ask: {text, blocks}. A new tree. */
cJSON *slack_message(const cJSON *answer, const char *question);

#endif
