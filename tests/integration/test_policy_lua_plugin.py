"""A plugin that is one Lua file: operations, validation, failures, events, limits, reload."""
import os

import pytest

from conftest import wait_until

HELLO = """
return plugin {
  name = "hello", version = "1.0.0", summary = "Greets",
  config = { { name = "greeting", type = "string", default = "Hello", help = "first word" } },
  operations = {
    ["hello.greet"] = {
      route = "POST /hello/{name}", summary = "Greet somebody", needs = "any", effect = "reads",
      input = { { name = "name", type = "string", required = true, max = 20, help = "who" },
                { name = "times", type = "int", default = 1, min = 1, max = 3, help = "how often" },
                { name = "tone", type = "enum", values = { "kind", "rude" }, default = "kind", help = "how" } },
      output = { { name = "message", type = "string", help = "the greeting" } },
      run = function(call, input)
        if input.name == "nobody" then sluice.fail("not_found", "there is nobody") end
        if input.name == "crash" then
          return input.name.first.letter end
        if input.name == "spin" then while true do end end
        if input.name == "nonsense" then return 7 end
        return { message = (call.config.greeting .. ", " .. input.name .. "! "):rep(input.times),
                 actor = call.actor, tone = input.tone, none = list {} }
      end },
    ["hello.platform"] = {
      route = "GET /hello-platform", summary = "Ask the platform", needs = "any", effect = "reads",
      run = function(call)
        local answer = sluice.call("hello.greet", { name = "Lua" })
        local ok, why = pcall(sluice.call, "hello.greet", { name = "nobody" })
        return { inner = answer.message, ok = ok, why = why }
      end },
  },
  on = { ["deployment.*"] = function(event, call)
    sluice.log("heard " .. event.type .. " of " .. event.subject) end },
}
"""

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {scripts}}}
  rollout:
  hello:
    file: {file}
    greeting: Salve
"""


@pytest.fixture
def hello(make_server, tmp_path):
    path = tmp_path / "hello.lua"
    path.write_text(HELLO)
    (tmp_path / "policies").mkdir()
    server = make_server(config=CONFIG.format(file=path, scripts=tmp_path / "policies"))
    return server, path


def test_operations_answer_and_are_validated(hello):
    server, _ = hello
    answer = server.post("/hello/Ada", {"times": 2})
    assert answer.status == 200
    assert answer.json() == {"actor": "token:admin", "message": "Salve, Ada! Salve, Ada! ", "none": [], "tone": "kind"}
    wrong = server.post("/hello/Ada", {"times": 9, "tone": "loud", "tims": 1})
    assert wrong.status == 400 and len(wrong.json()["errors"]) == 3
    assert server.post("/hello/Ada", {}, token=False).status == 401
    names = {op["name"] for op in server.get("/operations").json()["items"]}
    assert {"hello.greet", "hello.platform"} <= names
    assert "/hello/{name}" in server.get("/openapi.json").json()["paths"]


def test_failures_say_where(hello):
    server, _ = hello
    missing = server.post("/hello/nobody", {})
    assert missing.status == 404 and missing.json()["detail"] == "there is nobody"
    crash = server.post("/hello/crash", {})
    assert crash.status == 500 and "hello.lua:15: " in crash.json()["detail"]
    spin = server.post("/hello/spin", {})
    assert spin.status == 500 and "hello.lua:16: stopped after" in spin.json()["detail"]
    assert server.post("/hello/nonsense", {}).status == 500
    assert server.post("/hello/Ada", {}).status == 200


def test_operations_call_operations(hello):
    server, _ = hello
    answer = server.get("/hello-platform").json()
    assert answer["inner"] == "Salve, Lua! "
    assert answer["ok"] is False and "there is nobody" in answer["why"]


def test_listeners_hear_events(hello):
    server, _ = hello
    request = {"app_name": "shop", "environment": "dev", "config": {"image": "shop:1", "replicas": 1}}
    assert server.post("/deployments/request", request).status == 200
    wait_until(lambda: "heard deployment.requested of " in server.logs(), "the event")


def test_a_changed_file_is_read_again_and_a_broken_one_is_not(hello):
    server, path = hello
    replace = lambda text: (path.with_suffix(".new").write_text(text), os.replace(path.with_suffix(".new"), path))
    message = lambda: server.post("/hello/Ada", {}).json()["message"]
    replace(HELLO.replace('"! "', '"? "'))
    wait_until(lambda: message() == "Salve, Ada? ", "reload")
    replace("return plugin {")
    wait_until(lambda: message() and "the version before serves on" in server.logs(), "the complaint")
    assert message() == "Salve, Ada? "


@pytest.mark.parametrize("source, sentence", [
    ("return plugin {", "hello.lua:1:"),
    ("return policy { check = function() end }", "not expected here"),
    ("return plugin { name = 'hello' }", "'version' is missing"),
    ("return plugin { name = 'hello', version = '1', operations = { ['hello.x'] = { run = 1 } } }", "needs 'run'"),
    ("return plugin { name = 'hello', version = '1', operations = { ['hello.x'] = { effect = 'reads', needs = 'any', "
     "rout = 'GET /x', run = function() end } } }", "no member 'rout'"),
    ("return plugin { name = 'hello', version = '1', operations = { ['hello.x'] = { effect = 'reads', needs = 'any', "
     "input = { { name = 'a', type = 'txt' } }, run = function() end } } }", "no known type: 'txt'"),
])
def test_a_plugin_that_is_wrong_is_refused_and_the_server_lives(make_server, tmp_path, source, sentence):
    path = tmp_path / "hello.lua"
    path.write_text(source)
    (tmp_path / "policies").mkdir()
    config = CONFIG.format(file=path, scripts=tmp_path / "policies").replace("    greeting: Salve\n", "")
    server = make_server(config=config)
    assert server.get("/healthz").status == 200
    assert sentence in server.logs()
