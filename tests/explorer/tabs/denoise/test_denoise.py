"""The Denoise tab's handlers, without a page: watching, from a picture and back, schedules."""

from __future__ import annotations

import base64
import io
import math
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.page.address import one_of
from explorer.page.part import Asked, settled
from explorer.pictures import films
from explorer.server.reading import ANY
from explorer.tabs.denoise import from_picture, noising, schedule, trajectory, watch
from explorer.tabs.denoise.trajectory import OWN, Settings
from models.contract.random import generator
from models.families.diffusion import samplers, schedules
from tests import toys
from tests.explorer.tabs.sample.test_sample import drawing, pictures

TINY = {"family": "diffusion", "image": (1, 8, 8), "data": "digits", "width": 8, "middle": 1}
PLAIN = Asked(
    seed=0, count=1, sampler="dpm", steps=6, guidance=1.0, label=ANY, schedule=OWN
)  # fmt: skip
BACK = Asked(
    given=None, sample=3, t=0.5, seed=0, label=ANY, sampler="dpm", schedule=OWN, steps=4,
    guidance=1.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "tiny", **TINY)
    toys.write(folder, "classes", **TINY, num_classes=10, steps=5)
    toys.write(folder, "walker", family="walker", image=(1, 8, 8))
    return explorer.Context.create(folder, device="cpu")


def shown(steps) -> list:
    """The last value that each output was given."""
    final: list = []
    for outputs in steps:
        if outputs is None:
            continue
        final = final or [None] * len(outputs)
        for k, value in enumerate(outputs):
            if not (isinstance(value, dict) and value.get("__type__") == "update"):
                final[k] = value
    return final


def as_bytes(x: torch.Tensor) -> np.ndarray:
    return (x.clamp(0, 1) * 255).round().to(torch.uint8).numpy()


# -- the tab ---------------------------------------------------------------------------------------


def test_titles_are_those_of_the_science():
    assert trajectory.SAMPLERS == samplers.TITLES
    assert {k: s.title for k, s in schedules.SCHEDULES.items()} == trajectory.SCHEDULES


def test_one_of_parses_only_what_it_knows():
    assert one_of((1, 4), int)("4") == 4
    for text in ("5", "x", "", "1e400"):
        with pytest.raises(ValueError):
            one_of((1, 4), int)(text)


# -- watching --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("seed", None, "seed must be a whole number"),
        ("seed", -1, "seed must be a whole number"),
        ("seed", 1.5, "seed must be a whole number"),
        ("seed", math.inf, "seed must be a whole number"),
        ("count", 0, "1 to 64 pictures"),
        ("count", 10**6, "1 to 64 pictures"),
        ("sampler", "magic", "no sampler 'magic'"),
        ("sampler", None, "no sampler"),
        ("steps", 0, "steps from 1 to 1000"),
        ("steps", -5, "steps from 1 to 1000"),
        ("steps", 2.5, "steps from 1 to 1000"),
        ("steps", 10**9, "steps from 1 to 1000"),
        ("guidance", math.nan, "Guidance must be a number from 0 to 20"),
        ("guidance", -1, "Guidance must be a number from 0 to 20"),
        ("guidance", math.inf, "Guidance must be a number from 0 to 20"),
        ("guidance", None, "Guidance must be a number from 0 to 20"),
        ("guidance", "much", "Guidance must be a number from 0 to 20"),
        ("schedule", "none", "no noise schedule 'none'"),
    ],
)
def test_bad_input_is_one_sentence(context, control, value, sentence):
    asked = PLAIN.but(**{control: value})
    with pytest.raises(ValueError, match=re.escape(sentence)):
        settled(watch.show(context, "tiny", asked))
    with pytest.raises(ValueError, match=re.escape(sentence)):
        watch.save(context, "tiny", asked, "webp")


