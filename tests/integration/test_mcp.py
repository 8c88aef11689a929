"""The Model Context Protocol: raw messages, and the protocol's official clients from npm."""
import json, shutil, subprocess

import pytest

from conftest import PATIENCE, ROOT

NPM = ROOT / "tests" / "npm"
MODERN = "2026-07-28"
META = "io.modelcontextprotocol/protocolVersion"


@pytest.fixture(scope="module")
def server():
    from conftest import Server
    server = Server()
    answer = server.post("/deployments/request", {"app_name": "payments", "environment": "prod",
                                                  "config": {"image": "registry.internal/payments:latest", "replicas": 3}})
    server.id = answer.json()["id"]
    yield server
    server.close()


def rpc(server, method, params=None, id=1, headers=None, **more):
    body = {"jsonrpc": "2.0", "method": method, **({"id": id} if id is not None else {}), **({"params": params} if params is not None else {})}
    head = {"Accept": "application/json, text/event-stream", **(headers or {})}
    return server.post("/mcp", body, headers=head, **more)


def modern(server, method, params=None, version=MODERN, headers=None, **more):
    params = {**(params or {}), "_meta": {META: version}}
    head = {"MCP-Protocol-Version": version, "Mcp-Method": method, **({"Mcp-Name": params["name"]} if "name" in params else {}), **(headers or {})}
    return rpc(server, method, params, headers=head, **more)


def test_initialize_and_its_versions(server):
    for asked, given in (("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")):
        answer = rpc(server, "initialize", {"protocolVersion": asked, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}})
        result = answer.json()["result"]
        assert result["protocolVersion"] == given and result["serverInfo"]["name"] == "sluice" and "tools" in result["capabilities"]
        assert len(answer.headers["Mcp-Session-Id"]) == 26
    session = answer.headers["Mcp-Session-Id"]
    noted = rpc(server, "notifications/initialized", id=None, headers={"Mcp-Session-Id": session})
    assert noted.status == 202 and noted.body == b""
    assert rpc(server, "ping", headers={"Mcp-Session-Id": session}).json()["result"] == {}
    assert rpc(server, "ping", headers={"Mcp-Session-Id": "made up"}).status == 404
    assert rpc(server, "ping", headers={"MCP-Protocol-Version": "1.0"}).status == 400
    assert server.get("/mcp").status == 405 and server.request("DELETE", "/mcp").status == 405


def test_tools_are_operations(server):
    tools = {tool["name"]: tool for tool in rpc(server, "tools/list").json()["result"]["tools"]}
    schema = tools["deploy_list"]["inputSchema"]
    assert schema["properties"]["limit"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50, "description": "how many at most"}
    assert tools["deploy_list"]["annotations"]["readOnlyHint"] is True and tools["deploy_request"]["annotations"]["readOnlyHint"] is False
    import jsonschema
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
    answer = rpc(server, "tools/call", {"name": "deploy_get", "arguments": {"id": server.id}}, id="a").json()
    assert answer["id"] == "a" and answer["result"]["isError"] is False
    assert answer["result"]["structuredContent"]["status"] == "DENIED"
    assert json.loads(answer["result"]["content"][0]["text"]) == answer["result"]["structuredContent"]


def test_what_a_token_may_do(server):
    reader = server.post("/tokens", {"name": "reader", "permissions": "deploy:read deploy:write policy:read"}).json()["token"]
    names = [tool["name"] for tool in rpc(server, "tools/list", token=reader).json()["result"]["tools"]]
    assert "deploy_list" in names and "policy_list" in names
    assert "deploy_request" not in names and "risk_score" not in names and "token_list" not in names
    refused = rpc(server, "tools/call", {"name": "deploy_request", "arguments": {}}, token=reader).json()
    assert refused["error"]["code"] == -32602
    writer = server.post("/tokens", {"name": "writer", "permissions": "deploy:read deploy:write mcp:write"}).json()["token"]
    names = [tool["name"] for tool in rpc(server, "tools/list", token=writer).json()["result"]["tools"]]
    assert "deploy_request" in names and "token_create" not in names
    made = rpc(server, "tools/call", {"name": "deploy_request", "arguments": {
        "app_name": "shop", "environment": "dev", "config": {"image": "r/shop:1.0.0"}, "dry_run": True}}, token=writer).json()
    assert made["result"]["isError"] is False, made
    assert rpc(server, "tools/list", token="slk_nonsense").status == 401


