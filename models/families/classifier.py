r"""A small image classifier: the judge that generated pictures are measured by.

It is not generative. It is trained like every other model here,

$$\mathcal{L} = -\log p_\theta(y \mid x),$$

and serves two ends. Its class probabilities tell whether a picture asked for as a "7" is one
(label accuracy). Its last hidden layer is a space in which distances mean something, so that the
Fréchet distance, precision and recall between real and generated pictures are computed there,
as Heusel et al. (2017) do with an Inception network trained on photographs. A network trained on
the very data set sees what matters in it, and is a thousand times smaller.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from models.contract.config import setting
from models.contract.model import Model, Objective, differentiable
from models.contract.random import uniform
from models.families.nets import ResBlock, group_norm


@dataclass(frozen=True)
class ClassifierConfig:
    image: tuple[int, ...] = setting((1, 28, 28), "Channels, height and width of an image.")
    num_classes: int = setting(10, "Number of classes.", low=2, high=1000)
    width: int = setting(96, "Channels at a quarter of the side.", low=8, high=1024)
    blocks: int = setting(2, "Residual blocks at a quarter of the side.", low=0, high=16)
    dropout: float = setting(0.0, "Part of the features dropped in training.", low=0.0, high=0.9)
    layers: str = setting(
        "residual",
        "residual: blocks with shortcuts, averaged over the picture; plain: two convolutions of "
        "5 x 5 with pooling, then one of the whole map (LeCun et al. 1998).",
        choices=("residual", "plain"),
    )
    shift: int = setting(2, "Training images move by up to this many pixels.", low=0, high=16)
    turn: float = setting(
        0.0, "Training images are turned by up to this many degrees.", low=0.0, high=180.0
    )
    mirror: bool = setting(False, "Training images are mirrored half of the time.")
    erase: int = setting(
        0,
        "Side of a square cut out of each training image (DeVries and Taylor 2017).",
        low=0,
        high=64,
    )


def _residual(config: ClassifierConfig) -> nn.Sequential:
    """(B, C, H, W) -> (B, width, H / 4, W / 4), smooth units and group norms."""
    width = config.width
    return nn.Sequential(
        nn.Conv2d(config.image[0], width // 4, 3, padding=1),
        nn.SiLU(),
        nn.Conv2d(width // 4, width // 2, 3, stride=2, padding=1),
        ResBlock(width // 2),
        group_norm(width // 2),
        nn.SiLU(),
        nn.Conv2d(width // 2, width, 3, stride=2, padding=1),
        *[ResBlock(width) for _ in range(config.blocks)],
        group_norm(width),
        nn.SiLU(),
    )


def _plain(config: ClassifierConfig) -> nn.Sequential:
    """(B, C, H, W) -> (B, width, 1, 1): no shortcut, no norm, no average; no ``blocks``."""
    (C, H, W), width = config.image, config.width
    return nn.Sequential(
        nn.Conv2d(C, width // 4, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width // 4, width // 2, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(width // 2, width, (H // 4, W // 4)),
        nn.ReLU(),
    )


class Classifier(Model):
    """Residual network with average pooling, whose ``features`` are what the pooling gives; or a
    plain one, whose features are its last hidden layer and know where in the picture they are."""

    Config = ClassifierConfig

    def __init__(self, config: ClassifierConfig) -> None:
        super().__init__(config)
        self.body = (_plain if config.layers == "plain" else _residual)(config)
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(config.width, config.num_classes)

    @differentiable
    def features(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, width): the last hidden layer; of a residual network, averaged over
        the picture.

        A network that was trained on mirrored images reads the picture and its mirror image when it
        judges, and takes their mean: it does not see which way a shoe points.
        """
        features = self.body(self.checked(x)).mean((2, 3)).float()
        if self.config.mirror and not self.training:
            features = (features + self.body(x.flip(3)).mean((2, 3)).float()) / 2
        return features

    @differentiable
    def classify(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, num_classes) logits."""
        return self.head(self.dropout(self.features(x))).float()

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        if y is None:
            raise ValueError("A classifier needs labelled images; this data set has no labels.")
        logits = self.classify(self.augmented(x, rng))
        loss = F.cross_entropy(logits, y)
        accuracy = (logits.argmax(1) == y).float().mean()
        yield Objective(list(self.parameters()), loss, {"accuracy": accuracy})

    def augmented(self, x: Tensor, rng: Generator) -> Tensor:
        """Shifted, perhaps turned, mirrored, with a square cut out: each image its own way."""
        B, _, H, W = x.shape
        c = self.config
        if c.shift:
            # One affine grid an image; whole-pixel shifts, so nothing is blurred.
            shift = (uniform((B, 2), rng, x.device) * (2 * c.shift + 1)).floor() - c.shift
            theta = torch.zeros(B, 2, 3, device=x.device)
            theta[:, 0, 0] = theta[:, 1, 1] = 1
            theta[:, :, 2] = 2 * shift / torch.tensor([W, H], device=x.device)
            grid = F.affine_grid(theta, list(x.shape), align_corners=False)
            x = F.grid_sample(x, grid, mode="nearest", align_corners=False)
        if c.turn:
            angle = (2 * uniform((B,), rng, x.device) - 1) * math.radians(c.turn)
            theta = torch.zeros(B, 2, 3, device=x.device)
            theta[:, 0, 0] = theta[:, 1, 1] = angle.cos()
            # The grid's coordinates go from -1 to 1 on both sides, however long they are.
            theta[:, 0, 1] = -angle.sin() * H / W
            theta[:, 1, 0] = angle.sin() * W / H
            grid = F.affine_grid(theta, list(x.shape), align_corners=False)
            x = F.grid_sample(x, grid, align_corners=False)
        if c.mirror:
            flip = uniform((B, 1, 1, 1), rng, x.device) < 0.5
            x = torch.where(flip, x.flip(3), x)
        if c.erase:
            centre = uniform((B, 2, 1), rng, x.device) * torch.tensor([[H], [W]], device=x.device)
            side = torch.arange(max(H, W), device=x.device)
            rows = (side[:H] - centre[:, 0]).abs() < c.erase / 2
            columns = (side[:W] - centre[:, 1]).abs() < c.erase / 2
            x = x * ~(rows[:, None, :, None] & columns[:, None, None, :])
        return x
