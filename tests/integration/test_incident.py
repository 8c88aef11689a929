"""Incidents over HTTP: alerts in, logs and traces in, words out; also with a real Alertmanager."""
import gzip, http.server, json, os, pathlib, shutil, signal, socket, struct, subprocess, threading, time, urllib.request

import pytest

from conftest import ROOT, wait_until

NOW = lambda: time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
SHARED = pathlib.Path(os.environ.get("SLUICE_DATA", ROOT.parent / "shared" / "data")) / "incident" / "protocols"


def alert(group="g", name="HighErrors", service="shop", status="firing", severity="critical", print_="f1", **more):
    return {"version": "4", "groupKey": group, "status": status, "notification_reason": "first notification",
            "alerts": [{"status": status, "labels": {"alertname": name, "service": service, "severity": severity,
                                                     "environment": "prod"},
                        "annotations": {"summary": "error rate is high"}, "startsAt": more.get("starts", NOW()),
                        "endsAt": more.get("ends", "0001-01-01T00:00:00Z"), "fingerprint": print_}]}


def open_one(server, **more):
    answer = server.post("/webhooks/alertmanager", alert(**more))
    assert answer.status == 200, answer
    return answer.json()["incidents"][0]


def logs(count=10, service="shop", text="dial tcp 10.0.0.1:5432: refused", severity=17):
    at = str(time.time_ns())
    return {"resourceLogs": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                              "scopeLogs": [{"logRecords": [{"timeUnixNano": at, "severityNumber": severity,
                                                             "body": {"stringValue": text}}] * count}]}]}


def span(i, service="shop", parent=None, error=False, user=None):
    at = time.time_ns()
    record = {"traceId": f"{i + 1:032x}", "spanId": f"{abs(hash((i, service))) % 2**63 + 1:016x}", "name": "GET /",
              "kind": 2, "startTimeUnixNano": str(at - 10**7), "endTimeUnixNano": str(at)}
    if parent:
        record["parentSpanId"] = parent
    if error:
        record["status"] = {"code": 2, "message": "connection refused"}
    if user:
        record["attributes"] = [{"key": "enduser.id", "value": {"stringValue": user}}]
    return record


def spans(service, records):
    return {"resourceSpans": [{"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
                               "scopeSpans": [{"spans": records}]}]}


# ---- protobuf, written by hand ----

def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def protobuf_logs(service, text, count=1):
    attribute = field(1, b"service.name") + field(2, field(1, service.encode()))
    record = varint(1 << 3 | 1) + struct.pack("<Q", time.time_ns()) + varint(2 << 3) + varint(17) + field(
        5, field(1, text.encode()))
    return field(1, field(1, field(1, attribute)) + field(2, b"".join(field(2, record) for _ in range(count))))


PROTOBUF = {"Content-Type": "application/x-protobuf"}
GZIP_JSON = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def test_otlp_in_all_its_forms(sluice):
    assert sluice.post("/v1/logs", {}).json() == {}
    assert sluice.post("/v1/logs", logs(3)).json() == {}
    packed = gzip.compress(json.dumps(logs(4)).encode())
    assert sluice.post("/v1/logs", packed, headers=GZIP_JSON).json() == {}
    answer = sluice.post("/v1/logs", protobuf_logs("shop", "dial tcp 10.0.0.2:5432: refused", 5), headers=PROTOBUF)
    assert answer.status == 200 and answer.body == b"" and answer.headers["Content-Type"] == "application/x-protobuf"
    items = sluice.get("/logs/patterns").json()["items"]
    assert [(i["template"], i["lines"]) for i in items] == [("dial tcp <*>: refused", 12)]

    partial = sluice.post("/v1/traces", spans("shop", [span(1), {"traceId": "x"}]))
    assert partial.status == 200 and partial.json()["partialSuccess"]["rejectedSpans"] == "1"
    metrics = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "a", "sum": {"dataPoints": [{}, {}]}}]}]}]}
    assert sluice.post("/v1/metrics", metrics).json()["partialSuccess"]["rejectedDataPoints"] == "2"


