"""The supervisor: readiness, replacing a dead worker, reload as a transaction, drain."""
import os, signal, stat, subprocess, threading

import pytest

from conftest import BUILD, PATIENCE, ROOT, Server, wait_until


def test_first_start_writes_an_admin_token_that_only_the_owner_reads(sluice):
    path = sluice.state / "admin.token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sluice.get("/whoami").json()["actor"] == "token:admin"
    assert sluice.get("/whoami", token=False).status == 401
    assert sluice.get("/whoami", token="slk_" + "0" * 48).status == 401


def test_the_token_survives_a_restart(sluice):
    token = sluice.token
    sluice.restart()
    assert sluice.token == token
    assert sluice.get("/whoami").status == 200


def test_a_dead_worker_is_replaced_while_connections_wait(sluice):
    before = sluice.workers()
    sluice.kill_worker()
    assert sluice.get("/healthz").status == 200
    after = sluice.workers()
    assert after and after != before


def test_reload_with_a_broken_configuration_keeps_the_old_workers(make_server):
    text = (ROOT / "config" / "sluice.yaml").read_text().replace("../scripts", str(ROOT / "scripts"))
    server = make_server(config=text)
    before = server.workers()
    server.config.write_text(text + "\nservr: {}\n")
    server.proc.send_signal(signal.SIGHUP)
    wait_until(lambda: "did you mean 'server'" in server.logs(), "the fault in the log")
    wait_until(lambda: "the old workers go on" in server.logs(), "the line that says so")
    assert server.workers() == before
    assert server.get("/healthz").status == 200


def test_reload_under_load_fails_no_request(make_server):
    text = (ROOT / "config" / "sluice.yaml").read_text().replace("../scripts", str(ROOT / "scripts"))
    server = make_server(config=text)
    stop, failures, count = threading.Event(), [], [0]

    def load():
        while not stop.is_set():
            try:
                answer = server.get("/whoami")
                count[0] += 1
                if answer.status != 200:
                    failures.append(answer)
            except OSError as error:
                failures.append(error)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(3):
        before = set(server.workers())
        server.proc.send_signal(signal.SIGHUP)
        wait_until(lambda: server.workers() and not before & set(server.workers()), "new workers")
    stop.set()
    for thread in threads:
        thread.join()
    assert count[0] > 0 and failures == []


def test_sigterm_drains_and_ends_cleanly(sluice):
    assert sluice.stop() == 0
    assert not (sluice.state / "sluice.addr").exists()


def test_a_port_that_is_taken_is_said(make_server, sluice):
    other = make_server(env={"SLUICE_PORT": str(sluice.port)}, wait=False)
    assert other.proc.wait(PATIENCE) == 1
    assert "cannot listen on" in other.logs() and "SLUICE_PORT" in other.logs()


def test_a_configuration_that_is_wrong_ends_with_3(make_server):
    server = make_server(config="server: {listn: 'x'}\n", wait=False)
    assert server.proc.wait(PATIENCE) == 3
    assert "did you mean 'listen'" in server.logs()


@pytest.fixture
def bare_server():
    """`sluice serve` without -c in a folder without any configuration."""
    for place in ("/etc/sluice/sluice.yaml", "/usr/local/share/sluice/config/sluice.yaml",
                  "/usr/share/sluice/config/sluice.yaml"):
        if os.path.exists(place):
            pytest.skip(f"{place} is there, and would be taken")
    server = BareServer(env={"SLUICE_CONFIG": ""})
    yield server
    server.close()


class BareServer(Server):
    def start(self, wait=True):
        with open(self.log, "ab") as log:
            self.proc = subprocess.Popen([BUILD / "sluice", "serve"], env=self.env, cwd=self.folder,
                                         stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.wait_ready()


def test_without_any_file_the_built_in_configuration_serves(bare_server):
    assert bare_server.get("/healthz").status == 200
    assert bare_server.logs().count("there is no configuration file: the built-in one is in use") == 1
    bare_server.kill_worker()
    wait_until(lambda: bare_server.get("/whoami").status == 200, "a new worker with the same configuration")
    (bare_server.folder / "sluice.yaml").write_text("log: {level: debug}\n")
    before = set(bare_server.workers())
    bare_server.proc.send_signal(signal.SIGHUP)
    wait_until(lambda: "the new configuration is in use" in bare_server.logs(), "the reload")
    wait_until(lambda: not before & set(bare_server.workers()), "new workers")
    assert bare_server.get("/config").json()["file"].endswith("share/sluice/config/sluice.yaml")


def test_a_file_that_is_named_must_be_there(sluice_program, tmp_path):
    for named in (["-c", "missing.yaml"], []):
        environment = {**os.environ, "SLUICE_CONFIG": "missing.yaml"}
        run = subprocess.run([sluice_program, "serve", *named], cwd=tmp_path, env=environment,
                             capture_output=True, text=True, timeout=PATIENCE)
        assert run.returncode == 3 and "missing.yaml" in run.stderr and "built-in" not in run.stderr


def test_two_crashes_in_a_row_lose_no_port(sluice):
    for _ in range(3):
        sluice.kill_worker()
        assert sluice.get("/healthz").status == 200
        wait_until(lambda: len(sluice.workers()) == 1, "one worker")
    assert os.path.exists(sluice.state / "sluice.db")
