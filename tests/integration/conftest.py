"""Fixtures for black-box tests: the real binary, an own state folder, a free port, nothing left behind."""
import json, os, pathlib, shutil, signal, subprocess, tempfile, time, urllib.error, urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
SANITIZED = "asan" in BUILD.name
# Waiting for something to happen: generous, since a sanitizer on a busy machine is slow.
PATIENCE = 60 if SANITIZED else 20


def pytest_configure(config):
    config.addinivalue_line("markers", "plain: only against the plain build (timing, memory, sizes)")


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"<{self.status} {self.body[:500]!r}>"


class Server:
    """`sluice serve` with its own state; .url, .token, .port, .state, .proc, .config."""

    def __init__(self, config=None, env=None, state=None, wait=True):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sluice-test-"))
        self.state = pathlib.Path(state) if state else self.folder / "state"
        self.config = self.folder / "sluice.yaml" if config else ROOT / "config" / "sluice.yaml"
        if config:
            self.config.write_text(config)
        self.env = {**os.environ, "SLUICE_PORT": "0", "SLUICE_STATE": str(self.state), **(env or {})}
        self.log = self.folder / "log"
        self.proc = self.url = self.token = self.port = None
        self.start(wait)

    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen([BUILD / "sluice", "serve", "-c", self.config], env=self.env,
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        address = self.state / "sluice.addr"
        until = time.monotonic() + PATIENCE
        while not (address.exists() and address.read_text().endswith("\n")):
            assert self.proc.poll() is None, f"it ended with {self.proc.returncode}:\n{self.logs()}"
            assert time.monotonic() < until, f"it is not ready:\n{self.logs()}"
            time.sleep(0.01)
        self.url = address.read_text().strip()
        self.port = int(self.url.rsplit(":", 1)[1])
        self.token = (self.state / "admin.token").read_text().strip()

    def logs(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def workers(self):
        """Process ids of the workers."""
        text = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.proc.pid)], capture_output=True,
                              text=True).stdout
        return [int(pid) for pid in text.split()]

    def kill_worker(self, signo=signal.SIGKILL):
        for pid in self.workers():
            os.kill(pid, signo)

    def stop(self, signo=signal.SIGTERM):
        if self.proc and self.proc.poll() is None:
            self.proc.send_signal(signo)
            self.proc.wait(PATIENCE)
        return self.proc.returncode if self.proc else None

    def kill(self):
        """kill -9 of the supervisor and its workers."""
        workers = self.workers()
        self.proc.kill()
        for pid in workers:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.proc.wait()
        until = time.monotonic() + PATIENCE
        while any(os.path.exists(f"/proc/{pid}") and "Z" not in open(f"/proc/{pid}/stat").read()
                  for pid in workers) and time.monotonic() < until:
            time.sleep(0.01)
        (self.state / "sluice.addr").unlink(missing_ok=True)

    def restart(self):
        self.stop()
        (self.state / "sluice.addr").unlink(missing_ok=True)
        self.start()

    def close(self):
        try:
            if self.proc and self.proc.poll() is None:
                self.stop()
        except subprocess.TimeoutExpired:
            self.kill()
        text = self.logs()
        shutil.rmtree(self.folder, ignore_errors=True)
        assert "AddressSanitizer" not in text and "runtime error:" not in text, text[-6000:]

    def request(self, method, path, body=None, headers=None, token=True, timeout=PATIENCE):
        headers = dict(headers or {})
        if token:
            headers.setdefault("Authorization", f"Bearer {self.token if token is True else token}")
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        if isinstance(body, str):
            body = body.encode()
        request = urllib.request.Request(self.url + path, data=body, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def post(self, path, body=None, **more):
        return self.request("POST", path, body, **more)

    def cli(self, *args, input=None, env=None, check=None, cwd=None):
        """Runs the command line against this server; .returncode, .stdout, .stderr."""
        environment = {**os.environ, "SLUICE_ADDR": self.url or "", "SLUICE_TOKEN": self.token or "",
                       **(env or {})}
        run = subprocess.run([BUILD / "sluice", *map(str, args)], input=input, env=environment,
                             capture_output=True, text=not isinstance(input, bytes), cwd=cwd,
                             timeout=PATIENCE * 2)
        if check is not None:
            assert run.returncode == check, f"{args}: {run.returncode}\n{run.stdout}\n{run.stderr}"
        return run


@pytest.fixture
def make_server():
    """make_server(config=..., env=..., state=...): servers that end with the test."""
    servers = []

    def make(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def sluice(make_server):
    """A server of one test's own."""
    return make_server()


@pytest.fixture(scope="session")
def shared_server():
    """One server for tests that only add; they must not look at what others left."""
    server = Server()
    yield server
    server.close()


@pytest.fixture
def sluice_program():
    return BUILD / "sluice"


def wait_until(condition, what="it"):
    until = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < until, f"{what} did not happen"
        time.sleep(0.02)
