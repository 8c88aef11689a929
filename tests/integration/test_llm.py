"""Language models: what is sent holds to the providers' shapes, and whatever a server does, the asker gets a clear answer."""
import concurrent.futures, json, os, time

import pytest

from conftest import Server
from fake_llm import FakeLlm, Reply

PROVIDERS = ["openai", "azure", "ollama", "anthropic"]


def config(url, provider="openai", extra="", embedding=""):
    return f"""server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  llm:
    provider: {provider}
    base_url: {url}
    model: fake-1
    api_key: sk-test-key
    timeout: 3s
    cache_ttl: 0s
    input_price: 2
    output_price: 10
{extra}
    embedding: {{provider: {embedding or ('openai' if provider == 'anthropic' else provider)}, model: fake-e, base_url: "{url}", api_key: sk-test-key}}
"""


@pytest.fixture(scope="module")
def one_fake():
    server = FakeLlm()
    yield server
    server.close()


@pytest.fixture
def fake(one_fake):
    one_fake.requests.clear()
    one_fake.replies.clear()
    one_fake.answer = lambda body: Reply("fine")
    yield one_fake
    faults, one_fake.faults = one_fake.faults, []
    assert faults == [], faults


@pytest.fixture(scope="module")
def shared(one_fake):
    """One server a provider and configuration, for tests that leave no trace behind."""
    servers = {}

    def get(provider, extra):
        if (provider, extra) not in servers:
            servers[provider, extra] = Server(config=config(one_fake.url, provider, extra))
        return servers[provider, extra]
    yield get
    for server in servers.values():
        server.close()


@pytest.fixture
def llm(make_server, fake, shared):
    def make(provider="openai", extra="", fresh=False):
        return make_server(config=config(fake.url, provider, extra)) if fresh else shared(provider, extra)
    return make


def question(text="How are you?", **more):
    return {"purpose": "chat", "messages": [{"role": "user", "content": text}], **more}


def complete(server, text="How are you?", **more):
    return server.post("/llm/complete", question(text, **more))


# ---- without a provider ----

def test_none_is_the_default_and_says_so(shared_server):
    status = shared_server.get("/llm/status").json()
    assert status["configured"] is False and status["provider"] == "none"
    for path, body in (("/llm/complete", question()), ("/llm/embed", {"texts": ["a"]})):
        answer = shared_server.post(path, body)
        assert answer.status == 503 and "no language model is configured" in answer.json()["detail"]


# ---- each provider ----

@pytest.mark.parametrize("provider", PROVIDERS)
def test_each_provider_answers_calls_tools_and_follows_a_schema(llm, fake, provider):
    server = llm(provider)
    fake.script(Reply("I am quite well – thank you."))
    answer = complete(server, system="Be kind.", temperature=0.5)
    assert answer.status == 200, answer
    body = answer.json()
    assert body["text"] == "I am quite well – thank you." and body["finish"] == "stop"
    assert body["usage"] == {"input_tokens": 11, "output_tokens": 7}
    assert body["cost_usd"] == pytest.approx((11 * 2 + 7 * 10) / 1e6)
    assert body["method"] == f"llm:{provider}/fake-1" and body["provider"] == provider
    sent = json.dumps(fake.requests[-1])
    assert "Be kind." in sent and "How are you?" in sent

    tools = [{"name": "deploy_list", "description": "List", "parameters": {"type": "object", "properties": {"app": {"type": "string"}}}}]
    fake.script(Reply("Let me look.", calls=[("deploy_list", {"app": "shop"})]))
    body = complete(server, tools=tools).json()
    assert body["finish"] == "tool_calls"
    call = body["tool_calls"][0]
    assert call["name"] == "deploy_list" and call["arguments"] == {"app": "shop"} and call["id"]

    # The conversation goes on with what the tool has said.
    messages = [{"role": "user", "content": "What runs?"}, {"role": "assistant", "content": "", "tool_calls": [call]},
                {"role": "tool", "tool_call_id": call["id"], "name": "deploy_list", "content": "{\"items\":[]}"}]
    fake.script(Reply("Nothing."))
    assert server.post("/llm/complete", {"messages": messages, "tools": tools}).json()["text"] == "Nothing."

    schema = {"type": "object", "properties": {"level": {"enum": ["LOW", "HIGH"]}}, "required": ["level"]}
    given = Reply(calls=[("give_answer", {"level": "HIGH"})]) if provider == "anthropic" else Reply("```json\n{\"level\":\"HIGH\"}\n```")
    fake.script(given)
    assert complete(server, schema=schema).json()["json"] == {"level": "HIGH"}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_server_that_does_not_stream(llm, fake, provider):
    fake.script(Reply("All at once", fail="document"))
    body = complete(llm(provider)).json()
    assert body["text"] == "All at once" and body["usage"]["output_tokens"] == 7