def test_otlp_refusals_are_in_the_form_of_the_sender(sluice):
    bomb = gzip.compress(b" " * (9 << 20))
    assert sluice.post("/v1/logs", bomb, headers=GZIP_JSON).status == 413
    assert sluice.post("/v1/logs", gzip.compress(b"{}")[:-3], headers=GZIP_JSON).status == 400
    broken = sluice.post("/v1/logs", b"\x0a\xff", headers=PROTOBUF)
    assert broken.status == 400 and broken.body[:2] == b"\x08\x03"  # google.rpc.Status, INVALID_ARGUMENT
    assert sluice.post("/v1/logs", "{", headers={"Content-Type": "application/json"}).json()["code"] == 3
    assert sluice.post("/v1/logs", "a", headers={"Content-Type": "text/plain"}).status == 415
    assert sluice.post("/v1/logs", logs(), token="none").status == 401
    assert sluice.get("/logs/patterns").json()["items"] == []


@pytest.mark.skipif(not SHARED.is_dir(), reason="the examples of opentelemetry-proto are not beside the checkout")
def test_the_examples_of_the_protocol_are_taken(sluice):
    for name, path in (("trace", "traces"), ("logs", "logs"), ("events", "logs"), ("metrics", "metrics")):
        example = json.loads((SHARED / f"otlp_{name}.json").read_text())
        answer = sluice.post(f"/v1/{path}", example)
        assert answer.status == 200, (name, answer)
        assert (answer.json() == {}) == (name != "metrics")


def test_an_incident_from_alert_to_postmortem(sluice):
    incident = open_one(sluice)
    for _ in range(20):
        assert sluice.post("/webhooks/alertmanager", alert()).json()["opened"] == 0
    sluice.post("/v1/logs", logs(50))
    sluice.post("/v1/traces", spans("shop", [span(i, error=i < 30, user=f"u{i}") for i in range(100)]))
    evidence = sluice.get(f"/incidents/{incident}/evidence").json()
    assert evidence["hot_spots"][0]["errors"] == 30 and evidence["hot_spots"][0]["said"] == "connection refused"
    assert evidence["impact"]["failed"] == 30 and evidence["impact"]["users_at_least"] == 30
    assert any("upper bound" in doubt for doubt in evidence["impact"]["uncertainty"])

    told = sluice.post("/ai/incident-summary", {"incident_id": incident}).json()
    assert "shop" not in told["customer"] and "It began on" in told["customer"]
    assert "30 of 100 requests failed" in told["exec"] and "30 of 100 requests failed" in told["engineer"]
    known = {fact["id"] for fact in told["facts"]}
    assert all(set(s["facts"]) <= known and s["facts"] for texts in told["sentences"].values() for s in texts)

    for step in ("acknowledge", "mitigate", "resolve"):
        assert sluice.post(f"/incidents/{incident}/{step}", {"note": "by hand"}).status == 200
    paper = sluice.get(f"/incidents/{incident}/postmortem", headers={"Accept": "text/markdown"})
    assert paper.headers["Content-Type"].startswith("text/markdown")
    text = paper.body.decode()
    for heading in ("Summary", "Impact", "Root causes", "Trigger", "Resolution", "Detection", "Action items",
                    "Lessons learned", "Timeline"):
        assert f"\n## {heading}\n" in text
    wait_until(lambda: any("incident" in json.dumps(d) for d in sluice.get("/rag/documents").json().get("items", []))
               if sluice.get("/rag/documents").status == 200 else True, "the postmortem as a document")


def test_summary_of_the_predecessor_works(shared_server):
    answer = shared_server.post("/ai/incident-summary", {"context": {"service": "shop", "error": "timeout"},
                                                         "audience": "customer"})
    assert answer.status == 200
    body = answer.json()
    assert body["summary"] == body["customer"] and "exec" not in body
    assert "shop" not in body["customer"] and "timeout" not in body["customer"]
    assert shared_server.post("/ai/incident-summary", {"audience": "exec"}).status == 400
    text = shared_server.post("/ai/incident-summary", {"context": "db-1.prod.internal refused 10.0.0.5; see OPS-7"}).json()
    assert "refused" in text["engineer"] and "db-1" not in text["customer"] and "OPS" not in text["customer"]
    assert shared_server.post("/ai/incident-summary", {"context": 7}).status == 400
    assert shared_server.post("/ai/incident-summary", {"incident_id": "nope"}).status == 404


