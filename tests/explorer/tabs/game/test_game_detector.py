"""The Detector's handlers, without a page."""

from __future__ import annotations

import base64
import csv
import io

import numpy as np
import pytest
import torch
from PIL import Image

import explorer
from explorer.page import choice
from explorer.page.examples import examples
from explorer.page.part import Asked, settled
from explorer.tabs import game
from explorer.tabs.game import detector, judged
from models.contract.random import generator
from tests import toys
from tests.denoising import drawing, pictures

SAMPLE = Asked(source=choice.SAMPLE, choice=0, pad=None)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "plain")
    toys.write_game(folder, "classes", num_classes=10)
    toys.write_game(folder, "critic", game="wasserstein", gradient_penalty=10.0)
    toys.write(folder, "toy", image=(1, 8, 8))
    return explorer.Context.create(folder, device="cpu")


def shown(context, name, **changes):
    return settled(detector.show(context, name, SAMPLE.but(**changes)))


def floats(b64: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(b64), "<f4")


def test_it_offers_what_discriminates_and_nothing_else(context):
    assert set(context.store.having(set(game.NEEDS))) == {"plain", "classes", "critic"}


def test_the_verdict_is_the_models_and_the_map_its_gradient(context):
    seen = shown(context, "plain")
    maps, facts, bars, mark, status = (seen[k] for k in ("maps", "facts", "bars", "mark", "status"))
    model, picture = context.store.get("plain"), examples(context, "plain")[0]
    x = torch.from_numpy(picture.pixels[None].astype(np.float32) / 255)
    with torch.no_grad():
        d = float(model.verdict(x))
    assert mark["value"] == pytest.approx(d, abs=1e-5) and bars is None
    looked = floats(maps["maps"][1]["values"]).reshape(8, 8)
    # Against finite differences, pixel by pixel.
    step, slopes = 1e-5, np.zeros((8, 8))
    for k in range(64):
        moved = x.clone().double()
        moved.view(-1)[k] += step
        other = x.clone().double()
        other.view(-1)[k] -= step
        both = model.double().verdict(torch.cat([moved, other]))
        slopes.flat[k] = abs((both[0] - both[1]).item()) / (2 * step)
    model.float()
    assert np.abs(looked - slopes).max() < 0.01 * slopes.max() and slopes.max() > 0
    percent = f"{100 / (1 + np.exp(-d)):.0f}"
    assert percent in facts["items"][0]["values"][0] and "% real" in status["text"]


def test_where_there_are_classes_it_is_judged_as_each_and_told_as_the_best(context):
    seen = shown(context, "classes")
    bars, mark, sets, status = seen.bars, seen.mark, seen.sets, seen.status
    model, picture = context.store.get("classes"), examples(context, "classes")[0]
    x = torch.from_numpy(picture.pixels[None].astype(np.float32) / 255)
    with torch.no_grad():
        by_class = [float(model.verdict(x, k)) for k in range(10)]
    assert [row["value"] for row in bars["rows"]] == pytest.approx(by_class, abs=1e-5)
    best = int(np.argmax(by_class))
    assert bars["chosen"] == best and f"as {best}" in status["text"]
    assert mark["value"] == pytest.approx(by_class[best], abs=1e-5)
    own = floats(sets["sets"][0]["values"])
    with torch.no_grad():
        made = model.sample(judged.OWN, generator(0))
        made = (made * 255).round() / 255
        best = torch.stack([model.verdict(made, k) for k in range(10)]).amax(0)
    assert np.allclose(own, best.numpy(), atol=1e-4)


def test_it_falls_among_sets_of_pictures_each_with_its_verdict(context):
    sets = shown(context, "plain").sets
    by_name = {each["name"]: each for each in sets["sets"]}
    assert next(iter(by_name)) == "Its own samples"
    assert {"Real test pictures", "Noise", "One level of grey"} <= set(by_name)
    assert any(name.startswith("Made by ") for name in by_name)
    model = context.store.get("plain")
    for each in by_name.values():
        x = torch.from_numpy(pictures(each["sprite"]).astype(np.float32) / 255)
        with torch.no_grad():
            expected = model.verdict(x).numpy()
        assert np.allclose(floats(each["values"]), expected, atol=1e-4), each["name"]
    assert len(floats(by_name["Its own samples"]["values"])) == 256


