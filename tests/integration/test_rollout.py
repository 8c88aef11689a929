"""Rollouts from the approval to their end: the plan driver with made-up traffic, everything else real."""
import json, time

import pytest

from conftest import ROOT, Server, wait_until

CONFIG = """
server: {listen: "127.0.0.1:${SLUICE_PORT:-0}"}
state: ${SLUICE_STATE}
plugins:
  risk:
  policy:
    scripts: %s/scripts/lua/policies
  rollout:
    look: 1s
    %s
"""

ANALYSIS = """
---
apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: success}
spec:
  metrics:
    - name: success
      interval: 1s
      count: 2
      failureLimit: 0
      inconclusiveLimit: 1
      successCondition: len(result) > 0 && result[0] >= 0.99
      failureCondition: len(result) > 0 && result[0] < 0.95
      provider: {prometheus: {query: "whatever{pod='{{args.hash}}'}"}}
"""


def manifest(name, steps, more=""):
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: {name}}}
spec:
  replicas: 3
  template: {{spec: {{containers: [{{name: app, image: "registry.internal/{name}:1"}}]}}}}
  strategy:
    canary:
      steps: {json.dumps(steps)}
      {more}
""" + ANALYSIS


FAST = [{"setWeight": 20}, {"pause": {"duration": 1}}, {"analysis": {"templates": [{"templateName": "success"}],
        "args": [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]}}, {"setWeight": 100}]


def serve(options=""):
    return Server(config=CONFIG % (ROOT, options))


@pytest.fixture(scope="module")
def server():
    server = serve("max_hold: 4s")
    yield server
    server.close()


def start(server, name, steps=FAST, simulate=None, more="", **options):
    body = {"manifest": manifest(name, steps, more), "simulate": {"rps": 3000, **(simulate or {})}, **options}
    answer = server.post("/rollouts/import", body)
    assert answer.status == 200, answer
    return answer.json()["id"]


def get(server, run):
    return server.get(f"/rollouts/{run}").json()


def wait_phase(server, run, *phases):
    wait_until(lambda: get(server, run)["phase"] in phases, f"{run}: {phases} (is {get(server, run)})")
    return get(server, run)


def types_of(server, run):
    page = server.get(f"/events?after=0&limit=500&subject=deployment/{run}").json()
    return sorted(page["items"], key=lambda event: event["seq"])


def names_of(server, run):
    return [event["type"] for event in types_of(server, run)]


def test_a_good_version_is_promoted_on_evidence(server):
    run = start(server, "good")
    seen = wait_phase(server, run, "Promoted", "Aborted", "Held")
    assert seen["phase"] == "Promoted", seen
    assert seen["weight"] == 100 and seen["simulated"] is True
    assert seen["evidence"] and seen["samples"] > 0 and seen["next_action"]
    told = types_of(server, run)
    kinds = {e["type"] for e in told}
    assert {"rollout.started", "rollout.step_reached", "rollout.shifted", "rollout.gate_judged",
            "rollout.promoted"} <= kinds
    for event in told:
        assert {"deployment_id", "app_name", "environment", "image", "risk_level"} <= set(event["data"]), event
    verdict = next(v for v in seen["verdicts"] if v["gate"] == "canary-judge")
    assert verdict["simulated"] and verdict["samples"] > 0 and verdict["policy_hash"] == seen["policy_hash"]
    words = server.get(f"/rollouts/{run}/explain").json()["text"]
    assert "simulated" in words and "Evidence" in words


def test_a_bad_version_is_taken_back(server):
    run = start(server, "bad", simulate={"canary_error_rate": 0.4})
    seen = wait_phase(server, run, "Promoted", "Aborted")
    assert seen["phase"] == "Aborted" and seen["code"] in ("CanaryJudge", "AnalysisFailed"), seen
    assert seen["weight"] == 0 and seen["message"] and seen["next_action"]
    kinds = names_of(server, run)
    assert "rollout.aborted" in kinds and "rollout.rolled_back" in kinds and "rollout.promoted" not in kinds


def test_silence_holds_and_then_aborts(server):
    """No request reaches the new version: that is no evidence, and never a promotion."""
    run = start(server, "silent", simulate={"rps": 0})
    held = wait_phase(server, run, "Held", "Promoted")
    assert held["phase"] == "Held" and held["hold"]["until"] and held["hold"]["owner"], held
    seen = wait_phase(server, run, "Aborted", "Promoted")
    assert seen["phase"] == "Aborted" and "held too long" in seen["message"]


def test_an_approved_request_starts_a_rollout(server):
    answer = server.post("/deployments/request", {"app_name": "asked", "environment": "dev", "author": "ada",
                         "commit": "abc123", "config": {"image": "registry.internal/asked:2"}}).json()
    assert answer["status"] == "APPROVED"
    wait_until(lambda: server.get(f"/rollouts/{answer['id']}").status == 200, "a rollout")
    seen = wait_phase(server, answer["id"], "Paused")
    assert seen["app_name"] == "asked" and seen["steps"][0]["state"] == "done"
    started = next(e for e in types_of(server, answer["id"]) if e["type"] == "rollout.started")
    assert started["data"]["commit"] == "abc123"
    assert server.post(f"/rollouts/{answer['id']}/abort", {"reason": "test"}).status == 200
    wait_phase(server, answer["id"], "Aborted")


def test_a_newer_version_makes_the_older_one_go_back_first(server):
    old = start(server, "twice", [{"setWeight": 20}, {"pause": {}}])
    wait_phase(server, old, "Paused")
    new = start(server, "twice", [{"setWeight": 30}, {"pause": {}}])
    wait_phase(server, new, "Paused")
    seen = get(server, old)
    assert seen["phase"] == "Aborted" and seen["code"] == "Superseded"
    assert server.post(f"/rollouts/{new}/abort").status == 200


def test_verbs(server):
    run = start(server, "verbs", [{"setWeight": 20}, {"pause": {}}, {"setWeight": 40}, {"pause": {}}])
    seen = wait_phase(server, run, "Paused")
    stale = server.post(f"/rollouts/{run}/promote", {"generation": seen["generation"] - 1})
    assert stale.status == 412 and "generation" in stale.json()["detail"]
    assert server.post(f"/rollouts/{run}/pause", {"reason": "lunch"}).json()["code"] == "PausedByPerson"
    assert server.post(f"/rollouts/{run}/pause").status == 200  # it is so already
    assert server.post(f"/rollouts/{run}/resume").status == 200
    wait_until(lambda: get(server, run)["code"] == "CanaryPauseStep", "the pause of the plan again")
    assert server.post(f"/rollouts/{run}/resume").status == 409
    promoted = server.post(f"/rollouts/{run}/promote", {"generation": get(server, run)["generation"]})
    assert promoted.status == 200, promoted
    wait_until(lambda: get(server, run)["weight"] == 40, "the next weight")
    assert server.post(f"/rollouts/{run}/retry").status == 409
    aborted = server.post(f"/rollouts/{run}/abort", {"reason": "it smells"})
    assert aborted.status == 200 and aborted.json()["weight"] == 0
    seen = wait_phase(server, run, "Aborted")
    assert seen["code"] == "AbortedByPerson" and "it smells" in seen["message"]
    assert server.post(f"/rollouts/{run}/abort").status == 200  # idempotent
    assert server.post(f"/rollouts/{run}/promote").status == 409
    again = server.post(f"/rollouts/{run}/retry").json()
    assert again["attempt"] == 2 and again["step"] == 0
    wait_phase(server, run, "Paused")
    assert server.post(f"/rollouts/{run}/promote", {"full": True}).status == 409  # no reason
    full = server.post(f"/rollouts/{run}/promote", {"full": True, "reason": "hot fix"})
    assert full.status == 200
    seen = wait_phase(server, run, "Promoted")
    assert "hot fix" in seen["evidence"] and seen["vouched_by"]
    assert server.post(f"/rollouts/{run}/abort").status == 409
    kinds = names_of(server, run)
    assert "rollout.break_glass" in kinds
    assert server.post(f"/rollouts/{run}/restart").status == 415
    assert server.get("/rollouts/none").status == 404
    assert server.post("/rollouts/none/abort").status == 404


def test_past_a_gate_only_with_permission(server):
    run = start(server, "glass", [{"setWeight": 20}, {"pause": {}}])
    wait_phase(server, run, "Paused")
    token = server.post("/tokens", {"name": "deployer", "permissions": "deploy:read deploy:write"}).json()["token"]
    refused = server.post(f"/rollouts/{run}/promote", {"full": True, "reason": "me"}, token=token)
    assert refused.status == 403 and "rollout:override" in refused.json()["detail"]
    assert server.post(f"/rollouts/{run}/abort", token=token).status == 200


def test_undo_goes_back_to_the_version_before(server):
    first = start(server, "undo", image="registry.internal/undo:1")
    wait_phase(server, first, "Promoted")
    second = start(server, "undo", image="registry.internal/undo:2")
    wait_phase(server, second, "Promoted")
    answer = server.post(f"/rollouts/{second}/undo", {"reason": "slow"}).json()
    assert answer["image"] == "registry.internal/undo:1"
    seen = wait_phase(server, answer["id"], "Promoted", "Aborted")
    assert seen["phase"] == "Promoted"
    assert server.post(f"/rollouts/{first}/undo").status == 404
    past = server.post("/rollouts/replay", {"app_name": "undo", "gates": [
        {"kind": "risk", "max_level": "LOW"}, {"kind": "risk", "name": "lax", "max_level": "CRITICAL"}]}).json()
    assert past["good"] == 1 and past["bad"] == 1, past
    strict, lax = past["gates"]
    assert strict["bad_stopped"] == 1 and strict["good_stopped"] == 1 and lax["bad_stopped"] == 0


def test_set_image_goes_through_risk_and_policies(server):
    answer = server.post("/deployments/request", {"app_name": "set", "environment": "dev",
                         "config": {"image": "registry.internal/set:1"}}).json()
    denied = server.post(f"/rollouts/{answer['id']}/set-image", {"image": "registry.internal/set:latest"}).json()
    assert denied["status"] in ("DENIED", "APPROVED", "NEEDS_APPROVAL") and denied["id"] != answer["id"]
    fine = server.post(f"/rollouts/{answer['id']}/set-image", {"image": "registry.internal/set:2"}).json()
    assert fine["status"] == "APPROVED"
    assert server.get(f"/deployments/{fine['id']}").json()["app_name"] == "set"


def test_a_freeze_holds_until_it_is_lifted(server):
    made = server.post("/freezes", {"reason": "black friday", "app_name": "frozen"}).json()
    run = start(server, "frozen")
    held = wait_phase(server, run, "Held", "Promoted")
    assert held["phase"] == "Held" and held["code"] == "freeze" and "black friday" in held["message"]
    assert held["weight"] == 0 and held["hold"]["then"] == "stay"
    assert [f["id"] for f in server.get("/freezes").json()["items"]] == [made["id"]]
    assert server.post(f"/freezes/{made['id']}/lift", {"reason": "over"}).status == 200
    assert server.post(f"/freezes/{made['id']}/lift", {"reason": "over"}).status == 409
    assert wait_phase(server, run, "Promoted", "Aborted")["phase"] == "Promoted"
    late = server.post("/freezes", {"reason": "x", "from_ms": 2000, "until_ms": 1000})
    assert late.status == 400


def test_blue_green(server):
    text = """kind: Rollout