def test_failures(server):
    bad = rpc(server, "tools/call", {"name": "deploy_list", "arguments": {"limit": 9999, "colour": 1}}).json()["result"]
    assert bad["isError"] is True and bad["content"][0]["text"]
    assert rpc(server, "tools/call", {"name": "deploy_get", "arguments": {"id": "none"}}).json()["result"]["isError"] is True
    assert rpc(server, "tools/call", {"name": "nothing"}).json()["error"]["code"] == -32602
    assert rpc(server, "tools/call", {"name": "deploy_list", "arguments": [1]}).json()["error"]["code"] == -32602
    assert rpc(server, "resources/list").json()["error"]["code"] == -32601
    for body, code in ((b"{", -32700), (b"", -32700), (b"[]", -32600), (b"3", -32600), (b'{"jsonrpc":"1.0","id":1,"method":"ping"}', -32600),
                       (b'{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600), (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', -32700),
                       (b'{"a":' * 5000 + b"1" + b"}" * 5000, -32700)):
        answer = server.post("/mcp", body, headers={"Content-Type": "application/json"})
        assert answer.status == 400 and answer.json()["error"]["code"] == code, (body[:40], answer)


def test_only_named_pages_may_call(server, make_server):
    assert rpc(server, "ping", headers={"Origin": "https://evil.example"}).status == 403
    assert rpc(server, "ping", headers={"Origin": f"http://127.0.0.1:{server.port}"}).status == 403
    own = make_server(config='state: ${SLUICE_STATE}\nserver: {listen: "127.0.0.1:0"}\nplugins:\n  chat: {mcp: {origins: ["http://localhost:6274"]}}\n')
    assert rpc(own, "ping", headers={"Origin": "http://localhost:6274"}).status == 200
    assert rpc(own, "ping", headers={"Origin": "http://localhost:6275"}).status == 403


def test_the_modern_era(server):
    found = modern(server, "server/discover").json()["result"]
    assert found["supportedVersions"] == [MODERN] and found["resultType"] == "complete"
    tools = modern(server, "tools/list").json()["result"]
    assert tools["cacheScope"] == "private" and tools["ttlMs"] > 0 and tools["tools"]
    called = modern(server, "tools/call", {"name": "deploy_get", "arguments": {"id": server.id}}).json()["result"]
    assert called["structuredContent"]["status"] == "DENIED" and called["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "sluice"
    for wrong in ({"MCP-Protocol-Version": "2025-11-25"}, {"Mcp-Method": "tools/list"}, {"Mcp-Name": "other"}):
        answer = modern(server, "tools/call", {"name": "deploy_get", "arguments": {"id": server.id}}, headers=wrong)
        assert answer.status == 400 and answer.json()["error"]["code"] == -32020, (wrong, answer)
    unknown = modern(server, "tools/list", version="2031-01-01")
    assert unknown.status == 400 and unknown.json()["error"]["data"] == {"requested": "2031-01-01", "supported": [MODERN]}
    assert modern(server, "initialize").status == 404


@pytest.fixture(scope="module")
def clients():
    if not shutil.which("npm"):
        pytest.skip("npm is not installed: the official clients are not tried")
    if not (NPM / "node_modules" / "@modelcontextprotocol" / "client").exists():
        run = subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NPM, capture_output=True, text=True, timeout=180)
        if run.returncode:
            pytest.skip(f"npm ci does not work here (no network?): {run.stderr[-300:]}")


@pytest.mark.parametrize("era", ["legacy", "default", MODERN])
def test_official_client(server, clients, era):
    run = subprocess.run(["node", "mcp.mjs", server.url + "/mcp", server.token, era], cwd=NPM, capture_output=True, text=True, timeout=PATIENCE)
    assert run.returncode == 0, run.stderr
    out = json.loads(run.stdout)
    assert {"deploy_list", "chat_ask", "events_list"} <= {tool["name"] for tool in out["tools"]}
    assert out["list"]["structuredContent"]["items"][0]["id"] == server.id, out["list"]
    assert "no-latest" in out["ask"]["structuredContent"]["answer"]
    assert out["bad"]["isError"] is True
    assert "no_such_tool" in json.dumps(out["missing"])
