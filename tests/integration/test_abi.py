"""What ABI 1.0 promised to plugins still holds (tests/abi/README.md)."""
import re, subprocess

import pytest
from conftest import BUILD, ROOT, wait_until

ABI = ROOT / "tests" / "abi"
OLD, NEW = ABI / "1.0", ROOT / "sdk" / "include"


def text_of(folder):
    """The headers without comments and without lines of the preprocessor."""
    text = "\n".join(path.read_text() for path in sorted((folder / "sluice").glob("*.h")))
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"^#.*?(?<!\\)$", "", text, flags=re.S | re.M)


def structs(text):
    """{struct: names of its members}, without those that are reserved."""
    found = {}
    for name, body in re.findall(r"typedef struct (sl_\w+) \{(.*?)\n\} \1;", text, re.S):
        body = re.sub(r"union \{(.*?)\} (\w+);", r"int \2;", body, flags=re.S)
        members = []
        for line in filter(None, (part.strip() for part in body.split(";"))):
            pointer = re.search(r"\(\*(\w+)\)\(", line)
            names = [pointer.group(1)] if pointer else [re.search(r"(\w+)\s*(\[.*\])?$", piece).group(1)
                                                        for piece in line.split(",")]
            members += [member for member in names if not member.startswith("reserved")]
        found[name] = members
    return found


def constants(text):
    names = []
    for body in re.findall(r"enum \w+ \{(.*?)\};", text, re.S):
        names += re.findall(r"^\s*(SL_\w+)|,\s*(SL_\w+)", body, re.M)
    return sorted({a or b for a, b in names})


def measure(folder, known, names, work):
    """sizeof, offsetof and values as the headers in `folder` have them."""
    lines = ["#include <sluice/sluice.h>", "#include <sluice/test.h>", "#include <stdio.h>", "int main(void) {"]
    for struct, members in known.items():
        lines.append(f'printf("{struct} %zu\\n", sizeof({struct}));')
        lines += [f'printf("{struct}.{member} %zu %zu\\n", offsetof({struct}, {member}), '
                  f"sizeof((({struct} *)0)->{member}));" for member in members]
    lines += [f'printf("{name} %d\\n", (int){name});' for name in names]
    source, program = work / "measure.c", work / "measure"
    source.write_text("\n".join(lines + ["return 0; }"]))
    subprocess.run(["cc", f"-I{folder}", "-I/usr/include/cjson", source, "-o", program], check=True)
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


def prototypes(text):
    return {re.sub(r"\s+", " ", found) for found in re.findall(r"SL_API\s+([^;{}]*?\bsl_\w+\([^;]*\))[^;()]*;", text)}


def broken(old, new, work):
    """What of the headers in `old` those in `new` do not keep."""
    before, after = text_of(old), text_of(new)
    known, names = structs(before), constants(before)
    assert len(known) >= 10 and len(names) >= 55 and len(prototypes(before)) >= 70, "the headers of 1.0 are not read"
    missing = sorted(prototypes(before) - prototypes(after))
    try:
        changed = sorted(set(measure(old, known, names, work)) - set(measure(new, known, names, work)))
    except subprocess.CalledProcessError:
        changed = ["a member or a constant is gone"]
    return missing + changed


def test_nothing_of_1_0_was_removed_or_changed(tmp_path):
    assert broken(OLD, NEW, tmp_path) == []


@pytest.mark.parametrize("header,before,after", [
    ("event.h", "    int64_t seq;", "    int64_t more; int64_t seq;"),
    ("event.h", "    const char *tenant;\n", ""),
    ("base.h", "SL_STALE = 6", "SL_STALE = 60"),
    ("call.h", "int sl_can(const sl_call *call,", "long sl_can(const sl_call *call,"),
    ("fetch.h", "uint32_t retries;", "uint64_t retries;"),
])
def test_a_break_is_noticed(tmp_path, header, before, after):
    folder = tmp_path / "include" / "sluice"
    folder.mkdir(parents=True)
    for path in (NEW / "sluice").glob("*.h"):
        (folder / path.name).write_text(path.read_text())
    text = (folder / header).read_text()
    assert before in text
    (folder / header).write_text(text.replace(before, after, 1))
    assert broken(OLD, tmp_path / "include", tmp_path)


def test_the_library_offers_what_1_0_offered():
    listed = subprocess.run(["nm", "-D", "--defined-only", "--with-symbol-versions", BUILD / "libsluice.so"],
                            capture_output=True, text=True, check=True).stdout
    offered = set(re.findall(r"\b(sl_\w+)@@SLUICE_1\.0\b", listed))
    wanted = {re.search(r"(sl_\w+)\(", prototype).group(1) for prototype in prototypes(text_of(OLD))}
    assert wanted <= offered, wanted - offered
    newer = {re.search(r"(sl_\w+)\(", prototype).group(1) for prototype in prototypes(text_of(NEW))} - wanted
    assert newer == set(re.findall(r"\b(sl_\w+)@@SLUICE_1\.1\b", listed)), "core/libsluice.map names what 1.1 added"


def test_a_plugin_built_for_1_0_works(make_server, tmp_path):
    plugin = tmp_path / "old.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror", f"-I{OLD}",
                    "-I/usr/include/cjson", ABI / "plugin_1_0.c", "-o", plugin, "-lcjson"], check=True)
    server = make_server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\n'
                                f"plugins:\n  old: {{file: {plugin}}}\n")
    listed = next(item for item in server.get("/plugins").json()["items"] if item["name"] == "old")
    assert listed["state"] == "running", listed
    assert server.post("/old", {"what": "a"}).json() == {"times": 3}
    wait_until(lambda: server.get("/old").json()["n"] == 2, "the event to be heard")
    assert server.post("/old", {"what": "a", "times": 10}).status == 400
    refused = server.post("/old/fetch", {"url": "http://127.0.0.1:9/"})
    assert refused.status == 503 and "cannot connect" in refused.json()["detail"]