def test_customers_read_only_what_a_person_published(sluice):
    incident = open_one(sluice)
    page = lambda path: sluice.request("GET", path, token=False)
    assert "Nothing was reported" in page("/status").body.decode()
    refused = sluice.post(f"/incidents/{incident}/updates", {"text": "the shop database 10.0.0.1 is down"})
    assert refused.status == 400 and "shop" in refused.json()["detail"]
    draft = sluice.post(f"/incidents/{incident}/updates", {}).json()
    assert draft["state"] == "draft" and "Nothing was reported" in page("/status").body.decode()
    sluice.post(f"/incidents/{incident}", {"public_title": "Orders & payments may fail"})
    assert sluice.post(f"/incidents/{incident}/updates/{draft['number']}/publish", {}).json()["approver"]
    assert sluice.post(f"/incidents/{incident}/updates/{draft['number']}/publish", {}).status == 409
    html = page("/status").body.decode()
    assert "<script" not in html and "Orders &amp; payments may fail" in html and "shop" not in html
    assert page("/status").headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert b"<item>" in page("/status.rss").body
    summary = page("/api/v2/summary.json").json()
    assert summary["status"]["indicator"] == "critical" and summary["incidents"][0]["status"] == "investigating"
    assert page("/status.json").json()["status"]["description"] == "Major outage"
    assert page("/api/v2/incidents.json").json()["incidents"][0]["incident_updates"][0]["body"] == draft["text"]


def test_webhooks_of_others_are_mapped_and_signed(make_server):
    import hashlib, hmac
    config = f"""
server: {{listen: "127.0.0.1:${{SLUICE_PORT:-8000}}"}}
state: ${{SLUICE_STATE:-./var}}
plugins:
  incident:
    scripts: {ROOT}/scripts/lua/webhooks
    webhooks: {{pagerduty: {{secret: pd-secret}}}}
"""
    server = make_server(config=config)
    body = json.dumps({"event": {"id": "1", "event_type": "incident.triggered", "resource_type": "incident",
                                 "occurred_at": NOW(), "data": {"id": "PT4KHLK", "title": "Checkout 5xx",
                                                                "service": {"summary": "checkout"}, "urgency": "high"}}})
    good = "v1=" + hmac.new(b"pd-secret", body.encode(), hashlib.sha256).hexdigest()
    send = lambda signature: server.post("/webhooks/incident/pagerduty", body, token=False,
                                         headers={"X-PagerDuty-Signature": signature} if signature else {})
    assert send(None).status == 401 and send("v1=" + "0" * 64).status == 401
    assert send("v1=" + "0" * 64 + "," + good).json()["opened"] == 1
    assert send(good).json()["opened"] == 0  # sent again
    assert server.get("/incidents").json()["items"][0]["services"] == ["checkout"]
    assert server.post("/webhooks/incident/generic", {"name": "disk full", "id": "d1"}, token=False).status == 401
    assert server.post("/webhooks/incident/generic", {"name": "disk full", "id": "d1"}).json()["opened"] == 1
    assert server.post("/webhooks/incident/nobody", {}).status == 404
    assert server.post("/webhooks/incident/..%2fx", {}).status in (400, 404)