def test_a_trajectory_grows_to_what_the_model_gives(context):
    settings = Settings(seed=3, count=2, sampler="heun", steps=5, guidance=2.0, label=4)
    parts = list(trajectory.run(context, "classes", settings))
    assert [len(part.x) for part in parts] == [1, 2, 3, 4, 5, 6]
    assert [part.done for part in parts] == [False] * 5 + [True]
    model = context.store.get("classes")
    with torch.no_grad():
        frames = list(model.sample_steps(2, generator(3), 4, sampler="heun", steps=5, guidance=2.0))
    last = parts[-1]
    assert np.array_equal(last.x, np.stack([as_bytes(frame.x) for frame in frames]))
    assert np.array_equal(last.x0, np.stack([as_bytes(frame.x0) for frame in frames]))
    assert last.x.shape == (6, 2, 1, 8, 8) and last.z.shape == (2, 64)
    assert last.level.tolist() == [frame.info["level"] for frame in frames]
    assert last.evaluations.tolist() == [1, 3, 5, 7, 9, 9]
    assert next(trajectory.run(context, "classes", settings)) is last


def test_an_unfinished_run_is_not_kept(context):
    settings = Settings(seed=99, steps=6)
    run = trajectory.run(context, "tiny", settings)
    next(run)
    next(run)
    run.close()
    assert context.ask.cache.get(("denoise", "tiny", settings)) is None
    assert trajectory.finished(context, "tiny", settings).done


def test_running_leaves_gradients_as_they_were(context):
    for _ in trajectory.run(context, "tiny", Settings(seed=98, steps=3)):
        assert torch.is_grad_enabled()


def test_the_film_holds_every_frame_and_its_numbers(context):
    asked = PLAIN.but(seed=7, count=4, sampler="ddim", schedule="cosine")
    final = settled(watch.show(context, "tiny", asked))
    view, numbers, lines, status = final.film, final.numbers, final.curves, final.status
    part = trajectory.finished(context, "tiny", Settings(7, 4, "ddim", 6, schedule="cosine"))
    assert view["running"] is False and status["kind"] == "plain"
    for row, frames in zip(view["rows"], (part.x, part.x0), strict=True):
        sheet = pictures(row["sprite"])
        assert sheet.shape == (7, 1, 17, 17)  # four of 8 x 8 with a line between
        assert np.array_equal(sheet[:, :, 9:, :8], frames[:, 2])
    assert all(len(item["values"]) == 7 for item in numbers["items"])
    times = next(i["values"] for i in numbers["items"] if i["name"] == "Time t")
    assert times == sorted(times, reverse=True) and times[-1] == "0.00"
    sigma, ratio = (plot["lines"][0]["y"] for plot in lines["plots"])
    assert sigma[0] == pytest.approx(part.level[0], rel=1e-3) and ratio[-1] is None
    assert ratio[2] == pytest.approx(-20 * math.log10(part.level[2]), rel=1e-3)
    assert "6 evaluations" in status["text"] and "4 pictures of seed 7" in status["text"]


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("tiny", {}),
        ("tiny", {"seed": 5, "count": 4, "sampler": "ddpm", "steps": 3, "schedule": "flow"}),
        ("classes", {"seed": 2, "count": 2, "sampler": "langevin", "steps": 4, "guidance": 3.0,
                     "label": 7}),
        ("classes", {"seed": 2, "sampler": "ode", "steps": 4, "schedule": "ddpm"}),
    ],
)  # fmt: skip
def test_the_code_shown_gives_the_frames_on_screen(context, name, asked):
    final = settled(watch.show(context, name, PLAIN.but(**asked)))
    scope: dict = {}
    exec(final.code, scope)
    for row, frames in zip(final.film["rows"], (scope["there"], scope["guess"]), strict=True):
        frames = np.stack([as_bytes(frame) for frame in frames])
        assert np.array_equal(pictures(row["sprite"]), films.mosaic(frames))


def test_another_seed_is_the_next_even_after_nonsense(context):
    assert settled(watch.another(context, "tiny", PLAIN.but(seed=4))).seed == 5
    assert settled(watch.another(context, "tiny", PLAIN.but(seed=None))).seed == 0


