"""A model taken home: the file that shows it, opened as by a double click; and a Space of them."""

from __future__ import annotations

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
import torch
import yaml

from explorer.export import files
from models.__main__ import main
from models.checkpoints import weights
from models.contract.random import generator
from tests.browser.conftest import assert_no_serious_findings, every_window, until, watched
from tests.portable import SMALL, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exported")


@pytest.fixture(scope="module")
def exported(folder):
    """``exported(case)``: the address of its file on this machine."""

    def export(case: str) -> str:
        target = folder / f"{case}.html"
        if not target.exists():
            files.write_file(written(folder, case), target, "float16")
        return target.as_uri()

    return export


@pytest.fixture
def opened(kept, exported):
    """``opened(case, place)``: its file, opened as by a double click, without a network."""
    page = kept.fresh()
    page.context.set_offline(True)

    def open_file(case: str, place: str = ""):
        page.goto("about:blank")
        page.goto(exported(case) + place)
        page.wait_for_selector("body[data-ready]")
        return page

    with watched(page, "file://") as seen:
        yield open_file
    page.context.set_offline(False)
    kept.close()
    assert seen.errors == []
    assert seen.foreign == []


def rests(page) -> None:
    """Waits until what is on screen is done."""
    page.wait_for_function(
        """() => { const all = [...document.querySelectorAll('.ge-panel:not([hidden]) .ge-status')];
             return all.length && all.every(s => s.dataset.kind === 'plain'
               && /browser|nats/.test(s.textContent)) }"""
    )


def drawn(page, selector: str) -> np.ndarray:
    """(n, H, W): the red of each canvas's pixels."""
    return np.array(
        page.eval_on_selector_all(
            selector,
            """all => all.map(c => {
             const d = c.getContext('2d').getImageData(0, 0, c.width, c.height);
             return Array.from({ length: c.height }, (_, y) =>
               Array.from({ length: c.width }, (_, x) => d.data[4 * (y * c.width + x)])) })""",
        )
    )


def tabs(page) -> list[str]:
    return page.eval_on_selector_all("[role=tab]", "all => all.map(tab => tab.textContent)")


def test_tabs_follow_from_what_the_model_can(opened):
    assert tabs(opened("vae")) == ["Sample", "Latent space"]
    assert tabs(opened("nade")) == ["Sample", "Pixels"]
    assert tabs(opened("diffusion")) == ["Sample", "Denoise"]
    page = opened("rbm")
    assert tabs(page) == ["Sample"] and page.is_hidden("[role=tablist]")


def test_a_seed_shows_the_pictures_that_torch_draws(opened, folder):
    page = opened("vae")
    rests(page)
    theirs = weights.load(folder / "vae").sample(36, generator(0))[:, 0].numpy()
    assert np.abs(drawn(page, ".ge-image-grid canvas") - 255 * theirs).max() <= 2
    assert page.text_content("h1") == "A vae & <more>"
    page.click("text=Sample again")
    until(page, lambda: page.input_value("[type=number]") == "1")
    rests(page)
    theirs = weights.load(folder / "vae").sample(36, generator(1))[:, 0].numpy()
    assert np.abs(drawn(page, ".ge-image-grid canvas") - 255 * theirs).max() <= 2
    assert page.text_content(".ge-closeup .large figcaption") == "Picture 1 of 36"


def test_the_pad_decodes_where_the_marker_is_put(opened, folder):
    page = opened("vae", "#latent")
    page.wait_for_selector(".ge-traversals .row")
    page.focus(".ge-latent-pad .field")
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("document.querySelector('.state').textContent === 'exact'")
    z = torch.tensor([[1.5, 0.0]])
    theirs = weights.load(folder / "vae").decode(z)[0, 0].numpy()
    until(page, lambda: np.abs(drawn(page, ".picture")[0] - 255 * theirs).max() <= 2)


