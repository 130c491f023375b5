"""Self-attention against a softmax by hand, both players' spectral norms, augmented pictures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.contract.capabilities import capabilities
from models.contract.random import generator
from models.families.gan.attention import SelfAttention
from models.families.gan.augment import augmented
from models.families.gan.sagan import SAGAN
from models.training.train import Run
from tests.contract import refused
from tests.models.checkpoints.test_snapshots import tiny_gan, trained

SMALL = {"image": [1, 8, 8], "noise": 5, "width": 16, "hidden": 16}
WHOLE = {"attention": 1, "game": "hinge", "spectral": True, "generator_spectral": True}


def small(**settings) -> SAGAN:
    """A small one whose every weight is moved away from where it starts."""
    torch.manual_seed(0)
    model = weights.build("gan", {**SMALL, "attention": 1, **settings})
    rng = generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    return model.eval()


def pictures(n: int = 6) -> torch.Tensor:
    return torch.rand((n, 1, 8, 8), generator=generator(2))


# -- attention -------------------------------------------------------------------------------------


def attention_layer() -> tuple[SelfAttention, torch.Tensor]:
    torch.manual_seed(3)
    layer = SelfAttention(8)
    with torch.no_grad():
        layer.gamma.fill_(0.7)
        layer.norm.weight[4:] = 2.0
    return layer, torch.randn(2, 8, 3, 4)


def test_attention_is_the_softmax_over_all_places_one_place_at_a_time():
    layer, x = attention_layer()
    maps = {name: getattr(layer, name).weight.detach().numpy()[:, :, 0, 0] for name in "fghv"}
    found, seen = layer(x).detach().numpy(), layer.weights(x).detach().numpy()
    for b in range(2):
        places = x[b].flatten(1).numpy().T.astype(np.float64)  # (12, 8)
        spread = np.sqrt(places.var(1, keepdims=True) + 1e-5)
        n = (places - places.mean(1, keepdims=True)) / spread * [1, 1, 1, 1, 2, 2, 2, 2]
        for j in range(12):
            s = [(maps["f"] @ n[i]) @ (maps["g"] @ n[j]) for i in range(12)]
            e = [math.exp(value) for value in s]
            beta = [value / sum(e) for value in e]
            looked_up = sum(beta[i] * (maps["h"] @ places[i]) for i in range(12))
            y = places[j] + 0.7 * maps["v"] @ looked_up
            np.testing.assert_allclose(seen[b, j], beta, atol=1e-6)
            np.testing.assert_allclose(found[b, :, j // 4, j % 4], y, atol=1e-5)


def test_attention_knows_no_order_of_places():
    layer, x = attention_layer()
    order = torch.randperm(12, generator=generator(4))
    mixed = x.flatten(2)[:, :, order].view_as(x)
    torch.testing.assert_close(layer(mixed).flatten(2), layer(x).flatten(2)[:, :, order])


def test_attention_begins_as_nothing_and_its_gain_is_learned():
    torch.manual_seed(0)
    layer, x = SelfAttention(8), torch.randn(2, 8, 3, 4)
    assert torch.equal(layer(x), x)
    layer(x).square().sum().backward()
    assert layer.gamma.grad.abs() > 0 and not layer.f.weight.grad.any()


@pytest.mark.parametrize("attention", [1, 2])
def test_what_is_shown_is_what_the_networks_do(attention):
    """The maps, put in place of the layer's own, give the same picture and the same verdict."""
    model = small(attention=attention)
    z, x = torch.randn((3, 5), generator=generator(5)), pictures(3)
    for network, seen, run in (
        (model.generator, model.code_attention(z), lambda: model.decode(z)),
        (model.discriminator, model.picture_attention(x), lambda: model.verdict(x)),
    ):
        h, w = model.attention_side
        assert seen.shape == (3, h * w, h * w) and h == 8 // 2**attention
        [layer] = [m for m in network.modules() if isinstance(m, SelfAttention)]
        expected, own = run(), layer.forward

        def by_hand(x, layer=layer, seen=seen):
            mixed = torch.einsum("bji,bci->bcj", seen, layer.h(x).flatten(2)).view(
                len(x), -1, *x.shape[2:]
            )
            return x + layer.gamma * layer.v(mixed)

        layer.forward = by_hand
        torch.testing.assert_close(run(), expected, atol=1e-5, rtol=1e-4)
        layer.forward = lambda x, own=own: own(x) * torch.linspace(0, 1, x.shape[1])[:, None, None]
        assert not torch.allclose(run(), expected, atol=1e-4), "the layer is in use"
        layer.forward = own


