"""The Denoise tab's Fill in part and its masks, without a page."""

from __future__ import annotations

import base64
import io
import math
import re

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.components.mask_brush.mask_brush import mask_text, read_mask, write_mask
from explorer.page import choice as brought
from explorer.page.part import Asked, settled
from explorer.tabs.denoise import fill_in
from tests import denoising
from tests.denoising import drawing, pictures

GIVEN = ("sample", 1, None)
ASKED = Asked(
    mask="", shown="filling", source="sample", choice=1, pad=None, seed=0, steps=5, repeats=2,
    label=-1, guidance=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    return explorer.Context.create(folder, device="cpu")


@pytest.fixture
def lower():
    return write_mask(fill_in.lower_half((1, 8, 8)))


def show(context, mask, name="free", **asked):
    return fill_in.show(context, name, ASKED.but(mask=mask, **asked))


# -- masks ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(8, 8), (28, 28), (7, 5), (3, 32)])
def test_a_mask_comes_back_from_its_text(size):
    hidden = np.random.default_rng(0).random(size) < 0.4
    text = write_mask(hidden)
    assert np.array_equal(read_mask(text, *size), hidden)
    assert mask_text(text) == text and len(text) < 20 + hidden.size / 5


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "Paint over"),
        (None, "Paint over"),
        ("nonsense", "garbled"),
        ({"b64": "AAAA"}, "garbled"),
        ("8.8.????", "garbled"),
        ("8.8.A", "garbled"),
        ("8.8.AAAA", "incomplete"),
        ("8.8." + "A" * 400, "incomplete"),
        ("-8.-8.AAAA", "garbled"),
        (write_mask(np.eye(28, dtype=bool)), "28 x 28 pixels and the picture 8 x 8"),
        (write_mask(np.zeros((8, 8), bool)), "hides nothing"),
        (write_mask(np.ones((8, 8), bool)), "hides the whole picture"),
    ],
)
def test_a_bad_mask_is_one_sentence(context, text, sentence):
    with pytest.raises(ValueError, match=r"^[A-Z][^\n]*\.$") as error:
        read_mask(text, 8, 8)
    assert sentence in str(error.value)
    with pytest.raises(ValueError, match=re.escape(sentence)):
        settled(show(context, text))


@pytest.mark.parametrize("text", ["", "x", "8.8", "8.8.<script>", "1.1." + "A" * 30_000])
def test_what_cannot_be_a_mask_is_left_out_of_the_address(text):
    with pytest.raises(ValueError):
        mask_text(text)


# -- filling in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["free", "asked", "colour"])
def test_four_fillings_keep_what_is_known_and_differ_in_the_rest(context, name):
    shape = context.store.header(name).config["image"]
    hidden = fill_in.lower_half(shape)
    final = settled(show(context, write_mask(hidden), name))
    film, table, status = final.film, final.table, final.status
    assert status["kind"] == "plain" and f"{hidden.sum()} pixels" in status["text"]
    picture = brought.read(context, name, *GIVEN).pixels
    whole, given, *made = pictures(table["sprite"])
    assert np.array_equal(whole, picture) and len(made) == 4
    assert np.array_equal(given[:, ~hidden], picture[:, ~hidden])
    assert len(np.unique(given[:, hidden])) == 1
    for one in made:
        assert np.array_equal(one[:, ~hidden], picture[:, ~hidden])
    assert len({one.tobytes() for one in made}) == 4
    assert [row["sprite"]["n"] for row in film["rows"]] == [6] * 4
    assert film["running"] is False


def test_the_film_keeps_the_known_part_unless_the_guess_is_asked_for(context, lower):
    hidden = fill_in.lower_half((1, 8, 8))
    picture = brought.read(context, "free", *GIVEN).pixels
    films = {
        shown: pictures(settled(show(context, lower, shown=shown)).film["rows"][0]["sprite"])
        for shown in ("filling", "x0", "x")
    }
    assert (films["filling"][:, :, ~hidden] == picture[:, ~hidden]).all()
    assert not (films["x0"][0][:, ~hidden] == picture[:, ~hidden]).all()
    assert np.array_equal(films["filling"][0][:, hidden], films["x0"][0][:, hidden])
    assert not np.array_equal(films["x"][0], films["x0"][0])
    for frames in films.values():
        assert np.array_equal(frames[-1], films["filling"][-1])


