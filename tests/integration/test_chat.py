"""The chat without a language model: questions in varied wording, answered from what the platform has recorded."""
import json

import pytest

from conftest import ROOT, wait_until

LUA = """
return plugin {
  name = "doubles", version = "1.0.0", summary = "Stands in for parts that are not under test",
  config = { { name = "now", type = "int", default = 0 } },
  operations = {
    ["incident.list"] = { summary = "List incidents", needs = "incident:read", effect = "reads",
      output = { { name = "items", type = "list", item = "any" } },
      run = function() return { items = list {
        { id = "01JDINCDENT000000000000007", title = "Search is slow", severity = "sev2", status = "open", services = list { "search" } },
        { id = "01JDINCDENT000000000000001", title = "Old", severity = "sev3", status = "resolved", services = list { "shop" } } } } end },
    ["incident.get"] = { summary = "Show an incident", needs = "incident:read", effect = "reads",
      input = { { name = "id", type = "string", required = true } },
      run = function(call, input) return { id = input.id, title = "Search is slow", severity = "sev2", status = "open" } end },
    ["incident.suspects"] = { summary = "Rank changes", needs = "incident:read", effect = "reads",
      input = { { name = "id", type = "string", required = true } },
      output = { { name = "items", type = "list", item = "any" } },
      run = function() return { items = list { { deployment_id = "01JDDEPLOY0000000000000001", score = 0.8 } } } end },
    ["slo.objectives"] = { summary = "List objectives", needs = "slo:read", effect = "reads",
      output = { { name = "items", type = "list", item = "any" } },
      run = function() return { items = list { { id = "shop/availability" }, { id = "gateway/latency" } } } end },
    ["slo.status"] = { summary = "Show budgets", needs = "slo:read", effect = "reads",
      output = { { name = "items", type = "list", item = "any" } },
      run = function() return { items = list {
        { service = "shop", objective = "availability", target = 0.999, window = "30d", budget_left = 0.42, burn = { ["1h"] = 1.5 } },
        { service = "gateway", objective = "latency", target = 0.99, window = "30d", budget_left = -0.05, burn = { ["1h"] = 20 } } } } end },
    ["slo.confidence"] = { summary = "Show confidence", needs = "slo:read", effect = "reads",
      output = { { name = "items", type = "list", item = "any" } },
      run = function() return { items = list { { service = "shop", score = 81, level = "good" } } } end },
    ["rag.query"] = { summary = "Search", needs = "rag:read", effect = "reads",
      input = { { name = "query", type = "string", required = true }, { name = "k", type = "int" } },
      output = { { name = "passages", type = "list", item = "any" }, { name = "answerable", type = "bool" }, { name = "confidence", type = "number" } },
      run = function(call, input)
        if input.query:lower():find("certificate", 1, true) or input.query:find("HighErrorRate", 1, true) then
          return { answerable = true, confidence = 0.8, passages = list { { document = "runbooks/tls.md", title = "TLS and errors",
            heading = "Rotate", lines = list { 3, 9 }, text = "Run certbot renew, then reload the gateway.", score = 0.9 } } }
        end
        return { answerable = false, confidence = 0.1, passages = list { { document = "a.md", title = "Backups", lines = list { 1, 2 }, text = "x" } } }
      end },
  },
}
"""