metadata: {name: bg}
spec:
  template: {spec: {containers: [{image: "registry.internal/bg:1"}]}}
  strategy: {blueGreen: {activeService: a, previewService: p, autoPromotionEnabled: false}}
"""
    run = server.post("/rollouts/import", {"manifest": text, "simulate": {"rps": 3000}}).json()["id"]
    seen = wait_phase(server, run, "Paused")
    assert seen["strategy"] == "blueGreen" and seen["weight"] == 0 and seen["code"] == "BlueGreenPause"
    assert server.post(f"/rollouts/{run}/promote").status == 200
    assert wait_phase(server, run, "Promoted", "Aborted")["phase"] == "Promoted"


def test_lint_and_bad_manifests(server):
    fine = server.post("/rollouts/lint", {"manifest": manifest("x", FAST)}).json()
    assert fine["valid"] and not fine["faults"] and fine["steps"] == 4
    bad = server.post("/rollouts/lint", {"manifest": manifest("x", [
        {"setWeight": 120}, {"pause": {"duration": "5 minutes"}}, {"setWeight": 5, "pause": {}},
        {"analysis": {"templates": [{"templateName": "missing"}]}}])}).json()
    pointers = [fault["pointer"] for fault in bad["faults"]]
    assert not bad["valid"] and "/spec/strategy/canary/steps/0/setWeight" in pointers
    assert "/spec/strategy/canary/steps/1/pause/duration" in pointers and "/spec/strategy/canary/steps/2" in pointers
    typo = server.post("/rollouts/lint", {"manifest": manifest("x", FAST).replace("len(result)", "lenght(result)")})
    assert any("lenght" in fault["message"] for fault in typo.json()["faults"])
    assert server.post("/rollouts/import", {"manifest": "kind: Deployment"}).status == 400
    assert server.post("/rollouts/import", {"manifest": "a: [b"}).status == 400
    assert server.post("/rollouts/import", {"manifest": manifest("x", [{"setWeight": 120}])}).status == 400
    no_driver = server.post("/rollouts/import", {"manifest": manifest("x", FAST), "driver": "nomad"})
    assert no_driver.status == 400 and "plan" in no_driver.json()["detail"]


def test_approval_by_somebody_else(make_server):
    server = make_server(config=CONFIG % (ROOT, "approval_from: LOW\n    quorum: 2"))
    people = {name: server.post("/tokens", {"name": name, "permissions": "deploy:read deploy:write deploy:approve"})
              .json()["token"] for name in ("ada", "bob", "cy")}
    asked = server.post("/deployments/request", {"app_name": "two", "environment": "dev", "author": "cy",
                        "config": {"image": "registry.internal/two:1"}}, token=people["ada"]).json()
    assert asked["status"] == "NEEDS_APPROVAL"
    path = f"/rollouts/{asked['id']}/approve"
    for own in ("ada", "cy"):  # who asked, who wrote it
        refused = server.post(path, {"reason": "mine"}, token=people[own])
        assert refused.status == 403 and "somebody else" in refused.json()["detail"]
    assert server.post(path, {"reason": ""}, token=people["bob"]).status == 400
    first = server.post(path, {"reason": "read it"}, token=people["bob"]).json()
    assert (first["approvals"], first["quorum"], first["status"]) == (1, 2, "NEEDS_APPROVAL")
    assert server.post(path, {"reason": "again"}, token=people["bob"]).json()["approvals"] == 1
    assert server.get(f"/rollouts/{asked['id']}").status == 404
    second = server.post(path, {"reason": "me too"}).json()
    assert second["status"] == "APPROVED"
    wait_until(lambda: server.get(f"/rollouts/{asked['id']}").status == 200, "a rollout")
    assert server.get(f"/deployments/{asked['id']}").json()["status"] == "APPROVED"
    kinds = [e["type"] for e in types_of(server, asked["id"])]
    assert kinds.count("deployment.approval_given") == 3 and kinds.count("deployment.approved") == 1


def test_killed_in_every_step(make_server):
    """kill -9 again and again: the rollout goes on where it was, and tells each step once."""
    server = make_server(config=CONFIG % (ROOT, "max_hold: 60s"))
    run = start(server, "killed")
    kills = 0
    while get(server, run)["phase"] not in ("Promoted", "Aborted") and kills < 12:
        server.kill()
        server.start()
        kills += 1
        time.sleep(0.25 * kills)
    seen = wait_phase(server, run, "Promoted", "Aborted")
    assert seen["phase"] == "Promoted" and kills >= 3
    kinds = names_of(server, run)
    for once in ("rollout.started", "rollout.promoted", "rollout.promoting"):
        assert kinds.count(once) == 1, kinds
    steps = [e["data"]["step"] for e in types_of(server, run) if e["type"] == "rollout.step_reached"]
    assert sorted(steps) == [1, 2, 3, 4]
    assert server.get("/audit/verify").status in (200, 404)


def test_of_many_approvals_the_newest_begins(server):
    ids = [server.post("/deployments/request", {"app_name": "burst", "environment": "dev",
                       "config": {"image": f"registry.internal/burst:{i}"}}).json()["id"] for i in range(40)]
    wait_until(lambda: server.get(f"/rollouts/{ids[-1]}").status == 200, "a rollout")
    seen = wait_phase(server, ids[-1], "Paused")
    assert seen["image"].endswith(":39")
    wait_until(lambda: len(server.get("/rollouts?app_name=burst&active=true").json()["items"]) == 1, "one is left")
    listed = server.get("/rollouts?app_name=burst&limit=100").json()["items"]
    assert sorted(row["id"] for row in listed) == sorted(ids)  # none was passed over
    assert {row["phase"] for row in listed} <= {"Paused", "Superseded", "Aborted"}
    never = next(row["id"] for row in listed if row["phase"] == "Superseded")
    assert "newer" in get(server, never)["message"] and server.post(f"/rollouts/{never}/promote").status == 409
    assert server.post(f"/rollouts/{ids[-1]}/abort").status == 200
