"""Release notes against a real server: over HTTP, of a repository, on the command line, by a team's template."""
import json, os, subprocess

import pytest
from conftest import Server

COMMITS = [
    {"id": "1111111aaaa", "message": "feat(api): add cursor paging (#41)", "author": {"name": "Ada Lovelace",
                                                                                     "email": "ada@corp.example"}},
    {"id": "2222222aaaa", "message": "fix(pay): stop losing cents (#42)\n\nFixes #40", "risk_level": "HIGH",
     "files": ["src/pay.c", {"filename": "src/cents.c"}, "a", "b", "c"]},
    {"id": "3333333aaaa", "message": "feat(auth)!: require PKCE\n\nBREAKING CHANGE: clients without it get an error"},
    {"id": "4444444aaaa", "message": "security(jwt): reject alg none on kraken-3.internal\n\nCVE-2024-12345"},
    {"id": "5555555aaaa", "message": "Revert \"feat(api): add cursor paging (#41)\"\n\nThis reverts commit 1111111aaaa."},
    "chore: tidy up", "no convention at all",
]
TEMPLATE = """
return {
  customer = function(notes) return "Hello from " .. notes.version.next .. " with " .. #notes.entries .. " entries\\n" end,
  engineer = function(notes) error("broken on purpose") end,
}
"""


def git(folder, *words):
    env = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    subprocess.run(["git", "-c", "user.name=Ada Lovelace", "-c", "user.email=ada@corp.example", *words], cwd=folder,
                   env=env, check=True, capture_output=True)


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    git(folder, "init", "-q", "-b", "main", ".")
    for name, message in (("a", "feat: begin"), ("b", "fix: first fault"), ("c", "feat(ui): dark mode"),
                          ("d", "fix(api): lost page")):
        (folder / name).mkdir()
        (folder / name / "file").write_text(message)
        git(folder, "add", ".")
        git(folder, "commit", "-qm", message)
        if name == "b":
            git(folder, "tag", "-a", "-m", "x", "v1.3.0")
    return folder


@pytest.fixture(scope="module")
def server(repository, tmp_path_factory):
    template = tmp_path_factory.mktemp("lua") / "notes.lua"
    template.write_text(TEMPLATE)
    server = Server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  notes:\n'
                           f"    repositories: {{shop: {repository}, gone: {repository}/nowhere}}\n"
                           "    internal_names: [kraken]\n    components: {api: Public API}\n")
    yield server
    server.close()


def compose(server, status=200, **body):
    answer = server.post("/ai/release-notes", body)
    assert answer.status == status, answer.body
    return answer.json()


def test_two_audiences_from_the_same_commits(server):
    answer = compose(server, commits=COMMITS, previous_version="v1.2.3", repository_url="https://forge.example/o/r")
    customer, engineer = answer["customer"], answer["engineer"]
    for inside in ("Ada", "#42", "#40", "2222222", "kraken", "alg none", "HIGH", "PR"):
        assert inside not in customer, customer
    assert "CVE-2024-12345" in customer and "Stop losing cents" in customer
    assert "clients without it get an error" in engineer and "risk HIGH, in src/pay.c, src/cents.c, a and 2 more" in engineer
    assert "pay.c" not in customer
    assert "[#42](https://forge.example/o/r/pull/42)" in engineer
    assert "Taken back before the release" in engineer and "no convention at all" in engineer
    assert answer["version"]["next"] == "v2.0.0" and answer["version"]["decided_by"]["commit"] == "3333333aaaa"
    counts = answer["counts"]
    assert counts["commits"] == 7 == sum(counts[fate] for fate in
                                         ("listed", "merge", "duplicate", "fixup", "reverted", "revert"))
    assert [item["fate"] for item in answer["accounted"]].count("listed") == counts["listed"] == len(answer["entries"])
    assert answer["changelog"].startswith("## [v2.0.0] - ") and "### Security" in answer["changelog"]
    assert answer["method"] == "template" and any("no convention" in w for w in answer["warnings"])


def test_lines_of_a_log_will_do(server):
    answer = compose(server, context="1a2b3c4 feat: first\n- fix: second\n\n", audience="customer")
    assert answer["counts"]["commits"] == 2 and "engineer" not in answer and answer["notes"] == answer["customer"]
    assert answer["accounted"][0]["id"] == "1a2b3c4"


