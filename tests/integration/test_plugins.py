"""Plugins that are wrong: each is refused with one exact sentence, and the server lives."""
import json, os, pathlib, random, subprocess

import pytest
from conftest import BUILD, ROOT, SANITIZED

SOURCE = ROOT / "tests" / "plugins" / "bad.c"


def build(folder, name="bad", *defines):
    """folder/NAME.so from bad.c."""
    out = folder / f"{name}.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", f'-DNAME="{name}"',
                    *[f"-D{define}" for define in defines], f"-I{ROOT}/sdk/include", SOURCE, "-o", out, "-lcjson"],
                   check=True)
    return out


def config(**files):
    lines = ['server: {listen: "127.0.0.1:0"}', "state: ${SLUICE_STATE}", "plugins:"]
    for name, file in files.items():
        lines.append(f"  {name}: {{file: {file}}}")
    return "\n".join(lines) + "\n"


def state_of(server, name):
    items = server.get("/plugins").json()["items"]
    return next(item for item in items if item["name"] == name)


# What is wrong, and the whole reason as it stands in the list of plugins.
REFUSED = {
    "BAD_MAGIC": "bad.so: not a plugin: sluice_plugin was not made by SL_PLUGIN",
    "BAD_MAJOR": "bad.so: built for ABI 2.x, this host is 1.1",
    "BAD_MINOR": "bad.so: built for ABI 1.8, this host is 1.1",
    "BAD_SYMBOL": "bad.so: not a plugin: it exports no symbol sluice_plugin",
    "BAD_NAME": "bad.so: its name 'Not A Name' is not [a-z][a-z0-9-]{0,31}",
    "BAD_UNDEFINED": "bad.so: needs the symbol sl_of_the_future, which neither this host nor its libraries have",
    "BAD_CONSTRUCTOR":
        "bad.so: loading it crashes (Aborted): the file is damaged, or its constructor fails",
    "BAD_EXIT": "bad.so: cannot be loaded: its constructor ended the process",
    "BAD_PERMISSION":
        'operation bad.answer names no permission (.needs: "noun:verb", "any" or "public")',
    "BAD_RUN": "operation bad.answer has no run function",
    "BAD_EFFECT": "operation bad.answer does not say whether it reads or writes (.effect)",
    "BAD_OP_NAME": "operation 'Bad Name' is not named noun.verb",
    "BAD_OP_CLASH": "operation platform.health is already offered by plugin sluice",
    "BAD_START": "the moon is down",
}


@pytest.mark.parametrize("fault", REFUSED)
def test_a_bad_plugin_is_refused_with_one_sentence_and_the_rest_serves(make_server, tmp_path, fault):
    server = make_server(config=config(bad=build(tmp_path, "bad", fault), good=build(tmp_path, "good")))
    plugin = state_of(server, "bad")
    assert plugin["state"] == "failed"
    assert plugin["reason"] == REFUSED[fault]
    assert server.get("/good").json() == {"from": "good"}


def test_a_descriptor_that_is_too_small_is_refused(make_server, tmp_path):
    server = make_server(config=config(bad=build(tmp_path, "bad", "BAD_SIZE")))
    reason = state_of(server, "bad")["reason"]
    assert reason.startswith("bad.so: its descriptor is 64 bytes, ABI 1.0 has ")


def test_a_route_that_is_taken_is_refused(make_server, tmp_path):
    server = make_server(config=config(bad=build(tmp_path, "bad", "BAD_ROUTE_CLASH")))
    reason = state_of(server, "bad")["reason"]
    assert reason.startswith("operation bad.answer: ") and "GET /plugins" in reason
    assert server.get("/plugins").status == 200


def test_a_route_that_is_none_is_refused(make_server, tmp_path):
    server = make_server(config=config(bad=build(tmp_path, "bad", "BAD_ROUTE")))
    assert state_of(server, "bad")["reason"].startswith("operation bad.answer: ")


def test_a_table_without_tenant_is_refused(make_server, tmp_path):
    server = make_server(config=config(bad=build(tmp_path, "bad", "BAD_TABLE")))
    plugin = state_of(server, "bad")
    assert plugin["state"] == "failed" and "tenant" in plugin["reason"] and "bad_thing" in plugin["reason"]


def test_a_plugin_that_exports_more_is_loaded_with_a_warning(make_server, tmp_path):
    server = make_server(config=config(bad=build(tmp_path, "bad", "BAD_JUNK")))
    assert server.get("/bad").json() == {"from": "bad"}
    assert "bad.so exports more than sluice_plugin: junk" in server.logs()