def test_a_model_with_no_knobs_is_watched_all_the_same(context):
    final = settled(watch.show(context, "walker", PLAIN))
    assert len(pictures(final.film["rows"][0]["sprite"])) == 7
    for name, has in (("walker", False), ("classes", True)):
        final = settled(watch.arrive(context, name, PLAIN))
        for control in ("sampler", "steps", "guidance", "label", "schedule"):
            assert final[control].visible is has


def test_a_class_of_another_model_is_dropped_on_arrival(context):
    asked = PLAIN.but(steps=3, label=7)
    assert settled(watch.arrive(context, "tiny", asked)).label.value == ANY
    assert settled(watch.arrive(context, "classes", asked)).label.value == 7


# -- from a picture --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "value", "sentence"),
    [
        ("given", {"kind": "file", "name": "a.png", "b64": "%%%"}, "came garbled"),
        ("sample", -1, "sample's seed"),
        ("t", math.nan, "time must be a number from 0"),
        ("t", 1.5, "time must be a number from 0"),
        ("t", None, "time must be a number from 0"),
        ("seed", None, "seed must be a whole number"),
        ("steps", 0, "steps from 1 to 1000"),
        ("guidance", math.nan, "Guidance must be a number"),
    ],
)
def test_bad_input_from_a_picture_is_one_sentence(context, control, value, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        settled(from_picture.show(context, "tiny", BACK.but(**{control: value})))


def test_there_and_back(context):
    final = settled(from_picture.show(context, "tiny", BACK))
    sample = trajectory.finished(context, "tiny", noising.sample_settings(context, "tiny", 3))
    original = sample.x[-1, 0]
    frames = pictures(final.there["rows"][0]["sprite"])
    assert len(frames) == from_picture.FRAMES and final.there["at"] == 20
    # The lowest level is 0.01 of half the range: two grey levels at most, a handful now and then.
    assert np.abs(frames[0].astype(int) - original).max() <= 8
    assert np.abs(frames[-1].astype(int) - original).mean() > 60
    shown_original, noisy, way = (pictures(row["sprite"]) for row in final.back["rows"])
    assert np.array_equal(shown_original, original[None])
    assert np.abs(noisy[0].astype(int) - frames[20]).max() <= 1
    assert np.array_equal(way[0], noisy[0]) and len(way) == 5
    rms = np.sqrt(np.square(way[-1] / 255 - original / 255).mean())
    assert final.back["rows"][2]["captions"][-1] == f"{rms:.1%} off (RMS)"
    assert f"{rms:.1%}" in final.status["text"] and final.status["kind"] == "plain"
    assert len(pictures(final.strip["rows"][1]["sprite"])) == len(from_picture.LEVELS) == 8


def test_from_no_noise_the_picture_comes_back(context):
    back = settled(from_picture.show(context, "tiny", BACK.but(t=0.0))).back
    original, _, way = (pictures(row["sprite"]) for row in back["rows"])
    assert np.abs(way[-1].astype(int) - original[0]).mean() < 3


def test_a_drawing_goes_there_and_back_and_its_code_too(context):
    pixels = np.zeros((112, 112), np.uint8)
    pixels[10:90, 40:60] = 255
    for asked in (
        {"given": drawing(pixels), "t": 0.4, "sampler": "ddim", "schedule": "flow", "steps": 3},
        {"t": 0.6, "seed": 5, "label": 2, "sampler": "ddpm", "guidance": 2.0},
    ):
        final = settled(from_picture.show(context, "classes", BACK.but(**asked)))
        scope: dict = {}
        exec(final.code, scope)
        way = pictures(final.back["rows"][2]["sprite"])
        assert np.array_equal(as_bytes(scope["restored"])[0], way[-1])
        assert np.array_equal(as_bytes(scope["picture"]), pictures(final.back["rows"][0]["sprite"]))
        exact = noising.difference(scope["restored"].numpy(), scope["picture"].numpy())
        assert float(scope["difference"]) == pytest.approx(exact, rel=1e-4)


def test_from_here_starts_where_the_film_stands(context):
    final = settled(from_picture.restore(context, "tiny", BACK.but(t=0.725)))
    assert final.t == 0.725 and "there" not in final
    assert "t = 0.72" in final.status["text"] or "t = 0.73" in final.status["text"]


def test_a_sample_takes_the_place_of_a_drawing_and_then_the_next_does(context):
    pad = drawing(np.full((112, 112), 255, np.uint8))
    assert settled(from_picture.another(context, "tiny", BACK.but(given=pad))).sample == 3
    assert settled(from_picture.another(context, "tiny", BACK)).sample == 4


def test_a_model_with_no_way_back_says_so(context):
    with pytest.raises(ValueError, match="noises a picture"):
        settled(from_picture.arrive(context, "walker", BACK))


@pytest.mark.parametrize("kind", ["dpm", "heun", "euler", "ddim", "ode"])
@pytest.mark.parametrize("name", ["edm", "ddpm", "cosine", "flow"])
def test_restoring_pure_noise_is_sampling(context, kind, name):
    model = context.store.get("classes")
    knobs = {"sampler": kind, "steps": 4, "schedule": name, "guidance": 1.5}
    with torch.no_grad():
        *_, sampled = model.sample_steps(2, generator(1), 3, **knobs)
        z = sampled.info["z"].view(2, 1, 8, 8)
        level = model.levels(4, name)[0]
        alpha = schedules.schedule(name).alpha(level)
        x_t = model.outside((alpha * level * z).float())
        *_, restored = model.restore_steps(x_t, 1.0, generator(1), 3, **knobs)
    assert torch.allclose(sampled.x, restored.x, atol=2e-4)


def test_restoring_refuses_what_it_cannot(context):
    model = context.store.get("tiny")
    x = torch.rand(1, 1, 8, 8)
    for bad in (
        {"t": 1.2}, {"t": -0.1}, {"t": math.nan}, {"t": 0.5, "steps": 0}, {"t": 0.0, "steps": 0},
        {"t": 0.5, "sampler": "none"}, {"t": 0.5, "guidance": math.nan}, {"t": 0.5, "label": 3},
    ):  # fmt: skip
        with pytest.raises(ValueError), torch.no_grad():
            list(model.restore_steps(x, rng=generator(0), **bad))
    with pytest.raises(ValueError, match="This model reads 1x8x8"):
        list(model.restore_steps(torch.rand(1, 1, 9, 9), 0.5, generator(0)))
    with torch.no_grad():
        frames = list(model.restore_steps(x, 0.0, generator(0), steps=7))
    assert len(frames) == 2 and frames[-1].info["evaluations"] == 1


def test_restoring_takes_the_levels_of_the_rest_of_the_way(context):
    model = context.store.get("tiny")
    with torch.no_grad():
        frames = list(model.restore_steps(torch.rand(1, 1, 8, 8), 0.5, generator(0), steps=5))
    level = [frame.info["level"] for frame in frames]
    middle = float(schedules.schedule("edm").level(torch.tensor(0.5, dtype=torch.float64)))
    assert level[0] == pytest.approx(middle, rel=1e-5) and level[-1] == 0
    assert level[-2] == pytest.approx(model.config.low) and level == sorted(level, reverse=True)


# -- schedules -------------------------------------------------------------------------------------


def test_the_curves_are_those_of_the_papers():
    share, ratio, beta = schedule.curve_value("ddpm")["plots"]
    keys = list(trajectory.SCHEDULES)
    betas = np.linspace(1e-4, 0.02, 1000)
    bar = np.concatenate([[1.0], np.cumprod(1 - betas)])[::5]  # at t = 0, 0.005, ...
    assert np.allclose(share["lines"][keys.index("ddpm")]["y"], bar, atol=2e-5)
    drawn = np.array(ratio["lines"][keys.index("ddpm")]["y"][1:], float)
    assert np.allclose(drawn, 10 * np.log10(bar[1:] / (1 - bar[1:])), atol=2e-3)
    assert np.allclose(beta["lines"][keys.index("ddpm")]["y"][1:], betas[4::5], rtol=1e-3)
    assert set(beta["lines"][keys.index("flow")]["y"]) == {None}
    t = np.array(share["x"])
    flow = (1 - t) ** 2 / ((1 - t) ** 2 + t**2)
    assert np.allclose(share["lines"][keys.index("flow")]["y"], flow, atol=2e-5)
    assert schedule.curve_value("ddpm")["chosen"] == keys.index("ddpm")


def test_the_rows_are_the_schedules_and_the_code_gives_the_chosen_one(context):
    final = settled(schedule.show(context, "classes", Asked(seed=4, chosen="cosine")))
    names = [row["name"] for row in final.rows["rows"]]
    assert names == list(trajectory.SCHEDULES.values()) and final.rows["chosen"] == 2
    scope: dict = {}
    exec(final.code, scope)
    chosen = pictures(final.rows["rows"][2]["sprite"])
    assert np.array_equal(as_bytes(scope["row"]), chosen)
    curve = final.curves["plots"][0]["lines"][2]["y"]
    assert np.allclose(scope["share"].numpy(), curve, atol=1e-5)
    assert "seed 4" in final.status["text"]


def test_the_schedule_shown_first_is_the_models_own(context):
    def show(name="tiny", seed=0, chosen=None):
        return settled(schedule.show(context, name, Asked(seed=seed, chosen=chosen)))

    assert show().chosen == "edm" and show(chosen="flow").chosen == "flow"
    with pytest.raises(ValueError, match="seed must be a whole number"):
        show(seed=-1)
    with pytest.raises(ValueError, match="no noise schedule 'none'"):
        show(chosen="none")
    final = show("walker", chosen="edm")
    assert final.curves["plots"] and final.rows is None
    assert "keeps to its own noise" in final.status["text"]
    assert settled(schedule.another(context, "tiny", Asked(seed=4, chosen="edm"))).seed == 5


# -- taking away -----------------------------------------------------------------------------------


def frames_in(file: dict) -> list[np.ndarray]:
    with Image.open(io.BytesIO(base64.b64decode(file["b64"]))) as picture:
        found = []
        for k in range(getattr(picture, "n_frames", 1)):
            picture.seek(k)
            found.append(np.asarray(picture.convert("L")))
    return found


def test_the_film_is_saved_as_it_is_shown(context):
    part = trajectory.finished(context, "tiny", Settings(1, 1, "dpm", 6))
    asked = PLAIN.but(seed=1)
    for kind in ("webp", "gif"):
        file = watch.save(context, "tiny", asked, kind)
        frames = frames_in(file)
        assert len(frames) == 7 and file["name"].endswith(f"seed-1.{kind}")
        scale = films.scale_for(18)
        wanted = np.kron(part.x[3, 0, 0], np.ones((scale, scale), np.uint8))
        assert np.abs(frames[3][:, : 8 * scale].astype(int) - wanted).max() <= 1
    file = watch.save(context, "tiny", asked, "png")
    (sheet,) = frames_in(file)
    scale = round(112 / 8)
    assert sheet.shape == (2 * 8 * scale + 4, 7 * 8 * scale + 6 * 4)


def test_there_and_back_and_the_strip_are_saved(context):
    file = from_picture.save(context, "tiny", BACK, "webp")
    final = settled(from_picture.show(context, "tiny", BACK))
    towards = pictures(final.there["rows"][0]["sprite"])[:21]
    way = np.concatenate([towards, pictures(final.back["rows"][2]["sprite"])])
    still = sum(np.array_equal(a, b) for a, b in pairwise(way))  # frames alike are stored once
    assert len(frames_in(file)) == 21 + 5 - still
    file = from_picture.save(context, "tiny", BACK, "png")
    assert frames_in(file)[0].shape[0] == 2 * 112 + 4
    with pytest.raises(ValueError, match="time must be a number"):
        from_picture.save(context, "tiny", BACK.but(t=2.0), "gif")
    file = schedule.save(context, "tiny", Asked(seed=3, chosen="edm"), "png")
    assert frames_in(file)[0].shape[0] == 4 * 112 + 3 * 4
