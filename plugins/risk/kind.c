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

static bool path_has(struct diff_text path, const char *part) {
    const size_t len = strlen(part);
    const char small = part[0], large = small >= 'a' && small <= 'z' ? (char)(small - 32) : small;
    for (size_t i = 0; i + len <= path.len; i++)
        if ((path.at[i] == small || path.at[i] == large) && same(path.at + i, part, len))
            return true;
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
    size_t len;
    enum file_kind kind;
};

#define TEXT(what) (what), sizeof(what) - 1

/* The first row that fits decides, so the order is part of the meaning. */
static const struct rule rules[] = {
    {NAME, TEXT("package-lock.json"), KIND_LOCK},
    {NAME, TEXT("yarn.lock"), KIND_LOCK},
    {NAME, TEXT("pnpm-lock.yaml"), KIND_LOCK},
    {NAME, TEXT("npm-shrinkwrap.json"), KIND_LOCK},
    {NAME, TEXT("go.sum"), KIND_LOCK},
    {NAME, TEXT("cargo.lock"), KIND_LOCK},
    {NAME, TEXT("composer.lock"), KIND_LOCK},
    {NAME, TEXT("gemfile.lock"), KIND_LOCK},
    {NAME, TEXT("poetry.lock"), KIND_LOCK},
    {NAME, TEXT("pipfile.lock"), KIND_LOCK},
    {NAME, TEXT("uv.lock"), KIND_LOCK},
    {NAME, TEXT("gradle.lockfile"), KIND_LOCK},
    {NAME, TEXT("packages.lock.json"), KIND_LOCK},
    {NAME, TEXT("mix.lock"), KIND_LOCK},
    {NAME, TEXT("flake.lock"), KIND_LOCK},
    {NAME, TEXT(".terraform.lock.hcl"), KIND_LOCK},
    {FOLDER, TEXT("node_modules"), KIND_GENERATED},
    {FOLDER, TEXT("generated"), KIND_GENERATED},
    {FOLDER, TEXT("dist"), KIND_GENERATED},
    {ENDS, TEXT(".min.js"), KIND_GENERATED},
    {ENDS, TEXT(".min.css"), KIND_GENERATED},
    {ENDS, TEXT(".pb.go"), KIND_GENERATED},
    {ENDS, TEXT("_pb2.py"), KIND_GENERATED},
    {ENDS, TEXT("_pb2_grpc.py"), KIND_GENERATED},
    {ENDS, TEXT(".pb.h"), KIND_GENERATED},
    {ENDS, TEXT(".pb.cc"), KIND_GENERATED},
    {ENDS, TEXT("_generated.go"), KIND_GENERATED},
    {ENDS, TEXT(".g.dart"), KIND_GENERATED},
    {ENDS, TEXT(".designer.cs"), KIND_GENERATED},
    {ENDS, TEXT(".js.map"), KIND_GENERATED},
    {FOLDER, TEXT("migrations"), KIND_MIGRATION},
    {FOLDER, TEXT("migration"), KIND_MIGRATION},
    {FOLDER, TEXT("migrate"), KIND_MIGRATION},
    {FOLDER, TEXT("flyway"), KIND_MIGRATION},
    {FOLDER, TEXT("liquibase"), KIND_MIGRATION},
    {FOLDER, TEXT("alembic"), KIND_MIGRATION},
    {FOLDER, TEXT("test"), KIND_TEST},
    {FOLDER, TEXT("tests"), KIND_TEST},
    {FOLDER, TEXT("testing"), KIND_TEST},
    {FOLDER, TEXT("__tests__"), KIND_TEST},
    {FOLDER, TEXT("spec"), KIND_TEST},
    {FOLDER, TEXT("specs"), KIND_TEST},
    {FOLDER, TEXT("testdata"), KIND_TEST},
    {FOLDER, TEXT("e2e"), KIND_TEST},
    {NAME_STARTS, TEXT("test_"), KIND_TEST},
    {NAME_STARTS, TEXT("tst_"), KIND_TEST},
    {PART, TEXT("_test."), KIND_TEST},
    {PART, TEXT("_tests."), KIND_TEST},
    {PART, TEXT(".test."), KIND_TEST},
    {PART, TEXT("_spec."), KIND_TEST},
    {PART, TEXT(".spec."), KIND_TEST},
    {ENDS, TEXT("test.java"), KIND_TEST},
    {ENDS, TEXT("tests.java"), KIND_TEST},
    {ENDS, TEXT("testcase.java"), KIND_TEST},
    {ENDS, TEXT("test.kt"), KIND_TEST},
    {ENDS, TEXT("test.cs"), KIND_TEST},
    {ENDS, TEXT("tests.cs"), KIND_TEST},
    {ENDS, TEXT("test.scala"), KIND_TEST},
    {ENDS, TEXT("test.php"), KIND_TEST},
    {ENDS, TEXT("test.cpp"), KIND_TEST},
    {NAME_STARTS, TEXT("dockerfile"), KIND_INFRA},
    {NAME_STARTS, TEXT("containerfile"), KIND_INFRA},
    {ENDS, TEXT(".dockerfile"), KIND_INFRA},
    {NAME_STARTS, TEXT("docker-compose"), KIND_INFRA},
    {NAME_STARTS, TEXT("compose.y"), KIND_INFRA},
    {NAME_STARTS, TEXT("jenkinsfile"), KIND_INFRA},
    {NAME, TEXT(".travis.yml"), KIND_INFRA},
    {NAME, TEXT(".gitlab-ci.yml"), KIND_INFRA},
    {NAME, TEXT("azure-pipelines.yml"), KIND_INFRA},
    {FOLDER, TEXT(".github"), KIND_INFRA},
    {FOLDER, TEXT(".circleci"), KIND_INFRA},
    {FOLDER, TEXT("terraform"), KIND_INFRA},
    {FOLDER, TEXT("k8s"), KIND_INFRA},
    {FOLDER, TEXT("kubernetes"), KIND_INFRA},
    {FOLDER, TEXT("helm"), KIND_INFRA},
    {FOLDER, TEXT("charts"), KIND_INFRA},
    {FOLDER, TEXT("ansible"), KIND_INFRA},
    {FOLDER, TEXT("deploy"), KIND_INFRA},
    {ENDS, TEXT(".tf"), KIND_INFRA},
    {ENDS, TEXT(".tfvars"), KIND_INFRA},
    {ENDS, TEXT(".hcl"), KIND_INFRA},
    {NAME, TEXT("package.json"), KIND_MANIFEST},
    {NAME, TEXT("pom.xml"), KIND_MANIFEST},
    {NAME, TEXT("go.mod"), KIND_MANIFEST},
    {NAME, TEXT("cargo.toml"), KIND_MANIFEST},
    {NAME, TEXT("gemfile"), KIND_MANIFEST},
    {NAME, TEXT("pipfile"), KIND_MANIFEST},
    {NAME, TEXT("pyproject.toml"), KIND_MANIFEST},
    {NAME, TEXT("setup.py"), KIND_MANIFEST},
    {NAME, TEXT("setup.cfg"), KIND_MANIFEST},
    {NAME_STARTS, TEXT("requirements"), KIND_MANIFEST},
    {NAME, TEXT("composer.json"), KIND_MANIFEST},
    {NAME_STARTS, TEXT("makefile"), KIND_MANIFEST},
    {NAME, TEXT("cmakelists.txt"), KIND_MANIFEST},
    {NAME, TEXT("configure.ac"), KIND_MANIFEST},
    {NAME, TEXT("build.xml"), KIND_MANIFEST},
    {NAME, TEXT("ivy.xml"), KIND_MANIFEST},
    {PART, TEXT("build.gradle"), KIND_MANIFEST},
    {ENDS, TEXT(".gradle"), KIND_MANIFEST},
    {ENDS, TEXT(".csproj"), KIND_MANIFEST},
    {ENDS, TEXT(".cmake"), KIND_MANIFEST},
    {ENDS, TEXT(".mk"), KIND_MANIFEST},
    {ENDS, TEXT(".pro"), KIND_MANIFEST},
    {FOLDER, TEXT("docs"), KIND_DOCS},
    {FOLDER, TEXT("doc"), KIND_DOCS},
    {NAME_STARTS, TEXT("readme"), KIND_DOCS},
    {NAME_STARTS, TEXT("changelog"), KIND_DOCS},
    {NAME_STARTS, TEXT("changes"), KIND_DOCS},
    {NAME_STARTS, TEXT("license"), KIND_DOCS},
    {NAME_STARTS, TEXT("notice"), KIND_DOCS},
    {NAME_STARTS, TEXT("authors"), KIND_DOCS},
    {NAME_STARTS, TEXT("contributing"), KIND_DOCS},
    {ENDS, TEXT(".md"), KIND_DOCS},
    {ENDS, TEXT(".rst"), KIND_DOCS},
    {ENDS, TEXT(".adoc"), KIND_DOCS},
    {ENDS, TEXT(".txt"), KIND_DOCS},
    {ENDS, TEXT(".tex"), KIND_DOCS},
    {ENDS, TEXT(".yaml"), KIND_CONFIG},
    {ENDS, TEXT(".yml"), KIND_CONFIG},
    {ENDS, TEXT(".json"), KIND_CONFIG},
    {ENDS, TEXT(".toml"), KIND_CONFIG},
    {ENDS, TEXT(".ini"), KIND_CONFIG},
    {ENDS, TEXT(".cfg"), KIND_CONFIG},
    {ENDS, TEXT(".conf"), KIND_CONFIG},
    {ENDS, TEXT(".properties"), KIND_CONFIG},
    {ENDS, TEXT(".xml"), KIND_CONFIG},
    {ENDS, TEXT(".xsd"), KIND_CONFIG},
    {ENDS, TEXT(".env"), KIND_CONFIG},
    {NAME_STARTS, TEXT(".env"), KIND_CONFIG},
};

