"""What the layers of a network make of a picture, without a page."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest

import explorer
from explorer.page import choice as brought
from explorer.page.part import Asked, settled
from explorer.tabs.layers import inside
from models.checkpoints import weights
from models.codes.activations import activations, in_grey
from models.contract.random import generator
from models.data import datasets
from models.training import train
from tests import toys
from tests.conftest import tiny_recipe

ASKED = Asked(source=brought.SAMPLE, choice=0, pad=None, layer="", whose=inside.MODEL)


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "game")
    toys.write_writer(folder, "writer")
    toys.write_judge(folder, "judge")
    toys.write(folder, "elsewhere", image=(1, 16, 16))
    recipe = tiny_recipe(name="coder", family="autoencoder", train={"steps": 1})
    recipe = replace(recipe, model={"latent": 2, "width": 8, "hidden": 8})
    train.train(recipe, datasets.load("digits", "train"), folder / "coder")
    return explorer.Context.create(folder, device="cpu")


def test_the_channels_of_the_chosen_layer_are_shown_and_the_code_gives_them(context):
    first = settled(inside.show(context, "game", ASKED))
    titles = [each["title"] for each in first.layers]
    assert any(title.startswith("Decoder 1") for title in titles)
    assert any(title.startswith("Discriminator 1") for title in titles)
    assert first.layer in [each["key"] for each in first.layers]
    last = first.layers[-1]["key"]
    other = settled(inside.show(context, "game", ASKED.but(layer=last)))
    assert other.layer == last and other.maps != first.maps
    scope: dict = {}
    exec(other.code, scope)
    shown = np.frombuffer(base64.b64decode(other.maps["b64"]), np.uint8)
    grey = (in_grey(scope["maps"]) * 255).round().byte().numpy()
    assert np.abs(shown.astype(int) - grey.reshape(-1)).max() <= 1


def test_a_layer_of_another_model_is_the_first_with_maps(context):
    screen = settled(inside.show(context, "game", ASKED.but(layer="encoder~nowhere")))
    assert screen.maps["h"] * screen.maps["w"] > 1


def test_a_model_without_layers_says_so(context):
    screen = settled(inside.show(context, "writer", ASKED))
    assert "without layers" in screen.status["text"] and screen.layers == []


def test_the_layers_of_the_judge_of_its_pictures_are_shown_too(context):
    arrived = settled(inside.arrive(context, "game", ASKED))
    assert [key for _, key in arrived.whose.choices] == [inside.MODEL, inside.JUDGE]
    judged = settled(inside.show(context, "game", ASKED.but(whose=inside.JUDGE)))
    titles = [each["title"] for each in judged.layers]
    assert titles and all(title.startswith("Classifier") for title in titles)
    assert judged.layer.startswith("classifier~")
    scope: dict = {}
    exec(judged.code, scope)
    judge, x = weights.load(context.store.header("judge").folder), scope["x"]
    found = dict(activations(judge, x, generator(0)))["Classifier"]
    shown = next(layer for layer in found if f"classifier~{layer.name}" == judged.layer)
    assert np.allclose(scope["maps"].numpy(), shown.values.numpy())


def test_where_no_judge_knows_the_pictures_the_model_is_the_only_choice(context):
    arrived = settled(inside.arrive(context, "elsewhere", ASKED.but(whose=inside.JUDGE)))
    assert not arrived.whose.visible and arrived.whose.value == inside.MODEL
    assert all("Classifier" not in each["title"] for each in arrived.layers)


def test_an_autoencoder_shows_both_its_networks(context):
    titles = [each["title"] for each in settled(inside.show(context, "coder", ASKED)).layers]
    for network in ("Encoder 1", "Decoder 1"):
        assert any(title.startswith(network) for title in titles)


def test_a_layer_of_an_address_is_read():
    assert inside.layer_text("encoder~body.0.first") == "encoder~body.0.first"
    with pytest.raises(ValueError, match="no layer"):
        inside.layer_text("Encoder~<b>")
