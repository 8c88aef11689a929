/* Any text as a question, as a form, as a model's answer: read somehow, within bounds. */
#include "intent.h"
#include "slack.h"
#include "slots.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096) return 0;
    char *question = calloc(1, size + 1);
    if (!question) return 0;
    memcpy(question, data, size);
    static const char *const names[] = {"shop", "payments", "ledger-2", "x"};
    const struct known known = {names, 4};
    static struct words words;
    struct slots slots;
    words_read(&words, question);
    if (words.count > WORDS_MOST) abort();
    slots_read(&slots, &words, INT64_C(1795384800000));
    slots_names(&slots, &words, known, known, known);
    if (slots.time.from_ms > slots.time.to_ms) abort();
    const struct intent_guess guess =
        intent_guess(&words, (struct intent_facts){.app = slots.app_count > 0});
    if (!intent_name(guess.intent)) abort();
    free(slack_form(question, size, "text"));
    free(slack_question(question));
    cJSON *evidence = cJSON_CreateObject();
    cJSON_AddStringToObject(evidence, "e1", "shop 1.4.2 was denied in prod");
    cJSON_AddStringToObject(evidence, "answer", question);
    struct verified verified = verify(question, evidence, "why?");
    if (verified.text && strlen(verified.text) > size) abort();
    free(verified.text);
    cJSON_Delete(slack_message(evidence, question));
    cJSON_Delete(evidence);
    free(question);
    return 0;
}
