"""/docs in a real browser: the token is typed, "Try it" of a reading operation is used, its answer seen.

Headless Chromium (Debian package chromium), spoken to by the DevTools protocol over a pipe: messages of
JSON that end with NUL, on descriptors 3 (to the browser) and 4 (from it). Skipped without Chromium.
"""
import json, os, pathlib, select, shutil, signal, subprocess, sys, tempfile, time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
from conftest import PATIENCE, Server # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium: apt-get install chromium")


class Browser:
    """One page of a headless Chromium; .faults are what the log calls errors since open(),
    those of the Content-Security-Policy included."""

    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="sluice-browser-")
        to_browser, self.to = os.pipe()
        self.come, from_browser = os.pipe()
        # No sandbox: root may not have one, and the only page is our own.
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                   "--no-first-run", "--disable-background-networking", "--disable-extensions",
                   f"--user-data-dir={self.profile}", "--remote-debugging-pipe", "about:blank"]
        # The shell gives the pipes their numbers; first to high ones, lest one overwrites the other.
        script = f'exec 13<&{to_browser} 14>&{from_browser} 3<&13 4>&14 13<&- 14>&-; exec "$@"'
        self.process = subprocess.Popen(["bash", "-c", script, "browser", *command],
                                        pass_fds=(to_browser, from_browser), start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.number, self.unread, self.faults, self.session = 0, b"", [], None

    def attach(self):
        page = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.ask(f"{domain}.enable")

    def message(self, until):
        while b"\0" not in self.unread:
            ready, _, _ = select.select([self.come], [], [], max(0, until - time.monotonic()))
            assert ready, "the browser says nothing"
            piece = os.read(self.come, 1 << 16)
            assert piece, f"the browser ended: {self.process.wait(PATIENCE)}"
            self.unread += piece
        text, self.unread = self.unread.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self.message(until)
            if answer.get("method") == "Runtime.exceptionThrown":
                self.faults.append(answer["params"]["exceptionDetails"])
            if answer.get("method") == "Log.entryAdded" and answer["params"]["entry"]["level"] == "error":
                self.faults.append(answer["params"]["entry"])
            if answer.get("id") == self.number:
                assert "error" not in answer, (method, answer)
                return answer["result"]

    def value(self, script):
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, (script, answer["exceptionDetails"])
        return answer["result"].get("value")

    def wait(self, script):
        until = time.monotonic() + PATIENCE
        while not (value := self.value(script)):
            assert time.monotonic() < until, f"{script} did not come true"
            time.sleep(0.02)
        return value

    def open(self, url):
        self.faults.clear()
        self.ask("Page.navigate", url=url)
        self.wait(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def click(self, element):
        """A press of the mouse where the element is seen, so that one which is covered does not count."""
        spot = self.value(f"(() => {{ const e = {element}; e.scrollIntoView({{block: 'center'}});"
                          " const r = e.getBoundingClientRect();"
                          " return {x: r.x + r.width / 2, y: r.y + r.height / 2}; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, button="left", clickCount=1, **spot)

    def type(self, element, text):
        self.click(element)
        self.ask("Input.insertText", text=text)

    def close(self):
        os.close(self.to)
        os.close(self.come)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait(PATIENCE)
        shutil.rmtree(self.profile, ignore_errors=True)


@pytest.fixture(scope="module")
def server():
    started = Server()
    yield started
    started.close()


@pytest.fixture(scope="module")
def browser():
    started = Browser()
    try:
        started.attach()
        yield started
    finally:
        started.close()


WHOAMI = "document.querySelector('section.op[data-path=\"/whoami\"]')"
SEND = f"{WHOAMI}.querySelector('form button')"
SHOWN = f"{WHOAMI}.querySelector('form pre').textContent"


def test_try_it_answers_with_the_token_that_was_typed(server, browser):
    browser.open(server.url + "/docs")
    browser.click(f"{WHOAMI}.querySelector('button[aria-label^=\"Try \"]')")
    browser.click(SEND)
    assert browser.wait(f"/^\\d/.test({SHOWN}) && {SHOWN}").startswith("401 ")
    # The refusal is also in the browser's log; nothing else may be.
    assert [fault.get("source") for fault in browser.faults] == ["network"], browser.faults
    browser.type("document.querySelector('#tools input[type=password]')", server.token)
    browser.click(SEND)
    text = browser.wait(f"/^200 /.test({SHOWN}) && {SHOWN}")
    status, body = text.split("\n\n", 1)
    assert status == "200 OK" and json.loads(body)["actor"] == "token:admin"
    assert len(browser.faults) == 1, browser.faults


def test_the_filter_leaves_what_has_the_words(server, browser):
    browser.open(server.url + "/docs")
    seen = "document.querySelectorAll('section.op:not([hidden])')"
    before = browser.value(f"{seen}.length")
    browser.type("document.querySelector('#tools input[type=search]')", "whoami")
    browser.wait(f"{seen}.length < {before}")
    assert browser.value(f"[...{seen}].every(e => e.textContent.toLowerCase().includes('whoami'))")
    assert browser.value(f"[...{seen}].includes({WHOAMI})")
    assert not browser.faults, browser.faults