class Model(http.server.BaseHTTPRequestHandler):
    """A model that rewords: it invents a number in one sentence and names a service in another."""

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        content = asked["messages"][-1]["content"]
        sentences = json.loads(content if isinstance(content, str) else content[0]["text"])
        said = [f"Reworded: {s}" for s in sentences]
        said[0] = "There are 4711 problems."
        said[1] = "The shop is at fault."
        answer = {"id": "1", "object": "chat.completion", "model": "m", "choices": [
            {"index": 0, "finish_reason": "stop",
             "message": {"role": "assistant", "content": json.dumps({"sentences": said})}}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def test_a_model_rewords_but_invents_nothing(make_server):
    model = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Model)
    threading.Thread(target=model.serve_forever, daemon=True).start()
    try:
        server = make_server(config=f"""
server: {{listen: "127.0.0.1:${{SLUICE_PORT:-8000}}"}}
state: ${{SLUICE_STATE:-./var}}
plugins:
  incident:
  llm: {{provider: openai, base_url: "http://127.0.0.1:{model.server_port}/v1", model: m, api_key: k}}
""")
        told = server.post("/ai/incident-summary", {"context": {"title": "T", "services": ["shop"], "started_at": NOW()},
                                                    "audience": "customer"}).json()
        by = [s["by"] for s in told["sentences"]["customer"]]
        assert by[:2] == ["template", "template"] and set(by[2:]) == {"model"}, told
        assert "4711" not in told["customer"] and "shop" not in told["customer"] and "Reworded" in told["customer"]
        assert told["method"].startswith("llm:")
    finally:
        model.shutdown()
        model.server_close()


def test_nothing_acknowledged_is_lost_in_a_crash(sluice):
    incident = open_one(sluice)
    sluice.post("/v1/logs", logs(7))
    sluice.kill()
    sluice.start()
    assert sluice.get(f"/incidents/{incident}").json()["alerts_firing"] == 1
    assert sluice.get("/logs/patterns").json()["items"][0]["lines"] == 7
    sluice.post("/v1/logs", logs(1, text="dial tcp 10.9.9.9:5432: refused"))  # the same template as before
    assert [i["lines"] for i in sluice.get("/logs/patterns").json()["items"]] == [8]


def memory_of(server):
    text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in server.workers())
    return max(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmHWM")) / 1024


@pytest.mark.plain
def test_a_flood_is_bounded_counted_and_loses_no_alert(sluice):
    """A tenth of tests/bench/incident/flood.py: 10,000 alerts and 100,000 log lines that never repeat."""
    for part in range(20):
        body = alert(group=f"flood{part % 3}")
        base = body["alerts"][0]
        body["alerts"] = [{**base, "fingerprint": f"{part}-{i}"} for i in range(500)]
        assert sluice.post("/webhooks/alertmanager", body).status == 200
    for part in range(50):
        body = logs(2000)
        body["resourceLogs"][0]["scopeLogs"][0]["logRecords"] = [
            {"timeUnixNano": str(time.time_ns()), "severityNumber": 17,
             "body": {"stringValue": f"{chr(97 + i % 26) * (1 + part)} {chr(97 + part % 26) * (1 + i % 97)} failed {i}"}}
            for i in range(2000)]
        assert sluice.post("/v1/logs", body).status == 200
    firing = lambda: sum(i["alerts_firing"] for i in sluice.get("/incidents").json()["items"])
    wait_until(lambda: firing() == 10000, "the count of all alerts")
    incident = sluice.get("/incidents").json()["items"][0]["id"]
    intake = sluice.get(f"/incidents/{incident}/evidence").json()["intake"]
    assert intake["received"] == 100000 and intake["only_counted"] > 0
    assert memory_of(sluice) < 200


# ---- a real Alertmanager ----

def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@pytest.fixture
def alertmanager(sluice, tmp_path):
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    if not program:
        pytest.skip("prometheus-alertmanager is not installed")
    config, port = tmp_path / "alertmanager.yml", free_port()
    config.write_text(f"""
route: {{receiver: sluice, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}}
receivers:
  - name: sluice
    webhook_configs:
      - url: {sluice.url}/webhooks/alertmanager
        send_resolved: true
        http_config: {{authorization: {{credentials: {sluice.token}}}}}
""")
    process = subprocess.Popen([program, f"--config.file={config}", f"--storage.path={tmp_path}/data",
                                f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def ready():
        try:
            return urllib.request.urlopen(url + "/-/ready", timeout=2).status == 200
        except OSError:
            return False

    wait_until(ready, "Alertmanager")
    yield url
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def push(url, alerts):
    request = urllib.request.Request(url + "/api/v2/alerts", json.dumps(alerts).encode(),
                                     {"Content-Type": "application/json"}, method="POST")
    assert urllib.request.urlopen(request, timeout=10).status == 200


def test_a_real_alertmanager_opens_and_ends_an_incident(sluice, alertmanager):
    one = {"labels": {"alertname": "Down", "service": "parcels", "severity": "critical", "environment": "prod"},
           "annotations": {"summary": "parcels does not answer"}, "startsAt": NOW()}
    push(alertmanager, [one, {**one, "labels": {**one["labels"], "instance": "b"}}])
    wait_until(lambda: sluice.get("/incidents").json()["items"], "the incident")
    incident = sluice.get("/incidents").json()["items"][0]
    assert incident["severity"] == "SEV1" and incident["services"] == ["parcels"]
    assert incident["detected_at"] == one["startsAt"]
    over = {"endsAt": NOW()}
    push(alertmanager, [{**one, **over}, {**one, **over, "labels": {**one["labels"], "instance": "b"}}])
    wait_until(lambda: sluice.get("/incidents").json()["items"][0]["status"] == "mitigated", "the end")
    assert len(sluice.get("/incidents").json()["items"]) == 1
