"""GitOps: a promotion is one commit of a real git repository, whatever happens on the way."""
import fcntl, os, subprocess

import pytest

from conftest import ROOT, wait_until

CONFIG = """
server: {listen: "127.0.0.1:${SLUICE_PORT:-0}"}
state: ${SLUICE_STATE}
plugins:
  risk:
  policy: {scripts: %s/scripts/lua/policies}
  rollout:
    look: 1s
    gitops: {repository: %s, author: "Ada <ada@example.com>"%s}
"""


class Repo:
    def __init__(self, folder, bare=False):
        self.folder = folder
        self.git_in("init", "-q", "-b", "main", *(["--bare"] if bare else []), folder)
        if not bare:
            self.git("config", "user.name", "Somebody")
            self.git("config", "user.email", "somebody@example.com")
            (folder / "README").write_text("ours\n")
            self.git("add", "README")
            self.git("commit", "-q", "-m", "begin")

    @staticmethod
    def git_in(*args):
        return subprocess.run(["git", *map(str, args)], capture_output=True, text=True, check=True, timeout=20).stdout

    def git(self, *args):
        return self.git_in("-C", self.folder, *args)

    def commits(self):
        """(hash, files that it touches), newest first, without the one of the beginning."""
        return [(one, self.git("show", "--format=", "--name-only", one).split())
                for one in self.git("rev-list", "main").split()[:-1]]

    def trailer(self, name, commit="HEAD"):
        return self.git("log", "-1", f"--format=%(trailers:key={name},valueonly)", commit).strip()

    def clean(self):
        return self.git("status", "--porcelain") == ""


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "tree")


def config(repo, more=""):
    return CONFIG % (ROOT, repo.folder, more)


def promote(server, image, app="shop"):
    run = server.post("/deployments/request", {"app_name": app, "environment": "dev", "reason": "it is time",
                      "config": {"image": f"registry.internal/{app}:{image}", "simulate": {"rps": 3000}}}).json()["id"]
    finish(server, run)
    return run


def finish(server, run):
    wait_until(lambda: server.get(f"/rollouts/{run}").status == 200
               and server.get(f"/rollouts/{run}").json()["phase"] != "Queued", "a rollout")
    wait_until(lambda: server.post(f"/rollouts/{run}/promote", {"full": True, "reason": "test"}).status == 200,
               "the promotion")
    wait_until(lambda: server.get(f"/rollouts/{run}").json()["phase"] == "Promoted", "the end")


def events(server, run, kind):
    items = server.get(f"/events?after=0&limit=500&subject=deployment/{run}").json()["items"]
    return [event["data"] for event in items if event["type"] == kind]


def wait_event(server, run, kind):
    wait_until(lambda: events(server, run, kind), f"{kind} of {run}")
    return events(server, run, kind)[0]


def manifests(server, run):
    return server.get(f"/deployments/{run}/manifests?format=yaml").body.decode()


FILE = "apps/shop/dev/manifests.yaml"


def test_one_promotion_is_one_commit_and_undo_another(make_server, repo):
    server = make_server(config=config(repo))
    first = promote(server, 1)
    told = wait_event(server, first, "gitops.committed")
    [(commit, files)] = repo.commits()
    assert files == [FILE] and told["git_commit"] == commit and told["path"] == "apps/shop/dev"
    text = repo.git("show", f"main:{FILE}")
    assert text == manifests(server, first) and "registry.internal/shop:1" in text and "kind: Rollout" in text
    assert (repo.folder / FILE).read_text() == text and repo.clean()
    assert repo.trailer("Sluice-Deployment") == first and repo.trailer("Sluice-Cause") == "promoted"
    assert repo.git("log", "-1", "--format=%an <%ae> %s").strip() == \
        "Ada <ada@example.com> Promote registry.internal/shop:1 to dev"
    second = promote(server, 2)
    wait_event(server, second, "gitops.committed")
    assert len(repo.commits()) == 2 and "registry.internal/shop:2" in repo.git("show", f"main:{FILE}")
    # An undo is a rollout of its own, with the manifests of the version before.
    undo = server.post(f"/rollouts/{second}/undo", {"reason": "it broke"}).json()["id"]
    finish(server, undo)
    told = wait_event(server, undo, "gitops.committed")
    assert told["restores"] == first and repo.trailer("Sluice-Restores") == first
    assert len(repo.commits()) == 3 and repo.git("show", f"main:{FILE}") == text and repo.clean()
    assert repo.git("log", "-1", "--format=%s").startswith("Restore registry.internal/shop:1")
    # What is aborted never comes to git.
    third = server.post("/deployments/request", {"app_name": "shop", "environment": "dev",
                        "config": {"image": "registry.internal/shop:3"}}).json()["id"]
    wait_until(lambda: server.get(f"/rollouts/{third}").status == 200, "a rollout")
    wait_until(lambda: server.post(f"/rollouts/{third}/abort", {"reason": "no"}).status == 200, "the abort")
    wait_until(lambda: server.get(f"/rollouts/{third}").json()["phase"] == "Aborted", "the end")
    fourth = promote(server, 4)
    wait_event(server, fourth, "gitops.committed")
    assert len(repo.commits()) == 4 and not events(server, third, "gitops.committed")


