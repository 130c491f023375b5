"""The Compare tab's Two maps: the same pictures in two models' codes, without a page."""

from __future__ import annotations

import base64

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

import explorer
from explorer.tabs.compare import maps
from models.checkpoints.codes import Map, save_map
from tests import toys
from tests.denoising import pictures
from tests.explorer.tabs.compare.test_compare import call

N = 60


def write_maps(folder) -> dict[str, Map]:
    """Three toys of 8 x 8 digits; two of them with codes, of which 50 are of the same pictures."""
    rng, written = np.random.default_rng(0), {}
    base = rng.standard_normal((N, 6)).astype(np.float16).astype(np.float32)
    near = (base + 0.3 * rng.standard_normal(base.shape)).astype(np.float16).astype(np.float32)
    for name, codes, indices in (("left", base, np.arange(N)), ("right", near, None)):
        target = toys.write(folder, name, data="digits", image=(1, 8, 8))
        if indices is None:  # ten of them are of other pictures
            indices = np.r_[np.arange(100, 110), np.arange(10, N)]
        labels = (np.arange(N) % 10).astype(np.int64)
        written[name] = Map(codes, codes[:, :2].copy(), labels, indices)
        save_map(target, written[name])
    toys.write(folder, "bare", data="digits", image=(1, 8, 8))
    return written


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    written = write_maps(folder)
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    yield context, written
    context.visitors.close()


def neighbours(space: np.ndarray) -> np.ndarray:
    """By another computation."""
    found = NearestNeighbors(n_neighbors=maps.NEAR).fit(space)
    return found.kneighbors(return_distance=False)


def test_pictures_that_both_have_are_matched_and_neighbours_counted(made):
    context, written = made
    final = call(context, "maps", "show", name="left")
    left, right = written["left"].codes[10:], written["right"].codes[10:]
    one, other = neighbours(left), neighbours(right)
    shared = [len(set(a) & set(b)) for a, b in zip(one, other, strict=True)]
    text = final["status"]["text"]
    assert text.startswith("50 test pictures.") and f"{np.mean(shared):.1f} ±" in text
    told = final["maps"]["maps"]
    assert [each["name"] for each in told] == ["Left", "Right"]
    for each, near, codes in zip(told, (one, other), (left, right), strict=True):
        assert np.array_equal(np.array(each["near"]).reshape(50, -1), near)
        places = np.frombuffer(base64.b64decode(each["xy"]), "<f4").reshape(50, 2)
        assert np.allclose(places, codes[:, :2])
    assert final["maps"]["labels"] == [k % 10 for k in range(10, N)]


def test_a_picture_is_what_its_code_gives_back(made):
    context, written = made
    shown = pictures(call(context, "maps", "show", name="left")["maps"]["sprite"])
    decoded = context.ask("left", "decode", written["left"].codes[10:])
    assert np.array_equal(shown, np.rint(decoded * 255))


def test_the_sides_are_chosen_and_are_never_the_same(made):
    assert maps.sides(["a", "b", "c"], "b", "", "") == ("b", "a")
    assert maps.sides(["a", "b", "c"], "b", "c", "b") == ("c", "b")
    assert maps.sides(["a", "b", "c"], "x", "", "a") == ("a", "b")
    context, _ = made
    final = call(context, "maps", "show", name="left", left="right", right="right")
    assert [each["name"] for each in final["maps"]["maps"]] == ["Right", "Left"]
    assert [value for _, value in final["left"].choices] == ["", "left", "right"]


def test_neighbours_are_those_of_another_computation():
    space = np.random.default_rng(2).standard_normal((80, 7)).astype(np.float32)
    assert np.array_equal(maps.nearest(space, 10), neighbours(space))


def test_too_few_maps_are_one_sentence(made, tmp_path):
    context, _ = made
    toys.write(tmp_path, "alone", data="shapes", image=(1, 8, 8))
    own = context.store.adopt(tmp_path / "alone")
    status = call(context, "maps", "show", name=own)["status"]
    assert status["text"].startswith("Fewer than two models of Shapes")


def test_the_code_shown_counts_the_same(made):
    context, _ = made
    final = call(context, "maps", "show", name="left")
    scope: dict = {}
    exec(final["code"], scope)
    assert f"{scope['mean']:.1f} ±" in final["status"]["text"]
