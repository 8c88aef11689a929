"""House rules that a compiler does not check (CONTRIBUTING.md): sizes, includes, words."""
import re, subprocess, sys

FILE_MAX, FUNCTION_MAX = 600, 80
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|strtok|atoi|atol|gets|alloca)\s*\(")
CORE_ONLY = re.compile(r'#include "(?!\.\./\.\./\.\./)')
# What a plugin may include beside its own headers: the SDK, libc, cJSON, and the library that is its subject.
PLUGIN_MAY = re.compile(
    r"#include <(sluice/[a-z]+\.h|cjson/cJSON\.h|assert|ctype|errno|fcntl|float|inttypes|limits|math|regex|setjmp|stdarg|"
    r"stdbool|stddef|stdint|stdio|stdlib|string|strings|time|unistd|sys/stat|sys/types|dirent|endian|emmintrin)")
SUBJECT = {"chat": ("nettle/hmac.h",), "incident": ("<zlib.h>",),
           "risk": ("git2.h", "pcre2.h", "stdatomic.h", "dlfcn.h", "pthread.h"), "rollout": ("git2.h", "dlfcn.h", "sys/file.h", "yaml.h", "sha256.h", "sys/socket.h", "sys/un.h", "netdb.h", "poll.h", "sys/mman.h"), "notes": ("git2.h", "dlfcn.h", "fnmatch.h", "nettle/"),
           "rag": ("md4c.h", "yaml.h", "libxml/", "libstemmer.h", "utf8proc.h", "stdatomic.h", "pthread.h", "dlfcn.h", "immintrin.h")}
BIG_DATA = ("signals_secrets",)  # tables of data, not of code

faults = []


def fault(path, line, text):
    faults.append(f"{path}:{line}: {text}")


def check_functions(path, lines):
    start = None
    for i, line in enumerate(lines, 1):
        if start is None and re.match(r"^[A-Za-z_].*\)\s*\{$", line) or (
                start is None and line == "{"):
            start = i
        elif line.startswith("}") and start is not None:
            if i - start > FUNCTION_MAX:
                fault(path, start, f"function of {i - start} lines (at most {FUNCTION_MAX})")
            start = None


def check(path):
    text = open(path, encoding="utf-8").read()
    lines = text.split("\n")
    test = "/tests/" in path or path.startswith("tests/")
    if len(lines) > FILE_MAX and not test and not any(name in path for name in BIG_DATA):
        fault(path, 1, f"{len(lines)} lines (at most {FILE_MAX}): which two subjects are in it?")
    check_functions(path, lines)
    for i, line in enumerate(lines, 1):
        if BANNED.search(line) and not test and not re.match(r"\s*(\*|/\*|//)", line):
            fault(path, i, f"banned function: {line.strip()}")
        if path.startswith("core/") and "plugins/" in line and line.startswith("#include"):
            fault(path, i, "the core includes no plugin")
        match = re.match(r"plugins/([a-z-]+)/", path)
        if match and line.startswith("#include <") and not test:
            own = SUBJECT.get(match.group(1), ())
            if not PLUGIN_MAY.match(line) and not any(name in line for name in own):
                fault(path, i, f"a plugin includes the SDK, libc and its own headers: {line}")


files = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.c", "*.h"],
                       capture_output=True, text=True, check=True).stdout.split()
for name in files:
    if not name.startswith("sdk/template/"):
        check(name)
for line in faults:
    print(line)
print(f"house rules: {len(files)} files, {len(faults)} faults")
sys.exit(1 if faults else 0)