def test_refused_until_the_tree_is_tidy(make_server, repo):
    server = make_server(config=config(repo))
    (repo.folder / "README").write_text("half done\n")
    repo.git("add", "README")
    first = promote(server, 1)
    told = wait_event(server, first, "gitops.refused")
    assert "staged" in told["reason"] and "README" in told["reason"] and told["next_action"]
    assert "was not written to git" in server.logs()
    assert not repo.commits() and not (repo.folder / "apps").exists()
    repo.git("restore", "--staged", "README")  # an edit elsewhere that is not staged is nobody's business
    wait_event(server, first, "gitops.committed")
    assert [files for _, files in repo.commits()] == [[FILE]]
    assert (repo.folder / "README").read_text() == "half done\n"
    assert len(events(server, first, "gitops.refused")) == 1
    (repo.folder / FILE).write_text("mine: 1\n")
    second = promote(server, 2)
    assert "edited" in wait_event(server, second, "gitops.refused")["reason"]
    assert (repo.folder / FILE).read_text() == "mine: 1\n" and len(repo.commits()) == 1
    repo.git("restore", FILE)
    wait_event(server, second, "gitops.committed")
    assert len(repo.commits()) == 2 and (repo.folder / FILE).read_text() == manifests(server, second)


def test_links_lead_nowhere(make_server, repo, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (repo.folder / "apps").symlink_to(outside)
    (tmp_path / "secret").write_text("keep")
    server = make_server(config=config(repo))
    run = promote(server, 1)
    assert "symbolic link" in wait_event(server, run, "gitops.refused")["reason"]
    assert not list(outside.iterdir()) and not repo.commits()
    (repo.folder / "apps").unlink()
    (repo.folder / "apps/shop/dev").mkdir(parents=True)
    (repo.folder / FILE).symlink_to(tmp_path / "secret")
    wait_until(lambda: len(events(server, run, "gitops.refused")) == 2, "the second refusal")
    assert (tmp_path / "secret").read_text() == "keep" and not repo.commits()


def held_and_killed(server, repo):
    """A promotion whose commit waits for the lock while the server is killed."""
    with open(repo.folder / ".git/sluice-gitops.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = promote(server, 1)
        text = manifests(server, run)
        server.kill()
    return run, text


@pytest.mark.parametrize("left", ["nothing", "file", "index", "commit"])
def test_killed_in_between(make_server, repo, left):
    """Whatever the crash left behind, there is one commit in the end."""
    server = make_server(config=config(repo))
    run, text = held_and_killed(server, repo)
    if left != "nothing":
        (repo.folder / FILE).parent.mkdir(parents=True)
        (repo.folder / FILE).write_text(text)
    if left in ("index", "commit"):
        repo.git("add", FILE)
    if left == "commit":
        repo.git("commit", "-q", "-m", f"Promote it\n\nSluice-Deployment: {run}\nSluice-Cause: promoted\n"
                 "Sluice-Service: default/shop/dev")
    server.start()
    told = wait_event(server, run, "gitops.committed")
    [(commit, files)] = repo.commits()
    assert told["git_commit"] == commit and files == [FILE] and repo.clean()
    assert repo.git("show", f"main:{FILE}") == text and not events(server, run, "gitops.refused")


def test_killed_again_and_again(make_server, repo):
    server = make_server(config=config(repo))
    runs = []
    for i in range(4):
        runs.append(promote(server, i, f"app{i}"))
        server.kill()  # some before the commit, some after it
        (repo.folder / ".git/index.lock").unlink(missing_ok=True)  # as after a crash of git itself
        server.start()
    for run in runs:
        wait_event(server, run, "gitops.committed")
    assert sorted(repo.trailer("Sluice-Deployment", commit) for commit, _ in repo.commits()) == sorted(runs)
    assert repo.clean() and repo.git("fsck", "--strict") == ""


def test_approved_is_written_and_taken_back(make_server, repo, tmp_path):
    bare = Repo(tmp_path / "bare", bare=True)
    repo.git("remote", "add", "origin", f"file://{bare.folder}")
    server = make_server(config=config(repo, ", on: approved, push: origin"))
    ask = lambda image: server.post("/deployments/request", {"app_name": "shop", "environment": "dev",
                                    "config": {"image": f"registry.internal/shop:{image}"}}).json()["id"]
    first = ask(1)
    assert wait_event(server, first, "gitops.committed")["cause"] == "approved"
    finish(server, first)  # promoted: git has it already
    second = ask(2)
    wait_until(lambda: len(repo.commits()) == 2, "the second commit")
    assert "shop:2" in repo.git("show", f"main:{FILE}")
    wait_until(lambda: server.post(f"/rollouts/{second}/abort", {"reason": "no"}).status == 200, "the abort")
    wait_until(lambda: len(events(server, second, "gitops.committed")) == 2, "the commit that takes it back")
    assert repo.git("show", f"main:{FILE}") == manifests(server, first) and len(repo.commits()) == 3
    assert repo.trailer("Sluice-Cause") == "rolled_back" and repo.trailer("Sluice-Restores") == first
    wait_until(lambda: bare.git("rev-parse", "main") == repo.git("rev-parse", "main"), "the push")


def test_bad_settings_are_refused(sluice_program, repo, tmp_path):
    for more, word in ((', path: "../{app}/{environment}"', "gitops.path"), (', path: "apps/{app}"', "{environment}"),
                       (", push: 3", "gitops.push"), (', path: ".git/{app}/{environment}"', "gitops.path")):
        file = tmp_path / "bad.yaml"
        file.write_text(config(repo, more))
        run = subprocess.run([sluice_program, "validate", file], capture_output=True, text=True, timeout=20,
                             env={**os.environ, "SLUICE_STATE": str(tmp_path / "state")})
        assert run.returncode != 0 and word in run.stdout + run.stderr, (more, run)
