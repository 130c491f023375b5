"""Made pictures beside real ones in a judge's features, without a page."""

from __future__ import annotations

import base64
import dataclasses

import numpy as np
import pytest
import torch

import explorer
from explorer.page import judge
from explorer.page.part import Asked, settled
from explorer.tabs.map import beside_real
from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.codes.judged_map import features, load_features
from models.contract.random import generator
from tests import toys
from tests.denoising import pictures


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "game")
    toys.write_judge(folder, "judge")
    toys.write_walker(folder, "walker", data="digits", image=[1, 8, 8])
    toys.write_game(folder, "elsewhere", image=[1, 16, 16])
    return explorer.Context.create(folder, device="cpu")


def asked(count: int, seed: int) -> Asked:
    return Asked(count=count, seed=seed)


def floats(b64: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), "<f4")


def test_made_pictures_lie_where_the_judge_sees_them(context):
    final = settled(beside_real.show(context, "game", asked(64, 3)))
    field, bars, status = final.field, final.bars, final.status
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
    assert "64 generated pictures among" in status["text"]
    assert ("It made none" in status["text"]) == (0 in told)


@pytest.mark.parametrize("name", ["game", "walker"])
def test_nothing_is_kept_for_gradients(context, name):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(kept.append, lambda kept: kept):
        *_, found = beside_real.made(context, name, beside_real.find_judge(context, name), 40, 2)
    assert len(found.pixels) == 40 and not kept


def test_it_can_be_left_between_pictures(context):
    steps = list(beside_real.show(context, "game", asked(96, 11)))
    assert steps.count(None) == 3
    final = settled(step for step in steps)
    assert settled(beside_real.another(context, "game", asked(96, 10))) == {**final, "seed": 11}


def test_the_code_shown_runs_and_gives_the_same(context):
    final = settled(beside_real.show(context, "game", asked(48, 5)))
    scope: dict = {}
    exec(final.code, scope)
    places = floats(final.field["made"]["xy"]).reshape(-1, 2)
    assert np.allclose(np.concatenate(scope["places"]), places, atol=1e-3)


@pytest.mark.parametrize(
    ("given", "words"),
    [((0, 0), "Choose from 1 to 1024 pictures."), ((32, -2), "seed must be a whole number")],
)
def test_what_cannot_be_shown_is_said_in_a_sentence(context, given, words):
    with pytest.raises(ValueError, match=words):
        settled(beside_real.show(context, "game", asked(*given)))


def test_without_a_judge_it_says_so_and_hides_the_map(context, caplog):
    caplog.set_level("INFO")
    explorer.build(context)
    part = context.built["map_beside_real"]
    final = settled(part.call("show", None, "elsewhere", part.asked()))
    assert final.status["kind"] == "problem" and final.stage.visible is False
    assert "Not available for Digits: no classifier here" in final.status["text"]
    assert "models evaluate" in caplog.text  # whoever runs the server learns what would help


def test_the_judge_is_a_model_within_the_bound_of_the_store(context):
    settled(beside_real.show(context, "game", asked(32, 8)))
    assert beside_real.find_judge(context, "game").name == "judge"
    assert set(context.store.loaded) >= {"game", "judge"}


def test_a_judge_that_is_damaged_is_left_out(tmp_path, monkeypatch, caplog):
    toys.write_game(tmp_path, "game")
    (toys.write_judge(tmp_path, "judge") / "features.safetensors").write_bytes(b"nothing")
    monkeypatch.setattr(judge, "SHIPPED", tmp_path / "none")
    context = explorer.Context.create(tmp_path, device="cpu")
    assert "Not available for Digits" in beside_real.lacking(context, "game")
    assert "Left out" in caplog.text and "damaged" in caplog.text


def test_a_shipped_judge_is_offered_to_nobody(tmp_path, monkeypatch):
    toys.write_game(tmp_path / "here", "game")
    toys.write_judge(tmp_path / "shipped", "judge")
    monkeypatch.setattr(judge, "SHIPPED", tmp_path / "shipped")
    context = explorer.Context.create(tmp_path / "here", device="cpu")
    final = settled(beside_real.show(context, "game", asked(32, 0)))
    assert len(final.field["made"]["labels"]) == 32
    assert context.store.names == ["game"] and len(context.store.loaded) == 2


def test_a_second_judge_is_asked_by_nobody_here(tmp_path, monkeypatch):
    toys.write_game(tmp_path, "game")
    header = read_header(toys.write_judge(tmp_path, "a-second"))
    weights.rewrite_header(
        tmp_path / "a-second",
        dataclasses.replace(header, recipe={**header.recipe, "second": True}),
    )
    monkeypatch.setattr(judge, "SHIPPED", tmp_path)
    context = explorer.Context.create(tmp_path, device="cpu")
    assert judge.judge_of(context, context.store.header("game")) is None
    assert beside_real.find_judge(context, "game") is None
