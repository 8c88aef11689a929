#include "whole_signals.h"

#include "dangers.h"
#include "path_words.h"

#include <string.h>

enum { LARGE_GENERATED_LINES = 5000, ASSERTIONS_MISSED = 5 };

static void tell(struct signals_run *run, struct finding finding) {
    finding.file = run->file;
    finding_add(run->found, &finding);
}

static bool ends_any(struct diff_text path, const char *const *tails) {
    for (; *tails; tails++)
        if (path_ends(path, *tails)) return true;
    return false;
}

static void judge_sensitive_code(struct signals_run *run) {
    if (run->kind != KIND_SOURCE) return;
    if (run->says & PATH_AUTH)
        tell(run, (struct finding){.id = "auth-code-touched",
                                   .family = "code",
                                   .severity = SEVERITY_INFO,
                                   .means = "code that decides who may do what is touched",
                                   .fix = "let someone who knows it review"});
    if (run->says & PATH_CRYPTO)
        tell(run, (struct finding){.id = "crypto-code-touched",
                                   .family = "code",
                                   .severity = SEVERITY_INFO,
                                   .means = "code that encrypts or verifies is touched",
                                   .fix = "let someone who knows it review"});
}

static void judge_kind_of_file(struct signals_run *run, const struct diff_file *file) {
    static const char *const keys[] = {".pem",     ".p12",      ".pfx",   ".jks",
                                       ".kdbx",    ".keystore", "id_rsa", "id_ed25519",
                                       "id_ecdsa", ".ppk",      NULL};
    static const char *const programs[] = {".exe",   ".dll", ".so",  ".dylib", ".jar",
                                           ".class", ".pyc", ".apk", NULL};
    const bool comes = file->change == DIFF_CREATED || file->change == DIFF_COPIED;
    if (comes && ends_any(run->path, keys) && run->kind != KIND_TEST)
        tell(run,
             (struct finding){.id = "key-file-added",
                              .family = "secret",
                              .severity = SEVERITY_HIGH,
                              .means = "a file that usually holds private keys comes in",
                              .fix = "keep keys in a vault; if it was ever pushed, replace it"});
    if (file->binary && file->change != DIFF_REMOVED && ends_any(run->path, programs))
        tell(run, (struct finding){.id = "program-added",
                                   .family = "supply-chain",
                                   .severity = SEVERITY_MEDIUM,
                                   .means = "a compiled program cannot be reviewed",
                                   .fix = "build it from source, or fetch it with a checksum"});
    if (file->submodule)
        tell(run, (struct finding){.id = "submodule-moved",
                                   .family = "supply-chain",
                                   .severity = SEVERITY_INFO,
                                   .means = "the change includes another repository's changes",
                                   .fix = "review what came in there too"});
    if (file->change == DIFF_REMOVED && run->kind == KIND_TEST)
        tell(run, (struct finding){.id = "test-removed",
                                   .family = "checks",
                                   .severity = SEVERITY_MEDIUM,
                                   .means = "a whole test file is gone",
                                   .fix = "say where its cases are tested now"});
    if (run->where & IN_CI)
        tell(run, (struct finding){.id = "pipeline-changed",
                                   .family = "supply-chain",
                                   .severity = SEVERITY_INFO,
                                   .means = "the pipeline that builds and checks is touched",
                                   .fix = "review it like code that runs with its secrets"});
}

void whole_on_file(struct signals_run *run, const struct diff_file *file) {
    run->version_count = 0;
    judge_sensitive_code(run);
    judge_kind_of_file(run, file);
}

/* ---- dependency versions ---- */

static bool digit(char c) {
    return c >= '0' && c <= '9';
}

