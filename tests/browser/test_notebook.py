"""The lines on screen as a notebook: valid, with the very lines, which do what they say."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.browser.conftest import open_page, rest

TABS = ("sample", "latent", "plane", "ideas")
ROOT = Path(__file__).parents[2]


def saved(page, within: str, tmp_path: Path) -> tuple[str, dict]:
    """The file's name and the notebook that the button of this panel saves."""
    with page.expect_download() as saving:
        page.locator(within).get_by_role("button", name="Notebook").click()
    saving.value.save_as(tmp_path / "it.ipynb")
    return saving.value.suggested_filename, json.loads((tmp_path / "it.ipynb").read_text("utf-8"))


def opened(page, address: str, query: str) -> str:
    """Opens a place with its code; the panel's selector."""
    open_page(page, f"{address}/?{query}")
    panel = f".ge-panel-{query.partition('tab=')[2].partition('&')[0]}"
    if panel.endswith(("plane", "ideas")):  # which bring their own
        page.wait_for_selector(f"{panel} details.code", state="attached")
        page.locator(f"{panel} details.code").first.evaluate("d => { d.open = true; }")
    else:
        page.locator(panel).get_by_role("button", name="Show the code").first.click()
    rest(page)
    return panel


def assert_valid(book: dict) -> None:
    """What the schema of nbformat 4.5 asks for."""
    assert set(book) == {"cells", "metadata", "nbformat", "nbformat_minor"}
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    assert book["metadata"]["kernelspec"]["name"] == "python3"
    assert {"name", "display_name"} <= set(book["metadata"]["kernelspec"])
    assert book["metadata"]["language_info"]["name"] == "python"
    ids = [cell["id"] for cell in book["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in book["cells"]:
        assert re.fullmatch(r"[\w-]{1,64}", cell["id"])
        wanted = {"cell_type", "id", "metadata", "source"}
        if cell["cell_type"] == "code":
            wanted |= {"execution_count", "outputs"}
            assert cell["execution_count"] is None and cell["outputs"] == []
        else:
            assert cell["cell_type"] == "markdown"
        assert set(cell) == wanted and cell["metadata"] == {}
        lines = cell["source"]
        assert lines and all(isinstance(line, str) for line in lines)
        assert all(line.endswith("\n") for line in lines[:-1]) and not lines[-1].endswith("\n")


def source(book: dict, key: str) -> str:
    [cell] = [cell for cell in book["cells"] if cell["id"] == key]
    return "".join(cell["source"])


def test_it_has_the_very_lines_and_gives_what_is_on_screen(page, address, models, tmp_path):
    panel = opened(page, address, "tab=sample&model=toy-digits&sample.count=4&sample.seed=3")
    name, book = saved(page, panel, tmp_path)
    assert name == "sample-toy-digits.ipynb"
    assert_valid(book)
    lines = source(book, "lines")
    assert lines == page.locator(f"{panel} .ge-code code").text_content()
    assert f"{address}/?" in source(book, "title") and "sample.seed=3" in source(book, "title")
    assert "Toy Digits. [What was on screen]" in source(book, "title")

    # All its cells, but for the installing, in an interpreter of their own, below a checkout.
    cells = [source(book, key) for key in ("project", "lines", "show")]
    families = "import models; models.FAMILIES.setdefault('toy', 'tests.toys:Toy')"
    program = "\n".join([cells[0], families, *cells[1:]])
    program += f"\nimport numpy\nnumpy.save({str(tmp_path / 'x.npy')!r}, images.numpy())"
    program += "\nassert grid(images).size == (2 * images.shape[3], 2 * images.shape[2])"
    place = ROOT / "tests" / "browser"
    subprocess.run([sys.executable, "-c", program], cwd=place, check=True, timeout=120)
    images = np.load(tmp_path / "x.npy")
    shown = page.eval_on_selector_all(
        f"{panel} .ge-image-grid .cells canvas",
        """all => all.map(c => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]
             .filter((_, k) => k % 4 === 0))""",
    )
    assert len(shown) == len(images) == 4
    for one, image in zip(shown, images, strict=True):
        side = int(len(one) ** 0.5)
        again = np.array(one).reshape(side, side)
        scale = side // image.shape[1]
        grey = (image[0] * 255).round().repeat(scale, 0).repeat(scale, 1)
        assert np.abs(again - grey).max() <= 1


@pytest.mark.parametrize("query", ["tab=latent&model=toy-digits", "tab=plane", "tab=ideas"])
def test_each_kind_of_tab_has_one(page, address, query, tmp_path):
    panel = opened(page, address, query)
    name, book = saved(page, panel, tmp_path)
    assert name.endswith(".ipynb")
    assert_valid(book)
    compile(source(book, "lines"), name, "exec")
    shown = page.locator(f"{panel} details.code pre, {panel} .ge-code code").first.text_content()
    assert source(book, "lines") == shown.rstrip()
    page.set_viewport_size({"width": 390, "height": 844})
    rest(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
