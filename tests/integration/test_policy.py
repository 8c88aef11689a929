"""Policies from outside: `policy eval` and `policy test` without a server, policy.evaluate with one,
hot reload, and that whatever is not an explicit allow stands in the way."""
import json, os, shutil, subprocess

import pytest

from conftest import BUILD, PATIENCE, ROOT, wait_until

SCRIPTS = ROOT / "scripts" / "lua"
PROD = {"app_name": "shop", "environment": "prod", "data_classification": "internal", "exposure": "internal",
        "config": {"image": "registry.internal/shop:1.4.2", "replicas": 3}, "risk": {"level": "LOW"}}


def run(*args, stdin=None):
    return subprocess.run([BUILD / "sluice", *map(str, args)], input=stdin, capture_output=True, text=True,
                          timeout=PATIENCE * 2)


def evaluate(tmp_path, source, context):
    script = tmp_path / "it.lua"
    script.write_text(source)
    done = run("policy", "eval", script, "--input", json.dumps(context), "--json")
    return done.returncode, json.loads(done.stdout)


def policy(body):
    return "return policy {\n  name = 'it',\n  check = function(ctx)\n    " + body + "\n  end }\n"


@pytest.mark.parametrize("body, code, outcome, kind", [
    ("return allow()", 0, "allow", "decision"),
    ("return warn('careful')", 0, "warn", "decision"),
    ("return needs_approval('ask')", 6, "approval", "decision"),
    ("return deny('no', { fix = 'do' })", 6, "deny", "decision"),
    ("return true", 6, "deny", "error"),
    ("return 'allow'", 6, "deny", "error"),
    ("return ctx.slo.left", 6, "deny", "error"),
    ("while true do end", 6, "deny", "limit"),
    ("while true do pcall(function() while true do end end) end", 6, "deny", "limit"),
    ("('a'):rep(2000):find('.-.-.-.-b$') return allow()", 6, "deny", "limit"),
    ("local s = 'x' while true do s = s .. s end", 6, "deny", "limit"),
    ("os.exit(0)", 6, "deny", "error"),
])
def test_eval_tells_decisions_errors_and_limits_apart(tmp_path, body, code, outcome, kind):
    got, verdict = evaluate(tmp_path, policy(body), PROD)
    assert (got, verdict["outcome"], verdict["class"]) == (code, outcome, kind)
    assert verdict["file"] == "it.lua" and (verdict["line"] == 4 or verdict["class"] == "error")
    assert outcome == "allow" or verdict["reason"]
    assert str(tmp_path) not in json.dumps(verdict)


def test_eval_reads_its_input_from_file_and_standard_input(tmp_path):
    script = SCRIPTS / "policies" / "no-latest.lua"
    context = json.dumps({"environment": "prod", "config": {"image": "shop:latest"}})
    (tmp_path / "ctx.json").write_text(context)
    assert run("policy", "eval", script, "--input", f"@{tmp_path}/ctx.json").returncode == 6
    assert run("policy", "eval", script, "--input", "-", stdin=context).returncode == 6


def test_eval_says_what_is_wrong_with_its_arguments(tmp_path):
    script = SCRIPTS / "policies" / "no-latest.lua"
    assert run("policy", "eval", script).returncode == 2
    assert run("policy", "eval").returncode == 2
    broken = run("policy", "eval", script, "--input", "{\"a\":}")
    assert broken.returncode == 3 and "--input:1:6" in broken.stderr
    assert run("policy", "eval", script, "--input", "[]").returncode == 3
    assert run("policy", "eval", tmp_path / "none.lua", "--input", "{}").returncode == 3


def test_a_script_that_does_not_compile_is_exit_code_3(tmp_path):
    code, verdict = evaluate(tmp_path, "return policy {\n check = = }", PROD)
    assert code == 3 and verdict["outcome"] == "deny" and verdict["line"] == 2


def test_bit_operations_that_this_lua_computes_wrongly_are_refused(tmp_path):
    table = ",".join(f"'k{i}'" for i in range(300))
    source = policy(f"local t = {{{table}}}\n    if 1 | (2 or 3) == 3 then return allow() end return deny('x')")
    code, verdict = evaluate(tmp_path, source, PROD)
    wrong = subprocess.run(["lua5.4", "-e", f"local t = {{{table}}} print(1 | (2 or 3))"], capture_output=True,
                           text=True).stdout.strip() != "3"
    assert code == (3 if wrong else 0)
    if wrong:
        assert "256 constants" in verdict["reason"] and verdict["line"] == 5