enum { SUFFIX_BYTES = 8 };

struct suffix {
    char ext[SUFFIX_BYTES]; /* filled up with zeros, so that all are compared at once */
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
    if (!dot || !len || len > SUFFIX_BYTES) return NULL;
    char ext[SUFFIX_BYTES] = {0};
    for (size_t i = 0; i < len; i++) {
        if (!name.at[dot + i]) return NULL; /* a zero byte is no filling here */
        ext[i] = lower(name.at[dot + i]);
    }
    for (size_t i = 0; i < sizeof languages / sizeof *languages; i++)
        if (memcmp(languages[i].ext, ext, SUFFIX_BYTES) == 0) return &languages[i];
    return NULL;
}

enum { MOST_PARTS = 24, RULES = sizeof rules / sizeof *rules };

_Static_assert((int)RULES <= (int)KIND_RULES_MOST, "a rule has a bit");

/* A path taken apart once for all rules. Folders beyond the first 24 are left out. */
struct parts {
    struct diff_text folders[MOST_PARTS];
    uint32_t count;
    struct diff_text name;
};

static unsigned slot(char c) {
    return (unsigned char)c % KIND_SETS;
}

static size_t length_slot(size_t len) {
    return len < KIND_SETS - 1 ? len : KIND_SETS - 1;
}

