"""The configuration from the command line: validate, config show, config schema, config explain."""
import json, os, pathlib, re, subprocess

import jsonschema
import pytest
import yaml
from conftest import BUILD, PATIENCE, ROOT

NOTHING = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}


def run(*args, input=None, cwd="/", env=None):
    environment = {**NOTHING, **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}, **(env or {})}
    return subprocess.run([BUILD / "sluice", *map(str, args)], input=input, capture_output=True, text=True,
                          cwd=cwd, env=environment, timeout=PATIENCE * 2)


@pytest.fixture
def write(tmp_path):
    def write(text, name="sluice.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path
    return write


# ---- validate ----

@pytest.mark.parametrize("name", ["sluice.yaml", "production.yaml"])
def test_the_files_that_come_along_are_valid(name):
    answer = run("validate", "--strict", ROOT / "config" / name)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == ""


def test_mistakes_are_told_together_on_standard_error(write):
    path = write("server:\n  workers: many\n  lisen: x\nplugins:\n  rsk: {}\n")
    answer = run("validate", path)
    assert answer.returncode == 3
    assert answer.stdout == ""
    for part in [f"{path}:2:12: error[C0201]: server.workers: expected a whole number from 1 to 64",
                 f"{path}:3:3: error[C0203]: unknown key 'lisen' in server", "did you mean 'listen'?",
                 f"{path}:5:3: error[C0401]: there is no plugin 'rsk'", "did you mean 'risk'?", "3 errors"]:
        assert part in answer.stderr
    assert "\33" not in answer.stderr


def test_a_plugins_own_options_are_checked(write):
    path = write("plugins:\n  risk:\n    requird: true\n    modell: x\n")
    answer = run("validate", path)
    assert answer.returncode == 3
    assert "unknown key 'requird' in plugins.risk" in answer.stderr
    assert "did you mean 'required'?" in answer.stderr
    assert "unknown key 'modell' in plugins.risk" in answer.stderr


def test_a_bad_variable_does_not_hide_other_mistakes(write):
    answer = run("validate", write("state: ${1}\nserver:\n  workers: 0\n"))
    assert "C0301" in answer.stderr and "C0201" in answer.stderr


def test_standard_input_and_a_missing_file():
    assert run("validate", "-", input="log: {level: warn}\n").returncode == 0
    answer = run("validate", "-", input="log: {level: loud}\n")
    assert answer.returncode == 3 and "-:1:14: error[C0201]" in answer.stderr
    answer = run("validate", "/nonexistent.yaml")
    assert answer.returncode == 3 and "No such file" in answer.stderr


def test_warnings_are_errors_when_strict(write):
    path = write("state: ${SLUICE_TEST_NOT_SET}\n")
    assert run("validate", path).returncode == 0
    answer = run("validate", "--strict", path)
    assert answer.returncode == 3 and "warning[C0302]" in answer.stderr
    assert run("validate", "--strict", path, env={"SLUICE_TEST_NOT_SET": "x"}).returncode == 0


def test_the_verdict_as_json(write):
    path = write("log: {level: debgu}\n")
    answer = run("validate", "--json", path)
    verdict = json.loads(answer.stdout)
    assert answer.returncode == 3 and verdict["valid"] is False and verdict["file"] == str(path)
    assert verdict["notes"] == [{"file": str(path), "line": 1, "column": 14, "severity": "error", "code": "C0201",
                                 "message": 'log.level: expected one of: debug, info, warn, error, found "debgu"',
                                 "suggestion": "did you mean 'debug'?"}]
    assert json.loads(run("validate", "--json", "-", input="").stdout)["valid"] is True


def test_a_plugin_that_is_damaged_is_a_warning_unless_required(write, tmp_path):
    broken = write("no plugin", "broken.so")
    options = f"plugins: {{broken: {{file: {broken}"
    answer = run("validate", "-", input=options + "}}\n")
    assert answer.returncode == 0 and "warning[C0402]" in answer.stderr and "not an ELF" in answer.stderr
    answer = run("validate", "-", input=options + ", required: true}}\n")
    assert answer.returncode == 3 and "error[C0402]" in answer.stderr


def test_plugin_files_and_folders_are_relative_to_the_file(write, tmp_path):
    (tmp_path / "own").mkdir()
    write("no plugin", "own/broken.so")
    for text in ["plugins: {broken: {file: own/broken.so}}\n", "plugin_dirs: own\nplugins: {broken: }\n"]:
        answer = run("validate", write(text))
        assert "not an ELF" in answer.stderr, answer.stderr


def test_the_depth_of_flows_is_limited(write):
    answer = run("validate", write("[" * 40000))
    assert answer.returncode == 3 and "error[C0106]" in answer.stderr


# ---- config show ----

def test_show_tells_origins_and_reads_back(write):
    path = write("server:\n  listen: \"127.0.0.1:${PORT:-7}\"\n  workers: ${WORKERS}\nplugins:\n  risk:\n")
    answer = run("config", "show", path, env={"WORKERS": "3"})
    assert answer.returncode == 0, answer.stderr
    assert f"workers: 3  # {path}:3 env:WORKERS" in answer.stdout and "default" not in answer.stdout
    answer = run("config", "show", "--resolved", path, env={"WORKERS": "3"})
    assert "drain_timeout: 30s  # default" in answer.stdout
    assert f"- 127.0.0.1:7  # {path}:2" in answer.stdout
    again = run("validate", "--json", "-", input=answer.stdout)
    first = run("validate", "--json", path, env={"WORKERS": "3"})
    assert json.loads(again.stdout)["hash"] == json.loads(first.stdout)["hash"]
    tree = json.loads(run("config", "show", "--resolved", "--json", path, env={"WORKERS": "3"}).stdout)
    assert tree["server"]["workers"] == 3 and tree["server"]["drain_timeout"] == 30000


def test_show_hides_what_came_from_files(write):
    write("hunter2\n", "secret").chmod(0o600)
    path = write("state: ${file:secret}\n")
    for more in [[], ["--json"]]:
        answer = run("config", "show", path, *more)
        assert answer.returncode == 0 and "hunter2" not in answer.stdout + answer.stderr
        assert "***" in answer.stdout


def test_show_refuses_what_is_not_valid(write):
    answer = run("config", "show", write("servr: {}\n"))
    assert answer.returncode == 3 and answer.stdout == "" and "did you mean 'server'?" in answer.stderr


def test_the_usual_places(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "sluice.yaml").write_text("state: second\n")
    assert "state: second" in run("config", "show", cwd=tmp_path).stdout
    (tmp_path / "sluice.yaml").write_text("state: first\n")
    assert "state: first" in run("config", "show", cwd=tmp_path).stdout
    (tmp_path / "other.yaml").write_text("state: named\n")
    assert "state: named" in run("config", "show", cwd=tmp_path, env={"SLUICE_CONFIG": "other.yaml"}).stdout


# ---- config schema ----

@pytest.fixture(scope="module")
def schema():
    return json.loads(run("config", "schema").stdout)


def test_the_schema_in_the_repository_is_the_programs():
    written = (ROOT / "config" / "sluice.schema.json").read_text()
    assert written == run("config", "schema").stdout, \
        "run: build/sluice config schema > config/sluice.schema.json"


def test_the_schema_is_one_and_takes_what_is_valid(schema):
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in (ROOT / "config").glob("*.yaml"):
        validator.validate(yaml.safe_load(path.read_text()))
        assert path.read_text().startswith("# yaml-language-server: $schema=./sluice.schema.json\n")


GOOD = ["{}", "server: {workers: 2}", "server:\n  workers: ${N:-2}", "server: {listen: \"a:1\"}",
        "server: {listen: [\"a:1\"]}", "server:", "log: {level: \"${L}\"}", "plugins: {risk: }",
        "plugins:\n  risk:\n    enabled: ${E}", "server: {drain_timeout: 3}", "server: {drain_timeout: 3s}",
        "plugins: {unknown: {enabled: false, anything: 1}}", "server: {limits: {head: \"${H:-1KiB}\"}}"]
BAD = ["[]", "servr: {}", "server: {workers: many}", "server: {workers: 0}", "log: {level: loud}",
       "plugins: {risk: {enabledd: true}}", "server: {drain_timeout: 3x}", "server: 5", "plugins: [risk]",
       "plugins: {risk: {enabled: maybe}}", "plugins: {risk: 5}", "server: {listen: {a: b}}"]


@pytest.mark.parametrize("text", GOOD + BAD)
def test_the_schema_and_the_program_agree(schema, text):
    answer = run("validate", "-", input=text + "\n", env={"N": "2", "L": "info", "E": "true"})
    valid = jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))
    unknown = "C0401" in answer.stderr
    assert valid == (text in GOOD)
    assert (answer.returncode == 0 or unknown) == valid, answer.stderr