def test_which_models_have_maps():
    assert "HasAttentionMaps" in capabilities(small())
    plain = weights.build("gan", SMALL)
    assert "HasAttentionMaps" not in capabilities(plain)
    assert not any(isinstance(m, SelfAttention) for m in plain.modules())
    gains = small().attention_gains
    assert set(gains) == {"generator", "discriminator"} and all(gains.values())


def test_settings_that_cannot_be_are_said_in_a_sentence():
    refused(weights.build, "gan", {**SMALL, "attention": 3})
    refused(weights.build, "gan", {**SMALL, "attention": 1, "encoder": True})
    refused(weights.build, "gan", {**SMALL, "attention": 1, "categories": 3})
    refused(weights.build, "gan", {**SMALL, "attention": -1})


# -- spectral normalisation ------------------------------------------------------------------------


def largest(layer: nn.Module) -> float:
    """The largest singular value of what a layer multiplies by, by torch's SVD."""
    matrix = layer.weight
    if isinstance(layer, nn.ConvTranspose2d):  # its outputs are the second of its sides
        matrix = matrix.transpose(0, 1)
    return torch.linalg.svdvals(matrix.flatten(1))[0].item()


def test_both_players_layers_have_a_largest_singular_value_of_one():
    torch.manual_seed(0)
    model = weights.build("gan", {**SMALL, **WHOLE}).train()
    rng = generator(0)
    for _ in range(60):  # an iteration of the power method each time
        model.verdict(model.decode(model.draw(2, rng)))
    model.eval()
    for network, least in ((model.generator, 12), (model.discriminator, 9)):
        kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)
        layers = [m for m in network.modules() if isinstance(m, kinds)]
        assert len(layers) >= least
        for layer in layers:
            assert largest(layer) == pytest.approx(1, abs=0.02)


def test_a_generator_of_normalised_layers_makes_pictures_from_the_start():
    torch.manual_seed(0)
    x = weights.build("gan", {**SMALL, **WHOLE}).sample(4, generator(0))
    assert x.isfinite().all() and x.std(0).mean() > 1e-3


# -- augmentation ----------------------------------------------------------------------------------


def test_an_augmented_picture_is_the_picture_moved_with_a_hole():
    x = torch.rand((64, 2, 16, 16), generator=generator(6)) + 0.5  # nowhere 0
    shown = augmented(x, generator(7))
    shifts, holes = set(), set()
    for picture, original in zip(shown, x, strict=True):
        fits = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                moved = torch.zeros_like(original)
                moved[:, max(0, dy) : 16 + min(0, dy), max(0, dx) : 16 + min(0, dx)] = original[
                    :, max(0, -dy) : 16 + min(0, -dy), max(0, -dx) : 16 + min(0, -dx)
                ]
                kept = picture[0] > 0
                if torch.equal(picture[:, kept], moved[:, kept]):
                    fits.append((dy, dx))
                    gone = ((moved[0] > 0) & ~kept).nonzero()
        assert len(fits) == 1, "one shift explains it"
        shifts.add(fits[0])
        # The hole is a rectangle of 8 by 8 at most, less what lies outside.
        sides = gone.amax(0) - gone.amin(0) + 1
        assert len(gone) == sides.prod() and sides.max() <= 8
        holes.add(tuple(gone[0].tolist()))
    assert len(shifts) > 15 and len(holes) > 25


def test_gradients_go_through_augmentation():
    x = torch.rand((3, 1, 8, 8), generator=generator(8)).requires_grad_()
    shown = augmented(x, generator(9))
    shown.sum().backward()
    # A pixel that is seen counts once, wherever it was moved to; one that is not counts nothing.
    assert set(x.grad.unique().tolist()) == {0.0, 1.0}
    assert x.grad.sum().item() == (shown > 0).sum().item()


def test_both_players_see_augmented_pictures_and_the_judge_the_whole():
    plain, shown = small(), small(augment=True)
    x = pictures()
    torch.testing.assert_close(plain.verdict(x), shown.verdict(x))  # asked by the page: whole
    for k in range(2):
        one, other = (list(m.objectives(x, None, generator(0)))[k].loss for m in (plain, shown))
        assert one.item() != pytest.approx(other.item(), abs=1e-4)


# -- learning --------------------------------------------------------------------------------------


@pytest.mark.parametrize("augment", [False, True])
def test_a_run_learns_attention_and_resumes_bit_for_bit(augment, digits, tmp_path):
    from tests.models.training.test_resume import resumes

    resumes(tiny_gan({**WHOLE, "augment": augment}, steps=12), digits, tmp_path)
    run = Run(tiny_gan({**WHOLE, "augment": augment}, steps=25, snapshots=0), digits)
    trained(run)
    assert all(abs(gain) > 1e-5 for gain in run.model.attention_gains.values())
