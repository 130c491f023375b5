"""The map through training, without a page."""

from __future__ import annotations

import base64
import shutil

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import settled
from explorer.tabs.map import through
from models.checkpoints import weights
from models.checkpoints.snapshots import SNAPSHOTS
from models.codes.judged_map import features, keep_features
from models.contract.random import generator
from models.data import datasets
from models.evaluation import evaluate
from models.training import train
from tests import games
from tests.conftest import at_moment, tiny_recipe


@pytest.fixture(scope="module")
def root(tmp_path_factory, digits):
    folder = games.write_games(tmp_path_factory.mktemp("models"), digits, ("healthy", "bare"))
    keep_features(weights.load(folder / "judge"), datasets.load("digits", "test"), folder / "judge")
    for name in ("alive", "kept"):
        settings = {"steps": 6, "snapshots": 3, "snapshot_spacing": "linear"}
        recipe = tiny_recipe(name=name, train=settings, model={"latent": 2})
        train.train(recipe, digits, folder / name)
    evaluate.evaluate(folder / "kept", only=["moments"], progress=False)
    shutil.rmtree(folder / "kept" / SNAPSHOTS)
    return folder


@pytest.fixture(scope="module")
def context(root):
    return explorer.Context.create(root, device="cpu")


def floats(b64: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), "<f4")


def test_where_a_training_is_known_from(context):
    found = {name: through.known_from(context, name) for name in context.store.names}
    assert found["kept"] == through.KEPT and found["alive"] == through.CODES
    assert found["healthy"] == through.MADE and found["bare"] == ""
    names = ["bare", "healthy", "alive", "kept"]
    assert through.candidates(context, names) == ["kept", "alive", "healthy"]
    assert "was not kept" in through.lacking(context, "bare")
    assert through.lacking(context, "kept") == ""


@pytest.mark.parametrize("name", ["kept", "alive"])
def test_codes_of_test_pictures_move(context, name):
    final = settled(through.show(context, name, None))
    field, lines = final.field, final.lines
    assert len(field["moments"]) == 3 and field["moments"][0].startswith("step 2")
    places = floats(field["xy"]).reshape(3, field["count"], 2)
    test = datasets.load("digits", "test")
    step = len(test) // field["count"]
    x = test.images[::step][: field["count"]].float() / 255
    with torch.no_grad():
        for k in range(3):  # turned, which leaves the distance from the origin as it is
            codes = at_moment(context.store.header("alive").folder, k).encode(x).numpy()
            assert np.allclose(
                np.linalg.norm(places[k], axis=1), np.linalg.norm(codes, axis=1), atol=5e-3
            )
    assert field["sheet"]["n"] == field["count"]
    [plot] = lines["plots"]
    assert plot["x"] == [2, 4, 6] and len(plot["lines"][0]["y"]) == 3
    assert "at 3 moments" in final.status["text"]


def test_samples_of_the_same_noise_move_among_real_pictures(context, root):
    final = settled(through.show(context, "healthy", None))
    field, lines = final.field, final.lines
    judge = weights.load(root / "judge")
    labels = np.frombuffer(base64.b64decode(field["labels"]), np.uint8).reshape(3, -1)
    assert field["sheet"]["n"] == 3 * field["count"] == 3 * through.SAMPLES
    with torch.no_grad():
        for k in range(3):
            made = at_moment(root / "healthy", k).sample(through.SAMPLES, generator(0))
            assert labels[k].tolist() == judge.classify(made).argmax(1).tolist()
    assert [len(plot["lines"][0]["y"]) for plot in lines["plots"]] == [3, 3]
    counted = [int((np.bincount(row) >= 2).sum()) for row in labels]  # two of 128 is over 1 %
    assert lines["plots"][1]["lines"][0]["y"] == counted
    assert len(floats(field["behind"]["xy"])) > 0 and features(judge, made).shape[0] == 128


@pytest.mark.parametrize("name", ["kept", "alive", "healthy"])
def test_the_code_gives_what_is_on_screen(context, name):
    final = settled(through.show(context, name, None))
    scope: dict = {}
    exec(final.code, scope)
    shown = floats(final.field["xy"]).reshape(3, -1, 2)
    assert np.allclose(np.stack(scope["places"])[:, : shown.shape[1]], shown, atol=1e-4)


def test_what_is_shown_first_says_that_it_is_at_work(context):
    first = next(iter(through.show(context, "alive", None)))
    assert first.status["kind"] == "busy" and first.field is None


def test_moments_of_pictures_that_nobody_has_are_said_to_lack_them(root, tmp_path, digits):
    """Snapshots alone show nothing: there must be pictures to follow."""
    shutil.copytree(root / "alive", tmp_path / "models" / "alive")
    context = explorer.Context.create(tmp_path / "models", device="cpu")
    context.ask.cache.put(("test-set", "digits"), None)
    assert through.known_from(context, "alive") == ""
    assert "No test pictures are here" in through.lacking(context, "alive")
