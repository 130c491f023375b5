"""The Layers tab's handlers, without a page."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

import explorer
from explorer.page import choice as brought
from explorer.page.part import Asked, settled
from explorer.tabs.layers import flow as layers
from models.contract.random import generator
from tests import toys
from tests.denoising import pictures

SAMPLE = Asked(seed=0, source=brought.SAMPLE, choice=2, pad=None)
GIVEN = (brought.SAMPLE, 2, None)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_flow(folder, "flow")
    toys.write(folder, "toy", image=(1, 8, 8))
    return explorer.Context.create(folder, device="cpu")


def test_it_offers_what_flows_and_nothing_else(context):
    assert context.store.having(set(layers.NEEDS)) == ["flow"]


def test_both_ways_pass_the_same_layers_and_the_picture_comes_back(context):
    final = settled(layers.show(context, "flow", SAMPLE))
    film, curves, bells = final.film, final.curves, final.bell
    there, drawn = (pictures(row["sprite"]) for row in film["rows"])
    T = 1 + 2 * 2
    assert len(there) == len(drawn) == len(bells["moments"]) == T
    assert film["rows"][0]["captions"][0] == "logit"
    assert len(set(film["rows"][0]["captions"])) == T
    assert not np.array_equal(there[0], there[-1]) and not np.array_equal(there, drawn)
    ended, log_det, error = (plot["lines"][0]["y"] for plot in curves["plots"])
    assert error[-1] is None and max(error[:-1]) < 1e-3  # of numbers around 5, in single precision
    # The last numbers are those of the model.
    model = context.store.get("flow")
    picture = brought.read(context, "flow", *GIVEN)
    x = torch.from_numpy(picture.pixels[None].astype(np.float32) / 255)
    with torch.no_grad():
        z, whole = model((x * 255 + 0.5) / 256)
    nats = torch.distributions.Normal(0, 1).log_prob(z).sum() + whole[0] - 64 * math.log(256)
    assert log_det[-1] == pytest.approx(whole.item(), abs=1e-2)
    assert ended[-1] == pytest.approx(-nats.item() / (64 * math.log(2)), abs=1e-3)
    assert f"{ended[-1]:.2f} bits/dim" in final.status["text"]
    assert "-> " not in final.code and "model.flow_steps(x)" in final.code


def test_the_other_film_is_the_sample_of_its_noise(context):
    picture = brought.read(context, "flow", *GIVEN)
    made = layers.way(context, "flow", picture, 7)
    model = context.store.get("flow")
    y = model.logit.inverse(torch.from_numpy(made.drawn[:1]))
    shown = ((y * 256 - 0.5) / 255).clamp(0, 1)
    assert torch.allclose(shown, model.sample(1, generator(7)), atol=1e-4)
    again = layers.way(context, "flow", picture, 8)
    assert np.array_equal(again.there, made.there) and not np.array_equal(again.drawn, made.drawn)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [({"seed": -1}, "seed must be a whole number"), ({"source": brought.OWN}, "Draw a picture")],
)
def test_a_wrong_wish_is_a_sentence(context, wish, sentence):
    with pytest.raises(ValueError, match=sentence):
        settled(layers.show(context, "flow", SAMPLE.but(**wish)))
    with pytest.raises(ValueError, match=sentence):
        layers.save(context, "flow", SAMPLE.but(**wish), "webp")


def test_the_code_shown_runs_and_gives_the_same(context, capsys):
    code = settled(layers.show(context, "flow", SAMPLE)).code
    scope: dict = {}
    exec(code, scope)
    assert scope["error"] < 1e-3
    picture = brought.read(context, "flow", *GIVEN)
    made = layers.way(context, "flow", picture, 0)
    assert np.allclose(scope["h"].numpy()[0], made.drawn[0], atol=1e-4)
    last = capsys.readouterr().out.splitlines()[-1].split()
    assert float(last[-1]) == pytest.approx(float(made.nats[-1]), abs=0.05)


@pytest.mark.parametrize("kind", ["webp", "gif", "png"])
def test_the_film_can_be_taken_away(context, kind):
    file = layers.save(context, "flow", SAMPLE, kind)
    assert file["name"] == f"flow-layers.{kind}" and len(file["b64"]) > 500