/* Finds "12.3" or "v12" after a quote, '=', '>' or blank; hashes the line's text before it. */
static bool read_version(struct diff_text line, struct signals_version *version) {
    uint64_t name = 0xcbf29ce484222325ULL;
    uint32_t letters = 0;
    for (size_t i = 0; i < line.len; i++) {
        const char c = line.at[i];
        const char before = i ? line.at[i - 1] : ' ';
        const bool border =
            !((before >= 'a' && before <= 'z') || (before >= 'A' && before <= 'Z') ||
              before == '_' || before == '-' || before == '.' || digit(before)) ||
            (before == 'v' &&
             (i < 2 || line.at[i - 2] == ' ' || line.at[i - 2] == '"' || line.at[i - 2] == '^'));
        if (digit(c) && border && letters) {
            uint32_t major = 0;
            size_t end = i;
            for (; end < line.len && digit(line.at[end]) && major < 100000; end++)
                major = major * 10 + (uint32_t)(line.at[end] - '0');
            if (end >= line.len || line.at[end] != '.' || end + 1 >= line.len ||
                !digit(line.at[end + 1]))
                return false;
            version->name = name;
            version->major = major;
            return true;
        }
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
            if (c == 'v' && i + 1 < line.len && digit(line.at[i + 1])) continue;
            letters++;
            name = (name ^ (unsigned char)c) * 0x100000001b3ULL;
        }
    }
    return false;
}

void whole_on_manifest_line(struct signals_run *run, const struct diff_line *line) {
    struct signals_version version;
    if (!read_version(line->text, &version)) return;
    if (line->side == DIFF_DELETED) {
        if (run->version_count < SIGNALS_VERSIONS) run->versions[run->version_count++] = version;
        return;
    }
    for (uint32_t i = 0; i < run->version_count; i++) {
        if (run->versions[i].name != version.name || run->versions[i].major == version.major)
            continue;
        const bool back = run->versions[i].major > version.major;
        tell(run, (struct finding){.id = back ? "dependency-went-back" : "dependency-jump",
                                   .family = "supply-chain",
                                   .severity = SEVERITY_MEDIUM,
                                   .means = back ? "a dependency went back by a major version"
                                                 : "a dependency jumped by a major version",
                                   .fix = "read what it breaks, and ship it alone",
                                   .line = line->number});
        return;
    }
}

/* ---- what a whole file or the whole change tells ---- */

void whole_on_file_end(struct signals_run *run, const struct diff_file *file) {
    (void)file;
    const struct change *change = run->change;
    if (run->created && run->tallies[TALLY_CONTAINERS] > 0 && run->tallies[TALLY_LIMITS] <= 0)
        tell(run, (struct finding){.id = "k8s-no-limits",
                                   .family = "kubernetes",
                                   .severity = SEVERITY_MEDIUM,
                                   .means = "containers without limits can starve their node",
                                   .fix = "set memory and CPU limits"});
    if (!change->file_count) return;
    const bool made = run->kind == KIND_GENERATED || run->kind == KIND_OTHER;
    if (made && change->files[change->file_count - 1].added > LARGE_GENERATED_LINES)
        tell(run, (struct finding){.id = "large-blob",
                                   .family = "code",
                                   .severity = SEVERITY_INFO,
                                   .means = "too much text that no one will read",
                                   .fix = "generate it in the build, or keep it elsewhere"});
}

void whole_on_end(struct signals_run *run, const struct change *change) {
    if (run->assertions <= -ASSERTIONS_MISSED)
        finding_add(run->found,
                    &(struct finding){.id = "assertions-removed",
                                      .family = "checks",
                                      .severity = SEVERITY_MEDIUM,
                                      .means = "tests lose more assertions than they gain",
                                      .fix = "say where these cases are tested now",
                                      .file = -1});
    if (change->files_by[KIND_LOCK] && !change->files_by[KIND_MANIFEST])
        finding_add(run->found,
                    &(struct finding){.id = "lock-without-manifest",
                                      .family = "supply-chain",
                                      .severity = SEVERITY_INFO,
                                      .means = "resolved dependencies moved, declared ones did not",
                                      .fix = "check that every move is wanted",
                                      .file = -1});
}
