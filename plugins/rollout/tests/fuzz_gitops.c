/* A name, a NUL, a reason, a NUL, a commit message of somebody else: any bytes. */
#include "gitops_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void expect(int holds, const char *what) {
    if (holds) return;
    fprintf(stderr, "%s\n", what);
    abort();
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    char *text = calloc(1, size + 3), folder[GITOPS_PATH], value[GITOPS_NAME], mail[GITOPS_NAME];
    char message[GITOPS_MESSAGE];
    if (!text) return 0;
    memcpy(text, data, size);
    const char *reason = text + strlen(text) + 1;
    if ((size_t)(reason - text) > size) reason = "";
    const char *other = *reason ? reason + strlen(reason) + 1 : "";
    const struct gitops_commit commit = {.names = {"default", text, "prod"},
                                         .id = "01ABC",
                                         .cause = "promoted",
                                         .image = text,
                                         .reason = reason};
    if (!gitops_folder("apps/{app}/{environment}", &commit.names, folder)) {
        expect(strncmp(folder, "apps/", 5) == 0, "a folder stays below its own");
        expect(!strstr(folder, "/."), "no part of a folder is hidden or leads up");
    }
    gitops_message(&commit, message);
    expect(gitops_trailer(message, "Sluice-Deployment", value) && !strcmp(value, "01ABC"),
           "no reason makes a trailer");
    (void)gitops_trailer(other, "Sluice-Deployment", value);
    (void)gitops_author(other, value, mail);
    (void)gitops_pattern_problem(text);
    free(text);
    return 0;
}
