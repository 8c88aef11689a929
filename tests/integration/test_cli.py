"""The command line against a real server: what goes where, exit codes, formats."""
import json, os, pathlib, re, signal, subprocess, threading, time

import pytest
import yaml
from conftest import BUILD, PATIENCE, ROOT, wait_until

CONFIG = 'server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  risk: {}\n'


@pytest.fixture(scope="module")
def server():
    from conftest import Server
    server = Server(config=CONFIG)
    yield server
    server.close()


def alone(*words, env=None, input=None, cwd=None):
    """Without a server: an address where nobody listens."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    environment.update({"SLUICE_ADDR": "http://127.0.0.1:1", **(env or {})})
    return subprocess.run([BUILD / "sluice", *words], capture_output=True, text=True, env=environment, input=input,
                          cwd=cwd, timeout=PATIENCE * 2)


def test_bare_sluice_is_twelve_lines_with_three_examples():
    run = alone()
    assert run.returncode == 0 and len(run.stdout.splitlines()) == 12
    assert run.stdout.split("Examples\n")[1].count("sluice ") == 3


def test_every_command_has_help_with_an_example():
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", alone("help").stdout.split("\n\n")[0], re.M)
    assert len(names) >= 10
    for name in names:
        run = alone(*name.split(), "--help")
        assert run.returncode == 0 and "\nExample\n  " in run.stdout, name


def test_misspelt_commands_get_the_nearest_name(server):
    for words, near in ((["stauts"], "status"), (["risk", "scroe"], "risk score"), (["tokn", "list"], "token list")):
        run = server.cli(*words, check=2)
        assert f"did you mean '{near}'?" in run.stderr and run.stdout == ""


def test_a_noun_alone_shows_what_it_can_do(server):
    run = server.cli("token", "--help", check=0)
    assert "sluice token create" in run.stdout and "sluice token revoke" in run.stdout
    assert "sluice plugin new" in server.cli("plugin", check=2).stdout


def test_an_unknown_verb_shows_the_verbs_of_its_noun(server):
    assert "token has: create, list, revoke" in server.cli("token", "paint", check=2).stderr


def test_a_server_that_is_not_there_is_exit_code_1_with_the_fix():
    for words in (["status"], ["operations"], ["token", "list"], ["call", "risk.score"], ["events", "tail"]):
        run = alone(*words)
        assert run.returncode == 1, words
        assert "127.0.0.1:1" in run.stderr and "fix: start" in run.stderr and run.stdout == ""


def test_json_is_the_answer_byte_for_byte(server):
    assert server.cli("plugin", "list", "--json", check=0).stdout == server.get("/plugins").body.decode()
    assert server.cli("operations", "-o", "json", check=0).stdout == server.get("/operations").body.decode()
    ready = server.cli("status", "--json", check=0).stdout
    assert json.loads(ready) == server.get("/readyz").json()


def test_yaml_says_the_same_as_json(server):
    for words in (["operations"], ["plugin", "list"], ["risk", "model"]):
        one = json.loads(server.cli(*words, "--json", check=0).stdout)
        assert yaml.safe_load(server.cli(*words, "-o", "yaml", check=0).stdout) == one


def test_lines_of_json_are_the_items(server):
    lines = server.cli("plugin", "list", "-o", "jsonl", check=0).stdout.splitlines()
    assert [json.loads(line) for line in lines] == server.get("/plugins").json()["items"]


def test_markdown_has_a_row_for_each_item(server):
    lines = server.cli("operations", "-o", "md", check=0).stdout.splitlines()
    assert lines[1] == "| --- | --- | --- | --- |"
    assert len(lines) - 2 == len(server.get("/operations").json()["items"])


def test_piped_output_has_no_control_bytes(server):
    for words in (["status"], ["operations"], ["help"], ["doctor"]):
        text = server.cli(*words).stdout
        assert text and not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", text), words


def test_colours_can_be_forced(server):
    assert "\x1b[" in server.cli("status", env={"CLICOLOR_FORCE": "1", "NO_COLOR": ""}, check=0).stdout
    assert "\x1b[" not in server.cli("status", env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, check=0).stdout


def test_a_real_diff_comes_from_standard_input(server):
    diff = subprocess.run(["git", "-C", ROOT, "show", "HEAD", "--format="], capture_output=True).stdout
    answer = server.cli("risk", "score", "--diff", "-", "--json", input=diff, check=0)
    assert json.loads(answer.stdout)["level"] in ("LOW", "MED", "HIGH", "CRITICAL")


def test_bytes_that_are_no_utf8_still_arrive(server):
    diff = b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-caf\xe9\n+tea\n"
    run = server.cli("risk", "score", "--diff", "-", "--json", input=diff, check=0)
    assert b"1 bytes that are no UTF-8" in run.stderr


def test_exit_codes_say_what_kind_of_failure_it_was(server):
    wrong = {"SLUICE_TOKEN": "slk_" + "0" * 48}
    made = json.loads(server.cli("token", "create", "reader", "--permissions", "risk:read", "--json", check=0).stdout)
    assert server.cli("token", "revoke", "nobody").returncode == 4
    assert server.cli("whoami2").returncode == 2
    assert server.cli("token", "list", env=wrong).returncode == 5
    assert server.cli("token", "list", env={"SLUICE_TOKEN": made["token"]}).returncode == 5
    assert server.cli("token", "create", "reader", "--permissions", "x:y").returncode == 8
    assert server.cli("token", "create", "No Name", "--permissions", "x:y").returncode == 3
    server.cli("token", "revoke", "reader", check=0)


def test_a_problem_is_told_with_its_place_and_its_document_kept_for_programs(server):
    run = server.cli("token", "create", "--input", '{"nam": 1, "permissions": 5}', "--json", check=3)
    problem = json.loads(run.stdout)
    assert problem["status"] == 400 and problem["code"] == "invalid" and len(problem["errors"]) >= 2
    assert "/permissions" in run.stderr and "did you mean" in run.stderr


def test_401_says_where_tokens_come_from(server, tmp_path):
    run = server.cli("token", "list", env={"SLUICE_TOKEN": ""}, cwd=tmp_path)
    assert run.returncode == 5 and "admin.token" in run.stderr


def test_server_and_token_are_found_in_the_state_folder(server):
    environment = {"SLUICE_STATE": str(server.state), "SLUICE_ADDR": "", "SLUICE_TOKEN": ""}
    assert "token:admin" in alone("platform", "whoami", env=environment).stdout


def test_a_token_of_the_state_folder_is_not_sent_elsewhere(tmp_path):
    (tmp_path / "admin.token").write_text("slk_secret\n")
    run = alone("call", "x.y", "--print-curl", env={"SLUICE_STATE": str(tmp_path), "SLUICE_ADDR": "http://192.0.2.1:1"})
    assert "admin.token" not in run.stdout
    run = alone("events", "tail", "--print-curl",
                env={"SLUICE_STATE": str(tmp_path), "SLUICE_ADDR": "http://127.0.0.1.example.org:1"})
    assert "admin.token" not in run.stdout and run.returncode == 0


def test_a_token_for_another_tenant_stops_before_anything_is_sent(server):
    run = server.cli("token", "create", "x", "--permissions", "a:b", "--tenant", "other", check=5)
    assert "tenant 'default', not in 'other'" in run.stderr
    assert "x" not in [item["name"] for item in server.get("/tokens").json()["items"]]


def test_print_curl_gives_a_command_that_works_and_holds_no_token(server):
    run = server.cli("token", "create", "it's", "--permissions", "a:b", "--print-curl", check=0)
    assert server.token not in run.stdout and "$SLUICE_TOKEN" in run.stdout
    diff = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+it's $HOME `ls`\n"
    line = server.cli("risk", "score", "--diff", "-", "--print-curl", input=diff, check=0).stdout
    for command, expected in ((line, "level"), (server.cli("platform", "whoami", "--print-curl").stdout, "actor")):
        answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True,
                                env={**os.environ, "SLUICE_TOKEN": server.token})
        assert expected in json.loads(answer.stdout)


def test_an_idempotency_key_makes_a_repetition_harmless(server):
    words = ["token", "create", "once", "--permissions", "a:b", "--idempotency-key", "k-1"]
    server.cli(*words, check=0)
    server.cli(*words, check=0)  # without the key the name would be taken
    names = [item["name"] for item in server.get("/tokens").json()["items"]]
    assert names.count("once") == 1
    assert server.cli("token", "create", "other", *words[3:]).returncode == 8  # the key with another body


def test_events_can_be_followed_and_taken_up_again(server):
    seen = []
    environment = {**os.environ, "SLUICE_ADDR": server.url, "SLUICE_TOKEN": server.token}
    tail = subprocess.Popen([BUILD / "sluice", "events", "tail", "--after", "0", "--json"], env=environment,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    reader = threading.Thread(target=lambda: [seen.append(json.loads(line)) for line in tail.stdout])
    reader.start()
    try:
        for name in ("one", "two"):
            server.cli("token", "create", name, "--permissions", "a:b", check=0)
        wait_until(lambda: len(seen) >= 2, "two events")
    finally:
        tail.send_signal(signal.SIGINT)
        reader.join(PATIENCE)  # the only one who reads standard output
        told = tail.stderr.read()
        tail.wait(PATIENCE)
    assert tail.returncode == 130
    last = seen[-1]["seq"]
    assert f"sluice events tail --after {last}" in told
    server.cli("token", "create", "three", "--permissions", "a:b", check=0)
    run = server.cli("events", "tail", "--after", last, "--limit", 1, "--json", check=0)
    assert json.loads(run.stdout)["seq"] == last + 1


def test_doctor_finds_all_well_and_says_what_is_not(server, tmp_path):
    environment = {"SLUICE_STATE": str(server.state)}
    run = server.cli("doctor", "-c", server.config, "--json", env=environment, check=0)
    report = json.loads(run.stdout)
    names = {check["name"] for check in report["checks"]}
    assert report["ok"] and {"configuration", "disk", "database", "server", "token", "store", "plugin risk"} <= names
    broken = tmp_path / "sluice.yaml"
    broken.write_text("servr: {}\n")
    run = alone("doctor", "-c", str(broken), env=environment)
    assert run.returncode == 1
    assert "did you mean" in run.stdout or "unknown key 'servr'" in run.stdout
    assert "fail  server" in run.stdout and "fix: " in run.stdout


def test_doctor_warns_of_a_token_that_others_can_read(server):
    os.chmod(server.state / "admin.token", 0o644)
    try:
        run = server.cli("doctor", "-c", server.config, env={"SLUICE_STATE": str(server.state)}, check=1)
        assert "can be read by others" in run.stdout and "chmod 600" in run.stdout
    finally:
        os.chmod(server.state / "admin.token", 0o600)


def test_db_check_reads_beside_a_running_server(server):
    run = server.cli("db", "check", server.state / "sluice.db", check=0)
    assert "chain holds" in run.stdout
    assert server.cli("db", "check", "/nowhere/sluice.db").returncode == 4


def test_db_check_finds_damage(server, tmp_path):
    damaged = tmp_path / "sluice.db"
    damaged.write_bytes(b"SQLite format 3\0" + bytes(5000))
    run = server.cli("db", "check", damaged)
    assert run.returncode == 1 and "not sound" in run.stderr


def test_a_full_disk_behind_standard_output_is_no_success(server):
    with open("/dev/full", "w") as full:
        run = subprocess.run([BUILD / "sluice", "operations"], stdout=full, stderr=subprocess.PIPE, text=True,
                             env={**os.environ, "SLUICE_ADDR": server.url})
    assert run.returncode == 1 and "cannot write to standard output" in run.stderr


def test_bash_completion_knows_commands_operations_and_flags(server):
    script = server.cli("completion", "bash", check=0).stdout
    program = script + 'COMP_WORDS=(sluice %s); COMP_CWORD=%d; _sluice; printf "%%s\\n" "${COMPREPLY[@]}"'
    environment = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "SLUICE_ADDR": server.url}

    def complete(*words):
        typed = " ".join(f"'{word}'" for word in words)
        return subprocess.run(["bash", "-c", program % (typed, len(words))], env=environment, capture_output=True,
                              text=True, check=True).stdout.split()

    assert complete("stat") == ["status"]
    assert {"create", "list", "revoke"} <= set(complete("token", ""))
    assert "--token-file" in complete("status", "--tok")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_are_valid_where_the_shell_is_there(shell):
    script = alone("completion", shell).stdout
    assert script
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)


def test_a_denial_is_exit_code_6_with_every_reason_and_its_fix(sluice):
    words = ["deploy", "request", "--app", "shop", "--env", "prod", "--image", "registry.internal/shop:latest"]
    run = sluice.cli(*words, check=6)
    assert run.stdout.startswith("DENIED") and "no-latest: " in run.stdout and "fix: " in run.stdout
    answer = sluice.cli(*words, "--json", check=6)
    assert json.loads(answer.stdout)["status"] == "DENIED"
    allowed = sluice.cli("deploy", "request", "--app", "shop", "--env", "dev", "--image", "r.internal/shop:1", check=0)
    assert allowed.stdout.startswith("APPROVED")
