#include "kind.h"

#include <string.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool same(const char *a, const char *b, size_t len) {
    for (size_t i = 0; i < len; i++)
        if (lower(a[i]) != b[i]) return false;
    return true;
}

bool path_ends(struct diff_text path, const char *tail) {
    const size_t len = strlen(tail);
    return path.len >= len && same(path.at + path.len - len, tail, len);
}

bool path_has(struct diff_text path, const char *part) {
    const size_t len = strlen(part);
    for (size_t i = 0; i + len <= path.len; i++)
        if (lower(path.at[i]) == part[0] && same(path.at + i, part, len)) return true;
    return false;
}

size_t path_folder_len(struct diff_text path) {
    size_t len = path.len;
    while (len && path.at[len - 1] != '/') len--;
    return len ? len - 1 : 0;
}

size_t path_root_len(struct diff_text path) {
    const char *slash = path.len ? memchr(path.at, '/', path.len) : NULL;
    return slash ? (size_t)(slash - path.at) : 0;
}

struct diff_text path_name(struct diff_text path) {
    size_t at = path.len;
    while (at && path.at[at - 1] != '/') at--;
    return (struct diff_text){path.at + at, path.len - at};
}

enum match { NAME, NAME_STARTS, ENDS, FOLDER, PART };

struct rule {
    enum match how;
    const char *what; /* lower case */
    enum file_kind kind;
};

