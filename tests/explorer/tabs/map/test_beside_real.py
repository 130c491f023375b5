"""Made pictures beside real ones in a judge's features, without a page."""

from __future__ import annotations

import base64

import numpy as np
import pytest
import torch

import explorer
from explorer.tabs.map import beside_real
from models.checkpoints import weights
from models.codes.judged_map import features, load_features
from models.contract.random import generator
from tests import toys
from tests.denoising import merged, pictures


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "game")
    toys.write_judge(folder, "judge")
    toys.write_walker(folder, "walker", data="digits", image=[1, 8, 8])
    toys.write_game(folder, "elsewhere", image=[1, 16, 16])
    return explorer.Context.create(folder, device="cpu")


def floats(b64: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), "<f4")


def test_made_pictures_lie_where_the_judge_sees_them(context):
    field, bars, status, _ = merged(beside_real.show(context, "game", 64, 3))
    judge = weights.load(context.store.header("judge").folder)
    kept = load_features(context.store.header("judge").folder)
    shown = torch.from_numpy(pictures(field["made"]["sprite"]).astype(np.float32) / 255)
    with torch.no_grad():
        drawn = context.store.get("game").sample(64, generator(3))
        labels = judge.classify(drawn).argmax(1)
    assert (drawn - shown).abs().max() <= 0.51 / 255
    assert field["made"]["labels"] == labels.tolist()
    assert np.allclose(floats(field["real"]["xy"]).reshape(-1, 2), kept.coordinates)
    # Each is put among the real pictures that are nearest to the judge.
    places = floats(field["made"]["xy"]).reshape(-1, 2)
    for place, seen in zip(places, features(judge, drawn), strict=True):
        near = np.square(kept.codes - seen).sum(1).argsort()[:15]
        low, high = kept.coordinates[near].min(0) - 1e-4, kept.coordinates[near].max(0) + 1e-4
        assert (low <= place).all() and (place <= high).all()
    told = [row["value"] for row in bars["rows"]]
    assert told == pytest.approx((np.bincount(labels, minlength=10) / 64).tolist())
    assert "64 made pictures among" in status["text"]
    assert ("It made none" in status["text"]) == (0 in told)


@pytest.mark.parametrize("name", ["game", "walker"])
def test_nothing_is_kept_for_gradients(context, name):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda kept: kept):
        *_, found = beside_real.made(context, name, 40, 2)
    assert len(found.pixels) == 40 and not kept


def test_it_can_be_left_between_pictures(context):
    steps = list(beside_real.show(context, "game", 96, 11))
    assert steps.count(None) == 3


def test_the_code_shown_runs_and_gives_the_same(context):
    field, *_, code = merged(beside_real.show(context, "game", 48, 5))
    scope: dict = {}
    exec(code, scope)
    places = floats(field["made"]["xy"]).reshape(-1, 2)
    assert np.allclose(np.concatenate(scope["places"]), places, atol=1e-3)


@pytest.mark.parametrize(
    ("given", "words"),
    [(("elsewhere", 32, 0), "No judge here keeps its features of digits"),
     (("game", 0, 0), "Choose from 1 to 1024 pictures."),
     (("game", 32, -2), "seed must be a whole number")],
)  # fmt: skip
def test_what_cannot_be_shown_is_said_in_a_sentence(context, given, words):
    *_, status, _ = merged(beside_real.show(context, *given))
    assert words in status["text"] and status["kind"] == "problem"
