"""Explaining and replaying policies over requests of the past; OPA as one more judge; the error budget asked of the plugin slo."""
import http.server, json, shutil, threading

import pytest

from conftest import ROOT, wait_until

REQUEST = {"app_name": "shop", "environment": "prod", "config": {"image": "registry.internal/shop:1.4.2", "replicas": 3},
           "author": "ada", "reason": "fixes checkout",
           "diff": "--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-a\n+b\n"}


def config(folder, more="", others=""):
    return (f"server: {{listen: '127.0.0.1:0'}}\nstate: ${{SLUICE_STATE}}\nplugins:\n  risk:\n  rollout:\n"
            f"  policy:\n    scripts: {folder}\n{more}{others}")


@pytest.fixture
def world(make_server, tmp_path):
    shutil.copytree(ROOT / "scripts" / "lua", tmp_path / "lua")
    folder = tmp_path / "lua" / "policies"
    return make_server(config=config(folder)), folder


def ask(server, **more):
    answer = server.post("/deployments/request", {**REQUEST, **more})
    assert answer.status == 200, answer
    return answer.json()


def replace_script(folder, name, source):
    (folder / f".{name}").write_text(source)
    (folder / f".{name}").rename(folder / name)


def test_explain_tells_then_and_now(world):
    server, folder = world
    good, bad = ask(server), ask(server, config={"image": "shop:latest", "replicas": 1})
    told = server.get(f"/policies/explain/{good['id']}").json()
    assert told["then"]["decision"] == told["now"]["decision"] and not told["changed"]
    assert told["then"]["policy_hash"] == told["now"]["policy_hash"] and "say the same" in told["text"]
    told = server.get(f"/policies/explain/{bad['id']}").json()
    assert told["now"]["decision"] == "deny"
    assert "no-latest.lua:" in told["text"] and "fix: name the version" in told["text"]
    replace_script(folder, "min-replicas.lua", """
    return policy { name = "min-replicas", applies = { environment = "prod" }, check = function(ctx)
      if ctx.config.replicas < 5 then return deny("five are needed", { fix = "ask for five" }) end
      return allow() end }""")
    wait_until(lambda: server.get(f"/policies/explain/{good['id']}").json()["changed"], "the change")
    told = server.get(f"/policies/explain/{good['id']}").json()
    assert told["now"]["decision"] == "deny"
    assert told["changed"] == [{"rule": "min-replicas", "then": "allow", "now": "deny", "reason": "five are needed"}]
    assert "min-replicas: deny, was allow: five are needed" in told["text"]
    missing = server.get("/policies/explain/nothing")
    assert missing.status == 404 and "nothing" in missing.json()["detail"]


def test_replay_counts_what_todays_policies_would_change(world):
    server, folder = world
    for replicas in (1, 2, 3, 4, 5):
        ask(server, config={**REQUEST["config"], "replicas": replicas})
    ask(server, environment="dev", config={"image": "shop:latest", "replicas": 1})
    told = server.post("/policies/replay", {}).json()
    assert told["judged"] == 6 and told["same"] == 6 and not told["changed"] and told["next_cursor"] is None
    assert told["then"] == told["now"] and told["then"]["deny"] == 1
    source = (folder / "min-replicas.lua").read_text()
    replace_script(folder, "min-replicas.lua", source.replace("min_replicas or 2", "min_replicas or 4"))
    wait_until(lambda: server.post("/policies/replay", {}).json()["stricter"] == 2, "the new policy")
    told = server.post("/policies/replay", {}).json()
    assert told["looser"] == 0 and told["now"]["deny"] == 3
    assert {tuple(rule["rule"] for rule in one["rules"]) for one in told["changed"]} == {("min-replicas",)}
    replace_script(folder, "min-replicas.lua", source.replace("min_replicas or 2", "min_replicas or 0"))
    wait_until(lambda: server.post("/policies/replay", {}).json()["looser"] == 1, "the lenient policy")
    # By application, by pieces, and only of the past that is asked for.
    assert server.post("/policies/replay", {"app_name": "other"}).json()["judged"] == 0
    assert server.post("/policies/replay", {"environment": "dev"}).json()["judged"] == 1
    first = server.post("/policies/replay", {"limit": 4}).json()
    rest = server.post("/policies/replay", {"limit": 4, "cursor": first["next_cursor"]}).json()
    assert first["judged"] == 4 and rest["judged"] == 2
    assert server.post("/policies/replay", {"until_ms": 1000}).json()["judged"] == 0
    run = server.cli("policy", "replay", "--env", "dev", "--json", check=0)
    assert json.loads(run.stdout)["judged"] == 1


