"""Sluice as a source for controllers that a team already runs: bodies and answers to the letter."""
import http.server, json, random, threading, time, urllib.parse

import pytest

from conftest import ROOT, Server, wait_until

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {policies}}}
  slo: {{prometheus: {{url: "http://127.0.0.1:{prometheus}"}}}}
  rollout:
    look: 1s
    canary_configs:
      - id: web
        name: Web service
        applications: [shop]
        metrics:
          - name: latency
            groups: [speed]
            query: {{customInlineTemplate: 'PromQL:latency{{version="$${{scope}}",zone="$${{location}}"}}'}}
            analysisConfigurations: {{canary: {{direction: increase, critical: false}}}}
          - name: errors
            groups: [health]
            query: 'errors{{version="$${{scope}}"}}'
            analysisConfigurations: {{canary: {{direction: increase, critical: true}}}}
        classifier: {{groupWeights: {{speed: 40, health: 60}}, scoreThresholds: {{pass: 90, marginal: 50}}}}
"""


class Prometheus:
    """/api/v1/query_range of a service whose version "new" is `times` as slow, and fails `errors` as often."""

    def __init__(self):
        self.times, self.errors, self.queries = 1.0, 1.0, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self, query):
                outer.queries.append(query)
                new = 'version="new"' in query["query"]
                draw = random.Random(len(query["query"]) + new)
                scale = 100 * (outer.times if new else 1) if "latency" in query["query"] else 5 * (outer.errors if new else 1)
                start, end, step = (float(query[name]) for name in ("start", "end", "step"))
                points = [[start + i * step, str(scale * draw.gauss(1, 0.05))] for i in range(int((end - start) / step) + 1)]
                body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": [
                    {"metric": {}, "values": points}]}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_GET(self):
                self.answer(dict(urllib.parse.parse_qsl(self.path.partition("?")[2])))

            def do_POST(self):
                self.answer(dict(urllib.parse.parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


@pytest.fixture(scope="module")
def prometheus():
    double = Prometheus()
    yield double
    double.server.shutdown()
    double.server.server_close()


@pytest.fixture(scope="module")
def server(prometheus):
    server = Server(config=CONFIG.format(policies=ROOT / "scripts/lua/policies", prometheus=prometheus.port))
    yield server
    server.close()


def manifest(name):
    return json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": name},
                       "spec": {"strategy": {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}},
                                "template": {"spec": {"containers": [{"name": "app", "image": f"registry.internal/{name}:2"}]}}}})


def rollout(server, name):
    answer = server.post("/rollouts/import", {"manifest": manifest(name), "simulate": {"rps": 500}})
    assert answer.status == 200, answer
    run = answer.json()["id"]
    wait_until(lambda: server.get(f"/rollouts/{run}").json()["phase"] not in ("Queued", "Pending"), "its begin")
    return run


def evaluate(server, service, **more):
    answer = server.post("/v1/gates/evaluate", {"service": service, **more})
    assert answer.status == 200, answer
    return answer.json()


# ---- Argo's web metric ----

def test_an_unknown_service_is_held(server):
    said = evaluate(server, "nobody", canary_hash="abc")  # members of the template's own are taken
    assert said["decision"] == "hold" and said["score"] == 0.5 and "nobody" in said["reasons"][0]


def test_the_gates_decide(server):
    run = rollout(server, "cart")
    said = evaluate(server, "cart")
    assert said["decision"] == "pass" and said["deployment_id"] == run and said["image"] == "registry.internal/cart:2", said
    assert evaluate(server, "cart") == said, "the same state gives the same decision and id"
    assert len(json.dumps(said)) < 1500, "it is copied into the status of an AnalysisRun"
    freeze = server.post("/freezes", {"reason": "stocktaking", "app_name": "cart", "minutes": 5})
    if freeze.status != 200:
        freeze = server.post("/freezes", {"reason": "stocktaking"})
    assert freeze.status == 200, freeze
    held = evaluate(server, "cart")
    assert held["decision"] == "hold" and "stocktaking" in json.dumps(held["reasons"]) and held["decision_id"] != said["decision_id"]
    assert server.post(f"/freezes/{freeze.json()['id']}/lift", {"reason": "done"}).status == 200
    assert server.post(f"/rollouts/{run}/abort", {"reason": "it leaks"}).status == 200
    wait_until(lambda: evaluate(server, "cart")["decision"] == "fail", "the abort to count")


def test_a_denied_deployment_fails(server):
    answer = server.post("/deployments/request", {"app_name": "mailer", "environment": "prod", "config": {"image": "mailer:latest"}})
    assert answer.json()["status"] == "DENIED", answer
    assert evaluate(server, "mailer")["decision"] == "fail"
    assert evaluate(server, "mailer", environment="dev")["decision"] == "hold"


# ---- OPA ----

def test_opa_documents(server):
    good = {"app_name": "cart", "environment": "dev", "config": {"image": "registry.internal/cart:2", "replicas": 2,
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1", "memory": "128Mi"}}},
            "risk": {"level": "LOW", "score": 5}}
    said = server.post("/v1/data/sluice/deploy", {"input": good}).json()
    assert said["result"]["allow"] is True and said["result"]["deny"] == [] and said["decision_id"], said
    bad = {**good, "environment": "prod", "config": {"image": "cart:latest", "replicas": 1}}
    said = server.post("/v1/data/sluice/deploy", {"input": bad}).json()
    assert said["result"]["allow"] is False and said["result"]["deny"]
    assert server.post("/v1/data/sluice/deploy/allow", {"input": good}).json()["result"] is True
    assert server.post("/v1/data/sluice/deploy/allow", {"input": bad}).json()["result"] is False
    gate = server.post("/v1/data/sluice/gate", {"input": {"service": "nobody"}}).json()
    assert gate["result"]["allow"] is False and gate["result"]["decision"] == "hold"


@pytest.mark.parametrize("path", ["nothing", "sluice", "sluice/deployment", "sluice/deploy/nothing", "sluice/deploy/allow/more"])
def test_what_is_not_there_is_undefined(server, path):
    answer = server.post(f"/v1/data/{path}", {"input": {}})
    assert answer.status == 200 and "result" not in answer.json()


def test_opa_faults(server):
    assert server.post("/v1/data/sluice/deploy", {"input": 7}).status == 400
    assert server.post("/v1/data/sluice/gate", {"input": {}}).status == 400


# ---- Flagger ----

def hook(server, kind, name="nobody", **metadata):
    return server.post(f"/v1/flagger/{kind}", {"name": name, "namespace": "shop", "phase": "Progressing",
                                               "checksum": "85d557f47b", "metadata": metadata})


def test_flagger_hooks(server):
    asking = ["confirm-rollout", "pre-rollout", "rollout", "confirm-traffic-increase", "confirm-promotion"]
    rollout(server, "basket")
    for kind in asking:
        assert hook(server, kind, "basket").status == 200
        assert hook(server, kind, "some-canary", service="basket").status == 200
        held = hook(server, kind)
        assert held.status == 409 and "hold" in held.json()["detail"]
    assert hook(server, "rollback", "basket").status == 409, "nothing speaks for a rollback"
    server.post("/deployments/request", {"app_name": "mailer2", "environment": "prod", "config": {"image": "mailer:latest"}})
    for kind in asking:
        assert hook(server, kind, "mailer2").status == 403
    assert hook(server, "rollback", "mailer2").status == 200, "roll back now"
    assert hook(server, "nonsense").status == 404


def test_flagger_events_are_kept(server):
    told = server.post("/v1/flagger/event", {"name": "basket", "namespace": "shop", "phase": "Progressing", "checksum": "1",
                                             "metadata": {"eventMessage": "Advance basket.shop canary weight 10",
                                                          "eventType": "Normal", "timestamp": "1578607635167"}})
    assert told.status == 200
    assert hook(server, "post-rollout", "basket").status == 200
    events = server.get("/events?type=controller.reported").json()["items"]
    assert any("canary weight 10" in json.dumps(event) for event in events)


# ---- Kayenta ----

def scopes(start="2026-01-02T03:00:00Z", end="2026-01-02T04:00:00Z", control="old", experiment="new", location="a"):
    def scope(name):
        return {"scope": name, "location": location, "step": 60, "start": start, "end": end}
    return {"default": {"controlScope": scope(control), "experimentScope": scope(experiment)}}


def run_canary(server, **more):
    answer = server.post("/canary/web?application=shop&metricsAccountName=m&configurationAccountName=c&storageAccountName=s",
                         {"scopes": scopes(), "thresholds": {"pass": 90, "marginal": 50}, **more})
    assert answer.status == 200, answer
    assert set(answer.json()) == {"canaryExecutionId"}
    return server.get(f"/canary/{answer.json()['canaryExecutionId']}")


def test_kayenta_routes(server, prometheus):
    listed = server.get("/canaryConfig?application=shop&configurationAccountName=c").json()
    assert listed == [{"id": "web", "name": "Web service"}]
    assert server.get("/canaryConfig?application=other").json() == []
    prometheus.times = prometheus.errors = 1.0
    good = run_canary(server).json()
    assert good["complete"] is True and good["result"]["judgeResult"]["score"]["score"] == 100.0, good
    assert 'latency{version="new",zone="a"}' in {query["query"] for query in prometheus.queries}
    prometheus.times = 1.5
    slow = run_canary(server).json()["result"]["judgeResult"]
    assert slow["score"]["score"] == 60.0 and slow["score"]["classification"] == "Marginal"
    assert {one["name"]: one["classification"] for one in slow["results"]} == {"latency": "High", "errors": "Pass"}
    prometheus.errors = 3.0
    failing = run_canary(server).json()["result"]["judgeResult"]
    assert failing["score"]["score"] == 0 and "errors" in failing["score"]["classificationReason"]


def test_kayenta_results_stay(server, prometheus):
    prometheus.times = prometheus.errors = 1.0
    begun = server.post("/canary/web", {"scopes": scopes()}).json()["canaryExecutionId"]
    first = server.get(f"/canary/{begun}").json()
    prometheus.errors = 9.0
    assert server.get(f"/canary/{begun}").json() == first
    prometheus.errors = 1.0
    future = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 3600))
    later = server.post("/canary/web", {"scopes": scopes(start="2026-01-02T03:00:00Z", end=future)}).json()["canaryExecutionId"]
    assert server.get(f"/canary/{later}").json() == {"complete": False, "status": "running"}


def test_kayenta_faults(server):
    assert server.post("/canary/nope", {"scopes": scopes()}).status == 404
    assert server.get("/canary/01J00000000000000000000000").status == 404
    wrong = server.post("/canary/web", {"scopes": scopes(end="yesterday")})
    assert wrong.status == 400 and "2026-01-02T03:04:05Z" in wrong.json()["detail"]
    sly = server.post("/canary/web", {"scopes": scopes(experiment='x"} or vector(0) #')}).json()["canaryExecutionId"]
    assert server.get(f"/canary/{sly}").status == 400


def test_judging_series(server):
    config = {"name": "c", "metrics": [{"name": "latency", "groups": ["all"], "analysisConfigurations": {"canary": {"direction": "increase"}}}],
              "classifier": {"groupWeights": {"all": 100}}}
    draw = random.Random(1)
    old, new = ([draw.gauss(mean, 5) for _ in range(60)] for mean in (100, 130))
    body = {"canaryConfig": config, "scoreThresholds": {"pass": 95, "marginal": 75}, "metricSetPairList": [
        {"name": "latency", "id": "1", "tags": {}, "values": {"control": old, "experiment": new[:50] + ["NaN", None]}}]}
    judged = server.post("/judges/judge", body).json()
    assert judged["results"][0]["classification"] == "High" and judged["score"]["classification"] == "Fail"
    assert judged["results"][0]["experimentMetadata"]["stats"]["count"] == 50
    body["metricSetPairList"][0]["name"] = "other"
    assert server.post("/judges/judge", body).status == 400


# ---- the default judge ----

def test_the_default_judge(server):
    draw = random.Random(2)
    old, same, slow = ([draw.gauss(mean, 5) for _ in range(60)] for mean in (100, 100, 140))

    def judge(*metrics):
        answer = server.post("/judge", {"metrics": list(metrics)})
        assert answer.status == 200, answer
        return answer.json()

    assert judge({"name": "latency", "control": old, "experiment": same})["answer"] == "pass"
    said = judge({"name": "latency", "control": old, "experiment": slow},
                 {"name": "errors", "kind": "rate", "control_rate": [{"bad": 30, "all": 9000}], "experiment_rate": [{"bad": 3, "all": 1000}]})
    assert said["answer"] == "fail" and "latency" in said["words"] and said["findings"][1]["answer"] == "hold"
    held = judge({"name": "latency", "control": old[:3], "experiment": slow[:3]})
    assert held["answer"] == "hold" and held["findings"][0]["more_samples"] == 5
    wrong = server.post("/judge", {"metrics": [{"name": "e", "kind": "rate", "control_rate": [{"bad": 1, "all": 2}],
                                                "experiment_rate": [{"bad": 3, "all": 2}]}]})
    assert wrong.status == 400 and wrong.json()["errors"][0]["pointer"] == "/metrics/0/experiment_rate/0"
