"""Every capability of every family, in every configuration that is shipped: having the method is
having the capability, and these are its promises."""

from __future__ import annotations

import math

import pytest
import torch

from models.contract.capabilities import CAPABILITIES, capabilities
from models.contract.model import GenerativeModel
from models.contract.random import generator
from tests.contract import (
    KINDS,
    SPACES,
    built,
    effort,
    gives_the_sizes,
    having,
    images,
    labels,
    refused,
)

model = pytest.fixture(built, scope="module")


@having()
def test_every_model_can_do_something(model):
    assert set(capabilities(model)) - {"Conditional"}
    assert set(capabilities(model)) <= {*CAPABILITIES, "Conditional"}
    if "Samples" in capabilities(model):
        inherited = type(model).sample_steps is GenerativeModel.sample_steps
        assert not inherited, "sample_steps is only inherited: that is no capability"


@having("Encodes")
def test_encodes(model):
    x = images(model)
    with torch.no_grad():
        z = model.encode(x)
        assert z.shape[0] == 3 and z.dim() in (2, 4) and torch.isfinite(z).all()
        assert torch.equal(z, model.encode(x))
        torch.testing.assert_close(model.encode(x[1:2]), z[1:2], atol=1e-4, rtol=1e-4)
    gives_the_sizes(model.encode, x)


@having("Decodes")
def test_decodes(model):
    with torch.no_grad():
        if "Encodes" in capabilities(model):
            z = model.encode(images(model))
        else:
            z = next(iter(model.sample_steps(3, generator(0)))).info["z"]
        x = model.decode(z)
        assert x.shape == (3, *model.image_shape) and x.dtype == torch.float32
        assert x.min() >= 0 and x.max() <= 1
        torch.testing.assert_close(model.decode(z[1:2]), x[1:2], atol=1e-4, rtol=0)
    refused(model.decode, z[:, 1:])
    refused(model.decode, z[0])


