"""A model of text: its probabilities, what it writes, and what it compares with."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.checkpoints import weights
from models.contract.random import generator
from models.contract.symbols import STRIP, SYMBOLS
from models.data import datasets
from models.data import text as texts
from models.families.text import chances
from tests.conftest import small_text_model


def symbols(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(len(SYMBOLS), shape, generator=generator(seed))


@pytest.fixture(scope="module")
def model():
    return small_text_model()


def test_probabilities_sum_to_one_at_every_place(model):
    k = symbols(2, 40)  # longer than the 16 that are seen at once
    nats = model.text_predict(k)
    assert nats.shape == (2, 41, len(SYMBOLS))
    torch.testing.assert_close(nats.exp().sum(-1), torch.ones(2, 41))
    # Of all texts of two symbols, too: the product of conditionals is a distribution.
    V = len(SYMBOLS)
    pairs = torch.cartesian_prod(torch.arange(V), torch.arange(V))
    total = model.text_log_likelihood(pairs).double().sum(1).logsumexp(0)
    assert float(total) == pytest.approx(0, abs=1e-5)


def test_no_symbol_sees_what_comes_later(model):
    k = symbols(1, 40)
    before = model.text_predict(k)
    for place in (0, 7, 20, 39):
        changed = k.clone()
        changed[0, place:] = (changed[0, place:] + 1) % len(SYMBOLS)
        after = model.text_predict(changed)
        torch.testing.assert_close(after[:, : place + 1], before[:, : place + 1])
        assert not torch.allclose(after[:, place + 1], before[:, place + 1])


def test_a_long_text_is_read_by_windows_that_each_fit(model):
    """Place t of a long text is told by the window that holds it, counted by hand."""
    k, C = symbols(1, 40), model.context
    nats = model.text_predict(k)
    for begin, first, last in ((0, 0, 15), (8, 16, 23), (16, 24, 31), (24, 32, 39), (32, 40, 40)):
        window = model.logits(k[:, begin : begin + C - 1]).log_softmax(-1)
        wanted = window[:, first - begin : last - begin + 1]
        torch.testing.assert_close(nats[:, first : last + 1], wanted)


def test_written_with_kept_keys_is_what_reading_finds(model):
    """At temperature 0 each symbol is the likeliest by the whole network, read anew each time."""
    prompt = symbols(5)
    *_, k = model.text_steps(1, 14, generator(0), prompt=prompt, temperature=0)
    wanted = prompt
    while len(wanted) < 14:
        wanted = torch.cat([wanted, model.text_predict(wanted[None])[:, -1].argmax(1)])
    assert torch.equal(k[0], wanted)


def test_a_text_goes_on_beyond_what_is_seen_at_once(model):
    prompt = symbols(30)
    *_, k = model.text_steps(3, 60, generator(0), prompt=prompt)
    assert k.shape == (3, 60) and torch.equal(k[:, :30], prompt.expand(3, -1))
    assert len({tuple(row.tolist()) for row in k}) == 3
    alone = list(model.text_steps(1, 60, generator(0), prompt=prompt))[-1]
    assert torch.equal(alone[0], k[0])  # its own stream, whoever is drawn beside it


def test_frequencies_of_what_is_drawn_are_the_probabilities(model):
    n = 20_000
    k = next(model.text_steps(n, 1, generator(3)))
    found = torch.bincount(k[:, 0], minlength=len(SYMBOLS)).double() / n
    p = model.text_predict(torch.zeros(1, 0, dtype=torch.long))[0, 0].double().exp()
    error = (p * (1 - p) / n).sqrt()
    assert bool(((found - p).abs() < 5 * error + 1e-9).all())


def test_top_k_top_p_and_temperature_by_hand():
    p = torch.tensor([[0.5, 0.2, 0.15, 0.1, 0.05]]).double()
    logits = p.log()
    torch.testing.assert_close(chances(logits, 1.0), p)
    torch.testing.assert_close(
        chances(logits, 1.0, top_k=2), torch.tensor([[5 / 7, 2 / 7, 0, 0, 0]]).double()
    )
    # The fewest that hold 0.8: 0.5 + 0.2 + 0.15.
    kept = torch.tensor([[0.5, 0.2, 0.15, 0, 0]]).double() / 0.85
    torch.testing.assert_close(chances(logits, 1.0, top_p=0.8), kept)
    torch.testing.assert_close(chances(logits, 1.0, top_p=0.01), torch.eye(5)[:1].double())
    torch.testing.assert_close(chances(logits, 0.5), p.square() / p.square().sum())
    torch.testing.assert_close(chances(logits, 0), torch.eye(5)[:1].double())


def test_attention_looks_back_alone_and_its_rows_sum_to_one(model):
    k = symbols(2, 10)
    layers = model.attention(k)
    assert len(layers) == model.config.layers
    for a in layers:
        assert a.shape == (2, len(a[0]), 11, 11)
        torch.testing.assert_close(a.sum(-1), torch.ones(2, len(a[0]), 11))
        assert not a.triu(1).any()
    with pytest.raises(ValueError, match="at most 15 symbols"):
        model.attention(symbols(1, 16))


def test_the_loss_is_the_mean_surprise(model):
    k = symbols(3, model.context)
    codes = torch.tensor([ord(symbol) for symbol in SYMBOLS])
    x = codes[k].view(3, 1, 1, -1) / 255
    objective = next(model.objectives(x, None, generator(0)))
    wanted = -model.text_log_likelihood(k).mean()
    torch.testing.assert_close(objective.loss, wanted)
    assert float(objective.logs["bits_per_symbol"]) == pytest.approx(float(wanted) / math.log(2))


@pytest.mark.parametrize(
    ("length", "knobs"),
    [(3, {}), (5, {}), (20_000, {}), (9, {"temperature": -1.0}), (9, {"top_k": 97}),
     (9, {"top_p": 0.0}), (9, {"top_p": 1.5})],
)  # fmt: skip
def test_what_cannot_be_written_is_told_in_a_sentence(model, length, knobs):
    with pytest.raises(ValueError) as error:
        next(model.text_steps(1, length, generator(0), prompt=symbols(5), **knobs))
    assert str(error.value).endswith(".")


def test_a_saved_model_reads_bit_for_bit_the_same(model, tmp_path):
    state = {k: v.clone() for k, v in model.state_dict().items()}
    again = weights.build("text", {**vars(model.config)}).eval()
    again.load_state_dict(state)
    k = symbols(1, 40)
    assert torch.equal(model.text_predict(k), again.text_predict(k))


# -- data -----------------------------------------------------------------------------------------


def test_the_library_is_cut_into_strips_and_its_files_into_two_parts(tmp_path):
    for name in ("a.py", "b.py", "test/c.py", "d/e.py", "f/g.py", "encodings/h.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {name}\n\tx = 1  \nhidden = 'ä'\n" + "y = 2\n" * 100, "utf-8")
    parts = {}
    for split in ("train", "test"):
        strips = texts.python_library(split, tmp_path)
        assert strips.dtype == np.uint8 and strips.shape[1:] == (1, 1, STRIP)
        parts[split] = strips.tobytes().decode("ascii")
    both = parts["train"] + parts["test"]
    assert "c.py" not in both and "h.py" not in both and "hidden" not in both
    assert "    x = 1\n" in both and "\t" not in both
    for name in ("a.py", "b.py", "d/e.py", "f/g.py"):
        assert not (f"# {name}" in parts["train"] and f"# {name}" in parts["test"])


def test_python_itself_is_a_data_set_by_its_name():
    test = datasets.load("python-library", "test")
    assert len(test) > 200 and test.image_shape == (1, 1, STRIP)
    text = test.images.numpy().tobytes().decode("ascii")
    assert "\ndef " in text and "import" in text
    assert datasets.available("python-library")
