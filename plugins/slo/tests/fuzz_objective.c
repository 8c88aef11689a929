/* Any bytes as an objective, as OpenSLO documents, as kept measurements and as a zone file: no
 * fault; whatever objective is taken gives rules, a status, and a window around any moment. */
#include "measure.h"
#include "openslo.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const cJSON *form) {
    static const int64_t moments[] = {0, 1, 1795000000000, 4102444800000};
    static struct objective o;
    struct objective_fault fault;
    if (!objective_read(form, &o, &fault)) {
        if (!fault.words[0]) abort();
        return;
    }
    if (!(o.budget > 0 && o.budget < 1) || o.period_ms < 3600000) abort();
    struct text text = {.at = NULL};
    rules_begin(&text);
    rules_add(&text, &o);
    text_free(&text);
    for (size_t i = 0; i < 4; i++) {
        const struct span span = objective_span(&o, moments[i]);
        if (span.from_ms >= span.until_ms) abort();
    }
    struct measure m;
    unsigned fired, resolved;
    measure_read(form, &o, &m);
    measure_alerts(&o, &m, 1795000000000, &fired, &resolved);
    cJSON_Delete(status_of(&o, &m, 1795000000000));
    cJSON_Delete(measure_write(&m));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct zone zone;
    (void)zone_parse(data, size, &zone);
    cJSON *given = cJSON_ParseWithLength((const char *)data, size);
    if (!given) return 0;
    use(given);
    cJSON *forms = cJSON_CreateArray(), *notes = cJSON_CreateArray(),
          *documents = cJSON_CreateArray();
    char why[OPENSLO_WHY_BYTES] = "";
    cJSON_AddItemToArray(documents, given);
    if (openslo_read(documents, forms, notes, why)) {
        const cJSON *form;
        cJSON_ArrayForEach(form, forms) use(form);
    } else if (!*why) {
        abort();
    }
    cJSON_Delete(documents);
    cJSON_Delete(forms);
    cJSON_Delete(notes);
    return 0;
}
