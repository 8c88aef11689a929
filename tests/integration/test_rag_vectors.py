"""Vectors of a model: in the store and in Qdrant, made by a job, re-made for another model, never missed when absent."""
import os, pathlib, subprocess, uuid

import pytest

from conftest import BUILD, wait_until
from fake_qdrant import FakeQdrant
from test_rag import documents, ingest, query

# A model that knows what words mean the same: each group is one direction.
MODEL = """
local groups = { { "feline", "cat", "kitten" }, { "automobile", "car", "vehicle" }, { "vessel", "ship", "boat" } }
return plugin {
  name = "llm", version = "1.0.0", summary = "Knows synonyms",
  config = { { name = "model", type = "string", default = "words-1", help = "its name" },
             { name = "dimension", type = "int", default = 8, help = "numbers of a vector" },
             { name = "fails", type = "bool", help = "it is down" } },
  operations = {
    ["llm.status"] = { summary = "Tell", needs = "any", effect = "reads",
      run = function() return { configured = false } end },
    ["llm.embed"] = { summary = "Embed", needs = "any", effect = "reads",
      input = { { name = "texts", type = "any", required = true }, { name = "kind", type = "string" } },
      run = function(call, input)
        if call.config.fails then sluice.fail("unavailable", "the model is down") end
        local vectors = {}
        for i, text in ipairs(input.texts) do
          local vector = {}
          for d = 1, call.config.dimension do vector[d] = 0.01 * d end
          for g, group in ipairs(groups) do
            for _, word in ipairs(group) do
              if text:lower():find(word, 1, true) then vector[g] = vector[g] + 1 end
            end
          end
          vectors[i] = list(vector)
        end
        return { vectors = list(vectors), model = call.config.model, dimension = call.config.dimension }
      end } } }
"""
CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  rag: {{vectors: llm{qdrant}}}
  llm: {{file: {file}, model: {model}, dimension: {dimension}, fails: {fails}}}