static struct kind_set *set_of(struct kinds *kinds, const struct rule *rule) {
    switch (rule->how) {
    case NAME:
    case NAME_STARTS:
        return &kinds->by_first[slot(rule->what[0])];
    case ENDS:
        return &kinds->by_last[slot(rule->what[rule->len - 1])];
    case FOLDER:
        return &kinds->by_folder[length_slot(rule->len)];
    case PART:
        break;
    }
    return &kinds->always;
}

void kinds_init(struct kinds *kinds) {
    memset(kinds, 0, sizeof *kinds);
    for (size_t i = 0; i < RULES; i++) set_of(kinds, &rules[i])->bits[i / 64] |= 1ULL << (i % 64);
}

static void add_set(struct kind_set *to, const struct kind_set *from) {
    for (size_t i = 0; i < KIND_RULES_MOST / 64; i++) to->bits[i] |= from->bits[i];
}

/* Takes the path apart; the rules that may hold. */
static struct kind_set split(const struct kinds *kinds, struct diff_text path,
                             struct parts *parts) {
    struct kind_set may = kinds->always;
    size_t from = 0;
    parts->count = 0;
    for (size_t i = 0; i < path.len && parts->count < MOST_PARTS; i++) {
        if (path.at[i] != '/') continue;
        parts->folders[parts->count++] = (struct diff_text){path.at + from, i - from};
        add_set(&may, &kinds->by_folder[length_slot(i - from)]);
        from = i + 1;
    }
    parts->name = path_name(path);
    if (parts->name.len) {
        add_set(&may, &kinds->by_first[slot(lower(parts->name.at[0]))]);
        add_set(&may, &kinds->by_last[slot(lower(parts->name.at[parts->name.len - 1]))]);
    }
    return may;
}

static bool in_folder(const struct parts *parts, const struct rule *rule) {
    for (uint32_t i = 0; i < parts->count; i++)
        if (parts->folders[i].len == rule->len && same(parts->folders[i].at, rule->what, rule->len))
            return true;
    return false;
}

static bool fits(const struct rule *rule, const struct parts *parts) {
    const struct diff_text name = parts->name;
    const size_t len = rule->len;
    switch (rule->how) {
    case NAME:
        return name.len == len && same(name.at, rule->what, len);
    case NAME_STARTS:
        return name.len >= len && same(name.at, rule->what, len);
    case ENDS:
        return name.len >= len && same(name.at + name.len - len, rule->what, len);
    case FOLDER:
        return in_folder(parts, rule);
    case PART:
        return path_has(name, rule->what);
    }
    return false;
}

enum file_kind kind_of(const struct kinds *kinds, struct diff_text path) {
    const bool source = language(path) != NULL;
    struct parts parts;
    const struct kind_set may = split(kinds, path, &parts);
    for (size_t set = 0; set < KIND_RULES_MOST / 64; set++)
        for (uint64_t bits = may.bits[set]; bits; bits &= bits - 1) {
            const struct rule *rule = &rules[64 * set + (size_t)__builtin_ctzll(bits)];
            /* Code in a folder called docs or deploy, or changes.c, is code. */
            if (source &&
                (rule->kind == KIND_DOCS || (rule->kind == KIND_INFRA && rule->how == FOLDER)))
                continue;
            if (fits(rule, &parts)) return rule->kind;
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