/* The first row that fits decides, so the order is part of the meaning. */
static const struct rule rules[] = {
    {NAME, "package-lock.json", KIND_LOCK},
    {NAME, "yarn.lock", KIND_LOCK},
    {NAME, "pnpm-lock.yaml", KIND_LOCK},
    {NAME, "npm-shrinkwrap.json", KIND_LOCK},
    {NAME, "go.sum", KIND_LOCK},
    {NAME, "cargo.lock", KIND_LOCK},
    {NAME, "composer.lock", KIND_LOCK},
    {NAME, "gemfile.lock", KIND_LOCK},
    {NAME, "poetry.lock", KIND_LOCK},
    {NAME, "pipfile.lock", KIND_LOCK},
    {NAME, "uv.lock", KIND_LOCK},
    {NAME, "gradle.lockfile", KIND_LOCK},
    {NAME, "packages.lock.json", KIND_LOCK},
    {NAME, "mix.lock", KIND_LOCK},
    {NAME, "flake.lock", KIND_LOCK},
    {NAME, ".terraform.lock.hcl", KIND_LOCK},
    {FOLDER, "node_modules", KIND_GENERATED},
    {FOLDER, "generated", KIND_GENERATED},
    {FOLDER, "dist", KIND_GENERATED},
    {ENDS, ".min.js", KIND_GENERATED},
    {ENDS, ".min.css", KIND_GENERATED},
    {ENDS, ".pb.go", KIND_GENERATED},
    {ENDS, "_pb2.py", KIND_GENERATED},
    {ENDS, "_pb2_grpc.py", KIND_GENERATED},
    {ENDS, ".pb.h", KIND_GENERATED},
    {ENDS, ".pb.cc", KIND_GENERATED},
    {ENDS, "_generated.go", KIND_GENERATED},
    {ENDS, ".g.dart", KIND_GENERATED},
    {ENDS, ".designer.cs", KIND_GENERATED},
    {ENDS, ".js.map", KIND_GENERATED},
    {FOLDER, "migrations", KIND_MIGRATION},
    {FOLDER, "migration", KIND_MIGRATION},
    {FOLDER, "migrate", KIND_MIGRATION},
    {FOLDER, "flyway", KIND_MIGRATION},
    {FOLDER, "liquibase", KIND_MIGRATION},
    {FOLDER, "alembic", KIND_MIGRATION},
    {FOLDER, "test", KIND_TEST},
    {FOLDER, "tests", KIND_TEST},
    {FOLDER, "testing", KIND_TEST},
    {FOLDER, "__tests__", KIND_TEST},
    {FOLDER, "spec", KIND_TEST},
    {FOLDER, "specs", KIND_TEST},
    {FOLDER, "testdata", KIND_TEST},
    {FOLDER, "e2e", KIND_TEST},
    {NAME_STARTS, "test_", KIND_TEST},
    {NAME_STARTS, "tst_", KIND_TEST},
    {PART, "_test.", KIND_TEST},
    {PART, "_tests.", KIND_TEST},
    {PART, ".test.", KIND_TEST},
    {PART, "_spec.", KIND_TEST},
    {PART, ".spec.", KIND_TEST},
    {ENDS, "test.java", KIND_TEST},
    {ENDS, "tests.java", KIND_TEST},
    {ENDS, "testcase.java", KIND_TEST},
    {ENDS, "test.kt", KIND_TEST},
    {ENDS, "test.cs", KIND_TEST},
    {ENDS, "tests.cs", KIND_TEST},
    {ENDS, "test.scala", KIND_TEST},
    {ENDS, "test.php", KIND_TEST},
    {ENDS, "test.cpp", KIND_TEST},
    {NAME_STARTS, "dockerfile", KIND_INFRA},
    {NAME_STARTS, "containerfile", KIND_INFRA},
    {ENDS, ".dockerfile", KIND_INFRA},
    {NAME_STARTS, "docker-compose", KIND_INFRA},
    {NAME_STARTS, "compose.y", KIND_INFRA},
    {NAME_STARTS, "jenkinsfile", KIND_INFRA},
    {NAME, ".travis.yml", KIND_INFRA},
    {NAME, ".gitlab-ci.yml", KIND_INFRA},
    {NAME, "azure-pipelines.yml", KIND_INFRA},
    {FOLDER, ".github", KIND_INFRA},
    {FOLDER, ".circleci", KIND_INFRA},
    {FOLDER, "terraform", KIND_INFRA},
    {FOLDER, "k8s", KIND_INFRA},
    {FOLDER, "kubernetes", KIND_INFRA},
    {FOLDER, "helm", KIND_INFRA},
    {FOLDER, "charts", KIND_INFRA},
    {FOLDER, "ansible", KIND_INFRA},
    {FOLDER, "deploy", KIND_INFRA},
    {ENDS, ".tf", KIND_INFRA},
    {ENDS, ".tfvars", KIND_INFRA},
    {ENDS, ".hcl", KIND_INFRA},
    {NAME, "package.json", KIND_MANIFEST},
    {NAME, "pom.xml", KIND_MANIFEST},
    {NAME, "go.mod", KIND_MANIFEST},
    {NAME, "cargo.toml", KIND_MANIFEST},
    {NAME, "gemfile", KIND_MANIFEST},
    {NAME, "pipfile", KIND_MANIFEST},
    {NAME, "pyproject.toml", KIND_MANIFEST},
    {NAME, "setup.py", KIND_MANIFEST},
    {NAME, "setup.cfg", KIND_MANIFEST},
    {NAME_STARTS, "requirements", KIND_MANIFEST},
    {NAME, "composer.json", KIND_MANIFEST},
    {NAME_STARTS, "makefile", KIND_MANIFEST},
    {NAME, "cmakelists.txt", KIND_MANIFEST},
    {NAME, "configure.ac", KIND_MANIFEST},
    {NAME, "build.xml", KIND_MANIFEST},
    {NAME, "ivy.xml", KIND_MANIFEST},
    {PART, "build.gradle", KIND_MANIFEST},
    {ENDS, ".gradle", KIND_MANIFEST},
    {ENDS, ".csproj", KIND_MANIFEST},
    {ENDS, ".cmake", KIND_MANIFEST},
    {ENDS, ".mk", KIND_MANIFEST},
    {ENDS, ".pro", KIND_MANIFEST},
    {FOLDER, "docs", KIND_DOCS},
    {FOLDER, "doc", KIND_DOCS},
    {NAME_STARTS, "readme", KIND_DOCS},
    {NAME_STARTS, "changelog", KIND_DOCS},
    {NAME_STARTS, "changes", KIND_DOCS},
    {NAME_STARTS, "license", KIND_DOCS},
    {NAME_STARTS, "notice", KIND_DOCS},
    {NAME_STARTS, "authors", KIND_DOCS},
    {NAME_STARTS, "contributing", KIND_DOCS},
    {ENDS, ".md", KIND_DOCS},
    {ENDS, ".rst", KIND_DOCS},
    {ENDS, ".adoc", KIND_DOCS},
    {ENDS, ".txt", KIND_DOCS},
    {ENDS, ".tex", KIND_DOCS},
    {ENDS, ".yaml", KIND_CONFIG},
    {ENDS, ".yml", KIND_CONFIG},
    {ENDS, ".json", KIND_CONFIG},
    {ENDS, ".toml", KIND_CONFIG},
    {ENDS, ".ini", KIND_CONFIG},
    {ENDS, ".cfg", KIND_CONFIG},
    {ENDS, ".conf", KIND_CONFIG},
    {ENDS, ".properties", KIND_CONFIG},
    {ENDS, ".xml", KIND_CONFIG},
    {ENDS, ".xsd", KIND_CONFIG},
    {ENDS, ".env", KIND_CONFIG},
    {NAME_STARTS, ".env", KIND_CONFIG},
};

