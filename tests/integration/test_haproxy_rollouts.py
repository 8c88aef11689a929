"""Whole rollouts through a real HAProxy with real traffic: a good version is promoted, one that turns bad is rolled
back before many have seen it, and a kill -9 of Sluice in any step changes neither."""
import json, threading, time

import pytest

from conftest import ROOT, Server, wait_until
from test_haproxy import Haproxy, pytestmark, shop  # noqa: F401  (fixtures)

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  risk:
  policy: {{scripts: {policies}}}
  rollout:
    driver: haproxy
    look: 1s
    haproxy: {{socket: {socket}, backend: shop, stable: ["blue*"], canary: ["green*"]}}
"""


class Traffic:
    """Requests through HAProxy by several threads, until it is stopped."""

    def __init__(self, haproxy, threads=4):
        self.haproxy, self.going, self.answers = haproxy, True, []
        self.threads = [threading.Thread(target=self.run, daemon=True) for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def run(self):
        import http.client
        link = http.client.HTTPConnection("127.0.0.1", self.haproxy.port, timeout=10)
        while self.going:
            try:
                link.request("GET", "/")
                reply = link.getresponse()
                self.answers.append((time.monotonic(), reply.status, reply.read().decode()))
            except (OSError, http.client.HTTPException):
                self.answers.append((time.monotonic(), 0, ""))
                link.close()
            time.sleep(0.002)

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()
        return self.answers


def manifest(steps):
    return json.dumps({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "shop"},
                       "spec": {"replicas": 2, "strategy": {"canary": {"steps": steps}},
                                "template": {"spec": {"containers": [{"name": "app", "image": "registry.internal/shop:2"}]}}}})


@pytest.fixture
def sluice(shop):  # noqa: F811
    server = Server(config=CONFIG.format(policies=ROOT / "scripts/lua/policies", socket=shop.socket))
    yield server
    server.close()


def start(server, steps):
    answer = server.post("/rollouts/import", {"manifest": manifest(steps)})
    assert answer.status == 200, answer
    return answer.json()["id"]


def get(server, run):
    return server.get(f"/rollouts/{run}").json()


STEPS = [{"setWeight": 20}, {"pause": {"duration": 1}}, {"setWeight": 50}, {"pause": {"duration": 1}}]


@pytest.mark.plain  # the time that it takes is part of the promise
def test_one_that_turns_bad_is_rolled_back_before_many_see_it(shop, sluice):  # noqa: F811
    traffic = Traffic(shop)
    run = start(sluice, [{"setWeight": 5}, {"pause": {}}])
    wait_until(lambda: sum(who == "green1" for _, _, who in list(traffic.answers)) > 60, "traffic to the new version")
    time.sleep(2)
    bad_from = time.monotonic()
    shop.backends["green1"].status = 500
    wait_until(lambda: shop.weights()["green1"] == 0, "the way back")
    took = time.monotonic() - bad_from
    wait_until(lambda: get(sluice, run)["phase"] not in ("Progressing", "Paused", "Held", "Aborting"), f"{get(sluice, run)}")
    answers = traffic.stop()
    bad = sum(status != 200 for _, status, _ in answers)
    explained = sluice.get(f"/rollouts/{run}/explain").json()
    print(f"{took:.2f} s, {bad} of {len(answers)} requests", get(sluice, run)["phase"])
    assert took <= 2 * 1.0 + 0.5, "two looks of one second"
    assert 0 < bad <= 0.01 * len(answers), f"{bad} of {len(answers)}"
    assert "worse than allowed" in json.dumps(explained) or "CanaryJudge" in json.dumps(explained), explained
    assert {who for at, _, who in answers if at > bad_from + took + 0.5} <= {"blue1", "blue2"}


def test_kill_9_in_every_step(shop, sluice):  # noqa: F811
    """A good version is promoted all the same: the rollout goes on where it was, and the traffic notices nothing."""
    traffic = Traffic(shop)
    run = start(sluice, STEPS)
    killed = set()

    def go_on():
        seen = get(sluice, run)
        where = (seen["phase"], seen.get("step"), shop.weights()["green1"])
        if where not in killed and seen["phase"] != "Promoted":
            killed.add(where)
            sluice.kill()
            sluice.start()
        return seen["phase"] == "Promoted"

    wait_until(go_on, f"the promotion: {get(sluice, run)}")
    wait_until(lambda: shop.weights() == {"blue1": 0, "blue2": 0, "green1": 100}, f"the switch: {shop.weights()}")
    assert len(killed) >= 4, killed
    answers = traffic.stop()
    assert all(status == 200 for _, status, _ in answers) and answers[-1][2] == "green1"


def test_haproxy_restarts_in_the_middle(shop, sluice):  # noqa: F811
    traffic = Traffic(shop)
    run = start(sluice, [{"setWeight": 30}, {"pause": {}}])
    wait_until(lambda: shop.weights()["green1"] > 0, "the first weight")
    before = shop.weights()
    shop.restart()
    wait_until(lambda: shop.weights() == before, "the weights that were")
    assert sluice.post(f"/rollouts/{run}/abort", {"reason": "enough seen"}).status == 200
    wait_until(lambda: shop.weights()["green1"] == 0, "the abort")
    traffic.stop()
