/* Signals of the deployment request itself: what will run, and how many of it. */
#include "score.h"
#include "signals.h"

#include <string.h>

/* "registry:5000/app" has no tag; "app@sha256:…" is pinned. */
static bool has_floating_tag(struct diff_text image) {
    if (!image.len || memchr(image.at, '@', image.len)) return false;
    const struct diff_text name = path_name(image);
    const char *colon = memchr(name.at, ':', name.len);
    if (!colon) return true;
    const size_t len = (size_t)(name.at + name.len - colon) - 1;
    return len == 0 || (len == 6 && memcmp(colon + 1, "latest", 6) == 0);
}

void signals_on_request(const struct score_input *in, struct findings *found) {
    const bool prod = in->context.environment == ENVIRONMENT_PROD;
    if (has_floating_tag(in->image))
        finding_add(found, &(struct finding){
                               .id = "image-latest",
                               .family = "deployment",
                               .severity = prod ? SEVERITY_HIGH : SEVERITY_MEDIUM,
                               .means = "the image carries no fixed tag: what runs can change "
                                        "without a deployment, and cannot be rolled back to",
                               .fix = "deploy a version tag or a digest",
                               .file = -1});
    if (prod && in->replicas >= 0 && in->replicas < 2)
        finding_add(found, &(struct finding){.id = "single-replica",
                                             .family = "deployment",
                                             .severity = SEVERITY_MEDIUM,
                                             .means = "one pod in production: its restart is an "
                                                      "outage",
                                             .fix = "run at least two replicas",
                                             .file = -1});
}