@pytest.mark.parametrize("provider", PROVIDERS)
def test_pieces_of_any_size(llm, fake, provider):
    server = llm(provider)
    for split in (1, 13):
        fake.script(Reply("Grüße, 世界", split=split))
        assert complete(server).json()["text"] == "Grüße, 世界"


@pytest.mark.parametrize("provider", ["openai", "azure", "ollama"])
def test_embeddings(llm, fake, provider):
    server = llm(provider)
    answer = server.post("/llm/embed", {"texts": ["a", "bbb"], "kind": "query"})
    assert answer.status == 200, answer
    assert answer.json()["vectors"] == [[1, 0.5, -1], [3, 0.5, -1]] and answer.json()["dimension"] == 3
    many = [f"text {i}" * (1 + i % 3) for i in range(150)]
    body = server.post("/llm/embed", {"texts": many}).json()
    assert [vector[0] for vector in body["vectors"]] == [len(text) for text in many]
    for vectors, words in (([[1.0, 2.0]], "no vector for text 2"), ([[1.0], [1.0, 2.0]], "has 2 numbers"),
                           ([[1.0], ["x"]], "not a number")):
        fake.script(Reply(vectors=vectors))
        answer = server.post("/llm/embed", {"texts": ["a", "b"]})
        assert answer.status == 503 and words in answer.json()["detail"], answer


# ---- failures ----

FAILURES = {  # what the server does every time -> words of the failure
    "dead": (Reply(fail="reset"), "did not answer"),
    "slow": (Reply(fail="hang"), "did not answer"),
    "cut": (Reply("a long enough answer", fail="cut"), "did not answer"),
    "garbage": (Reply("a long enough answer", fail="garbage"), "JSON"),
    "an error in the middle": (Reply("so", fail="error-event"), "the engine died"),
    "500": (Reply("boom", status=500), "boom"),
    "529": (Reply("overloaded", status=529), "overloaded"),
    "401": (Reply("bad key", status=401), "bad key"),
    "404": (Reply("no such model", status=404), "no such model"),
    "429": (Reply("slow down", status=429, headers={"Retry-After": "60"}), "slow down"),
    "html": (Reply(body=b"<html>gateway</html>", headers={"Content-Type": "text/html"}), "did not answer"),
    "empty": (Reply(body=b""), "empty"),
    "empty text": (Reply(""), "empty"),
    "deep": (Reply(body=b'{"a":' * 5000 + b"1" + b"}" * 5000), "did not answer"),
    "not utf-8": (Reply(body=b'{"choices":[{"message":{"content":"\xff\xfe"},"finish_reason":"stop"}]}'), "did not answer"),
    "filtered": (Reply("no", finish="content_filter"), "filter"),
    "unknown tool": (Reply(calls=[("rm_rf", {})]), "no tool"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_is_clear_and_leaves_the_server_well(llm, fake, name):
    reply, words = FAILURES[name]
    server = llm(extra="    retries: 1")
    fake.answer = lambda body: reply
    began = time.monotonic()
    answer = complete(server)
    assert answer.status in (503, 504) and words in answer.json()["detail"], answer
    assert "sk-test-key" not in answer.body.decode()
    assert time.monotonic() - began < 12
    fake.answer = lambda body: Reply("well again")
    assert complete(server).json()["text"] == "well again"


def test_an_endless_answer_is_stopped(llm, fake):
    server = llm(extra="    max_answer: 64KiB")
    fake.answer = lambda body: Reply("x" * 70, fail="endless")
    answer = complete(server)
    assert answer.status == 503 and "over 65536 bytes" in answer.json()["detail"], answer
    fake.answer = lambda body: Reply("y" * 200_000, fail="document")
    assert "over 65536 bytes" in complete(server).json()["detail"]


def test_tries_again_and_waits_as_told(llm, fake):
    server = llm(fresh=True)
    fake.script(Reply("busy", status=429, headers={"Retry-After": "1"}), Reply("hiccup", fail="cut"), Reply("here"))
    began = time.monotonic()
    assert complete(server).json()["text"] == "here"
    assert time.monotonic() - began >= 1 and len(fake.requests) == 3
    metrics = server.get("/metrics").body.decode()
    assert 'sluice_llm_retries_total{provider="openai"} 2' in metrics
    assert 'sluice_llm_requests_total{purpose="chat",outcome="ok"} 1' in metrics
    assert 'sluice_llm_tokens_total{purpose="chat",direction="output"} 7' in metrics
    # An account without credit is not asked again.
    fake.script(Reply("insufficient_quota: pay first", status=429))
    assert complete(server).status == 503 and len(fake.requests) == 4


def test_breaker_leaves_a_dead_server_alone(llm, fake):
    server = llm(extra="    retries: 0", fresh=True)
    fake.answer = lambda body: Reply("down", status=503)
    for _ in range(5):
        assert complete(server).status == 503
    asked = len(fake.requests)
    assert "left alone" in complete(server).json()["detail"] and len(fake.requests) == asked
    assert server.get("/llm/status").json()["breaker"] == "open"


def test_wrong_questions_of_one_do_not_open_the_breaker(llm, fake):
    server = llm()
    fake.answer = lambda body: Reply("context_length_exceeded", status=400)
    for _ in range(7):
        assert "context_length_exceeded" in complete(server).json()["detail"]
    assert server.get("/llm/status").json()["breaker"] == "closed"


def test_learns_what_a_server_does_not_know(llm, fake):
    server = llm(fresh=True)

    def picky(body):
        for word in ("stream_options", "max_tokens", "temperature"):
            if word in body:
                name = "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead." if word == "max_tokens" else word
                return Reply(f"unknown parameter {name}", status=400)
        return Reply("at last")
    fake.answer = picky
    assert complete(server).json()["text"] == "at last" and len(fake.requests) == 4
    assert complete(server, "Again?").json()["text"] == "at last" and len(fake.requests) == 5
    assert fake.requests[-1]["max_completion_tokens"] == 1024


def test_a_schema_is_checked_and_asked_for_once_more(llm, fake):
    server = llm()
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"], "additionalProperties": False}
    fake.script(Reply('{"n": 0}'), Reply('{"n": 3}'))
    body = complete(server, schema=schema).json()
    assert body["json"] == {"n": 3} and body["usage"]["output_tokens"] == 14
    assert "/n: 0 is below minimum" in fake.requests[1]["messages"][-1]["content"]
    for bad, words in (('{"n": "x"}', "/n: expected integer"), ('{}', 'member \\"n\\" is missing'), ("prose", "JSON"),
                       ('{"n": 1, "m": 2}', 'no member \\"m\\"'), ('{"n":1,"n":2}', "this name already")):
        fake.script(Reply(bad), Reply(bad))
        answer = complete(server, f"Try {bad}", schema=schema)
        assert answer.status == 503 and words in answer.body.decode(), answer
    fake.script(Reply('{"n": 1', finish="length"), Reply('{"n": 1', finish="length"))
    assert "cut off" in complete(server, "long", schema=schema).json()["detail"]


# ---- budget, cache, secrets ----

def test_budget_is_held_also_by_many_at_once(llm, fake):
    server = llm(fresh=True, extra="    budget: {tokens_per_day: 1200, tenants: {other: {tokens_per_day: 5}}}\n    max_tokens: 100")
    fake.answer = lambda body: Reply("ok", usage=(60, 40), wait=0.1)
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda i: complete(server, f"Question {i}"), range(30)))
    good = [answer for answer in answers if answer.status == 200]
    refused = [answer for answer in answers if answer.status == 429]
    assert len(good) + len(refused) == 30 and refused and good
    assert "budget" in refused[0].json()["detail"] and int(refused[0].headers["Retry-After"]) > 0
    budget = server.get("/llm/status").json()["budget"]
    assert budget["tokens"] == 100 * len(good) <= 1200 and budget["calls"] == len(good)
    server.restart()
    assert server.get("/llm/status").json()["budget"]["tokens"] == budget["tokens"]


