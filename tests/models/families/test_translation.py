"""CycleGAN: its losses by hand, its domains against scipy, and a map that is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from models.checkpoints import weights
from models.contract.random import generator
from models.data.datasets import digits
from models.families.translation import domains
from models.families.translation.cyclegan import CycleGAN
from tests.contract import refused
from tests.toys import write_translator


def build(**values) -> CycleGAN:
    torch.manual_seed(0)
    small = {"image": [1, 8, 8], "width": 8, "judge_width": 8, "blocks": 1}
    return weights.build("cyclegan", {**small, **values})


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randint(0, 256, (24, 1, 8, 8), generator=generator(1)).float() / 255


# -- domains ---------------------------------------------------------------------------------------


def test_a_picture_is_on_the_same_side_whoever_is_beside_it(x):
    even, odd = domains.halves(x)
    assert sorted([*even.tolist(), *odd.tolist()]) == list(range(len(x)))
    assert len(even) and len(odd)
    for k in range(len(x)):
        alone = domains.halves(x[k : k + 1])
        assert [len(part) for part in alone] == [int(k in even), int(k in odd)]
    levels = (x.numpy() * 255).round().astype(int).reshape(len(x), -1).sum(1)
    np.testing.assert_array_equal(even, np.flatnonzero(levels % 2 == 0))


def test_outlines_are_the_inner_morphological_gradient(x):
    for picture, lines in zip(x.numpy()[:, 0], domains.outline(x).numpy()[:, 0], strict=True):
        eroded = ndimage.grey_erosion(picture, size=(3, 3), mode="constant", cval=0.0)
        wanted = np.clip((picture - eroded - 0.1) * 3, 0, 1)
        np.testing.assert_allclose(lines, wanted, atol=1e-5)
    square = torch.zeros(1, 1, 8, 8)
    square[..., 2:7, 2:7] = 1
    lines = domains.outline(square)
    assert lines.sum() == 16 and lines[0, 0, 3:6, 3:6].sum() == 0, "a closed line of one pixel"


@pytest.mark.parametrize("width", [2, 3, 4])
def test_a_strokes_width_is_that_of_a_bar(width):
    bar = torch.zeros(1, 1, 64, 64)
    bar[..., 2:62, 20 : 20 + width] = 1
    # A line along both sides of a bar of two pixels is all of it: area over half of the edge.
    assert domains.stroke_width(bar).item() == pytest.approx(width, rel=0.05)


def test_the_thinnest_and_the_boldest_are_a_quarter_each():
    x = digits("train").images[:41].float() / 255
    thin, bold = domains.thinnest_and_boldest(x)
    width = domains.stroke_width(x)
    assert len(thin) == len(bold) == 10 and not set(thin.tolist()) & set(bold.tolist())
    between = sorted(set(range(41)) - set(thin.tolist()) - set(bold.tolist()))
    assert width[thin].max() <= width[between].min() <= width[between].max() <= width[bold].min()


# -- losses ----------------------------------------------------------------------------------------


def test_the_losses_are_those_of_the_paper(x):
    model = build(cycle=7.0, identity=3.0)
    even, odd = domains.halves(x)
    a, b = domains.outline(x[even]), x[odd]
    generators, judges = model.objectives(x, None, generator(0))
    with torch.no_grad():
        there, back = model.G(a), model.F(b)
        adversarial = ((model.judge_b(there) - 1) ** 2).mean() + (
            (model.judge_a(back) - 1) ** 2
        ).mean()
        cycle = (model.F(there) - a).abs().mean() + (model.G(back) - b).abs().mean()
        identity = (model.G(b) - b).abs().mean() + (model.F(a) - a).abs().mean()
        against = sum(
            ((judge(real) - 1) ** 2).mean() + (judge(made) ** 2).mean()
            for judge, real, made in ((model.judge_a, a, back), (model.judge_b, b, there))
        )
    torch.testing.assert_close(generators.loss, adversarial + 7 * cycle + 3 * identity)
    torch.testing.assert_close(judges.loss, against / 2)
    assert generators.player != judges.player
    owned = [{id(p) for p in objective.params} for objective in (generators, judges)]
    assert not owned[0] & owned[1]


def test_the_discriminators_loss_moves_no_generator(x):
    model = build()
    *_, judges = model.objectives(x, None, generator(0))
    judges.loss.backward()
    for net in (model.G, model.F):
        assert all(p.grad is None for p in net.parameters())


def test_a_batch_of_which_nobody_serves_a_domain_has_a_finite_loss():
    x = torch.zeros(3, 1, 8, 8)  # even sums all
    for objective in build().objectives(x, None, generator(0)):
        assert torch.isfinite(objective.loss)
        objective.loss.backward()


def test_pairs_are_nowhere_in_the_losses(x):
    """Which picture of one domain stands beside which of the other changes nothing."""
    model = build().eval()
    even, odd = domains.halves(x)
    shuffled = torch.cat([x[even.flip(0)], x[odd.roll(1)]])
    before, after = (
        [o.loss.item() for o in model.objectives(each, None, generator(0))]
        for each in (x, shuffled)
    )
    assert before == pytest.approx(after, rel=1e-5)


# -- what it learns --------------------------------------------------------------------------------


def test_it_finds_the_shift_between_two_domains_without_a_pair():
    """Grey pictures of one level each: in one domain from 0.1 to 0.4, in the other 0.5 higher. The
    map that keeps the order is the shift, and the cycle and its smoothness leave that one."""
    torch.manual_seed(0)
    model = build(cycle=5.0)
    kinds = domains.Domains(
        "dark",
        "light",
        lambda x: (torch.arange(0, len(x), 2), torch.arange(1, len(x), 2)),
        domains.as_it_is,
        lambda x: x + 0.5,
    )
    model.kinds = kinds
    rng = generator(3)
    optimizers = {}
    for step in range(300):
        level = 0.1 + 0.3 * torch.rand(32, 1, 1, 1, generator=rng)
        for objective in model.objectives(level.expand(-1, 1, 8, 8), None, rng):
            if objective.player not in optimizers:
                optimizers[objective.player] = torch.optim.Adam(
                    objective.params, 2e-3, betas=(0.5, 0.99)
                )
            optimizer = optimizers[objective.player]
            for group in optimizer.param_groups:
                group["lr"] = 2e-3 * (1 - step / 300)
            optimizer.zero_grad()
            objective.loss.backward(inputs=list(objective.params))
            optimizer.step()
    level = torch.linspace(0.15, 0.35, 5).view(5, 1, 1, 1)
    dark = level.expand(-1, 1, 8, 8)
    there = model.eval().translate(dark, "dark to light")
    back = model.translate(dark + 0.5, "light to dark")
    assert (there.mean((1, 2, 3)) - (level.flatten() + 0.5)).abs().max() < 0.1
    assert (back.mean((1, 2, 3)) - level.flatten()).abs().max() < 0.1
    again = model.translate(there, "light to dark")
    assert (again - dark).abs().mean() < 0.05
    assert (there.mean((1, 2, 3)).diff() > 0).all(), "and it keeps the order"


# -- what it can do --------------------------------------------------------------------------------


def test_translations_are_the_same_each_time_and_after_a_load(tmp_path, x):
    model = weights.load(write_translator(tmp_path, "model", "strokes"))
    again = weights.load(tmp_path / "model")
    for direction in ("thin to bold", "bold to thin"):
        there = model.translate(x, direction)
        assert torch.equal(there, model.translate(x, direction))
        assert torch.equal(there, again.translate(x, direction))
        alone = model.translate(x[:1], direction)
        torch.testing.assert_close(alone, there[:1], atol=1e-6, rtol=1e-5)
        assert not torch.equal(there, x)
    assert torch.equal(model.domain_verdict(x, "bold"), again.domain_verdict(x, "bold"))


def test_what_cannot_be_is_said(x):
    model = build()
    refused(model.translate, x, "picture to picture")
    refused(model.translate, x[:, :, 1:], "picture to outline")
    refused(model.in_domain, x, "thin")
    refused(model.domain_verdict, x, "thin")
    refused(build, image=[1, 6, 6])
