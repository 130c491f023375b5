"""The Denoise tab's Compare part, without a page."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.page.part import Asked, settled
from explorer.server.reading import next_seed
from explorer.tabs.denoise import compare, guidance
from models.families.diffusion import samplers
from tests import denoising
from tests.denoising import pictures

PAIRS = ("dpm", 4, "ddim", 6, "heun", 3, "ddpm", 5)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    denoising.write(folder)
    return explorer.Context.create(folder, device="cpu")


def asked(shown="x0", seed=0, label=-1, strength=1.0, pairs=PAIRS, of=7, pictures=None):
    names = [f"{what}{k}" for k in range(1, 5) for what in ("sampler", "steps")]
    pairs = [*pairs, *["none", 5] * 4][:8]
    return Asked(
        shown=shown, seed=seed, label=label, guidance=strength, of=of, pictures=pictures,
        finished=True, **dict(zip(names, pairs, strict=True)),
    )  # fmt: skip


def show(context, name="free", **given):
    return compare.show(context, name, asked(**given))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"seed": -1}, "seed must be a whole number"),
        ({"seed": None}, "seed must be a whole number"),
        ({"strength": math.nan}, "Guidance must be a number"),
        ({"pairs": ("dpm", 0, *PAIRS[2:])}, "whole number of steps"),
        ({"pairs": ("dpm", 2.5, *PAIRS[2:])}, "whole number of steps"),
        ({"pairs": ("dpm", 10**9, *PAIRS[2:])}, "whole number of steps"),
        ({"pairs": ("best", 5, *PAIRS[2:])}, "no sampler 'best'"),
        ({"pairs": ("dpm", 5, *["none", 5] * 3)}, "two columns at least"),
    ],
)
def test_bad_input_is_one_sentence(context, change, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(show(context, **change))


def test_every_sampler_that_there_is_can_be_a_column(context):
    assert compare.SAMPLERS == samplers.TITLES
    for sampler in samplers.SAMPLERS:
        final = settled(show(context, pairs=(sampler, 2, "dpm", 2)))
        assert final.finished is True and len(final.film["rows"]) == 2, final.status


def test_all_columns_are_stretched_over_one_playhead(context):
    film = settled(show(context)).film
    assert [row["name"][0] for row in film["rows"]] == ["1", "2", "3", "4"]
    assert {row["sprite"]["n"] for row in film["rows"]} == {7}  # 6 steps are the most
    for row, (sampler, steps) in zip(
        film["rows"], zip(PAIRS[::2], PAIRS[1::2], strict=True), strict=True
    ):
        given = asked(pairs=(sampler, steps, "dpm", 1))
        _, settings, _ = compare.read_columns(context, "free", given)
        way = list(compare.runs(context, "free", settings[0]))[-1].way
        frames = pictures(row["sprite"])
        sheet = compare.mosaic(way.x0)
        assert np.array_equal(frames[0], sheet[0]) and np.array_equal(frames[-1], sheet[-1])
    assert film["rows"][0]["captions"][-1] == "step 4 of 4, no noise"


def test_stretching_keeps_order_and_gives_each_frame_its_share():
    at = compare.stretched(6, 51)
    assert at[0] == 0 and at[-1] == 5 and (np.diff(at) >= 0).all()
    assert np.bincount(at)[:-1].tolist() == [10] * 5
    assert compare.stretched(51, 51).tolist() == list(range(51))
    assert compare.stretched(1, 1).tolist() == [0]


def test_the_noisy_pictures_can_be_shown_instead(context):
    guesses = pictures(settled(show(context)).film["rows"][1]["sprite"])
    noisy = pictures(settled(show(context, shown="x")).film["rows"][1]["sprite"])
    assert not np.array_equal(guesses[0], noisy[0])
    assert np.array_equal(guesses[-1], noisy[-1])


def test_costs_count_evaluations_and_measure_from_the_reference(context):
    final = settled(show(context))
    cost, status = final.cost, final.status
    assert [row["evaluations"] for row in cost["rows"]] == [4, 6, 5, 5]
    assert [row["own_way"] for row in cost["rows"]] == [False, False, False, True]
    assert "199 evaluations" in cost["reference"] and "100 steps" in status["text"]
    _, columns, reference = compare.read_columns(context, "free", asked())
    fine = list(compare.runs(context, "free", reference))[-1].final
    for row, settings in zip(cost["rows"], columns, strict=True):
        end = list(compare.runs(context, "free", settings))[-1].final
        assert row["difference"] == pytest.approx(math.sqrt(((end - fine) ** 2).mean()), rel=1e-5)
        assert row["seconds"] > 0


def test_columns_start_from_the_same_noise(context):
    _, columns, reference = compare.read_columns(context, "asked", asked(seed=3))
    ways = [list(compare.runs(context, "asked", each))[-1].way for each in (*columns, reference)]
    for way in ways[1:]:
        assert np.array_equal(way.z, ways[0].z) and np.array_equal(way.labels, ways[0].labels)


def test_columns_come_one_after_another_and_the_second_time_at_once(context):
    films = [step.film for step in show(context, seed=5) if step and "film" in step]
    ready = [sum(row["sprite"] is not None for row in film["rows"]) for film in films]
    assert ready == sorted(ready) and ready[0] == 1 and ready[-1] == 4
    assert films[0]["running"] is True and films[-1]["running"] is False
    assert len({film["run"] for film in films}) == 1
    assert sum("film" in (step or ()) for step in show(context, seed=5)) <= 2


def test_the_last_screen_holds_all_that_there_is(context):
    """Of yields that follow closely the browser may show the last alone."""
    *_, last = show(context)
    assert {"film", "cost", "status", "finished"} <= last.keys()
    *_, last = guidance.strip(context, "asked", asked(), steps=3)
    assert last.keys() == {"table", "said", "pictures"}


def test_more_steps_are_nearer_and_slopes_tell_the_order(context):
    final = settled(compare.order(context, "free", asked()))
    assert final.status["kind"] == "plain"
    by_name = {line["name"]: line for line in final.cost["lines"]}
    assert set(by_name) == {"DDIM", "Heun (EDM)", "DPM-Solver++(2M)"}
    for line in by_name.values():
        assert len(line["points"]) == len(compare.DOUBLED)
        assert line["points"][-1][1] < line["points"][0][1]
    assert 0.6 < by_name["DDIM"]["order"] < 1.5
    assert by_name["Heun (EDM)"]["order"] > by_name["DDIM"]["order"] + 0.3


def test_an_order_is_the_power_of_the_cost():
    (line,) = compare.lines({"ddim": [(10, 0.08), (20, 0.04), (40, 0.01)]})
    assert line["order"] == pytest.approx(2.0)
    assert "order" not in compare.lines({"ddim": [(10, 0.1)]})[0]


@pytest.mark.parametrize(("name", "label", "strength"), [("free", -1, 1.0), ("asked", 3, 2.5)])
def test_the_code_shown_gives_the_last_columns_pictures(context, name, label, strength):
    final = settled(show(context, name, label=label, strength=strength))
    film, cost = final.film, final.cost
    scope: dict = {}
    exec(final.code, scope)
    ends = (scope["images"] * 255).round().to(torch.uint8).numpy()
    shown = pictures(film["rows"][-1]["sprite"])[-1]
    assert np.array_equal(compare.mosaic(ends[None])[0], shown)
    told_apart = [row["difference"] for row in cost["rows"]]
    assert np.allclose([float(d) for d in scope["differences"]], told_apart, rtol=1e-4)


def test_a_model_with_one_way_of_sampling_is_told_so(context):
    with pytest.raises(ValueError, match="one way of sampling"):
        settled(show(context, "toy"))


# -- guidance -------------------------------------------------------------------------------------


def test_the_strip_shows_the_same_noises_at_every_strength(context):
    final = settled(guidance.strip(context, "asked", asked(), steps=3))
    table, status, made = final.table, final.said, final.pictures
    assert table["columns"] == ["0", "1", "2", "3", "4", "6", "8"] and len(table["rows"]) == 4
    assert status["text"].startswith("Class 7")
    assert made.shape == (4, 7, 1, 8, 8)
    assert np.array_equal(pictures(table["sprite"]).reshape(made.shape), made)
    model = context.store.get("asked")
    from models.contract.random import generator

    for k, strength in ((0, 0.0), (4, 4.0)):
        own = model.sample(4, generator(0), label=7, steps=3, guidance=strength)
        assert np.array_equal((own * 255).round().to(torch.uint8).numpy(), made[:, k])
    assert not np.array_equal(made[:, 0], made[:, -1])


def test_the_strip_fills_from_the_left_and_keeps_its_room(context):
    steps = guidance.strip(context, "asked", asked(seed=1, of=2), steps=2)
    tables = [step.table for step in steps if step and "table" in step]
    assert [len(t["places"]) for t in tables] == [4, 8, 12, 16, 20, 24, 28, 28]
    assert tables[0]["places"] == [0, 7, 14, 21]


def test_a_model_without_classes_has_no_strip(context):
    final = settled(guidance.strip(context, "free", asked(of=0)))
    assert final.table is None and final.pictures is None
    assert "takes no class" in final.said["text"]


def test_the_strip_does_not_follow_what_was_stopped(context):
    assert list(guidance.strip_after(context, "asked", asked().but(finished=False))) == []
    assert next(guidance.strip_after(context, "free", asked()))


def test_arriving_offers_the_classes_and_drops_one_that_is_not_there(context):
    first = compare.arrive(context, "asked", asked(label=12, of=4))
    assert first.label.value == -1 and len(first.label.choices) == 11 and first.of.value == 4
    assert first.guidance.visible and first.guided.visible
    first = compare.arrive(context, "free", asked(label=3, of=4))
    assert first.label.value == -1 and first.of.value == 0
    assert not first.guided.visible and not first.label.visible


# -- files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "frames"), [("png", 1), ("webp", 7), ("gif", 7)])
def test_columns_can_be_taken_away(context, kind, frames):
    file = compare.save(context, "free", asked(), kind)
    assert file["name"] == f"free-samplers-seed-0.{kind}"
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert picture.format == kind.upper()
    assert 1 <= getattr(picture, "n_frames", 1) <= frames and picture.width > 200


def test_the_strip_can_be_taken_away_once_it_is_there(context):
    with pytest.raises(ValueError, match="not finished"):
        guidance.save_strip(context, "asked", asked(), "png")
    made = settled(guidance.strip(context, "asked", asked(), steps=3)).pictures
    file = guidance.save_strip(context, "asked", asked(pictures=made), "png")
    assert Image.open(io.BytesIO(base64.b64decode(file["b64"]))).width >= 7 * 8 * 4


def test_the_next_noise_follows_even_nonsense():
    assert next_seed(4) == 5 and next_seed(None) == 0
    assert next_seed(-2) == next_seed(2**53 - 1) == 0
