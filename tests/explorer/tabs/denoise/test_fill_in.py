"""The Denoise tab's Fill in part and its masks, without a page."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.components.mask_brush.mask_brush import mask_text, read_mask, write_mask
from explorer.page import choice
from explorer.page.runs import rested, stoppable
from explorer.tabs.denoise import fill_in
from tests import denoising
from tests.denoising import drawing, merged, pictures, told

GIVEN = ("sample", 1, None)
CONTROLS = (0, 5, 2, -1, 1.0)  # seed, steps, repeats, class, guidance


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    return explorer.Context.create(folder, device="cpu")


@pytest.fixture
def lower():
    return write_mask(fill_in.lower_half((1, 8, 8)))


def show(context, mask, name="free", shown="filling", given=GIVEN, controls=CONTROLS):
    return fill_in.show(context, name, mask, shown, *given, *controls)


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
def test_a_bad_mask_is_one_sentence_and_nothing_else_changes(context, text, sentence):
    with pytest.raises(ValueError, match=r"^[A-Z][^\n]*\.$") as error:
        read_mask(text, 8, 8)
    assert sentence in str(error.value)
    ((film, table, status, code),) = told(show(context, text))
    assert status["kind"] == "problem" and sentence in status["text"]
    assert all(map(denoising.skipped, (film, table, code)))


@pytest.mark.parametrize("text", ["", "x", "8.8", "8.8.<script>", "1.1." + "A" * 30_000])
def test_what_cannot_be_a_mask_is_left_out_of_the_address(text):
    with pytest.raises(ValueError):
        mask_text(text)


# -- filling in -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["free", "asked", "colour"])
def test_four_fillings_keep_what_is_known_and_differ_in_the_rest(context, name):
    shape = context.store.header(name).config["image"]
    hidden = fill_in.lower_half(shape)
    film, table, status, _ = merged(show(context, write_mask(hidden), name))
    assert status["kind"] == "plain" and f"{hidden.sum()} pixels" in status["text"]
    picture = choice.read(context, name, *GIVEN).pixels
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
    picture = choice.read(context, "free", *GIVEN).pixels
    films = {
        shown: pictures(merged(show(context, lower, shown=shown))[0]["rows"][0]["sprite"])
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
        pictures(merged(show(context, lower, controls=(seed, *CONTROLS[1:])))[1]["sprite"])[2:]
        for seed in (0, 3, 0)
    ]
    assert np.array_equal(made[0], made[2]) and not np.array_equal(made[0], made[1])


def test_frames_are_shown_while_they_come_and_kept_for_the_next_time(context, lower, monkeypatch):
    controls = (8, 30, 4, -1, 1.0)
    films = [o[0] for o in told(show(context, lower, controls=controls)) if "rows" in o[0]]
    assert len(films) > 1 and [f["running"] for f in films] == [True] * (len(films) - 1) + [False]
    assert len({f["run"] for f in films}) == 1
    model = context.store.get("free")
    monkeypatch.setattr(model, "complete_steps", None)
    monkeypatch.setattr(fill_in, "snippet", lambda *_: "")
    (last,) = told(show(context, lower, controls=controls))
    assert last[0]["rows"] == films[-1]["rows"] and not any(map(denoising.skipped, last))


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
        context, "free", choice.read(context, "free", *GIVEN), fill_in.lower_half((1, 8, 8)),
        fill_in.Settings(seed=99),
    )  # fmt: skip
    next(steps)
    next(steps)
    steps.close()
    assert taken == [0, 1]


@pytest.mark.parametrize(
    ("name", "given", "controls"),
    [
        ("free", GIVEN, CONTROLS),
        ("asked", GIVEN, (2, 4, 3, 7, 2.0)),
        ("colour", ("own", 0, drawing()), CONTROLS),
    ],
)
def test_the_code_shown_gives_the_four_fillings(context, name, given, controls):
    shape = context.store.header(name).config["image"]
    hidden = np.random.default_rng(3).random(shape[1:]) < 0.75
    _, table, _, code = merged(show(context, write_mask(hidden), name, given=given,
                                    controls=controls))  # fmt: skip
    scope: dict = {}
    exec(code, scope)
    made = (scope["images"].clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(made, pictures(table["sprite"])[2:])


@pytest.mark.parametrize(
    ("controls", "sentence"),
    [
        ((-1, 5, 2, -1, 1.0), "seed must be"),
        ((0, 0, 2, -1, 1.0), "whole number of steps"),
        ((0, 2.5, 2, -1, 1.0), "whole number of steps"),
        ((0, 5, 0, -1, 1.0), "1 to 20 times"),
        ((0, 5, 10**6, -1, 1.0), "1 to 20 times"),
        ((0, 5, None, -1, 1.0), "1 to 20 times"),
        ((0, 5, 2, -1, math.inf), "Guidance must be"),
    ],
)
def test_bad_settings_are_one_sentence(context, lower, controls, sentence):
    ((_, _, status, _),) = told(show(context, lower, controls=controls))
    assert status["kind"] == "problem" and sentence in status["text"]


def test_no_picture_is_one_sentence(context, lower):
    ((_, _, status, _),) = told(show(context, lower, given=("own", 0, None)))
    assert status["kind"] == "problem" and status["text"].startswith("Draw a picture")
    view, status = fill_in.pictured(context, "free", "own", 0, None)
    assert denoising.skipped(view) and status["kind"] == "problem"
    view, status = fill_in.pictured(context, "free", "own", 0, drawing())
    assert view["n"] == 1 and status["kind"] == "plain"


def test_a_model_that_cannot_is_told_so(context, lower):
    ((_, _, status, _),) = told(show(context, lower, "toy"))
    assert status["kind"] == "problem" and "cannot complete pictures" in status["text"]
    *_, stage, missing = merged(fill_in.arrive(context, "toy", "", -1, *GIVEN))
    assert stage.visible is False and missing.visible is True
    assert "cannot complete pictures" in missing.value["text"]


def test_arriving_hides_the_lower_half_unless_a_mask_of_this_size_is_there(context, lower):
    _, view, mask, shelf, label, guidance, strip, stage, missing = merged(
        fill_in.arrive(context, "asked", "", 4, *GIVEN)
    )
    assert mask == lower and view["n"] == 1 and shelf["selected"] == 1
    assert stage.visible and not missing.visible
    assert label.value == 4 and guidance.visible and strip["places"] == []
    centre = np.zeros((8, 8), bool)
    centre[2:6, 2:6] = True
    kept = merged(fill_in.arrive(context, "free", write_mask(centre), -1, *GIVEN))[2]
    assert kept == write_mask(centre)
    other = merged(fill_in.arrive(context, "colour", write_mask(centre), -1, *GIVEN))[2]
    assert other == write_mask(fill_in.lower_half((3, 12, 12)))


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_the_fillings_can_be_taken_away(context, lower, kind):
    file, _ = fill_in.save(context, kind, "free", lower, "filling", *GIVEN, *CONTROLS)
    assert file["name"] == f"free-filled-in-seed-0.{kind}"
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert picture.format == kind.upper() and picture.width > 150
    file, status = fill_in.save(context, kind, "free", "", "filling", *GIVEN, *CONTROLS)
    assert denoising.skipped(file) and status["kind"] == "problem"


# -- what the three parts share -------------------------------------------------------------------


def test_the_stop_button_is_on_while_a_status_is_busy():
    def handler():
        yield from (None, ({"kind": "busy"}, 1), ({"kind": "busy"}, 2), ({"kind": "plain"}, 3))

    nothing, first, second, last = stoppable(handler)()
    assert nothing is None and first[-1].interactive is True
    assert denoising.skipped(second[-1]) and last[1:2] == (3,) and last[-1].interactive is False


def test_a_stroke_that_another_follows_is_not_worked_on():
    worked = []

    def handler(value):
        worked.append(value)
        yield (value,)

    first, second = rested(handler, 0)(1), rested(handler, 0)(2)
    assert next(first) is None
    first.close()
    assert list(second) == [None, (2,)] and worked == [2]