# ---- config explain ----

def keys(schema, prefix=""):
    for choice in [schema, *schema.get("anyOf", [])]:
        for name, member in choice.get("properties", {}).items():
            yield prefix + name
            yield from keys(member, f"{prefix}{name}.")


def test_every_key_is_explained_and_has_a_help(schema):
    found = list(keys(schema))
    assert "plugins.risk.enabled" in found and len(found) > 20
    for key in [key for key in found if key.count(".") < 2]:
        answer = run("config", "explain", key)
        assert answer.returncode == 0 and answer.stdout.startswith(key + ":"), answer
        assert len(answer.stdout.splitlines()) > 1, f"{key} has no help"


def test_the_documentation_has_every_key_of_the_core(schema):
    text = (ROOT / "docs" / "config.md").read_text()
    sections = ["server", "server.limits", "log", "store", "lua"]
    wanted = {key for key in keys(schema) if not key.startswith("plugins.")} - set(sections)
    assert wanted | {f"plugins.NAME.{key}" for key in ["enabled", "required", "file"]} == \
        {key for key in re.findall(r"^\| `([\w.]+)` \|", text, re.M)}


def test_what_is_not_there_is_not_explained():
    answer = run("config", "explain", "server.workrs")
    assert answer.returncode == 4 and "did you mean 'server.workers'?" in answer.stderr
    assert run("config", "explain", "zzz.yyy").returncode == 4
    assert "an unknown key" in run("config", "explain", "C0203").stdout


