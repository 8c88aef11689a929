"""Documents in, passages out: over HTTP, between workers, after kill -9, between tenants."""
import hashlib, json, random, re, sqlite3

import pytest

DISK = """---
labels: {team: storage}
---
# Node disk is full

The filesystem of a node has less than five percent left and pods are evicted.

## Diagnosis

Look at which directory grows:

```sh
du -xh /var | sort -h | tail
```

## Mitigation

Delete rotated logs with `journalctl --vacuum-size=500M` and cordon the node before you resize the volume.
"""
QUEUE = """# Consumer lag of the orders queue

Consumers fall behind producers when a rebalance does not end.

## Mitigation

Restart the consumer group one pod at a time and raise the number of partitions.
"""
RULES = """groups:
- name: node
  rules:
  - alert: NodeFilesystemAlmostOutOfSpace
    expr: node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.05
    annotations:
      summary: Volume has little headroom
      runbook_url: https://runbooks.example/node/disk-full
  - alert: CertificateExpiresSoon
    expr: probe_ssl_earliest_cert_expiry - time() < 86400 * 7
    annotations:
      summary: A TLS certificate ends within a week
"""


def ingest(server, source, text, **more):
    answer = server.post("/rag/documents", {"source": source, "text": text, **more})
    assert answer.status == 200, answer
    return answer.json()


def query(server, text, **more):
    answer = server.post("/rag/query", {"query": text, **more})
    assert answer.status == 200, answer
    return answer.json()


def word(i):
    """A word of its own for each number, in letters alone."""
    random.seed(i)
    return "".join(random.choice("bcdfghjklmnpqrstvwxz") + random.choice("aeiou") for _ in range(5))


def documents(server, text, **more):
    return [p["document"] for p in query(server, text, **more)["passages"]]


def lines_of(text, passage):
    first, last = passage["lines"]
    return "\n".join(text.split("\n")[first - 1:last])


def test_document_is_found_verbatim(sluice):
    told = ingest(sluice, "runbooks/disk-full.md", DISK)
    assert told["added"] == 1 and re.fullmatch("[0-9a-f]{24}", told["id"])
    ingest(sluice, "runbooks/queue.md", QUEUE)
    found = query(sluice, "which directory of the node is full")
    best = found["passages"][0]
    assert best["document"] == "runbooks/disk-full.md" and best["title"] == "Node disk is full"
    assert best["text"] == lines_of(DISK, best)
    assert set(best["parts"]) == {"passage", "page", "letters", "meaning"}
    assert 0 < best["score"] <= 1 and best["labels"] == ["team=storage"]
    assert found["method"] and 0 <= found["confidence"] <= 1
    assert query(sluice, "rebalance partitions")["passages"][0]["document"] == "runbooks/queue.md"


def test_unchanged_writes_nothing_and_changed_replaces(sluice):
    ingest(sluice, "a.md", DISK)
    before = sluice.get("/events?limit=100").json()
    again = ingest(sluice, "a.md", DISK)
    assert again["unchanged"] == 1 and again["added"] == again["changed"] == 0
    assert len(sluice.get("/events?limit=100").json()["items"]) == len(before["items"])
    assert ingest(sluice, "a.md", QUEUE)["changed"] == 1
    assert all("journalctl" not in p["text"] for p in query(sluice, "evicted filesystem journalctl")["passages"])
    assert query(sluice, "rebalance")["passages"][0]["document"] == "a.md"
    assert sluice.get("/rag/documents").json()["documents"] == 1


def test_collection_keeps_what_is_listed(sluice):
    pages = [{"source": f"d/{i}.md", "text": f"# Page {i}\n\nthe {word(i)} stands here"} for i in range(30)]
    answer = sluice.post("/rag/documents", {"collection": "d", "documents": pages}).json()
    assert answer["added"] == 30
    ingest(sluice, "other.md", QUEUE)
    keep = [d["source"] for d in pages]
    gone = sluice.post("/rag/documents", {"collection": "d", "keep": keep[1:]}).json()
    assert gone["removed"] == 1 and gone["items"][0]["source"] == "d/0.md"
    assert "d/0.md" not in documents(sluice, word(0))
    refused = sluice.post("/rag/documents", {"collection": "d", "keep": keep[:5]})
    assert refused.status == 409 and "Nothing was removed" in refused.json()["detail"]
    assert sluice.post("/rag/documents", {"collection": "d", "keep": keep[:5], "force": True}).json()["removed"] == 25
    assert sluice.get("/rag/documents").json()["documents"] == 5
    back = ingest(sluice, "d/0.md", pages[0]["text"], collection="d")
    assert back["added"] == 1 and documents(sluice, word(0))[0] == "d/0.md"