@having("Rebuilds")
def test_rebuilds(model):
    x = images(model)
    again = model.rebuild(x)
    assert again.shape == x.shape and again.min() >= 0 and again.max() <= 1
    assert torch.equal(again, model.rebuild(x))
    torch.testing.assert_close(model.rebuild(x[1:2]), again[1:2], atol=1e-4, rtol=0)
    known = torch.ones_like(x, dtype=torch.bool)
    known[:, :, : x.shape[2] // 2] = False
    assert model.rebuild(x, known).shape == x.shape
    assert model.rebuild(x + 0.3 * torch.randn(x.shape, generator=generator(4))).isfinite().all()
    gives_the_sizes(model.rebuild, x)


@having("Samples", "Decodes")
def test_a_sample_is_its_code_decoded(model):
    frame = list(model.sample_steps(3, generator(0)))[-1]
    label = frame.info.get("label")
    again = model.decode(frame.info["z"], *([] if label is None else [label]))
    torch.testing.assert_close(again, frame.x, atol=1e-6, rtol=0)


@having("HasLikelihood")
def test_has_likelihood(model):
    x = images(model)
    a, b = (model.log_likelihood(x, generator(5), **effort(model)) for _ in range(2))
    assert a.kind in KINDS and a.space in SPACES
    assert a.nats.shape == (3,) and torch.isfinite(a.nats).all()
    assert torch.equal(a.nats, b.nats)
    assert not a.nats.requires_grad
    assert (a.nats <= 1e-3).all(), "the probability of a discrete picture is at most one"
    if a.kind == "estimate":
        assert a.stderr.shape == (3,) and (a.stderr >= 0).all()
    if a.per_pixel is not None:
        assert a.per_pixel.shape == x.shape
        torch.testing.assert_close(a.per_pixel.sum((1, 2, 3)), a.nats, rtol=1e-4, atol=1e-2)
    for name, value in a.details.items():
        assert len(value) == 3, name
    gives_the_sizes(lambda x: model.log_likelihood(x, generator(0)), x)


@having("HasEnergy")
def test_has_energy(model):
    energy = model.energy(images(model))
    assert energy.shape == (3,) and torch.isfinite(energy).all()
    gives_the_sizes(model.energy, images(model))


@having("Denoises")
def test_denoises(model):
    x0 = model.denoise(images(model), torch.full((3,), 0.5))
    assert x0.shape == (3, *model.image_shape) and torch.isfinite(x0).all()


@having("Completes")
def test_completes(model):
    x = (images(model) > 0.5).float()
    known = torch.zeros_like(x, dtype=torch.bool)
    known[:, :, : x.shape[2] // 2] = True
    last = list(model.complete_steps(x, known, generator(0)))[-1].x
    assert last.shape == x.shape and last.min() >= 0 and last.max() <= 1
    torch.testing.assert_close(last[known], x[known], atol=1 / 255, rtol=0)


@having("Flows")
def test_flows(model):
    x, label = images(model), labels(model)
    there = list(model.flow_steps(x, label))
    for stage in there:
        assert stage.name and stage.h.shape == x.shape
        assert stage.log_det.shape == stage.nats.shape == (3,)
        assert torch.isfinite(stage.h).all() and torch.isfinite(stage.nats).all()
    with torch.no_grad():
        back = list(model.inverse_steps(model.encode(x, label), label))
    assert len(back) == len(there) > 1
    for stage, h in zip(there, reversed(back), strict=True):
        torch.testing.assert_close(h, stage.h, atol=1e-2, rtol=1e-3)
    gives_the_sizes(lambda wrong: list(model.flow_steps(wrong)), x)


@having("WritesPixels")
def test_writes_pixels(model):
    D = math.prod(model.image_shape)
    u = torch.rand((2, D), generator=generator(4))
    label = labels(model, 2)
    for k, name in enumerate(model.orders):
        assert name and sorted(model.order(k).tolist()) == list(range(D))
        frames = list(model.write_steps(u, label, order=k, every=D // 4))
        assert len(frames) == 4 and [f.step for f in frames] == [D // 4 * i for i in (1, 2, 3, 4)]
        x = frames[-1].x
        written = model.order(k)[: D // 2]  # half way, the first half is there and the rest is 0
        half = torch.zeros(2, D).index_copy(1, written, x.flatten(1)[:, written])
        torch.testing.assert_close(frames[1].x.flatten(1), half)
        p = model.predict(x, label, k)
        assert p.shape == (2, *model.image_shape, model.levels)
        torch.testing.assert_close(p.exp().sum(-1), torch.ones_like(x), atol=1e-4, rtol=0)
        taken = p.gather(-1, (x * (model.levels - 1)).round().long()[..., None])[..., 0]
        torch.testing.assert_close(frames[-1].info["nats"], taken, atol=1e-3, rtol=1e-3)
        place = int(model.order(k)[D // 2])
        field = model.receptive_field(x[:1], place, None if label is None else label[:1], k)
        later = model.order(k)[D // 2 :]
        assert field.shape == model.image_shape and (field.flatten()[later] == 0).all()
    refused(model.order, len(model.orders))
    refused(lambda: list(model.write_steps(u, label, temperature=0)))
    gives_the_sizes(model.predict, x)


@having("Discriminates")
def test_discriminates(model):
    x = images(model).requires_grad_()
    d = model.verdict(x, labels(model))
    assert d.shape == (3,) and torch.isfinite(d).all()
    slope = torch.autograd.grad(d.sum(), x)[0]
    assert torch.isfinite(slope).all() and slope.abs().max() > 0, "it is to be differentiated"
    assert model.verdict(x).shape == (3,)
    gives_the_sizes(model.verdict, images(model))


@having("HasCodes")
def test_has_codes(model):
    z = next(iter(model.sample_steps(3, generator(0)))).info["z"]
    assert z.shape == (3, model.latent)
    free = torch.ones(model.latent, dtype=torch.bool)
    for code in model.codes:
        assert code.name and 0 <= code.start < code.stop <= model.latent
        part = z[:, code.start : code.stop]
        assert code.low <= part.min() and part.max() <= code.high
        if code.kind == "categorical":
            assert torch.equal(part.sum(1), torch.ones(3))
        else:
            assert code.kind == "continuous" and part.shape[1] == 1
        assert free[code.start : code.stop].all(), "two codes in one place"
        free[code.start : code.stop] = False
    assert len({code.name for code in model.codes}) == len(model.codes)


@having("Truncates", "Samples", "Decodes")
def test_truncates(model):
    z = next(iter(model.sample_steps(5, generator(0)))).info["z"]
    assert torch.equal(model.truncate(z, math.inf), z)
    near, nearer = model.truncate(z, 1.0), model.truncate(z, 0.5)
    assert near.shape == z.shape and nearer.norm() < near.norm() < z.norm()
    frame = list(model.sample_steps(5, generator(0), truncation=0.5))[-1]
    torch.testing.assert_close(frame.info["z"], nearer, atol=1e-6, rtol=0)
    refused(model.truncate, z, 0.0)
    refused(model.truncate, z, math.nan)


@having("Classifies")
def test_classifies(model):
    x = images(model)
    with torch.no_grad():
        features, logits = model.features(x), model.classify(x)
    assert features.dim() == 2 and len(features) == 3 and torch.isfinite(features).all()
    assert logits.shape == (3, model.config.num_classes) and torch.isfinite(logits).all()
    gives_the_sizes(model.features, x)
    gives_the_sizes(model.classify, x)
