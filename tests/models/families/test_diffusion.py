"""The diffusion model: its denoiser, guidance, training, in-painting and bounds."""

from __future__ import annotations

import math
from collections import deque

import pytest
import torch
from scipy import stats

from models.contract.random import generator, normal
from models.families.diffusion.diffusion import Diffusion, DiffusionConfig
from models.families.diffusion.likelihood import (
    HALF_LEVEL,
    dequantised_log_likelihood,
    discretised_normal,
    variational_bound,
)
from models.families.diffusion.samplers import DETERMINISTIC, SAMPLERS
from models.families.diffusion.schedules import PREDICTIONS, SCHEDULES, skip_and_out
from tests.mixture import Mixture

SMALL = {"image": (1, 8, 8), "width": 8, "middle": 1, "steps": 4}


def make(**settings) -> Diffusion:
    """A tiny model whose every weight is moved away from where it starts."""
    torch.manual_seed(0)
    model = Diffusion(DiffusionConfig(**{**SMALL, **settings}))
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def pictures(n: int = 3, image=(1, 8, 8), seed: int = 0) -> torch.Tensor:
    return torch.rand((n, *image), generator=generator(seed))


def perfect(model: Diffusion, x: torch.Tensor) -> Diffusion:
    """The model with a network that knows the picture, whatever it is asked."""
    c, x0 = model.config, model.inside(x)

    def predict(noisy, level, label):
        skip, out = skip_and_out(c.prediction, level[:, None, None, None].double(), c.sigma_data)
        return ((x0 - skip * noisy) / out).float()

    model.predict = predict
    return model


def refused(call, match: str = "") -> None:
    with pytest.raises(ValueError, match=match) as error:
        result = call()
        list(result) if hasattr(result, "__next__") else None
    assert str(error.value).endswith(".") and "\n" not in str(error.value)


# -- noise in, noise out ---------------------------------------------------------------------------


