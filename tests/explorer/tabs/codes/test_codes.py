"""The Codes tab's handlers: levels held and drawn anew, and a grid whose codes one changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer
from explorer.page.changes import Change
from explorer.page.part import settled
from explorer.pictures import images
from explorer.tabs.codes import grid, levels
from models.contract.random import generator
from tests import toys


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_levels(folder, "levels")
    toys.write_book(folder, "book")
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    return context


def told(context, part: str, handler: str = "show", **values):
    built = context.built[f"codes_{part}"]
    name = {"levels": "levels", "grid": "book"}[part]
    return settled(built.call(handler, None, name, built.asked(**values)))


def given(context, name: str, k: int) -> torch.Tensor:
    """The k-th picture of the shelf, as the handlers give it to the model."""
    from explorer.page.choice import samples

    return torch.from_numpy(samples(context, name)[0][k : k + 1]).float() / 255


def test_levels_are_held_and_what_is_below_is_drawn_anew(context):
    screen = told(context, "levels", choice=3, seed=5)
    model, x = context.store.get("levels"), given(context, "levels", 3)
    L = len(model.levels)
    rows = screen.rows["rows"]
    assert len(rows) == L + 2
    codes = model.encode_levels(x, generator(5))
    for level in range(L + 1):
        drawn = model.sample_held(level, codes, generator(5, level), levels.DRAWN)
        wanted = images.sprite((drawn * 255).round().byte().numpy())
        assert rows[level + 1]["sprite"] == wanted
    nats = model.level_kl(x.repeat(levels.DRAWS, 1, 1, 1), generator(5)).mean(0)
    shown = [bar["value"] for bar in screen.bars["rows"]]
    np.testing.assert_allclose(shown, nats, rtol=1e-5)
    assert f"{float(nats.sum()):.1f} nats in {L} levels" in screen.status["text"]


def test_a_silent_level_is_told(context):
    found = levels.Levels(("1x1", "4x4", "8x8"), np.array([3.0, 0.01, 0.02]), None)
    said = levels.words_of(found)
    assert "3.0 nats in 3 levels, most of them in 1x1" in said
    assert "The levels 4x4, 8x8 say nothing" in said


def test_another_seed_draws_others_of_the_same_picture(context):
    first, other = (told(context, "levels", each, choice=0) for each in ("show", "another"))
    assert other.seed == 2
    assert first.rows["rows"][0] == other.rows["rows"][0]
    assert first.rows["rows"][1] != other.rows["rows"][1]


def test_a_grid_is_what_the_encoder_gives_and_the_decoder_takes(context):
    screen = told(context, "grid", choice=1)
    model, x = context.store.get("book"), given(context, "book", 1)
    codes = model.encode_indices(x)
    value = screen.grid
    assert value["codes"] == value["was"] == codes.flatten().tolist()
    assert (value["h"], value["w"]) == tuple(codes.shape[1:]) and not value["changes"]
    nats = -float(model.index_log_likelihood(codes))
    assert f"costs {nats:.1f} nats" in screen.status["text"]
    assert sum(value["use"]) == pytest.approx(1, abs=1e-3)
    assert len(value["use"]) == model.codebook_size


def test_a_code_is_made_another_and_the_picture_follows(context):
    before = told(context, "grid", choice=1).grid
    place, code = 2, (before["codes"][2] + 1) % 5
    screen = told(context, "grid", choice=1, changes=f"{before['name']}:{place}.{code}")
    codes = torch.tensor(before["codes"]).view(1, before["h"], before["w"])
    codes.view(-1)[place] = code
    assert screen.grid["codes"] == codes.flatten().tolist()
    assert screen.grid["was"] == before["codes"]
    made = context.store.get("book").decode_indices(codes)
    x = given(context, "book", 1)
    pair = (torch.cat([made, x]) * 255).round().byte().numpy()
    assert screen.grid["pictures"] == images.sprite(pair)
    assert "One code changed" in screen.status["text"]
    assert screen.changes == screen.grid["changes"] == f"{before['name']}:{place}.{code}"
    again = told(context, "grid", "anew", choice=1, changes=screen.changes)
    assert again.grid["codes"] == before["codes"] and again.changes == ""


def test_changes_of_another_picture_are_none_and_garbled_ones_a_sentence(context):
    other = told(context, "grid", choice=0, changes="book-ffffffff:1.1")
    assert other.grid["codes"] == other.grid["was"]
    name = other.grid["name"]
    for text in (f"{name}:99.1", f"{name}:0.5", f"{name}:x"):
        status = told(context, "grid", choice=0, changes=text).status
        assert status["kind"] == "problem" and status["text"].endswith(".")
    arrived = told(context, "grid", "arrive", choice=0, changes=f"{name}:99.1")
    assert arrived.status["kind"] != "problem" and arrived.grid["codes"] == other.grid["codes"]


def test_an_entry_is_shown_as_the_decoder_paints_it_alone(context):
    book = grid.book_of(context, "book")
    model = context.store.get("book")
    h, w = model.grid
    alone = model.decode_indices(torch.full((1, h, w), 3))
    side = 8 // h
    patch = (alone[0, :, (h // 2) * side :][:, :side, (w // 2) * side :][:, :, :side] * 255).round()
    np.testing.assert_array_equal(book.entries[3], patch.byte().numpy())
    assert grid.changed(np.zeros((2, 2), int), (Change(3, 4),)).tolist() == [[0, 0], [0, 4]]


@pytest.mark.parametrize("part", ["levels", "grid"])
def test_the_code_shown_gives_what_is_on_screen(context, part):
    screen = told(context, part, choice=1)
    space: dict = {}
    exec(screen.code, space)
    if part == "levels":
        drawn = (space["drawn"] * 255).round().byte().numpy()
        assert screen.rows["rows"][-1]["sprite"] == images.sprite(drawn)
    else:
        assert space["codes"].flatten().tolist() == screen.grid["codes"]
