"""The Pixels tab's parts that write: watching, asking and changing values, finishing a half."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.components.pixel_player.pixel_player import colours
from explorer.components.theme import CIVIDIS
from explorer.page.changes import Change, changes_text, read_changes
from explorer.page.part import Asked, settled
from explorer.tabs.pixels import finish, watch, written
from explorer.tabs.pixels.written import Settings
from models.contract.random import generator
from tests import toys
from tests.denoising import drawing, pictures

PLAIN = Asked(
    seed=0, label=-1, temperature=1.0, order=0, changes="", point="", source="sample", choice=1,
    pad=None, rows=4, count=4,
)  # fmt: skip
COLOUR = {"image": (3, 4, 4), "pixels": "categorical", "levels": 4, "network": "gated"}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_writer(folder, "binary", orders="raster, columns")
    toys.write_writer(folder, "asked", num_classes=10, layers=1)
    toys.write_writer(folder, "grey", pixels="logistic", components=2, levels=256)
    toys.write_writer(folder, "colour", width=8, **COLOUR)
    toys.write_writer(folder, "patches", "transformer", layers=1, patch=4)
    return explorer.Context.create(folder, device="cpu")


def numbers(b64: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), kind)


def show(context, name="binary", **asked):
    return watch.show(context, name, PLAIN.but(**asked))


def test_surprise_is_painted_brighter_the_larger_it_is():
    painted = colours(np.linspace(-1, 2, 50)).astype(int)
    assert tuple(painted[0]) == (0, 34, 78) and tuple(painted[-1]) == (254, 232, 56)
    light = painted @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) >= 0).all() and len(CIVIDIS) == 10


# -- writing --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["binary", "asked", "grey", "colour", "patches"])
def test_what_reaches_the_browser_is_the_picture_that_the_model_samples(context, name):
    final = settled(show(context, name, seed=7))
    view, curve, status = final.player, final.curve, final.status
    model = context.store.get(name)
    x = model.sample(1, generator(7))
    levels, order = numbers(view["levels"], "u1"), numbers(view["order"], "<u2")
    nats = numbers(view["nats"], "<f4")
    flat = np.zeros(x.numel(), int)
    flat[order] = levels
    assert np.array_equal(flat, (x.flatten() * (model.levels - 1)).round().int().numpy())
    assert view["running"] is False and final.changes == ""
    assert status["kind"] == "plain" and f"{len(order)} values" in status["text"]
    # The nats of the values are those of the picture, which is what the model says of it.
    label = written.chance(context, name, Settings(7))[0]
    logs = model.predict(x, label)[0].flatten(0, -2)
    told = -logs[torch.arange(len(flat)), torch.from_numpy(flat)].numpy()
    assert np.allclose(nats, told[order], atol=1e-3)
    ends = curve["plots"][0]["lines"][0]["y"]
    assert len(ends) == len(order) + 1 and ends[-1] == pytest.approx(nats.sum(), rel=1e-3)
    assert ("bits/dim" in status["text"]) is (name == "grey")


def test_a_seed_is_a_picture_and_another_is_another(context):
    first, again, other = (
        list(written.run(context, "asked", Settings(seed, 3)))[-1] for seed in (1, 1, 2)
    )
    assert again is first  # kept
    context.ask.forget("asked")
    anew = written.finished(context, "asked", Settings(1, 3))
    assert anew is not first and np.array_equal(anew.levels, first.levels)
    assert not np.array_equal(other.levels, first.levels)


def test_an_order_writes_from_the_same_chance_elsewhere_first(context):
    raster, columns = (written.finished(context, "binary", Settings(3, order=k)) for k in range(2))
    assert raster.places[:3].tolist() == [0, 1, 2] and columns.places[:3].tolist() == [0, 8, 16]
    assert sorted(columns.places) == list(range(64))


def test_it_is_shown_as_it_comes_and_ends_whole(context, monkeypatch):
    monkeypatch.setattr(written, "PAUSE", 0)
    seen = [told.player for told in show(context, "patches", seed=11) if told and "player" in told]
    grown = [len(numbers(view["levels"], "u1")) for view in seen]
    assert grown == sorted(grown) and len(grown) > 5 and grown[-1] == 64
    assert {view["run"] for view in seen} == {seen[-1]["run"]}
    assert seen[0]["running"] is True and seen[-1]["running"] is False


def steps_taken(context, monkeypatch) -> list[int]:
    """How many values "binary" has written, a number for each frame that it is asked for."""
    model, taken = context.store.get("binary"), []
    real = type(model).write_steps

    def counted(*given, **more):
        for frame in real(model, *given, **more):
            taken.append(frame.step)
            yield frame

    monkeypatch.setattr(model, "write_steps", counted)
    return taken


def test_a_stop_ends_the_computing_at_the_next_value(context, monkeypatch):
    taken = steps_taken(context, monkeypatch)
    monkeypatch.setattr(written, "PAUSE", 0)
    steps = show(context, seed=99)
    while not taken or taken[-1] < 3:
        next(steps)
    steps.close()
    assert taken == [1, 2, 3]
    assert context.ask.cache.get(("pixels", "binary", Settings(99), ())) is None


# -- changing a value -----------------------------------------------------------------------------


def test_a_changed_value_leaves_those_before_it_and_meets_the_same_chance(context):
    settings = Settings(4)
    before = written.finished(context, "binary", settings)
    step = 20
    change = Change(int(before.places[step]), 1 - int(before.levels[step]))
    after = written.finished(context, "binary", settings, (change,))
    assert np.array_equal(after.levels[:step], before.levels[:step])
    assert after.levels[step] == change.level != before.levels[step]
    assert not np.array_equal(after.levels[step:], before.levels[step:])
    assert np.allclose(after.nats[:step], before.nats[:step])
    # Set to what it was, the same uniforms give the very same picture.
    same = written.finished(context, "binary", settings, (Change(change.place, 1 - change.level),))
    assert np.array_equal(same.levels, before.levels)


@pytest.mark.parametrize(("name", "level"), [("grey", 200), ("colour", 2), ("asked", 1)])
def test_the_page_is_told_what_was_there_before_a_change(context, name, level):
    text = f"{name}:5.{level}"
    final = settled(show(context, name, changes=text))
    view, curve, status, changes = final.player, final.curve, final.status, final.changes
    before = written.finished(context, name, Settings())
    assert changes == view["changes"] == text and "One value changed" in status["text"]
    assert np.array_equal(numbers(view["was"], "u1"), before.by_place())
    order = numbers(view["order"], "<u2").tolist()
    assert view["at"] == order.index(5) and numbers(view["levels"], "u1")[view["at"]] == level
    assert [line["name"] for line in curve["plots"][0]["lines"]] == ["now", "before the change"]


def test_a_change_before_another_takes_its_place(context):
    places = np.array([3, 1, 0, 2])
    late, early = Change(0, 1), Change(1, 0)
    assert written.in_order((late, early), places) == (early,)
    assert written.in_order((early, late), places) == (early, late)
    assert written.in_order((early, Change(1, 1)), places) == (Change(1, 1),)
    both = settled(show(context, changes="binary:9.1-30.0"))
    assert both.changes == "binary:9.1-30.0" and "2 values changed" in both.status["text"]
    assert settled(show(context, changes="binary:30.0-9.1")).changes == "binary:9.1"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("binary:nonsense", "garbled"),
        ("binary:", "garbled"),
        ("binary:64.0", "does not have"),
        ("binary:3.2", "does not have"),
        ("binary:" + "-".join(f"{k}.1" for k in range(13)), "12 values are changed"),
    ],
)
def test_a_bad_change_is_one_sentence(context, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(show(context, changes=text))


def test_changes_of_another_model_are_none(context):
    assert read_changes("grey:3.200", "binary", 64, 2) == ()
    assert settled(show(context, changes="grey:3.200")).changes == ""
    for text in ("", "x", "binary:<b>", "binary:1.1" * 200):
        with pytest.raises(ValueError):
            changes_text(text)


# -- asking a pixel -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["binary", "asked", "grey", "colour", "patches"])
def test_a_pixel_tells_its_chances_and_what_it_looked_at(context, name):
    model, settings = context.store.get(name), Settings(2)
    part = written.finished(context, name, settings)
    place = int(part.places[30])
    asked = PLAIN.but(seed=2, point=f"{place}:1")
    first, both = (told.probe for told in watch.probe(context, name, asked) if told)
    assert first["field"] is None and both["chances"] == first["chances"]
    assert len(both["chances"]) == model.levels and sum(both["chances"]) == pytest.approx(
        1, abs=1e-2
    )
    chance = both["chances"][part.levels[30]]
    assert -math.log(max(chance, 1e-12)) == pytest.approx(part.nats[30], abs=0.02)
    _, H, W = model.image_shape
    field = numbers(both["field"], "u1").reshape(H * W)
    assert field.max() == 255
    unseen = {int(p) % (H * W) for p in part.places[30:]} - {
        int(p) % (H * W) for p in part.places[:30]
    }
    assert not field[sorted(unseen)].any()
    assert both["run"] == settled(show(context, name, seed=2)).player["run"]


@pytest.mark.parametrize("point", ["64:1", "-1:0", "", None, "x:1", "9" * 30 + ":0"])
def test_a_pixel_that_is_not_there_is_a_sentence(context, point):
    with pytest.raises(ValueError, match="no such pixel"):
        settled(watch.probe(context, "binary", PLAIN.but(point=point)))


# -- what cannot be -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"seed": -1}, "seed must be"),
        ({"seed": None}, "seed must be"),
        ({"temperature": 0}, "temperature must be a number above 0"),
        ({"temperature": -1.0}, "temperature must be a number above 0"),
        ({"temperature": math.nan}, "temperature must be a number above 0"),
        ({"temperature": math.inf}, "temperature must be a number above 0"),
        ({"temperature": None}, "temperature must be a number above 0"),
        ({"order": 2}, "orders only: raster, columns"),
        ({"order": None}, "orders only: raster, columns"),
    ],
)
def test_bad_settings_are_one_sentence_everywhere(context, asked, sentence):
    asked = PLAIN.but(**asked)
    for refused in (
        lambda: settled(watch.show(context, "binary", asked)),
        lambda: settled(finish.show(context, "binary", asked)),
        lambda: watch.save(context, "binary", asked, "gif"),
        lambda: finish.save(context, "binary", asked, "png"),
    ):
        with pytest.raises(ValueError, match=sentence):
            refused()


def test_arriving_fits_the_controls_to_the_model(context):
    asked = PLAIN.but(label=5, order=1, changes="grey:1.1")
    final = settled(watch.arrive(context, "binary", asked))
    assert final.order.visible and final.order.value == 1
    assert not final.label.visible and final.label.value == -1
    final = settled(watch.arrive(context, "asked", asked.but(changes="asked:bad")))
    assert final.label.visible and final.label.value == 5
    assert not final.order.visible and final.order.value == 0
    assert final.status["kind"] == "plain"


def test_another_is_the_next_seed(context):
    final = settled(watch.another(context, "binary", PLAIN.but(seed=5)))
    assert final.seed == 6 and "Seed 6" in final.status["text"]


# -- half a picture -------------------------------------------------------------------------------


def ended(context, name="binary", given=("sample", 1, None), **asked):
    """(sheet, status, code) once all is written."""
    given = dict(zip(("source", "choice", "pad"), given, strict=True))
    final = settled(finish.show(context, name, PLAIN.but(**given, **asked)))
    return final.sheet, final.status, final.code


@pytest.mark.parametrize("name", ["binary", "asked", "grey", "colour"])
@pytest.mark.parametrize("given", [("sample", 2, None), ("own", 0, drawing())])
def test_endings_keep_the_upper_rows_and_differ_below(context, name, given):
    sheet, status, _ = ended(context, name, given, rows=2)
    [picture], made = pictures(sheet["given"]), pictures(sheet["made"])
    assert len(made) == 4 and (made[:, :, :2] == picture[:, :2]).all()
    assert len({one.tobytes() for one in made}) == 4
    assert sheet["running"] is False and not numbers(sheet["hatched"], "u1").any()
    assert status["kind"] == "plain" and "2 rows" in status["text"]
    assert all("nats" in text for text in sheet["captions"])
    again = ended(context, name, given, rows=2, seed=1)[0]
    assert not np.array_equal(pictures(again["made"]), made)


def test_a_drawing_in_black_and_white_stays_as_it_was_drawn(context):
    grey = np.linspace(0, 255, 64).astype(np.uint8).reshape(1, 8, 8)
    assert np.array_equal(
        finish.as_observed(context, "binary", grey), (grey >= 128).astype(np.float32)
    )
    levels = finish.as_observed(context, "colour", grey.repeat(3, 0)[:, :4, :4]) * 3
    assert np.allclose(levels, levels.round())


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (0, "Keep 1 to 7 rows"),
        (9, "a picture of this model has 8"),
        (8, "none is left to write"),
        (2.5, "Keep 1 to 7 rows"),
        (None, "Keep 1 to 7 rows"),
        (math.nan, "Keep 1 to 7 rows"),
    ],
)
def test_rows_that_cannot_be_kept_are_one_sentence(context, rows, sentence):
    with pytest.raises(ValueError, match=sentence):
        ended(context, rows=rows)


def test_pictures_that_are_none_and_counts_that_are_not_offered(context):
    for given, sentence in (
        (("own", 0, None), "Draw a picture"),
        (("own", 0, "text"), "garbled"),
        (("own", 0, {"kind": "file", "name": "a.pdf", "b64": "JVBERi0xLjQK"}), "PDF"),
    ):
        with pytest.raises(ValueError, match=sentence):
            ended(context, given=given)
    with pytest.raises(ValueError, match="4, 9 or 16"):
        ended(context, count=5)


def test_where_kept_rows_do_not_come_first_it_is_said(context):
    assert "blind" not in ended(context, "patches", rows=4)[1]["text"]
    assert "4 rows would be exact" in ended(context, "patches", rows=5)[1]["text"]
    assert ended(context, order=1)[1]["text"].endswith("some kept rows.")
    raster = np.arange(48)
    assert finish.caution(raster, (1, 6, 8), 3) == ""
    assert "rows" in finish.caution(raster[::-1], (1, 6, 8), 3)


def test_endings_are_shown_as_they_come_and_kept(context, monkeypatch):
    monkeypatch.setattr(finish, "PAUSE", 0)
    asked = PLAIN.but(choice=3, rows=2, count=9, seed=5)
    seen = [out.sheet for out in finish.show(context, "patches", asked) if out and "sheet" in out]
    left = [int(numbers(sheet["hatched"], "u1").sum()) for sheet in seen]
    assert left[0] == 48 and left[-1] == 0 and left == sorted(left, reverse=True) and len(left) > 4
    assert [sheet["running"] for sheet in seen] == [True] * (len(seen) - 1) + [False]
    monkeypatch.setattr(context.store.get("patches"), "write_steps", None)
    assert settled(finish.show(context, "patches", asked)).sheet == seen[-1]


def test_a_stop_ends_the_endings_at_the_next_value(context, monkeypatch):
    taken = steps_taken(context, monkeypatch)
    steps = finish.show(context, "binary", PLAIN.but(count=16, seed=77))
    while not taken or taken[-1] < 3:
        next(steps)
    steps.close()
    assert taken == [1, 2, 3]


def test_finishing_again_is_the_next_seed(context):
    final = settled(finish.again(context, "asked", PLAIN.but(seed=8, label=3)))
    assert final.seed == 9 and "seed 9" in final.status["text"]


def test_arriving_keeps_the_rows_that_there_are(context):
    final = settled(finish.arrive(context, "asked", PLAIN.but(rows=14, label=2)))
    assert final.rows.maximum == 7 and final.rows.value == 4 and final.shelf["selected"] == 1
    assert final.label.visible and final.label.value == 2 and not final.order.visible
    assert settled(finish.arrive(context, "asked", PLAIN.but(rows=6))).rows.value == 6


# -- code and files -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("binary", {}),
        ("binary", {"seed": 3, "temperature": 0.7, "order": 1, "changes": "binary:9.1-10.0"}),
        ("asked", {"seed": 2, "changes": "asked:12.1"}),
        ("asked", {"seed": 2, "label": 4, "temperature": 1.5}),
        ("grey", {"seed": 5, "changes": "grey:20.77"}),
        ("colour", {}),
    ],
)
def test_the_code_shown_gives_the_picture_on_screen(context, name, asked):
    final = settled(show(context, name, **asked))
    view = final.player
    scope: dict = {}
    exec(final.code, scope)
    order = numbers(view["order"], "<u2").astype(int)
    flat = (scope["picture"].flatten() * view["top"]).round().int().numpy()
    assert np.array_equal(flat[order], numbers(view["levels"], "u1"))
    nats = scope["nats"].flatten().numpy()[order]
    assert np.allclose(nats, numbers(view["nats"], "<f4"), atol=1e-5)


@pytest.mark.parametrize(
    ("name", "given", "asked"),
    [
        ("binary", ("sample", 1, None), {}),
        ("asked", ("own", 0, drawing()), {"seed": 2, "temperature": 0.8}),
        ("grey", ("own", 0, drawing()), {}),
        ("colour", ("sample", 4, None), {}),
    ],
)
def test_the_code_shown_gives_the_endings(context, name, given, asked):
    sheet, _, code = ended(context, name, given, rows=2, **asked)
    scope: dict = {}
    exec(code, scope)
    made = (scope["images"] * 255).round().to(torch.uint8).numpy()
    assert np.array_equal(made, pictures(sheet["made"]))
    nats = [float(text.split()[-2]) for text in sheet["captions"]]
    assert scope["nats"].tolist() == pytest.approx(nats, abs=0.06)


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
@pytest.mark.parametrize("name", ["binary", "colour"])
def test_the_writing_and_the_endings_can_be_taken_away(context, kind, name):
    file = watch.save(context, name, PLAIN, kind)
    assert file["name"] == f"{name}-written-seed-0.{kind}"
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert picture.format == kind.upper() and picture.width > 150
    if kind != "png":
        assert picture.n_frames > 20
    file = finish.save(context, name, PLAIN.but(rows=2), kind)
    assert file["name"] == f"{name}-2-rows-finished-seed-0.{kind}"
    assert Image.open(io.BytesIO(base64.b64decode(file["b64"]))).format == kind.upper()
