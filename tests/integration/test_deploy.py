"""A deployment request, decided end to end: risk, policies, decision, manifests, state, events."""
import concurrent.futures, json, sqlite3, subprocess

import pytest
import yaml

from conftest import ROOT

PREDECESSOR = {"app_name": "payments-service", "environment": "stage", "data_classification": "internal",
               "exposure": "internal",
               "config": {"image": "registry.example.com/payments/payments-service:1.24.3", "replicas": 4}}


def request(app, environment="dev", image="registry.internal/app:1.0.0", replicas=2, **more):
    config = {"image": image, "replicas": replicas, **more.pop("config", {})}
    return {"app_name": app, "environment": environment, "config": config, **more}


def post(server, body, status=200, **more):
    answer = server.post("/deployments/request", body, **more)
    assert answer.status == status, answer
    return answer.json()


def events_of(server, deployment):
    items = server.get(f"/events?limit=500").json()["items"]
    return [event for event in items if event.get("subject") == f"deployment/{deployment}"
            and event["type"].startswith("deployment.")] # what is brought out of it tells its own


@pytest.fixture
def server(shared_server):
    return shared_server


def test_the_predecessors_request_works_unchanged(server):
    answer = post(server, PREDECESSOR)
    assert answer["status"] in ("APPROVED", "DENIED", "NEEDS_APPROVAL")
    assert answer["id"]
    assert isinstance(answer["policy"]["allowed"], bool)
    for result in answer["policy"]["results"]:
        assert {"rule", "ok", "message"} <= set(result)
    assert {"level", "reason", "method"} <= set(answer["risk"])
    manifests = answer["manifests"]
    assert manifests["namespace"] | {"metadata": {}} == {"apiVersion": "v1", "kind": "Namespace", "metadata": {}}
    assert manifests["namespace"]["metadata"]["name"] == "payments-service-stage"
    deployment = manifests["deployment"]
    assert deployment["apiVersion"] == "apps/v1" and deployment["kind"] == "Deployment"
    assert deployment["metadata"]["namespace"] == "payments-service-stage"
    assert deployment["spec"]["replicas"] == 4
    assert deployment["spec"]["selector"]["matchLabels"] == {"app": "payments-service"}
    pod = deployment["spec"]["template"]
    assert pod["metadata"]["labels"] == {"app": "payments-service"}
    assert pod["spec"]["containers"][0]["image"] == PREDECESSOR["config"]["image"]


def test_a_harmless_request_is_approved_with_reasons(server):
    answer = post(server, request("calm"))
    assert answer["status"] == "APPROVED", answer["reasons"]
    assert answer["reasons"] and answer["evidence"] and answer["next_action"] and answer["summary"]
    kinds = [thing["kind"] for thing in server.get(f"/deployments/{answer['id']}/manifests").json()["items"]]
    assert kinds == ["Namespace", "AnalysisTemplate", "Service", "Service", "PodDisruptionBudget", "Rollout"]


def test_latest_in_prod_is_denied_by_a_shipped_policy(server):
    answer = post(server, request("floating", "prod", "registry.internal/app:latest", 3))
    assert answer["status"] == "DENIED"
    reason = next(reason for reason in answer["reasons"] if reason["source"] == "policy")
    assert "latest" in reason["message"] and reason["fix"]
    assert reason["file"].endswith(".lua") and reason["line"] > 0
    assert answer["fix"] and answer["policy"]["allowed"] is False


def test_personal_data_is_not_exposed(server):
    answer = post(server, request("people", "prod", replicas=3, data_classification="pii", exposure="external"))
    assert answer["status"] == "DENIED"
    assert any("pii" in json.dumps(reason).lower() for reason in answer["reasons"])


def test_one_replica_in_prod_is_denied(server):
    assert post(server, request("lonely", "prod", replicas=1))["status"] == "DENIED"


def git_diff():
    """A real change of this repository: its newest commit that touches C files."""
    git = ["git", "-C", str(ROOT)]
    try:
        commits = subprocess.run(git + ["log", "-2", "--format=%H", "--", "*.c"], capture_output=True, text=True,
                                 check=True).stdout.split()
        return subprocess.run(git + ["diff", commits[0] + "~1", commits[0]], capture_output=True, check=True).stdout
    except (subprocess.CalledProcessError, FileNotFoundError, IndexError):
        pytest.skip("no git history here")


def test_a_real_diff_is_scored(server):
    diff = git_diff().decode(errors="replace")
    answer = post(server, request("real", "stage", diff=diff, message="real change"))
    risk = answer["risk"]
    assert risk["level"] in ("LOW", "MED", "HIGH", "CRITICAL")
    assert 0 <= risk["score"] <= 100 and risk["contributions"]
    evidence = next(item for item in answer["evidence"] if item["kind"] == "diff")
    assert evidence["bytes"] == len(diff.encode()) and len(evidence["sha256"]) == 64
    # what may hold secrets is not kept
    assert diff[:2000] not in server.get(f"/deployments/{answer['id']}").body.decode()