def test_without_the_rollout_plugin_it_says_so(make_server):
    server = make_server(config="server: {listen: '127.0.0.1:0'}\nstate: ${SLUICE_STATE}\nplugins:\n  policy:\n"
                                f"    scripts: {ROOT}/scripts/lua/policies\n")
    answer = server.post("/policies/replay", {})
    assert answer.status == 503 and "rollout" in answer.json()["detail"]


class Opa:
    """Answers what `reply` holds and keeps what it was asked."""

    def __init__(self):
        opa = self
        self.reply, self.status, self.asked = {"result": {"allow": True}}, 200, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                opa.asked.append((self.path, self.headers.get("Authorization"),
                                  json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
                body = json.dumps(opa.reply).encode()
                self.send_response(opa.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/v1/data/sluice"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def opa():
    opa = Opa()
    yield opa
    opa.server.shutdown()


def test_opa_judges_beside_the_policies(make_server, opa):
    server = make_server(config=config(ROOT / "scripts/lua/policies", f"    opa: {{url: '{opa.url}', token: secret-1, timeout: 5s}}\n"))
    context = {"app_name": "shop", "environment": "prod", "config": REQUEST["config"], "risk": {"level": "LOW"}}

    def judge():
        answer = server.post("/policies/evaluate", context).json()
        return answer["decision"], [one for one in answer["results"] if one["rule"].startswith("opa")]

    decision, verdicts = judge()
    assert decision == "allow" and verdicts[0]["ok"]
    path, authorization, asked = opa.asked[-1]
    assert path == "/v1/data/sluice" and authorization == "Bearer secret-1"
    assert asked["input"]["config"] == REQUEST["config"] and asked["input"]["now"] > 0
    opa.reply = {}  # undefined
    decision, verdicts = judge()
    assert decision == "deny" and "undefined" in verdicts[0]["message"] and verdicts[0]["class"] == "decision"
    opa.reply = {"result": {"decision": "deny", "deny": [{"rule": "own", "message": "not on mondays", "fix": "wait"}]}, "decision_id": "d1"}
    decision, verdicts = judge()
    assert decision == "deny" and verdicts[0]["rule"] == "opa/own" and verdicts[0]["fix"] == "wait"
    assert verdicts[0]["evidence"] == {"path": "data.sluice", "decision_id": "d1"}
    opa.reply = {"result": {"decision": "needs_approval", "approval": ["ask"]}}
    assert judge()[0] == "needs_approval"
    opa.status = 500
    decision, verdicts = judge()
    assert decision == "deny" and verdicts[0]["class"] == "error" and "500" in verdicts[0]["message"]
    opa.server.server_close()
    opa.server.shutdown()
    decision, verdicts = judge()
    assert decision == "deny" and verdicts[0]["class"] == "error" and "secret-1" not in json.dumps(verdicts)
    assert ask(server)["status"] == "DENIED"


def test_the_error_budget_is_asked_of_the_objectives(make_server):
    server = make_server(config=config(
        ROOT / "scripts/lua/policies", "    settings: {error_budget: ask}\n",
        "  slo:\n    refresh: 0\n    objectives: [{service: shop, name: availability, target: 99.9}]\n"))
    context = {"app_name": "shop", "environment": "prod", "config": REQUEST["config"], "risk": {"level": "MED"}}

    def budget():
        answer = server.post("/policies/evaluate", context).json()
        return next(one for one in answer["results"] if one["rule"] == "error-budget")

    assert budget()["outcome"] == "allow"  # nothing is known yet
    push = lambda total, errors: server.post("/slo/counters", {"items": [{"service": "shop", "total": total, "errors": errors}]})
    assert push(1000000, 100).status == 200
    assert budget()["outcome"] == "allow"
    push(1000000, 1850)
    assert budget()["outcome"] == "approval" and "2.5%" in budget()["message"]
    push(0, 0)
    push(1000, 1000)
    assert budget()["outcome"] == "deny" and budget()["evidence"]["budget_left"] < 0
    context["context"] = {"kind": "reliability"}
    assert budget()["outcome"] == "allow"
