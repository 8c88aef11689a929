"""The argo driver and operations against a strict API server double; with SLUICE_TEST_KUBECONFIG the life of a
deployment also runs against a real API server that has Argo Rollouts."""
import http.server, json, os, socket, threading, time, urllib.request, uuid

import pytest

from conftest import BUILD, ROOT, Server, wait_until
from kube_double import KubeDouble, Refusal

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {policies}}}
  rollout:
    argo: {argo}
  drive: {{file: {file}}}
"""
DEPLOYMENT = "01J00000000000000000000000"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One double and one Sluice for all tests here; each begins with an empty cluster."""
    double = KubeDouble(tmp_path_factory.mktemp("kube"))
    double.server_of_ours = Server(config=CONFIG.format(
        file=BUILD / "tests" / "drive.so", policies=ROOT / "scripts/lua/policies",
        argo=json.dumps({"kubeconfig": double.kubeconfig()})))
    yield double
    double.server_of_ours.close()
    double.close()


@pytest.fixture
def kube(world):
    world.reset()
    return world


def driver(world, settings):
    server = world.server_of_ours

    def drive(verb="apply", **wish):
        return server.post(f"/drive/{verb}", {"driver": "argo", "settings": settings, "deployment": DEPLOYMENT,
                                              "app": "checkout", **wish})

    drive.server, drive.settings = server, settings
    drive.get = lambda name="checkout": server.get(f"/argo/rollouts/shop/{name}")
    drive.act = lambda verb, name="checkout", **more: server.post(f"/argo/rollouts/shop/{name}/{verb}", more or None)
    return drive


@pytest.fixture
def drive(kube):
    return driver(kube, {"kubeconfig": kube.kubeconfig()})


# ---- who asks ----

@pytest.mark.parametrize("way", ["token", "certificate", "inline", "files", "token file"])
def test_ways_to_log_in(kube, way):
    kube.rollout()
    folder = kube.folder
    settings = {
        "token": lambda: {"kubeconfig": kube.kubeconfig()},
        "certificate": lambda: {"kubeconfig": kube.kubeconfig("certificate")},
        "inline": lambda: {"kubeconfig": kube.kubeconfig("certificate", inline=True)},
        "files": lambda: {"server": kube.url + "/", "ca_file": str(folder / "ca.crt"), "namespace": "shop",
                          "client_cert_file": str(folder / "client.crt"), "client_key_file": str(folder / "client.key")},
        "token file": lambda: {"server": kube.url, "ca_file": str(folder / "ca.crt"), "token_file": str(folder / "token"),
                               "namespace": "shop"},
    }[way]()
    view = driver(kube, settings)("observe")
    assert view.status == 200 and view.json()["phase"] == "Healthy", view


def test_what_is_wrong_with_the_login_is_told(kube, tmp_path):
    kube.rollout()

    def detail(settings, status):
        answer = driver(kube, settings)("observe")
        assert answer.status == status, answer
        return answer.json()["detail"]

    assert "401" in detail({"kubeconfig": kube.kubeconfig({"token": "wrong"})}, 403)
    assert "exec" in detail({"kubeconfig": kube.kubeconfig({"exec": {"command": "aws"}})}, 415)
    assert "insecure" in detail({"kubeconfig": kube.kubeconfig(**{"insecure-skip-tls-verify": True})}, 415)
    assert "context 'nope'" in detail({"kubeconfig": kube.kubeconfig(), "context": "nope"}, 400)
    assert "No such file" in detail({"kubeconfig": str(tmp_path / "none")}, 503)
    # another CA: the server is not believed
    other = {"server": kube.url, "token_file": str(kube.folder / "token"), "ca_file": str(kube.folder / "client.crt")}
    assert "certificate" in detail(other, 503).lower()
    assert "no cluster is configured" in detail({"namespace": "shop"}, 503)


# ---- operations: the verbs of kubectl-argo-rollouts, to the letter ----

def last(kube):
    method, path, kind, body = kube.writes()[-1]
    if isinstance(body, dict) and "metadata" in body:
        body = {**body, "metadata": {k: v for k, v in body["metadata"].items() if k != "resourceVersion"}}
        body = {k: v for k, v in body.items() if k != "metadata" or v}
    return method, path.split("?")[0].removeprefix("/apis/argoproj.io/v1alpha1/namespaces/shop/"), kind, body


MERGE = "application/merge-patch+json"


