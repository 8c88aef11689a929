"""Webhooks of GitHub and GitLab: signatures, and what is asked of their APIs, by doubles that check each request."""
import hashlib, hmac, http.server, json, re, threading, time

import pytest
from conftest import Server

SECRET = "a secret of the webhook"
DIFF = "diff --git a/src/pay.c b/src/pay.c\n--- a/src/pay.c\n+++ b/src/pay.c\n@@ -1 +1,2 @@\n a\n+%s\n"
KEY = 'key = "AKIAQYLPMN5HHHFPZAM2";'


class Forge(http.server.BaseHTTPRequestHandler):
    """Answers as the forges document it; anything else is a fault of the test."""

    def log_message(self, *_):
        pass

    def answer(self, status, body, kind="application/json"):
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def take(self):
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        log, path = self.server.log, self.path
        github = path.startswith("/gh/")
        wanted = ("Authorization", "Bearer gh-token") if github else ("PRIVATE-TOKEN", "gl-token")
        if self.headers.get(wanted[0]) != wanted[1] or not self.headers.get("User-Agent"):
            log.append(("unauthorized", path, None))
            return self.answer(401, {"message": "Bad credentials"})
        log.append((self.command, path, body))
        if self.server.failures:
            return self.answer(self.server.failures.pop(0), {"message": "try later"})
        if body is not None and self.headers.get("Content-Type") != "application/json":
            return self.answer(415, {"message": "JSON only"})
        diffs = "application/vnd.github.diff"
        if github and self.headers.get("Accept") == diffs and re.fullmatch(
                r"/gh/repos/o/r/(pulls/7|compare/[0-9a-f]{8}\.\.\.[0-9a-f]{8}|commits/[0-9a-f]{8})", path):
            return self.answer(200, DIFF % self.server.line, diffs)
        if path == "/gl/projects/5/merge_requests/3/raw_diffs":
            return self.answer(200, DIFF % self.server.line, "text/plain")
        if path == "/gl/projects/5/repository/compare?from=aaaaaaaa&to=bbbbbbbb":
            return self.answer(200, {"diffs": [{"old_path": "x.c", "new_path": "x.c", "diff": "@@ -1 +1,2 @@\n a\n+b\n"}]})
        if re.fullmatch(r"/g[hl]/(repos/o/r|projects/5)/releases\?per_page=20", path):
            return self.answer(200, [{"tag_name": "v1.1.0"}, {"tag_name": "v1.0.9", "draft": True},
                                     {"tag_name": "v1.0.0"}])
        if path == "/gh/repos/o/r/compare/v1.0.0...v1.1.0":
            return self.answer(200, {"commits": [{"sha": "c" * 40, "commit": {
                "message": "feat: dark mode (#3)", "author": {"name": "Ada Lovelace"}}}]})
        if path == "/gl/projects/5/repository/compare?from=v1.0.0&to=v1.1.0":
            return self.answer(200, {"commits": [{"id": "c" * 40, "message": "fix: lost page", "author_name": "Ada"}]})
        if re.fullmatch(r"/g[hl]/(repos/o/r|projects/5)/statuses/[0-9a-f]{8}", path) and self.command == "POST":
            states = ("success", "failure") if github else ("success", "failed")
            good = (body["state"] in states and len(body["description"]) <= 140
                    and body["context" if github else "name"] == "sluice/risk")
            return self.answer(201 if good else 422, {})
        if (self.command, path) in (("PATCH", "/gh/repos/o/r/releases/99"), ("PUT", "/gl/projects/5/releases/v1.1.0")):
            return self.answer(200, {})
        log.append(("unknown", path, None))
        return self.answer(404, {"message": "Not Found"})

    do_GET = do_POST = do_PATCH = do_PUT = take


@pytest.fixture
def forge():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Forge)
    server.log, server.failures, server.line = [], [], "int x;"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def server(forge):
    api = f"http://127.0.0.1:{forge.server_port}"
    server = Server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  risk:\n  notes:\n'
                           f"    webhooks:\n      github: {{secret: {SECRET}, token: gh-token, api: {api}/gh}}\n"
                           f"      gitlab: {{secret: {SECRET}, token: gl-token, api: {api}/gl}}\n      fail_at: HIGH\n")
    yield server
    server.close()


def signed(body):
    return "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def github(server, event, payload, delivery="d-1", signature=None):
    body = json.dumps(payload).encode()
    return server.post("/webhooks/github", body, headers={
        "X-GitHub-Event": event, "X-GitHub-Delivery": delivery, "Content-Type": "application/json",
        "X-Hub-Signature-256": signature or signed(body), "Authorization": ""})


def gitlab(server, event, payload, token=SECRET):
    return server.post("/webhooks/gitlab", json.dumps(payload).encode(), headers={
        "X-Gitlab-Event": event, "X-Gitlab-Token": token, "Content-Type": "application/json", "Authorization": ""})


def wait_for(forge, command, part):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for entry in list(forge.log):
            if entry[0] == command and part in entry[1]:
                return entry[2]
        time.sleep(0.05)
    raise AssertionError(f"no {command} {part} in {forge.log}")