def test_batch_tells_what_failed(sluice):
    answer = sluice.post("/rag/documents", {"documents": [
        {"source": "good.md", "text": QUEUE}, {"source": "bad.yaml", "text": "a: [1,\n"},
        {"source": "good.md", "text": DISK}, {"source": "empty.md", "text": "\n"}]}).json()
    assert [i["status"] for i in answer["items"]] == ["added", "failed", "failed", "failed"]
    assert "line" in answer["items"][1]["error"] and "same source" in answer["items"][2]["error"]
    assert answer["added"] == 1 and answer["failed"] == 3
    one = sluice.post("/rag/documents", {"source": "bad.yaml", "text": "a: [1,\n"})
    assert one.status == 400 and one.json()["errors"][0]["pointer"] == "/text"


@pytest.mark.parametrize("body, where", [
    ({"text": "x"}, "/source"), ({"source": "x"}, "/text"), ({}, "/documents"),
    ({"source": "x", "text": "y", "documents": []}, "/documents"),
    ({"keep": ["x"]}, "/collection"), ({"documents": [{"text": "x"}]}, "/documents/0/source"),
    ({"source": "x", "text": "y", "lables": []}, "/lables"), ({"source": "x", "text": 3}, "/text")])
def test_bad_input_says_where(shared_server, body, where):
    answer = shared_server.post("/rag/documents", body)
    assert answer.status == 400
    assert where in [e["pointer"] for e in answer.json()["errors"]], answer


def test_labels_filter_inside_the_search(sluice):
    for i in range(40):
        ingest(sluice, f"x{i}.md", DISK.replace("storage", f"team{i}"))
    ingest(sluice, "y.md", DISK, collection="special", labels=["tier=1"])
    found = query(sluice, "disk is full", labels=["tier=1"], k=3)
    assert {p["document"] for p in found["passages"]} == {"y.md"}
    assert {p["document"] for p in query(sluice, "disk is full", labels=["collection=special"])["passages"]} == {"y.md"}
    assert not query(sluice, "disk is full", labels=["tier=2"])["passages"]


def test_documents_are_listed_shown_and_forgotten(sluice):
    for i in range(5):
        ingest(sluice, f"p/{i}.md", f"# Page {i}\n\nsome text {i}")
    first = sluice.get("/rag/documents?limit=2").json()
    assert [d["source"] for d in first["items"]] == ["p/0.md", "p/1.md"] and first["documents"] == 5
    second = sluice.get(f"/rag/documents?limit=9&after={first['next']}").json()
    assert [d["source"] for d in second["items"]] == ["p/2.md", "p/3.md", "p/4.md"] and "next" not in second
    one = first["items"][0]
    whole = sluice.get(f"/rag/documents/{one['id']}").json()
    assert whole["passages"][0]["text"] == "some text 0" and whole["passages"][0]["lines"] == [3, 3]
    assert sluice.request("DELETE", f"/rag/documents/{one['id']}").json()["removed"] is True
    assert sluice.request("DELETE", f"/rag/documents/{one['id']}").status == 404
    assert sluice.get(f"/rag/documents/{one['id']}").status == 404
    assert sluice.get("/rag/documents").json()["documents"] == 4


def test_rules_are_anchor_text_of_their_page(sluice):
    ingest(sluice, "runbooks/disk-full.md", DISK)
    ingest(sluice, "runbooks/queue.md", QUEUE)
    words = "little headroom NodeFilesystemAlmostOutOfSpace"
    assert all("headroom" not in p["text"] for p in query(sluice, words)["passages"])
    told = ingest(sluice, "alerts/node.yml", RULES)
    assert told["items"][0]["passages"] == 2
    best = query(sluice, words)["passages"][0]
    assert best["document"] == "runbooks/disk-full.md" and best["text"] == lines_of(DISK, best)
    # A rule without a page is found itself, with its lines.
    alone = query(sluice, "certificate expires within a week")["passages"][0]
    assert alone["document"] == "alerts/node.yml" and alone["heading"] == "CertificateExpiresSoon"
    assert alone["text"] == lines_of(RULES, alone)
    # Its page comes later: then the page is found.
    ingest(sluice, "runbooks/certificate-expires-soon.md", "# TLS\n\nRenew it by hand.")
    assert query(sluice, "certificate ends within a week")["passages"][0]["document"] == \
        "runbooks/certificate-expires-soon.md"
    sluice.request("DELETE", "/rag/documents/" + told["id"])
    assert all("headroom" not in json.dumps(p) for p in query(sluice, words)["passages"])


def test_workers_agree_and_kill_9_loses_nothing(make_server):
    server = make_server(config="""
server: {listen: "127.0.0.1:0", workers: 2}
state: ${SLUICE_STATE}
plugins: {rag: {}}
""")
    for i in range(20):
        ingest(server, f"{i}.md", f"# Page\n\n{word(i)} here")
        # Each request may meet another worker: a new connection each time.
        for _ in range(4):
            assert documents(server, word(i))[0] == f"{i}.md"
    server.kill()
    server.start()
    for i in range(20):
        assert documents(server, word(i))[0] == f"{i}.md"


