"""Langevin dynamics against Gaussians, where its every moment is known; and the energies."""

from __future__ import annotations

import math

import pytest
import torch

from models.checkpoints import weights
from models.contract.random import generator
from models.families.energy.ebm import langevin
from models.training.recipe import from_dict
from models.training.train import Run
from tests.contract import refused


@pytest.mark.parametrize(("spread", "temperature"), [(0.5, 1.0), (2.0, 1.0), (1.0, 0.25)])
def test_langevin_on_a_gaussian_ends_at_its_temperature(spread, temperature):
    """x <- (1 - e^2 / 2 s^2) x + e sqrt(T) n has the variance T s^2 / (1 - e^2 / 4 s^2)."""
    rng, step = generator(0), 0.4 * spread
    x = 5 * torch.ones(20_000)
    for _ in range(100):
        noise = torch.randn(x.shape, generator=rng)
        x = langevin(x, x / spread**2, step, noise, temperature)
    expected = temperature * spread**2 / (1 - step**2 / (4 * spread**2))
    assert float(x.var()) == pytest.approx(expected, rel=0.04)
    assert float(x.mean()) == pytest.approx(0, abs=4 * spread / math.sqrt(len(x)) + 1e-3)


class Gaussian(weights.build("ebm", {"image": [1, 8, 8], "width": 8}).__class__):
    """Pixels at rest at one half: the energies of that are known at every noise level."""

    DEVIATION = 0.2

    def level_energy(self, x, sigma):
        sigma = torch.as_tensor(sigma, dtype=x.dtype).expand(len(x))
        variance = self.DEVIATION**2 + sigma.square()
        return (x - 0.5).square().sum((1, 2, 3)) / (2 * variance)


def gaussian(**settings):
    return Gaussian(Gaussian.Config(image=(1, 8, 8), width=8, **settings)).eval()


def test_chains_from_noise_end_in_the_data():
    """The chain has the data's spread and the noise's, its denoised pictures rather less."""
    model = gaussian(step=0.3, lowest=0.2)
    frames = list(model.sample_steps(200, generator(0), steps=300))
    last = frames[-2].x0, frames[-1].x  # what is shown is the denoised picture
    for x in last:
        # The posterior mean of N(0.5, d^2) under noise s: its spread is d^2 / sqrt(d^2 + s^2).
        expected = model.DEVIATION**2 / math.hypot(model.DEVIATION, 0.2)
        assert float(x.std()) == pytest.approx(expected, rel=0.06)
        assert float(x.mean()) == pytest.approx(0.5, abs=0.01)
    assert frames[-1].info["energy"].shape == (200,)
    # Half a nat a pixel, at equilibrium; a finite step adds a little.
    assert float(frames[-1].info["energy"].mean()) == pytest.approx(32, rel=0.08)


@pytest.mark.parametrize(("size", "temperature"), [(0.2, 1.0), (1.0, 1.0), (1.4, 1.0), (1.0, 0.5)])
def test_a_chain_is_as_warm_as_its_finite_steps_make_it(size, temperature):
    """The variance T s^2 / (1 - e^2 / 4 s^2), of steps e: s^2 for small ones, more for large."""
    model = gaussian(lowest=0.05, highest=1.0)
    model.DEVIATION = 0.05
    start = torch.full((400, 1, 8, 8), 0.5)
    steps = round(60 / size**2) if size < 1 else 60
    asked = {"steps": steps, "temperature": temperature, "step_size": size}
    *_, last = model.chain_steps(start, generator(0), **asked)
    variance = model.DEVIATION**2 + model.config.lowest**2
    bias = 1 - (size * model.config.lowest) ** 2 / (4 * variance)
    assert float(last.x.var()) == pytest.approx(temperature * variance / bias, rel=0.03)
    assert size != 1.4 or 1 / bias > 1.3, "the error of large steps is to be seen here"
    assert float(last.x.mean()) == pytest.approx(0.5, abs=0.003)


def test_the_denoising_loss_of_the_true_energy_is_the_noise_that_no_one_can_know():
    """E |s grad E - n|^2 = 1 - s^2 / (d^2 + s^2) a pixel, for x = 0.5 + d m + s n."""
    model = gaussian(lowest=0.2, highest=1.0, contrast=0.0)
    low, high, d = 0.2, 1.0, model.DEVIATION
    x = 0.5 + d * torch.randn(4000, 1, 8, 8, generator=generator(1))
    found = float(next(model.objectives(x, None, generator(0))).logs["denoising"].detach())
    s = low * (high / low) ** torch.linspace(0, 1, 2001)
    weight = (s**2 + model.config.spread**2) / model.config.spread**2
    expected = float((weight * d**2 / (d**2 + s**2)).mean())
    assert found == pytest.approx(expected, rel=0.03)