def test_a_real_diff_through_the_command_line(server):
    run = server.cli("deploy", "request", "--app", "piped", "--env", "prod", "--image",
                     "registry.internal/shop:1.4.2", "--replicas", "3", "--diff", "-", "--json", input=git_diff())
    answer = json.loads(run.stdout)
    assert answer["status"] in ("APPROVED", "NEEDS_APPROVAL", "DENIED")
    assert run.returncode == (6 if answer["status"] == "DENIED" else 0)
    assert any(item["kind"] == "diff" for item in answer["evidence"])


def test_a_denial_is_exit_code_six(server):
    run = server.cli("deploy", "request", "--app", "cli-floating", "--env", "prod", "--image", "shop:latest")
    assert run.returncode == 6, run
    assert "DENIED" in run.stdout and "latest" in run.stdout


def test_state_and_events_are_kept(server):
    answer = post(server, request("kept", commit="abc1234", author="ada"))
    read = server.get(f"/deployments/{answer['id']}")
    assert read.json() == answer
    assert server.get(f"/deployments/{answer['id']}",
                      headers={"If-None-Match": read.headers["ETag"]}).status == 304
    told = events_of(server, answer["id"])
    assert [event["type"] for event in told][:2] == ["deployment.requested", "deployment.approved"]
    assert told[0]["data"]["commit"] == "abc1234"
    assert told[1]["data"]["status"] == "APPROVED" and told[1]["data"]["risk_level"]
    denied = post(server, request("kept", "prod", "app:latest"))
    told = events_of(server, denied["id"])
    assert told[1]["type"] == "deployment.denied"
    assert any("latest" in reason["message"] for reason in told[1]["data"]["reasons"])


def test_everything_survives_a_kill(sluice):
    ids = [post(sluice, request(f"app-{i}"))["id"] for i in range(5)]
    sluice.kill()
    sluice.start()
    listed = sluice.get("/deployments").json()["items"]
    assert [row["id"] for row in listed] == ids[::-1]
    for one in ids:  # the rollout that the approval starts tells of itself besides
        types = [event["type"] for event in events_of(sluice, one)]
        assert [kind for kind in types if kind.startswith("deployment.")] == [
            "deployment.requested", "deployment.approved"]


def test_a_repeated_key_adds_nothing(sluice):
    body = request("once")
    headers = {"Idempotency-Key": "the-same"}
    first = sluice.post("/deployments/request", body, headers=headers)
    second = sluice.post("/deployments/request", body, headers=headers)
    assert first.status == second.status == 200
    assert first.json() == second.json()
    assert len(sluice.get("/deployments").json()["items"]) == 1
    assert len(events_of(sluice, first.json()["id"])) == 2
    other = sluice.post("/deployments/request", request("twice"), headers=headers)
    assert other.status == 422


def test_a_dry_run_leaves_nothing(sluice):
    answer = post(sluice, request("rehearsal", dry_run=True))
    assert answer["id"] is None and answer["dry_run"] is True and answer["status"] == "APPROVED"
    assert "rollout" in answer["manifests"]
    assert sluice.get("/deployments").json() == {"items": [], "next_cursor": None}
    assert not [event for event in sluice.get("/events").json()["items"]
                if event["type"].startswith("deployment.")]


