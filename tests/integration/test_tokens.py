"""Tokens: made, used, limited, revoked; never stored in the clear."""
import sqlite3

from conftest import wait_until


def test_a_token_has_its_permissions_and_no_more(sluice):
    made = sluice.post("/tokens", {"name": "ci", "permissions": "risk:read token:read"})
    assert made.status == 201
    token = made.json()["token"]
    assert sluice.get("/tokens", token=token).status == 200
    denied = sluice.post("/tokens", {"name": "more", "permissions": "risk:read"}, token=token)
    assert denied.status == 403 and "token:write" in denied.json()["detail"]
    assert sluice.get("/deployments", token=token).status == 403


def test_nobody_grants_what_he_does_not_have(sluice):
    maker = sluice.post("/tokens", {"name": "maker", "permissions": "token:* risk:read"}).json()["token"]
    answer = sluice.post("/tokens", {"name": "big", "permissions": "risk:read deploy:write"}, token=maker)
    assert answer.status == 403 and "deploy:write" in answer.json()["detail"]
    assert sluice.post("/tokens", {"name": "small", "permissions": "risk:read"}, token=maker).status == 201


def test_a_revoked_token_is_refused_at_once(sluice):
    token = sluice.post("/tokens", {"name": "gone", "permissions": "*"}).json()["token"]
    assert sluice.get("/whoami", token=token).json()["actor"] == "token:gone"
    assert sluice.request("DELETE", "/tokens/gone").status == 200
    assert sluice.get("/whoami", token=token).status == 401
    assert sluice.request("DELETE", "/tokens/gone").status == 404


def test_a_token_expires(sluice):
    token = sluice.post("/tokens", {"name": "brief", "permissions": "*", "expires_in": "1s"}).json()["token"]
    wait_until(lambda: sluice.get("/whoami", token=token).status == 401, "expiry")


def test_names_are_unique(sluice):
    assert sluice.post("/tokens", {"name": "one", "permissions": "risk:read"}).status == 201
    again = sluice.post("/tokens", {"name": "one", "permissions": "risk:read"})
    assert again.status == 409 and "'one' exists already" in again.json()["detail"]


def test_a_repeated_request_makes_no_second_token_and_does_not_show_the_first(sluice):
    key = {"Idempotency-Key": "make-ci"}
    body = {"name": "ci", "permissions": "risk:read"}
    first = sluice.post("/tokens", body, headers=key)
    second = sluice.post("/tokens", body, headers=key)
    assert first.status == second.status == 201
    assert second.json() == {k: v for k, v in first.json().items() if k != "token"}
    assert len([t for t in sluice.get("/tokens").json()["items"] if t["name"] == "ci"]) == 1


def test_no_token_is_in_the_database_or_the_log(sluice):
    token = sluice.post("/tokens", {"name": "ci", "permissions": "risk:read"},
                        headers={"Idempotency-Key": "k"}).json()["token"]
    sluice.get("/whoami", token=token)
    sluice.stop()
    dump = "\n".join(sqlite3.connect(sluice.state / "sluice.db").iterdump())
    assert token not in dump and sluice.token not in dump
    assert token not in sluice.logs() and sluice.token not in sluice.logs()
