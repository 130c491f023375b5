"""The contract every family of models keeps.

Images are ``(B, C, H, W)`` float32 in [0, 1] everywhere outside a model. Latents are ``(B, D)``.
Likelihoods are nats per image unless a name ends in ``_bpd``. Randomness is always a passed
``torch.Generator``: the same seed gives the same picture, whether alone or among many, for each
picture has a stream of its own (``models.contract.streams``).

A family is a class with a ``Config``, ``objectives`` and, where it generates, ``sample_steps``.
What else it can do is said by the methods it has: having the method is having the capability.
A capability keeps no record for gradients (``torch.no_grad``), unless it says by ``differentiable``
that its output has gradients by its input.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

import models
from models.contract.config import tuned
from models.contract.knobs import Knob, named
from models.contract.random import generator, uniform
from models.contract.streams import Streams

# ---------------------------------------------------------------------------------------------
# What models exchange with the loop, the page and the command line


@dataclass(frozen=True)
class Objective:
    """One loss for one player. The training loop steps that player's optimizer at each yield.

    loss: scalar. logs: scalars to show, by name. player: the optimizer's name; a family with two
    players (a GAN) yields objectives under two names a step, perhaps several for one of them.
    rate: this player's learning rate, over the recipe's.
    """

    params: Sequence[nn.Parameter]
    loss: Tensor
    logs: dict[str, Tensor | float] = field(default_factory=dict)
    player: str = "model"
    rate: float = 1.0


@dataclass(frozen=True)
class Frame:
    """One moment of a generation. x: (B, C, H, W) in [0, 1]; x0: the model's guess of the end."""

    step: int
    total: int
    x: Tensor
    x0: Tensor | None = None
    info: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Likelihood:
    """Log-likelihoods of a batch, and what kind of number they are.

    nats: (B,) log p(x), or a bound or an estimate of it, in nats an image.
    kind: "exact", "lower bound" or "estimate".
    space: what was measured, "binary" (each pixel 0 or 1) or "uint8" (each pixel one of 256).
    stderr: (B,) standard error where the number is an estimate.
    per_pixel: (B, C, H, W), sums to ``nats``, where there is such a split.
    details: further (B, ...) tensors by name (a VAE's two terms, an effective sample size).
    how: a few words on how an estimate was made, for cards and captions.
    """

    nats: Tensor
    kind: str
    space: str
    stderr: Tensor | None = None
    per_pixel: Tensor | None = None
    details: dict[str, Tensor] = field(default_factory=dict)
    how: str = ""


@dataclass(frozen=True)
class Mask:
    """Which weights one kind of layer has: that is how it keeps to an order.

    name: what reads what. words: one line on it. allowed: bool, (outputs, inputs), values in the
    order of writing; or, of a ``kernel``, (k, k) offsets with the pixel itself in the middle.
    """

    name: str
    words: str
    allowed: Tensor
    kernel: bool = False


@dataclass(frozen=True)
class Stage:
    """One moment of a picture's way to noise through an invertible model.

    name: the layer just passed. h: (B, C, H, W), every number at the pixel it came from. log_det:
    (B,), log |det dh/dx| so far, in nats. nats: (B,), the log-likelihood of the picture if the
    way ended here and h were standard normal.
    """

    name: str
    h: Tensor
    log_det: Tensor
    nats: Tensor


@dataclass(frozen=True)
class Code:
    """A part of a latent vector that means something by itself: a control for the page.

    kind: "categorical", z[:, start:stop] is a one-hot vector; or "continuous", one number from
    low to high.
    """

    name: str
    kind: str
    start: int
    stop: int
    low: float
    high: float


# ---------------------------------------------------------------------------------------------
# Models and their capabilities


def differentiable(method: Callable) -> Callable:
    """Marks a capability whose output has gradients by its input; no other has any."""
    method.differentiable = True
    return method


