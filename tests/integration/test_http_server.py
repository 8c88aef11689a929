"""The HTTP server of the real binary, spoken to in raw bytes."""
import os, resource, socket, subprocess, time

import pytest
from conftest import PATIENCE, SANITIZED, Server, wait_until

BARE = """server:
  listen: 127.0.0.1:0
state: ${SLUICE_STATE:-./var}
"""
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def bare():
    """A server without plugins, for all tests that leave nothing behind."""
    server = Server(config=BARE)
    yield server
    server.close()


def connect(server):
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class Reader:
    """Answers of one connection, one by one."""

    def __init__(self, connection):
        self.connection, self.bytes = connection, b""

    def more(self):
        piece = self.connection.recv(65536)
        self.bytes += piece
        return piece

    def answer(self, head_only=False):
        while b"\r\n\r\n" not in self.bytes:
            assert self.more(), f"closed after {self.bytes!r}"
        head, _, self.bytes = self.bytes.partition(b"\r\n\r\n")
        lines = head.decode("latin1").split("\r\n")
        fields = dict((name.lower(), value) for name, value in (line.split(": ", 1) for line in lines[1:]))
        status, body = int(lines[0].split()[1]), b""
        size = 0 if head_only or status == 100 else int(fields.get("content-length", 0))
        while len(self.bytes) < size:
            assert self.more(), "closed inside a body"
        body, self.bytes = self.bytes[:size], self.bytes[size:]
        return status, fields, body

    def closed(self):
        while self.more():
            pass
        return self.bytes == b""


def ask(server, data, **more):
    with connect(server) as connection:
        connection.sendall(data)
        return Reader(connection).answer(**more)


def refused(server, data, status):
    """One answer of problem+json, then the server closes."""
    with connect(server) as connection:
        connection.sendall(data)
        reader = Reader(connection)
        got, fields, body = reader.answer()
        assert (got, fields["content-type"]) == (status, "application/problem+json"), body
        assert fields["connection"] == "close"
        assert reader.closed()
        return body


def post(path, extra, token=None):
    auth = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"POST {path} HTTP/1.1\r\nHost: a\r\n{auth}Content-Type: application/json\r\n{extra}\r\n".encode()


