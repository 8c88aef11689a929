"""The risk of a change against a real server: over HTTP, as a raw diff, on the command line, from a repository,
and what outcomes teach."""
import json, os, subprocess

import pytest
from conftest import Server

DIFF = "--- a/src/x.c\n+++ b/src/x.c\n@@ -1 +1,%d @@\n-a\n"


def diff_of(lines):
    return DIFF % lines + "".join(f"+    if (x == {i}) y = call({i});\n" for i in range(lines))


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repo")
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *words], cwd=folder, env=env,
                       check=True, capture_output=True)
    git("init", "-q", "-b", "main", ".")
    for i in range(4):
        (folder / "x.c").write_text(f"int x = {i};\n" * (i + 1))
        git("add", ".")
        git("commit", "-qm", f"Fix the crash {i}")
    return folder


@pytest.fixture(scope="module")
def server(repository):
    server = Server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  risk:\n'
                           f"    repositories: {{shop: {repository}}}\n")
    yield server
    server.close()


def test_a_large_diff_scored_beside_the_loop_adds_up(server):
    body = {"diff": diff_of(6000), "message": "Rework", "environment": "prod"}
    answer = server.post("/ai/risk-score", body).json()
    assert answer["level"] == "HIGH" and answer["model"]["id"] == "diff-1"
    parts = answer["log_odds"]
    assert abs(parts["base"] + parts["start"] + parts["local"] + parts["learned"] + parts["context"]
               - parts["total"]) < 1e-3
    assert abs(sum(c["effect"] for c in answer["contributions"]) - parts["learned"]) < 1e-2
    assert all(way["verified"] for way in answer["what_would_lower_it"]) and answer["what_would_lower_it"]


def test_the_body_may_be_the_diff_itself(server):
    text = diff_of(50)
    plain = server.post("/risk/diff?message=Rework&detail=brief", text, headers={"Content-Type": "text/x-diff"})
    as_json = server.post("/risk/score", {"diff": text, "message": "Rework", "detail": "brief"})
    assert plain.json() == as_json.json()
    broken = server.post("/risk/diff", "hello", headers={"Content-Type": "text/x-diff"})
    assert broken.status == 400 and "line 1" in broken.json()["detail"]


def test_the_command_line_stops_at_the_threshold(server):
    run = server.cli("risk", "score", "--diff", "-", "--threshold", "HIGH", input=diff_of(900), check=6)
    assert "What would lower it" in run.stdout and run.stdout.startswith("HIGH")
    server.cli("risk", "score", "--diff", "-", "--threshold", "HIGH", input=diff_of(1), check=0)


def test_the_working_tree_at_hand_gives_the_range(server, repository):
    def score(*words, where=repository):
        return server.cli("risk", "score", *words, cwd=where)
    said = score("--git", "HEAD~2..HEAD", "--json")
    assert said.returncode == 0, said.stderr
    answer = json.loads(said.stdout)
    lines = next(row for row in answer["contributions"] if row["feature"] == "la")
    assert lines["value"] == 4 and "fix" in answer["reason"]
    assert score("--git", "HEAD~2..HEAD", "--threshold", "LOW").returncode == 6
    for words, code, sentence in ((("--git", "HEAD"), 2, "two commits"),
                                  (("--git", "nothing..HEAD"), 3, "nothing..HEAD"),
                                  (("--git", "HEAD..HEAD"), 3, "nothing changed"),
                                  (("--git", "HEAD~1..HEAD", "--diff", "x.c"), 2, "both give the change"),
                                  (("--git=--output=x..y",), 2, "--git takes")):
        said = score(*words)
        assert said.returncode == code and sentence in said.stderr, (words, said.stderr)
    said = score("--git", "HEAD~1..HEAD", where="/")
    assert said.returncode == 3 and "git" in said.stderr
    assert not (repository / "x..y").exists()


def test_a_range_of_a_listed_repository_has_a_history(server):
    answer = server.post("/risk/score", {"repository": "shop", "range": "HEAD~1..HEAD"}).json()
    assert answer["model"]["id"] == "history-1"
    assert {"feature": "pfix_max", "value": 3}.items() <= next(
        c for c in answer["contributions"] if c["feature"] == "pfix_max").items()
    unknown = server.post("/risk/score", {"repository": "/etc", "range": "HEAD"})
    assert unknown.status == 404
    wrong = server.post("/risk/score", {"repository": "shop", "range": "nowhere..HEAD"})
    assert wrong.status == 400 and "nowhere" in wrong.json()["detail"]


def test_a_secret_stops_and_is_never_repeated(server):
    value = "ghp" + "_" + "9xK2mQ7vL4pR8sT1uW5yZ3aB6cD0eF2gH4jN"
    text = DIFF % 1 + f'+token = "{value}"\n'
    answer = server.post("/risk/score", {"diff": text, "message": f"Add {value[-8:]}"})
    assert answer.json()["level"] == "CRITICAL"
    signal = answer.json()["signals"][0]
    assert (signal["id"], signal["file"], signal["line"]) == ("github-pat", "src/x.c", 1)
    assert value not in answer.body.decode() and value not in server.logs()
    assert value not in server.get("/events?limit=100").body.decode()


def test_outcomes_move_the_base_rate_and_can_be_taken_back(server):
    outcomes = [{"change": f"c{i}", "outcome": "defect" if i % 2 else "good", "numstat": f"{1 + i}\t0\ta.c"}
                for i in range(120)]
    assert server.post("/risk/outcomes", {"outcomes": outcomes}).json() == {"taken": 120}
    card = server.get("/risk/model").json()
    assert card["base_rate"] > 0.3 and card["local"]["outcomes"] == 120 and card["local"]["reliability"]
    assert server.post("/risk/model/rollback", {}).status == 200
    assert server.get("/risk/model").json()["base_rate"] == 0.1