@pytest.mark.parametrize("prediction", PREDICTIONS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_a_perfect_predictor_gives_back_the_picture(prediction, schedule):
    x = pictures(4)
    model = perfect(make(prediction=prediction, centre=0.3, sigma_data=0.7), x)
    t = torch.tensor([0.0, 0.2, 0.5, 0.8])
    x_t = model.noised(x, t, normal(x.shape, generator(1), "cpu"), schedule)
    assert x_t.shape == x.shape and (x_t[3] - x[3]).abs().max() > 0.1
    guess = model.denoise(x_t, t, schedule=schedule)
    torch.testing.assert_close(guess, x, atol=1e-3, rtol=0)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_noising_is_the_schedules_forward_process(schedule):
    model = make(centre=0.3)
    process = SCHEDULES[schedule]
    x, n = pictures(2), normal((2, 1, 8, 8), generator(1), "cpu")
    t = torch.tensor([0.3, 0.6], dtype=torch.float64)
    alpha = process.alpha(process.level(t))
    sigma = alpha * process.level(t)
    alpha, sigma = (v.float()[:, None, None, None] for v in (alpha, sigma))
    inside = alpha * 2 * (x - 0.3) + sigma * n  # centred, black to white 2
    torch.testing.assert_close(model.noised(x, t, n, schedule), inside / 2 + 0.3)
    one = model.noised(x[:1], 0.3, n[:1], schedule)  # a number for all
    torch.testing.assert_close(one, model.noised(x, t, n, schedule)[:1])


def test_the_picture_of_time_zero_is_noised_by_the_lowest_level_and_times_beyond_are_refused():
    model, x = make(), pictures()
    n = normal(x.shape, generator(1), "cpu")
    low, scale = model.config.low, (1 + model.config.low**2) ** -0.5
    expected = model.outside(scale * (model.inside(x) + low * n))
    torch.testing.assert_close(model.noised(x, 0.0, n), expected)
    for t in (-0.1, 1.1, math.nan, torch.tensor([0.5, 2.0, 0.5])):
        refused(lambda t=t: model.noised(x, t, n), "time")
        refused(lambda t=t: model.denoise(x, t), "time")


# -- guidance --------------------------------------------------------------------------------------


@torch.no_grad()
def test_guidance_is_the_formula_of_its_paper():
    model = make(num_classes=3)
    x = model.inside(pictures(4)) + normal((4, 1, 8, 8), generator(1), "cpu")
    label = torch.tensor([0, 1, 2, 1])
    free = model.denoised(x, 1.0)
    given = model.denoised(x, 1.0, label)
    assert (free - given).abs().max() > 1e-3

    def guided(w):
        return model.denoised(x, 1.0, label, w)

    torch.testing.assert_close(guided(0), free)
    torch.testing.assert_close(guided(1), given)
    for w in (0.5, 3.0):
        torch.testing.assert_close(guided(w), free + w * (given - free), atol=1e-5, rtol=1e-5)
    # In their words, eq. 6: (1 + w) of the noise given the class, less w of the noise without.
    eps = {name: x - value for name, value in (("free", free), ("given", given))}
    torch.testing.assert_close(x - guided(3), (1 + 2) * eps["given"] - 2 * eps["free"],
                               atol=1e-5, rtol=1e-5)  # fmt: skip
    torch.testing.assert_close(model.denoised(x, 1.0, None, 3.0), free)  # nothing to exaggerate


@torch.no_grad()
def test_guidance_costs_one_evaluation_of_twice_the_size_and_only_where_it_is_asked():
    model, sizes = make(num_classes=3), []
    predict = model.predict
    model.predict = lambda x, *rest: sizes.append(len(x)) or predict(x, *rest)
    for label, w in ((1, 0), (1, 1), (1, 2), (None, 2)):
        model.denoised(pictures(2), 1.0, label, w)
    assert sizes == [2, 2, 4, 2]


@pytest.mark.parametrize("w", [math.nan, -1.0, 1000.0, math.inf])
def test_guidance_out_of_range_is_refused(w):
    model, x = make(num_classes=3), pictures()
    refused(lambda: model.sample(1, generator(0), 1, guidance=w), "Guidance")
    refused(lambda: model.denoise(x, 0.5, 1, guidance=w), "Guidance")
    known = torch.ones_like(x, dtype=torch.bool)
    known[:, :, :4] = False
    refused(lambda: model.complete_steps(x, known, generator(0), guidance=w), "Guidance")


def test_a_class_that_is_not_there_is_refused():
    for wrong in (-1, 3, torch.tensor([0, 3])):
        refused(lambda w=wrong: make(num_classes=3).sample(2, generator(0), w), "0 to 2")
    refused(lambda: make().sample(2, generator(0), 0), "leave the class out")


# -- training --------------------------------------------------------------------------------------


@pytest.mark.parametrize("drop", [0.0, 0.3, 1.0])
def test_labels_are_left_out_in_training_as_often_as_asked(drop):
    model, seen = make(num_classes=3, drop_label=drop), []
    predict = model.predict
    model.predict = lambda x, level, label: seen.append(label) or predict(x, level, label)
    n = 600
    y = torch.arange(n) % 3
    list(model.objectives(pictures(n), y, generator(0)))
    label = seen[0]
    left_out = (label == 3).double().mean().item()
    assert left_out == pytest.approx(drop, abs=4 * math.sqrt(drop * (1 - drop) / n))
    assert torch.equal(label[label != 3], y[label != 3])
    list(model.objectives(pictures(4), None, generator(0)))
    assert (seen[1] == 3).all()


@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_the_loss_is_the_networks_error_against_its_papers_target(prediction):
    x = pictures(5)
    model = make(prediction=prediction)
    (objective,) = perfect(model, x).objectives(x, None, generator(0))
    assert objective.loss.item() < 1e-6
    # A network that says nothing: the loss is the target's own mean square, lambda = 1 / c_out^2.
    model.predict = lambda x, level, label: torch.zeros_like(x)
    (objective,) = model.objectives(x, None, generator(0))
    rng = generator(0)
    sigma = model.training_levels(5, rng)[:, None, None, None]
    n, x0 = normal(x.shape, rng, "cpu"), model.inside(x)
    target = {
        "eps": n,
        "x0": x0,
        "v": (n - sigma * x0) * (1 + sigma**2).rsqrt(),
        "velocity": n - x0,
        "edm": (sigma * x0 - 0.25 * n) / (0.5 * (sigma**2 + 0.25).sqrt()),
    }[prediction]
    torch.testing.assert_close(objective.loss, target.square().mean(), rtol=1e-3, atol=1e-4)


def test_training_levels_are_as_the_settings_say():
    log_sigma = make(noise_mean=-0.6, noise_spread=1.3).training_levels(20_000, generator(0)).log()
    assert stats.kstest(log_sigma.numpy(), stats.norm(-0.6, 1.3).cdf).pvalue > 1e-3
    for name, process in SCHEDULES.items():
        model = make(noise="uniform", schedule=name, low=0.01)
        t = process.time(model.training_levels(5_000, generator(0)).double())
        first, last = (process.time(torch.tensor(v).double()).item() for v in (0.01, 80.0))
        inner = t[(t > first + 1e-6) & (t < last - 1e-6)]  # the rest is moved to the ends
        assert len(inner) > 0.9 * (last - first) * 5_000
        uniform = stats.uniform(first, last - first)
        assert stats.kstest(inner.numpy(), uniform.cdf).pvalue > 1e-3, name


# -- sampling --------------------------------------------------------------------------------------


def test_one_seed_is_one_noise_to_every_sampler_and_schedule():
    model = make(num_classes=2)
    first = [
        next(iter(model.sample_steps(2, generator(7), sampler=name, schedule=schedule)))
        for name in SAMPLERS
        for schedule in (None, "flow")
    ]
    for frame in first:
        assert torch.equal(frame.info["z"], first[0].info["z"])
        assert torch.equal(frame.info["label"], first[0].info["label"])
    z = first[0].info["z"]
    assert z.shape == (2, 64) and model.latent == 64
    for name in DETERMINISTIC:
        one, other = (model.sample(2, generator(seed), 1, sampler=name, start=z) for seed in (1, 2))
        assert torch.equal(one, other), name
    torch.testing.assert_close(model.decode(z, 1), model.sample(2, generator(0), 1, start=z))


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_finds_the_picture_that_a_perfect_network_knows(name):
    x = pictures(2)
    model = perfect(make(), x)
    frames = list(model.sample_steps(2, generator(0), sampler=name, steps=5))
    torch.testing.assert_close(frames[-1].x, x, atol=1e-3, rtol=0)
    for frame in frames:
        torch.testing.assert_close(frame.x0, x, atol=2e-3, rtol=0)
        assert frame.x.min() >= 0 and frame.x.max() <= 1
    assert frames[-1].info["level"] == 0 and frames[-1].info["evaluations"] >= 5 * (name != "ode")


def test_settings_out_of_range_are_refused():
    model, rng = make(), generator(0)
    for steps in (0, -1):
        refused(lambda s=steps: model.sample(1, rng, steps=s), "at least one step")
    refused(lambda: model.sample(1, rng, sampler="magic"), "no sampler 'magic'")
    refused(lambda: model.sample(1, rng, schedule="warp"), "no schedule 'warp'")
    refused(lambda: model.sample(1, rng, sampler="ddim", eta=2.0), "eta")
    refused(lambda: model.sample(1, rng, sampler="heun", churn=-1.0), "churn")
    refused(lambda: model.sample(1, rng, sampler="ode", tolerance=0.0), "tolerance")
    for temperature in (-1.0, math.nan, math.inf):
        refused(lambda v=temperature: model.sample(1, rng, temperature=v), "temperature")
    refused(lambda: model.sample(1, rng, start=torch.zeros(1, 63)), "64 numbers")
    refused(lambda: model.log_likelihood(pictures(), rng, samples=1), "two draws")
    refused(lambda: model.log_likelihood(pictures(), rng, method="guess"), "no method")
    refused(lambda: model.log_likelihood(pictures(), rng, method="bound", draws=0), "one draw")
    refused(lambda: model.log_likelihood(pictures(), rng, tolerance=0.0), "tolerance")
    refused(lambda: make(low=1.0, high=1.0), "below the highest")
    refused(lambda: make(image=(1, 9, 9)), "squares")


@torch.no_grad()
def test_pictures_of_another_size_and_colour_work():
    model = make(image=(3, 32, 32), halvings=2, heads=2)
    x = pictures(2, (3, 32, 32))
    assert model.sample(2, generator(0)).shape == x.shape
    assert model.denoise(x, 0.5).shape == x.shape
    z = model.encode(x)
    assert z.shape == (2, 3 * 32 * 32) and model.decode(z).shape == x.shape


class Known(Diffusion):
    """A diffusion model whose network is the best there can be, for a mixture known in full."""

    def __init__(self, mixture: Mixture, **settings) -> None:
        image = tuple(mixture.means.shape[1:])
        small = {"width": 8, "halvings": 0, "middle": 0, "patch": 1}
        super().__init__(DiffusionConfig(image=image, **small, **settings))
        self.mixture = mixture

    def predict(self, x, level, label):
        skip, out = skip_and_out(
            self.config.prediction, level[:, None, None, None].double(), self.config.sigma_data
        )
        return ((self.mixture.denoise(x.double(), level) - skip * x) / out).float()


def blobs(deviation: float = 0.2) -> Mixture:
    means = torch.tensor([[-0.5, 0.3, 0.2, -0.1], [0.4, -0.5, 0.0, 0.5]]).double()
    return Mixture(
        torch.tensor([0.6, 0.4]).double(),
        means.view(2, 1, 2, 2),
        torch.full((2,), deviation).double(),
    )


def test_decoding_the_code_of_a_picture_returns_it():
    model = Known(blobs())
    x = model.outside(blobs().draw(8, generator(3))).float().clamp(0, 1)
    back = model.decode(model.encode(x, steps=200), steps=200)
    # The code is that of the picture with the last level's noise still to be taken off.
    torch.testing.assert_close(back, x, atol=0.01, rtol=0)


# -- in-painting -----------------------------------------------------------------------------------


@torch.no_grad()
def test_what_is_known_stays_and_the_rest_is_drawn_given_it():
    model = Known(blobs())
    n = 300
    x = model.outside(blobs().means[1:]).float().repeat(n, 1, 1, 1)
    known = torch.zeros(n, 1, 2, 2, dtype=torch.bool)
    known[:, :, 0, 0] = True
    frames = list(model.complete_steps(x, known, generator(0), steps=40, repeats=4))
    done = frames[-1].x
    torch.testing.assert_close(done[known], x[known])
    assert frames[-1].step == frames[-1].total == 40 and len(frames) == 41
    # The first pixel says which Gaussian, and so what the others are like.
    inside = model.inside(done).double().flatten(1)
    w = blobs().weights.log() - 0.5 * ((0.4 - blobs().means[:, 0, 0, 0]) / 0.2).square()
    expected = w.softmax(0) @ blobs().means.flatten(1)
    error = (inside.mean(0) - expected)[1:]
    assert error.abs().max() < 0.08, error  # 4 standard errors, and steps of finite length
    assert inside[:, 1:].std(0).mean().item() == pytest.approx(0.2, rel=0.15)


def test_masks_that_make_no_sense_are_refused():
    model, x = make(), pictures()
    half = torch.zeros_like(x, dtype=torch.bool)
    half[:, :, :4] = True

    def complete(known, **settings):
        return deque(model.complete_steps(x, known, generator(0), **settings), maxlen=1)[0].x

    refused(lambda: complete(torch.ones_like(half)), "hides nothing")
    refused(lambda: complete(torch.zeros_like(half)), "hides the whole")
    for wrong in (half.float(), half[:, :, :, :4], half[0], half[:2], half.repeat(1, 2, 1, 1)):
        refused(lambda w=wrong: complete(w), "true or false for each pixel")
    refused(lambda: complete(half, steps=0), "at least one step")
    refused(lambda: complete(half, repeats=0), "at least once")
    with torch.no_grad():
        one = complete(half[:1], steps=2)  # one mask for all
        assert torch.equal(one, complete(half, steps=2))


# -- likelihoods -----------------------------------------------------------------------------------

GREYS = (torch.arange(256, dtype=torch.float64) / 255 * 2 - 1).view(256, 1, 1, 1)


@pytest.mark.parametrize("deviation", [0.005, 0.05, 1.0])
@pytest.mark.parametrize("centre", [0.5, 0.1307])
def test_the_discretised_normal_is_a_difference_of_cdfs_and_sums_to_one(deviation, centre):
    black, white = -2 * centre, 2 * (1 - centre)
    x = GREYS + 1 + black
    for mean in (-3.0, -0.98, 0.0, 0.31, 1.0, 2.5):
        at = torch.full_like(x, mean)
        log_p = discretised_normal(x, at, deviation, black, white)
        torch.testing.assert_close(log_p.exp().sum().item(), 1.0, rtol=1e-6, atol=0)
        normal_ = stats.norm(mean, deviation)
        edges = (x.flatten()[:-1] + HALF_LEVEL).numpy()
        cdf = torch.from_numpy(normal_.cdf(edges))
        mass = torch.cat([cdf[:1], cdf.diff(), 1 - cdf[-1:]])
        clear = mass > 1e-6
        torch.testing.assert_close(log_p.flatten()[clear].exp(), mass[clear], rtol=1e-5, atol=1e-10)
        single = discretised_normal(x.float(), at.float(), deviation, black, white)
        assert torch.isfinite(single).all(), "far out in the tails it must stay finite"
        torch.testing.assert_close(single.double(), log_p, rtol=5e-3, atol=5e-3)


class Greys:
    """One pixel of a few grey levels, P known, and the best denoiser of that: each level a point.

    Known in full, so that what is claimed to be below log P can be seen to be."""

    def __init__(self) -> None:
        self.levels = GREYS[[0, 40, 43, 128, 255]]
        self.p = torch.tensor([0.4, 0.1, 0.2, 0.05, 0.25], dtype=torch.float64)

    def bound(self, low):
        """log P less what the decoder, a normal distribution of deviation ``low`` around the right
        level, leaves to the levels beside it (and beyond black and white, nothing): (5,)."""
        one = stats.norm.cdf(HALF_LEVEL / low)
        mass = torch.tensor([one, *[2 * one - 1] * 3, one], dtype=torch.float64)
        return self.p.log() + mass.log()

    def denoise(self, x, level):
        level = torch.as_tensor(level, dtype=torch.float64).view(-1, 1, 1, 1)
        points = self.levels.view(1, 5, 1, 1)
        log_w = self.p.log().view(1, 5, 1, 1) - 0.5 * ((x - points) / level).square()
        return (log_w.softmax(1) * points).sum(1, keepdim=True)


BOUND_LEVELS = SCHEDULES["edm"].levels(400, 0.003, 80.0)[:-1]


def bounds(draws: int, repeats: int, levels=BOUND_LEVELS):
    """(repeats, 5) draws of the bound for each of the grey levels."""
    greys = Greys()
    x = greys.levels.repeat(repeats, 1, 1, 1)
    found = variational_bound(greys.denoise, x, levels, -1.0, 1.0, generator(0), draws)
    return found.view(repeats, 5)


def test_the_variational_bound_is_below_the_truth_and_close_to_it_with_many_levels():
    found, truth = bounds(400, 400), Greys().bound(0.003)
    stderr = found.std(0) / math.sqrt(400)
    assert (found.mean(0) < truth + 4 * stderr).all()
    assert ((truth - found.mean(0)) < 0.05 + 4 * stderr).all(), "but not by much"
    coarse = bounds(10, 400, SCHEDULES["edm"].levels(10, 0.003, 80.0)[:-1])
    assert coarse.mean(0) @ Greys().p < found.mean(0) @ Greys().p, "few levels are a loose bound"


def test_few_draws_of_the_bound_are_right_on_average():
    every, few = bounds(400, 400), bounds(20, 2000)
    error = (every.var(0) / 400 + few.var(0) / 2000).sqrt()
    assert ((every.mean(0) - few.mean(0)).abs() < 4 * error).all()
    assert (few.std(0) > 1.5 * every.std(0)).all(), "and vary more"


def test_the_spread_of_the_bounds_draws_is_their_error():
    # Pictures in one batch must not share the levels looked at: their mean would look surer than
    # it is.
    single = torch.stack([
        variational_bound(Greys().denoise, Greys().levels, BOUND_LEVELS, -1.0, 1.0, generator(i), 5)
        .mean() for i in range(200)
    ])  # fmt: skip
    alone = bounds(5, 2000).var(0)
    expected = math.sqrt(alone.sum().item()) / 5  # of a mean of five independent ones
    assert single.std().item() == pytest.approx(expected, rel=0.25)


def test_the_dequantised_likelihood_is_below_the_truth_and_close_to_it():
    greys, repeats = Greys(), 40
    x = greys.levels.repeat(repeats, 1, 1, 1)
    # sigma_data is wide enough to be the deviation of these greys; high, to make p_high normal.
    found = dequantised_log_likelihood(
        greys.denoise, x, 0.003, 80.0, -1.0, 1.0, generator(0), 1e-3, sigma_data=0.85
    ).view(repeats, 5)
    stderr = found.std(0) / math.sqrt(repeats)
    assert (found.mean(0) < greys.p.log()).all()
    # The denoiser is sure here, so the density is as good as exact: what is lost is the decoder's.
    assert ((found.mean(0) - greys.bound(0.003)).abs() < 4 * stderr + 0.01).all()


@pytest.mark.parametrize("method", ["ode", "bound"])
def test_the_models_likelihood_is_below_that_of_its_mixture_and_close_to_it(method):
    mixture = blobs(0.15)
    model = Known(mixture, sigma_data=0.4)
    x = (model.outside(mixture.draw(6, generator(3))).clamp(0, 1) * 255).round() / 255
    # A grey level's mass: so smooth a density times the width of a level.
    truth = mixture.log_density(model.inside(x).double()) + 4 * math.log(2 / 255)
    found = model.log_likelihood(x.float(), generator(0), samples=60, method=method)
    assert found.space == "uint8" and (found.stderr > 0).all()
    assert found.kind == {"ode": "estimate", "bound": "lower bound"}[method]
    gap = truth - found.nats
    assert (gap > -4 * found.stderr - 0.02).all()
    assert (gap.mean() < 0.4).all(), gap
    assert found.details["elbo"].shape == (6,)
    if method == "bound":
        torch.testing.assert_close(found.per_pixel.sum((1, 2, 3)), found.nats)
        torch.testing.assert_close(found.details["elbo"], found.nats)


def test_the_likelihood_of_a_class_is_that_of_the_class():
    model = make(num_classes=3)
    x = pictures(2)
    effort = {"samples": 2, "method": "bound", "draws": 8}
    one, other, free, mixed = (
        model.log_likelihood(x, generator(0), label=label, **effort).nats
        for label in (0, 1, None, torch.tensor([0, 1]))
    )
    assert len({v[0].item() for v in (one, other, free)}) == 3
    torch.testing.assert_close(mixed, torch.stack([one[0], other[1]]))