def form(parts, boundary="b0undary"):
    body = b""
    for name, filename, data in parts:
        file = f'; filename="{filename}"' if filename else ""
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode()
        body += (data if isinstance(data, bytes) else data.encode()) + b"\r\n"
    return body + f"--{boundary}--\r\n".encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def upload(server, parts):
    body, headers = form(parts)
    return server.request("POST", "/rag/ingest", body, headers=headers)


def test_files_of_a_form(sluice):
    answer = upload(sluice, [("label", None, "team=web"), ("collection", None, "uploads"), ("f", "a/disk.md", DISK),
                             ("f", "page.html", "<h1>Proxy</h1><script>x</script><p>Reload the proxy."),
                             ("f", "bad.md", b"\xff\xfe")])
    assert answer.status == 200, answer
    told = answer.json()
    assert (told["added"], told["failed"]) == (2, 1) and "UTF-8" in told["items"][2]["error"]
    best = query(sluice, "reload the proxy", labels=["team=web", "collection=uploads"])["passages"][0]
    assert best["document"] == "page.html" and best["title"] == "Proxy" and best["text"] == "Reload the proxy."


def test_predecessors_body_works(sluice):
    answer = sluice.post("/rag/ingest", {"source": "old.md", "text": QUEUE})
    assert answer.status == 200 and answer.json()["added"] == 1 and answer.json()["id"]
    assert documents(sluice, "rebalance")[0] == "old.md"


@pytest.mark.parametrize("parts, why", [
    ([], "no file"), ([("colection", None, "x")], "known are"), ([("f", "a.md", "x"), ("f", "b.md", "y"),
     ("title", None, "T")], "one file"), ([("label", None, "a\nb"), ("f", "a.md", "x")], "plain text")])
def test_bad_forms_say_why(shared_server, parts, why):
    answer = upload(shared_server, parts)
    assert answer.status == 400 and why in answer.json()["detail"], answer


def test_other_bodies_are_refused(shared_server):
    for type, status in (("text/plain", 415), ("multipart/form-data", 400), ("multipart/form-data; boundary=x", 400)):
        assert shared_server.request("POST", "/rag/ingest", "hello", headers={"Content-Type": type}).status == status
    assert shared_server.request("POST", "/rag/ingest", "{", headers={"Content-Type": "application/json"}).status == 400


def test_no_tenant_sees_anothers_documents(sluice):
    """Canaries: each tenant has the same pages with a word of its own; no answer may hold another's."""
    token = "slu_" + "b" * 40
    with sqlite3.connect(sluice.state / "sluice.db", timeout=20) as store:
        store.execute("INSERT INTO sluice_token(tenant, id, name, hash, permissions, created_ms, expires_ms) "
                      "VALUES ('other', 'T2', 'two', ?, '*', 1, NULL)", (hashlib.sha256(token.encode()).hexdigest(),))
    store.close()
    sluice.restart()
    canaries = {sluice.token: "quokkacanary", token: "wombatcanary"}
    random.seed(5)
    words = "disk full node pod crash queue lag restart delete volume certificate latency error budget".split()
    for key, canary in canaries.items():
        pages = [{"source": f"p/{i}.md", "labels": ["team=a"], "text":
                  f"# {random.choice(words)} {i}\n\n{' '.join(random.choices(words, k=30))} {canary}\n"} for i in range(60)]
        pages.append({"source": "rules.yml", "text": RULES.replace("little headroom", canary)})
        assert sluice.post("/rag/documents", {"collection": "c", "documents": pages}, token=key).json()["added"] == 61
    for key, canary in canaries.items():
        other = next(c for k, c in canaries.items() if k != key)
        assert sluice.get("/rag/documents", token=key).json()["documents"] == 61
        for i in range(60):
            body = {"query": " ".join(random.choices(words + [other, canary], k=4)), "k": 50, "per_document": 5,
                    **random.choice([{}, {"labels": ["team=a"]}, {"labels": ["collection=c"]}])}
            told = sluice.post("/rag/query", body, token=key)
            assert told.status == 200 and other.encode() not in told.body
            told = sluice.post("/rag/answer", {"question": body["query"]}, token=key)
            assert told.status == 200 and other.encode() not in told.body
        mine = sluice.get("/rag/documents?limit=1", token=key).json()["items"][0]["id"]
        assert other.encode() not in sluice.get(f"/rag/documents/{mine}", token=key).body
    assert sluice.request("DELETE", "/rag/documents/p%2F0.md", token=token).status == 200
    assert sluice.get("/rag/documents").json()["documents"] == 61