def test_another_seed_fills_in_otherwise_and_the_same_one_alike(context, lower):
    made = [
        pictures(settled(show(context, lower, seed=seed)).table["sprite"])[2:] for seed in (0, 3, 0)
    ]
    assert np.array_equal(made[0], made[2]) and not np.array_equal(made[0], made[1])


def test_frames_are_shown_while_they_come_and_kept_for_the_next_time(context, lower, monkeypatch):
    asked = {"seed": 8, "steps": 30, "repeats": 4}
    films = [o.film for o in show(context, lower, **asked) if o and "film" in o]
    assert len(films) > 1 and [f["running"] for f in films] == [True] * (len(films) - 1) + [False]
    assert len({f["run"] for f in films}) == 1
    model = context.store.get("free")
    monkeypatch.setattr(model, "complete_steps", None)
    monkeypatch.setattr(fill_in, "code_of", lambda *_: "")
    monkeypatch.setattr(fill_in, "arguments", lambda *_: {})
    *_, last = show(context, lower, **asked)
    assert last.film["rows"] == films[-1]["rows"] and {"table", "status"} <= last.keys()


def test_a_stop_ends_the_work_at_the_next_step(context, lower, monkeypatch):
    model, taken = context.store.get("free"), []
    real = type(model).complete_steps

    def counted(*given, **more):
        for frame in real(model, *given, **more):
            taken.append(frame.step)
            yield frame

    monkeypatch.setattr(fill_in, "arguments", lambda *_: {"steps": 50, "repeats": 1})
    monkeypatch.setattr(model, "complete_steps", counted)
    steps = fill_in.fillings(
        context, "free", brought.read(context, "free", *GIVEN), fill_in.lower_half((1, 8, 8)),
        fill_in.Settings(seed=99),
    )  # fmt: skip
    next(steps)
    next(steps)
    steps.close()
    assert taken == [0, 1]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("free", {}),
        ("asked", {"seed": 2, "steps": 4, "repeats": 3, "label": 7, "guidance": 2.0}),
        ("colour", {"source": "own", "pad": drawing()}),
    ],
)
def test_the_code_shown_gives_the_four_fillings(context, name, asked):
    shape = context.store.header(name).config["image"]
    hidden = np.random.default_rng(3).random(shape[1:]) < 0.75
    final = settled(show(context, write_mask(hidden), name, **asked))
    scope: dict = {}
    exec(final.code, scope)
    made = (scope["images"].clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(made, pictures(final.table["sprite"])[2:])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seed": -1}, "seed must be"),
        ({"steps": 0}, "whole number of steps"),
        ({"steps": 2.5}, "whole number of steps"),
        ({"repeats": 0}, "1 to 20 times"),
        ({"repeats": 10**6}, "1 to 20 times"),
        ({"repeats": None}, "1 to 20 times"),
        ({"guidance": math.inf}, "Guidance must be"),
        ({"source": "own", "pad": None}, "Draw a picture"),
    ],
)
def test_bad_settings_are_one_sentence(context, lower, asked, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(show(context, lower, **asked))


def test_the_brush_shows_the_picture_that_was_chosen(context):
    with pytest.raises(ValueError, match=r"^Draw a picture"):
        fill_in.choose(context, "free", ASKED.but(source="own"))
    told = fill_in.choose(context, "free", ASKED.but(source="own", pad=drawing()))
    assert told.brush["n"] == 1 and told.status["kind"] == "older"


def test_arriving_hides_the_lower_half_unless_a_mask_of_this_size_is_there(context, lower):
    def arrive(name, mask="", label=-1):
        return settled(fill_in.arrive(context, name, ASKED.but(mask=mask, label=label)))

    final = arrive("asked", label=4)
    assert final.mask == lower and final.brush["n"] == 1 and final.shelf["selected"] == 1
    assert final.label.value == 4 and final.guidance.visible and final.table["places"]
    centre = np.zeros((8, 8), bool)
    centre[2:6, 2:6] = True
    assert arrive("free", write_mask(centre)).mask == write_mask(centre)
    whole = write_mask(fill_in.lower_half((3, 12, 12)))
    assert arrive("colour", write_mask(centre)).mask == whole


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_the_fillings_can_be_taken_away(context, lower, kind):
    file = fill_in.save(context, "free", ASKED.but(mask=lower), kind)
    assert file["name"] == f"free-filled-in-seed-0.{kind}"
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert picture.format == kind.upper() and picture.width > 150
