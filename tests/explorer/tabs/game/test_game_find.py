"""The handlers of Find me, without a page."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import explorer
from explorer.page import choice
from explorer.page.part import Asked, settled
from explorer.tabs.game import find
from tests import toys
from tests.denoising import drawing, pictures

ASKED = Asked(
    source=choice.SAMPLE, choice=1, pad=None, label=-1, searches=4, steps=60, pull=0.0, seed=3,
    found=None,
)  # fmt: skip
PICTURE = (ASKED.source, ASKED.choice, ASKED.pad)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "plain")
    toys.write_game(folder, "classes", num_classes=3)
    toys.write_game(folder, "codes", categories=3, continuous=1)
    toys.write_game(folder, "pairs", encoder=True)
    return explorer.Context.create(folder, device="cpu")


def shown(context, name, **changes):
    return settled(find.show(context, name, ASKED.but(**changes)))


def off(text: str) -> float:
    return float(text.split("%")[0].split()[-1]) / 100


def test_it_shows_the_picture_of_the_code_it_hands_on(context):
    seen = shown(context, "plain")
    table, every, curves, facts = seen.pictures, seen.every, seen.curves, seen.facts
    found, status = seen.found, seen.status
    target, best, apart = pictures(table["sprite"])
    assert np.array_equal(target, choice.read(context, "plain", *PICTURE).pixels)
    model = context.store.get("plain")
    with torch.no_grad():
        made = model.decode(torch.tensor([found["z"]]))[0].numpy()
    assert np.abs(made * 255 - best).max() <= 0.51
    assert np.abs(apart - np.abs(best.astype(float) - target)).max() <= 1
    error = np.sqrt(np.square(made - target / 255).mean())
    assert off(table["notes"][1]) == pytest.approx(error, abs=6e-4)
    [plot] = curves["plots"]
    assert (
        plot["x"] == list(range(61)) and len(plot["lines"]) == len(pictures(every["sprite"])) == 4
    )
    line = plot["lines"][0]["y"]
    assert line[-1] == pytest.approx(100 * error, abs=0.05) and line[-1] < 0.5 * line[0]
    assert min(each["y"][-1] for each in plot["lines"]) == line[-1]
    assert "after 60 steps" in status["text"] and status["kind"] == "plain"
    assert facts["items"][-1]["values"] == ["2.4"]  # the root of six
    assert found["source"] == "what was found for sample 2 of seed 0"


def test_every_class_is_tried_unless_one_is_asked_for(context):
    seen = shown(context, "classes", searches=2)
    label = seen.found["label"]
    assert label in range(3) and seen.facts["items"][1]["values"] == [str(label)]
    wish = find.read_wish(context, "classes", ASKED)
    assert find.begun(context, "classes", wish)[0] == 4
    every = shown(context, "classes", searches=2, steps=20).every
    assert {note.split(",")[0] for note in every["notes"]} == {"0", "1", "2"}
    seen = shown(context, "classes", label=2, searches=2, steps=20)
    assert seen.found["label"] == 2 and len(seen.every["notes"]) == 2


def test_a_code_of_its_own_is_found_too_and_named(context):
    seen = shown(context, "codes")
    every, facts, found = seen.every, seen.facts, seen.found
    names = [item["name"] for item in facts["items"]]
    assert "Category" in names and "Code 1" in names
    z = np.array(found["z"])
    assert sorted(z[6:9]) == [0, 0, 1] and abs(z[9]) <= 1
    assert len(every["notes"]) == 4


def test_an_encoders_guess_is_shown_and_searched_on_from(context):
    seen = shown(context, "pairs")
    table, every, status = seen.pictures, seen.every, seen.status
    assert table["columns"][3:] == ["The encoder's guess", "Searched on from it"]
    model = context.store.get("pairs")
    x = torch.from_numpy(choice.read(context, "pairs", *PICTURE).pixels[None] / np.float32(255))
    with torch.no_grad():
        back = model.decode(model.encode(x))
    error = (back - x).square().mean().sqrt().item()
    assert off(table["notes"][3]) == pytest.approx(error, abs=6e-4)
    assert np.abs(pictures(table["sprite"])[3] - 255 * back[0].numpy()).max() <= 0.51
    assert off(table["notes"][4]) < off(table["notes"][3])
    assert "the encoder's guess was" in status["text"] and len(every["notes"]) == 5


def test_it_can_be_left_after_any_step_and_says_how_far_it_is(context):
    steps = find.show(context, "plain", ASKED.but(seed=90))
    assert "invert_steps" in next(steps).code
    first = next(steps)
    assert first.status["text"] == "Searching: step 0 of 60" and first.found["model"] == "plain"
    steps.close()
    everything = list(find.show(context, "plain", ASKED.but(seed=90)))
    assert len(everything) == 62, "a moment to be ended at after every step"
    again = list(find.show(context, "plain", ASKED.but(seed=90)))
    assert len(again) == 2 and again[-1] == everything[-1], "what was found is kept"


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"searches": 0}, "Searches must be a whole number from 1 to 16."),
     ({"steps": 9999}, "Steps must be a whole number"),
     ({"pull": float("nan")}, "The pull must be a number from 0 to 0.1."),
     ({"seed": -1}, "seed must be a whole number"),
     ({"source": choice.OWN}, "Draw a picture")],
)  # fmt: skip
def test_a_wrong_wish_is_a_sentence(context, changes, words):
    with pytest.raises(ValueError, match=words):
        shown(context, "plain", **changes)


def test_searching_anew_is_the_next_seed_and_arriving_fits_the_classes(context):
    seen = settled(find.anew(context, "plain", ASKED.but(steps=20)))
    assert seen.seed == 4 and seen.found == shown(context, "plain", steps=20, seed=4).found
    seen = settled(find.arrive(context, "classes", ASKED.but(label=7, steps=20)))
    assert seen.label.visible and seen.label.value == -1 and seen.shelf["selected"] == 1


@pytest.mark.parametrize(("name", "label"), [("plain", -1), ("classes", -1), ("classes", 1)])
def test_the_code_shown_runs_and_gives_the_same(context, name, label):
    seen = shown(context, name, label=label, steps=20, pull=0.001)
    scope: dict = {}
    exec(seen.code, scope)
    assert scope["z"].tolist() == pytest.approx(seen.found["z"], abs=2e-3)


def test_what_was_found_can_be_taken_away(context):
    asked = ASKED.but(source=choice.OWN, pad=drawing())
    found = settled(find.show(context, "plain", asked)).found
    file = find.save(context, "plain", asked.but(found=found), "png")
    assert file["name"] == "plain-found.png" and len(file["b64"]) > 200
    for nothing in (None, {**found, "model": "classes"}):
        with pytest.raises(ValueError, match="Nothing has been found"):
            find.save(context, "plain", asked.but(found=nothing), "png")