def test_limits_answer_before_the_rest_is_read(bare):
    refused(bare, b"GET /" + b"a" * 9000, 414)
    refused(bare, b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 17000, 431)
    refused(bare, b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: a\r\n" * 101 + b"\r\n", 431)
    refused(bare, post("/tokens", "Content-Length: 99999999999\r\n", bare.token), 413)


def test_a_chunked_body_over_the_limit_is_413(bare):
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    with connect(bare) as connection:
        connection.sendall(post("/tokens", "Transfer-Encoding: chunked\r\n", bare.token))
        try:
            for _ in range(400):
                connection.sendall(chunk)
        except OSError:
            pass  # it need not read all that
        assert Reader(connection).answer()[0] == 413


def test_a_method_that_is_not_served(bare):
    status, fields, body = ask(bare, b"DELETE /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status == 405 and "GET" in fields["allow"] and b"method_not_allowed" in body


def test_head_is_get_without_the_body(bare):
    for path in (b"/healthz", b"/readyz", b"/nothing/here"):
        _, get, body = ask(bare, b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        with connect(bare) as connection:
            connection.sendall(b"HEAD " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n" + HEALTH)
            reader = Reader(connection)
            _, head, _ = reader.answer(head_only=True)
            assert abs(int(head["content-length"]) - len(body)) <= 20  # a request id may differ
            assert head["content-type"] == get["content-type"]
            assert reader.answer()[2] == b'{"status":"ok"}'


def test_expect_continue(bare):
    body = b'{"name":"expecting","permissions":["risk:read"]}'
    fields = f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n"
    with connect(bare) as connection:
        connection.sendall(post("/tokens", fields, bare.token))
        reader = Reader(connection)
        assert reader.answer()[0] == 100
        connection.sendall(body)
        assert reader.answer()[0] != 100
    # Without a token there is no reason to send the body.
    assert ask(bare, post("/tokens", fields))[0] == 401
    refused(bare, post("/tokens", "Content-Length: 4\r\nExpect: tea\r\n", bare.token), 417)


def test_pipelined_requests(bare):
    paths = [b"/healthz", b"/nothing", b"/whoami", b"/readyz"] * 10
    data = b"".join(b"GET %s HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%d\r\n\r\n" % (path, i)
                    for i, path in enumerate(paths))
    with connect(bare) as connection:
        connection.sendall(data)
        reader = Reader(connection)
        for i, path in enumerate(paths):
            status, fields, body = reader.answer()
            assert (path == b"/healthz") == (body == b'{"status":"ok"}')
            assert (path == b"/nothing") == (status == 404)
            if path != b"/healthz":
                assert fields.get("x-request-id") == f"r{i}"


def test_every_split_of_a_request(bare):
    with connect(bare) as connection:
        reader = Reader(connection)
        for at in range(1, len(HEALTH)):
            connection.sendall(HEALTH[:at])
            connection.sendall(HEALTH[at:])
            assert reader.answer()[0] == 200


@pytest.mark.parametrize("data", [
    b"POST /tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /tokens HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: b\r\n Content-Length: 40\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\n\rX: b\r\n\r\n",
    b"GET /healthz HTTP/1.1\nHost: a\n\n",
    b"GET /healthz HTTP/1.1\r\n\r\n",
    b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET /health\x00z HTTP/1.1\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x00\xa5\x01\n",
])
def test_ambiguous_requests_are_refused_and_nothing_behind_them_is_read(bare, data):
    refused(bare, data + HEALTH, 400)


def test_other_protocols_are_refused_at_once(bare):
    refused(bare, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505)
    refused(bare, b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 501)
    refused(bare, b"POST /tokens HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501)


def test_request_id_and_trace_are_taken_up(bare):
    fields = ask(bare, b"GET /nothing HTTP/1.1\r\nHost: a\r\nX-Request-Id: my.id-1\r\n\r\n")[1]
    assert fields["x-request-id"] == "my.id-1"
    made = [ask(bare, b"GET /nothing HTTP/1.1\r\nHost: a\r\nX-Request-Id: " + bad + b"\r\n\r\n")[1]
            ["x-request-id"] for bad in (b"two words", b"<script>", b"a" * 129)]
    assert len(set(made)) == 3 and not any("script" in one or " " in one for one in made)


def test_a_413_is_read_by_a_client_that_still_sends(bare):
    with connect(bare) as connection:
        connection.sendall(post("/tokens", "Content-Length: 50000000\r\n", bare.token))
        try:
            for _ in range(50):
                connection.sendall(b" " * 65536)
        except OSError:
            pass
        assert Reader(connection).answer()[0] == 413


HASTY = """server:
  listen: 127.0.0.1:0
  limits:
    connections: 40
    head_timeout: 300ms
    body_timeout: 300ms
    idle_timeout: 2s
state: ${SLUICE_STATE:-./var}
"""


def test_slow_clients_hurt_only_themselves(make_server):
    server = make_server(config=HASTY)
    slow = [connect(server) for _ in range(15)]
    for connection in slow:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-")
    bodies = [connect(server) for _ in range(15)]
    for connection in bodies:
        connection.sendall(post("/tokens", "Content-Length: 10\r\n", server.token) + b"{")
    for _ in range(20):
        assert ask(server, HEALTH)[0] == 200
    for connection in slow + bodies:
        reader = Reader(connection)
        assert reader.answer()[0] == 408 and reader.closed()
        connection.close()
    idle = connect(server)
    assert Reader(idle).closed()  # without a word: it had asked nothing
    assert ask(server, HEALTH)[0] == 200


def test_connections_beyond_the_limit_get_503(make_server):
    server = make_server(config=HASTY.replace("2s", "60s").replace("300ms", "60s"))
    held = [connect(server) for _ in range(40)]
    for connection in held:
        connection.sendall(HEALTH)
        assert Reader(connection).answer()[0] == 200
    status, fields, body = ask(server, HEALTH)
    assert status == 503 and "retry-after" in fields and b"problems" in body
    held[0].sendall(HEALTH)
    assert Reader(held[0]).answer()[0] == 200
    for connection in held:
        connection.close()
    wait_until(lambda: ask(server, HEALTH)[0] == 200, "room for new connections")


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_running_out_of_descriptors_neither_spins_nor_hangs(make_server):
    sluice = make_server(config=BARE)
    worker = sluice.workers()[0]
    old = connect(sluice)
    old.sendall(HEALTH)
    assert Reader(old).answer()[0] == 200
    used = len(os.listdir(f"/proc/{worker}/fd"))
    before = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 5, before[1]))
    crowd = [connect(sluice) for _ in range(30)]
    began, spent = time.monotonic(), cpu_seconds(worker)
    time.sleep(1)
    share = (cpu_seconds(worker) - spent) / (time.monotonic() - began)
    assert share < 0.5, f"it spins: {share:.0%} of a core"
    old.sendall(HEALTH)
    assert Reader(old).answer()[0] == 200
    resource.prlimit(worker, resource.RLIMIT_NOFILE, before)
    for connection in crowd:
        connection.close()
    wait_until(lambda: ask(sluice, HEALTH)[0] == 200, "new connections")


def test_a_drain_answers_what_has_begun(make_server):
    server = make_server(config=BARE)
    connections = [connect(server) for _ in range(20)]
    for connection in connections:
        connection.sendall(HEALTH)
        assert Reader(connection).answer()[0] == 200
    for connection in connections:
        connection.sendall(HEALTH)
    assert server.stop() == 0
    for connection in connections:
        status, fields, body = Reader(connection).answer()
        assert status == 200 and body == b'{"status":"ok"}'
        connection.close()


def test_curl_agrees(bare):
    """A client that nobody here has written."""
    to_nowhere = ["-o", "/dev/null"]
    run = subprocess.run(["curl", "-sS", "--max-time", str(PATIENCE), "-w", "%{http_code} %{num_connects}\n",
                          *to_nowhere, bare.url + "/healthz", *to_nowhere, bare.url + "/nothing",
                          *to_nowhere, bare.url + "/readyz"], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["200", "1", "404", "0", "200", "0"]


@pytest.mark.plain
@pytest.mark.skipif(SANITIZED, reason="memory is measured on the plain build")
def test_idle_connections_are_cheap(make_server):
    count = 3000  # tests/bench/idle_connections.py measures 10,000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    server = make_server(config=BARE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count + 300), hard))
    try:
        worker = server.workers()[0]
        before = rss(worker)
        idle = []
        for number in range(count):
            connection = socket.socket()
            connection.bind((f"127.0.{1 + number // 20000}.1", 0))
            connection.connect(("127.0.0.1", server.port))
            connection.sendall(HEALTH)
            assert Reader(connection).answer()[0] == 200  # else the backlog overflows, and TCP waits
            idle.append(connection)
        each = (rss(worker) - before) / count
        assert each < 2500, f"{each:.0f} bytes an idle connection"
        assert ask(server, HEALTH)[0] == 200
        for connection in idle:
            connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def rss(pid):
    line = next(line for line in open(f"/proc/{pid}/status") if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024