CONFIG = """server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {root}/scripts/lua/policies}}
  rollout:
  chat:
  doubles: {{file: {lua}}}
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    """A server with a known past."""
    from conftest import Server
    lua = tmp_path_factory.mktemp("lua") / "doubles.lua"
    lua.write_text(LUA)
    server = Server(config=CONFIG.format(root=ROOT, lua=lua))
    ids = {}

    def deploy(name, **more):
        body = {"app_name": "shop", "environment": "prod", "config": {"image": "registry.internal/shop:1.0.0", "replicas": 3}, **more}
        answer = server.post("/deployments/request", body)
        assert answer.status in (200, 201, 202, 403), answer
        ids[name] = answer.json()["id"]
    image = lambda text, **more: {"image": f"registry.internal/{text}", "replicas": 3, **more}
    deploy("billing", app_name="billing", environment="dev", config=image("billing:3.0.0"))
    wait_until(lambda: server.get(f"/rollouts/{ids['billing']}").status == 200, "the rollout of billing")
    aborted = server.post(f"/rollouts/{ids['billing']}/abort", {"reason": "invoices are doubled"})
    assert aborted.status == 200, aborted
    wait_until(lambda: "rollout.aborted" in server.get(f"/events?subject=deployment/{ids['billing']}").body.decode(), "the abort")
    deploy("shop-old", config=image("shop:1.4.1"), author="ada", reason="first release")
    deploy("shop-dev", environment="dev", config=image("shop:1.5.0"))
    deploy("shop", config=image("shop:1.4.2"), author="grace", commit="abc1234", reason="fixes checkout rounding")
    deploy("payments", app_name="payments", config=image("payments:latest"))
    deploy("customers", app_name="customers", config=image("customers:2.0.1"), data_classification="pii", exposure="external")
    diff = "".join(f"--- a/db/m{i}.sql\n+++ b/db/m{i}.sql\n@@ -0,0 +1,2 @@\n+DROP TABLE ledger_{i};\n+ALTER TABLE t DROP COLUMN c;\n" for i in range(6))
    deploy("ledger", app_name="ledger", config=image("ledger:7.1.0"), diff=diff, tier=0, message="rewrite", data_classification="confidential")
    deploy("search", app_name="search", environment="stage", config=image("search:0.9.3"), strategy="bluegreen")
    statuses = {name: server.get(f"/deployments/{id}").json()["status"] for name, id in ids.items()}
    assert statuses["payments"] == statuses["customers"] == "DENIED" and statuses["shop"] == "APPROVED", statuses
    assert statuses["ledger"] == "NEEDS_APPROVAL", statuses
    frozen = server.post("/freezes", {"reason": "end of year", "environment": "stage"})
    assert frozen.status in (200, 201), frozen
    server.ids = ids
    yield server
    server.close()


def ask(server, question, **more):
    answer = server.post("/ai/chat", {"question": question, **more})
    assert answer.status == 200, answer
    return answer.json()


# question -> intent, words that the answer must hold (deployments by name in braces), words that it must not
QUESTIONS = [
    # why
    ("Why did prod fail?", "explain_failure", ["{customers}", "pii-exposure"], []),
    ("why did customers fail", "explain_failure", ["{customers}", "must not be exposed"], []),
    ("What went wrong with payments?", "explain_failure", ["{payments}", "no-latest", "latest"], ["{customers}"]),
    ("how come the payments rollout broke?", "explain_failure", ["{payments}"], []),
    ("what's the reason customers crashed", "explain_failure", ["{customers}"], []),
    ("Why did stage fail?", "explain_failure", ["No deployment in stage failed", "{search}"], []),
    ("why was customers denied?", "explain_block", ["{customers}", "pii-exposure.lua"], []),
    ("Why is payments blocked in prod", "explain_block", ["{payments}", "no-latest"], []),
    ("explain the rejection of customers", "explain_block", ["{customers}"], []),
    ("why can't I deploy payments", "explain_block", ["{payments}", "no-latest"], []),
    ("why won't customers ship?", "explain_block", ["{customers}"], []),
    ("what stopped payments from going to production?", "explain_block", ["{payments}"], []),
    ("why was paymnts rejected", "explain_block", ["{payments}"], []),
    ("Why is ledger waiting?", "explain_wait", ["{ledger}", "risk-threshold"], []),
    ("what is ledger stuck on", "explain_wait", ["{ledger}", "approval"], []),
    ("why does ledger need approval?", "explain_wait", ["{ledger}", "HIGH"], []),
    ("is the ledger release pending on somebody?", "explain_wait", ["{ledger}"], []),
    ("why did billing fail?", "explain_failure", ["{billing}", "aborted", "invoices are doubled"], ["{customers}"]),
    ("what broke billing in dev", "explain_failure", ["invoices are doubled"], []),
    # which policy
    ("Which policy blocked prod?", "which_policy", ["{customers}", "pii-exposure"], []),
    ("what gate stopped payments", "which_policy", ["no-latest", "{payments}"], []),
    ("which rule denied customers?", "which_policy", ["pii-exposure.lua"], []),
    ("Which check rejected the payments deployment", "which_policy", ["no-latest"], []),
    ("who blocked customers?", "which_policy", ["pii-exposure"], []),
    # changes
    ("What changed in prod?", "what_changed", ["shop"], ["payments:latest"]),
    ("what changed between dev and prod of shop?", "what_changed", ["shop:1.5.0", "shop:1.4.2", "different versions"], []),
    ("What is different between shop 1.4.1 and 1.4.2", "what_changed", ["shop:1.4.1", "shop:1.4.2", "grace", "rounding"], []),
    ("compare shop in dev with prod", "what_changed", ["shop:1.5.0", "shop:1.4.2"], []),
    ("what changed since yesterday?", "what_changed", ["{shop}", "{search}"], ["payments:latest"]),
    ("what's new in shop? show the changes", "what_changed", ["shop:1.4"], []),
    # what runs
    ("What is deployed where?", "what_is_deployed", ["shop:1.5.0", "shop:1.4.2", "search:0.9.3"], ["payments:latest", "shop:1.4.1"]),
    ("which version of shop runs in prod?", "what_is_deployed", ["shop:1.4.2"], ["1.5.0"]),
    ("what's running in stage", "what_is_deployed", ["search:0.9.3"], ["shop"]),
    ("Where is shop deployed?", "what_is_deployed", ["dev", "prod"], ["search"]),
    ("what image of search is live", "what_is_deployed", ["search:0.9.3"], []),
    ("what verison of shop is in dev", "what_is_deployed", ["shop:1.5.0"], ["1.4.2"]),
    # safe
    ("Is it safe to deploy shop to prod now?", "safe_to_deploy", ["{shop}", "42.0 %"], []),
    ("can I ship search to stage?", "safe_to_deploy", ["Rather no", "freeze", "end of year"], []),
    ("should we release gateway right now", "safe_to_deploy", ["Rather no", "-5.0 %"], []),
    ("is now a good time to deploy customers?", "safe_to_deploy", ["Rather no", "DENIED"], []),
    ("ok to push search", "safe_to_deploy", ["Rather no", "Search is slow"], []),
    # alerts and documents
    ("How do I fix HighErrorRate?", "fix_alert", ["certbot", "runbooks/tls.md"], []),
    ("HighErrorRate is firing, what do I do", "fix_alert", ["certbot"], []),
    ("runbook for HighErrorRate", "fix_alert", ["certbot"], []),
    ("how do I rotate a certificate", "search_documents", ["certbot", "lines 3 to 9"], []),
    ("what is the wifi password of the office?", "search_documents", ["I do not know", "Backups"], []),
    ("tell me a joke", "search_documents", ["I do not know"], []),
    # who
    ("Who approved ledger?", "who_approved", ["{ledger}", "No person has approved it", "token:admin"], []),
    ("who requested the deployment of shop to prod", "who_approved", ["token:admin", "{shop}"], ["{shop-dev}"]),
    ("who signed off on search", "who_approved", ["{search}", "No person"], []),
    ("who deployed payments?", "who_approved", ["{payments}", "token:admin"], []),
    ("who aborted billing?", "who_approved", ["aborted by token:admin"], []),
    # budgets
    ("What is the error budget of shop?", "error_budget", ["42.0 %", "1.5 over 1h"], ["gateway"]),
    ("how much budget is left", "error_budget", ["42.0 %", "-5.0 %", "overspent"], []),
    ("how fast is gateway burning its SLO?", "error_budget", ["20 over 1h"], ["shop availability"]),
    ("how confident are you in shop?", "error_budget", ["81 of 100"], []),
    # what happened
    ("What happened today?", "what_happened", ["deployment.denied customers", "deployment.approved search"], []),
    ("what happened last night", "what_happened", [], []),
    ("give me a summary of the last 2 hours", "what_happened", ["deployment.denied payments", "things happened"], []),
    ("what happened to ledger in the last hour", "what_happened", ["ledger"], ["customers"]),
    ("what happened to billing today?", "what_happened", ["rollout.aborted billing", "invoices"], ["customers"]),
    ("anything going on in stage today? recap please", "what_happened", ["search"], ["customers"]),
    # incidents
    ("Are there any open incidents?", "incidents", ["Search is slow", "01JDINCDENT000000000000007"], ["Old"]),
    ("is anything down?", "incidents", ["Search is slow"], []),
    ("which incidents affect shop", "incidents", ["No incident of shop is open"], []),
    # risk, lists, freezes, next
    ("Why is ledger so risky?", "explain_risk", ["{ledger}", "HIGH"], []),
    ("how risky was the customers deployment", "explain_risk", ["{customers}", "personal data"], []),
    ("which policies apply in prod?", "list_policies", ["no-latest", "pii-exposure", "min-replicas"], []),
    ("list the rules for dev", "list_policies", ["image-registry"], ["pii-exposure"]),
    ("show me the latest deployments", "list_deployments", ["{search}", "{ledger}"], []),
    ("how many deployments were denied today?", "list_deployments", ["2 deployments", "{payments}", "{customers}"], ["{shop}"]),
    ("which deployments are waiting for approval", "list_deployments", ["{ledger}"], ["{shop}"]),
    ("is there a freeze?", "freezes", ["end of year"], []),
    ("what should I do next about payments", "next_step", ["name the version"], []),
    ("how do I unblock customers?", "next_step", ["expose it internally"], []),
    ("roll back shop in prod", "act", ["{shop}", "only suggest"], []),
    ("please approve ledger", "act", ["{ledger}"], []),
    ("what can you do?", "help", ["Ask in your own words"], []),
    # nothing known
    ("why did checkout fail?", "explain_failure", ["no application called 'checkout'", "payments"], ["{customers}"]),
    ("why did the certificate renewal fail?", "explain_failure search_documents", ["certbot"], []),
    ("is it safe to deploy warehouse?", "safe_to_deploy", ["no application called 'warehouse'"], ["Yes"]),
    ("why did shop fail in prod", "explain_failure", ["No deployment of shop in prod failed", "{shop}"], []),
]


@pytest.mark.parametrize("question,intent,has,lacks", QUESTIONS, ids=[row[0] for row in QUESTIONS])
def test_question(platform, question, intent, has, lacks):
    body = ask(platform, question)
    told = json.dumps([body["answer"], body.get("root_cause"), body.get("fix"), body["evidence"]], ensure_ascii=False)
    told_of_rule = json.dumps([body["answer"], body["evidence"]])
    assert body["intent"] in intent.split(), body
    for words in has:
        assert words.format(**platform.ids) in told, (words.format(**platform.ids), body)
    for words in lacks:
        assert words.format(**platform.ids) not in told_of_rule, (words, body)
    check_evidence(platform, body)


def check_evidence(server, body):
    """Each mark has its evidence, and each piece of evidence is what the platform gives for its reference."""
    import re
    ids = {item["id"]: item for item in body["evidence"]}
    for mark in re.findall(r"\[(e\d+)\]", body["answer"]):
        assert mark in ids, body["answer"]
    assert {citation["id"] for citation in body["citations"] if "id" in citation} <= set(ids)
    for item in body["evidence"]:
        kind, _, rest = item["ref"].partition("/")
        if kind == "event":
            event = server.get(f"/events?after={int(rest) - 1}&limit=1").json()["items"][0]
            assert event["seq"] == int(rest)
        if kind == "deployment" and "#" in rest and not rest.endswith("#risk"):
            id, _, rule = rest.partition("#")
            reasons = server.get(f"/deployments/{id}").json()["reasons"]
            assert any(reason["rule"] == rule and reason["message"] == item["quote"] for reason in reasons)
    if body["answerable"] is False:
        assert body["confidence"] <= 0.8


def test_root_cause_fix_and_next_action(platform):
    body = ask(platform, "Why was customers blocked?")
    assert body["root_cause"].startswith("policy pii-exposure: data classified 'pii'")
    assert body["fix"].startswith("expose it internally")
    action = body["next_best_action"]
    assert action["operation"] == "deploy.explain" and action["permitted"] is True and action["effect"] == "reads"
    assert platform.get(f"/deployments/{action['input']['id']}/explain").status == 200
    assert body["method"] == "intents" and all(step["outcome"] == "ok" for step in body["steps"])


def test_predecessors_question(platform):
    answer = platform.post("/ai/chat", {"question": "Which policy blocked prod?"})
    assert "pii-exposure" in answer.json()["answer"]
    bad = platform.post("/ai/chat", {"question": ""})
    assert bad.status == 400 and bad.json()["errors"][0]["pointer"] == "/question"
    assert platform.post("/ai/chat", {"question": "x" * 5000}).status == 400


def test_a_conversation_goes_on_by_its_context(platform):
    first = ask(platform, "Why was payments denied?")
    second = ask(platform, "and who requested it?", context=first["context"])
    assert platform.ids["payments"] in second["answer"] and second["intent"] == "who_approved"
    third = ask(platform, "what about customers, why was it blocked?", context=second["context"])
    assert platform.ids["customers"] in third["answer"]


def test_permissions_of_the_asker_hold(platform):
    token = platform.post("/tokens", {"name": "chatty", "permissions": "chat:use policy:read"}).json()["token"]
    body = platform.post("/ai/chat", {"question": "Why was customers denied?"}, token=token).json()
    text = json.dumps(body)
    assert platform.ids["customers"] not in text and "pii" not in body["answer"]
    assert any("not permitted to use deploy.list" in step["outcome"] for step in body["steps"])
    reader = platform.post("/tokens", {"name": "reads", "permissions": "chat:use deploy:read events:read"}).json()["token"]
    body = platform.post("/ai/chat", {"question": "roll back shop in prod"}, token=reader).json()
    assert not body["next_best_action"]["permitted"] or body["next_best_action"]["effect"] == "reads"
    none = platform.post("/tokens", {"name": "nochat", "permissions": "deploy:read"}).json()["token"]
    assert platform.post("/ai/chat", {"question": "help"}, token=none).status == 403


def test_nothing_is_ever_changed(platform):
    before = platform.get("/events?limit=500").json()["items"][-1]["seq"]
    for question in ("roll back shop", "approve ledger", "deploy payments to prod", "freeze prod", "abort search", "promote search"):
        ask(platform, question)
    assert platform.get("/events?limit=500").json()["items"][-1]["seq"] == before


def stream(server, question):
    answer = server.post("/ai/chat", {"question": question}, headers={"Accept": "text/event-stream"})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    events = []
    for block in answer.body.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in lines:
            events.append((lines["event"], json.loads(lines["data"])))
    return events


def test_stream_of_events(platform):
    events = stream(platform, "Why was customers denied?")
    names = [name for name, _ in events]
    assert names[0] == "meta" and names[-2:] == ["result", "done"] and "step" in names and "source" in names
    result = dict(events)["result"]
    assert "".join(data["text"] for name, data in events if name == "delta") == result["answer"]
    assert platform.ids["customers"] in result["answer"]


def test_ask_on_the_command_line(platform):
    run = platform.cli("ask", "why was", "customers denied?", check=0)
    assert "pii-exposure" in run.stdout and "Evidence" in run.stdout and "sluice deploy explain --id" in run.stdout
    command = next(line for line in run.stdout.splitlines() if line.strip().startswith("sluice deploy")).split()[1:]
    assert "DENIED of customers" in platform.cli(*command, check=0).stdout
    assert platform.cli("ask", "tell me a joke").returncode == 4
    assert json.loads(platform.cli("ask", "--json", "help", check=0).stdout)["intent"] == "help"
    assert platform.cli("ask").returncode == 2


def test_works_alone_and_says_what_is_missing(make_server):
    """No rollout, no policy, no rag, no slo: an honest answer all the same."""
    server = make_server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  chat:\n')
    for question, words in (("why did prod fail?", "deploy.list is not served here"), ("error budget?", "slo.status is not served here"),
                            ("any incidents?", "incident.list is not served here"), ("how do I restart nginx", "rag.query is not served here")):
        assert words in ask(server, question)["answer"]


def test_hostile_questions(platform):
    for question in ("\u0000"[:0] + "🤷 ¿por qué?", "a" * 4000, "why " * 900, "[e1] [e2] " * 50, "'; DROP TABLE rollout_deployment; --",
                     "%s%n%x", "\u202ewhy did prod fail", "-" * 3000, "deployment/" + "9" * 26, "why did 99999999999999999999999999 fail"):
        body = ask(platform, question)
        check_evidence(platform, body)
    assert platform.get("/deployments").json()["items"]


def test_unseen_wording_is_mostly_understood(platform):
    """Measured on questions that took no part in making the tables; the share is a floor, not a goal."""
    from chat_unseen import UNSEEN
    missed = [(question, wanted, got) for question, wanted in UNSEEN
              if (got := ask(platform, question)["intent"]) not in wanted.split()]
    print(f"{len(UNSEEN) - len(missed)} of {len(UNSEEN)} understood; missed: {missed}")
    assert len(missed) <= 0.15 * len(UNSEEN), missed
