"""The Denoise tab's Through noise part, and the picture that it begins with, without a page."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.components.bell.bell import as_bell
from explorer.components.picture_table.picture_table import as_table
from explorer.page import choice as brought
from explorer.page.part import Asked, settled
from explorer.page.snippet import snippet
from explorer.pictures import images
from explorer.tabs.denoise import through_noise
from models.contract.random import generator
from tests import denoising, toys
from tests.denoising import drawing, pictures

A, B = ("sample", 0, None), ("sample", 3, None)


def asked(label=-1, steps=10, a=A, b=B):
    return Asked(
        label=label, steps=steps, a_source=a[0], a_choice=a[1], a_pad=a[2], b_source=b[0],
        b_choice=b[1], b_pad=b[2],
    )  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    toys.write(folder, "reader", family="reader", data="digits")
    return explorer.Context.create(folder, device="cpu")


def show(context, name="free", **given):
    return through_noise.show(context, name, asked(**given))


# -- the picture one begins with ------------------------------------------------------------------


def test_the_shelf_holds_what_was_shipped_or_draws_it(context, tmp_path_factory):
    shown, drawn = brought.samples(context, "free")
    assert shown.shape == (16, 1, 8, 8) and drawn == 64
    own = context.store.get("free").sample(64, generator(0))[:16]
    assert np.array_equal((own * 255).round().to(torch.uint8).numpy(), shown)
    folder = tmp_path_factory.mktemp("bare")
    denoising.write(folder)
    (folder / "free" / "preview.webp").unlink()
    bare = explorer.Context.create(folder, device="cpu")
    shown, drawn = brought.samples(bare, "free")
    assert shown.shape == (16, 1, 8, 8) and drawn == 16


@pytest.mark.parametrize("given", [("sample", 5, None), ("own", 0, drawing())])
@pytest.mark.parametrize("name", ["free", "colour"])
def test_a_pictures_code_makes_that_picture(context, name, given):
    picture = brought.read(context, name, *given)
    scope = {"model": context.store.get(name)}
    exec(snippet(picture.code), scope)
    assert np.array_equal((scope["x"][0] * 255).round().byte().numpy(), picture.pixels)
    assert picture.pixels.shape == tuple(context.store.header(name).config["image"])


def test_a_place_that_is_not_there_is_the_first(context):
    first = brought.read(context, "free", "sample", 0, None).pixels
    for place in (None, 99, -1, "two", 1.5):
        assert np.array_equal(brought.read(context, "free", "sample", place, None).pixels, first)


@pytest.mark.parametrize("given", [None, "nonsense", {"kind": "file", "name": "x", "b64": "AAAA"}])
def test_no_picture_of_ones_own_is_a_sentence(context, given):
    with pytest.raises(images.ImageError, match=r"^[A-Z'][^\n]*\.$"):
        brought.read(context, "free", "own", 0, given)
    with pytest.raises(ValueError, match=r"^Picture B: "):
        settled(show(context, b=("own", 0, given)))


# -- to noise and back ----------------------------------------------------------------------------


def test_more_steps_bring_the_picture_nearer(context):
    picture = brought.read(context, "free", *A)
    trips = [through_noise.trip(context, "free", picture, None, n) for n in through_noise.STEPS]
    errors = [made.rms for made in trips]
    assert errors[-1] < errors[0] and errors[-1] < 0.02
    for made in trips:
        assert made.rms == pytest.approx(
            float(np.sqrt(((made.back - picture.pixels / 255) ** 2).mean()))
        )


def test_a_trip_is_what_the_model_does(context):
    picture = brought.read(context, "asked", *A)
    model = context.store.get("asked")
    x = torch.from_numpy(picture.pixels)[None] / 255
    z = model.encode(x, label=4, steps=10)
    made = through_noise.trip(context, "asked", picture, 4, 10)
    assert np.allclose(made.noise.reshape(-1), z[0].numpy(), atol=1e-5)
    assert np.allclose(made.back, model.decode(z, label=4, steps=10)[0].numpy(), atol=1e-5)


def test_the_tables_fill_column_by_column_and_keep_their_room(context):
    steps = list(show(context, b=("sample", 7, None)))
    tables = [step.trips for step in steps if "trips" in step]
    assert [len(t["places"]) for t in tables] == [4, 7, 10, 13, 13]
    assert all(t["blank"] == [0, 10] for t in tables)
    assert tables[-1]["columns"] == ["A", "5", "10", "20", "50"]
    shown = pictures(tables[-1]["sprite"])
    picture = brought.read(context, "free", *A)
    place = dict(zip(tables[-1]["places"], shown, strict=True))
    assert np.array_equal(place[5], picture.pixels)
    # Of yields that follow closely the browser may show the last alone.
    assert steps[-1].keys() == {"trips", "spread", "way", "film", "status"}
    ways = [step.way for step in steps if "way" in step]
    assert [len(w["places"]) for w in ways] == [13, 15, 17, 19, 21, 22, 22]


def test_the_bell_tells_mean_deviation_and_correlation(context):
    bell = settled(show(context)).spread
    made = through_noise.trip(context, "free", brought.read(context, "free", *A), None, 10)
    assert f"deviation {made.noise.std():.2f}" in bell["note"]
    assert f"mean {made.noise.mean():+.2f}" in bell["note"]
    assert len(bell["density"]) == 32


def test_neighbours_tell_noise_from_pictures():
    rng = np.random.default_rng(0)
    white = rng.standard_normal((1, 64, 64))
    assert abs(through_noise.neighbours(white)) < 0.05
    smooth = white + np.roll(white, 1, 1) + np.roll(white, 1, 2)
    assert through_noise.neighbours(smooth) > 0.3


def test_a_bell_is_a_density_and_counts_what_lies_beyond():
    z = np.random.default_rng(0).standard_normal(20_000)
    density = np.array(as_bell(z, "")["density"])
    assert density.sum() * 8 / 32 == pytest.approx(1, abs=1e-3)
    centres = np.linspace(-4, 4, 33)[:-1] + 0.125
    assert np.abs(density - np.exp(-(centres**2) / 2) / np.sqrt(2 * np.pi)).max() < 0.03
    assert as_bell(np.full(10, 9.0), "")["density"][-1] > 0


# -- from A to B ----------------------------------------------------------------------------------


def test_the_way_goes_along_the_sphere_from_a_to_b(context):
    final = settled(show(context))
    table, film, status = final.way, final.film, final.status
    a, b = (brought.read(context, "free", *given) for given in (A, B))
    *_, way = through_noise.ways(context, "free", a, b, None, 10)
    assert way.shape == (11, 1, 8, 8)
    for end, picture in ((way[0], a), (way[-1], b)):
        back = through_noise.trip(context, "free", picture, None, 10).back
        assert np.allclose(end, back, atol=1e-4)
    ends = [through_noise.encoded(context, "free", p, None, 10) for p in (a, b)]
    from models.codes.paths import spherical

    middle = spherical(*ends, 11)[5]
    assert np.linalg.norm(middle) == pytest.approx(
        np.mean([np.linalg.norm(z) for z in ends]), rel=1e-3
    )
    assert [row["name"] for row in film["rows"]] == ["Through noise", "In pixels"]
    assert all(row["sprite"]["n"] == 21 for row in film["rows"])
    frames = pictures(film["rows"][0]["sprite"])
    assert np.array_equal(frames[3], frames[17]) and np.array_equal(frames[0], frames[20])
    assert table["columns"][0] == "A" and table["columns"][5] == "50 %"
    assert "is recovered to within" in status["text"]


def test_the_cross_fade_is_the_mean_of_pixels(context):
    a, b = (brought.read(context, "free", *given) for given in (A, B))
    mixed = through_noise.crossfade(a, b)
    assert np.allclose(mixed[5], (a.pixels / 255 + b.pixels / 255) / 2, atol=1e-6)


@pytest.mark.parametrize(("name", "label"), [("free", -1), ("asked", 6), ("colour", -1)])
def test_the_code_shown_gives_the_way_and_the_error(context, name, label):
    final = settled(show(context, name, label=label, b=("own", 0, drawing())))
    film, status = final.film, final.status
    scope: dict = {}
    exec(final.code, scope)
    made = (scope["images"].clamp(0, 1) * 255).round().to(torch.uint8).numpy().astype(int)
    shown = pictures(film["rows"][0]["sprite"])[:11].astype(int)
    assert np.abs(made - shown).max() <= 1  # batches of another size round otherwise
    assert f"within {100 * float(scope['error']):.1f} %" in status["text"]


def test_the_second_time_nothing_is_computed(context, monkeypatch):
    settled(show(context))
    monkeypatch.setattr(through_noise, "_asked_of", None)
    assert "is recovered" in settled(show(context)).status["text"]


# -- what cannot be done --------------------------------------------------------------------------


def test_steps_that_are_not_offered_are_refused(context):
    for steps in (0, 7, None, "ten"):
        with pytest.raises(ValueError, match="5, 10, 20, 50"):
            settled(show(context, steps=steps))


def test_a_model_that_cannot_is_told_what_it_lacks_and_who_can(context):
    words = brought.lacks(context, "reader", *through_noise.NEEDS)
    assert "cannot decode latent codes" in words and "Free" in words and "Asked" in words


def test_a_model_whose_codes_take_no_steps_goes_through_them_all_the_same(context):
    final = settled(show(context, "toy"))
    assert final.status["kind"] == "plain" and "steps=" not in final.code


def test_arriving_brings_both_shelves_and_room_for_the_tables(context):
    given = asked(label=3, a=("sample", 2, None), b=("sample", 99, None))
    steps = through_noise.arrive(context, "asked", given)
    room, shelves = next(steps), next(steps)
    assert room.label.value == 3 and len(room.label.choices) == 11
    assert room.trips["places"] == [] and room.trips["w"] == 8 and len(room.way["columns"]) == 11
    assert shelves.a_shelf["selected"] == 2 and shelves.b_shelf["selected"] == 0
    assert shelves.a_shelf["n"] == 16


def test_other_pictures_are_the_next_ones(context):
    given = asked(a=("sample", 4, None), b=("sample", 15, None))
    told = next(through_noise.others(context, "free", given))
    assert (told.a_choice, told.b_choice) == (5, 0)
    assert told.a_shelf["selected"] == 5 and told.b_shelf["selected"] == 0


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
def test_both_ways_can_be_taken_away(context, kind):
    file = through_noise.save(context, "free", asked(), kind)
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert picture.format == kind.upper() and picture.width > 150
    assert getattr(picture, "n_frames", 1) == (1 if kind == "png" else 21)


def test_a_table_keeps_room_and_leaves_places_blank():
    white = np.ones((1, 2, 3), np.float32)
    table = as_table([None, white, False, white * 0], ["a", "b"], [("r", ""), ("s", "")],
                     shape=(1, 2, 3))  # fmt: skip
    assert table["places"] == [1, 3] and table["blank"] == [2]
    assert (table["h"], table["w"]) == (2, 3)
    assert pictures(table["sprite"])[:, 0, 0, 0].tolist() == [255, 0]
