/* Any bytes as a numstat, a message and a model file: no fault, no endless sum. */
#include "model.h"
#include "numstat.h"

#include <math.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct diff_text text = {(const char *)data, size};
    static struct lexicon lexicon;
    if (!lexicon.words[0]) lexicon_init(&lexicon);
    struct change change;
    change_init(&change, &lexicon);
    (void)numstat_read(text, &change);
    change.message = message_read(text);
    change_close(&change);
    double values[FEATURES_MOST];
    features_measure(&(struct feature_input){.change = &change}, values);
    struct model model;
    char why[160];
    if (model_parse(&model, text.at, text.len, why) == 0) {
        struct model_effects effects;
        model_score(&model, values, &effects);
        if (effects.count != model.term_count) abort();
    }
    change_fini(&change);
    return 0;
}