def test_the_list_pages_and_filters(sluice):
    ids = [post(sluice, request(f"app-{i % 2}", "stage" if i % 3 else "dev"))["id"] for i in range(9)]
    seen, cursor = [], None
    while True:
        page = sluice.get("/deployments?limit=4" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += [row["id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert seen == ids[::-1]
    rows = sluice.get("/deployments?app_name=app-1&environment=stage").json()["items"]
    assert [row["id"] for row in rows] == [ids[i] for i in (7, 5, 1)]
    assert {row["app_name"] for row in rows} == {"app-1"}
    assert sluice.get("/deployments?status=DENIED").json()["items"] == []
    assert sluice.get("/deployments?status=MAYBE").status == 400
    assert sluice.get("/deployments?limit=501").status == 400


def test_the_link_to_the_next_page_keeps_the_filters(sluice):
    ids = [post(sluice, request(f"app-{i % 2}", "stage" if i % 3 else "dev"))["id"] for i in range(6)]
    status = sluice.get(f"/deployments/{ids[1]}").json()["status"]
    path, seen = f"/deployments?limit=1&app_name=app-1&environment=stage&status={status}", []
    while path:
        page = sluice.get(path)
        seen += [row["id"] for row in page.json()["items"]]
        link = page.headers.get("link")
        path = link and link[1:link.index(">")]
        assert not link or link.endswith('; rel="next"')
        assert not link or f"&limit=1&app_name=app-1&environment=stage&status={status}>" in link
    assert seen == [ids[5], ids[1]] # app-0 and dev, which the pages between would have, do not come
    plain = sluice.get("/deployments?limit=2")
    assert plain.headers["link"] == f'</deployments?cursor={ids[4]}&limit=2>; rel="next"'
    assert "link" not in sluice.get("/deployments?limit=1&app_name=a%26b%3Dc%0D%0AX").headers


def test_manifests_as_yaml_are_the_manifests(server):
    answer = post(server, request("yaml", config={"port": 8080, "env": {"ON": "yes", "N": "1", "T": "a: b\nc"}}))
    as_json = server.get(f"/deployments/{answer['id']}/manifests").json()
    assert as_json["kind"] == "List" and as_json["apiVersion"] == "v1"
    by_accept = server.get(f"/deployments/{answer['id']}/manifests", headers={"Accept": "application/yaml"})
    by_query = server.get(f"/deployments/{answer['id']}/manifests?format=yaml")
    assert by_accept.headers["Content-Type"].startswith("application/yaml")
    assert by_accept.body == by_query.body
    assert list(yaml.safe_load_all(by_accept.body)) == as_json["items"]


def test_what_is_not_approved_is_not_given_to_kubectl(server):
    denied = post(server, request("stopped", "prod", "app:latest"))["id"]
    refused = server.get(f"/deployments/{denied}/manifests")
    assert refused.status == 409 and "DENIED" in refused.json()["detail"]
    assert server.get(f"/deployments/{denied}/manifests?plan=true").status == 200


def test_a_decision_is_explained_in_words(server):
    denied = post(server, request("told", "prod", "app:latest"))
    told = server.get(f"/deployments/{denied['id']}/explain").json()
    assert told["status"] == "DENIED"
    assert "latest" in told["text"] and "fix:" in told["text"] and "Risk:" in told["text"]


def test_blue_green_on_wish(server):
    answer = post(server, request("twin", strategy="bluegreen"))
    strategy = answer["manifests"]["rollout"]["spec"]["strategy"]
    assert set(strategy) == {"blueGreen"}
    names = [service["metadata"]["name"] for service in answer["manifests"]["services"]]
    assert names == [strategy["blueGreen"]["activeService"], strategy["blueGreen"]["previewService"]]


def test_own_steps(server):
    steps = [{"weight": 20, "pause": "5m"}, {"weight": 100}]
    answer = post(server, request("paced", steps=steps))
    canary = answer["manifests"]["rollout"]["spec"]["strategy"]["canary"]
    assert [step["setWeight"] for step in canary["steps"] if "setWeight" in step] == [20, 100]
    assert {"pause": {"duration": "300s"}} in canary["steps"]
    wrong = post(server, request("paced", steps=[{"weight": 50}, {"weight": 20}]), status=400)
    assert wrong["errors"][0]["pointer"] == "/steps/1"


@pytest.mark.parametrize("change, pointer", [
    ({"app_name": "Shop_API"}, "/app_name"),
    ({"app_name": ""}, "/app_name"),
    ({"app_name": 7}, "/app_name"),
    ({"environment": "production"}, "/environment"),
    ({"environment": None}, "/environment"),
    ({"config": {}}, ""),
    ({"config": "x"}, "/config"),
    ({"config": {"image": ""}}, "/config/image"),
    ({"config": {"image": "a", "replicas": -1}}, "/config/replicas"),
    ({"config": {"image": "a", "replicas": 1.5}}, "/config/replicas"),
    ({"config": {"image": "a", "env": {"A": 1}}}, "/config/env/A"),
    ({"strategy": "bluegren"}, "/strategy"),
    ({"steps": [{"weight": 101}]}, "/steps/0/weight"),
    ({"enviroment": "dev"}, "/enviroment"),
])
def test_nonsense_is_refused_with_its_place(server, change, pointer):
    problem = post(server, request("fine") | change, status=400)
    assert problem["code"] == "invalid"
    pointers = [error["pointer"] for error in problem["errors"]]
    assert any(found.startswith(pointer) for found in pointers), problem


def test_a_bad_name_gets_a_suggestion(server):
    problem = post(server, request("Shop_API"), status=400)
    assert "shop-api" in problem["errors"][0]["suggestion"]


def test_a_broken_diff_does_not_break_the_request(server):
    for diff in ("no diff at all", "@@ -1 +1 @@\n-a\n+b\n", "diff --git a/x b/x\n@@ -1,99999999 +1 @@\n", "\x01\x02"):
        answer = server.post("/deployments/request", request("odd", "stage", diff=diff))
        assert answer.status == 200, answer
        assert answer.json()["status"] in ("APPROVED", "NEEDS_APPROVAL", "DENIED")


def test_too_large_a_diff_is_refused(server):
    line = "+" + "x" * 78 + "\n"
    answer = server.post("/deployments/request", request("large", diff=line * (9 * 1024 * 1024 // len(line))))
    assert answer.status in (400, 413), answer


def test_a_large_diff_is_taken(server):
    hunk = "".join(f"+int value_{i} = {i};\n" for i in range(150_000))
    diff = ("diff --git a/big.c b/big.c\nnew file mode 100644\n--- /dev/null\n+++ b/big.c\n"
            f"@@ -0,0 +1,150000 @@\n{hunk}")
    assert 3_000_000 < len(diff) < 8 * 1024 * 1024
    answer = post(server, request("big", "stage", diff=diff))
    assert answer["risk"]["level"] != "UNKNOWN", answer["risk"]


def test_unknown_deployments_are_404(server):
    for path in ("/deployments/nope", "/deployments/nope/manifests", "/deployments/nope/explain"):
        answer = server.get(path)
        assert answer.status == 404 and "nope" in answer.json()["detail"]


def test_without_a_token_nothing(server):
    assert server.post("/deployments/request", request("anon"), token=False).status == 401
    assert server.get("/deployments", token=False).status == 401


def config_without(plugin):
    text = (ROOT / "config" / "sluice.yaml").read_text().replace("../scripts", str(ROOT / "scripts"))
    tree = yaml.safe_load(text.replace("${SLUICE_PORT:-8000}", "0"))
    tree["plugins"][plugin] = {"enabled": False}
    return yaml.safe_dump(tree)


def test_without_policies_everything_is_denied(make_server):
    server = make_server(config=config_without("policy"))
    answer = post(server, request("blind"))
    assert answer["status"] == "DENIED" and answer["policy"]["allowed"] is False
    assert "policies could not be asked" in answer["reasons"][0]["message"]


def test_without_a_risk_score_a_person_decides(make_server):
    server = make_server(config=config_without("risk"))
    answer = post(server, request("blind"))
    assert answer["status"] == "NEEDS_APPROVAL"
    assert answer["risk"]["level"] == "UNKNOWN" and answer["risk"]["reason"]
    assert post(server, request("blind", "prod", replicas=3))["status"] == "DENIED"


def test_decisions_are_counted(sluice):
    post(sluice, request("counted"))
    post(sluice, request("counted", "prod", "app:latest"))
    text = sluice.get("/metrics").body.decode()
    assert 'sluice_deployments_requested_total{environment="dev",decision="APPROVED"} 1' in text
    assert 'sluice_deployments_requested_total{environment="prod",decision="DENIED"} 1' in text


def test_many_at_once_are_all_kept(sluice):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: post(sluice, request(f"app-{i}")), range(64)))
    ids = {answer["id"] for answer in answers}
    assert len(ids) == 64
    listed = sluice.get("/deployments?limit=500").json()["items"]
    assert {row["id"] for row in listed} == ids


def test_the_demo_loads_once(sluice, tmp_path):
    env = {"PATH": "/usr/bin:/bin", "SLUICE_ADDR": sluice.url, "SLUICE_TOKEN": sluice.token}
    run = [str(ROOT / "tools" / "demo" / "load")]
    subprocess.run(run, env=env, check=True, capture_output=True)
    rows = sluice.get("/deployments").json()["items"]
    wanted = len(list((ROOT / "tools" / "demo" / "requests").glob("*.json")))
    assert len(rows) == wanted
    assert {row["status"] for row in rows} >= {"APPROVED", "DENIED"}
    subprocess.run(run, env=env, check=True, capture_output=True)
    assert len(sluice.get("/deployments").json()["items"]) == wanted


def test_manifests_are_kept_as_values_and_old_rows_stay_readable(make_server):
    server = make_server()
    answer = post(server, request("kept", replicas=2))
    got = server.get(f"/deployments/{answer['id']}").json()
    assert got == answer
    database = server.state / "sluice.db"
    db = sqlite3.connect(database, timeout=10)
    (kept,), = db.execute("SELECT answer FROM rollout_deployment")
    assert set(json.loads(kept)["manifests"]) == {"template", "places"}
    assert db.execute("SELECT count(*) FROM rollout_skeleton").fetchone() == (1,)
    # A row as it was written before: the manifests whole.
    db.execute("UPDATE rollout_deployment SET answer = ?", (json.dumps(answer),))
    db.commit()
    db.close()
    assert server.get(f"/deployments/{answer['id']}").json() == answer


def test_a_repeated_key_gets_the_manifests_again(server):
    first = post(server, request("again"), headers={"Idempotency-Key": "manifests-again"})
    assert post(server, request("again"), headers={"Idempotency-Key": "manifests-again"}) == first
    assert first["manifests"]["rollout"]["kind"] == "Rollout"
