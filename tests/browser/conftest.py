"""A real page in a real browser: the server runs in a process of its own, with toy models."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Error

from tests import toys
from tests.browser import chromium
from tests.browser.pages import served

ROOT = Path(__file__).parents[2]


def pytest_addoption(parser) -> None:
    parser.addoption(
        "--latency",
        type=int,
        default=0,
        help="milliseconds that each answer of a page takes longer: what passes by a quick machine "
        "alone fails",
    )


# What Gradio writes to the console when a page is left, or loaded anew, while it is being answered.
LEFT = re.compile("signal is aborted without reason|Connection errored out")


@dataclass
class Seen:
    """What a page did besides showing itself."""

    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> Path:
    """A folder of toy models: grey, class-conditional, colour, and one that only encodes."""
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy-digits")
    toys.write(folder, "toy-classes", data="fashion-mnist", num_classes=10)
    toys.write(folder, "toy-colour", data="shapes", image=(3, 32, 32))
    toys.write(folder, "toy-reader", family="reader", data="digits")
    return folder


@pytest.fixture(scope="module")
def address(request, tmp_path_factory) -> Iterator[str]:
    """A page of the models that the module's ``write_models(folder)`` writes; of the toy models
    where it has no such function. It has the module's ``TABS``, or all tabs."""
    if write := getattr(request.module, "write_models", None):
        folder = tmp_path_factory.mktemp("own")
        write(folder)
    else:
        folder = request.getfixturevalue("models")
    with served("--checkpoints", str(folder), tabs=getattr(request.module, "TABS", ())) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    path = chromium.find()
    if path is None:
        pytest.fail("There is no Chromium; run 'python -m tests.browser.chromium'.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        yield browser
        browser.close()


# Seconds after which a test is ended by force: what is asked of a page has no patience of its own,
# and a page that is being left or loaded may never answer.
ENOUGH = 600
PROC = Path("/proc")


def end_pages() -> None:
    """Kills the browser's pages of this process, so that whoever waits for one is told."""
    parents, pages = {}, []
    for folder in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            pid = int(folder.name)
            parents[pid] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if b"--type=renderer" in (folder / "cmdline").read_bytes():
                pages.append(pid)
    for pid in pages:
        above = pid
        while (above := parents.get(above, 0)) not in (0, os.getpid()):
            pass
        if above:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    timer = threading.Timer(ENOUGH, end_pages)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


WINDOW = {"width": 1440, "height": 900}
# Milliseconds that a page may let one wait: others may share two cores with it.
PATIENCE = 180_000


class Kept:
    """One page for all tests: Chromium has compiled what it shows after the first, and opens it
    three times as quickly. After a test that failed there is another."""

    def __init__(self, browser) -> None:
        self.browser, self.page = browser, None

    def fresh(self):
        if self.page is not None:
            try:
                self.page.evaluate("() => 0")
            except Error:  # it was ended by force
                self.close()
        if self.page is None:
            self.page = self.browser.new_context(viewport=WINDOW).new_page()
            self.page.set_default_timeout(PATIENCE)
        self.page.set_viewport_size(WINDOW)
        return self.page

    def tidy(self) -> None:
        """Leaves nothing of a test to the next."""
        page = self.page
        for other in page.context.pages:
            if other is not page:
                other.close()
        page.unroute_all()
        none = "null"  # what the browser itself has
        page.emulate_media(media=none, reduced_motion=none, color_scheme=none, forced_colors=none)
        page.context.clear_cookies()
        page.context.clear_permissions()
        if page.url.startswith("http"):
            page.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
        page.goto("about:blank")
        page.mouse.move(0, 0)

    def close(self) -> None:
        if self.page is not None:
            self.page.context.close()
            self.page = None


@pytest.fixture(scope="session")
def kept(browser) -> Iterator[Kept]:
    kept = Kept(browser)
    yield kept
    kept.close()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture
def page(request, kept, address):
    """A page that shows nothing yet. After the test: no error in the console, no request to
    another host."""
    page = kept.fresh()
    if latency := request.config.getoption("latency", 0):
        slow_down(page, latency)
    with watched(page, address) as seen:
        yield page
        if request.node.stash.get(FAILED, False):
            kept.close()
        else:
            kept.tidy()
    if seen.errors or seen.foreign:
        kept.close()
    assert seen.errors == []
    assert seen.foreign == []


def slow_down(page, latency: int) -> None:
    slow = {"offline": False, "latency": latency, "downloadThroughput": -1, "uploadThroughput": -1}
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.emulateNetworkConditions", slow)


@pytest.fixture
def own_page(browser, address):
    """A page of a context of its own, for what would stay with a page that is kept."""
    page = browser.new_context(viewport=WINDOW).new_page()
    page.set_default_timeout(PATIENCE)
    with watched(page, address) as seen:
        yield page
        page.context.close()
    assert seen.errors == []
    assert seen.foreign == []


@contextlib.contextmanager
def watched(page, address: str) -> Iterator[Seen]:
    """What the page does within it besides showing itself."""
    seen, known = Seen(), (address, address.replace("http", "ws"), "data:", "blob:", "about:")

    def fault(error) -> None:
        seen.errors.append(str(error))

    def message(said) -> None:
        if said.type == "error" and not LEFT.search(said.text):
            seen.errors.append(said.text)

    def request(asked) -> None:
        if not asked.url.startswith(known):
            seen.foreign.append(asked.url)

    listeners = {"pageerror": fault, "console": message, "request": request}
    for event, heard in listeners.items():
        page.on(event, heard)
    try:
        yield seen
    finally:
        for event, heard in listeners.items():
            page.remove_listener(event, heard)


# The Sample tab, where it is on screen, has its first pictures, or says why not.
GREETS = """() => [...document.querySelectorAll('.ge-panel-sample')].every(panel =>
  !panel.querySelector('.cells')?.offsetParent || panel.querySelector('.cells canvas')
    || panel.querySelector('.ge-status[data-kind=problem]'))"""


def open_page(page, url: str) -> None:
    """Opens an address and waits until the page has taken its state from it, and its first pictures
    are there: they come after."""
    page.goto(url)
    page.wait_for_selector("body[data-ge=open]")
    page.wait_for_function(GREETS)


def choose(page, name: str) -> None:
    """Chooses a model as a person does: the picker, its family, the model."""
    card = f".ge-picker .models [data-name='{name}']"
    page.click(".ge-picker .open")
    page.wait_for_selector(".ge-picker .panel", state="visible")
    family = page.get_attribute(card, "data-family")
    page.click(f".ge-picker [role=radio][data-family='{family}']:not([data-name])")
    page.click(card)


def settled(page, part: str, text: str) -> None:
    """Waits until a status of the part, a selector, says the text."""
    page.wait_for_function(
        """([part, text]) => [...document.querySelectorAll(part + ' .ge-status p')]
             .some(p => p.textContent.includes(text))""",
        arg=[part, text],
    )


def seek(page, player: str, k: int, caption: str | None = None) -> None:
    """Puts the playhead of a player on a frame, which pauses it; waits for the first film's words
    on that frame where they are given."""
    page.eval_on_selector(
        f"{player} input[type=range]",
        "(r, k) => { r.value = k; r.dispatchEvent(new Event('input', { bubbles: true })); }",
        k,
    )
    if caption is not None:
        page.wait_for_function(
            "([player, text]) => document.querySelector(`${player} figure p`).textContent === text",
            arg=[player, caption],
        )


def pixels(page, selector: str) -> list[int]:
    """A checksum of each canvas that the selector finds, as soon as it finds any: a page is open
    before its first pictures have come."""
    page.wait_for_selector(selector, state="attached")
    return page.eval_on_selector_all(
        selector,
        """canvases => canvases.map(c => {
             const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;
             let h = 7; for (const v of d) h = (h * 31 + v) % 1000000007; return h; })""",
    )


def until(page, holds, seconds: float = PATIENCE / 1000) -> None:
    """Waits until ``holds()`` is true, looking ten times a second; fails if it never is.

    A canvas that is being drawn anew is gone for a moment: an index into what ``pixels`` found
    then says "not yet", not "never".
    """

    def true() -> bool:
        try:
            return holds()
        except (IndexError, ValueError):  # as zip(strict=True) has it
            return False

    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "what was waited for did not happen"
        page.wait_for_timeout(100)  # between two looks


# No answer is awaited on screen, nothing moves to an end, and for ten frames nothing has come or
# grown. What goes on for ever is no reason to wait for it.
REST = """async () => {
  const moves = a => a.playState === 'running' && a.effect?.getComputedTiming().endTime < Infinity;
  const { documentElement: root } = document, all = document.getElementsByTagName('*');
  const end = performance.now() + 5000;
  for (let before = '', same = 0; same < 10 && performance.now() < end; ) {
    await new Promise(requestAnimationFrame);
    const now = [root.scrollWidth, root.scrollHeight, all.length].join();
    const busy = !(window.GE?.calm?.() ?? true) || document.getAnimations().some(moves);
    same = now === before && !busy ? same + 1 : 0;
    before = now;
  }
}"""


def rest(page) -> None:
    """Waits until the page has come to rest."""
    page.evaluate(REST)


SIZES = ((390, 844), (1024, 768), (1440, 900))  # a phone, a projector, a laptop


def every_window(page) -> Iterator[tuple[int, int]]:
    """Gives the page the width and height of each kind of screen, where it must come to fit."""

    def width_of_all() -> int:
        return page.evaluate("document.documentElement.scrollWidth")

    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        until(page, lambda width=width: width_of_all() <= width, 20)
        rest(page)
        yield width, height


def serious_findings(page) -> list[tuple[str, str]]:
    """What axe finds fault with on the page as it stands: (rule, the element's HTML)."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        (found["id"], node["html"][:200])
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
        for node in found["nodes"]
    ]


def assert_no_serious_findings(page, seconds: float = 20) -> None:
    """Axe finds nothing serious, at the latest when colours have changed and pictures come."""
    end = time.monotonic() + seconds
    while (found := serious_findings(page)) and time.monotonic() < end:
        page.wait_for_timeout(500)  # between two searches, each of which takes as long
    assert found == []