def test_budget_of_a_failure_is_given_back(llm, fake):
    server = llm(fresh=True, extra="    budget: {usd_per_day: 0.02}\n    retries: 0")
    fake.script(Reply("no", status=500))
    assert complete(server).status == 503
    assert server.get("/llm/status").json()["budget"]["usd"] == 0
    assert complete(server).status == 200
    assert server.get("/llm/status").json()["budget"]["usd"] == pytest.approx(92e-6)
    # 1,024 tokens at 10 USD a million are about a cent each.
    assert complete(server, "x", max_tokens=2100).status == 429


def test_cache_per_question_and_tenant(make_server, fake):
    server = make_server(config=config(fake.url).replace("cache_ttl: 0s", "cache_ttl: 2s"))
    fake.answer = lambda body: Reply(f"answer {len(fake.requests)}")
    first = complete(server).json()
    again = complete(server).json()
    assert first["text"] == again["text"] == "answer 1" and again["cached"] and not first["cached"]
    assert again["cost_usd"] == 0 and len(fake.requests) == 1
    assert complete(server, "Another?").json()["text"] == "answer 2"
    assert complete(server, temperature=1).json()["text"] == "answer 3"  # it is meant to differ
    time.sleep(2.1)
    assert complete(server).json()["text"] == "answer 4"
    assert 'sluice_llm_cache_total{outcome="hit"} 1' in server.get("/metrics").body.decode()