def test_verbs_write_what_kubectl_writes(kube, drive):
    kube.rollout()
    assert drive.act("set-image", container="app", image="shop/checkout:2").json()["changed"]
    method, path, kind, body = kube.writes()[-1]
    assert (method, kind) == ("PUT", "application/json")
    assert [c["image"] for c in body["spec"]["template"]["spec"]["containers"]] == ["shop/checkout:2", "envoy:1"]
    seen = drive.get().json()
    assert (seen["phase"], seen["message"], seen["step"], seen["weight"]) == ("Paused", "CanaryPauseStep", 1, 10), seen
    assert drive.act("promote").json()["step"] == 3
    assert last(kube) == ("PATCH", "rollouts/checkout/status", MERGE, {"status": {"pauseConditions": None}})
    assert kube.writes()[-1][3]["metadata"]["resourceVersion"]
    assert drive.act("abort").json()["aborted"]
    assert last(kube) == ("PATCH", "rollouts/checkout/status", MERGE, {"status": {"abort": True}})
    seen = drive.get().json()
    assert seen["phase"] == "Degraded" and seen["message"].startswith("RolloutAborted") and seen["weight"] == 0
    assert drive.act("retry").json()["aborted"] is False
    assert last(kube) == ("PATCH", "rollouts/checkout/status", MERGE, {"status": {"abort": False}})
    assert drive.act("pause").json()["changed"]
    assert last(kube) == ("PATCH", "rollouts/checkout", MERGE, {"spec": {"paused": True}})
    assert drive.act("pause").json()["changed"] is False
    assert drive.act("resume").json()["changed"]
    assert last(kube) == ("PATCH", "rollouts/checkout", MERGE, {"spec": {"paused": False}})
    assert drive.act("restart").json()["changed"]
    assert set(last(kube)[3]["spec"]) == {"restartAt"}
    assert drive.act("promote-full").json()["promoted"]
    assert last(kube) == ("PATCH", "rollouts/checkout/status", MERGE, {"status": {"promoteFull": True}})
    assert drive.get().json()["phase"] == "Healthy"


def test_undo_brings_the_revision_before_back(kube, drive):
    kube.rollout()
    for tag in "23":
        drive.act("set-image", container="*", image=f"shop/checkout:{tag}")
        drive.act("promote-full")
    assert drive.act("undo").json()["image"] == "shop/checkout:2"
    method, _, kind, body = kube.writes()[-1]
    assert kind == "application/json-patch+json" and body[-1]["path"] == "/spec/template"
    assert "rollouts-pod-template-hash" not in body[-1]["value"]["metadata"]["labels"]
    assert drive.act("undo", revision=1).json()["image"] == "shop/checkout:1"
    missing = drive.act("undo", revision=99)
    assert missing.status == 404 and "99" in missing.json()["detail"]


def test_two_promotions_skip_no_step(kube, drive):
    """The rival promotes between our read and our write: the step it left is not skipped."""
    kube.rollout()
    drive.act("set-image", container="app", image="shop/checkout:2")
    kube.store.before_write = lambda: kube.change(
        lambda r: r["status"].update(pauseConditions=None), manager="kubectl-argo-rollouts")
    answer = drive.act("promote").json()
    assert answer["changed"] is False and answer["step"] == 3, answer


def test_a_409_is_read_again_and_decided_again(kube, drive):
    kube.rollout()
    kube.store.before_write = lambda: kube.change(lambda r: r["metadata"]["annotations"].update(note="x"))
    answer = drive.act("pause").json()
    assert answer["changed"] and kube.see()["spec"]["paused"] is True
    assert kube.see()["metadata"]["annotations"]["note"] == "x"


def test_faults_of_the_server(kube, drive):
    assert drive.get("nothing").status == 404
    assert drive.server.get("/argo/rollouts/shop/..%2Fx").status in (400, 404)
    kube.rollout()
    kube.faults = [Refusal(429, "TooManyRequests", "slow down", Retry_After="1")] * 4
    busy = drive.act("pause")
    assert busy.status == 503 and "slow down" in busy.json()["detail"]
    kube.faults = [Refusal(403, "Forbidden", 'rollouts "checkout" is forbidden')]
    assert drive.get().status == 403
    assert drive.act("set-image").status == 400
    assert drive.act("set-image", container="nope", image="x").status == 404


