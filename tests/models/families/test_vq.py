"""The codebook's gradient and use, the prior's chain rule, and the bound of the two stages."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from models.checkpoints import weights
from models.contract.random import generator
from models.families.vq.vqvae import Codebook
from tests.contract import refused


def small(**settings):
    torch.manual_seed(0)
    values = {"image": [1, 8, 8], "entries": 5, "depth": 3, "width": 16, "hidden": 32, **settings}
    model = weights.build("vqvae", values).eval()
    rng = generator(3)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.randn(p.shape, generator=rng)
    return model


def test_the_gradient_goes_straight_through_the_choice():
    """d loss / d z is d loss / d e at the chosen entries, and no entry gets one."""
    book = Codebook(7, 4, 0.99)
    z = torch.randn(3, 5, 4, generator=generator(0), requires_grad=True)
    target = torch.randn(3, 5, 4, generator=generator(1))
    chosen, indices = book(z)
    torch.testing.assert_close(chosen, book.vectors[indices])
    (chosen - target).square().sum().backward()
    torch.testing.assert_close(z.grad, 2 * (book.vectors[indices] - target))
    assert not book.vectors.requires_grad


def test_the_decoders_gradient_reaches_the_encoder():
    model = small().train()
    x = torch.rand(4, 1, 8, 8, generator=generator(0))
    z = model.vectors(x).detach().requires_grad_()
    chosen, _ = model.codebook(z)
    loss = -model.log_p_pixels((x * 255).round() / 255, model.numbers(chosen)).sum()
    through = torch.autograd.grad(loss, z)[0]
    at = chosen.detach().requires_grad_()
    loss = -model.log_p_pixels((x * 255).round() / 255, model.numbers(at)).sum()
    torch.testing.assert_close(through, torch.autograd.grad(loss, at)[0])


def test_the_nearest_entry_is_chosen():
    book = Codebook(9, 3, 0.99)
    z = torch.randn(50, 3, generator=generator(0))
    assert torch.equal(book.nearest(z), torch.cdist(z, book.vectors).argmin(1))


def test_the_codebook_comes_to_the_means_of_what_chooses_it_and_no_entry_lies_idle():
    """Eight clusters, sixteen entries that start far from all of them."""
    rng = generator(0)
    book = Codebook(16, 2, 0.9)
    book.vectors.add_(100)
    angle = torch.arange(8) * (2 * math.pi / 8)
    centres = 5 * torch.stack([angle.cos(), angle.sin()], 1)
    for _ in range(200):
        which = torch.randint(8, (400,), generator=rng)
        z = centres[which] + 0.1 * torch.randn(400, 2, generator=rng)
        book.follow(z, book.nearest(z), rng, 1.0)
    far = torch.cdist(book.vectors, centres).min(1).values
    assert far.max() < 0.5
    used = book.nearest(centres[which] + 0.1 * torch.randn(400, 2, generator=rng)).unique()
    assert len(used) >= 0.8 * 16
    assert torch.cdist(centres, book.vectors).min(1).values.max() < 0.3
    before = {k: v.clone() for k, v in book.state_dict().items()}
    book.follow(z, book.nearest(z), rng, 0.0)  # settled
    for key, value in book.state_dict().items():
        torch.testing.assert_close(value, before[key])


def test_half_precision_changes_no_choice_and_moves_no_entry():
    """Under autocast products are rounded: which entry is nearest, and where it goes, are not."""
    rng = generator(0)
    z = torch.randn(300, 8, generator=rng)
    found = []
    for enabled in (False, True):
        torch.manual_seed(0)
        book = Codebook(64, 8, 0.9)
        with torch.autocast("cpu", torch.bfloat16, enabled=enabled):
            indices = book.nearest(z)
            book.follow(z, indices, generator(1), 1.0)
        found.append((indices, book.vectors))
    assert torch.equal(found[0][0], found[1][0]) and torch.equal(found[0][1], found[1][1])


def test_the_prior_is_a_distribution_over_grids():
    model = small(entries=2, image=[1, 8, 8], halvings=2)
    grids = torch.tensor(list(itertools.product((0, 1), repeat=4))).view(-1, 2, 2)
    log_p = model.index_log_likelihood(grids)
    assert float(log_p.exp().sum()) == pytest.approx(1, abs=1e-5)
    chained = model.predict_indices(grids).gather(-1, grids[..., None])[..., 0].sum((1, 2))
    torch.testing.assert_close(chained, log_p)


def test_what_is_written_with_kept_keys_is_what_the_whole_network_would_write():
    model = small()
    u = torch.rand(6, 4, generator=generator(2))
    written = list(model.prior.write(u, 1.0))[-1]
    p = model.prior(written).softmax(-1)
    expected = (p.double().cumsum(-1) < u[..., None].double()).sum(-1)
    assert torch.equal(written, expected)


def test_the_bound_is_the_code_and_the_picture_given_it():
    model = small()
    x = (torch.rand(3, 1, 8, 8, generator=generator(0)) * 255).round() / 255
    found = model.log_likelihood(x, generator(0))
    k = model.encode_indices(x)
    code = model.index_log_likelihood(k)
    picture = model.log_p_pixels(x, model.numbers(model.codebook.vectors[k])).sum((1, 2, 3))
    torch.testing.assert_close(found.nats, code + picture)
    assert found.kind == "lower bound" and found.space == "uint8"
    torch.testing.assert_close(found.details["code_map"].sum((1, 2)), -code)


def test_the_bound_lies_below_the_sum_over_all_grids():
    """log p(x) by every grid there is: 2^4 of them."""
    model = small(entries=2)
    x = (torch.rand(5, 1, 8, 8, generator=generator(0)) * 255).round() / 255
    grids = torch.tensor(list(itertools.product((0, 1), repeat=4))).view(-1, 2, 2)
    terms = []
    for k, code in zip(grids, model.index_log_likelihood(grids), strict=True):
        numbers = model.numbers(model.codebook.vectors[k[None].expand(5, -1, -1)])
        terms.append(code + model.log_p_pixels(x, numbers).sum((1, 2, 3)))
    exact = torch.stack(terms).logsumexp(0)
    assert (model.log_likelihood(x, generator(0)).nats <= exact + 1e-3).all()


def test_completion_keeps_the_codes_of_the_cells_that_are_known():
    model = small()
    x = torch.rand(3, 1, 8, 8, generator=generator(0))
    known = torch.zeros(1, 1, 8, 8, dtype=torch.bool)
    known[:, :, :5] = True  # the upper row of cells whole, of the lower one a stripe
    last = list(model.complete_steps(x, known, generator(0)))[-1]
    kept = model.encode_indices(torch.where(known, x, torch.zeros_like(x)))
    assert torch.equal(last.info["indices"][:, 0], kept[:, 0])
    assert torch.equal(last.x[:, :, :5], x[:, :, :5])
    others = list(model.complete_steps(x, known, generator(1)))[-1]
    assert not torch.equal(last.info["indices"][:, 1], others.info["indices"][:, 1])


def test_the_first_stage_settles_and_the_prior_goes_on():
    model = small(settle_steps=4).train()
    x = torch.rand(4, 1, 8, 8, generator=generator(0))
    rates = []
    for step in range(6):
        kept = model.codebook.vectors.clone()
        rates.append({o.player: o.rate for o in model.objectives(x, None, generator(step))})
        if step >= 4:
            assert torch.equal(kept, model.codebook.vectors)
    assert [r.get("codes") for r in rates] == [1.0, 0.75, 0.5, 0.25, None, None]
    assert all(r["prior"] == 1.0 for r in rates)


def test_bad_questions_get_a_sentence():
    model = small()
    k = model.encode_indices(torch.rand(2, 1, 8, 8, generator=generator(0)))
    refused(model.decode_indices, k.float())
    refused(model.decode_indices, k[:, :1])
    refused(model.decode_indices, k + model.codebook_size)
    refused(model.decode_indices, k - model.codebook_size)
    refused(lambda: list(model.sample_steps(1, generator(0), temperature=0.0)))
    refused(weights.build, "vqvae", {"image": [1, 6, 6]})