struct suffix {
    const char *ext;
    enum file_syntax syntax;
};

static const struct suffix languages[] = {
    {"c", SYNTAX_SLASHES},      {"h", SYNTAX_SLASHES},     {"cc", SYNTAX_SLASHES},
    {"cpp", SYNTAX_SLASHES},    {"cxx", SYNTAX_SLASHES},   {"hpp", SYNTAX_SLASHES},
    {"hh", SYNTAX_SLASHES},     {"hxx", SYNTAX_SLASHES},   {"m", SYNTAX_SLASHES},
    {"mm", SYNTAX_SLASHES},     {"java", SYNTAX_SLASHES},  {"kt", SYNTAX_SLASHES},
    {"kts", SYNTAX_SLASHES},    {"scala", SYNTAX_SLASHES}, {"groovy", SYNTAX_SLASHES},
    {"cs", SYNTAX_SLASHES},     {"go", SYNTAX_SLASHES},    {"rs", SYNTAX_SLASHES},
    {"js", SYNTAX_SLASHES},     {"jsx", SYNTAX_SLASHES},   {"ts", SYNTAX_SLASHES},
    {"tsx", SYNTAX_SLASHES},    {"mjs", SYNTAX_SLASHES},   {"vue", SYNTAX_SLASHES},
    {"svelte", SYNTAX_SLASHES}, {"swift", SYNTAX_SLASHES}, {"dart", SYNTAX_SLASHES},
    {"php", SYNTAX_SLASHES},    {"proto", SYNTAX_SLASHES}, {"qml", SYNTAX_SLASHES},
    {"cu", SYNTAX_SLASHES},     {"zig", SYNTAX_SLASHES},   {"y", SYNTAX_SLASHES},
    {"l", SYNTAX_SLASHES},      {"jsp", SYNTAX_SLASHES},   {"py", SYNTAX_HASH},
    {"pyx", SYNTAX_HASH},       {"rb", SYNTAX_HASH},       {"sh", SYNTAX_HASH},
    {"bash", SYNTAX_HASH},      {"pl", SYNTAX_HASH},       {"pm", SYNTAX_HASH},
    {"r", SYNTAX_HASH},         {"ex", SYNTAX_HASH},       {"exs", SYNTAX_HASH},
    {"jl", SYNTAX_HASH},        {"tcl", SYNTAX_HASH},      {"ps1", SYNTAX_HASH},
    {"coffee", SYNTAX_HASH},    {"nim", SYNTAX_HASH},      {"lua", SYNTAX_DASHES},
    {"sql", SYNTAX_DASHES},     {"hs", SYNTAX_DASHES},     {"elm", SYNTAX_DASHES},
    {"erl", SYNTAX_NONE},       {"clj", SYNTAX_NONE},      {"ml", SYNTAX_NONE},
    {"fs", SYNTAX_SLASHES},     {"vb", SYNTAX_NONE},       {"s", SYNTAX_NONE},
    {"asm", SYNTAX_NONE},       {"f90", SYNTAX_NONE},      {"html", SYNTAX_NONE},
    {"css", SYNTAX_NONE},       {"scss", SYNTAX_NONE},     {"less", SYNTAX_NONE},
};