def test_every_help_line_leads_somewhere(write):
    path = write("serer: 1\nserver: {workers: x, limits: {head: -1}}\nplugins: {risk: {what: 1}, nix: }\n"
                 "log: {lvl: 1}\nstate: ${1}\n")
    lines = re.findall(r"help: sluice (.*)", run("validate", path).stderr)
    assert len(lines) >= 6
    for line in lines:
        assert run(*line.split()).returncode == 0, line


# ---- the documentation ----

def test_the_example_of_the_documentation_is_what_happens(tmp_path):
    text = (ROOT / "docs" / "config.md").read_text()
    source = re.search(r"this file\n\n```yaml\n(.*?)```", text, re.S).group(1)
    wanted = re.search(r"gives\n\n```\n(.*?)```", text, re.S).group(1)
    (tmp_path / "example.yaml").write_text(source)
    assert run("validate", "example.yaml", cwd=tmp_path).stderr == wanted


def test_a_server_tells_the_same(make_server):
    server = make_server(config="server: {workers: many}\n", wait=False)
    assert server.proc.wait(PATIENCE) == 3
    assert "sluice.yaml:1:19: error[C0201]: server.workers" in server.logs()


def test_a_server_shows_its_configuration_and_schema(make_server):
    server = make_server(config="server: {listen: \"127.0.0.1:0\"}\nstate: ${SLUICE_STATE}\nplugins: {risk: }\n")
    shown = server.get("/config").json()
    assert shown["file"] == str(server.config) and len(shown["hash"]) == 64
    assert shown["config"]["plugins"]["risk"]["enabled"] is True
    assert shown["config"]["server"]["drain_timeout"] == 30000
    assert server.get("/config", token=False).status == 401
    schema = server.get("/schemas/config.json", token=False)
    assert schema.status == 200 and "risk" in json.dumps(schema.json()["properties"]["plugins"])
    jsonschema.Draft202012Validator.check_schema(schema.json())