def test_evidence_of_an_abort(kube, drive):
    kube.rollout()
    drive.act("set-image", container="app", image="shop/checkout:2")

    def fail(rollout):
        rollout["status"].update(abort=True)
        rollout["status"].setdefault("canary", {})["currentStepAnalysisRunStatus"] = {"name": "checkout-1", "status": "Failed"}

    with kube.store.lock:
        kube.store.put("analysisruns", {"kind": "AnalysisRun", "metadata": {"name": "checkout-1", "namespace": "shop"},
                                        "status": {"phase": "Failed", "metricResults": [
                                            {"name": "latency", "phase": "Successful", "measurements": [{"value": "[1]"}]},
                                            {"name": "errors", "phase": "Failed", "message": "failed (1) > failureLimit (0)",
                                             "measurements": [{"value": "[0.01]"}, {"value": "[0.2]"}]}]}})
    kube.change(fail)
    seen = drive.get().json()
    assert "metric errors Failed: value [0.2]" in seen["evidence"] and "failureLimit" in seen["evidence"]
    view = drive("observe").json()
    assert view["phase"] == "Degraded" and "metric errors" in view["message"]


# ---- watching ----

class Events:
    """The events of argo.watch, read in a thread."""

    def __init__(self, server, name="checkout"):
        self.seen = []
        request = urllib.request.Request(f"{server.url}/argo/rollouts/shop/{name}/watch",
                                         headers={"Authorization": f"Bearer {server.token}", "Accept": "text/event-stream"})
        self.reply = urllib.request.urlopen(request, timeout=30)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        try:
            for line in self.reply:
                if line.startswith(b"data:"):
                    self.seen.append(json.loads(line[5:]))
        except (OSError, ValueError, AttributeError):
            pass

    def close(self):
        self.reply.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # close() would wait for the reader

    def wait(self, **wanted):
        """Until the newest event is like this; what is between (seen, but not yet acted on) may be told too."""
        def like():
            return self.seen and wanted.items() <= self.seen[-1].items()
        wait_until(like, f"{wanted} in {self.seen}")


def test_watching_survives_410_and_closed_watches(kube, drive):
    kube.rollout()
    events = Events(drive.server)
    events.wait(phase="Healthy")
    drive.act("set-image", container="app", image="shop/checkout:2")
    events.wait(image="shop/checkout:2", step=1, phase="Paused")
    kube.watch_seconds = 0.3  # the server ends watches: they go on from the last version
    kube.store.compact()      # and forgets versions: a new list
    drive.act("promote")
    events.wait(step=3, phase="Paused")
    lists = sum("watch=1" not in path and "rollouts?" in path for _, path, _, _ in kube.requests)
    assert lists >= 2
    wait_until(lambda: kube.watches >= 4, "watches that go on")
    drive.act("abort")
    events.wait(aborted=True, phase="Degraded")
    again = sum("watch=1" not in path and "rollouts?" in path for _, path, _, _ in kube.requests)
    assert again == lists, "a watch that ends is no reason to list again"
    assert all(a != b for a, b in zip(events.seen, events.seen[1:])), "only changes are told"
    events.close()


# ---- the driver ----

