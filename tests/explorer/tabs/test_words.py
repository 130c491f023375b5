"""The Words tab's handlers, with a small untrained model of text."""

from __future__ import annotations

import base64
import math

import numpy as np
import pytest
import torch

import explorer
from explorer.page.part import settled
from explorer.tabs import words
from tests import toys


@pytest.fixture(scope="module")
def context(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    toys.write(folder, "toy")
    toys.write_scribe(folder, "scribe")
    context = explorer.Context.create(folder, device="cpu")
    explorer.build(context)
    return context


def told(context, handler: str = "show", **values):
    part = context.built["words"]
    return settled(part.call(handler, None, "scribe", part.asked(**{"length": 20, **values})))


def numbers(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_a_text_is_written_and_read(context):
    view = told(context, text="def f():").view
    model = context.store.get("scribe")
    assert view["text"].startswith("def f():") and len(view["text"]) == 28
    assert view["given"] == 8 and view["symbols"] == "".join(model.symbols)
    k = model.read_text(view["text"])
    nats = model.text_predict(k[None])[0]
    bits = -nats[torch.arange(28), k] / math.log(2)
    np.testing.assert_allclose(numbers(view["bits"], "f4"), bits, rtol=1e-5)
    likeliest = numbers(view["likeliest"], "u1").reshape(29, words.SHOWN)
    chances = numbers(view["chances"], "f4").reshape(29, words.SHOWN)
    np.testing.assert_allclose(chances, nats.exp().topk(words.SHOWN).values, rtol=1e-5)
    assert (likeliest[:, 0] == nats.argmax(1).numpy()).all()


def test_the_same_seed_writes_the_same_and_the_next_another(context):
    first, again = told(context), told(context)
    assert first.view["text"] == again.view["text"]
    other = told(context, "another")
    assert other.seed == 1 and other.view["text"] != first.view["text"]


def test_a_text_of_ones_own_is_only_read(context):
    turned = told(context, "turn", text="import this", does=words.READ)
    assert turned.view["text"] == "import this" and turned.view["given"] == 0
    bits = numbers(turned.view["bits"], "f4").sum()
    said = turned.status["text"]
    assert "Your 11 characters" in said and f"{math.ceil(bits / 8)} bytes" in said
    assert not turned.settings.visible and turned.more.value == "Read it"


def test_a_head_tells_where_it_looks(context):
    arrived = told(context, "arrive")
    choices = arrived.head.choices
    assert ("Layer 2, head 1", "2.1") in choices and len(choices) == 5
    view = told(context, text="ab", length=4, head="2.1").view
    k = context.store.get("scribe").read_text(view["text"])
    a = context.store.get("scribe").attention(k[None])[1][0, 0].numpy()
    shown = numbers(view["attention"], "u1").reshape(a.shape)
    np.testing.assert_allclose(shown, 255 * a / a.max(1, keepdims=True), atol=0.51)
    assert view["head"] == "head 1 of layer 2"
    long = told(context, text="x" * 40, head="1.1").view  # more than is seen at once
    shown = numbers(long["attention"], "u1").reshape(61, 61)
    assert not shown[:45].any() and shown[46].max() == 255
    assert told(context, head="7.1").view["attention"] == ""


def test_what_is_on_screen_can_be_had_as_code(context):
    screen = told(context, text='print("a")\n', temperature=0.5, top_k=3)
    space: dict = {}
    exec(screen.code, space)
    model = space["model"]
    assert model.say_text(space["k"][0]) == screen.view["text"]
    read = told(context, text="a'b\\", does=words.READ)
    exec(read.code, space)
    np.testing.assert_allclose(space["bits"][0], numbers(read.view["bits"], "f4"), rtol=1e-5)


@pytest.mark.parametrize(
    ("values", "said"),
    [({"text": "ä"}, "does not know the character 'ä'"),
     ({"text": "x" * 3001}, "3,000 characters"),
     ({"text": "", "does": "read"}, "no text to read"),
     ({"seed": -1}, "seed"), ({"length": 0}, "from 1 to 1,000"), ({"length": 2.5}, "whole number")],
)  # fmt: skip
def test_what_cannot_be_is_told_in_a_sentence(context, values, said):
    part = context.built["words"]
    asked = part.asked(**{"length": 20, **values})
    status = settled(part.call("show", None, "scribe", asked)).status
    # That there is nothing yet is a prompt, no fault.
    assert status["kind"] == ("plain" if "yet" in status["text"] else "problem")
    assert said in status["text"]


def test_the_tab_is_for_models_of_text_alone(context):
    assert context.store.having(words.NEEDS) == ["scribe"]
    assert context.store.first == "toy"