PULL = {"action": "opened", "number": 7, "repository": {"full_name": "o/r"},
        "pull_request": {"head": {"sha": "abcdef12"}, "title": "fix: cents", "body": None}}


def test_a_pull_request_gets_a_status_with_its_risk(server, forge):
    forge.failures = [503]  # the first answer of the API: asked again
    assert github(server, "pull_request", PULL).status == 202
    status = wait_for(forge, "POST", "/gh/repos/o/r/statuses/abcdef12")
    assert status["state"] == "success" and status["description"].startswith("risk LOW")
    assert not [entry for entry in forge.log if entry[0] in ("unknown", "unauthorized")]


def test_a_dangerous_push_fails_and_no_secret_is_told(server, forge):
    forge.line = KEY
    push = {"before": "1" * 8, "after": "2" * 8, "repository": {"full_name": "o/r"},
            "head_commit": {"message": "feat: x"}}
    assert github(server, "push", push).status == 202
    status = wait_for(forge, "POST", "/gh/repos/o/r/statuses/22222222")
    assert status["state"] == "failure" and "CRITICAL" in status["description"] and "AKIA" not in str(forge.log)
    assert github(server, "push", {**push, "before": "0" * 8, "after": "3" * 8}, "d-2").status == 202
    wait_for(forge, "POST", "/gh/repos/o/r/statuses/33333333")


def test_a_release_without_text_gets_notes(server, forge):
    release = {"action": "published", "repository": {"full_name": "o/r"},
               "release": {"id": 99, "tag_name": "v1.1.0", "body": ""}}
    assert github(server, "release", release).status == 202
    text = wait_for(forge, "PATCH", "/gh/repos/o/r/releases/99")["body"]
    assert text.startswith("# What is new in v1.1.0") and "Dark mode" in text and "Ada" not in text
    assert gitlab(server, "Release Hook", {"action": "create", "tag": "v1.1.0", "description": None,
                                           "project": {"id": 5}}).status == 202
    assert "Lost page" in wait_for(forge, "PUT", "/gl/projects/5/releases/v1.1.0")["description"]


def test_merge_requests_and_pushes_of_gitlab(server, forge):
    merge = {"project": {"id": 5}, "object_attributes": {"action": "open", "iid": 3, "title": "fix: x",
                                                         "last_commit": {"id": "abcdef34"}}}
    assert gitlab(server, "Merge Request Hook", merge).status == 202
    assert wait_for(forge, "POST", "/gl/projects/5/statuses/abcdef34")["state"] == "success"
    push = {"before": "a" * 8, "after": "b" * 8, "checkout_sha": "b" * 8, "project": {"id": 5}, "commits": []}
    assert gitlab(server, "Push Hook", push).status == 202
    wait_for(forge, "POST", "/gl/projects/5/statuses/bbbbbbbb")


def test_only_what_is_signed_is_taken(server, forge):
    body = json.dumps(PULL).encode()
    for signature in ("sha256=" + "0" * 64, signed(body + b" "), signed(body)[:-1], "sha1=x", signed(body).upper()):
        assert github(server, "pull_request", PULL, signature=signature).status == 401
    assert gitlab(server, "Push Hook", {}, token="wrong").status == 401
    assert server.post("/webhooks/github", body, headers={"X-GitHub-Event": "push"}).status == 401
    time.sleep(0.3)
    assert forge.log == []


def test_odd_deliveries_are_told_why(server, forge):
    assert github(server, "ping", {"zen": "x"}).json()["taken"] is False
    assert github(server, "pull_request", {**PULL, "action": "closed"}).json()["taken"] is False
    for change in ({"repository": {"full_name": "../../etc"}}, {"repository": {"full_name": "o/r?x=1"}},
                   {"pull_request": {"head": {"sha": "../x"}}}, {"pull_request": {}}):
        assert github(server, "pull_request", {**PULL, **change}).status == 400, change
    for raw in (b"", b"[1]", b"{", b'{"a":1,"a":2}'):
        answer = server.post("/webhooks/github", raw, headers={
            "X-GitHub-Event": "push", "X-Hub-Signature-256": signed(raw), "Authorization": ""})
        assert answer.status in (400, 202) and (answer.status == 400 or not answer.json()["taken"]), raw
    time.sleep(0.3)
    assert forge.log == []


def test_the_documented_example_of_github(forge):
    server = Server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  notes:\n'
                           '    webhooks: {github: {secret: "It\'s a Secret to Everybody"}}\n')
    try:
        def send(body):
            return server.post("/webhooks/github", body, headers={
                "X-GitHub-Event": "ping", "Authorization": "", "X-Hub-Signature-256":
                "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"})
        assert "line 1" in send(b"Hello, World!").json()["detail"]  # signed well, but no JSON
        assert send(b"Hello, World?").status == 401
        assert server.post("/webhooks/gitlab", b"{}", headers={"X-Gitlab-Token": "x"}).status == 404
    finally:
        server.close()
