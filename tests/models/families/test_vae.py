"""The VAE against closed forms, quadrature and other libraries: bounds, objectives, abilities."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import distributions as D

from models.contract.numbers import gaussian_kl
from models.contract.random import generator, normal
from models.families.vae.vae import VAE, VAEConfig
from tests.conftest import small_vae as make

# -- a VAE whose evidence is known -----------------------------------------------------------------


class LinearGaussian(VAE):
    """x = W h + b + s noise: p(x) = N(b, W W' + s^2 I). The guess of the code is made too wide.

    W has orthogonal columns, so that the true posterior is diagonal and ``spread=1`` is exact.
    """

    noise = 0.3

    def __init__(self, spread: float) -> None:
        # Bernoulli without binarisation hands x to log_p_x as it is.
        small = {"width": 8, "blocks": 0, "hidden": 8, "halvings": 1}
        super().__init__(VAEConfig(image=(1, 2, 2), latent=3, **small))
        self.spread = spread
        rng = generator(11)
        basis = torch.linalg.qr(torch.randn(4, 4, generator=rng)).Q[:, :3]
        self.W = basis * torch.tensor([1.0, 0.5, 0.2])  # (4, 3)
        self.b = torch.rand(4, generator=rng)

    def posterior(self, x):
        precision = 1 + (self.W**2).sum(0) / self.noise**2  # (3,), W'W is diagonal
        mean = (x.flatten(1) - self.b) @ self.W / self.noise**2 / precision
        return mean, precision.rsqrt().expand_as(mean)

    def encode_distribution(self, x, label=None):
        mean, std = self.posterior(x)
        return mean + 0.5 * (self.spread - 1), std * self.spread

    def log_p_x(self, x, h, label=None):
        mean = h @ self.W.T + self.b
        return D.Normal(mean.view_as(x), self.noise).log_prob(x)

    def evidence(self, x):
        covariance = self.W @ self.W.T + self.noise**2 * torch.eye(4)
        return D.MultivariateNormal(self.b, covariance).log_prob(x.flatten(1))

    def draw(self, n):
        h = normal((n, 3), generator(12), "cpu")
        x = h @ self.W.T + self.b + self.noise * normal((n, 4), generator(13), "cpu")
        return x.view(n, 1, 2, 2)


def test_the_bounds_are_ordered_below_the_known_evidence():
    model = LinearGaussian(spread=1.3)
    x = model.draw(1000)
    bounds = []
    for K in (1, 5, 50):
        repeats = range(20)
        nats = [
            model.log_likelihood(x, generator(i), samples=K, binarise=False).nats for i in repeats
        ]
        bounds.append(torch.stack(nats).mean(0))  # (1000,)
    bounds.append(model.evidence(x))
    for lower, higher in itertools.pairwise(bounds):
        gap = higher - lower
        # Not only in order: apart by far more than chance.
        assert gap.mean() > 5 * gap.std() / math.sqrt(len(x))


def test_the_elbo_is_the_evidence_less_the_gap_to_the_posterior():
    model = LinearGaussian(spread=1.3)
    x = model.draw(4)
    result = model.log_likelihood(x, generator(0), samples=100_000, binarise=False)
    q, posterior = model.encode_distribution(x), model.posterior(x)
    gap = D.kl_divergence(D.Normal(*q), D.Normal(*posterior)).sum(1)
    torch.testing.assert_close(result.details["elbo"], model.evidence(x) - gap, atol=0.03, rtol=0)
    kl = D.kl_divergence(D.Normal(*q), D.Normal(0.0, 1.0))
    torch.testing.assert_close(result.details["kl_per_dimension"], kl)
    torch.testing.assert_close(result.details["kl"], kl.sum(1))
    torch.testing.assert_close(
        result.details["elbo"], result.details["reconstruction"] - result.details["kl"]
    )


def test_many_samples_find_the_evidence_within_the_standard_error():
    model = LinearGaussian(spread=1.3)
    x = model.draw(200)
    result = model.log_likelihood(x, generator(1), samples=3000, binarise=False)
    z = (result.nats - model.evidence(x)) / result.stderr
    assert result.kind == "estimate" and result.stderr.max() < 0.1
    assert z.abs().max() < 5 and z.square().mean().sqrt() == pytest.approx(1, abs=0.25)


def test_the_standard_error_is_the_spread_over_seeds():
    model = LinearGaussian(spread=1.2)
    x = model.draw(20)
    results = [
        model.log_likelihood(x, generator(seed), samples=300, binarise=False) for seed in range(300)
    ]
    spread = torch.stack([r.nats for r in results]).std(0)
    claimed = torch.stack([r.stderr for r in results]).square().mean(0).sqrt()
    assert (claimed / spread).mean() == pytest.approx(1, abs=0.1)
    assert ((claimed / spread) - 1).abs().max() < 0.35


def test_with_the_true_posterior_every_sample_knows_the_evidence():
    model = LinearGaussian(spread=1.0)
    x = model.draw(10)
    result = model.log_likelihood(x, generator(0), samples=8, binarise=False)
    torch.testing.assert_close(result.nats, model.evidence(x), atol=1e-4, rtol=0)
    torch.testing.assert_close(result.details["ess"], torch.full((10,), 8.0), rtol=1e-3, atol=0)
    assert result.stderr.max() < 1e-3


def test_the_effective_sample_size_falls_as_the_guess_gets_worse():
    x = LinearGaussian(1.0).draw(50)
    sizes = [
        LinearGaussian(spread)
        .log_likelihood(x, generator(0), samples=100, binarise=False)
        .details["ess"]
        .mean()
        for spread in (1.0, 1.3, 2.0)
    ]
    assert 100.1 > sizes[0] > 99 > sizes[1] > sizes[2] >= 1


# -- the likelihood of every picture there is ------------------------------------------------------

ALL_IMAGES = torch.tensor(list(itertools.product([0.0, 1.0], repeat=4))).view(16, 1, 2, 2)


def by_quadrature(model: VAE) -> torch.Tensor:
    """log p(x) of all sixteen 2x2 binary images, (16,), by a sum over a fine grid of codes."""
    points = 2001 if model.config.latent == 1 else 401
    axis = torch.linspace(-20, 20, points)
    grid = torch.cartesian_prod(*[axis] * model.config.latent).view(-1, model.config.latent)
    log_cell = model.config.latent * math.log(40 / (points - 1))
    with torch.no_grad():
        prior = model.prior.log_prob(grid).double()
        black, white = (
            model.log_p_x(torch.full((len(grid), 1, 2, 2), level), grid).double().flatten(1)
            for level in (0.0, 1.0)
        )
    rows = [torch.where(x.flatten() == 1, white, black).sum(1) for x in ALL_IMAGES]
    return torch.stack([(row + prior + log_cell).logsumexp(0) for row in rows])


@pytest.mark.parametrize(
    "settings", [{"latent": 1, "scale": 2.5}, {"latent": 2, "prior_layers": 3, "scale": 1.5}]
)
def test_the_probabilities_of_all_binary_images_sum_to_one(settings):
    model = make(image=(1, 2, 2), prior_hidden=8, **settings)
    exact = by_quadrature(model)
    assert exact.exp().sum() == pytest.approx(1, abs=1e-3)
    assert exact.max() - exact.min() > 1  # a model that tells pictures apart
    result = model.log_likelihood(ALL_IMAGES, generator(0), samples=4000)
    z = (result.nats.double() - exact) / result.stderr.clamp(min=1e-4)
    assert z.abs().max() < 5 and result.stderr.max() < 0.2
    assert result.nats.exp().sum() == pytest.approx(1, abs=0.03)
    assert result.space == "binary"
    elbo = model.log_likelihood(ALL_IMAGES, generator(0), samples=4000).details["elbo"]
    assert (elbo < exact + 0.05).all() and elbo.exp().sum() < 1


def test_the_probabilities_of_all_8_bit_levels_sum_to_one():
    model = make(likelihood="logistic", image=(2, 2, 2))
    h = normal((1, 3), generator(0), "cpu").expand(256, 3)
    x = torch.linspace(0, 1, 256)[:, None, None, None].expand(256, 2, 2, 2)
    total = model.log_p_x(x, h).exp().sum(0)  # each pixel over its levels
    torch.testing.assert_close(total, torch.ones(2, 2, 2), atol=1e-4, rtol=0)


# -- the objective ---------------------------------------------------------------------------------


def gradients(model: VAE, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def same_gradients(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-3, atol=1e-5, msg=name)


def drawn(model: VAE, x: torch.Tensor, K: int):
    """The same draws as an objective with generator(3): what it saw, q, codes, log p(x | h)."""
    rng = generator(3)
    x = model.observed(x, rng)
    q = D.Normal(*model.encode_distribution(x))
    h = q.mean + q.stddev * normal((K, *q.mean.shape), rng, "cpu")  # (K, B, D)
    log_p_x = torch.stack(
        [
            D.Bernoulli(logits=model.decoder(k, torch.zeros(len(k), 0))).log_prob(x).sum((1, 2, 3))
            for k in h
        ]
    )
    return q, h, log_p_x


@pytest.mark.parametrize("beta", [1.0, 4.0])
def test_the_objective_is_the_negative_elbo(beta):
    model = make(beta=beta)
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    (objective,) = model.objectives(x, None, generator(3))
    q, _, log_p_x = drawn(model, x, 1)
    kl = D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(1)
    expected = (beta * kl - log_p_x[0]).mean()
    torch.testing.assert_close(objective.loss, expected)
    assert objective.logs["kl_nats"].item() == pytest.approx(kl.mean().item(), rel=1e-4)
    assert objective.logs["elbo_nats"].item() == pytest.approx(
        (log_p_x[0] - kl).mean().item(), rel=1e-4
    )
    same_gradients(gradients(model, objective.loss), gradients(model, expected))


@pytest.mark.parametrize("prior_layers", [0, 2])
@pytest.mark.parametrize("K", [2, 7])
def test_the_iwae_objective_and_its_gradient(K, prior_layers):
    model = make(samples=K, prior_layers=prior_layers, prior_hidden=8)
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    (objective,) = model.objectives(x, None, generator(3))
    q, h, log_p_x = drawn(model, x, K)
    log_w = log_p_x + model.prior.log_prob(h) - q.log_prob(h).sum(-1)
    expected = -log_w.exp().mean(0).log().mean()  # eq. 8 as it stands; small enough here
    torch.testing.assert_close(objective.loss, expected)
    same_gradients(gradients(model, objective.loss), gradients(model, expected))


def test_a_learned_prior_with_one_sample_is_an_elbo_too():
    model = make(prior_layers=2, prior_hidden=8)
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    (objective,) = model.objectives(x, None, generator(3))
    q, h, log_p_x = drawn(model, x, 1)
    expected = -(log_p_x + model.prior.log_prob(h) - q.log_prob(h).sum(-1)).mean()
    torch.testing.assert_close(objective.loss, expected)


def test_free_bits_are_not_charged_for():
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    model = make(free_bits=10.0)
    (objective,) = model.objectives(x, None, generator(3))
    q, _, log_p_x = drawn(model, x, 1)
    kl = D.kl_divergence(q, D.Normal(0.0, 1.0)).mean(0)  # (D,)
    assert kl.max() < 10
    # Every dimension is below its allowance: the code costs a constant, and so it pulls at nothing.
    torch.testing.assert_close(objective.loss, 30 - log_p_x.mean())
    same_gradients(gradients(model, objective.loss), gradients(model, -log_p_x.mean()))
    # An allowance between them: only what is above is charged for what it is.
    between = (kl.sort().values[1] + kl.max()).item() / 2
    model = make(free_bits=between)
    (objective,) = model.objectives(x, None, generator(3))
    torch.testing.assert_close(
        objective.loss, 2 * between + kl.max() - drawn(model, x, 1)[2].mean()
    )


def test_settings_that_contradict_each_other_are_refused():
    for settings, words in (
        ({"free_bits": 0.5, "samples": 5}, "free_bits"),
        ({"free_bits": 0.5, "prior_layers": 2}, "learned prior"),
        ({"total_correlation": 1.0, "prior_layers": 2}, "learned prior"),
        ({"latent": 1, "prior_layers": 2}, "learned prior"),
        ({"halvings": 3}, "halved 3 times"),
    ):
        with pytest.raises(ValueError, match=words):
            make(**settings)


def test_the_kl_weight_warms_up_in_training_alone():
    model = make(warmup_steps=4, beta=2.0)
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    q, _, log_p_x = drawn(model, x, 1)
    kl = D.kl_divergence(q, D.Normal(0.0, 1.0)).sum(1).mean().item()

    def weight():
        (objective,) = model.objectives(x, None, generator(3))
        return (objective.loss.item() + log_p_x.mean().item()) / kl

    assert [weight(), weight()] == pytest.approx([0.5, 0.5], rel=1e-3)  # evaluation counts nothing
    model.train()
    assert [weight() for _ in range(6)] == pytest.approx([0.5, 1, 1.5, 2, 2, 2], rel=1e-3)


def test_further_samples_come_late():
    x = torch.rand(6, 1, 4, 4, generator=generator(0))
    late, one, many = (make(samples=5, samples_from=2), make(), make(samples=5))
    losses = {}
    for name, model in (("late", late), ("one", one), ("many", many)):
        model.train()
        losses[name] = [
            next(iter(model.objectives(x, None, generator(3)))).loss.item() for _ in range(3)
        ]
    assert losses["late"] == pytest.approx([*losses["one"][:2], losses["many"][2]])
    assert losses["one"][2] != pytest.approx(losses["many"][2])


# -- what it shows ---------------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", ["bernoulli", "logistic"])
@pytest.mark.parametrize("samples", [1, 9])
def test_the_map_of_pixels_sums_to_the_nats(likelihood, samples):
    model = make(likelihood=likelihood, image=(2, 4, 4))
    x = torch.rand(5, 2, 4, 4, generator=generator(0))
    result = model.log_likelihood(x, generator(0), samples=samples)
    torch.testing.assert_close(result.per_pixel.sum((1, 2, 3)), result.nats, rtol=1e-4, atol=1e-3)
    assert result.space == {"bernoulli": "binary", "logistic": "uint8"}[likelihood]
    if samples == 1:
        assert result.kind == "lower bound" and result.stderr is None
        torch.testing.assert_close(result.nats, result.details["elbo"])
    else:
        assert result.kind == "estimate"
        assert (result.nats >= result.details["elbo"] - 5 * result.stderr - 1).all()


def test_chunks_bound_the_memory_and_change_only_the_draws():
    model = make()
    x = (torch.rand(5, 1, 4, 4, generator=generator(0)) > 0.5).float()
    whole = model.log_likelihood(x, generator(0), samples=2000)
    sizes = []
    handle = model.decoder.register_forward_hook(lambda m, i, out: sizes.append(len(out)))
    parts = model.log_likelihood(x, generator(1), samples=2000, chunk=700)
    handle.remove()
    assert max(sizes) <= 700 and sum(sizes) == 5 * 2000
    error = (whole.stderr**2 + parts.stderr**2).sqrt()
    assert ((whole.nats - parts.nats) / error).abs().max() < 5


def test_a_likelihood_needs_a_sample():
    with pytest.raises(ValueError, match="at least one sample"):
        make().log_likelihood(torch.zeros(1, 1, 4, 4), generator(0), samples=0)


def test_grey_pixels_are_drawn_black_or_white_by_their_level():
    model = make(image=(1, 20, 20))
    x = torch.rand(1, 1, 20, 20, generator=generator(0))
    rng = generator(1)
    seen = torch.stack([model.observed(x, rng) for _ in range(400)])
    assert set(seen.unique().tolist()) == {0.0, 1.0}
    z = (seen.mean(0) - x) / (x * (1 - x) / 400).sqrt().clamp(min=1e-3)
    assert z.abs().max() < 5 and z.std() == pytest.approx(1, abs=0.15)
    for extreme in (0.0, 1.0):  # black and white stay what they are
        assert (model.observed(torch.full_like(x, extreme), rng) == extreme).all()


def test_8_bit_levels_stay_what_they_are():
    model = make(likelihood="logistic", image=(1, 16, 16))
    levels = (torch.arange(256) / 255).view(1, 1, 16, 16)
    assert torch.equal(model.observed(levels, generator(0)), levels)
    torch.testing.assert_close(model.observed(levels + 0.3 / 255, generator(0)), levels)


@torch.no_grad()
def test_a_decoded_picture_is_the_expected_one():
    model = make(prior_layers=2, prior_hidden=8)
    z = torch.randn(4, 3, generator=generator(0))
    h = model.prior.inverse(z)
    white = model.log_p_x(torch.ones(4, 1, 4, 4), h).exp()
    torch.testing.assert_close(model.decode(z), white)
    # Encoding and decoding pass through the bent space and back.
    x = torch.rand(4, 1, 4, 4, generator=generator(1))
    mean = model.encode_distribution(x)[0]
    through = model.log_p_x(torch.ones(4, 1, 4, 4), mean).exp()
    torch.testing.assert_close(model.decode(model.encode(x)), through, atol=1e-4, rtol=0)
    logistic = make(likelihood="logistic")
    levels = (torch.arange(256) / 255).view(256, 1, 1, 1).expand(256, 1, 4, 4)
    p = logistic.log_p_x(levels, z[:1].expand(256, 3)).exp()
    torch.testing.assert_close((p * levels).sum(0), logistic.decode(z[:1])[0], atol=0.05, rtol=0)


def test_temperature_scales_the_codes():
    model = make()
    one = next(model.sample_steps(500, generator(0))).info["z"]
    half = next(model.sample_steps(500, generator(0), temperature=0.5)).info["z"]
    torch.testing.assert_close(half, one / 2)
    assert one.std().item() == pytest.approx(1, abs=0.1)
    cold = model.sample(3, generator(0), temperature=0.0)
    torch.testing.assert_close(cold, model.decode(torch.zeros(3, 3)).detach())
    for wrong in (-0.1, math.nan, math.inf):
        with pytest.raises(ValueError, match="temperature"):
            model.sample(3, generator(0), temperature=wrong)


@torch.no_grad()
def test_the_kl_of_each_dimension_under_a_learned_prior():
    """By moments of 32 draws: near the closed form where the prior still is the standard normal."""
    torch.manual_seed(0)
    model = VAE(VAEConfig(image=(1, 4, 4), latent=3, width=8, halvings=1, prior_layers=2)).eval()
    mean, std = torch.randn(200, 3) * 2, torch.rand(200, 3) * 0.5 + 0.1
    order = model.prior(torch.tensor([[0.0, 1.0, 2.0]]))[0][0].long()
    estimate = model._kl_per_dimension(mean, std).mean(0)
    torch.testing.assert_close(estimate, gaussian_kl(mean, std).mean(0)[order], rtol=0.1, atol=0.05)


def test_class_conditional_likelihoods_depend_on_the_class():
    model = make(scale=2.0, num_classes=3)
    x = (torch.rand(4, 1, 4, 4, generator=generator(0)) > 0.5).float()
    nats = [
        model.log_likelihood(x, generator(0), samples=50, label=label).nats
        for label in (0, 2, torch.tensor([0, 0, 2, 2]))
    ]
    assert (nats[0] - nats[1]).abs().max() > 0.01
    torch.testing.assert_close(nats[2], torch.cat([nats[0][:2], nats[1][2:]]), rtol=1e-4, atol=1e-4)
    labels = torch.tensor([0, 1, 2, 0])
    (a,), (b,) = (list(model.objectives(x, y, generator(0))) for y in (labels, labels.flip(0)))
    assert a.loss.item() != b.loss.item()
