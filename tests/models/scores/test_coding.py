"""Arithmetic coding: files that come back bit for bit, as short as the likelihood says."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from models.checkpoints.weights import load
from models.contract.random import generator
from models.families.autoregressive.autoregressive import Autoregressive, AutoregressiveConfig
from models.scores import coding
from models.scores.coding import TOTAL, Decoder, Encoder, edges


def small(**settings) -> Autoregressive:
    """A small untrained model whose chances are far from even."""
    torch.manual_seed(0)
    config = AutoregressiveConfig(image=(1, 8, 8), network="made", width=32, layers=1, **settings)
    model = Autoregressive(config).eval().requires_grad_(False)
    for weight in model.parameters():
        weight.mul_(3)
    return model


def written(model: Autoregressive, n: int) -> torch.Tensor:
    *_, frame = model.sample_steps(n, generator(1))
    return frame.x


@pytest.mark.parametrize(
    "settings",
    [{}, {"pixels": "categorical", "levels": 16}, {"pixels": "logistic", "levels": 256},
     {"num_classes": 3}, {"orders": "raster,centre"}],
)  # fmt: skip
def test_two_hundred_pictures_there_and_back(settings):
    model = small(**settings)
    n = 60 if settings.get("levels") == 256 else 200
    x = written(model, n)
    label = torch.arange(n) % 3 if settings.get("num_classes") else None
    order = len(model.orders) - 1
    coded = coding.encode(model, x, label, order)
    assert torch.equal(coding.decode(model, coded.files, label, order), x)
    bytes_written = sum(map(len, coded.files))
    # Against the model's own nats of this order, not against what the coder says of itself.
    log_p = model.predict(x, label, order)
    v = (x * (model.levels - 1)).round().long()
    bits = -log_p.gather(-1, v[..., None]).double().sum() / math.log(2)
    assert abs(coded.bits.sum() - bits) < 0.001 * bits + 1
    # Each file ends on a whole byte and needs two bits to name its interval.
    assert bits / 8 <= bytes_written <= bits / 8 * 1.01 + 2 * len(x)
    assert all(
        len(f) <= b / 8 * 1.01 + 2
        for f, b in zip(coded.files, coded.bits.sum((1, 2, 3)), strict=True)
    )


@pytest.mark.shipped
@pytest.mark.parametrize("name", ["made-mnist", "transformer-mnist"])
def test_digits_by_a_shipped_model(name, pretrained_pictures):
    model = load(name)
    x = (pretrained_pictures[: 200 if name == "made-mnist" else 40] > 0.5).float()
    coded = coding.encode(model, x)
    assert torch.equal(coding.decode(model, coded.files), x)
    nats = model.log_likelihood(x, generator(0), binarise=False).nats
    bits = (-nats / math.log(2)).numpy()
    lengths = np.array([8 * len(f) for f in coded.files])
    assert (lengths <= 1.01 * bits + 16).all() and (lengths >= bits - 1).all()
    # The whole as one stream: whole bytes are then paid for once.
    assert coded.bits.sum() <= 1.01 * bits.sum() + 16
    assert coded.bits.sum() >= 0.999 * bits.sum()


@pytest.fixture(scope="module")
def pretrained_pictures() -> torch.Tensor:
    """Real digits that are shipped with a model's codes."""
    from models.checkpoints.codes import load_map
    from models.checkpoints.header import SHIPPED

    return torch.from_numpy(load_map(SHIPPED / "flow-mnist").pictures[:200]).float() / 255


def test_one_stream_reaches_the_entropy():
    rng = np.random.default_rng(0)
    n, p = 20_000, 0.03
    tosses = rng.random(n) < p
    cut = round((1 - p) * TOTAL)
    coder = Encoder()
    for toss in tosses:
        coder.put(cut if toss else 0, TOTAL if toss else cut)
    data = coder.finish()
    heads = tosses.sum()
    bits = -heads * math.log2(1 - cut / TOTAL) - (n - heads) * math.log2(cut / TOTAL)
    assert bits <= 8 * len(data) <= bits + 10
    back = Decoder(data)
    for toss in tosses:
        at = back.place()
        assert (at >= cut) == toss
        back.put(cut if toss else 0, TOTAL if toss else cut)


@pytest.mark.parametrize("gap", [1, 2])
def test_an_interval_about_the_middle_loses_nothing(gap):
    """The hard case: ends that straddle the middle for hundreds of values."""
    half = TOTAL // 2
    coder = Encoder()
    parts = [(half - gap, half + gap), (0, 1), (TOTAL - 1, TOTAL), (half - gap, half)] * 50
    for part in parts:
        coder.put(*part)
    back = Decoder(coder.finish())
    for start, end in parts:
        assert start <= back.place() < end
        back.put(start, end)


def test_levels_that_the_model_rules_out_can_still_be_written():
    logs = torch.tensor([[0.0, -math.inf, -1e9], [-800.0, 0.0, -800.0], [0.0, 0.0, 0.0]])
    parts = edges(logs)
    assert (parts[:, 0] == 0).all() and (parts[:, -1] == TOTAL).all()
    assert (np.diff(parts, axis=1) >= 1).all()
    assert np.diff(parts, axis=1)[2] == pytest.approx([TOTAL / 3] * 3, abs=3)


def test_what_cannot_be_coded_gets_a_sentence():
    model = small()
    with pytest.raises(ValueError, match="2 levels"):
        coding.encode(model, torch.full((1, 1, 8, 8), 0.5))
    with pytest.raises(ValueError, match="probability zero"):
        Encoder().put(5, 5)
