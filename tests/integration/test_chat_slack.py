"""Slack: signed slash commands and mentions, answered with Block Kit where Slack hears."""
import hashlib, hmac, http.server, json, threading, time, urllib.parse

import pytest

from conftest import ROOT, wait_until

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


class Slack:
    """Hears what is posted to response_url and to chat.postMessage, and holds it against Slack's limits."""

    def __init__(self):
        self.heard, self.faults, self.fail = [], [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if outer.fail:
                    outer.fail -= 1
                    self.send_response(500)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                outer.check(body)
                outer.heard.append((self.path, self.headers.get("Authorization"), body))
                self.send_response(200)
                self.send_header("Content-Length", "11")
                self.end_headers()
                self.wfile.write(b'{"ok":true}')
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def check(self, body):
        if not body.get("text") or not 0 < len(body["blocks"]) <= 50:
            self.faults.append("text or blocks")
        for block in body["blocks"]:
            text = block["text"] if block["type"] == "section" else block["elements"][0]
            if block["type"] not in ("section", "context") or text["type"] != "mrkdwn" or not 0 < len(text["text"]) <= 3000:
                self.faults.append(f"block {block}")


@pytest.fixture(scope="module")
def slack():
    slack = Slack()
    yield slack
    slack.server.shutdown()
    slack.server.server_close()
    assert slack.faults == []


@pytest.fixture(scope="module")
def server(slack):
    from conftest import Server
    server = Server(config=f"""state: ${{SLUICE_STATE}}
server: {{listen: "127.0.0.1:0"}}
plugins:
  risk:
  policy: {{scripts: {ROOT}/scripts/lua/policies}}
  rollout:
  chat:
    slack: {{signing_secret: {SECRET}, bot_token: xoxb-test, hooks: "{slack.url}", api: "{slack.url}api", permissions: "deploy:read events:read"}}
""")
    server.id = server.post("/deployments/request", {"app_name": "payments", "environment": "prod", "reason": "<b>&now</b>",
                                                     "config": {"image": "registry.internal/payments:latest", "replicas": 3}}).json()["id"]
    yield server
    server.close()


def signed(body, secret=SECRET, at=None):
    at = str(int(time.time() if at is None else at))
    base = b"v0:" + at.encode() + b":" + body
    return {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()}


def command(server, slack, text, trigger="1.1", headers=None, **more):
    body = urllib.parse.urlencode({"command": "/sluice", "user_id": "U1", "text": text, "trigger_id": trigger,
                                   "response_url": slack.url + "commands/1", **more}).encode()
    return server.post("/slack/command", body, token=False,
                       headers={"Content-Type": "application/x-www-form-urlencoded", **(headers or signed(body))})


def event(server, event_id, text, ts="100.1", headers=None, **more):
    body = json.dumps({"type": "event_callback", "event_id": event_id, "event": {
        "type": "app_mention", "user": "U1", "channel": "C1", "ts": ts, "text": text, **more}}).encode()
    return server.post("/slack/events", body, token=False, headers={"Content-Type": "application/json", **(headers or signed(body))})


def test_command_is_answered_at_its_url(server, slack):
    began = time.monotonic()
    answer = command(server, slack, "why was payments denied?", trigger="a.1")
    assert answer.status == 200 and answer.json()["response_type"] == "ephemeral" and time.monotonic() - began < 3
    wait_until(lambda: slack.heard, "an answer")
    path, token, body = slack.heard.pop()
    text = json.dumps(body)
    assert path == "/commands/1" and token is None
    assert server.id in text and "no-latest" in text and "*Root cause*" in text and "*Fix*" in text and "deploy.explain" in text
    again = command(server, slack, "why was payments denied?", trigger="a.1")
    time.sleep(0.5)
    assert again.status == 200 and slack.heard == [], "Slack's repetition is not answered twice"


def test_mention_is_answered_in_its_thread_and_goes_on(server, slack):
    assert event(server, "E1", "<@U99> why was payments denied &amp; what now?").status == 200
    wait_until(lambda: slack.heard, "a reply")
    path, token, body = slack.heard.pop()
    assert path == "/api/chat.postMessage" and token == "Bearer xoxb-test"
    assert body["channel"] == "C1" and body["thread_ts"] == "100.1" and server.id in json.dumps(body)
    event(server, "E2", "<@U99> and who requested it?", ts="101.1", thread_ts="100.1")
    wait_until(lambda: slack.heard, "a second reply")
    body = slack.heard.pop()[2]
    assert server.id in json.dumps(body) and body["thread_ts"] == "100.1" and "token:admin" in body["text"]
    event(server, "E2", "<@U99> and who requested it?", ts="101.1", thread_ts="100.1")
    event(server, "E3", "our own words", ts="102.1", bot_id="B1")
    time.sleep(0.5)
    assert slack.heard == []


def test_only_what_slack_has_signed(server, slack):
    body = b"text=help"
    good = signed(body)
    for headers in ({}, signed(body, secret="other"), signed(body, at=time.time() - 301), signed(body, at=time.time() + 400),
                    {**good, "X-Slack-Signature": good["X-Slack-Signature"][:-1] + "x"}, {**good, "X-Slack-Signature": "v0="},
                    {**good, "X-Slack-Request-Timestamp": "nonsense"}, {**good, "X-Slack-Request-Timestamp": "99999999999999999999"}):
        answer = server.post("/slack/command", body, token=False, headers={"Content-Type": "application/x-www-form-urlencoded", **headers})
        assert answer.status == 401, (headers, answer)
        assert server.post("/slack/events", body, token=False, headers=headers).status == 401
    assert command(server, slack, "help", headers=signed(b"another body")).status == 401


def test_challenge_and_odd_bodies(server, slack):
    body = b'{"type":"url_verification","challenge":"3eZbrw1a"}'
    assert server.post("/slack/events", body, token=False, headers=signed(body)).json() == {"challenge": "3eZbrw1a"}
    for body in (b"", b"[]", b"{", b'{"type":"event_callback"}', b'{"type":"event_callback","event":{"type":"app_mention","text":7}}'):
        assert server.post("/slack/events", body, token=False, headers=signed(body)).status in (200, 400)
    for body in (b"", b"&&&", b"text=%", b"text=%ff%fe&response_url=x", b"response_url=https%3A%2F%2Fevil.example%2F&text=hi"):
        answer = server.post("/slack/command", body, token=False, headers={"Content-Type": "application/x-www-form-urlencoded", **signed(body)})
        assert answer.status == 400, answer
    assert "own words" in command(server, slack, "  ").json()["text"]


def test_only_what_is_granted_is_read(server, slack):
    command(server, slack, "which policies are there?", trigger="p.1")
    wait_until(lambda: slack.heard, "an answer")
    body = slack.heard.pop()[2]
    assert "not permitted" in json.dumps(body) and "min-replicas" not in json.dumps(body)


def test_slack_that_fails_is_tried_again(server, slack):
    slack.fail = 1
    command(server, slack, "what is deployed where?", trigger="f.1")
    wait_until(lambda: slack.heard, "an answer after a failure")
    slack.heard.clear()


def test_without_a_secret_it_is_not_served(shared_server):
    answer = shared_server.post("/slack/command", b"text=x", token=False, headers=signed(b"text=x"))
    assert answer.status == 503 and "signing_secret" in answer.json()["detail"]
