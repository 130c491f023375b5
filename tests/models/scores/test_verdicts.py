"""A discriminator's verdicts as each class, and their slope by the picture."""

from __future__ import annotations

import torch

from models.scores.verdicts import verdict_slope, verdicts
from tests.models.families.test_gan import pictures, small


def test_a_verdict_for_every_class():
    x = pictures()
    model = small(num_classes=3)
    with torch.no_grad():
        found = verdicts(model, x, 3)
        assert found.shape == (6, 3)
        torch.testing.assert_close(found[:, 1], model.verdict(x, 1))
        torch.testing.assert_close(verdicts(small(), x)[:, 0], small().verdict(x))


def test_the_slope_is_that_of_the_highest_and_touches_no_weights():
    x, model = pictures(1).double(), small(num_classes=3).double()
    with torch.no_grad():  # whoever asks need not think of gradients
        found, slope = verdict_slope(model, x, 3)
        best, step = int(found.argmax()), 1e-3
        for y, column in ((0, 0), (3, 5), (7, 2)):
            moved = torch.cat([x, x])
            moved[0, 0, y, column] += step
            moved[1, 0, y, column] -= step
            both = model.verdict(moved, best)
            expected = (both[0] - both[1]) / (2 * step)
            # Verdicts are float32, whatever the model computes in.
            assert abs(slope[0, y, column] - expected) < 1e-3 + 0.02 * slope.abs().max()
    assert slope.abs().sum() > 0 and not x.requires_grad
    assert all(p.grad is None for p in model.parameters())
