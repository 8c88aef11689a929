"""The haproxy driver against a real HAProxy with two real back ends and traffic through it."""
import http.server, json, os, pathlib, shutil, signal, socket, subprocess, threading, time, urllib.error, urllib.request

import pytest

from conftest import BUILD, ROOT, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin"),
                                reason="needs the haproxy package")
HAPROXY = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  drive: {{file: {file}}}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Backend:
    """An HTTP server that answers `status`; counts what it answered."""

    def __init__(self):
        outer = self
        self.status, self.seen, self.name = 200, 0, "?"

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.seen += 1
                body = outer.name.encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # HAProxy closes idle connections as it likes
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Haproxy:
    """HAProxy with backend shop: servers blue1, blue2 (weight 100) and green1 (weight 0)."""

    def __init__(self, folder, servers):
        self.folder, self.socket = pathlib.Path(folder), pathlib.Path(folder) / "haproxy.sock"
        self.port, self.proc = free_port(), None
        lines = "\n".join(f"  server {name} 127.0.0.1:{backend.port} weight {weight}"
                          for name, (backend, weight) in servers.items())
        (self.folder / "haproxy.cfg").write_text(f"""
global
  stats socket {self.socket} mode 600 level admin
  maxconn 500
defaults
  mode http
  timeout connect 1s
  timeout client 10s
  timeout server 10s
frontend front
  bind 127.0.0.1:{self.port}
  default_backend shop
backend shop
  balance roundrobin
{lines}
""")
        self.start()

    def start(self):
        self.proc = subprocess.Popen([HAPROXY, "-db", "-f", self.folder / "haproxy.cfg"],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, "HAProxy's start")

    def answers(self):
        try:
            return "Pid" in self.ask("show info")
        except OSError:
            return False

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(5)
            link.connect(str(self.socket))
            link.sendall(command.encode() + b"\n")
            answer = b""
            while piece := link.recv(65536):
                answer += piece
            return answer.decode()

    def weights(self):
        rows = [line.split() for line in self.ask("show servers state shop").splitlines() if " shop " in line]
        return {row[3]: int(row[7]) for row in rows}

    def stop(self):
        if self.proc.poll() is None:
            self.proc.kill()
        self.proc.wait()

    def restart(self):
        self.stop()
        self.start()

    def get(self):
        """(status, body) of one request through HAProxy."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=10) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def shop(tmp_path):
    backends = {"blue1": Backend(), "blue2": Backend(), "green1": Backend()}
    for name, backend in backends.items():
        backend.name = name
    haproxy = Haproxy(tmp_path, {name: (backend, 0 if name == "green1" else 100) for name, backend in backends.items()})
    haproxy.backends = backends
    yield haproxy
    haproxy.stop()
    for backend in backends.values():
        backend.close()


@pytest.fixture
def drive(make_server, shop):
    server = make_server(config=CONFIG.format(file=BUILD / "tests" / "drive.so"))
    settings = {"socket": str(shop.socket), "backend": "shop", "stable": ["blue*"], "canary": ["green1"]}

    def run(verb="apply", **wish):
        body = {"driver": "haproxy", "settings": settings, **wish}
        return server.post(f"/drive/{verb}", body)

    run.settings = settings
    return run


def test_weights_are_in_force_and_seen(shop, drive):
    view = drive(weight=10, generation=3).json()
    assert view["verified"] and view["ready"] and view["weight"] == 10 and view["generation"] == 3, view
    assert not view["promoted"] and not view["rolled_back"]
    answered = [shop.get()[1] for _ in range(200)]
    assert 0.08 <= answered.count("green1") / 200 <= 0.12
    counts = drive("observe", weight=10, generation=3).json()
    assert counts["canary"]["requests"] == answered.count("green1")
    assert counts["stable"]["requests"] == 200 - answered.count("green1")
    assert counts["canary"]["errors"] == 0 and counts["canary"]["latency_ms"] >= 0
    # the same wish again changes nothing
    assert drive(weight=10, generation=3).json()["weight"] == 10


def test_errors_of_the_new_version_are_counted(shop, drive):
    drive(weight=50)
    shop.backends["green1"].status = 503
    for _ in range(40):
        shop.get()
    view = drive("observe", weight=50).json()
    assert view["canary"]["errors"] == view["canary"]["requests"] >= 15
    assert view["stable"]["errors"] == 0


def test_promotion_turns_the_pools_round(shop, drive):
    drive(weight=25)
    view = drive(goal="promote", generation=2).json()
    assert view["promoted"] and view["weight"] == 100, view
    assert {shop.get()[1] for _ in range(20)} == {"green1"}
    # The next deployment finds the new version in green, and brings its own to blue.
    view = drive(deployment="01J00000000000000000000001", weight=20).json()
    assert view["verified"] and view["weight"] == 20, view
    answered = [shop.get()[1] for _ in range(100)]
    assert 15 <= 100 - answered.count("green1") <= 25
    view = drive(deployment="01J00000000000000000000001", generation=2, goal="roll_back").json()
    assert view["rolled_back"] and {shop.get()[1] for _ in range(20)} == {"green1"}


def test_blue_green_switches_at_once(shop, drive):
    assert drive(blue_green=True, weight=0).json()["weight"] == 0
    assert "green1" not in {shop.get()[1] for _ in range(20)}
    assert drive(blue_green=True, weight=100, generation=2).json()["weight"] == 100
    assert {shop.get()[1] for _ in range(20)} == {"green1"}


def test_old_decisions_and_other_deployments_are_refused(drive):
    drive(weight=20, generation=7)
    stale = drive(weight=50, generation=6)
    assert stale.status == 409 and "older" in stale.json()["detail"]
    other = drive(deployment="01H00000000000000000000000", weight=50, generation=9)
    assert other.status == 409, other


def test_another_writer_is_not_fought(shop, drive):
    drive(weight=20, generation=1)
    shop.ask("set weight shop/green1 200")
    view = drive("observe", weight=20, generation=1).json()
    assert "green1" in view["foreign"] and not view["verified"]
    refused = drive(weight=30, generation=2)
    assert refused.status == 409 and "somebody else" in refused.json()["detail"]
    assert shop.weights()["green1"] == 200
    # the way out stays open
    assert drive(goal="roll_back", generation=3).json()["rolled_back"]
    assert shop.weights()["green1"] == 0


def test_a_restarted_haproxy_gets_its_weights_back(shop, drive):
    before = drive(weight=30, generation=4).json()
    shop.restart()
    assert shop.weights()["green1"] == 0
    view = drive("observe", weight=30, generation=4).json()
    assert view["verified"] and view["weight"] == 30 and view["generation"] == 4
    assert view["counts_epoch"] != before["counts_epoch"]


def test_a_server_that_is_down_is_told(shop, drive):
    shop.ask("set server shop/green1 state maint")
    view = drive(weight=10).json()
    assert not view["ready"] and view["available"] == 0 and view["replicas"] == 1
    assert "MAINT" in shop.ask("show stat")  # an operator's word stays


def test_faults_say_what_to_do(shop, drive, tmp_path):
    def refused(**change):
        return drive(settings={**drive.settings, **change}, weight=10)

    missing = refused(backend="nosuch")
    assert missing.status == 404 and "nosuch" in missing.json()["detail"]
    assert refused(canary=["red*"]).status == 404
    assert refused(canary=["blue1"]).status == 400
    assert refused(canary=["x; shutdown sessions server shop/blue1"]).status == 400
    assert refused(backend="a b").status == 400
    assert refused(socket="nonsense").status == 400
    gone = refused(socket=str(tmp_path / "nothing.sock"))
    assert gone.status == 503 and "No such file" in gone.json()["detail"]


def test_silence_has_an_end(drive, tmp_path):
    """A socket that takes the connection and never answers."""
    path = str(tmp_path / "silent.sock")
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(path)
        silent.listen(8)
        began = time.monotonic()
        answer = drive(settings={**drive.settings, "socket": path}, weight=10)
        assert answer.status == 504 and time.monotonic() - began < 10


def test_the_examples_are_valid(tmp_path, sluice_program):
    text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text().replace("/run/haproxy", str(tmp_path))
    text = text.replace(" group sluice", "").replace("/var/lib/haproxy", str(tmp_path))
    (tmp_path / "haproxy.cfg").write_text(text)
    run = subprocess.run([HAPROXY, "-c", "-f", tmp_path / "haproxy.cfg"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    text = (ROOT / "deploy/haproxy/sluice.yaml").read_text().replace("/usr/share/sluice", str(ROOT))
    (tmp_path / "sluice.yaml").write_text(text)
    run = subprocess.run([sluice_program, "validate", tmp_path / "sluice.yaml"], capture_output=True, text=True,
                         env={**os.environ, "SLUICE_STATE": str(tmp_path)})
    assert run.returncode == 0, run.stdout + run.stderr
