"""Every layer and the whole flow: there and back, the determinant, what densities integrate to."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.contract.random import generator
from models.families.flow.layers import ActNorm, Chain, ChannelMix, Coupling, Logit, Squeeze, total
from models.families.flow.splines import spline


@pytest.fixture(autouse=True)
def same_weights_every_time():
    torch.manual_seed(0)


def stirred(module: nn.Module, scale: float = 0.3, seed: int = 0) -> nn.Module:
    """Every weight moved away from where it starts, in double precision."""
    rng = generator(seed)
    module = module.double().eval()
    with torch.no_grad():
        for p in module.parameters():
            p += scale * torch.randn(p.shape, generator=rng, dtype=torch.float64)
    return module


def numbers(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


LAYERS = {
    "logit": lambda: Logit(),
    "squeeze": lambda: Squeeze(),
    "actnorm": lambda: ActNorm(4),
    "channel mix": lambda: ChannelMix(4),
    "affine": lambda: Coupling(4, "affine", 8, 1),
    "spline": lambda: Coupling(4, "spline", 8, 1, bins=4),
    "odd channels": lambda: Coupling(5, "spline", 8, 1, bins=4),
    "chain": lambda: Chain([ActNorm(4), ChannelMix(4), Coupling(4, "spline", 8, 2, bins=4)]),
    "conditional": lambda: Coupling(4, "affine", 8, 1, context=3),
}


@pytest.fixture(params=LAYERS)
def layer(request):
    made = stirred(LAYERS[request.param]())
    channels = 5 if request.param == "odd channels" else 4
    x = numbers(3, channels, 2, 2)
    if request.param == "logit":
        x = torch.sigmoid(x)
    context = numbers(3, 3, 2, 2, seed=2) if request.param == "conditional" else None
    return made, x, context


def test_there_and_back(layer):
    made, x, context = layer
    z, log_det = made(x, context)
    assert log_det.shape == (3, *z.shape[2:])
    torch.testing.assert_close(made.inverse(z, context), x, atol=1e-8, rtol=1e-6)


def test_the_log_determinant_is_that_of_the_jacobian(layer):
    made, x, context = layer
    log_det = total(made(x, context)[1])
    for k in range(len(x)):
        told = None if context is None else context[k : k + 1]
        jacobian = torch.autograd.functional.jacobian(
            lambda v: made(v.view(1, *x.shape[1:]), told)[0].flatten(),  # noqa: B023
            x[k].flatten(),
        )
        assert log_det[k].item() == pytest.approx(
            torch.linalg.slogdet(jacobian)[1].item(), abs=1e-6
        )


def test_layers_start_as_they_should():
    x = numbers(8, 4, 4, 4).float() * 3 + 1
    for kind in ("affine", "spline"):
        z, log_det = Coupling(4, kind, 8, 1)(x)
        torch.testing.assert_close(z, x, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(log_det, torch.zeros(8, 4, 4), atol=1e-3, rtol=0)
    mix = ChannelMix(4)
    torch.testing.assert_close(mix.weight() @ mix.weight().T, torch.eye(4), atol=1e-5, rtol=0)
    norm = ActNorm(4).train()
    z, _ = norm(x)
    torch.testing.assert_close(z.mean((0, 2, 3)), torch.zeros(4), atol=1e-4, rtol=0)
    torch.testing.assert_close(z.std((0, 2, 3)), torch.ones(4), atol=1e-3, rtol=0)
    again, _ = norm(5 * x)
    torch.testing.assert_close(again.std((0, 2, 3)), torch.full((4,), 5.0), atol=1e-2, rtol=0)


# -- splines ---------------------------------------------------------------------------------------


def test_a_spline_rises_meets_the_identity_and_knows_its_slope():
    raw = 2 * numbers(1, 11)
    x = torch.linspace(-6, 6, 100_001, dtype=torch.float64)
    y, log_slope = spline(x, raw.expand(len(x), -1), 4.0)
    assert (y.diff() > 0).all()
    outside = x.abs() >= 4
    assert torch.equal(y[outside], x[outside]) and (log_slope[outside] == 0).all()
    slope = torch.gradient(y, spacing=(x,))[0]
    near = (x.abs() < 3.9) | (x.abs() > 4.1)
    torch.testing.assert_close(log_slope.exp()[near], slope[near], atol=0.02, rtol=0.02)
    back, log_back = spline(y, raw.expand(len(x), -1), 4.0, inverse=True)
    torch.testing.assert_close(back, x, atol=1e-8, rtol=1e-8)
    torch.testing.assert_close(log_back, -log_slope, atol=1e-6, rtol=1e-6)


def test_no_numbers_are_the_identity():
    x = torch.linspace(-5, 5, 101, dtype=torch.float64)
    y, log_slope = spline(x, torch.zeros(101, 11, dtype=torch.float64), 4.0)
    torch.testing.assert_close(y, x, atol=1e-6, rtol=0)
    torch.testing.assert_close(log_slope, torch.zeros_like(x), atol=1e-5, rtol=0)


# -- the whole -------------------------------------------------------------------------------------

SMALL = {"image": [1, 4, 4], "scales": 2, "steps": 2, "width": 8, "bins": 4}


def small(seed: int = 0, **more):
    return stirred(weights.build("flow", {**SMALL, **more}), 0.08, seed)


WHOLES = [{}, {"coupling": "affine"}, {"dequantise": "uniform"}, {"num_classes": 3},
          {"image": [3, 4, 4]}, {"image": [1, 8, 8], "scales": 3}]  # fmt: skip


@pytest.mark.parametrize("more", WHOLES)
def test_the_whole_there_and_back(more):
    model = small(**more)
    label = torch.tensor([0, 2]) if more.get("num_classes") else None
    x = torch.randint(0, 256, (2, *model.image_shape), generator=generator(3)) / 255.0
    x = x.double()
    z = model.encode(x, label)
    assert z.shape == (2, model.latent)
    torch.testing.assert_close(model.decode(z, label), x, atol=1e-6, rtol=0)
    frames = list(model.sample_steps(2, generator(0), label))
    assert len(frames) == frames[-1].total == frames[-1].step


@pytest.mark.parametrize("more", WHOLES[:5])
def test_the_whole_log_determinant_is_that_of_the_jacobian(more):
    model = small(**more)
    label = 1 if more.get("num_classes") else None
    y = torch.sigmoid(numbers(1, *model.image_shape))
    _, log_det = model(y, label)
    jacobian = torch.autograd.functional.jacobian(
        lambda v: model(v.view(y.shape), label)[0].flatten(), y.flatten()
    )
    assert log_det.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-6)


def test_each_moment_is_laid_out_where_its_numbers_came_from():
    model = small(image=[1, 8, 8], scales=3)
    # With couplings that do nothing yet, every number is still the logit of its own pixel.
    for chain in model.scales:
        kept = chain.layers[-1].kept, chain.layers[-1].moved
        chain.layers = nn.ModuleList([Coupling(sum(kept), "affine", 8, 1).double()])
    y = torch.sigmoid(numbers(2, 1, 8, 8))
    z, _ = model(y)
    torch.testing.assert_close(model.laid_out(model._parts(z)), model.logit(y)[0])


@pytest.mark.parametrize("more", WHOLES)
def test_the_way_back_passes_what_the_way_there_passed(more):
    model = small(**more)
    label = 1 if more.get("num_classes") else None
    x = (torch.randint(0, 256, (2, *model.image_shape), generator=generator(3)) / 255.0).double()
    there = list(model.flow_steps(x, label))
    back = list(model.inverse_steps(model.encode(x, label), label))
    assert len(there) == len(back) == 1 + model.config.steps * model.config.scales
    for stage, h in zip(there, reversed(back), strict=True):
        assert stage.h.shape == x.shape
        torch.testing.assert_close(h, stage.h, atol=1e-6, rtol=1e-6)
    # The first moment is the logit, the last has the determinant of the whole.
    y = (model.levels(x) + 0.5) / 256
    torch.testing.assert_close(there[0].h, model.logit(y)[0])
    z, log_det = model(y, label)
    torch.testing.assert_close(there[-1].log_det, log_det)
    normal = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0)
    nats = normal.log_prob(z).sum(1) + log_det - model.latent * math.log(256)
    torch.testing.assert_close(there[-1].nats, nats)


def test_the_learned_noise_has_the_density_it_says():
    model = small()
    x, noise = torch.rand(1, 1, 4, 4, dtype=torch.float64), numbers(1, 1, 4, 4)
    u, log_det = model.dequantiser.bent(noise, x)
    log_det = total(log_det)
    assert ((u > 0) & (u < 1)).all()
    jacobian = torch.autograd.functional.jacobian(
        lambda v: model.dequantiser.bent(v.view(1, 1, 4, 4), x)[0].flatten(), noise.flatten()
    )
    assert log_det.item() == pytest.approx(torch.linalg.slogdet(jacobian)[1].item(), abs=1e-6)


@pytest.mark.parametrize("dequantise", ["uniform", "variational"])
def test_more_draws_tighten_the_bound_and_it_stays_below_the_probability(dequantise):
    """Of a picture of 2 x 2 values, whose probability can be computed."""
    model = small(image=[1, 2, 2], scales=1, dequantise=dequantise)
    x = torch.full((64, 1, 2, 2), 100 / 255, dtype=torch.float64)
    means = [
        model.log_likelihood(x, generator(5), samples=k).nats.mean().item() for k in (1, 4, 64)
    ]
    assert means[0] <= means[1] + 0.01 and means[1] <= means[2] + 0.01 and means[2] < 0
    # The exact probability of that picture: the density's average over its cell.
    rng, n = generator(9), 20_000
    u = torch.rand((n, 1, 2, 2), generator=rng, dtype=torch.float64)
    z, log_det = model((100 + u) / 256)
    log_p = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi)).sum(1) + log_det
    exact = log_p.logsumexp(0).item() - math.log(n) - 4 * math.log(256)
    assert means[2] <= exact + 0.02
    if dequantise == "uniform":
        assert means[2] == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("more", WHOLES)
def test_every_pixel_has_its_part_of_the_likelihood(more):
    model = small(**more)
    x = (torch.randint(0, 256, (5, *model.image_shape), generator=generator(3)) / 255.0).double()
    for samples in (1, 3):
        found = model.log_likelihood(x, generator(4), samples=samples)
        torch.testing.assert_close(found.per_pixel.sum((1, 2, 3)), found.nats)
        squares = found.per_pixel.unfold(2, 2, 2).unfold(3, 2, 2)
        assert (squares == squares[..., :1, :1]).all(), "told in squares of 2 x 2"
    assert found.per_pixel[0].std() > 0


def test_a_part_of_the_likelihood_is_where_it_comes_from():
    """A layer that looks at its own place alone: what one square is, is no business of another."""
    model = small(image=[1, 8, 8], scales=1, dequantise="uniform")
    for chain in model.scales:
        for layer in chain.layers:
            if isinstance(layer, Coupling):
                for conv in [m for m in layer.net.modules() if isinstance(m, nn.Conv2d)]:
                    if conv.kernel_size == (3, 3):
                        middle = conv.weight.data[:, :, 1, 1].clone()
                        conv.weight.data.zero_()
                        conv.weight.data[:, :, 1, 1] = middle
    x = torch.full((1, 1, 8, 8), 100 / 255, dtype=torch.float64)
    other = x.clone()
    other[0, 0, 2:4, 4:6] = 200 / 255
    a, b = (model.log_likelihood(v, generator(1), 1).per_pixel[0, 0] for v in (x, other))
    changed = (a - b).abs() > 1e-9
    assert changed[2:4, 4:6].all() and changed.sum() == 4


def test_settings_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="cannot be squeezed 3 times"):
        weights.build("flow", {"image": [1, 28, 28], "scales": 3})
