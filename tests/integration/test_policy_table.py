"""One table of cases (deploy/opa/cases.json) for the Lua policies, the Rego ones and Kyverno's."""
import fnmatch, json, re, shutil, socket, subprocess

import pytest
import yaml

from conftest import BUILD, ROOT, wait_until

CASES = json.loads((ROOT / "deploy" / "opa" / "cases.json").read_text())
ORDER = ["allow", "warn", "needs_approval", "deny"]


def lua(value):
    """JSON as Lua."""
    if value is None:
        return "nil"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, list):
        return "list {" + ", ".join(map(lua, value)) + "}"
    return "{" + ", ".join(f"[{json.dumps(key)}] = {lua(item)}" for key, item in value.items()) + "}"


def test_the_lua_policies_hold_the_table(tmp_path):
    """Every policy judges every case: in files of tests, since these give the verdicts of all at once."""
    shutil.copytree(ROOT / "scripts" / "lua", tmp_path / "lua")
    tests = tmp_path / "lua" / "tests"
    shutil.rmtree(tests)
    tests.mkdir()
    for policy in (tmp_path / "lua" / "policies").glob("*.lua"):
        cases = ",\n".join(f"{{ name = {json.dumps(str(number))}, ctx = {lua({**case['input'], 'settings': case['settings']})}, expect = 'allow' }}"
                           for number, case in enumerate(CASES))
        (tests / f"{policy.stem}_test.lua").write_text(f"return tests {{ script = '../policies/{policy.name}', cases = {{\n{cases}\n}} }}\n")
    done = subprocess.run([BUILD / "sluice", "policy", "test", tests, "--json"], capture_output=True, text=True, timeout=120)
    files = json.loads(done.stdout)["files"]
    assert len(files) == len(list((ROOT / "scripts/lua/policies").glob("*.lua")))
    told = [{} for _ in CASES]
    for file in files:
        assert not file.get("error"), file
        for one in file["cases"]:
            if one.get("verdict"):
                assert one["verdict"]["class"] == "decision", (file["script"], one)
                told[int(one["name"])][file["script"]] = one["verdict"]["outcome"].replace("approval", "needs_approval")
    for case, verdicts in zip(CASES, told):
        rules = sorted(rule for rule, outcome in verdicts.items() if outcome != "allow")
        decision = max(verdicts.values(), key=ORDER.index, default="allow")
        assert (decision, rules) == (case["decision"], case["rules"]), case["name"]


@pytest.mark.skipif(not shutil.which("opa"), reason="opa is not installed")
def test_the_rego_rules_hold_the_table():
    folder = ROOT / "deploy" / "opa"
    done = subprocess.run(["opa", "test", folder / "sluice.rego", folder / "sluice_test.rego", f"cases:{folder}/cases.json"],
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PASS: 1/1" in done.stdout


def test_the_rego_rules_name_the_lua_ones():
    text = (ROOT / "deploy" / "opa" / "sluice.rego").read_text()
    named = {path for path in re.findall(r"scripts/lua/policies/[a-z-]+\.lua", text)}
    assert named == {f"scripts/lua/policies/{path.name}" for path in (ROOT / "scripts/lua/policies").glob("*.lua")}
    assert set(re.findall(r'"rule": "([a-z-]+)"', text)) == {path.stem for path in (ROOT / "scripts/lua/policies").glob("*.lua")}


# ---- Kyverno ----

POLICIES = list(yaml.safe_load_all((ROOT / "deploy" / "kyverno" / "sluice-policies.yaml").read_text()))


def objects(case):
    """The namespace and the workload as the cluster would see them."""
    context = case["input"]
    config = context["config"]
    labels = {"sluice/environment": context["environment"], "sluice/data-classification": context["data_classification"],
              "sluice/exposure": context["exposure"]}
    if case["settings"].get("allowed_registries"):
        labels["sluice/registries"] = "restricted"
    container = {"name": context["app_name"], "image": config["image"], "resources": config.get("resources", {})}
    return ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}},
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": context["app_name"], "namespace": "shop"},
             "spec": {"replicas": config["replicas"], "selector": {"matchLabels": {"app": "x"}},
                      "template": {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [container]}}}})


def selects(selector, labels):
    return (all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
            and all(labels.get(one["key"]) in one["values"] for one in selector.get("matchExpressions", [])))


