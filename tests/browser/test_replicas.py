"""Two pages behind a real haproxy: each visitor stays with one, and goes on with the other where
that one is killed."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from email.message import Message
from http.cookies import SimpleCookie

import numpy as np
import pytest

from tests import toys
from tests.browser.conftest import PATIENCE, WINDOW, open_page, pixels, settled, until
from tests.browser.replicas import COOKIE, NAMES, Replicas, behind_haproxy, haproxy

TABS = ("sample", "train")


@pytest.fixture(scope="module")
def replicas(tmp_path_factory) -> Iterator[Replicas]:
    if haproxy() is None:
        pytest.skip("haproxy is not on this machine.")
    models = tmp_path_factory.mktemp("own")
    toys.write(models, "toy")
    toys.write(models, "toy-classes", data="fashion-mnist", num_classes=10)
    folder = tmp_path_factory.mktemp("haproxy")
    with behind_haproxy(folder, "--checkpoints", str(models), "--class", tabs=TABS) as replicas:
        yield replicas


@pytest.fixture
def visitor(browser, replicas):
    """A browser of its own. A server that is killed in the middle is an error in its console."""
    context = browser.new_context(viewport=WINDOW)
    context.set_default_timeout(PATIENCE)
    yield context.new_page()
    context.close()


def asked(replicas: Replicas, path: str, cookie: str = "") -> tuple[Message, bytes]:
    request = urllib.request.Request(replicas.address + path)
    if cookie:
        request.add_header("Cookie", f"{COOKIE}={cookie}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.headers, answer.read()


def server_of(page) -> str:
    """Which server a browser's cookie names."""
    [cookie] = [each for each in page.context.cookies() if each["name"] == COOKIE]
    assert cookie["httpOnly"]
    return cookie["value"]


def test_people_of_one_address_are_told_apart_and_each_stays(replicas):
    told = [asked(replicas, "/replica")[0]["Set-Cookie"] for _ in range(8)]
    given = [SimpleCookie(each)[COOKIE].value for each in told]
    assert set(given) == set(NAMES)
    answering = {name: {asked(replicas, "/replica", name)[0]["X-Replica"] for _ in range(4)}
                 for name in NAMES}  # fmt: skip
    assert all(len(each) == 1 for each in answering.values())
    assert len(set.union(*answering.values())) == len(NAMES)


def test_every_page_has_the_same_components_and_events_under_the_same_numbers(replicas):
    """So that what a page of one is in the middle of is understood by the other."""
    configs = [json.loads(asked(replicas, "/config", name)[1]) for name in NAMES]
    for config in configs:
        assert len(config["components"]) > 50 and len(config["dependencies"]) > 50
    one, other = (
        {key: value for key, value in config.items() if key not in ("app_id", "username")}
        for config in configs
    )
    for component in (*one["components"], *other["components"]):
        component["props"].pop("delete_callback", None)  # where a function lies in memory
    assert [k for k in one if one[k] != other[k]] == []


def test_a_class_is_on_one_page_for_all(replicas):
    answering = {asked(replicas, "/class", name)[0].get("X-Replica") for name in (*NAMES, "")}
    assert len(answering) == 1


def test_a_program_stays_with_one_page_as_a_browser_does(replicas, tmp_path):
    from gradio_client import Client

    client = Client(replicas.address, verbose=False, download_files=tmp_path)
    assert client.cookies[COOKIE] in NAMES
    for seed in range(4):
        _, facts = client.predict("toy", n=1, seed=seed, api_name="/sample")
        assert facts["codes"]


def test_a_stream_and_an_upload_pass(replicas, visitor, tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for k in range(16):
        Image.fromarray(rng.integers(0, 256, (8, 8), np.uint8)).save(tmp_path / f"{k}.png")
    open_page(visitor, f"{replicas.address}/?tab=train&train.family=vae")
    visitor.click(".ge-choices [data-key=own]")
    visitor.set_input_files(
        "#train-files input[type=file]", sorted(map(str, tmp_path.glob("*.png")))
    )
    settled(visitor, ".ge-panel-train", "16 pictures")
    visitor.click("#train-start")
    stage = ".ge-panel-train .ge-stage"
    until(visitor, lambda: len(set(pixels(visitor, f"{stage} .ge-film canvas"))) == 3)
    # What was shown came while the run went on: nothing is held back until the end.
    assert visitor.locator("#train-stop").is_enabled()
    visitor.click("#train-stop")
    settled(visitor, stage, "Stopped at step")


def test_where_its_server_is_killed_the_page_says_so_and_goes_on_with_the_other(
    replicas, visitor, browser
):
    link = f"{replicas.address}/?tab=sample&model=toy-classes&sample.seed=5"
    open_page(visitor, link)
    settled(visitor, ".ge-panel-sample", "seed 5")
    before, drawn = visitor.url, pixels(visitor, ".ge-panel-sample .ge-image-grid canvas")
    name = server_of(visitor)
    [other] = [each for each in NAMES if each != name]
    context = browser.new_context()
    stranger = context.new_page()  # somebody on the other server notices nothing
    cookie = {"name": COOKIE, "value": other, "url": replicas.address, "httpOnly": True}
    context.add_cookies([cookie])
    open_page(stranger, link)
    assert server_of(stranger) == other
    replicas.kill(name)
    try:
        # Nobody has pressed anything: the line that tells the server of the page has ended.
        visitor.locator(".ge-server").get_by_text("is gone. Another server shows").wait_for()
        visitor.get_by_text("A training run or uploaded pictures").wait_for()
        settled(visitor, ".ge-panel-sample", "seed 5")
        assert visitor.url == before and server_of(visitor) == other
        again = pixels(visitor, ".ge-panel-sample .ge-image-grid canvas")
        assert again == drawn, "the same seed on the other server is the same picture"
        visitor.get_by_role("button", name="Close", exact=True).click()
        visitor.get_by_role("button", name="Sample again").click()
        settled(visitor, ".ge-panel-sample", "seed 6")
        assert visitor.locator(".ge-server").count() == 0
        assert stranger.locator(".ge-server").count() == 0
        # A class goes on there as well, with another question.
        assert (
            asked(replicas, "/class")[0]["X-Replica"] == asked(replicas, "/", other)[0]["X-Replica"]
        )
    finally:
        context.close()
        replicas.start(name)


def test_where_no_server_is_left_the_page_says_that_and_waits_for_one(replicas, visitor):
    open_page(visitor, f"{replicas.address}/?tab=sample&sample.seed=7")
    settled(visitor, ".ge-panel-sample", "seed 7")
    # As a model of one's own stands in the page's list.
    visitor.evaluate("GE.models.push({ ...GE.models[0], name: 'Mine~1', title: 'Mine' })")
    replicas.kill(*NAMES)
    visitor.get_by_text("The server of this page does not answer. Trying again").wait_for()
    late = visitor.context.new_page()  # whoever comes now is told as well
    late.goto(f"{replicas.address}/?tab=sample&sample.seed=8")
    late.get_by_text("No server of this page answers. Trying again").wait_for()
    replicas.start(NAMES[0])
    visitor.locator(".ge-server").get_by_text("is gone. Another server shows").wait_for()
    visitor.get_by_text("Your models and a training run on it are lost.").wait_for()
    settled(visitor, ".ge-panel-sample", "seed 7")
    settled(late, ".ge-panel-sample", "seed 8")
    replicas.start(NAMES[1])