SECRETS = {  # made up, each in the shape of its kind
    "aws": ("key AKIAZ7Q2M4X6P8R3T5W9 is here", "AKIAZ7Q2M4X6P8R3T5W9"),
    "github": ("use ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8 for it", "ghp_a1B2"),
    "url": ("postgres://app:hunter2secret@db.internal:5432/shop", "hunter2secret"),
    "name": ('DB_PASSWORD="tr0ub4dor&3"', "tr0ub4dor&3"),
    "json": ('{"api_key": "9f8e7d6c5b4a39281706f5e4d3c2b1a0"}', "9f8e7d6c5b4a"),
    "bearer": ("Authorization: Bearer abcDEF123456ghiJKL789", "abcDEF123456"),
    "pem": ("-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA7x\nzz9\n-----END RSA PRIVATE KEY-----\nafter", "MIIEpAIB"),
    "only the risk plugin knows it": ("glc_" + "eyJvIjoiNjc4OTAxIiwibiI6ImFiYyIsImsiOiJaWFl3VlV0c1JxUG9ObSJ9", "eyJvIjoi"),
    "jwt": ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N", "eyJhbGci"),
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_do_not_leave(llm, fake, kind):
    text, secret = SECRETS[kind]
    server = llm()
    body = complete(server, f"Why did it fail? {text}", system=f"Context: {text}").json()
    sent = json.dumps(fake.requests[-1])
    assert secret not in sent and sent.count("[REDACTED") >= 2 and "Why did it fail?" in sent
    assert body["redacted"] >= 2
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "", "tool_calls": [
        {"id": "c", "name": "t", "arguments": {"q": text}}]}, {"role": "tool", "tool_call_id": "c", "content": text}]
    assert server.post("/llm/complete", {"messages": messages, "tools": [{"name": "t", "parameters": {}}]}).status == 200
    server.post("/llm/embed", {"texts": [text]})
    assert not any(secret in json.dumps(request) for request in fake.requests)


def test_plain_words_are_left_alone(llm, fake):
    text = ("The token bucket denied the request; password rotation is due. Deployment 01HZX9K3 of shop:1.4.2 by token:admin "
            "at https://grafana.internal/d/abc?from=now-1h, secret name: db-credentials, sha256:4f5e.")
    body = complete(llm(), text).json()
    assert fake.requests[-1]["messages"][-1]["content"] == text and body["redacted"] == 0


def test_bad_questions_and_bad_configuration(llm, fake, make_server, sluice_program, tmp_path):
    server = llm()
    answer = server.post("/llm/complete", {"messages": [{"role": "assistant", "content": "x"}]})
    assert answer.status == 400 and answer.json()["errors"][0]["pointer"] == "/messages/0/role"
    assert server.post("/llm/complete", {"messages": []}).status == 400
    import subprocess
    for text, words in (("{provider: openai}", "model is missing"), ("{provider: azure, model: m}", "base_url is missing"),
                        ("{provider: openai, model: m, base_url: 'ftp://x'}", "http"), ("{provider: gpt}", "provider")):
        file = tmp_path / "c.yaml"
        file.write_text(f"plugins:\n  llm: {text}\n")
        run = subprocess.run([sluice_program, "validate", file], capture_output=True, text=True, timeout=20)
        assert run.returncode == 3 and words in run.stdout + run.stderr, run


def test_permission_is_asked(llm, fake):
    server = llm()
    token = server.post("/tokens", {"name": "reader", "permissions": "llm:read"}).json()["token"]
    assert server.post("/llm/complete", question(), token=token).status == 403
    assert server.get("/llm/status", token=token).status == 200


@pytest.mark.skipif(not os.environ.get("SLUICE_TEST_OPENAI_URL"), reason="SLUICE_TEST_OPENAI_URL names no server")
def test_a_real_server(make_server):
    """SLUICE_TEST_OPENAI_URL, and if need be SLUICE_TEST_OPENAI_MODEL, _KEY, _EMBEDDING."""
    env = os.environ
    server = make_server(config=f"""state: ${{SLUICE_STATE}}
server: {{listen: "127.0.0.1:0"}}
plugins:
  llm: {{provider: openai, base_url: "{env['SLUICE_TEST_OPENAI_URL']}", model: "{env.get('SLUICE_TEST_OPENAI_MODEL', 'default')}",
         api_key: "{env.get('SLUICE_TEST_OPENAI_KEY', '')}", timeout: 120s}}
""")
    body = server.post("/llm/complete", question("Answer with the one word: ready", max_tokens=200), timeout=130).json()
    assert body["text"] and body["usage"]["output_tokens"] > 0
    schema = {"type": "object", "properties": {"sum": {"type": "integer"}}, "required": ["sum"]}
    assert isinstance(server.post("/llm/complete", question("What is 2 + 3?", schema=schema), timeout=130).json()["json"]["sum"], int)
