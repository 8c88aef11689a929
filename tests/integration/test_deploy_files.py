"""What deploy/ ships and docs/ say, held against the program."""
import os, re, shutil, subprocess

import pytest
import yaml

from conftest import ROOT

DEPLOY = ROOT / "deploy"


def rows(server, name):
    items = server.get("/operations").json()["items"]
    return next(item for item in items if item["name"] == name)["in"]


def test_every_field_of_a_request_is_in_the_guide(shared_server):
    guide = (ROOT / "docs" / "deploy.md").read_text()
    for row in rows(shared_server, "deploy.request"):
        assert f"`{row['name']}`" in guide or f"`{row['name']}." in guide, row["name"]
    fields = next(row for row in rows(shared_server, "deploy.request") if row["name"] == "config")["fields"]
    for row in fields:
        assert f"`config.{row['name']}`" in guide, row["name"]


def test_every_setting_is_in_the_guide(shared_server):
    guide = (ROOT / "docs" / "deploy.md").read_text()
    source = (ROOT / "plugins" / "rollout" / "plugin.c").read_text()
    settings = source[source.index("static const sl_field settings[]"):source.index("static const sl_migration")]
    names = re.findall(r'SL_[A-Z]+\("(\w+)"', settings)
    assert "approval_from" in names
    for name in names:
        assert f"`{name}`" in guide, name


def test_the_containers_configuration_is_valid(shared_server, tmp_path):
    text = (DEPLOY / "docker" / "sluice.yaml").read_text()
    assert "/usr/share/sluice/scripts" in text
    path = tmp_path / "sluice.yaml"
    path.write_text(text.replace("/usr/share/sluice/scripts", str(ROOT / "scripts")))
    shared_server.cli("validate", path, env={"SLUICE_STATE": str(tmp_path)}, check=0)


def test_the_unit_is_one_that_systemd_takes(sluice_program, tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd here")
    unit = tmp_path / "sluice.service"
    unit.write_text((DEPLOY / "systemd" / "sluice.service").read_text()
                    .replace("/usr/bin/sluice", str(sluice_program)))
    run = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True,
                         env={**os.environ, "SYSTEMD_LOG_LEVEL": "warning"})
    complaints = [line for line in run.stderr.splitlines() if "sluice.service" in line]
    assert not complaints, complaints


def test_the_yaml_files_are_read():
    for path in DEPLOY.rglob("*.yaml"):
        assert list(yaml.safe_load_all(path.read_text())), path


def test_kyverno_looks_at_labels_that_the_manifests_carry(shared_server):
    body = {"app_name": "labelled", "environment": "prod", "data_classification": "pii", "exposure": "internal",
            "config": {"image": "a:1", "replicas": 2}}
    made = shared_server.post("/deployments/request", body).json()["manifests"]
    labels = made["namespace"]["metadata"]["labels"]
    text = (DEPLOY / "kyverno" / "sluice-policies.yaml").read_text()
    wanted = set(re.findall(r"(sluice/[a-z-]+)\b(?=:|$)", text, re.M))
    wanted.discard("sluice/registries")  # set by people, on the namespaces whose registries are held to
    assert "sluice/data-classification" in wanted and wanted <= set(labels)


def test_the_examples_name_policies_that_are_shipped():
    shipped = {path.name for path in (ROOT / "scripts" / "lua" / "policies").glob("*.lua")}
    for path in [DEPLOY / "kyverno" / "sluice-policies.yaml", DEPLOY / "opa" / "sluice.rego"]:
        named = set(re.findall(r"scripts/lua/policies/([a-z-]+\.lua)", path.read_text()))
        assert named and named <= shipped, path
