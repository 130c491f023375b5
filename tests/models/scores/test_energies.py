"""Slopes of energies against closed forms, and the way down them."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.checkpoints import weights
from models.contract.random import generator
from models.scores.energies import downhill, energy_slope


class Bowl(nn.Module):
    """E(x) = |x - rest|^2 / 2."""

    def __init__(self, rest: float) -> None:
        super().__init__()
        self.rest = rest

    def energy(self, x):
        return (x - self.rest).square().sum((1, 2, 3)) / 2


def test_the_slope_of_a_boltzmann_machine_is_its_closed_form():
    """dF/dv = -b - W sigma(c + v W)."""
    torch.manual_seed(0)
    model = weights.build("rbm", {"image": [1, 2, 3], "hidden": 4})
    for parameter in model.parameters():
        nn.init.normal_(parameter)
    x = torch.rand(3, 1, 2, 3, generator=generator(0))
    energy, slope = energy_slope(model, x)
    v = x.flatten(1)
    expected = -model.b - torch.sigmoid(model.c + v @ model.W) @ model.W.T
    torch.testing.assert_close(slope.flatten(1), expected.detach())
    torch.testing.assert_close(energy, model.energy(x).detach())
    assert not energy.requires_grad and not x.requires_grad


def test_a_step_downhill_is_against_the_slope_and_as_long_as_it_is_told():
    x = torch.tensor([0.9, 0.6, 0.5, 0.2]).view(1, 1, 2, 2)
    down, energy = downhill(Bowl(0.5), x, most=0.1)
    # The steepest pixel moves by 0.1, the others in proportion to their slopes.
    torch.testing.assert_close(down.flatten(), torch.tensor([0.8, 0.575, 0.5, 0.275]))
    torch.testing.assert_close(energy, Bowl(0.5).energy(down))


def test_a_step_that_would_lead_up_is_halved_and_the_bottom_is_kept():
    x = torch.full((2, 1, 1, 1), 0.5)
    x[0] = 0.52
    down, energy = downhill(Bowl(0.5), x, most=0.1)
    # 0.1 and 0.05 overshoot to a higher place; 0.025 is the first that leads down.
    assert down.flatten().tolist() == pytest.approx([0.495, 0.5])
    assert float(energy[0]) < float(Bowl(0.5).energy(x)[0]) and float(energy[1]) == 0


def test_no_step_leads_out_of_black_and_white():
    x = torch.tensor([0.0, 0.97, 0.5]).view(1, 1, 1, 3)
    down, _ = downhill(Bowl(2.0), x, most=0.2)
    assert down.max() == 1 and down.min() >= 0
    edge = torch.zeros(1, 1, 1, 3)
    stays, energy = downhill(Bowl(-1.0), edge)
    assert torch.equal(stays, edge) and float(energy) == pytest.approx(1.5)