def test_the_version_is_counted_by_the_named_rules(server):
    def following(**more):
        return compose(server, commits=["chore: x"], previous_version="0.4.1", **more)["version"]["next"]
    assert following() == "0.4.1"
    assert following(versioning="git-cliff") == "0.4.2"
    assert following(versioning="git-cliff", no_increment_regex="^chore$") == "0.4.1"
    assert following(versioning="always-bump-major") == "1.0.0"
    assert following(release_rules=[{"type": "ch*", "release": "minor"}]) == "0.5.0"
    assert compose(server, commits=["feat: x"])["version"]["next"] == "0.1.0"


@pytest.mark.parametrize("body, status, sentence", [
    ({}, 400, "commits are missing"),
    ({"commits": ["fix: a"], "context": "fix: b"}, 400, "not two"),
    ({"commits": [{"id": "1"}]}, 400, "/commits/0 has no message"),
    ({"commits": [7]}, 400, "/commits/0 has no message"),
    ({"commits": ["fix: a"], "versioning": "magic"}, 400, "versioning"),
    ({"commits": ["fix: a"], "no_increment_regex": "("}, 400, "regular expression"),
    ({"repository": "other"}, 404, "plugins.notes.repositories"),
    ({"repository": "gone"}, 400, "cannot be read"),
    ({"repository": "shop", "from": "v9.9.9"}, 400, "v9.9.9"),
    ({"repository": "shop", "from": "--output=x"}, 400, "--output"),
])
def test_bad_requests_say_what_is_wrong(server, body, status, sentence):
    problem = server.post("/ai/release-notes", body)
    assert problem.status == status and sentence in problem.body.decode(), problem.body


def test_a_listed_repository_is_read_since_its_last_tag(server):
    answer = compose(server, repository="shop")
    assert answer["version"] == {"previous": "v1.3.0", "next": "v1.4.0", "bump": "minor",
                                 "decided_by": answer["version"]["decided_by"]}
    assert [entry["text"] for entry in answer["entries"]] == ["dark mode", "lost page"]
    assert "Public API" in answer["customer"] and "Ada Lovelace" in answer["engineer"]
    only = compose(server, repository="shop", paths=["d"])
    assert [entry["text"] for entry in only["entries"]] == ["lost page"]
    assert compose(server, repository="shop", **{"from": "v1.3.0", "to": "v1.3.0"})["counts"]["commits"] == 0


def test_the_command_line_reads_the_tree_at_hand(server, repository):
    def notes(*words, where=repository):
        return server.cli("notes", *words, cwd=where)
    said = notes("--audience", "customer")
    assert said.returncode == 0 and "Dark mode" in said.stdout and "Ada" not in said.stdout, said.stderr
    assert notes("--from", "v1.3.0", "--next-version").stdout == "v1.4.0\n"
    assert notes("--changelog", "--path", "d").stdout.splitlines()[0].startswith("## [v1.3.1]")
    assert json.loads(notes("--json").stdout)["counts"]["commits"] == 2
    assert "lost page" in notes("--files", "--audience", "engineer").stdout.split("in d/file")[0]
    both = notes("--from", "v1.3.0", "--to", "HEAD").stdout
    assert both.index("# What is new") < both.index("# Changes")
    for words, code in ((("--from", "nothing"), 3), (("--from", "HEAD"), 3), (("--from=--x",), 2)):
        assert notes(*words).returncode == code, words
    assert notes(where="/").returncode == 3


def test_templates_are_the_team_s_own(repository, tmp_path):
    (tmp_path / "notes.lua").write_text(TEMPLATE)
    server = Server(config='server: {listen: "127.0.0.1:0"}\nstate: ${SLUICE_STATE}\nplugins:\n  notes:\n'
                           f"    templates: {tmp_path}/notes.lua\n")
    try:
        answer = compose(server, commits=["feat: a b"], previous_version="1.0.0")
        assert answer["customer"] == answer["notes"] == "Hello from 1.1.0 with 1 entries\n"
        assert answer["engineer"].startswith("# Changes")
        assert any("notes.lua:4" in w and "broken on purpose" in w for w in answer["warnings"]), answer["warnings"]
    finally:
        server.close()


def test_ten_thousand_commits_at_once(server):
    commits = [f"{('feat', 'fix', 'chore')[i % 3]}(c{i % 7}): change {i} of the parser (#{i + 1})" for i in range(10000)]
    answer = compose(server, commits=commits, previous_version="1.0.0")
    assert answer["counts"]["listed"] == 10000 and "entries" not in answer
    assert answer["engineer"].count("\n- ") == 10000