class Model(nn.Module):
    """Anything the loop can train: a config, and a stream of objectives a batch."""

    Config: ClassVar[type]
    PAPERS: ClassVar[tuple[str, ...]] = ()  # arXiv numbers of the papers that it is of
    header: Any = None  # what is known of it, a ``Header``, where it was loaded

    @classmethod
    def variant(cls, config: Any) -> type[Model]:
        """The class that a config asks for: one with further methods where the settings decide what
        a model can do. Raises ValueError for settings that cannot go together."""
        return cls

    @classmethod
    def papers(cls, config: Any) -> tuple[str, ...]:
        """arXiv numbers of the papers that a model of these settings is of, for its card."""
        return cls.PAPERS

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @classmethod
    def from_pretrained(cls, id: str | Path, **how: Any) -> Model:
        """A model of this class from a folder, or of the Hub (see ``models.from_pretrained``).
        Raises ValueError where it cannot be had, or is of another class."""
        model = models.from_pretrained(id, **how)
        if not isinstance(model, cls):
            raise ValueError(f"'{id}' is of the class {type(model).__name__}, not {cls.__name__}.")
        return model

    def save_pretrained(self, folder: str | Path) -> Path:
        """Writes a folder as the Hub expects it (see ``models.save_pretrained``)."""
        return models.save_pretrained(self, folder)

    def push_to_hub(self, id: str, **how: Any) -> str:
        """Puts the model on the Hub and returns its address (see ``models.push_to_hub``)."""
        return models.push_to_hub(self, id, **how)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images this model was built for."""
        return tuple(self.config.image)

    @property
    def class_count(self) -> int:
        """How many classes the model knows, ``num_classes`` of a Config that has it; else 0."""
        return max(0, vars(self.config).get("num_classes", 0))

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """Yields the losses of one batch. x: (B, C, H, W) in [0, 1]; y: (B,) labels or None."""
        raise NotImplementedError

    def tune(self, values: dict[str, Any]) -> None:
        """Changes settings between two steps. Raises ValueError, one sentence, where one of them
        is not of those that may change during a run (``live``), or has no such value."""
        self.config = tuned(self.config, values)

    def inner_matrices(self) -> list[nn.Parameter]:
        """The weights (out, in) between hidden layers, which a recipe may leave to Muon."""
        return []

    @property
    def snapshot_parts(self) -> tuple[str, ...]:
        """The names of the modules that a snapshot of a run keeps; none named is everything."""
        return ()

    def snapshot_remarks(self, kept: Model) -> dict[str, list[float]]:
        """Numbers to keep beside a snapshot, which only the parts that it leaves out can tell.

        kept: the model whose parts are kept, the running mean of this one.
        """
        return {}

    def knobs(self, method: str = "sample_steps") -> tuple[Knob, ...]:
        """What one of this model's methods can be asked for by name, with its limits; () of a
        method that it has not. What depends on the settings (classes, orders) is decided here."""
        return ()

    def takes(self, knob: str, method: str = "sample_steps") -> bool:
        """Whether the method has a knob of this name."""
        return knob in named(self.knobs(method))

    def checked(self, x: Tensor) -> Tensor:
        """x itself. Raises ValueError where it is not (B, C, H, W) of this model's image size."""
        if x.dim() != 4 or tuple(x.shape[1:]) != self.image_shape:
            want = "x".join(map(str, self.image_shape))
            got = "x".join(map(str, x.shape[1:]))
            raise ValueError(
                f"This model reads {want} images (channels x height x width), not {got}."
            )
        return x


class GenerativeModel(Model):
    """A model one can sample from."""

    @property
    def latent(self) -> int:
        """How many numbers a code has, where the model has codes."""
        return self.config.latent

    @property
    def code_prior(self) -> str:
        """What a code is drawn from, where the model decodes: one of ``CODE_PRIORS`` of
        ``models.contract.abilities``. A family whose codes are not N(0, I) says so."""
        return "normal"

    def checked_label(self, label: int | Tensor, n: int) -> Tensor:
        """(n,) classes, of one for all or one each. Raises ValueError for one there is not."""
        label = torch.as_tensor(label, device=self.device).expand(n)
        if len(label) and (label.min() < 0 or label.max() >= self.class_count):
            raise ValueError(
                f"Classes go from 0 to {self.class_count - 1}."
                if self.class_count
                else "This model was not trained with classes; leave the class out."
            )
        return label

    def one_hot(self, label: int | Tensor | None, n: int) -> Tensor:
        """(n, classes), zeros for no label; no columns where the model takes no class, whatever
        the label. Raises ValueError for a class there is not."""
        dtype = next(self.parameters()).dtype
        if label is None or not self.class_count:
            return torch.zeros(n, self.class_count, device=self.device, dtype=dtype)
        return F.one_hot(self.checked_label(label, n), self.class_count).to(dtype)

    def label_or_drawn(
        self, label: int | Tensor | None, n: int, rng: Generator | Streams
    ) -> int | Tensor | None:
        """label itself; where it is None and there are classes, (n,) of them, each as likely."""
        if label is None and self.class_count:
            return (uniform((n,), rng, self.device) * self.class_count).long()
        return label

    def sample_steps(
        self, n: int, rng: Generator | Streams, label: int | Tensor | None = None, **knobs: Any
    ) -> Iterator[Frame]:
        """Yields the generation of n images, step by step; the last frame is the result.

        rng: a generator, or the streams of these n images (``Streams.of`` makes them of it).
        """
        raise NotImplementedError

    def snapshot_pictures(self) -> Tensor:
        """(64, C, H, W): what the snapshots of a run are compared by, of the same chances in all;
        the pictures that ``snapshot_remarks`` are about, where they are about pictures."""
        return self.sample(64, generator(0))

    def embed(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Codes (N, D) where their distances mean something, (N, E): maps are laid out there.

        The codes themselves, unless a family knows better. label: (N,) the classes that the codes
        were encoded with, where they were.
        """
        return z

    @torch.no_grad()
    def sample(
        self, n: int, rng: Generator | Streams, label: int | Tensor | None = None, **knobs: Any
    ) -> Tensor:
        """n images, (n, C, H, W) in [0, 1]: the last frame of ``sample_steps``."""
        return deque(self.sample_steps(n, rng, label, **knobs), maxlen=1)[0].x


def checked_mask(known: Tensor, x: Tensor) -> Tensor:
    """What is known of pictures x (B, C, H, W), as x and on its device. Raises ValueError, one
    sentence, for another shape or type, and where the mask hides nothing, or everything."""
    shapes = [(B, C, *x.shape[2:]) for B in (1, len(x)) for C in (1, x.shape[1])]
    if known.dtype != torch.bool or tuple(known.shape) not in shapes:
        raise ValueError("The mask must be true or false for each pixel of the picture.")
    known = known.to(x.device).expand_as(x)
    if known.all():
        raise ValueError("The mask hides nothing: there is nothing to fill in.")
    if not known.any():
        raise ValueError("The mask hides the whole picture: sample one instead.")
    return known