def damaged(kind, folder):
    out = folder / "bad.so"
    if kind == "text":
        out.write_text("#!/bin/sh\necho no plugin\n")
    elif kind == "empty":
        out.write_bytes(b"")
    elif kind == "fifo":
        os.mkfifo(out)
    elif kind == "folder":
        out.mkdir()
    elif kind == "truncated":
        whole = build(folder, "whole").read_bytes()
        out.write_bytes(whole[: len(whole) // 2])
    elif kind == "archive":
        out.write_bytes(b"!<arch>\n" + bytes(500))
    return out


@pytest.mark.parametrize("kind, reason", [
    ("text", "bad.so: not a plugin: not an ELF shared object"),
    ("empty", "bad.so: not a plugin: not an ELF shared object"),
    ("fifo", "bad.so: not a plugin: not a regular file"),
    ("folder", "bad.so: not a plugin: not a regular file"),
    ("truncated", "bad.so: not a plugin: the file is truncated"),
    ("archive", "bad.so: not a plugin: not an ELF shared object")])
def test_a_file_that_is_no_plugin_is_refused(make_server, tmp_path, kind, reason):
    server = make_server(config=config(bad=damaged(kind, tmp_path)))
    assert state_of(server, "bad")["reason"] == reason
    assert server.get("/healthz").status == 200


def test_bits_that_flipped_are_met_by_a_child(sluice_program, tmp_path):
    """Whatever such a file does happens in a child: the command says something and ends."""
    whole = build(tmp_path, "whole").read_bytes()
    chance = random.Random(7)
    bad = tmp_path / "bad.so"
    for _ in range(5 if SANITIZED else 25):
        bits = bytearray(whole)
        for _ in range(chance.randint(1, 40)):
            bits[chance.randrange(len(bits))] ^= 1 << chance.randrange(8)
        bad.write_bytes(bits)
        run = subprocess.run([sluice_program, "plugin", "check", bad], capture_output=True, text=True, timeout=60)
        assert run.returncode in (0, 3), (run.returncode, run.stderr)
        assert run.stdout.strip()


@pytest.mark.parametrize("required, there", [("good", True), ("lost", False)])
def test_what_a_plugin_requires_must_be_there(sluice_program, tmp_path, required, there):
    bad = build(tmp_path, "bad", f'REQUIRES="{required}"')
    good = build(tmp_path, "good")
    file = tmp_path / "sluice.yaml"
    file.write_text(config(bad=bad, good=good).replace("${SLUICE_STATE}", str(tmp_path / "state")))
    run = subprocess.run([sluice_program, "validate", file], capture_output=True, text=True)
    if there:
        assert run.returncode == 0, run.stderr
    else:
        assert run.returncode == 3
        assert ("plugin bad requires plugin lost, which is not loaded: add it under 'plugins'"
                in run.stdout + run.stderr)


def test_plugins_that_require_each_other_are_refused_by_name(sluice_program, tmp_path):
    one, two = build(tmp_path, "one", 'REQUIRES="two"'), build(tmp_path, "two", 'REQUIRES="one"')
    file = tmp_path / "sluice.yaml"
    file.write_text(config(one=one, two=two).replace("${SLUICE_STATE}", str(tmp_path / "state")))
    run = subprocess.run([sluice_program, "validate", file], capture_output=True, text=True)
    assert run.returncode == 3
    assert "plugins require each other in a circle: one, two" in run.stdout + run.stderr


def test_a_check_that_fails_is_an_error_of_the_configuration(sluice_program, tmp_path):
    file = tmp_path / "sluice.yaml"
    file.write_text(config(bad=build(tmp_path, "bad", "BAD_CHECK")).replace("${SLUICE_STATE}", str(tmp_path / "s")))
    run = subprocess.run([sluice_program, "validate", file], capture_output=True, text=True)
    assert run.returncode == 3
    assert "this check never passes" in run.stdout + run.stderr


CHECKED = {**REFUSED,
           "BAD_JUNK": "it exports more than sluice_plugin: junk",
           "BAD_FIELD": "count",
           "BAD_TABLE": "bad_thing",
           "BAD_CHECK": "this check never passes",
           'REQUIRES="lost"': "plugin bad requires plugin lost, which is not loaded"}
CHECKED["BAD_SYMBOL"] = "the symbol sluice_plugin is not exported"


@pytest.mark.parametrize("fault", CHECKED)
def test_plugin_check_says_the_same_without_a_server(sluice_program, tmp_path, fault):
    bad = build(tmp_path, "bad", fault)
    run = subprocess.run([sluice_program, "plugin", "check", bad], capture_output=True, text=True, timeout=60)
    assert run.returncode == 3, run.stdout + run.stderr
    assert CHECKED[fault] in run.stdout
    assert "these checks failed" in run.stderr


def test_plugin_check_passes_a_good_one(sluice_program, tmp_path):
    run = subprocess.run([sluice_program, "plugin", "check", build(tmp_path, "good"), "--json"],
                         capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    assert json.loads(run.stdout)["ok"] is True


@pytest.mark.plain
@pytest.mark.parametrize("flags, words", [
    (["-Wl,-z,execstack"], "it asks for an executable stack"),
    (["-Wl,-rpath,/opt/lib"], "search path for libraries (RPATH)")])
def test_plugin_check_looks_at_how_it_was_linked(sluice_program, tmp_path, flags, words):
    out = tmp_path / "bad.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-fvisibility=hidden", f"-I{ROOT}/sdk/include", SOURCE, "-o", out,
                    "-lcjson", *flags], check=True)
    run = subprocess.run([sluice_program, "plugin", "check", out], capture_output=True, text=True, timeout=60)
    assert run.returncode == 3 and words in run.stdout


OPTIONS = {"policy": {"scripts": str(ROOT / "scripts" / "lua" / "policies")}}


def test_every_shipped_plugin_passes_the_check(sluice_program):
    files = sorted((BUILD / "plugins").glob("*.so"))
    assert files
    for file in files:
        options = json.dumps(OPTIONS.get(file.stem, {}))
        run = subprocess.run([sluice_program, "plugin", "check", file, "--config", options], capture_output=True,
                             text=True, timeout=120)
        assert run.returncode == 0, f"{file}: {run.stdout}{run.stderr}"