def test_a_picture_is_written_and_written_on_from_a_changed_pixel(opened, folder):
    page = opened("nade", "#pixels")
    page.emulate_media(reduced_motion="reduce")
    page.reload()
    page.wait_for_selector("body[data-ready]")
    rests(page)
    model = weights.load(folder / "nade")
    theirs = model.sample(1, generator(0)).flatten().numpy().round().astype(int).tolist()

    def levels() -> list[int]:
        return page.evaluate("[...GE.writing.pixels.levels]")

    assert levels() == theirs
    place = 20
    page.evaluate(
        """place => { const at = { id: 'pixels', what: 'pin', value: place };
          document.dispatchEvent(new CustomEvent('ge:writing-do', { detail: at })) }""",
        place,
    )
    x = torch.tensor(theirs).view(1, *SMALL).float()
    chance = torch.sigmoid(model.numbers(x)[0, place, 0])
    told = page.get_attribute(".ge-pixel-probe .chances", "aria-label")
    white = float(told.split("white ")[1].split(" %")[0].lstrip("<> "))
    assert white == pytest.approx(100 * float(chance), abs=0.06)
    page.click(f"text=Make it {['white', 'black'][theirs[place]]}")
    until(page, lambda: levels()[place] == 1 - theirs[place])
    rests(page)
    assert levels()[:place] == theirs[:place] and len(levels()) == 64


def test_a_denoiser_is_watched_step_by_step(opened, folder):
    page = opened("diffusion", "#denoise")
    rests(page)
    assert "20 steps" in page.text_content(".ge-panel:not([hidden]) .ge-status p")
    page.focus(".ge-film .rows")
    page.keyboard.press("End")
    frames = list(weights.load(folder / "diffusion").sample_steps(1, generator(0)))
    for k, frame in ((20, frames[-1]), (19, frames[-2])):
        until(page, lambda k=k: page.input_value(".ge-film input[type=range]") == str(k))
        there, guess = drawn(page, ".ge-film canvas")
        assert np.abs(there - 255 * frame.x[0, 0].numpy()).max() <= 2
        assert np.abs(guess - 255 * frame.x0[0, 0].numpy()).max() <= 2
        page.keyboard.press("ArrowLeft")


def test_a_file_fits_every_window_and_axe_finds_nothing(opened):
    """Each kind of tab in one of the two schemes: the colours are the page's own."""
    places = {"gan": "#sample", "vae": "#latent", "nade": "#pixels", "diffusion": "#denoise"}
    for k, (case, place) in enumerate(places.items()):
        page = opened(case, place)
        page.emulate_media(color_scheme=("dark", "light")[k % 2])
        page.wait_for_selector(".ge-panel:not([hidden]) canvas")
        for _ in every_window(page):
            assert page.is_visible(".ge-panel:not([hidden]) canvas")
        assert_no_serious_findings(page)


def test_tabs_are_walked_by_arrow_keys(opened):
    page = opened("vae")
    page.focus("#tab-sample")
    page.keyboard.press("ArrowRight")
    assert page.get_attribute("#tab-latent", "aria-selected") == "true"
    assert page.evaluate("location.hash") == "#latent"
    page.keyboard.press("Home")
    assert page.is_visible("#panel-sample") and page.is_hidden("#panel-latent")


def test_a_folder_of_files_is_a_static_space(browser, folder, tmp_path):
    """It is served as a Space is: files, and nothing else."""
    checkpoints = [str(written(folder, case)) for case in ("nade", "gan")]
    assert main(["export", *checkpoints, "--space", str(tmp_path)]) == 0
    front = yaml.safe_load((tmp_path / "README.md").read_text("utf-8").split("---")[1])
    assert front["sdk"] == "static" and (tmp_path / front["app_file"]).is_file()
    assert len(front["short_description"]) <= 60  # the Hub refuses longer ones
    handler = partial(Quiet, directory=str(tmp_path))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    page = browser.new_page()
    try:
        with watched(page, address) as seen:
            page.goto(address)
            assert_no_serious_findings(page)
            assert page.eval_on_selector_all(".models a", "all => all.length") == 2
            page.click("text=A gan & <more>")
            page.wait_for_selector(".ge-image-grid canvas")
            assert tabs(page) == ["Sample", "Latent space"]
        assert seen.errors == [] and seen.foreign == []
    finally:
        page.close()
        server.shutdown()
        server.server_close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


def test_a_command_writes_a_file_and_says_what_it_cannot(tmp_path, folder, capsys):
    target = tmp_path / "page.html"
    checkpoint = str(written(folder, "nade"))
    assert main(["export", checkpoint, "--to", str(target), "--weights", "int8", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"out": str(target), "bytes": target.stat().st_size, "weights": "int8"}
    wrong = {
        ("--to", str(tmp_path / "page.pdf")): "ends in .html",
        (): "Say where to write",
        ("--to", "a.html", "--weights", "float8"): "--weights is one of",
    }
    for options, sentence in wrong.items():
        assert main(["export", checkpoint, *options]) == 2
        assert sentence in capsys.readouterr().err