def test_a_deployment_goes_step_by_step(kube, drive):
    kube.rollout()
    wish = {"image": "shop/checkout:2", "settings": drive.settings}
    view = drive(generation=1, weight=10, step=0, **wish).json()
    assert view["weight"] == 10 and view["verified"] and view["ready"] and view["generation"] == 1, view
    notes = kube.see()["metadata"]["annotations"]
    assert notes["sluice/deployment"] == DEPLOYMENT and notes["sluice/generation"] == "1" and notes["owner"] == "team"
    # the same wish again writes nothing
    writes = len(kube.writes())
    assert drive(generation=1, weight=10, step=0, **wish).json()["weight"] == 10
    assert len(kube.writes()) == writes
    view = drive(generation=2, weight=50, step=2, **wish).json()
    assert view["weight"] == 50 and view["generation"] == 2
    view = drive(generation=3, goal="promote", step=4, **wish).json()
    assert view["promoted"] and view["phase"] == "Healthy" and view["weight"] == 100
    assert drive("previous", **wish).json()["image"] == "shop/checkout:1"
    stale = drive(generation=2, weight=50, step=2, **wish)
    assert stale.status == 409 and "older" in stale.json()["detail"]
    # after the promotion the way back is the revision before
    view = drive(generation=4, goal="roll_back", **wish).json()
    assert kube.see()["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/checkout:1", view


def test_abort_and_pause(kube, drive):
    kube.rollout()
    drive(generation=1, weight=10, image="shop/checkout:2")
    drive(generation=2, weight=10, paused=True, image="shop/checkout:2")
    assert kube.see()["spec"]["paused"] is True
    assert drive(generation=3, weight=50, step=2, image="shop/checkout:2").json()["weight"] == 50
    view = drive(generation=4, goal="roll_back", image="shop/checkout:2").json()
    assert view["rolled_back"] and view["weight"] == 0 and view["phase"] == "Degraded"
    view = drive(generation=5, weight=10, step=1, image="shop/checkout:2").json()  # retry
    assert view["weight"] == 10 and not view["rolled_back"]


def test_a_pause_of_others_stays(kube, drive):
    kube.rollout()
    drive(generation=1, weight=10, image="shop/checkout:2")
    kube.change(lambda r: r["spec"].update(paused=True))
    view = drive(generation=2, weight=10, step=0, image="shop/checkout:2").json()
    assert kube.see()["spec"]["paused"] is True and view["phase"] == "Paused"


def test_blue_green(kube, drive):
    kube.rollout(strategy={"blueGreen": {"activeService": "a", "previewService": "b", "autoPromotionEnabled": False}})
    view = drive(generation=1, blue_green=True, weight=0, image="shop/checkout:2").json()
    assert view["weight"] == 0 and view["phase"] == "Paused" and view["verified"], view
    view = drive(generation=2, blue_green=True, weight=100, image="shop/checkout:2").json()
    assert view["promoted"] and view["weight"] == 100


def test_a_foreign_writer_is_named_and_not_fought(kube, drive):
    kube.rollout()
    drive(generation=1, weight=10, image="shop/checkout:2")
    kube.change(lambda r: r["spec"]["template"]["spec"]["containers"][0].update(image="shop/checkout:hotfix"), manager="kubectl-edit")
    view = drive("observe", image="shop/checkout:2").json()
    assert "kubectl-edit" in view["foreign"] and "hotfix" in view["foreign"] and not view["promoted"]
    refused = drive(generation=2, weight=50, step=2, image="shop/checkout:2")
    assert refused.status == 409 and "kubectl-edit" in refused.json()["detail"]
    assert kube.see()["spec"]["template"]["spec"]["containers"][0]["image"] == "shop/checkout:hotfix"
    newer = drive(deployment="01J00000000000000000000009", generation=1, weight=10, image="shop/checkout:3")
    assert newer.status == 200
    assert drive(generation=3, weight=10, image="shop/checkout:2").status == 409


def test_the_controller_writes_all_the_time(kube, drive):
    """A 409 in the middle of an apply is decided anew, not reported."""
    kube.rollout()
    drive(generation=1, weight=10, image="shop/checkout:2")
    kube.store.before_write = lambda: kube.change(lambda r: r["metadata"]["annotations"].update(busy="1"), manager="rollouts-controller")
    view = drive(generation=2, weight=50, step=2, image="shop/checkout:2")
    assert view.status == 200 and view.json()["weight"] == 50, view


def manifests(name, image, namespace="shop"):
    labels = {"app": name}
    return {
        "namespace": {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        "services": [{"apiVersion": "v1", "kind": "Service", "metadata": {"name": f"{name}-{kind}", "namespace": namespace},
                      "spec": {"selector": labels, "ports": [{"port": 80}]}} for kind in ("stable", "canary")],
        "rollout": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name, "namespace": namespace},
                    "spec": {"replicas": 1, "selector": {"matchLabels": labels},
                             "template": {"metadata": {"labels": labels},
                                          "spec": {"containers": [{"name": "app", "image": image}]}},
                             "strategy": {"canary": {"steps": [{"setWeight": 50}, {"pause": {}}]}}}}}


def test_manifests_are_applied_by_the_server(kube, drive):
    view = drive(generation=1, weight=50, image="i:1", manifests=manifests("checkout", "i:1"))
    assert view.status == 200, view
    assert ("services", "shop", "checkout-stable") in kube.store.objects
    assert {kind for _, path, kind, _ in kube.writes() if "services" in path} == {"application/apply-patch+yaml"}
    # A field that another manager applied is its, and not taken by force.
    with kube.store.lock:
        kube.store.owners[("rollouts", "shop", "checkout")][("spec", "replicas")] = "team-tool"
        kube.store.objects[("rollouts", "shop", "checkout")]["spec"]["replicas"] = 5
    refused = drive(deployment="01J00000000000000000000001", generation=1, weight=50, image="i:2", manifests=manifests("checkout", "i:2"))
    assert refused.status == 409 and "team-tool" in refused.json()["detail"], refused


@pytest.fixture(params=["double", "real"])
def cluster(request, kube):
    """(drive, namespace): the double, or a real API server with Argo Rollouts."""
    if request.param == "double":
        return driver(kube, {"kubeconfig": kube.kubeconfig()}), "shop"
    config = os.environ.get("SLUICE_TEST_KUBECONFIG")
    if not config:
        pytest.skip("SLUICE_TEST_KUBECONFIG names no cluster")
    return driver(kube, {"kubeconfig": config, "namespace": "sluice-test"}), "sluice-test"


