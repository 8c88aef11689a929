#!/usr/bin/env python3
"""10,000 services with a rollout each, through the whole program: fleet.py [COUNT].

Prints the worker's CPU time of one evaluation pass (every rollout has traffic and is looked at), the
bytes of the database and of resident memory a rollout, and the latency of a gate decision over HTTP.
CPU time is read from /proc, so other load on the machine does not count; latency is what it is."""
import http.client, json, os, pathlib, statistics, sys, time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "integration"))
from conftest import ROOT, Server  # noqa: E402

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
LOOK = 60
CONFIG = f"""
server: {{listen: "127.0.0.1:${{SLUICE_PORT:-0}}"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy:
    scripts: {ROOT}/scripts/lua/policies
  rollout:
    look: {LOOK}s
"""
MANIFEST = """kind: Rollout
metadata: {name: %s}
spec: {replicas: 3, template: {spec: {containers: [{image: "registry.internal/app:1"}]}}, strategy: {canary: {steps: [
  {setWeight: 10}, {pause: {}}, {setWeight: 50}, {pause: {duration: 1h}}, {setWeight: 100}]}}}
"""


def cpu(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss(pid):
    return int(open(f"/proc/{pid}/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main():
    server = Server(config=CONFIG)
    try:
        worker = server.workers()[0]
        before = rss(worker)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

        def call(method, path, body=None):
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

        start = time.monotonic()
        for i in range(COUNT):
            status, answer = call("POST", "/rollouts/import", {"manifest": MANIFEST % f"app-{i}"})
            assert status == 200, answer
        last = answer["id"]
        while call("GET", "/rollouts?phase=Queued&limit=1")[1]["items"]:
            time.sleep(0.5)
        print(f"{COUNT} rollouts asked for and begun in {time.monotonic() - start:.0f} s, "
              f"{cpu(worker):.1f} s CPU of the worker")
        # Each pause has traffic, so each is looked at once in LOOK / 2 seconds by the tick.
        time.sleep(LOOK / 2)
        used, began = cpu(worker), time.monotonic()
        time.sleep(LOOK)
        seconds = time.monotonic() - began
        passes = seconds / 5  # the tick's longest period
        print(f"CPU {(cpu(worker) - used) / passes:.2f} s a pass of {COUNT} rollouts "
              f"({passes:.0f} passes in {seconds:.0f} s)")
        size = sum(f.stat().st_size for f in server.state.glob("*.db"))
        print(f"database {size / COUNT:.0f} bytes a rollout with its events; "
              f"resident memory {(rss(worker) - before) / COUNT:.0f} bytes a rollout")
        connection.close()  # an idle connection is closed by the server; it opens again by itself
        times = []
        for _ in range(2000):
            began = time.perf_counter()
            status, answer = call("GET", f"/rollouts/{last}/gates")
            times.append((time.perf_counter() - began) * 1000)
            assert status == 200 and answer["decision"] == "pass", answer
        times.sort()
        print(f"gate decision over HTTP: median {statistics.median(times):.2f} ms, "
              f"p99 {times[int(len(times) * 0.99)]:.2f} ms")
    finally:
        server.close()


main()