"""
PAGES = {"cat.md": "# Pets\n\nThe kitten sleeps on the sofa.", "car.md": "# Garage\n\nAn automobile stands in the yard.",
         "ship.md": "# Harbour\n\nThe boat leaves at noon."}


def write_config(folder, model="words-1", dimension=8, fails="false", qdrant=""):
    file = pathlib.Path(folder) / "llm.lua"
    file.write_text(MODEL)
    return CONFIG.format(file=file, model=model, dimension=dimension, fails=fails, qdrant=qdrant)


def serving(server):
    events = server.get("/events?type=rag.vectors_serving&limit=100").json()["items"]
    return [event["data"]["space"] for event in events]


def wait_serving(server, space):
    wait_until(lambda: space in serving(server), f"{space} serves")
    # The index with these vectors is built beside the one before, which answers meanwhile.
    wait_until(lambda: by_meaning(server, "feline")[:1] == ["cat.md"], "the index with the vectors")


def restart_with(server, text):
    server.stop()
    (server.state / "sluice.addr").unlink(missing_ok=True)
    server.config.write_text(text)
    server.start()


def by_meaning(server, text, **more):
    return [p["document"] for p in query(server, text, **more)["passages"] if p["parts"]["meaning"] > 0.5]


@pytest.fixture
def fake():
    double = FakeQdrant(api_key="k-1")
    yield double
    double.close()
    assert double.faults == []


@pytest.fixture(params=["double", "real"])
def qdrant(request, fake):
    """Options of the double, and of the service at SLUICE_TEST_QDRANT_URL (key: SLUICE_TEST_QDRANT_KEY)."""
    if request.param == "double":
        return f", qdrant: {{url: \"{fake.url}\", api_key: k-1, collection: t}}"
    url = os.environ.get("SLUICE_TEST_QDRANT_URL")
    if not url:
        pytest.skip("SLUICE_TEST_QDRANT_URL names no Qdrant")
    key = os.environ.get("SLUICE_TEST_QDRANT_KEY")
    key = f", api_key: {key}" if key else ""
    return f", qdrant: {{url: \"{url}\"{key}, collection: test-{uuid.uuid4().hex[:8]}}}"


def check_life(server, place):
    """Made, changed, filtered, removed."""
    for source, text in PAGES.items():
        ingest(server, source, text, labels=[f"page={source[:-3]}"])
    wait_serving(server, f"{place}:words-1:8")
    assert by_meaning(server, "feline")[0] == "cat.md" and by_meaning(server, "vehicle")[0] == "car.md"
    assert by_meaning(server, "feline", labels=["page=ship"]) in ([], ["ship.md"])
    ingest(server, "cat.md", "# Pets\n\nThe boat is gone.")
    wait_until(lambda: "cat.md" in by_meaning(server, "vessel") and by_meaning(server, "feline")[:1] != ["cat.md"],
               "the changed page's vectors")
    server.request("DELETE", "/rag/documents/car.md")
    assert "car.md" not in documents(server, "vehicle automobile")


def test_vectors_in_the_store(make_server, tmp_path):
    server = make_server(config=write_config(tmp_path))
    check_life(server, "store")
    server.kill()
    server.start()
    assert by_meaning(server, "vessel")[0] in ("cat.md", "ship.md")


def test_vectors_in_qdrant(make_server, tmp_path, qdrant):
    server = make_server(config=write_config(tmp_path, qdrant=qdrant))
    check_life(server, "qdrant")


@pytest.mark.parametrize("place", ["store", "qdrant"])
def test_another_model_is_a_controlled_reindex(make_server, tmp_path, fake, place):
    options = f", qdrant: {{url: \"{fake.url}\", api_key: k-1}}" if place == "qdrant" else ""
    server = make_server(config=write_config(tmp_path, qdrant=options))
    for source, text in PAGES.items():
        ingest(server, source, text)
    wait_serving(server, f"{place}:words-1:8")
    assert by_meaning(server, "feline")[0] == "cat.md"
    # The new model is down: the old space stays, searches go on and say so.
    restart_with(server, write_config(tmp_path, model="words-2", dimension=16, fails="true", qdrant=options))
    told = query(server, "kitten")
    assert told["passages"][0]["document"] == "cat.md" and "no vectors" in told["method"]
    # It is up again: a new space of another dimension takes over, the old one goes.
    restart_with(server, write_config(tmp_path, model="words-2", dimension=16, qdrant=options))
    assert documents(server, "kitten")[0] == "cat.md"
    wait_serving(server, f"{place}:words-2:16")
    wait_until(lambda: by_meaning(server, "feline")[:1] == ["cat.md"], "the new vectors")
    if place == "qdrant":
        wait_until(lambda: len(fake.collections) == 1, "the old collection's end")
        assert next(iter(fake.collections.values()))["vectors"]["dense"]["size"] == 16


def test_qdrant_fails_and_comes_again(make_server, tmp_path, fake):
    server = make_server(config=write_config(tmp_path, qdrant=f", qdrant: {{url: \"{fake.url}\", api_key: k-1}}"))
    fake.failures = [503, 429, "break"]  # passing: tried again
    pages = [{"source": source, "text": text} for source, text in PAGES.items()]
    assert server.post("/rag/documents", {"documents": pages}).json()["added"] == 3
    wait_serving(server, "qdrant:words-1:8")
    fake.failures = [503, 503, 503]
    told = query(server, "kitten")
    assert told["passages"][0]["document"] == "cat.md" and "Qdrant answered 503" in told["method"]
    assert by_meaning(server, "feline")[0] == "cat.md"


def test_wrong_key_is_told_and_words_still_find(make_server, tmp_path, fake):
    server = make_server(config=write_config(tmp_path, qdrant=f", qdrant: {{url: \"{fake.url}\", api_key: wrong}}"))
    ingest(server, "cat.md", PAGES["cat.md"])
    wait_until(lambda: "is the API key right?" in server.logs(), "the reason in the log")
    assert documents(server, "kitten") == ["cat.md"] and "wrong" not in server.logs()
    assert fake.collections == {}


def test_qdrant_needs_a_model(tmp_path):
    file = tmp_path / "sluice.yaml"
    file.write_text("state: var\nplugins:\n  rag: {qdrant: {url: \"http://127.0.0.1:1\"}}\n")
    run = subprocess.run([BUILD / "sluice", "validate", file], capture_output=True, text=True, timeout=60)
    assert run.returncode != 0 and "vectors to llm" in run.stdout + run.stderr


def test_points_of_other_tenants_are_never_taken(make_server, tmp_path, fake):
    """The service answers with a stranger's point: it is dropped, whatever its score."""
    server = make_server(config=write_config(tmp_path, qdrant=f", qdrant: {{url: \"{fake.url}\", api_key: k-1}}"))
    ingest(server, "cat.md", PAGES["cat.md"])
    wait_serving(server, "qdrant:words-1:8")
    points = next(iter(fake.collections.values()))["points"]
    assert all(point["payload"]["tenant"] == "default" for point in points.values())
    for point in points.values():
        point["payload"]["tenant"] = "other"
    fake.passes = lambda *_: True  # a service that ignores filters
    assert by_meaning(server, "feline") == []