def test_a_probability_is_told_only_where_the_game_has_one(context):
    seen = shown(context, "critic")
    facts, mark, sets, status, code = (
        seen[k] for k in ("facts", "mark", "sets", "status", "code")
    )  # fmt: skip
    assert facts["items"][0]["name"] == "Verdict"
    assert not any("%" in words for words in (mark["name"], sets["sets"][0]["note"]))
    assert "no probability" in status["text"] and "sigmoid" not in code and not sets["odds"]
    assert shown(context, "plain").sets["odds"]


@pytest.mark.parametrize(
    ("d", "words"),
    [(0.0, "50 % real"), (-20.0, "below 0.1 % real"), (20.0, "over 99.9 % real"),
     (-2.5, "7.6 % real"), (-2000.0, "below 0.1 % real")],
)  # fmt: skip
def test_log_odds_in_words(d, words):
    assert detector.in_words(d, True) == words


def test_a_drawing_is_judged_and_none_is_a_sentence(context):
    seen = shown(context, "plain", source=choice.OWN, pad=drawing())
    assert np.isfinite(seen.mark["value"]) and seen.status["text"].startswith("Your picture: ")
    with pytest.raises(ValueError, match="Draw a picture"):
        shown(context, "plain", source=choice.OWN)


def test_it_can_be_stopped_between_pictures(context):
    fresh = explorer.Context.create(context.store.header("plain").folder.parent, device="cpu")
    steps = list(detector.show(fresh, "classes", SAMPLE))
    assert steps.count(None) >= 16 and steps[0].maps and steps[-1].sets
    assert len(list(detector.show(fresh, "classes", SAMPLE))) == 2, "the company is kept"


def test_the_next_example_is_the_next_on_the_shelf(context):
    seen = settled(detector.following(context, "plain", SAMPLE.but(choice=3, source=choice.OWN)))
    assert (seen.choice, seen.source, seen.shelf["selected"]) == (4, choice.SAMPLE, 4)
    assert seen.mark == shown(context, "plain", choice=4).mark
    seen = settled(detector.arrive(context, "classes", SAMPLE))
    assert seen.classes.visible and seen.sets and seen.shelf["selected"] == 0


@pytest.mark.parametrize("name", ["plain", "classes", "critic"])
def test_picture_and_verdicts_can_be_taken_away(context, name):
    seen = shown(context, name)
    file = detector.save(context, name, SAMPLE, "csv")
    assert file["name"] == f"{name}-verdicts.csv"
    rows = list(csv.DictReader(io.StringIO(base64.b64decode(file["b64"]).decode())))
    assert float(rows[0]["verdict"]) == pytest.approx(seen.mark["value"], rel=1e-4)
    own = [float(row["verdict"]) for row in rows if row["pictures"] == "Its own samples"]
    assert np.allclose(own, floats(seen.sets["sets"][0]["values"]), atol=1e-4) and len(own) == 256
    assert sum(" as" in row["pictures"] for row in rows) == (10 if name == "classes" else 0)
    file = detector.save(context, name, SAMPLE, "png")
    picture = Image.open(io.BytesIO(base64.b64decode(file["b64"])))
    assert file["name"] == f"{name}-verdict.png" and picture.width > 2 * 64


@pytest.mark.parametrize("name", ["plain", "classes"])
def test_the_code_shown_runs_and_gives_the_same(context, name):
    seen = shown(context, name)
    maps, mark, code = seen.maps, seen.mark, seen.code
    scope: dict = {}
    exec(code, scope)
    assert scope["d"].item() == pytest.approx(mark["value"], abs=1e-4)
    assert scope["real"] == pytest.approx(detector.chance(mark["value"]), abs=1e-4)
    looked = floats(maps["maps"][1]["values"])
    assert np.allclose(scope["looked"].numpy().ravel(), looked, atol=1e-4)
