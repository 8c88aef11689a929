#!/usr/bin/env python3
"""100,000 alerts and 1,000,000 log lines: memory of the worker, time, and that no firing alert is lost.
Usage: flood.py (from the root of the checkout, after a build; about two minutes)"""
import json, pathlib, random, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from conftest import Server  # noqa: E402

WORDS = [f"{a}{b}{c}" for a in "bcdfghjklm" for b in "aeiou" for c in "nprstvwxyz"]


def memory(server, what):
    text = "".join(pathlib.Path(f"/proc/{pid}/status").read_text() for pid in server.workers())
    return max(int(line.split()[1]) for line in text.splitlines() if line.startswith(what)) // 1024


def main():
    server, rng, began = Server(), random.Random(1), time.monotonic()
    try:
        print(f"idle: {memory(server, 'VmRSS')} MB")
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        for part in range(200):
            alerts = [{"status": "firing", "labels": {"alertname": "Down", "service": f"s{(part * 500 + i) % 700}",
                                                      "severity": "critical"}, "annotations": {"summary": "down"},
                       "startsAt": now, "fingerprint": f"{part}-{i}"} for i in range(500)]
            assert server.post("/webhooks/alertmanager", {"groupKey": f"g{part % 100}", "alerts": alerts},
                               timeout=60).status == 200
        print(f"100,000 alerts: {time.monotonic() - began:.0f} s, {memory(server, 'VmHWM')} MB at most")
        began = time.monotonic()
        for part in range(500):
            records = [{"timeUnixNano": str(time.time_ns()), "severityNumber": 17,
                        "body": {"stringValue": " ".join(rng.choices(WORDS, k=rng.randint(3, 12)))}}
                       for _ in range(2000)]
            body = {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"logRecords": records}]}]}
            assert server.post("/v1/logs", body, timeout=60).status == 200
        print(f"1,000,000 log lines: {time.monotonic() - began:.0f} s, {memory(server, 'VmHWM')} MB at most")
        time.sleep(35)  # the sweep counts anew
        items = server.get("/incidents?limit=500", timeout=60).json()["items"]
        firing = sum(i["alerts_firing"] for i in items)
        print(f"{len(items)} incidents hold {firing} firing alerts")
        for incident in items[:1]:
            print("said:", json.dumps(server.get(f"/incidents/{incident['id']}/evidence", timeout=60).json()["intake"]))
        assert firing == 100000
    finally:
        server.close()


main()
