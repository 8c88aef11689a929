"""Argo CD's sync and health, against a strict stand-in for its REST API."""
import http.server, json, threading, urllib.parse

import pytest

from conftest import Server

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {policies}}}
  rollout:
    argocd: {{server: "http://127.0.0.1:{port}/argo", token_file: {token}}}
"""


class ArgoCd:
    """Under the root path /argo: one application, and its sync windows."""

    def __init__(self):
        self.can_sync, self.requests, self.revision = True, [], "aaa"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def reply(self, code, answer):
                body = json.dumps(answer).encode()
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def handle_any(self):
                size = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(size)) if size else None
                path, _, query = self.path.partition("?")
                query = dict(urllib.parse.parse_qsl(query))
                outer.requests.append((self.command, path, query, body))
                if self.headers.get("Authorization") != "Bearer sesame":
                    return self.reply(401, {"error": "no session information", "message": "no session information"})
                if not path.startswith("/argo/api/v1/applications/shop"):
                    # Argo CD hides what is missing unless the project is named
                    return self.reply(404 if query.get("project") else 403, {"message": "permission denied"})
                rest = path.removeprefix("/argo/api/v1/applications/shop")
                if (self.command, rest) == ("GET", "/syncwindows"):
                    return self.reply(200, {"canSync": outer.can_sync})
                if (self.command, rest) == ("POST", "/sync"):
                    if not outer.can_sync or self.headers.get("Content-Type") != "application/json":
                        return self.reply(400, {"message": "cannot sync: blocked by sync window"})
                    if not body["dryRun"]:
                        outer.revision = body.get("revision", outer.revision)
                    return self.reply(200, outer.application("Running"))
                if (self.command, rest) == ("GET", ""):
                    return self.reply(200, outer.application("Succeeded"))
                return self.reply(404, {"message": "Not Found"})

            do_GET = do_POST = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def application(self, phase):
        return {"metadata": {"name": "shop"}, "status": {
            "sync": {"status": "OutOfSync" if self.revision == "aaa" else "Synced", "revision": self.revision},
            "health": {"status": "Suspended", "message": "CanaryPauseStep"},
            "operationState": {"phase": phase, "message": "successfully synced"}}}


@pytest.fixture(scope="module")
def argocd(tmp_path_factory):
    from conftest import ROOT
    double = ArgoCd()
    token = tmp_path_factory.mktemp("argocd") / "token"
    token.write_text("sesame\n")
    double.token, double.ours = token, Server(config=CONFIG.format(
        port=double.port, token=token, policies=ROOT / "scripts/lua/policies"))
    yield double
    double.ours.close()
    double.server.shutdown()
    double.server.server_close()


def test_sync_and_health(argocd):
    seen = argocd.ours.get("/argocd/applications/shop?project=default&refresh=true").json()
    assert seen == {"name": "shop", "sync": "OutOfSync", "revision": "aaa", "health": "Suspended", "can_sync": True,
                    "health_message": "CanaryPauseStep", "operation": "Succeeded", "operation_message": "successfully synced"}
    assert argocd.requests[-2][2] == {"refresh": "normal", "project": "default"}


def test_syncing(argocd):
    tried = argocd.ours.post("/argocd/applications/shop/sync", {"revision": "bbb", "dry_run": True})
    assert tried.status == 200 and argocd.revision == "aaa"
    done = argocd.ours.post("/argocd/applications/shop/sync", {"revision": "bbb", "prune": True})
    assert done.json()["operation"] == "Running" and argocd.revision == "bbb"
    assert argocd.requests[-1][3] == {"revision": "bbb", "prune": True, "dryRun": False}


def test_a_sync_window_is_obeyed(argocd):
    argocd.can_sync = False
    posts = sum(request[0] == "POST" for request in argocd.requests)
    refused = argocd.ours.post("/argocd/applications/shop/sync", {})
    assert refused.status == 409 and "sync window" in refused.json()["detail"]
    assert sum(request[0] == "POST" for request in argocd.requests) == posts
    assert argocd.ours.get("/argocd/applications/shop").json()["can_sync"] is False
    argocd.can_sync = True


def test_faults(argocd, shared_server):
    assert argocd.ours.get("/argocd/applications/nothing").status == 403
    assert argocd.ours.get("/argocd/applications/nothing?project=default").status == 404
    assert argocd.ours.get("/argocd/applications/Not_A_Name").status == 400
    argocd.token.write_text("wrong\n")  # tokens are read anew each time
    denied = argocd.ours.get("/argocd/applications/shop")
    assert denied.status == 403 and denied.json()["detail"].startswith("argocd: ")
    argocd.token.write_text("sesame\n")
    unset = shared_server.get("/argocd/applications/shop")
    assert unset.status == 503 and "argocd.server" in unset.json()["detail"]
