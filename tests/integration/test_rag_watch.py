"""Folders of the configuration are kept in step."""
import os, subprocess

from conftest import BUILD, wait_until
from test_rag import DISK, QUEUE, documents

CONFIG = """
server: {{listen: "127.0.0.1:0"}}
state: ${{SLUICE_STATE}}
plugins:
  rag:
    watch: [{{folder: "{folder}", collection: books, labels: [team=web], every: 2s}}]
"""


def listed(server):
    return {d["source"] for d in server.get("/rag/documents").json()["items"]}


def test_folder_is_watched(make_server, tmp_path):
    books = tmp_path / "books"
    books.mkdir()
    (books / "disk.md").write_text(DISK)
    subprocess.run(["git", "init", "-q", books], check=True)
    server = make_server(config=CONFIG.format(folder=books))
    wait_until(lambda: listed(server) == {"books/disk.md"}, "the first look")
    assert documents(server, "journalctl", labels=["team=web"]) [0] == "books/disk.md"
    (books / "queue.md").write_text(QUEUE)
    (books / "bad.md").write_bytes(b"\xff")
    (books / "link.md").symlink_to("/etc/hostname")
    wait_until(lambda: "books/queue.md" in listed(server), "the added file")
    (books / "disk.md").unlink()
    wait_until(lambda: listed(server) == {"books/queue.md"}, "the removed file")
    assert "bad.md" in server.logs() and "UTF-8" in server.logs()


def test_two_folders_of_one_collection_are_refused(tmp_path):
    text = CONFIG.format(folder=tmp_path)
    entry = f'{{folder: "{tmp_path}", collection: books}}'
    file = tmp_path / "sluice.yaml"
    file.write_text(text.split("watch:")[0] + f"watch: [{entry}, {entry}]\n")
    run = subprocess.run([BUILD / "sluice", "validate", file], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "SLUICE_STATE": str(tmp_path)})
    assert run.returncode != 0 and "collection 'books' too" in run.stdout + run.stderr