def test_the_shipped_scripts_pass_their_tests():
    done = run("policy", "test", SCRIPTS, "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0 and report["failed"] == 0
    tested = {entry["script"] for entry in report["files"]}
    assert tested == {path.stem for path in (SCRIPTS / "policies").glob("*.lua")}
    gates = run("gate", "test", SCRIPTS / "gates" / "error-budget.lua", "-v")
    assert gates.returncode == 0 and "read slo.budget_left = 0.083" in gates.stdout


def test_a_test_that_fails_shows_why_and_the_trace(tmp_path):
    for folder in ("policies", "tests"):
        (tmp_path / folder).mkdir()
    (tmp_path / "policies" / "it.lua").write_text(policy("if ctx.n > 1 then return deny('big') end return allow()"))
    (tmp_path / "tests" / "it_test.lua").write_text(
        "return tests { script = '../policies/it.lua', cases = { { name = 'small', ctx = { n = 2 }, expect = 'allow' } } }")
    done = run("policy", "test", tmp_path)
    assert done.returncode == 1
    assert "FAIL  it: small" in done.stdout and "expected allow, got deny: big" in done.stdout
    assert "read n = 2" in done.stdout and "deny at it.lua:4" in done.stdout
    (tmp_path / "tests" / "it_test.lua").write_text("return tests {")
    assert run("policy", "test", tmp_path).returncode == 3
    assert run("policy", "test", tmp_path / "policies").returncode == 4


# ---- with a server ----

def results(answer):
    return {entry["rule"]: entry for entry in answer.json()["results"]}


def test_evaluate_answers_one_decision_and_each_reason(shared_server):
    answer = shared_server.post("/policies/evaluate", PROD)
    assert answer.status == 200 and answer.json()["decision"] == "allow" and answer.json()["allowed"]
    assert all(entry["ok"] for entry in results(answer).values())
    bad = {**PROD, "data_classification": "pii", "exposure": "external",
           "config": {"image": "shop:latest", "replicas": 1}}
    answer = shared_server.post("/policies/evaluate", bad)
    denied = {name for name, entry in results(answer).items() if not entry["ok"]}
    assert answer.json()["decision"] == "deny" and not answer.json()["allowed"]
    assert denied == {"no-latest", "min-replicas", "pii-exposure"}
    for name in denied:
        entry = results(answer)[name]
        assert entry["message"] and entry["fix"] and entry["evidence"] and entry["file"] == f"{name}.lua"
    risky = shared_server.post("/policies/evaluate", {**PROD, "risk": {"level": "HIGH"}}).json()
    assert risky["decision"] == "needs_approval" and not risky["allowed"]


def test_a_caller_cannot_bring_settings_of_its_own(shared_server):
    answer = shared_server.post("/policies/evaluate", {**PROD, "settings": {"min_replicas": 0},
                                                       "config": {"image": "shop:1", "replicas": 1}})
    assert not results(answer)["min-replicas"]["ok"]


def test_policies_are_listed_with_their_hash(shared_server):
    listed = shared_server.get("/policies").json()
    assert [entry["name"] for entry in listed["items"]] == sorted(entry["name"] for entry in listed["items"])
    assert len(listed["policy_hash"]) == 64
    assert listed["policy_hash"] == shared_server.post("/policies/evaluate", PROD).json()["policy_hash"]
    assert shared_server.get("/policies", token=False).status == 401


@pytest.fixture
def own_policies(make_server, tmp_path):
    """A server over a folder that the test may change."""
    shutil.copytree(SCRIPTS, tmp_path / "lua")
    server = make_server(config=f"""
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  policy:
    scripts: {tmp_path}/lua/policies
    settings: {{min_replicas: 5, allowed_registries: ["registry.internal/*"]}}
""")
    return server, tmp_path / "lua" / "policies"


def replace(path, text):
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    os.replace(fresh, path)


def test_settings_reach_the_policies(own_policies):
    server, _ = own_policies
    verdicts = results(server.post("/policies/evaluate", PROD))
    assert "needs 5 replicas" in verdicts["min-replicas"]["message"]
    assert verdicts["image-registry"]["ok"]
    other = {**PROD, "config": {"image": "docker.io/shop:1", "replicas": 9}}
    assert not results(server.post("/policies/evaluate", other))["image-registry"]["ok"]


def test_policies_are_reloaded_while_the_server_runs(own_policies):
    server, folder = own_policies
    good = {**PROD, "config": {"image": "registry.internal/shop:1", "replicas": 9}}
    decision = lambda: server.post("/policies/evaluate", good).json()
    assert decision()["decision"] == "allow"
    before = decision()["policy_hash"]
    replace(folder / "extra.lua", policy("return deny('not today', { fix = 'come back' })"))
    wait_until(lambda: decision()["decision"] == "deny", "reload")
    assert decision()["policy_hash"] != before
    replace(folder / "extra.lua", "return policy {")
    wait_until(lambda: any(entry["class"] == "error" for entry in decision()["results"]), "reload")
    assert decision()["decision"] == "deny"
    broken = [entry for entry in server.get("/policies").json()["items"] if "error" in entry]
    assert len(broken) == 1 and broken[0]["file"] == "extra.lua"
    replace(folder / "extra.lua", policy("while true do end"))
    wait_until(lambda: any(entry["class"] == "limit" for entry in decision()["results"]), "reload")
    (folder / "extra.lua").unlink()
    wait_until(lambda: decision()["decision"] == "allow", "reload")
    assert decision()["policy_hash"] == before
    shutil.rmtree(folder)
    wait_until(lambda: decision()["decision"] == "deny", "the folder's loss")


def test_a_script_may_ask_an_operation_that_it_names(own_policies):
    server, folder = own_policies
    good = {**PROD, "config": {"image": "registry.internal/shop:1", "replicas": 9}}
    replace(folder / "asks.lua", """
return policy { name = "asks", calls = { "policy.list" }, check = function(ctx)
  return warn("there are " .. #sluice.call("policy.list").items .. " policies") end }""")
    replace(folder / "strays.lua", """
return policy { name = "strays", check = function(ctx)
  return warn("there are " .. #sluice.call("policy.list").items) end }""")
    wait_until(lambda: {"asks", "strays"} <= set(results(server.post("/policies/evaluate", good))), "reload")
    verdicts = results(server.post("/policies/evaluate", good))
    count = len(list(folder.glob("*.lua")))
    assert verdicts["asks"]["message"] == f"there are {count} policies" and verdicts["asks"]["ok"]
    assert "is not in 'calls'" in verdicts["strays"]["message"] and not verdicts["strays"]["ok"]


def test_a_folder_that_is_not_there_is_told_at_the_start(make_server):
    server = make_server(config="""
server: {listen: "127.0.0.1:0"}
state: ${SLUICE_STATE}
plugins:
  policy: {scripts: /nonexistent/policies}
""")
    answer = server.post("/policies/evaluate", PROD)
    assert answer.status == 503 and "/nonexistent/policies" in answer.json()["detail"]
