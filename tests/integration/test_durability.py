"""What was acknowledged is there: after kill -9, on a full disk, beside a lock, over reconnects."""
import http.client, json, os, pathlib, re, shutil, sqlite3, subprocess, threading, time, urllib.error

import pytest

from conftest import BUILD, PATIENCE, wait_until

CONFIG = """
server:
  listen: "127.0.0.1:${SLUICE_PORT:-8000}"
state: ${SLUICE_STATE:-./var}
store:
  busy_timeout: 400ms
plugins:
  risk:
  rollout:
"""
# `SLUICE_KILLS=200 pytest tests/integration/test_durability.py -k kill` for a long run.
KILLS = int(os.environ.get("SLUICE_KILLS", "5"))


def body(number):
    return {"app_name": f"app-{number}", "environment": "dev",
            "config": {"image": "registry.internal/app:1.0.0", "replicas": 1}}


@pytest.fixture
def server(make_server):
    return make_server(config=CONFIG)


class Client(threading.Thread):
    """Asks for deployments, each with a key of its own, and repeats one until it has an answer."""

    def __init__(self, server, number, stop):
        super().__init__(daemon=True)
        self.server, self.number, self.stop = server, number, stop
        self.answers, self.asked, self.wrong = {}, 0, []

    def run(self):
        while not self.stop.is_set():
            self.asked += 1
            key = f"client-{self.number}-{self.asked}"
            while key not in self.answers and not self.stop.is_set():
                self.ask(key)

    def ask(self, key):
        try:
            answer = self.server.post("/deployments/request", body(key), headers={"Idempotency-Key": key})
        except (OSError, http.client.HTTPException, urllib.error.URLError):
            time.sleep(0.005)  # the server is down, or died with our request
            return
        if answer.status == 200:
            self.answers[key] = answer.json()["id"]
        elif answer.status in (409, 503):  # its first try is still in doubt, or the store is starting
            time.sleep(0.005)
        else:
            self.wrong.append(answer)
            self.stop.set()


def all_events(server):
    events, after = [], 0
    while True:
        page = server.get(f"/events?after={after}&limit=500").json()
        if not page["items"]:
            return events
        events += page["items"]
        after = page["next_cursor"]


def check_history(server, clients):
    """Every acknowledged request has one deployment and one event, and nothing else has."""
    acknowledged = {}
    for client in clients:
        assert not client.wrong, client.wrong
        acknowledged.update(client.answers)
    assert len(set(acknowledged.values())) == len(acknowledged)
    events = all_events(server)
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    requested = [event["subject"] for event in events if event["type"] == "deployment.requested"]
    assert len(set(requested)) == len(requested)
    lost = [key for key, name in acknowledged.items() if f"deployment/{name}" not in requested]
    assert not lost
    # What nobody has the answer of is at most the request that each client had under way at the end.
    assert len(requested) - len(acknowledged) <= len(clients)
    for name in list(acknowledged.values())[-20:]:
        assert server.get(f"/deployments/{name}").status == 200
    return len(acknowledged)


