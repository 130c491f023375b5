"""Autoencoders: the penalty against autograd's Jacobian, the score, and what masks hide."""

import pytest
import torch

from models.checkpoints import weights
from models.contract.random import generator, normal
from models.families.autoregressive.transformer import patches


def build(family: str, **values):
    torch.manual_seed(0)
    model = weights.build(family, {"image": [1, 8, 8], "width": 16, **values})
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.02 * torch.randn(parameter.shape, generator=rng)
    return model


@pytest.fixture
def x():
    return torch.rand(6, 1, 8, 8, generator=generator(2))


# -- contractive -----------------------------------------------------------------------------------


def exact_norm(model, x) -> torch.Tensor:
    """The mean of ||J||_F^2 by autograd's Jacobian, codes in units of their spread in the batch."""
    spread = model.net.encode(x).detach().std(0)

    def codes(one):
        return model.net.encode(one[None])[0] / spread

    return torch.stack(
        [
            torch.autograd.functional.jacobian(codes, one, create_graph=True).square().sum()
            for one in x
        ]
    ).mean()


def test_the_contractive_penalty_and_its_gradient_are_the_jacobians(x):
    model = build("autoencoder", latent=3, contraction=1.0, blocks=0).eval()
    parameter = model.net.write[-1].weight
    draws = 150
    means, slopes = [], []
    for k in range(draws):
        *_, objective = model.objectives(x.clone(), None, generator(k))
        means.append(objective.logs["jacobian_norm"].detach())
        # The spread is a batch's own, and its gradient is left in: it is part of what is paid.
        slopes.append(torch.autograd.grad(objective.logs["jacobian_norm"], parameter)[0])
    means, slopes = torch.stack(means), torch.stack(slopes)
    exact = exact_norm(model, x)
    error = means.std() / draws**0.5
    assert abs(means.mean() - exact.detach()) < 4 * error
    # In any one direction the mean gradient is that of the norm, the spread moving along.
    step = 3e-3 * torch.randn(parameter.shape, generator=generator(9))
    with torch.no_grad():
        before = exact_norm(model, x)
        parameter += step
        after = exact_norm(model, x)
        parameter -= step
    told = (slopes * step).sum((1, 2))
    # What is second order in the step is left out of it.
    room = 4 * told.std() / draws**0.5 + 0.1 * abs(after - before)
    assert abs(told.mean() - (after - before)) < room


def test_the_box_holds_the_codes_of_the_training(x):
    model = build("autoencoder", latent=2).train()
    for k in range(400):
        list(model.objectives(x, None, generator(k)))
    z = model.encode(x)
    assert z.min() > -1e-4 and z.max() < 1 + 1e-4
    assert z.amin(0).max() < 0.1 and z.amax(0).min() > 0.9, "and no more than those"


# -- denoising -------------------------------------------------------------------------------------


def test_what_it_guesses_does_not_depend_on_the_level_it_is_told(x):
    model = build("dae", latent=8).eval()
    noisy = model.inside(x) + 0.5 * normal(x.shape, generator(3), "cpu")
    with torch.no_grad():
        assert torch.equal(model.denoised(noisy, 0.1), model.denoised(noisy, 3.0))


@pytest.mark.slow
def test_trained_on_a_gaussian_its_residual_is_the_score():
    """Pictures of one grey level a ~ N(1/2, s^2): log p_sigma is a Gaussian's, and only the mean of
    a noisy picture matters. (r(x) - x) summed over the pixels is sigma^2 times the slope along it.
    """
    model = build("dae", latent=4, low=0.3, high=4.0, centre=0.5, blocks=0).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    rng, s = generator(0), 0.12
    for _ in range(600):
        grey = 0.5 + s * torch.randn(64, 1, 1, 1, generator=rng)
        (objective,) = model.objectives(grey.expand(-1, 1, 8, 8), None, rng)
        optimizer.zero_grad()
        objective.loss.backward()
        optimizer.step()
    level = 2.5  # black to white is 2 inside
    grey = 2 * s * torch.randn(400, 1, 1, 1, generator=rng)
    noisy = grey + level * torch.randn(400, 1, 8, 8, generator=rng)
    with torch.no_grad():
        told = (model.eval().denoised(noisy, level) - noisy).mean((1, 2, 3)) / level**2
    mean = noisy.mean((1, 2, 3))
    score = -mean / ((2 * s) ** 2 + level**2 / 64) / 64  # of the mean of 64 pixels, a pixel's share
    assert torch.corrcoef(torch.stack([told, score]))[0, 1] > 0.9


# -- masked ----------------------------------------------------------------------------------------


@pytest.fixture
def masked():
    return build("mae", patch=2, layers=2, painter_width=16, heads=2).eval()


def test_what_is_hidden_is_not_seen(masked, x):
    tokens = patches(x, 2)  # (6, 16, 4)
    seen = torch.rand(6, 16, generator=generator(4)) < 0.4
    seen[:, 0] = True
    with torch.no_grad():
        told = masked.predicted(tokens, seen)
        other = torch.where(
            seen[..., None], tokens, torch.rand(tokens.shape, generator=generator(5))
        )
        torch.testing.assert_close(masked.predicted(other, seen), told, atol=1e-6, rtol=0)
        # Every patch that is seen is read.
        for k in seen[0].nonzero().flatten().tolist():
            other = tokens[:1].clone()
            other[0, k] = 1 - other[0, k]
            assert (masked.predicted(other, seen[:1]) - told[:1]).abs().max() > 1e-6


def test_a_picture_alone_is_painted_as_among_others(masked, x):
    """Though others have more patches to be seen."""
    tokens, seen = patches(x, 2), torch.zeros(6, 16, dtype=torch.bool)
    for k in range(6):
        seen[k, : 2 + 2 * k] = True
    with torch.no_grad():
        together = masked.predicted(tokens, seen)
        for k in range(6):
            alone = masked.predicted(tokens[k : k + 1], seen[k : k + 1])
            torch.testing.assert_close(alone[0], together[k], atol=1e-5, rtol=1e-4)


def test_patches_make_the_picture_again(masked, x):
    assert torch.equal(masked.picture(patches(x, 2)), x)


def test_the_loss_is_of_the_hidden_patches_alone(masked, x):
    (objective,) = masked.objectives(x, None, generator(6))
    rank = torch.rand(6, 16, generator=generator(6)).argsort(1).argsort(1)
    hidden = rank >= 4  # of 16 patches three quarters
    painted = masked.predicted(patches(x, 2), ~hidden)
    by_hand = (painted - patches(x, 2)).square()[hidden].mean()
    torch.testing.assert_close(objective.loss, by_hand)


def test_at_temperature_0_and_in_one_step_every_sample_is_the_mean(masked):
    x = masked.sample(3, generator(0), temperature=0.0, steps=1)
    torch.testing.assert_close(x[0], x[1])
    grainy = masked.sample(3, generator(0), steps=1)
    assert (grainy[0] - grainy[1]).abs().max() > 0.05


@pytest.mark.parametrize(
    ("family", "values", "words"),
    [
        ("autoencoder", {"image": [1, 10, 10]}, "fewer halvings"),
        ("mae", {"image": [1, 9, 9]}, "another size of patch"),
        ("mae", {"width": 18, "heads": 4}, "attention heads"),
        ("dae", {"low": 1.0, "high": 1.0}, "below the highest"),
    ],
)
def test_settings_that_cannot_go_together_are_refused(family, values, words):
    with pytest.raises(ValueError, match=words):
        weights.build(family, {"image": [1, 8, 8], **values})
