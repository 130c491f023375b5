"""The Energy tab's handlers, without a page."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
import torch

import explorer
from explorer.page import choice
from explorer.page.examples import examples
from explorer.page.part import settled
from explorer.pictures.bytes import as_bytes
from explorer.pictures.films import mosaic
from explorer.tabs import energy
from explorer.tabs.energy import chains, picture, walks
from models.contract.random import generator
from models.scores.energies import downhill, energy_slope
from tests import toys
from tests.denoising import drawing, pictures

SHORT = {"steps": 6, "count": 4}


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_energy(folder, "deep")
    toys.write(folder, "machine", "rbm", "digits", image=(1, 8, 8), hidden=6)
    toys.write(folder, "toy", image=(1, 8, 8))
    toys.write_judge(folder, "judge")
    built = explorer.Context.create(folder, device="cpu")
    explorer.build(built)
    return built


def asked(context, part, **values):
    return context.built[f"energy_{part}"].asked(**values)


def shown(context, part, name, **values):
    """What stands on screen after the part's ``show``, as the page would be given it."""
    values = {**(SHORT if part == "chains" else {}), **values}
    handler = chains if part == "chains" else picture
    return settled(handler.show(context, name, asked(context, part, **values)))


def floats(b64: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), "<f4")


def test_it_takes_what_has_an_energy_those_without_a_likelihood_first(context):
    names = context.store.having(set(energy.NEEDS))
    assert set(names) == {"deep", "machine"}
    assert energy.candidates(context, ["machine", "deep"]) == ["deep", "machine"]


# -- of a picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deep", "machine"])
def test_the_number_is_the_models_and_the_map_its_gradient(context, name):
    seen = shown(context, "picture", name)
    x = torch.from_numpy(examples(context, name)[0].pixels[None].astype(np.float32) / 255)
    found, slope = energy_slope(context.store.get(name), x)
    assert seen.mark["value"] == pytest.approx(float(found), rel=1e-5)
    told = floats(seen.maps["maps"][1]["values"]).reshape(8, 8)
    np.testing.assert_allclose(told, slope[0, 0].numpy(), rtol=1e-3, atol=1e-4)
    assert seen.maps["signed"] and seen.facts["items"][0]["values"][0].endswith(" nats")
    assert seen.walked.visible is False


def test_it_stands_among_sets_whose_energies_are_computed(context):
    sets = {each["name"]: each for each in shown(context, "picture", "deep").sets["sets"]}
    assert {"Own samples", "Positive phase: data", "Negative phase: chains", "Noise"} <= set(sets)
    model = context.store.get("deep")
    for name in ("Own samples", "Noise"):
        x = torch.from_numpy(pictures(sets[name]["sprite"]).astype(np.float32) / 255)
        with torch.no_grad():
            np.testing.assert_allclose(
                floats(sets[name]["values"]), model.energy(x), rtol=1e-3, atol=1e-3
            )
    data, _ = walks.data_of(context, "deep")
    x = torch.from_numpy(data[: walks.PHASE].astype(np.float32) / 255)
    *_, last = model.chain_steps(x, generator(0), steps=walks.PHASE_STEPS)
    first = next(model.chain_steps(x, generator(0), steps=walks.PHASE_STEPS))
    for name, frame in (("Positive phase: data", first), ("Negative phase: chains", last)):
        values = floats(sets[name]["values"])
        np.testing.assert_allclose(values, frame.info["energy"], rtol=1e-3)
    facts = shown(context, "picture", "deep").facts["items"]
    gap = float(first.info["energy"].mean() - last.info["energy"].mean())
    told = next(f["values"][0] for f in facts if f["name"] == "Positive less negative phase")
    assert told.startswith(f"{gap:,.1f} ± ".replace("-", "−"))


def test_steps_downhill_are_those_of_the_science_and_lower_the_energy(context):
    model = context.store.get("deep")
    x = torch.from_numpy(examples(context, "deep")[0].pixels[None].astype(np.float32) / 255)
    seen = shown(context, "picture", "deep", down=3)
    for _ in range(3):
        x, _ = downhill(model, x, walks.MOST)
    last = pictures(seen.maps["maps"][2]["picture"])[0]
    assert np.abs(last.astype(int) - as_bytes(x[0].numpy())).max() <= 1
    [plot] = seen.curve["plots"]
    assert plot["x"] == [0, 1, 2, 3] and plot["lines"][0]["y"] == sorted(
        plot["lines"][0]["y"], reverse=True
    )
    assert seen.walked.visible is True and "after 3 steps downhill" in seen.status["text"]


def test_a_step_is_one_more_and_another_picture_begins_anew(context):
    part = asked(context, "picture", down=2)
    assert settled(picture.further(context, "deep", part)).down == 3
    after = settled(picture.following(context, "deep", part))
    assert after.choice == 1 and after.down == 0 and "downhill" not in after.status["text"]
    own = part.but(source=choice.OWN, pad=drawing())
    assert settled(picture.another_picture(context, "deep", own)).down == 0
    with pytest.raises(ValueError, match="60 steps"):
        settled(picture.further(context, "deep", part.but(down=60)))
    with pytest.raises(ValueError, match="from 0 to 60"):
        shown(context, "picture", "deep", down=61)


@pytest.mark.parametrize("down", [0, 2])
def test_the_code_of_a_picture_gives_its_energy_and_the_way_down(context, down):
    seen = shown(context, "picture", "deep", down=down, source=choice.OWN, pad=drawing())
    scope: dict = {}
    exec(seen.code, scope)
    found = float(scope["energy"])
    [plot] = (seen.curve or {"plots": [None]})["plots"]
    expected = plot["lines"][0]["y"][-1] if down else seen.mark["value"]
    assert found == pytest.approx(expected, rel=1e-4)


