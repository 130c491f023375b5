"""The handlers of Find me, without a page."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

import explorer
from explorer.page import choice
from explorer.tabs.game import find
from tests import toys
from tests.denoising import drawing, merged, pictures, told

SAMPLE = (choice.SAMPLE, 1, None)  # source, place, pad
SETTINGS = (-1, 4, 60, 0.0, 3)  # class, searches, steps, pull, seed


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "plain")
    toys.write_game(folder, "classes", num_classes=3)
    toys.write_game(folder, "codes", categories=3, continuous=1)
    toys.write_game(folder, "pairs", encoder=True)
    return explorer.Context.create(folder, device="cpu")


def shown(context, name, *given):
    return merged(find.show(context, name, *(given or (*SAMPLE, *SETTINGS))))


def off(text: str) -> float:
    return float(text.split("%")[0].split()[-1]) / 100


def test_it_shows_the_picture_of_the_code_it_hands_on(context):
    table, every, curves, facts, found, status, _ = shown(context, "plain")
    target, best, apart = pictures(table["sprite"])
    assert np.array_equal(target, choice.read(context, "plain", *SAMPLE).pixels)
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
    *_, facts, found, _, _ = shown(context, "classes", *SAMPLE, -1, 2, 60, 0.0, 3)
    assert found["label"] in range(3) and facts["items"][1]["values"] == [str(found["label"])]
    assert find.begun(context, "classes", wish(context, "classes", -1))[0] == 4
    every = shown(context, "classes", *SAMPLE, -1, 2, 20, 0.0, 3)[1]
    assert {note.split(",")[0] for note in every["notes"]} == {"0", "1", "2"}
    asked = shown(context, "classes", *SAMPLE, 2, 2, 20, 0.0, 3)
    assert asked[4]["label"] == 2 and len(asked[1]["notes"]) == 2


def wish(context, name, label):
    return find.read_wish(context, name, *SAMPLE, label, *SETTINGS[1:])


def test_a_code_of_its_own_is_found_too_and_named(context):
    _, every, _, facts, found, *_ = shown(context, "codes")
    names = [item["name"] for item in facts["items"]]
    assert "Category" in names and "Code 1" in names
    z = np.array(found["z"])
    assert sorted(z[6:9]) == [0, 0, 1] and abs(z[9]) <= 1
    assert len(every["notes"]) == 4


def test_an_encoders_guess_is_shown_and_searched_on_from(context):
    table, every, _, _, _, status, _ = shown(context, "pairs")
    assert table["columns"][3:] == ["The encoder's guess", "Searched on from it"]
    model = context.store.get("pairs")
    x = torch.from_numpy(choice.read(context, "pairs", *SAMPLE).pixels[None] / np.float32(255))
    with torch.no_grad():
        back = model.decode(model.encode(x))
    error = (back - x).square().mean().sqrt().item()
    assert off(table["notes"][3]) == pytest.approx(error, abs=6e-4)
    assert np.abs(pictures(table["sprite"])[3] - 255 * back[0].numpy()).max() <= 0.51
    assert off(table["notes"][4]) < off(table["notes"][3])
    assert "the encoder's guess was" in status["text"] and len(every["notes"]) == 5


def test_it_can_be_left_after_any_step_and_says_how_far_it_is(context):
    steps = find.show(context, "plain", *SAMPLE, *SETTINGS)
    first = told(itertools.islice(steps, 3))[0]
    assert first[5]["text"] == "Searching: step 0 of 60" and first[4]["model"] == "plain"
    steps.close()
    everything = list(find.show(context, "plain", *SAMPLE, *SETTINGS))
    assert len(everything) == 61, "a moment to be ended at after every step"


@pytest.mark.parametrize(
    ("given", "words"),
    [((*SAMPLE, -1, 0, 60, 0.0, 3), "Searches must be a whole number from 1 to 16."),
     ((*SAMPLE, -1, 4, 9999, 0.0, 3), "Steps must be a whole number"),
     ((*SAMPLE, -1, 4, 60, float("nan"), 3), "The pull must be a number from 0 to 0.1."),
     ((*SAMPLE, -1, 4, 60, 0.0, -1), "seed must be a whole number"),
     ((choice.OWN, 0, None, *SETTINGS), "Draw a picture")],
)  # fmt: skip
def test_a_wrong_wish_is_a_sentence(context, given, words):
    table, *_, status, _ = shown(context, "plain", *given)
    assert table is None and words in status["text"] and status["kind"] == "problem"


@pytest.mark.parametrize(("name", "label"), [("plain", -1), ("classes", -1), ("classes", 1)])
def test_the_code_shown_runs_and_gives_the_same(context, name, label):
    *_, found, _, code = shown(context, name, *SAMPLE, label, 4, 20, 0.001, 3)
    scope: dict = {}
    exec(code, scope)
    assert scope["z"].tolist() == pytest.approx(found["z"], abs=2e-3)


def test_what_was_found_can_be_taken_away(context):
    given = (choice.OWN, 0, drawing(), *SETTINGS)
    found = shown(context, "plain", *given)[4]
    file, _ = find.save(context, "plain", found, *given)
    assert file["name"] == "plain-found.png" and len(file["b64"]) > 200
    _, status = find.save(context, "plain", None, *given)
    assert status["kind"] == "problem"
