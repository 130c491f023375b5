"""What the layers of a network make of a picture, without a page."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import explorer
from explorer.page import choice as brought
from explorer.page.part import Asked, settled
from explorer.tabs.layers import inside
from models.codes.activations import in_grey
from tests import toys

ASKED = Asked(source=brought.SAMPLE, choice=0, pad=None, layer="")


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write_game(folder, "game")
    toys.write_writer(folder, "writer")
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


def test_a_layer_of_an_address_is_read():
    assert inside.layer_text("encoder~body.0.first") == "encoder~body.0.first"
    with pytest.raises(ValueError, match="no layer"):
        inside.layer_text("Encoder~<b>")