def db_check(server):
    run = subprocess.run([BUILD / "sluice", "db", "check", server.state / "sluice.db"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr


def run_and_kill(server, kill, kills=KILLS):
    stop = threading.Event()
    clients = [Client(server, number, stop) for number in range(6)]
    for client in clients:
        client.start()
    try:
        for round_number in range(kills):
            before = sum(len(client.answers) for client in clients)
            wait_until(lambda: sum(len(client.answers) for client in clients) >= before + 5 + round_number * 7
                       or stop.is_set(), "progress")
            kill()
        before = sum(len(client.answers) for client in clients)
        wait_until(lambda: sum(len(client.answers) for client in clients) > before + 10 or stop.is_set(), "progress")
    finally:
        stop.set()
        for client in clients:
            client.join(PATIENCE)
    return clients


def test_kill_9_of_everything_loses_nothing(server):
    def kill():
        server.kill()
        server.start()

    clients = run_and_kill(server, kill)
    assert check_history(server, clients) > KILLS
    server.stop()
    db_check(server)


def test_kill_9_of_the_worker_loses_nothing(server):
    # Few: a worker that dies again and again is replaced ever more slowly.
    clients = run_and_kill(server, server.kill_worker, kills=5)
    assert check_history(server, clients) > 5
    server.stop()
    db_check(server)


def test_a_repetition_is_answered_from_the_store(server):
    first = server.post("/deployments/request", body(1), headers={"Idempotency-Key": "once"})
    server.kill()
    server.start()
    again = server.post("/deployments/request", body(1), headers={"Idempotency-Key": "once"})
    assert again.status == 200 and again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == first.json()
    other = server.post("/deployments/request", body(2), headers={"Idempotency-Key": "once"})
    assert other.status == 422 and other.json()["code"] == "mismatch"
    assert len([e for e in all_events(server) if e["type"] == "deployment.requested"]) == 1


def test_a_copy_of_a_running_server_can_be_gone_back_to(server):
    kept = server.post("/deployments/request", body(1)).json()["id"]
    copy = server.folder / "copy.db"
    source, target = sqlite3.connect(server.state / "sluice.db"), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()
    gone = server.post("/deployments/request", body(2)).json()["id"]
    db_check(server)  # beside the running server
    server.stop()
    shutil.copy(copy, server.state / "sluice.db")
    for name in ("sluice.db-wal", "sluice.db-shm"):
        (server.state / name).unlink(missing_ok=True)
    db_check(server)
    (server.state / "sluice.addr").unlink(missing_ok=True)
    server.start()
    assert server.get(f"/deployments/{kept}").status == 200
    assert server.get(f"/deployments/{gone}").status == 404
    assert server.post("/deployments/request", body(3)).status == 200
    db_check(server)


def test_a_damaged_file_is_not_served(server):
    server.post("/deployments/request", body(1))
    server.stop()
    path = server.state / "sluice.db"
    content = bytearray(path.read_bytes())
    for page in range(4096, len(content), 4096):
        content[page:page + 64] = b"\xa5" * 64
    path.write_bytes(content)
    (server.state / "sluice.addr").unlink(missing_ok=True)
    server.start(wait=False)
    assert server.proc.wait(PATIENCE) != 0
    assert "is damaged" in server.logs() and "sluice db check" in server.logs()
    run = subprocess.run([BUILD / "sluice", "db", "check", path], capture_output=True, text=True)
    assert run.returncode != 0 and "FAIL" in run.stdout + run.stderr


# ---- disk and lock ----

@pytest.fixture
def small_disk(tmp_path):
    """A file system of 3 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True).returncode == 0
    if not mounted:
        pytest.skip("a small file system can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill_up(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            pass


def test_a_full_disk_refuses_writes_and_nothing_else(make_server, small_disk):
    server = make_server(config=CONFIG, state=small_disk / "state")
    acknowledged = [server.post("/deployments/request", body(0)).json()["id"]]
    fill_up(small_disk / "filler")
    for number in range(1, 2000):
        answer = server.post("/deployments/request", body(number))
        if answer.status != 200:
            break
        acknowledged.append(answer.json()["id"])
    assert answer.status == 503, answer
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"]
    problem = answer.json()
    assert problem["code"] == "unavailable" and "the disk is full" in problem["detail"], problem
    assert server.get(f"/deployments/{acknowledged[-1]}").status == 200
    assert server.get("/healthz", token=False).status == 200
    assert server.get("/readyz", token=False).status == 503
    (small_disk / "filler").unlink()
    wait_until(lambda: server.get("/readyz", token=False).status == 200, "recovery without a write")
    answer = server.post("/deployments/request", body("later"))
    assert answer.status == 200, answer
    requested = [e["subject"] for e in all_events(server) if e["type"] == "deployment.requested"]
    assert requested == [f"deployment/{name}" for name in [*acknowledged, answer.json()["id"]]]
    server.stop()
    db_check(server)


def test_a_lock_of_another_program_ends_in_503_while_others_are_served(server):
    other = sqlite3.connect(server.state / "sluice.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    answers = []
    writer = threading.Thread(target=lambda: answers.append(server.post("/deployments/request", body(1))))
    writer.start()
    served = 0
    while not answers:
        assert server.get("/events").status == 200
        served += 1
    writer.join()
    assert served > 0
    assert answers[0].status == 503 and answers[0].headers["Retry-After"], answers
    assert "another process holds the lock" in answers[0].json()["detail"]
    other.execute("COMMIT")
    other.close()
    assert server.post("/deployments/request", body(2)).status == 200


@pytest.mark.plain
def test_every_answer_follows_the_fsync_of_its_data(server):
    """Power loss cannot be tried here; the order of system calls can."""
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    server.post("/deployments/request", body(0))
    log = server.folder / "strace"
    tracer = subprocess.Popen(["strace", "-f", "-y", "-s", "32", "-e", "trace=pwrite64,fdatasync,fsync,write,writev,"
                               "sendto,sendmsg", "-o", log, *[f"-p{pid}" for pid in server.workers()]],
                              stderr=subprocess.PIPE, text=True)
    first = tracer.stderr.readline()
    if "attached" not in first:
        tracer.kill()
        pytest.skip("strace may not attach here: " + first)
    for number in range(1, 6):
        assert server.post("/deployments/request", body(number)).status == 200
    tracer.terminate()
    tracer.wait()
    answers, dirty, synced = 0, False, False
    for line in log.read_text(errors="replace").splitlines():
        if "sluice.db-wal>" in line and "pwrite64" in line:
            dirty, synced = True, False
        elif re.search(r"fdatasync|fsync", line) and "= 0" in line and ("db-wal>" in line or "resumed" in line):
            dirty, synced = False, True
        elif "HTTP/1.1 200" in line:
            answers += 1
            assert synced and not dirty, line
            synced = False
    assert answers == 5


# ---- the live feed ----

class Feed:
    """Reads GET /events as a stream."""

    def __init__(self, server, path="/events", **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.connection.request("GET", path, headers={"Authorization": f"Bearer {server.token}",
                                                      "Accept": "text/event-stream", **headers})
        self.reply = self.connection.getresponse()
        assert self.reply.status == 200
        assert self.reply.headers["Content-Type"].startswith("text/event-stream")
        assert self.reply.headers["X-Accel-Buffering"] == "no"

    def next(self):
        event = {}
        while True:
            line = self.reply.readline().decode().rstrip("\n")
            if not line and "data" in event:
                return event
            name, _, value = line.partition(": ")
            event[name] = value

    def close(self):
        self.connection.close()


def test_the_feed_goes_on_where_it_was_left(server):
    first = server.post("/deployments/request", body(1)).json()["id"]
    feed = Feed(server, "/events?after=0&type=deployment.requested")
    event = feed.next()
    assert event["event"] == "deployment.requested" and event["retry"] == "2000"
    data = json.loads(event["data"])
    assert data["subject"] == f"deployment/{first}" and str(data["seq"]) == event["id"]
    second = server.post("/deployments/request", body(2)).json()["id"]  # live
    assert json.loads(feed.next()["data"])["subject"] == f"deployment/{second}"
    feed.close()
    server.kill()
    server.start()
    third = server.post("/deployments/request", body(3)).json()["id"]
    feed = Feed(server, "/events?type=deployment.requested", **{"Last-Event-ID": event["id"]})
    assert [json.loads(feed.next()["data"])["subject"] for _ in range(2)] == \
        [f"deployment/{second}", f"deployment/{third}"]
    feed.close()


def test_a_feed_ahead_of_the_log_is_told_to_resync(server):
    server.post("/deployments/request", body(1))
    feed = Feed(server, **{"Last-Event-ID": "1000000"})
    event = feed.next()
    assert event["event"] == "resync" and json.loads(event["data"])["from"] == 1000000
    server.post("/deployments/request", body(2))
    assert int(feed.next()["id"]) == int(event["id"]) + 1
    feed.close()


def test_a_feed_far_behind_is_told_to_resync(server):
    server.post("/deployments/request", body(1))
    server.stop()
    log = sqlite3.connect(server.state / "sluice.db")
    tenant = log.execute("SELECT tenant FROM sluice_event").fetchone()[0]
    log.executemany("INSERT INTO sluice_event VALUES (?, ?, 0, 'shop.ticked', 'test', NULL, NULL, '{}', zeroblob(32))",
                    ((seq, tenant) for seq in range(100, 11000)))
    log.commit()
    log.close()
    (server.state / "sluice.addr").unlink(missing_ok=True)
    server.start()
    feed = Feed(server, "/events?after=1")
    event = feed.next()
    assert event["event"] == "resync" and json.loads(event["data"]) == {"from": 1, "to": 10999}
    feed.close()
    feed = Feed(server, "/events?after=999")  # exactly as much as is told one by one
    assert [int(feed.next()["id"]) for _ in range(10000)] == list(range(1000, 11000))
    feed.close()


def test_a_feed_from_nowhere_begins_now(server):
    server.post("/deployments/request", body(1))
    newest = all_events(server)[-1]["seq"]
    feed = Feed(server)
    server.post("/deployments/request", body(2))
    assert int(feed.next()["id"]) == newest + 1
    feed.close()


def test_pages_need_their_permission_and_their_limits(server):
    assert server.get("/events", token=False).status == 401
    assert server.get("/events?limit=501").status == 400
    assert server.get("/events?after=x").status == 400
    assert server.get("/events/dead-letters").json() == {"items": []}
    answer = server.post("/events/dead-letters/nothing/retry")
    assert answer.status == 404 and "no dead letter 'nothing'" in answer.json()["detail"]


def test_a_full_page_of_events_links_the_next(make_server):
    server = make_server()
    for app in ("one", "two"):
        server.post("/deployments/request", {"app_name": app, "environment": "dev", "dry_run": False,
                                             "config": {"image": "registry.internal/app:1.0.0"}})
    first = server.get("/events?after=0&limit=1&type=deployment.*")
    link = first.headers["link"]
    seq = first.json()["items"][0]["seq"]
    assert link == f'</events?after={seq}&limit=1&type=deployment.%2A>; rel="next"'
    second = server.get(link[1:link.index(">")])
    assert second.json()["items"][0]["seq"] > seq
    rest = server.get("/events?after=0&limit=500")
    assert "link" not in rest.headers