# -- chains ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["deep", "machine"])
@pytest.mark.parametrize("source", [chains.NOISE, choice.SAMPLE, choice.OWN])
def test_chains_are_the_models_from_wherever_they_begin(context, name, source):
    seen = shown(context, "chains", name, source=source, pad=drawing(), seed=3, temperature=0.5)
    scope: dict = {}
    exec(seen.code, scope)
    for row, frames in zip(
        seen.film["rows"],
        ([f.x for f in scope["frames"]], [f.x0 for f in scope["frames"]]),
        strict=True,
    ):
        sheets = mosaic(np.stack([as_bytes(frame) for frame in frames]))
        np.testing.assert_array_equal(pictures(row["sprite"]), sheets)
    clean, noisy = (plot["lines"] for plot in seen.curves["plots"][:2])
    assert [len(lines) for lines in (clean, noisy)] == [5, 5], "the mean and four chains"
    assert all(line["thin"] for line in clean[1:])
    for lines, values in ((clean, scope["clean"]), (noisy, scope["energies"])):
        for k in range(4):
            expected = [float(row[k]) for row in values]
            assert lines[1 + k]["y"] == pytest.approx(expected, rel=1e-3, abs=1e-3)
        mean = [float(row.mean()) for row in values]
        assert lines[0]["y"] == pytest.approx(mean, rel=1e-3, abs=1e-3)
    assert seen.film["running"] is False and all(
        len(item["values"]) == len(scope["frames"]) for item in seen.numbers["items"]
    )
    # All that reaches the browser is plain.
    json.dumps([seen.film["rows"][0]["captions"], seen.curves, seen.numbers, seen.status])


def test_the_same_seed_gives_the_same_chains_and_another_others(context):
    first = shown(context, "chains", "deep", source=chains.NOISE)
    context.ask.forget("deep")
    again = shown(context, "chains", "deep", source=chains.NOISE)
    assert again.film["rows"] == first.film["rows"] and again.curves == first.curves
    part = asked(context, "chains", source=chains.NOISE, **SHORT)
    other = settled(chains.another(context, "deep", part))
    assert other.seed == 1 and other.film["rows"] != first.film["rows"]


def test_the_judge_reads_the_pictures_without_noise(context):
    seen = shown(context, "chains", "deep", source=choice.SAMPLE)
    sure, same = (line["y"] for line in seen.curves["plots"][2]["lines"])
    assert same[0] == 4 and max(sure) <= 4
    judge = context.store.get("judge")
    rows = [pictures(row["sprite"]) for row in seen.film["rows"]]
    last = rows[1][-1].astype(np.float32) / 255  # 2 x 2 pictures with a line between
    cells = [last[:, a : a + 8, b : b + 8] for a in (0, 9) for b in (0, 9)]
    with torch.no_grad():
        chances = judge.classify(torch.from_numpy(np.stack(cells))).softmax(1).max(1).values
    assert sure[-1] == int((chances > walks.SURE).sum())
    assert "The judge is sure of" in seen.status["text"]
    assert "Positive less negative phase" in seen.status["text"]


def test_a_chain_can_be_left_at_every_frame(context):
    """Stop, and newer wishes, end a run between two yields: there are as many as frames."""
    context.ask.forget("deep")
    part = asked(context, "chains", steps=40, count=1, source=chains.NOISE)
    steps = list(chains.show(context, "deep", part))
    assert len(steps) >= 40
    busy = [step.status for step in steps if step and "status" in step][:-1]
    assert all(status["kind"] == "busy" for status in busy)


def test_controls_are_those_that_the_model_has(context):
    for name, has in (("deep", True), ("machine", False)):
        seen = settled(chains.arrive(context, name, asked(context, "chains", **SHORT)))
        assert seen.size.visible is has and seen.temperature.visible is True
    deep = settled(chains.arrive(context, "deep", asked(context, "chains", **SHORT)))
    assert deep.size.choices[0][0] == "As trained: 0.6"
    code = shown(context, "chains", "machine", size=0.4).code
    assert "step_size" not in code
    assert "step_size=0.4" in shown(context, "chains", "deep", size=0.4).code


def test_a_model_that_runs_no_chains_is_told_so(context, monkeypatch):
    assert chains.lacking(context, "deep") == ""
    monkeypatch.setattr(chains, "runs_chains", lambda context, name: False)
    assert chains.lacking(context, "deep") == "Deep runs no chains in its energy."


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"source": "sea"}, "begin at noise"),
        ({"count": 17}, "1 to 16 chains"),
        ({"steps": 0}, "from 1 to 10,000"),
        ({"steps": 1.5}, "from 1 to 10,000"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": 3.5}, "temperature"),
        ({"size": 1.5}, "size must be"),
        ({"size": None}, "size must be"),
        ({"seed": -1}, "seed"),
        ({"source": choice.OWN, "pad": None}, "Draw a picture"),
    ],
)
def test_what_cannot_be_is_said(context, values, words):
    with pytest.raises(ValueError, match=words):
        shown(context, "chains", "deep", **values)


def test_without_a_drawing_the_pad_asks_for_one(context):
    part = asked(context, "chains", source=choice.OWN, pad=None, **SHORT)
    assert "chains begin there" in settled(chains.drawn(context, "deep", part)).status["text"]


@pytest.mark.parametrize("kind", ["webp", "png"])
def test_the_film_can_be_kept(context, kind):
    part = asked(context, "chains", **SHORT)
    file = chains.save(context, "deep", part, kind)
    assert file["name"] == f"deep-chains-seed-0.{kind}" and len(file["b64"]) > 100
