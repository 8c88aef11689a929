"""What ABI 1.0 promised to plugins still holds (tests/abi/README.md)."""
import shutil, subprocess

import pytest
from conftest import BUILD, ROOT, wait_until

ABI = ROOT / "tests" / "abi"


@pytest.mark.plain
@pytest.mark.skipif(not shutil.which("abidiff"), reason="abidiff (package abigail-tools) is not installed")
def test_nothing_of_1_0_was_removed_or_changed():
    run = subprocess.run(["abidiff", "--headers-dir2", ROOT / "sdk/include", "--drop-private-types", "--no-added-syms",
                          "--no-show-locs", ABI / "libsluice-1.0.abi", BUILD / "libsluice.so"],
                         capture_output=True, text=True, timeout=120)
    assert run.returncode & ~4 == 0, run.stdout + run.stderr  # 4: there are harmless changes; 8: incompatible ones
    for line in run.stdout.splitlines():
        if line.startswith(("Functions changes", "Variables changes")):
            assert "0 Removed, 0 Changed" in line, run.stdout


def test_a_plugin_built_for_1_0_works(make_server, tmp_path):
    plugin = tmp_path / "old.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", "-Wall", "-Werror", f"-I{ABI}/1.0",
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
