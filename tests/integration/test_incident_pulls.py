"""Evidence that incidents ask for: Debian's Prometheus, and a strict double of Loki's query_range."""
import collections, datetime, http.server, json, re, shutil, socket, statistics, subprocess, threading, time, urllib.parse, urllib.request

import pytest

from conftest import Server, wait_until

CONFIG = """server: {{listen: '127.0.0.1:0'}}
state: ${{SLUICE_STATE}}
plugins:
  slo:
    prometheus: {{url: '{prometheus}', timeout: 2s}}
  incident:
    loki: {{url: '{loki}/', token: lt, tenant: shop-team, timeout: 1500ms}}
    evidence:
      prometheus: [{{name: queue, query: 'queue_depth{{service="{{service}}",env="{{environment}}"}}'}}]
      loki: [{{name: errors, query: '{{service="{{service}}"}} |= "failed"'}}]
"""
QUEUE = 'queue_depth{service="shop",env="prod"}'
FAILED = '{service="shop"} |= "failed"'


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def when(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def open_one(server, onset, **more):
    answer = server.post("/incidents", {"title": "Orders wait", "services": ["shop"], "environment": "prod",
                                        "onset_at": when(onset), **more})
    assert answer.status in (200, 201), answer
    return answer.json()["id"]


def pull(server, incident, **asked):
    answer = server.post(f"/incidents/{incident}/pull", asked)
    assert answer.status == 200, answer
    return answer.json()["items"]


def rows(server, incident, source):
    items = server.get(f"/incidents/{incident}/timeline").json()["items"]
    return [item for item in items if item["source"] == source]


# ---- Prometheus ----

class Prometheus:
    """With a past: the queue is 50 to 54 deep since `onset`; in the hour before it 10 to 12, but 30 at the end, and 99 earlier."""

    def __init__(self, folder, onset):
        lines = ["# TYPE queue_depth gauge"]
        for k in range(-700, 80):  # every 15 seconds
            at = onset + 15 * k
            depth = 50 + k % 5 if k >= 0 else 30 if k >= -20 else 10 + k % 3 if k >= -240 else 99
            lines.append(f'queue_depth{{service="shop",env="prod"}} {depth} {at}')
        (folder / "past").write_text("\n".join(lines + ["# EOF", ""]))
        subprocess.run(["promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "past", folder / "data"],
                       check=True, capture_output=True, timeout=30)
        (folder / "prometheus.yml").write_text("global: {scrape_interval: 1h}\n")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.log = open(folder / "log", "w")
        self.proc = subprocess.Popen(["prometheus", f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data",
                                      f"--web.listen-address={self.url[7:]}"], stdout=self.log, stderr=self.log)
        wait_until(self.ready, "Prometheus")

    def ready(self):
        try:
            return urllib.request.urlopen(self.url + "/-/ready", timeout=2).status == 200
        except OSError:
            return False

    def values(self, query, start, end):
        """All samples of a stretch, as they are stored: a range vector at its end."""
        form = urllib.parse.urlencode({"query": f"{query}[{int(end - start)}s]", "time": end})
        with urllib.request.urlopen(f"{self.url}/api/v1/query?{form}", timeout=10) as reply:
            return [float(value) for _, value in json.loads(reply.read())["data"]["result"][0]["values"]]

    def close(self):
        self.proc.terminate()
        self.proc.wait(20)
        self.log.close()


@pytest.mark.skipif(not shutil.which("prometheus") or not shutil.which("promtool"), reason="prometheus is not installed")
def test_prometheus_is_asked_and_a_trouble_loses_nothing(tmp_path, make_server):
    onset = int(time.time()) - 1190
    prometheus = Prometheus(tmp_path, onset)
    try:
        server = make_server(config=CONFIG.format(prometheus=prometheus.url, loki="http://127.0.0.1:9"))
        incident = open_one(server, onset)
        item = pull(server, incident)[0]
        assert "error" not in item and (item["source"], item["name"], item["query"]) == ("prometheus", "queue", QUEUE)
        assert 50 <= item["since"] <= 54 and 10 <= item["before"] <= 12
        assert item["since"] == pytest.approx(statistics.median(prometheus.values(QUEUE, onset, onset + 1180)), abs=2)
        assert item["before"] == pytest.approx(statistics.median(prometheus.values(QUEUE, onset - 3600, onset - 1)), abs=1)
        assert seconds(item["onset"]) == onset and abs(seconds(item["until"]) - time.time()) < 30
        (row,) = rows(server, incident, "prometheus")
        assert row["text"] == f"queue: {item['since']:.4g} since the onset, {item['before']:.4g} before (median)" == item["text"]
        assert row["ref"] == QUEUE and row["at"] == when(onset) and row["inferred"] is True

        # Three at once: a wrong one is told with Prometheus' own words, and the others go on.
        asked = [{"name": "wrong", "query": "sum(queue_depth"}, {"name": "queue", "query": QUEUE},
                 {"name": "none", "query": "never_seen_total"}]
        wrong, again, none = pull(server, incident, prometheus=asked)
        assert "parse error" in wrong["error"] and wrong["query"] == "sum(queue_depth" and "text" not in wrong
        assert again["since"] == pytest.approx(item["since"], abs=2) and "error" not in again
        assert none["text"] == "none: no data since the onset" and "since" not in none
        kept = rows(server, incident, "prometheus")
        assert sorted(row["ref"] for row in kept) == sorted([QUEUE, "never_seen_total"])
        assert len([row for row in kept if row["ref"] == QUEUE]) == 1  # asking again adds no second line

        # A name that would end the string of the query is not put into it.
        sly = open_one(server, onset, services=['x"} or up{a="'])
        assert "cannot stand in a query" in pull(server, sly)[0]["error"] and not rows(server, sly, "prometheus")

        prometheus.close()
        (dead,) = pull(server, incident, prometheus=[{"name": "queue", "query": QUEUE}])
        assert f"cannot connect to {prometheus.url[7:]}" in dead["error"] and "since" not in dead
        assert rows(server, incident, "prometheus") == kept and server.get("/readyz").status == 200
    finally:
        prometheus.close()


# ---- Loki ----

class Refusal(Exception):
    pass


class Loki:
    """Answers as Loki does, from `entries` of (labels, nanoseconds, line); everything asked must be right."""

    def __init__(self):
        loki = self
        self.entries, self.mode, self.asked = [], None, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                try:
                    loki.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the asker has left: slow and large answers

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def parameters(self, request):
        """Each once, none unknown, in the forms that Loki documents; Refusal with its words."""
        path, _, form = request.path.partition("?")
        assert path == "/loki/api/v1/query_range", path
        pairs = urllib.parse.parse_qsl(form, keep_blank_values=True, strict_parsing=True)
        found = dict(pairs)
        assert len(pairs) == len(found) and set(found) == {"query", "start", "end", "limit", "direction"}, pairs
        assert re.fullmatch(r"\d{19}", found["start"]) and re.fullmatch(r"\d{19}", found["end"]), found
        assert found["direction"] == "forward" and 1 <= int(found["limit"]) <= 5000, found
        if int(found["end"]) <= int(found["start"]):
            raise Refusal("end timestamp must not be before or equal to start time")
        query = re.fullmatch(r'\{(\w+="[^"]*"(?:,\w+="[^"]*")*)\}((?: \|= "[^"]*")*)', found["query"])
        if not query:
            raise Refusal("parse error at line 1, col 9:\nsyntax error: unexpected $end, expecting STRING")
        return found, dict(re.findall(r'(\w+)="([^"]*)"', query[1])), re.findall(r'"([^"]*)"', query[2])

    def body(self, request):
        found, labels, words = self.parameters(request)
        self.asked.append(found)
        hits = sorted(((ns, text, stream) for stream, ns, text in self.entries
                       if labels.items() <= stream.items() and all(word in text for word in words)
                       and int(found["start"]) <= ns < int(found["end"])), key=lambda hit: hit[0])
        streams = collections.OrderedDict()
        for ns, text, stream in hits[:int(found["limit"])]:
            streams.setdefault(tuple(sorted(stream.items())), []).append([str(ns), text])
        return json.dumps({"status": "success", "data": {"resultType": "streams", "stats": {}, "result": [
            {"stream": dict(stream), "values": values} for stream, values in streams.items()]}}).encode()

    def answer(self, request):
        status, body = 200, b""
        try:
            assert request.headers["Authorization"] == "Bearer lt" and request.headers["X-Scope-OrgID"] == "shop-team"
            body = self.body(request) if not self.mode else self.mode if isinstance(self.mode, bytes) else b"x"
        except Refusal as refusal:
            status, body = 400, str(refusal).encode()
        except Exception as wrong:  # the test must see it, not the asker's patience
            status, body = 418, repr(wrong).encode()
        if self.mode == "busy":  # once
            status, self.mode = 503, None
        if self.mode == "broken":
            status, body = 500, b"rpc error: code = Unavailable\ndesc = ingester is gone"
        if self.mode == "slow":
            time.sleep(2)
        if self.mode == "large":
            body = b'{"status":"success","data":{"resultType":"streams","result":[' + b" " * (9 << 20) + b"]}}"
        request.send_response(status)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)


@pytest.fixture(scope="module")
def world():
    loki = Loki()
    server = Server(config=CONFIG.format(prometheus=f"http://127.0.0.1:{free_port()}", loki=loki.url))
    yield server, loki
    server.close()
    loki.server.shutdown()


@pytest.fixture
def story(world):
    """Two pods whose lines interleave, other services, lines before the onset."""
    server, loki = world
    onset = int(time.time()) - 600
    base, loki.mode, loki.asked = onset * 10**9, None, []
    pods = [{"service": "shop", "pod": "a"}, {"service": "shop", "pod": "b"}]
    loki.entries = [(pods[k % 2], base + (k * 100 + 1) * 10**6 + k, f"payment {1000 + k} failed: card declined") for k in range(300)]
    loki.entries += [(pods[1], base + 5 * 10**6, "connection to ledger failed\x1b[0m"),
                     (pods[0], base + 7 * 10**6 + 999, "cache warm-up failed, going on without"),
                     (pods[0], base - 10**9, "rollout check failed before the onset"),
                     (pods[0], base + 2 * 10**6, "all is well"), ({"service": "other"}, base + 10**6, "other failed")]
    return server, loki, open_one(server, onset), base


def loki_item(server, incident, query=FAILED):
    (item,) = pull(server, incident, loki=[{"name": "errors", "query": query}])
    assert (item["source"], item["query"]) == ("loki", query)
    return item


def test_log_lines_land_in_order(story):
    server, loki, incident, base = story
    item = next(item for item in pull(server, incident) if item["source"] == "loki")
    (asked,) = loki.asked
    assert asked["query"] == FAILED and int(asked["start"]) == base
    assert abs(int(asked["end"]) / 1e9 - time.time()) < 30 and asked["limit"] == "2000"
    assert "error" not in item and item["lines"] == 302
    assert item["text"].startswith('errors: 302 log lines since the onset, 300 of them like "payment')
    first = ["payment 1000 failed: card declined", "connection to ledger failed [0m", "cache warm-up failed, going on without"]
    assert [line["text"] for line in item["log_lines"]] == first  # the first of each pattern, of both pods
    assert [line["alike"] for line in item["log_lines"]] == [300, 1, 1]
    found = rows(server, incident, "loki")
    assert [row["text"] for row in found] == [item["text"], *first]
    assert [round((seconds(row["at"]) - base / 1e9) * 1000) for row in found] == [0, 1, 5, 7]
    assert all(row["ref"] == FAILED for row in found) and [row.get("inferred", False) for row in found] == [True, False, False, False]
    # Again: the same lines, a person's edit stays with its own, and what is new comes in.
    line = urllib.parse.quote(found[2]["id"], safe="")
    edited = server.post(f"/incidents/{incident}/timeline/{line}", {"text": "The ledger was cut off"})
    assert edited.status == 200, edited
    before = rows(server, incident, "loki")
    assert before[2]["text"] == "The ledger was cut off" and before[2]["original"] == first[1]
    loki.entries.append(({"service": "shop"}, base + 10**6, "disk write failed on volume"))
    assert loki_item(server, incident)["lines"] == 303
    after = rows(server, incident, "loki")
    assert len(after) == 5 and before[1:] == [row for row in after[1:] if "disk" not in row["text"]]
    # Loki has dropped its past: what was pulled stays.
    loki.entries = []
    assert loki_item(server, incident)["text"] == "errors: 0 log lines since the onset"
    assert rows(server, incident, "loki") == after


def test_what_lands_is_bounded(story):
    server, loki, incident, base = story
    words = ["amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "hazel", "inlet", "jetty", "knoll", "larch", "maple",
             "north", "olive", "pearl"]
    loki.entries = [({"service": "shop", "pod": str(k % 3)}, base + (k + 1) * 10**6,
                     f"{words[k % 16]} failed " + f"{words[k % 16]} " * (k % 16 + 1) + ("long " * 4000 if k < 3 else ""))
                    for k in range(4000)]
    item = loki_item(server, incident)
    assert item["lines"] == 2000 and "2000 or more log lines" in item["text"] and len(item["log_lines"]) == 12
    found = rows(server, incident, "loki")
    assert len(found) == 13 and all(len(row["text"].encode()) < 600 for row in found)
    assert [seconds(row["at"]) for row in found] == sorted(seconds(row["at"]) for row in found)
    # Other patterns come first now: they take the places of those that were kept.
    loki.entries = [({"service": "shop"}, base + k, f"{word} {word} {word} has failed") for k, word in enumerate(words)] + loki.entries
    assert len(loki_item(server, incident)["log_lines"]) == 12
    again = rows(server, incident, "loki")
    assert len(again) == 13 and all("has failed" in row["text"] for row in again[1:])


def test_trouble_with_loki_is_told_and_loses_nothing(story):
    server, loki, incident, base = story
    assert loki_item(server, incident)["lines"] == 302
    kept = rows(server, incident, "loki")

    def trouble(mode, words, query=FAILED):
        loki.mode = mode
        item = loki_item(server, incident, query)
        assert words in item["error"] and "text" not in item and "\n" not in item["error"], (mode, item)
        assert rows(server, incident, "loki") == kept

    entry = lambda *values: json.dumps({"status": "success", "data": {"resultType": "streams", "result": [
        {"stream": {}, "values": list(values)}]}}).encode()
    trouble("broken", "Loki answers 500: rpc error: code = Unavailable desc = ingester is gone")
    trouble(None, "Loki does not take the query: parse error at line 1, col 9: syntax error", '{service=')
    trouble("slow", "did not answer in time")
    trouble("large", "above 8 MiB: narrow the query down")
    trouble(b"<html>log in</html>", "Loki's answer")
    trouble(b'{"status":"success"}', "not of its API: check plugins.incident.loki.url")
    trouble(b'{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"5"]]}]}}', "numbers, not log lines")
    for wrong in ([1, "a"], ["x", "a"], ["1"], ["99999999999999999999", "a"], ["-1", "a"], [str(base), 5]):
        trouble(entry([str(base), "good"], wrong), 'no ["nanoseconds", "line"]')
    loki.mode = "busy"
    assert loki_item(server, incident)["lines"] == 302 and rows(server, incident, "loki") == kept
    # Lines out of the asked stretch would turn the clocks of all others.
    loki.mode = entry([str(base + 10**6), "ledger failed"], [str(base + 10**15), "far failed"], ["1", "old failed"])
    item = loki_item(server, incident)
    assert (item["lines"], item["outside"], [line["text"] for line in item["log_lines"]]) == (1, 2, ["ledger failed"])


def test_loki_that_is_down_is_told(make_server):
    port = free_port()
    server = make_server(config=CONFIG.format(prometheus="http://127.0.0.1:9", loki=f"http://127.0.0.1:{port}"))
    incident = open_one(server, time.time() - 60)
    items = [loki_item(server, incident) for _ in range(6)]
    assert not any("text" in item for item in items)
    assert all(f"cannot connect to 127.0.0.1:{port}" in item["error"] for item in items[:5]), items
    assert "left alone" in items[5]["error"]  # and is not asked in vain for a while
    assert not rows(server, incident, "loki") and server.get("/readyz").status == 200
