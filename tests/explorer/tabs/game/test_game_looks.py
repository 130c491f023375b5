"""The handlers of Where it looks, and of Tricks, without a page."""

from __future__ import annotations

import base64
import dataclasses

import numpy as np
import pytest
import torch

import explorer
from explorer.page import choice
from explorer.page.choice import lacks
from explorer.page.part import Asked, settled
from explorer.tabs.game import looks, tricks
from models.checkpoints import weights
from models.checkpoints.header import read_header
from models.evaluation.metrics import metric
from tests import toys
from tests.denoising import drawing, pictures

ASKED = Asked(source=choice.SAMPLE, choice=2, pad=None, seed=5)
N = 16  # places of 8 x 8 pictures, halved once


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "attends", attention=1)
    toys.write_game(folder, "classes", attention=1, num_classes=3)
    toys.write_game(folder, "plain")
    target = toys.write_game(folder, "tricked", attention=1)
    header = read_header(target)
    metrics = {}
    for number, title in enumerate(("Plain", "Hinge loss", "Self-attention")):
        for seed in (0, 1):
            facts = {"n": 64, "space": "judge", "note": title, "minutes": 1.5}
            for name, value in (("fd", 9.0 - 4 * number + seed), ("fd_floor", 0.5)):
                metrics[f"{name}.trick_{number}-{seed}"] = metric(value, 0.25, **facts)
            for name in ("precision", "recall"):
                metrics[f"{name}.trick_{number}-{seed}"] = metric(0.5, 0.01, **facts)
    weights.rewrite_header(target, dataclasses.replace(header, metrics=metrics))
    return explorer.Context.create(folder, device="cpu")


def levels(text: str, dtype: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


@pytest.mark.parametrize("name", ["attends", "classes"])
def test_a_sample_shows_both_players_attention(context, name):
    seen = settled(looks.show(context, name, ASKED))
    model, view = context.store.get(name), seen.view
    made = looks.made(context, name, 5)
    assert np.array_equal(pictures(view["picture"])[0], made.pixels[2])
    assert (view["h"], view["w"]) == (4, 4) and len(view["looks"]) == 2
    label = None if made.label is None else torch.as_tensor(made.label[2:3])
    x = torch.from_numpy(made.pixels[2:3]) / 255
    expected = (
        model.code_attention(torch.from_numpy(made.z[2:3]), label)[0],
        model.picture_attention(x)[0],
    )
    for look, attention in zip(view["looks"], expected, strict=True):
        attention = attention.numpy()
        shown = levels(look["attention"], "u1").reshape(N, N)
        most, spread = levels(look["most"], "f4"), levels(look["spread"], "f4")
        assert (shown.max(1) == 255).all()
        np.testing.assert_allclose(shown / 255 * most[:, None], attention, atol=3e-3)
        np.testing.assert_allclose(most, attention.max(1), rtol=1e-4)
        assert ((spread > 1) & (spread <= N + 1e-3)).all()
        assert "gain γ = " in look["note"]
    assert "4 × 4 places, each of 2 × 2 pixels" in seen.status["text"]


def test_a_picture_that_nobody_made_is_judged_alone(context):
    pad = drawing(8)
    seen = settled(looks.show(context, "attends", ASKED.but(source=choice.OWN, pad=pad)))
    assert [look["name"] for look in seen.view["looks"]] == [looks.JUDGES]
    with pytest.raises(ValueError, match="Draw a picture"):
        settled(looks.show(context, "attends", ASKED.but(source=choice.OWN)))
    with pytest.raises(ValueError, match="seed"):
        settled(looks.show(context, "attends", ASKED.but(seed=-1)))


def test_another_seed_gives_other_samples_and_a_shelf_of_them(context):
    seen = settled(looks.another(context, "attends", ASKED))
    assert seen.seed == 6 and seen.shelf["selected"] == 2
    made = looks.made(context, "attends", 6)
    assert np.array_equal(pictures(seen.shelf), made.pixels)
    assert not np.array_equal(made.pixels, looks.made(context, "attends", 5).pixels)


@pytest.mark.parametrize("name", ["attends", "classes"])
def test_the_code_gives_what_is_on_screen(context, name):
    seen = settled(looks.show(context, name, ASKED))
    told: dict = {}
    exec(seen.code, told)
    shown = [levels(look["attention"], "u1").reshape(N, N) for look in seen.view["looks"]]
    most = [levels(look["most"], "f4")[:, None] for look in seen.view["looks"]]
    np.testing.assert_allclose(shown[1] / 255 * most[1], told["judged"].numpy(), atol=6e-3)
    np.testing.assert_allclose(shown[0] / 255 * most[0], told["made"].numpy(), atol=6e-3)


def test_a_model_without_attention_is_told_so(context):
    sentence = lacks(context, "plain", *looks.NEEDS)
    assert "cannot show where a place of a picture looks" in sentence


# -- tricks ----------------------------------------------------------------------------------------


def test_tricks_stand_in_their_order_with_the_nearest_marked(context):
    seen = settled(tricks.arrive(context, "tricked", Asked()))
    names = [row["name"] for row in seen.bars["rows"]]
    assert names == ["Plain", "Hinge loss", "Self-attention"]
    assert [row["value"] for row in seen.bars["rows"]] == [9.5, 5.5, 1.5]
    assert seen.bars["chosen"] == 2
    cells = [[text for text, _ in row["cells"]] for row in seen.table["rows"]]
    assert cells[0] == ["Plain", "1", "9.00 ± 0.25", "0.50 ± 0.01", "0.50 ± 0.01", "1.5"]
    assert len(cells) == 6 and all(len(row) == len(seen.table["columns"]) for row in cells)
    assert "64 samples" in seen.status["text"] and "real pictures have 0.50" in seen.status["text"]
    assert tricks.lacking(context, "tricked") == ""
    assert "has no runs" in tricks.lacking(context, "plain")
    assert context.store.header("tricked").title in tricks.lacking(context, "plain")


def test_the_code_prints_the_same_numbers(context, capsys):
    seen = settled(tricks.arrive(context, "tricked", Asked()))
    exec(seen.code, {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Plain 9.0 0.25" and len(lines) == 6