def scalar_fits(pattern, value):
    """Kyverno's patterns: | and & of wildcards, each maybe negated, and comparisons of numbers."""
    if "|" in pattern:
        return any(scalar_fits(part.strip(), value) for part in pattern.split("|"))
    if "&" in pattern:
        return all(scalar_fits(part.strip(), value) for part in pattern.split("&"))
    if pattern.startswith(">="):
        return isinstance(value, (int, float)) and value >= float(pattern[2:])
    if pattern.startswith("!"):
        return not scalar_fits(pattern[1:], value)
    return isinstance(value, str) and fnmatch.fnmatchcase(value, pattern)


def fits(pattern, value):
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(fits(part, value.get(key)) for key, part in pattern.items())
    if isinstance(pattern, list):  # one pattern for every item
        return isinstance(value, list) and all(fits(pattern[0], item) for item in value)
    return scalar_fits(str(pattern), value)


def each_is_denied(each, item):
    """foreach with deny and one regex_match: what these policies use."""
    assert each["list"] == "request.object.spec.template.spec.containers"
    condition, = each["deny"]["conditions"]["any"]
    pattern, = re.findall(r"^\{\{ regex_match\('(.+)', element\.image\) \}\}$", condition["key"])
    assert condition["operator"] == "Equals" and condition["value"] is True
    return any(re.search(pattern, container["image"]) for container in item["spec"]["template"]["spec"]["containers"])


def refused(policy, namespace, workload):
    rule, = policy["spec"]["rules"]
    resources = rule["match"]["any"][0]["resources"]
    labels = namespace["metadata"]["labels"]
    item = namespace if resources["kinds"] == ["Namespace"] else workload
    if not selects(resources.get("namespaceSelector") or resources.get("selector"), labels):
        return False
    validate = rule["validate"]
    if "foreach" in validate:
        return any(each_is_denied(each, item) for each in validate["foreach"])
    return not fits(validate["pattern"], item)


@pytest.mark.parametrize("case", [case for case in CASES if "kyverno" in case], ids=lambda case: case["name"])
def test_the_kyverno_policies_hold_the_table(case):
    namespace, workload = objects(case)
    got = sorted(policy["metadata"]["name"] for policy in POLICIES if refused(policy, namespace, workload))
    assert got == sorted(case["kyverno"])
    # What Kyverno refuses the Lua policies object to as well, by the same name.
    assert {name.removeprefix("sluice-") for name in got} <= set(case["rules"])


@pytest.mark.skipif(not shutil.which("kyverno"), reason="kyverno is not installed")
@pytest.mark.parametrize("case", [case for case in CASES if "kyverno" in case], ids=lambda case: case["name"])
def test_kyverno_itself_holds_the_table(case, tmp_path):
    namespace, workload = objects(case)
    (tmp_path / "resources.yaml").write_text(yaml.safe_dump_all([namespace, workload]))
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({
        "apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values",
        "namespaceSelector": [{"name": "shop", "labels": namespace["metadata"]["labels"]}]}))
    done = subprocess.run(["kyverno", "apply", ROOT / "deploy/kyverno/sluice-policies.yaml", "--resource", tmp_path / "resources.yaml",
                           "--values-file", tmp_path / "values.yaml", "--policy-report", "--output-format", "json"],
                          capture_output=True, text=True, timeout=120)
    got = set(re.findall(r'"policy":\s*"(sluice-[a-z-]+)"[^}]*"result":\s*"fail"', done.stdout))
    assert sorted(got) == sorted(case["kyverno"]), done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("opa"), reason="opa is not installed")
def test_opa_itself_judges_beside_the_policies(make_server, tmp_path):
    """The shipped rules in a real OPA, asked by Sluice."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with open(tmp_path / "log", "w") as log:
        opa = subprocess.Popen(["opa", "run", "--server", "--addr", f"127.0.0.1:{port}", ROOT / "deploy/opa/sluice.rego"], stdout=log, stderr=log)
    try:
        server = make_server(config="server: {listen: '127.0.0.1:0'}\nstate: ${SLUICE_STATE}\nplugins:\n  policy:\n"
                                    f"    scripts: {ROOT}/scripts/lua/policies\n    opa: {{url: 'http://127.0.0.1:{port}/v1/data/sluice', timeout: 5s}}\n")
        judge = lambda case: server.post("/policies/evaluate", case["input"]).json()
        plain = [case for case in CASES if not case["settings"]]
        wait_until(lambda: not any(one["class"] == "error" for one in judge(plain[0])["results"]), "OPA")
        for case in plain:
            answer = judge(case)
            said = {one["rule"].removeprefix("opa/") for one in answer["results"] if one["rule"].startswith("opa/")}
            assert (answer["decision"], said) == (case["decision"], set(case["rules"])), case["name"]
    finally:
        opa.terminate()
        opa.wait(20)
