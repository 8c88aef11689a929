"""`sluice rag ingest|search|answer`."""
import json, os, pty, subprocess

import pytest

from conftest import BUILD, ROOT
from test_rag import DISK, QUEUE, documents


def folder(tmp_path):
    (tmp_path / "books" / "deep").mkdir(parents=True)
    (tmp_path / "books" / "disk.md").write_text(DISK)
    (tmp_path / "books" / "deep" / "queue.md").write_text(QUEUE)
    (tmp_path / "books" / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "books" / ".hidden.md").write_text("hidden")
    return tmp_path / "books"


def ingest(server, *args, check=0, **more):
    return json.loads(server.cli("rag", "ingest", *args, "--json", check=check, **more).stdout)


def test_folder_is_kept_in_step(sluice, tmp_path):
    books = folder(tmp_path)
    told = ingest(sluice, books, "--label", "team=web")
    assert (told["added"], told["skipped"], told["collection"]) == (2, 1, "books")
    assert documents(sluice, "rebalance", labels=["team=web", "collection=books"])[0] == "books/deep/queue.md"
    assert ingest(sluice, books, "--label", "team=web")["unchanged"] == 2
    (books / "disk.md").write_text(DISK + "\nMore.\n")
    (books / "deep" / "queue.md").unlink()
    (books / "new.txt").write_text("Proxy\n=====\n\nReload it.\n")
    told = ingest(sluice, books, "--label", "team=web")
    assert (told["added"], told["changed"], told["removed"]) == (1, 1, 1)
    assert "books/deep/queue.md" not in documents(sluice, "rebalance")
    assert sluice.cli("rag", "ingest", books, check=0).stdout.startswith("0 added, 2 changed")


def test_failures_have_reasons_and_stop_nobody(sluice, tmp_path):
    books = folder(tmp_path)
    (books / "bad.md").write_bytes(b"\xff")
    (books / "bad.yaml").write_text("a: [\n")
    (books / "huge.txt").write_text("x" * (8 * 1024 * 1024 + 1))
    run = sluice.cli("rag", "ingest", books, check=3)
    assert "2 added" in run.stdout and "3 failed" in run.stdout
    for why in ("no UTF-8", "larger than 8 MiB", "YAML cannot be read"):
        assert why in run.stdout


def test_standard_input_and_files(sluice, tmp_path):
    assert ingest(sluice, "-", "--source", "std.md", "--title", "From a pipe", input=QUEUE)["added"] == 1
    assert sluice.get("/rag/documents").json()["items"][0]["title"] == "From a pipe"
    assert "--source" in sluice.cli("rag", "ingest", "-", input="x", check=2).stderr
    assert "cannot read" in sluice.cli("rag", "ingest", tmp_path / "none.md", check=4).stderr


def test_search_and_answer_read_well(sluice):
    assert ingest(sluice, ROOT / "config" / "runbooks")["failed"] == 0
    found = sluice.cli("rag", "search", "pod", "crash", "looping", check=0).stdout
    assert "runbooks/pod-crash-looping.md:" in found and "Pod crash looping" in found
    assert len(json.loads(sluice.cli("rag", "search", "disk", "-k", "2", "--json", check=0).stdout)["passages"]) == 2
    told = sluice.cli("rag", "answer", "how do I fix a node disk that is full?", check=0).stdout
    assert "[1]" in told and "runbooks/node-disk-full.md:" in told
    none = sluice.cli("rag", "answer", "who won the football championship?", check=0).stdout
    assert none.startswith("The documents do not say.")


def test_bar_on_a_terminal(sluice, tmp_path):
    master, slave = pty.openpty()
    env = {**os.environ, "SLUICE_ADDR": sluice.url, "SLUICE_TOKEN": sluice.token}
    run = subprocess.run([BUILD / "sluice", "rag", "ingest", folder(tmp_path)], env=env, stderr=slave,
                         stdout=subprocess.PIPE, timeout=60)
    os.close(slave)
    shown = os.read(master, 65536).decode()
    assert run.returncode == 0 and "of 2" in shown and "[#" in shown
