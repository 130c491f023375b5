"""The classifier that judges: its two networks, and how training images are changed."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.ndimage import affine_transform
from torch import nn

from models.checkpoints import weights
from models.contract.random import generator, uniform
from models.families.nets import ResBlock


def judge(**settings):
    torch.manual_seed(0)
    return weights.build("classifier", {"image": [1, 8, 8], "width": 16, **settings}).eval()


@pytest.mark.parametrize("image", [(1, 8, 8), (3, 28, 28), (1, 10, 13)])
def test_a_plain_judge_has_nothing_of_the_other_and_the_same_words(image):
    plain, other = (judge(image=list(image), layers=layers) for layers in ("plain", "residual"))
    kinds = {type(module) for module in plain.modules()}
    assert not kinds & {ResBlock, nn.GroupNorm, nn.SiLU} and nn.MaxPool2d in kinds
    assert {5} == {m.kernel_size[0] for m in plain.modules() if isinstance(m, nn.Conv2d)} - {
        image[1] // 4
    }
    x = torch.rand(3, *image, generator=generator(0))
    for each in (plain, other):
        assert each.features(x).shape == (3, 16) and each.classify(x).shape == (3, 10)
    (objective,) = plain.train().objectives(x, torch.arange(3), generator(1))
    objective.loss.backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in plain.parameters())


def test_a_plain_judge_knows_where_things_are():
    """Of two bright spots at any places the mean over a picture tells little apart."""
    x = torch.zeros(2, 1, 8, 8)
    x[0, 0, 1:3, 1:3] = x[1, 0, 5:7, 5:7] = 1
    features = judge(layers="plain").features(x)
    assert (features[0] - features[1]).abs().max() > 0.01


def test_training_images_are_turned_about_their_middle():
    """Against scipy's bilinear turn of each image by its own angle."""
    model = judge(image=[1, 9, 9], shift=0, turn=25.0)
    x = torch.zeros(5, 1, 9, 9)
    x[:, :, 2:7, 2:7] = torch.rand(5, 1, 5, 5, generator=generator(0))
    turned = model.augmented(x, generator(3))
    angles = (2 * uniform((5,), generator(3), "cpu") - 1) * math.radians(25.0)
    assert angles.abs().max() > 0.1
    for before, after, angle in zip(x[:, 0], turned[:, 0], angles.tolist(), strict=True):
        # Rows run downwards: where (row, column) of the turned image comes from.
        back = [
            [math.cos(angle), math.sin(angle)],
            [-math.sin(angle), math.cos(angle)],
        ]
        offset = [4 - 4 * (row[0] + row[1]) for row in back]
        expected = affine_transform(before.numpy(), back, offset, order=1)
        assert abs(after.numpy() - expected).max() < 1e-5
    assert torch.equal(judge(shift=0).augmented(x[..., :8, :8], generator(3)), x[..., :8, :8])


def test_an_oblong_picture_is_turned_without_being_stretched():
    model = judge(image=[1, 8, 16], shift=0, turn=180.0)
    x = torch.zeros(40, 1, 8, 16)
    x[:, :, 3:5, 7:9] = 1  # a square in the middle stays one, at any angle
    turned = model.augmented(x, generator(1))
    at = torch.stack(torch.meshgrid(torch.arange(8) - 3.5, torch.arange(16) - 7.5, indexing="ij"))
    spread = (turned[:, 0, None] * at.square()).sum((2, 3)) / turned[:, 0].sum((1, 2))[:, None]
    assert (spread[:, 0] / spread[:, 1] - 1).abs().max() < 0.35
    assert torch.allclose(turned.sum((1, 2, 3)), x.sum((1, 2, 3)), rtol=0.1)
