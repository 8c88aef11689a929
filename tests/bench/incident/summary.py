#!/usr/bin/env python3
"""CPU time of a worker for one summary of 10,000 log lines, 1,000 spans and 50 alerts, stated as context and by id.
Usage: summary.py (from the root of the checkout, after a build)"""
import json, os, pathlib, random, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from conftest import Server  # noqa: E402

ROUNDS = 10
rng = random.Random(1)


def cpu(server):
    ticks = 0
    for pid in server.workers():
        fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def line(i):
    return rng.choice((
        f"ERROR dial tcp 10.0.{i % 9}.{i % 250}:5432: connection refused",
        f"INFO request {i} from 10.1.2.{i % 250} took {i % 900} ms",
        f"WARN retry {i % 5} of call to cart-{i % 3}",
        f"user u{i} has opened session {i:x}{i:08x}",
        f"GET /orders/{i}?page={i % 7} 200 {i % 4096}"))


def measure(server, body, what):
    server.post("/ai/incident-summary", body, timeout=60)
    before = cpu(server)
    for _ in range(ROUNDS):
        answer = server.post("/ai/incident-summary", body, timeout=60)
        assert answer.status == 200, answer
    print(f"{what}: {(cpu(server) - before) / ROUNDS * 1000:.0f} ms of CPU a summary ({len(json.dumps(body))} bytes in)")


def main():
    server = Server()
    try:
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        alerts = [{"status": "firing", "labels": {"alertname": f"A{i}", "service": f"s{i % 5}", "severity": "error"},
                   "annotations": {"summary": "errors"}, "startsAt": now, "fingerprint": str(i)} for i in range(50)]
        lines = [line(i) for i in range(10000)]
        spans = [{"service": f"s{i % 20}", "operation": f"GET /{i % 30}", "duration_ms": i % 400, "error": i % 9 == 0}
                 for i in range(1000)]
        measure(server, {"context": {"title": "Orders fail", "started_at": now, "alerts": alerts, "logs": lines,
                                     "spans": spans}}, "stated as context")
        incident = server.post("/webhooks/alertmanager", {"groupKey": "g", "alerts": alerts}).json()["incidents"][0]
        at = time.time_ns()
        records = [{"timeUnixNano": str(at), "severityNumber": 17, "body": {"stringValue": text}} for text in lines]
        resource = lambda i: {"attributes": [{"key": "service.name", "value": {"stringValue": f"s{i}"}}]}
        before = cpu(server)
        server.post("/v1/logs", {"resourceLogs": [{"resource": resource(0), "scopeLogs": [{"logRecords": records}]}]},
                    timeout=60)
        server.post("/v1/traces", {"resourceSpans": [{"resource": resource(i), "scopeSpans": [{"spans": [
            {"traceId": f"{t + 1:032x}", "spanId": f"{t * 20 + i + 1:016x}", "name": f"GET /{i}", "kind": 2,
             "startTimeUnixNano": str(at - 10**7), "endTimeUnixNano": str(at), "status": {"code": 2 if t % 9 == 0 else 0}}
            for t in range(50)]}]} for i in range(20)]}, timeout=60)
        print(f"taking 10,000 log records and 1,000 spans by OTLP: {(cpu(server) - before) * 1000:.0f} ms of CPU")
        measure(server, {"incident_id": incident}, "by id")
    finally:
        server.close()


main()
