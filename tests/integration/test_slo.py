"""Objectives from outside: counters, spans, OpenSLO, alerts, the meter, and what customers see."""
import json, re, subprocess, time, xml.etree.ElementTree as ElementTree

import pytest

from conftest import BUILD, wait_until

CONFIG = """
server: {listen: "127.0.0.1:0"}
state: ${SLUICE_STATE}
plugins:
  slo:
    interval: 1s
    refresh: 0
    customers: {title: Example status, services: {shop: "Web <shop>", later: "Coming soon"}}
    objectives:
      - {service: shop, name: availability, target: 99.9, environment: prod}
      - {service: shop, name: fast, target: 99, source: spans, slow: 300ms}
      - {service: elsewhere, name: own, target: 99, tenant: other}
"""

OPENSLO = """
apiVersion: openslo/v1
kind: SLI
metadata: {name: good-answers}
spec:
  ratioMetric:
    counter: true
    good: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total{code!~"5.."})'}}}
    total: {metricSource: {type: Prometheus, spec: {query: 'sum(http_requests_total)'}}}
---
apiVersion: openslo/v1
kind: AlertCondition
metadata: {name: fast-burn}
spec:
  severity: page
  condition: {kind: burnrate, op: gt, threshold: 10, lookbackWindow: 1h, alertAfter: 5m}
---
apiVersion: openslo/v1
kind: AlertPolicy
metadata: {name: loud}
spec: {conditions: [{conditionRef: fast-burn}]}
---
apiVersion: openslo/v1
kind: SLO
metadata: {name: answers, displayName: Answers}
spec:
  service: web
  indicatorRef: good-answers
  timeWindow: [{duration: 1w, isRolling: false, calendar: {startTime: 2026-01-05 12:00:00, timeZone: America/New_York}}]
  budgetingMethod: Timeslices
  objectives:
    - {displayName: Strict, target: 0.999, timeSliceTarget: 0.95, timeSliceWindow: 2m}
    - {displayName: Loose, targetPercent: 95, timeSliceTarget: 0.9, timeSliceWindow: 5m}
  alertPolicies: [loud, missing]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from conftest import Server
    server = Server(config=CONFIG)
    yield server
    server.close()


def push(server, **item):
    answer = server.post("/slo/counters", {"items": [item]})
    assert answer.status == 200, answer
    return answer


def status(server, service, objective):
    items = server.get(f"/slo/status?service={service}").json()["items"]
    return next(item for item in items if item["objective"] == objective)


def test_counters_spend_the_budget_and_alerts_fire(server):
    push(server, service="shop", total=100000, errors=50, environment="prod")
    now = status(server, "shop", "availability")
    assert now["budget_left"] == pytest.approx(0.5) and now["burn"]["1h"] == pytest.approx(0.5)
    assert now["state"] == "healthy" and now["data_age_ms"] < 60000
    push(server, service="shop", total=1000, errors=1000, environment="prod")
    now = status(server, "shop", "availability")
    assert now["state"] == "exhausted" and {alert["name"] for alert in now["alerts"]} >= {"page_slow", "ticket_quick"}
    assert now["exhausted_in"]["soonest_hours"] == 0
    events = server.get("/events?type=slo.alert_firing").json()["items"]
    assert any(event["subject"] == "slo/shop/availability@prod" and event["data"]["alert"] == "page_slow"
               for event in events)
    metrics = server.get("/metrics").body.decode()
    assert re.search(r'sluice_error_budget_remaining_ratio\{service="shop",objective="availability",environment="prod"\} -', metrics)
    assert 'sluice_burn_rate{service="shop",objective="availability",environment="prod",window="1h"}' in metrics


def test_a_repeated_push_with_its_key_counts_once(server):
    answer = server.post("/slo/objectives", {"service": "keyed", "name": "a", "target": 99})
    assert answer.status == 200 and answer.json()["id"] == "keyed/a"
    for _ in range(3):
        assert server.post("/slo/counters", {"items": [{"service": "keyed", "total": 10, "errors": 1}]},
                           headers={"Idempotency-Key": "push-1"}).status == 200
    wait_until(lambda: status(server, "keyed", "a")["period"]["total"] == 10, "the push")


def span(start_ms, ms, code=0, kind=2):
    return {"kind": kind, "startTimeUnixNano": str(start_ms * 1000000), "endTimeUnixNano": str((start_ms + ms) * 1000000),
            "status": {"code": code} if code else {}}


def test_server_spans_are_counted_by_status_and_time(server):
    now = int(time.time() * 1000) - 1000
    spans = [span(now, 20), span(now, 299), span(now, 400), span(now, 20, code=2), span(now, 9999, kind=3),
             span(now + 500, -100), {**span(now, 10), "kind": "SPAN_KIND_SERVER"}]
    answer = server.post("/slo/spans", {"resourceSpans": [
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "shop"}}]},
         "scopeSpans": [{"spans": spans}]},
        {"resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "unknown"}}]},
         "scopeSpans": [{"spans": spans[:5]}]}]})
    assert answer.status == 200 and answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    wait_until(lambda: status(server, "shop", "fast")["period"]["total"] == 5, "counting")
    assert status(server, "shop", "fast")["period"]["errors"] == 2


def test_openslo_documents_become_objectives(server):
    answer = server.post("/slo/openslo", {"document": OPENSLO})
    assert answer.status == 200, answer
    items = {item["id"]: item["objective"] for item in answer.json()["items"]}
    assert set(items) == {"web/answers-Strict", "web/answers-Loose"}
    strict = items["web/answers-Strict"]
    assert strict["target"] == 99.9 and strict["slice_target"] == 95 and strict["slice"] == "2m"
    assert strict["calendar"] == "week" and strict["time_zone"] == "America/New_York"
    assert strict["alert_windows"] == [{"name": "fast-burn", "severity": "page", "long": "1h", "factor": 10, "for": "5m"}]
    assert any("missing" in note for note in answer.json()["notes"])
    listed = server.get("/slo/objectives?service=web").json()["items"]
    assert [item["origin"] for item in listed] == ["api", "api"]
    assert server.request("DELETE", "/slo/objectives/web/answers-Loose").status == 200
    assert len(server.get("/slo/objectives?service=web").json()["items"]) == 1


@pytest.mark.parametrize("objective, pointer, words", [
    ({"service": "x", "name": "y", "target": 0.999}, "/target", "write 99.9"),
    ({"service": "x", "name": "y", "target": 100}, "/target", "no budget"),
    ({"service": "x", "name": "y", "target": 99, "window": "42d"}, "/alerts", "not for 42d"),
    ({"service": "x y", "name": "y", "target": 99}, "/service", "letters"),
    ({"service": "x", "name": "y", "target": 99, "errors": "e"}, "/total", "goes with"),
    ({"service": "x", "name": "y", "target": 99, "calendar": "month", "time_zone": "Mars/Base"}, "/time_zone", "Mars/Base"),
    ({"service": "x", "name": "y", "target": 99, "value": "v", "op": "lt"}, "/threshold", "threshold"),
    ({"service": "x", "name": "y", "target": 99, "alert_windows": [{"long": "1h"}]}, "/alert_windows/0", "factor"),
    ({"service": "shop", "name": "availability", "environment": "prod", "target": 99}, None, "configuration"),
])
def test_a_bad_objective_is_refused_with_place_and_fix(server, objective, pointer, words):
    answer = server.post("/slo/objectives", objective)
    assert answer.status in (400, 409) and words in answer.body.decode()
    if pointer:
        assert answer.json()["errors"][0]["pointer"] == pointer


def test_an_alert_that_can_never_fire_is_told(server):
    answer = server.post("/slo/objectives", {"service": "loose", "name": "a", "target": 90})
    assert "page_quick" in answer.json()["warnings"][0] and "never" in answer.json()["warnings"][0]


def test_a_bad_configuration_says_where(tmp_path):
    file = tmp_path / "sluice.yaml"
    file.write_text("plugins:\n  slo:\n    objectives:\n      - {service: a, name: b, target: 0.99}\n")
    done = subprocess.run([BUILD / "sluice", "validate", file], capture_output=True, text=True, timeout=30)
    assert done.returncode == 3 and "write 99.9 for 99.9 %" in done.stdout + done.stderr


def test_openslo_files_of_the_configuration(make_server, tmp_path):
    (tmp_path / "slo").mkdir()
    (tmp_path / "slo" / "web.yaml").write_text(OPENSLO)
    server = make_server(config=f"server: {{listen: '127.0.0.1:0'}}\nstate: ${{SLUICE_STATE}}\nplugins:\n  slo:\n"
                                f"    openslo: {tmp_path}/slo\n")
    items = server.get("/slo/objectives").json()["items"]
    assert {item["id"] for item in items} == {"web/answers-Strict", "web/answers-Loose"}
    assert {item["origin"] for item in items} == {"config"}


def test_another_tenants_objectives_are_not_seen(server):
    assert not server.get("/slo/objectives?service=elsewhere").json()["items"]
    assert server.post("/slo/counters", {"items": [{"service": "elsewhere", "total": 1, "good": 1}]}).status == 404


def test_confidence_shows_parts_that_add_up(server):
    push(server, service="shop", total=100, errors=0, environment="prod")
    item = server.get("/confidence/shop").json()["items"][0]
    assert sum(part["weight"] for part in item["parts"]) == pytest.approx(1)
    points = sum(part["points"] for part in item["parts"])
    assert item["score"] == pytest.approx(min(points, item.get("cap", {}).get("at", 100)), abs=0.1)
    assert all(part["words"] for part in item["parts"])
    assert server.get("/confidence/nobody").status == 404
    wait_until(lambda: server.get("/confidence/shop/history").json()["items"], "a point of its history")


def test_customers_see_titles_and_levels_and_nothing_else(server):
    page = server.get("/confidence.html", token=False)
    text = page.body.decode()
    assert page.status == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "Web &lt;shop&gt;" in text and "Coming soon" in text and "Not enough data" in text
    assert "<script" not in text and 'lang="en"' in text
    for inside in ("availability", "burn", "budget", "incident", "keyed", "loose", "page_", "prometheus", "shop/"):
        assert inside not in text
    badge = server.get("/confidence/shop/badge.svg", token=False)
    assert badge.status == 200 and badge.headers["Content-Type"] == "image/svg+xml"
    drawing = ElementTree.fromstring(badge.body)
    assert drawing.tag.endswith("svg") and "Web <shop>" in "".join(drawing.itertext())
    # What is not published is not there for strangers.
    assert server.get("/confidence/keyed/badge.svg", token=False).status == 404
    assert server.get("/confidence", token=False).status == 401


def test_the_arithmetic_over_http(server):
    answer = server.post("/slo/calculate", {"target": 99.9, "errors": 5, "total": 10000, "burn_rate": 14.4, "ratio": 1,
                                            "ratios": {"5m": 0.02, "1h": 0.02}}).json()
    assert answer["budget_minutes"] == pytest.approx(43.2) and answer["budget_left"] == pytest.approx(0.5)
    assert answer["exhausted_in_hours"] == pytest.approx(50)
    quick = answer["alerts"][0]
    assert quick["fires"] and quick["minutes_to_fire"] == pytest.approx(0.864) and quick["factor"] == 14.4
    assert not answer["alerts"][3]["fires"]
    assert server.post("/slo/calculate", {"target": 99, "window": "42d"}).status == 400


def test_a_quality_gate_over_http(server):
    indicators = [{"name": "p95", "value": 480, "previous": [450, 470], "pass": [{"criteria": ["<=+10%", "<600"]}], "weight": 2},
                  {"name": "errors", "value": 3, "pass": [{"criteria": ["<2"]}], "warning": [{"criteria": ["<5"]}]},
                  {"name": "seen only", "value": 1}]
    answer = server.post("/slo/quality", {"indicators": indicators}).json()
    assert answer["result"] == "warning" and answer["score"] == pytest.approx(100 * 2.5 / 3)
    assert [item["status"] for item in answer["indicators"]] == ["pass", "warning", "info"]
    indicators[1] = {**indicators[1], "value": 9, "key": True}
    assert server.post("/slo/quality", {"indicators": indicators}).json()["result"] == "fail"
    indicators[1] = {"name": "errors", "pass": [{"criteria": ["<2"]}], "key": True}
    assert server.post("/slo/quality", {"indicators": indicators}).json()["result"] == "fail"
    wrong = server.post("/slo/quality", {"indicators": [{"name": "a", "value": 1, "pass": [{"criteria": ["<%"]}]}]})
    assert wrong.status == 400 and "/indicators/0" in wrong.body.decode()


def test_what_was_measured_outlives_a_crash(make_server):
    server = make_server(config=CONFIG)
    push(server, service="shop", total=1000, errors=1, environment="prod")
    server.kill()
    server.start()
    wait_until(lambda: status(server, "shop", "availability")["period"]["total"] == 1000, "the count")
    push(server, service="shop", total=1000, errors=1, environment="prod")
    assert status(server, "shop", "availability")["period"] == {
        "errors": 2, "total": 2000, "ratio": 0.001, "burn": pytest.approx(1), "errors_allowed": pytest.approx(2)}


def test_the_command_line_shows_it(server):
    run = server.cli("slo", "status", "--service", "shop", "--json", check=0)
    assert json.loads(run.stdout)["items"][0]["service"] == "shop"
    rules = server.cli("slo", "rules", check=0)
    assert "groups:" in rules.stdout


def test_the_meter_follows_a_real_rollout(make_server):
    """Request, rollout and its end come as events of the platform's own plugins."""
    server = make_server()
    answer = server.post("/deployments/request", {
        "app_name": "meterapp", "environment": "prod", "reason": "fixes checkout", "author": "ada",
        "config": {"image": "registry.internal/meterapp:1.4.2", "replicas": 3},
        "diff": "--- a/x.md\n+++ b/x.md\n@@ -1 +1 @@\n-a\n+b\n"}).json()
    assert answer["status"] == "APPROVED", answer

    def score():
        item = server.get("/confidence/meterapp")
        return item.json()["items"][0]["score"] if item.status == 200 else None

    def running():
        found = server.get(f"/rollouts/{answer['id']}")
        return found.status == 200

    wait_until(lambda: score() is not None and running(), "the change")
    before = score()
    aborted = server.post(f"/rollouts/{answer['id']}/abort", {"reason": "it smells"})
    assert aborted.status == 200, aborted
    wait_until(lambda: score() < before, "the abort")
    part = next(part for part in server.get("/confidence/meterapp").json()["items"][0]["parts"] if part["name"] == "changes")
    assert "1 ended badly" in part["words"]
