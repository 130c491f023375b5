"""The page below another address, behind a real proxy set up as .github/HOSTING.md says."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests import toys
from tests.browser.conftest import open_page, pixels, settled, until, watched
from tests.browser.pages import served
from tests.browser.test_share import share

TABS = ("sample", "train")
DOCUMENT = (Path(__file__).parents[2] / ".github" / "HOSTING.md").read_text("utf-8")
PAGE = "http://127.0.0.1:7860"
PROXIES = {
    "nginx": """
        daemon off; pid {folder}/pid; error_log {folder}/error.log;
        events {{}}
        http {{
          access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
          fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
          server {{ listen 127.0.0.1:{port};
{block}
          }}
        }}""",
}
COMMANDS = {"nginx": ["-c"]}


def program(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


def block(name: str) -> str:
    """What HOSTING.md has for a proxy."""
    return re.search(rf"```{name}\n(.*?)```", DOCUMENT, re.DOTALL)[1]


@pytest.fixture(scope="module", params=PROXIES)
def address(request, tmp_path_factory) -> Iterator[str]:
    """The page's address, as a browser behind a proxy knows it."""
    name = request.param
    if program(name) is None:
        pytest.skip(f"{name} is not on this machine.")
    models = tmp_path_factory.mktemp("own")
    toys.write(models, "toy")
    arguments = ("--checkpoints", str(models), "--class", "--root-path", "/models")
    with served(*arguments, tabs=TABS) as page:
        folder = tmp_path_factory.mktemp(name)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        text = block(name).replace(PAGE, page).replace(PAGE[7:], page[7:])
        (folder / "conf").write_text(
            PROXIES[name].format(folder=folder, port=port, block=text), "utf-8"
        )
        process = subprocess.Popen([program(name), *COMMANDS[name], str(folder / "conf")])
        try:
            yield _answering(f"http://127.0.0.1:{port}/models", process)
        finally:
            process.terminate()
            process.wait(20)


def _answering(url: str, process: subprocess.Popen, seconds: float = 60) -> str:
    until_then = time.monotonic() + seconds
    while time.monotonic() < until_then and process.poll() is None:
        try:
            urllib.request.urlopen(f"{url}/", timeout=30).read(1)
            return url
        except OSError:
            time.sleep(0.1)  # between two questions whether it answers
    raise RuntimeError(f"The proxy does not answer at {url}.")


# Every request that leaves the path is one to another host for these tests: ``page`` asserts that
# there are none.


def test_the_page_its_pictures_and_its_links_stay_below_the_path(page, address):
    open_page(page, f"{address}/?tab=sample&sample.seed=3")
    settled(page, ".ge-panel-sample", "seed 3")
    before = pixels(page, ".ge-image-grid canvas")
    page.get_by_role("button", name="Sample again").click()
    settled(page, ".ge-panel-sample", "seed 4")
    until(page, lambda: pixels(page, ".ge-image-grid canvas") != before)
    page.wait_for_function("() => location.search.includes('sample.seed=4')")
    assert page.url.startswith(f"{address}/?")
    assert page.evaluate("GE.link()").startswith(f"{address}/?")
    tour = page.evaluate("GE.link('tour=density&station=2')")
    assert tour == f"{address}/?tour=density&station=2"
    # A link is the state again, also without the slash that a person leaves out.
    open_page(page, page.url.replace("/models/?", "/models?"))
    settled(page, ".ge-panel-sample", "seed 4")
    page.evaluate("GE.go('train')")
    page.wait_for_function("() => location.search.includes('tab=train')")
    page.go_back()
    page.wait_for_selector(".ge-panel-sample .ge-image-grid canvas", state="visible")
    with page.expect_download() as archive:
        page.get_by_role("button", name="Save all as ZIP").click()
    assert archive.value.path().stat().st_size > 1000


def test_the_words_of_another_language_come_from_below_the_path(page, address):
    open_page(page, f"{address}/?lang=de")
    page.wait_for_function("() => document.documentElement.lang === 'de'")
    page.get_by_role("button", name="Teilen").wait_for()


def test_a_class_answers_below_the_path(page, browser, address):
    context = browser.new_context(java_script_enabled=False)
    phone = context.new_page()
    with watched(phone, address) as seen:
        open_page(page, f"{address}/")
        share(page, "Ask the class")
        page.get_by_label("Question").fill("Which is larger?")
        page.get_by_label("Answers, one a line").fill("This\nThat")
        page.get_by_role("button", name="Ask", exact=True).click()
        page.locator(".ge-class-watch strong").wait_for()
        told = page.locator(".place").inner_text()
        assert f"{address.partition('//')[2]}/class" in told
        phone.goto(f"{address}/class")
        phone.get_by_label("Code on the projector").fill(
            page.locator(".ge-class-watch strong").inner_text()
        )
        phone.get_by_role("button").click()
        phone.get_by_role("button", name="That").click()
        phone.get_by_text("Sent. You can change it.").wait_for()
        page.wait_for_function(
            "() => [...document.querySelectorAll('.ge-class-watch li b')]"
            ".map(b => b.textContent).join() === '0,1'"
        )
        phone.get_by_role("link", name="Another question").click()
        phone.get_by_label("Code on the projector").wait_for()
        context.close()
    assert seen.foreign == [] and seen.errors == []


def test_the_model_on_screen_is_taken_home(page, address):
    open_page(page, f"{address}/?tab=sample")
    there = page.evaluate("new URL('take-home/toy', document.baseURI).href")
    assert there == f"{address}/take-home/toy"
    asked = page.request.get(there).status
    assert asked == 422, "a toy cannot be exported, and it is this server that says so"


def test_pictures_go_up_a_run_is_watched_and_its_model_comes_down(page, address, tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for k in range(16):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / f"{k}.png")
    page.set_default_timeout(240_000)  # a process is started, and others may share two cores
    open_page(page, f"{address}/?tab=train&train.family=vae")
    page.click(".ge-choices [data-key=own]")
    files = sorted(map(str, tmp_path.iterdir()))
    page.set_input_files("#train-files input[type=file]", files)
    settled(page, ".ge-panel-train", "16 pictures")
    page.click("#train-start")
    stage = ".ge-panel-train .ge-stage"
    until(page, lambda: len(set(pixels(page, f"{stage} .ge-film canvas"))) == 3, 200)
    page.click("#train-stop")
    settled(page, stage, "Stopped at step")
    page.get_by_role("button", name="Your models").click()
    with page.expect_download() as model:
        page.click("#train-save")
    assert model.value.path().stat().st_size > 1000