static const struct suffix *language(struct diff_text path) {
    const struct diff_text name = path_name(path);
    size_t dot = name.len;
    while (dot && name.at[dot - 1] != '.') dot--;
    const size_t len = name.len - dot;
    if (!dot || !len) return NULL;
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (strlen(languages[i].ext) == len && same(name.at + dot, languages[i].ext, len))
            return &languages[i];
    return NULL;
}

enum { MOST_PARTS = 24 };

/* The folders of a path. Those beyond the first 24 are left out. */
struct parts {
    struct diff_text folders[MOST_PARTS];
    uint32_t count;
};

static void split(struct diff_text path, struct parts *parts) {
    size_t from = 0;
    parts->count = 0;
    for (size_t i = 0; i < path.len && parts->count < MOST_PARTS; i++) {
        if (path.at[i] != '/') continue;
        parts->folders[parts->count++] = (struct diff_text){path.at + from, i - from};
        from = i + 1;
    }
}

static bool in_folder(const struct parts *parts, const char *folder) {
    const size_t len = strlen(folder);
    for (uint32_t i = 0; i < parts->count; i++)
        if (parts->folders[i].len == len && same(parts->folders[i].at, folder, len)) return true;
    return false;
}

static bool fits(const struct rule *rule, const struct parts *parts, struct diff_text name) {
    const size_t len = strlen(rule->what);
    switch (rule->how) {
    case NAME:
        return name.len == len && same(name.at, rule->what, len);
    case NAME_STARTS:
        return name.len >= len && same(name.at, rule->what, len);
    case ENDS:
        return path_ends(name, rule->what);
    case FOLDER:
        return in_folder(parts, rule->what);
    case PART:
        return path_has(name, rule->what);
    }
    return false;
}

enum file_kind kind_of(struct diff_text path) {
    const struct diff_text name = path_name(path);
    const bool source = language(path) != NULL;
    struct parts parts;
    split(path, &parts);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        const enum file_kind kind = rules[i].kind;
        /* Code in a folder called docs or deploy, or changes.c, is code. */
        if (source && (kind == KIND_DOCS || (kind == KIND_INFRA && rules[i].how == FOLDER)))
            continue;
        if (fits(&rules[i], &parts, name)) return kind;
    }
    return source ? KIND_SOURCE : KIND_OTHER;
}

enum file_syntax kind_syntax(struct diff_text path) {
    const struct suffix *found = language(path);
    return found ? found->syntax : SYNTAX_NONE;
}

const char *kind_name(enum file_kind kind) {
    static const char *const names[KIND_COUNT] = {[KIND_SOURCE] = "source",
                                                  [KIND_TEST] = "test",
                                                  [KIND_DOCS] = "docs",
                                                  [KIND_CONFIG] = "config",
                                                  [KIND_INFRA] = "infrastructure",
                                                  [KIND_MIGRATION] = "migration",
                                                  [KIND_MANIFEST] = "dependency manifest",
                                                  [KIND_LOCK] = "dependency lock",
                                                  [KIND_GENERATED] = "generated",
                                                  [KIND_OTHER] = "other"};
    return kind < KIND_COUNT ? names[kind] : "other";
}