def test_the_life_of_a_deployment(cluster):
    drive, namespace = cluster
    name = "life-" + uuid.uuid4().hex[:6]

    def until(what, deployment, generation, tag, **wish):
        """Wishes until it is so, as the engine does."""
        def done():
            answer = drive(deployment=deployment, generation=generation, app=name, image=f"registry.k8s.io/pause:{tag}",
                           manifests=manifests(name, f"registry.k8s.io/pause:{tag}", namespace), **wish)
            assert answer.status in (200, 503), answer
            return answer.status == 200 and answer.json().get(what)
        wait_until(done, f"{what} of {deployment}")

    first, second, third = (f"01J0000000000000000000000{n}" for n in range(3))
    until("promoted", first, 1, "3.9", goal="promote", step=2)  # the first one has no old version: at once
    until("verified", second, 1, "3.8", weight=50, step=0)
    until("promoted", second, 2, "3.8", goal="promote", step=2)
    until("verified", third, 1, "3.7", weight=50, step=0)
    until("rolled_back", third, 2, "3.7", goal="roll_back")


# ---- whole rollouts ----

ROLLED = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {policies}}}
  slo: {{prometheus: {{url: "http://127.0.0.1:{prometheus}"}}}}
  rollout:
    driver: argo
    look: 1s
    argo: {{kubeconfig: {kubeconfig}, namespace: shop}}
"""
STEPS = [{"setWeight": 20}, {"pause": {"duration": 1}}, {"analysis": {"templates": [{"templateName": "success"}]}},
         {"setWeight": 60}, {"pause": {"duration": 1}}, {"analysis": {"templates": [{"templateName": "success"}]}}]


class Answers:
    """A Prometheus whose every query has the value .value."""

    def __init__(self):
        self.value = 0.999
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = json.dumps({"status": "success", "data": {"resultType": "vector", "result": [
                    {"metric": {}, "value": [time.time(), str(outer.value)]}]}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer()

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.answer()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.mark.parametrize("share, phase", [(0.999, "Promoted"), (0.5, "Aborted")])
def test_a_rollout_by_argo(kube, make_server, share, phase):
    """The engine above, Argo's controller below: good metrics promote, bad ones abort; kill -9 in between."""
    prometheus = Answers()
    prometheus.value = share
    kube.rollout(strategy={"canary": {"steps": STEPS}})
    server = make_server(config=ROLLED.format(policies=ROOT / "scripts/lua/policies", prometheus=prometheus.port,
                                              kubeconfig=kube.kubeconfig()))
    rollout = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "checkout"},
               "spec": {"replicas": 4, "strategy": {"canary": {"steps": STEPS}},
                        "template": {"spec": {"containers": [{"name": "app", "image": "shop/checkout:2"}]}}}}
    template = {"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": {"name": "success"},
                "spec": {"metrics": [{"name": "success", "interval": "1s", "count": 2, "failureLimit": 0,
                                      "successCondition": "result[0] >= 0.95", "failureCondition": "result[0] < 0.95",
                                      "provider": {"prometheus": {"query": "share"}}}]}}
    begun = server.post("/rollouts/import", {"manifest": json.dumps(rollout) + "\n---\n" + json.dumps(template)})
    assert begun.status == 200, begun
    run = begun.json()["id"]

    def get():
        return server.get(f"/rollouts/{run}").json()

    wait_until(lambda: kube.see()["metadata"]["annotations"].get("sluice/deployment") == run, f"the fence: {get()}")
    server.kill()
    server.start()
    ahead = []

    def ended():
        status, seen = kube.see()["status"], get()
        going = seen["phase"] in ("Progressing", "Paused", "Held")
        if going and status["canary"]["weights"]["canary"]["weight"] > seen["weight"]:
            ahead.append((status, seen))
        return seen["phase"] == phase

    wait_until(ended, phase)
    wait_until(lambda: kube.see()["status"].get("abort") is True if phase == "Aborted"
               else kube.see()["status"]["stableRS"] == kube.see()["status"]["currentPodHash"], f"the cluster: {kube.see()['status']}")
    assert kube.see()["status"]["canary"]["weights"]["canary"]["weight"] == 0
    assert not ahead, "Argo was let out of a weight that Sluice had not yet judged"
    prometheus.server.shutdown()
    prometheus.server.server_close()
