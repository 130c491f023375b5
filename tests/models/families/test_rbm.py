"""Energies against sums over every picture there is, which machines this small allow."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from scipy import stats

from models.checkpoints import weights as checkpoint
from models.contract.random import generator
from models.training.recipe import from_dict
from models.training.train import Run


def small(image=(1, 2, 3), hidden: int = 4, scale: float = 1.0, seed: int = 0, **more):
    """A machine with weights that matter, and chains that are where it is."""
    model = checkpoint.build("rbm", {"image": list(image), "hidden": hidden, **more}).eval()
    rng = generator(seed)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(scale * torch.randn(p.shape, generator=rng))
        model.chains.copy_((torch.rand(model.chains.shape, generator=rng) < 0.4).float())
    return model


def every(n: int) -> torch.Tensor:
    """All 2^n vectors of n zeros and ones."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=n)))


def exact(model) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All pictures flattened (N, D), log p of each, and log Z, by a sum over h as well."""
    v, h = every(len(model.b)), every(len(model.c))
    minus_energy = v @ model.W @ h.T + (v @ model.b)[:, None] + (h @ model.c)[None]
    log_z = minus_energy.flatten().logsumexp(0)
    return v, minus_energy.logsumexp(1) - log_z, log_z


def test_the_free_energy_is_the_energy_with_the_hidden_units_summed_out():
    model = small()
    v, log_p, log_z = exact(model)
    found = -model.energy(v.view(-1, 1, 2, 3)) - log_z
    torch.testing.assert_close(found, log_p)
    assert found.exp().sum().item() == pytest.approx(1, abs=1e-5)


def test_a_gibbs_step_leaves_the_model_as_it_is():
    """The matrix of all transitions, pixels to pixels, keeps p(v)."""
    model = small().double()
    v, log_p, _ = exact(model.float())
    model = model.double()
    v, h = v.double(), every(len(model.c)).double()
    at = model.tempered()

    def chances(p: torch.Tensor, bits: torch.Tensor) -> torch.Tensor:
        """(n, units) chances and (m, units) outcomes: p(outcome) (n, m)."""
        return (p.log() @ bits.T + (1 - p).log() @ (1 - bits).T).exp()

    to_h = chances(torch.sigmoid(at.drive(v)), h)
    to_v = chances(at.pixels(h, 1.0), v)
    torch.testing.assert_close(log_p.double().exp() @ to_h @ to_v, log_p.double().exp())
    # And at beta = 0 the pixels are independent, each as white as in the chains.
    white = (model.chains.double().sum(0) + 0.5) / (len(model.chains) + 1)
    torch.testing.assert_close(at.pixels(h, 0.0), white.expand(len(h), -1))


def test_the_gradient_is_that_of_the_likelihood_where_the_chains_are_the_model():
    model = small()
    v, log_p, _ = exact(model)
    data = v[torch.tensor([3, 17, 40])]
    (-log_p[torch.tensor([3, 17, 40])].mean()).backward()
    expected = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    weights = log_p.detach().exp()
    (model.free_energy(data).mean() - (weights * model.free_energy(v)).sum()).backward()
    for name, p in model.named_parameters():
        torch.testing.assert_close(p.grad, expected[name], atol=1e-5, rtol=1e-4, msg=name)


def test_the_chains_go_on_in_training_alone():
    model = small(chains=8)
    x, before = torch.rand(3, 1, 2, 3), model.chains.clone()
    list(model.objectives(x, None, generator(0)))
    assert torch.equal(model.chains, before)
    (objective,) = model.train().objectives(x, None, generator(0))
    assert not torch.equal(model.chains, before) and set(model.chains.unique().tolist()) <= {0, 1}
    dreamt = model.free_energy(model.chains).mean()
    torch.testing.assert_close(objective.logs["negative_phase"], dreamt)
    data, dream = (objective.logs[f"{name}_phase"] for name in ("positive", "negative"))
    torch.testing.assert_close(objective.loss, data - dream)


def test_chains_from_noise_and_from_pictures_end_in_the_model():
    model = small()
    v, log_p, _ = exact(model)
    white = log_p.detach().exp() @ v
    energy = float(log_p.detach().exp() @ model.free_energy(v).detach())
    for start in (3000, torch.ones(3000, 1, 2, 3)):
        *_, last = model.chain_steps(start, generator(0), steps=60)
        assert set(last.x.unique().tolist()) <= {0, 1}
        torch.testing.assert_close(last.x.flatten(1).mean(0), white, atol=0.04, rtol=0)
        found = last.info["energy"]
        torch.testing.assert_close(found, model.energy(last.x))
        assert float(found.detach().mean()) == pytest.approx(energy, abs=0.06)
    first, *_ = model.chain_steps(2000, generator(1), steps=1)
    assert first.step == 0 and float(first.x.mean()) == pytest.approx(0.5, abs=0.02)


def test_a_frames_second_picture_is_the_mean_field():
    model, x = small(), torch.tensor([[1.0, 0, 1, 0, 0, 1]]).view(1, 1, 2, 3)
    first, *_ = model.chain_steps(x, generator(0), steps=2)
    assert torch.equal(first.x, x)
    h = torch.sigmoid(model.c + x.flatten(1) @ model.W)
    expected = torch.sigmoid(model.b + h @ model.W.T).view_as(x).detach()
    torch.testing.assert_close(first.x0, expected)


@pytest.mark.parametrize("seed", range(3))
def test_the_partition_function_is_estimated_within_its_error(seed):
    model = small(hidden=6, seed=seed)
    log_z = exact(model)[2].item()
    found, error = model.log_partition(400, 200, generator(seed))
    assert 0 < error < 0.1 and found == pytest.approx(log_z, abs=4 * error)
    rough, doubt = model.log_partition(400, 2, generator(seed))
    assert doubt > error and rough == pytest.approx(log_z, abs=5 * doubt)
    for wrong in ((1, 10), (10, 0)):
        with pytest.raises(ValueError, match="two chains or more"):
            model.log_partition(*wrong, generator(0))


def test_the_likelihood_is_that_estimate_and_says_so():
    model = small()
    v, log_p, _ = exact(model)
    found = model.log_likelihood(v.view(-1, 1, 2, 3), generator(0), 400, 200)
    assert (found.kind, found.space) == ("estimate", "binary") and "400 chains" in found.how
    assert (found.nats - log_p).abs().max() < 4 * found.stderr[0]
    assert (found.stderr == found.stderr[0]).all(), "one log Z for all"
    kept = model._partition
    model.log_likelihood(v[:1].view(-1, 1, 2, 3), generator(1), 400, 200)
    assert model._partition is kept, "and it is estimated once"
    with torch.no_grad():
        model.b += 1
    shifted = model.log_likelihood(v.view(-1, 1, 2, 3), generator(0), 400, 200)
    assert model._partition is not kept, "until the weights change"
    assert shifted.nats.exp().sum().item() == pytest.approx(1, abs=0.2)


def frequencies(x: torch.Tensor) -> torch.Tensor:
    """How often each of all binary pictures is among x (n, ...)."""
    bits = x.flatten(1)
    code = (bits * 2 ** torch.arange(bits.shape[1]).flip(0)).sum(1).long()
    return torch.bincount(code, minlength=2 ** bits.shape[1]).float()


@pytest.mark.slow
def test_samples_are_as_frequent_as_they_should_be():
    model = small(scale=0.8)
    log_p = exact(model)[1].detach()
    n = 4000
    frames = list(model.sample_steps(n, generator(3), steps=40))
    assert [frame.step for frame in frames] == [*range(1, 41)]
    # A frame has chances; the pictures themselves are drawn from them.
    drawn = (torch.rand(frames[-1].x.shape, generator=generator(4)) < frames[-1].x).float()
    expected = n * log_p.exp()
    assert stats.chisquare(frequencies(drawn), expected, sum_check=False).pvalue > 1e-3


@pytest.mark.slow
def test_colder_samples_are_likelier():
    model = small(scale=0.8)
    means = []
    for temperature in (0.0, 0.5, 1.0, 2.0):
        x = model.sample(500, generator(0), temperature=temperature, steps=40)
        means.append(-model.energy((x > 0.5).float()).mean().item())
    assert means == sorted(means, reverse=True)
    for wrong in (-1, math.nan, math.inf):
        with pytest.raises(ValueError, match="temperature"):
            model.sample(1, generator(0), temperature=wrong)
    with pytest.raises(ValueError, match="at least one step"):
        model.sample(1, generator(0), steps=0)


@pytest.mark.slow
def test_what_is_hidden_is_drawn_given_what_is_known():
    model = small(scale=0.8)
    v, log_p, _ = (t.detach() for t in exact(model))
    known = torch.tensor([1, 0, 1, 0, 0, 1], dtype=torch.bool).view(1, 1, 2, 3)
    given = torch.tensor([1.0, 0, 0, 0, 0, 1]).view(1, 1, 2, 3)
    n = 4000
    frames = list(model.complete_steps(given.expand(n, -1, -1, -1), known, generator(1), steps=40))
    last = frames[-1].x
    assert torch.equal(last[known.expand_as(last)].view(-1, 3)[0], given[known])
    drawn = (torch.rand(last.shape, generator=generator(2)) < last).float()
    agrees = (v[:, known.flatten()] == given[known]).all(1)
    expected = torch.where(agrees, log_p.exp(), 0.0)
    expected = n * expected / expected.sum()
    found = frequencies(drawn)
    assert found[~agrees].sum() == 0
    assert stats.chisquare(found[agrees], expected[agrees], sum_check=False).pvalue > 1e-3
    for wrong, words in (
        (torch.ones_like(known), "hides nothing"),
        (torch.zeros_like(known), "hides the whole"),
        (known.float(), "true or false"),
    ):
        with pytest.raises(ValueError, match=words):
            next(model.complete_steps(given, wrong, generator(0)))


@pytest.mark.slow
def test_it_learns_what_it_is_shown(digits):
    """Bars, a row or a column each, of 3 x 3: nearly all the probability comes to lie on them."""
    bars = torch.zeros(6, 1, 3, 3, dtype=torch.uint8)
    for k in range(3):
        bars[k, 0, k], bars[3 + k, 0, :, k] = 255, 255
    shown = digits.__class__("bars", "train", bars.repeat(20, 1, 1, 1))
    recipe = from_dict({
        "name": "bars", "family": "rbm", "model": {"hidden": 12, "gibbs": 3},
        "data": {"name": "digits"},
        "train": {"steps": 1200, "batch_size": 60, "learning_rate": 0.01, "beta1": 0.0,
                  "clip": 0.0, "ema": 0.99, "precision": "float32"},
    })  # fmt: skip
    run = Run(recipe, shown)
    for _ in run.steps():
        pass
    v, log_p, _ = exact(run.ema.eval())
    of_bars = [(v == bar.flatten().float() / 255).all(1).nonzero().item() for bar in bars]
    assert -log_p[of_bars].mean().item() < math.log(6) + 0.6  # at first 9 log 2, at best log 6