def test_at_the_true_energy_the_two_phases_are_alike():
    model = gaussian(lowest=0.2, chains=400, langevin=20, restart=0.0, step=0.3).train()
    x = 0.5 + model.DEVIATION * torch.randn(400, 1, 8, 8, generator=generator(1))
    for k in range(20):  # 400 steps: the chains are at the smallest level, and at rest
        logs = next(model.objectives(x, None, generator(k))).logs
    assert float(logs["positive_phase"].detach()) == pytest.approx(32, rel=0.03)
    assert float(logs["negative_phase"].detach()) == pytest.approx(32, rel=0.05)


def small(**settings):
    torch.manual_seed(0)
    values = {"image": [1, 8, 8], "width": 8, "chains": 6, "langevin": 2, **settings}
    return weights.build("ebm", values).eval()


def test_the_slope_is_the_gradient_of_the_energy():
    model = small().double()
    x = torch.rand(2, 1, 8, 8, generator=generator(0)).double()
    slope, shift = model.energy_gradient(x), 1e-5
    for place in ((0, 0, 3, 4), (1, 0, 7, 0)):
        there, back = x.clone(), x.clone()
        there[place] += shift
        back[place] -= shift
        change = (model.energy(there) - model.energy(back))[place[0]] / (2 * shift)
        assert float(slope[place]) == pytest.approx(float(change), rel=1e-4)
    x.requires_grad_()
    assert torch.autograd.grad(model.energy(x).sum(), x)[0].allclose(slope)


def test_a_chain_shows_its_energy_and_its_last_picture_is_denoised():
    model = small()
    frames = list(model.sample_steps(3, generator(0), steps=60))
    assert frames[-1].step == frames[-1].total == 60
    assert torch.equal(frames[-1].x, frames[-1].x0)
    levels = [frame.info["sigma"] for frame in frames]
    assert levels == sorted(levels, reverse=True) and levels[-1] < 0.12
    sigma = torch.full((3,), levels[-1])
    assert frames[-1].info["energy"].shape == sigma.shape
    stay = list(model.chain_steps(torch.rand(2, 1, 8, 8), generator(0), steps=5))
    assert all(frame.info["sigma"] == pytest.approx(model.config.lowest) for frame in stay)
    fall = list(model.chain_steps(3, generator(0), steps=60))
    assert [frame.info["sigma"] for frame in fall] == levels
    for one, other in zip(fall[:-1], frames[:-1], strict=True):
        assert torch.equal(one.x, other.x) and torch.equal(one.x0, other.x0)
    assert torch.equal(fall[-1].x0, frames[-1].x) and not torch.equal(fall[-1].x, frames[-1].x)


def test_chains_go_on_in_training_alone_and_start_at_the_largest_level():
    model = small(restart=0.0)
    x = torch.rand(4, 1, 8, 8, generator=generator(0))
    list(model.objectives(x, None, generator(0)))
    assert (model.ages == -1).all() and not model.chains.any()
    model.train()
    for k in (1, 2, 3):
        list(model.objectives(x, None, generator(0)))
        assert (model.ages == 2 * k).all()
    assert model.level_at(torch.tensor([0, 100, 5000])).tolist() == pytest.approx([3.0, 0.1, 0.1])


def test_a_resumed_run_has_the_chains_of_one_that_was_never_stopped(digits, tmp_path):
    recipe = from_dict(
        {
            "name": "walk",
            "family": "ebm",
            "model": {"width": 8, "chains": 4, "langevin": 1},
            "train": {"steps": 4, "batch_size": 8, "checkpoint_minutes": 0.0},
        }
    )
    data = digits
    whole = Run(recipe, data)
    for _ in whole.steps():
        pass
    part = Run(recipe, data, tmp_path)
    for progress in part.steps():
        if progress.step == 2:
            break
    part.save_state()
    again = Run(recipe, data, tmp_path)
    again.resume()
    for _ in again.steps():
        pass
    for key, value in whole.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[key]), key


def test_bad_questions_get_a_sentence():
    model = small()
    refused(lambda: list(model.sample_steps(1, generator(0), steps=0)))
    refused(lambda: list(model.sample_steps(1, generator(0), temperature=-1.0)))
    refused(lambda: list(model.chain_steps(torch.rand(1, 1, 8, 8), generator(0), steps=0)))
    refused(lambda: list(model.chain_steps(torch.rand(1, 1, 9, 9), generator(0))))
    for size in (0.0, 2.0, -1.0):
        refused(lambda: list(model.chain_steps(1, generator(0), steps=1, step_size=size)))  # noqa: B023
    refused(weights.build, "ebm", {"lowest": 1.0, "highest": 1.0})
