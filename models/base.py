"""The contract every family of models keeps.

Images are ``(B, C, H, W)`` float32 in [0, 1] everywhere outside a model. Latents are ``(B, D)``.
Likelihoods are nats per image unless a name ends in ``_bpd``. Randomness is always a passed
``torch.Generator``: the same seed gives the same picture.

A family is a class with a ``Config``, ``objectives`` and, where it generates, ``sample_steps``.
What else it can do is said by the methods it has: having the method is having the capability.
"""

from __future__ import annotations

import dataclasses
import math
import typing
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

# ---------------------------------------------------------------------------------------------
# Configs


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: Sequence[str] | None = None,
    live: bool = False,
) -> Any:
    """A dataclass field that knows its own help text and limits: the page builds controls of it.

    live: whether it may change during a run, as no weight's shape depends on it.
    """
    metadata = {
        "help": help, "low": low, "high": high, "choices": tuple(choices or ()), "live": live,
    }  # fmt: skip
    return field(default=default, metadata=metadata)


def build_config(cls: type, values: dict[str, Any]) -> Any:
    """A config of class ``cls`` from plain values (TOML, JSON, a form).

    Raises ValueError with one sentence where a key is unknown, a value has another type than its
    field's, or lies outside the limits that the field states.
    """
    fields = {f.name: f for f in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    checked = {}
    for key, value in values.items():
        if key not in fields:
            raise ValueError(f"Unknown setting '{key}'. Known settings: {', '.join(fields)}.")
        checked[key] = _checked(key, value, hints[key], fields[key].metadata)
    return cls(**checked)


def _checked(key: str, value: Any, hint: Any, limits: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if not isinstance(value, (list, tuple)) or not all(type(v) is inner for v in value):
            raise ValueError(f"'{key}' must be a list of {inner.__name__}, not {value!r}.")
        return tuple(value)
    if type(value) is not hint:
        raise ValueError(f"'{key}' must be {_a(hint.__name__)}, not {value!r}.")
    if limits.get("choices") and value not in limits["choices"]:
        raise ValueError(f"'{key}' must be one of {', '.join(limits['choices'])}, not {value!r}.")
    low, high = limits.get("low"), limits.get("high")
    # Written so that nan, which compares false with everything, is refused too.
    if low is not None and not value >= low:
        raise ValueError(f"'{key}' must be at least {low:g}, not {value!r}.")
    if high is not None and not value <= high:
        raise ValueError(f"'{key}' must be at most {high:g}, not {value!r}.")
    return value


def _a(type_name: str) -> str:
    words = {"int": "a whole number", "float": "a number", "bool": "true or false", "str": "a text"}
    return words.get(type_name, type_name)


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


class Model(nn.Module):
    """Anything the loop can train: a config, and a stream of objectives a batch."""

    Config: ClassVar[type]

    @classmethod
    def variant(cls, config: Any) -> type[Model]:
        """The class that a config asks for: one with further methods where the settings decide what
        a model can do. Raises ValueError for settings that cannot go together."""
        return cls

    def __init__(self, config: Any) -> None:
        super().__init__()
        self.config = config

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of the images this model was built for."""
        return tuple(self.config.image)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    def objectives(self, x: Tensor, y: Tensor | None, rng: Generator) -> Iterator[Objective]:
        """Yields the losses of one batch. x: (B, C, H, W) in [0, 1]; y: (B,) labels or None."""
        raise NotImplementedError

    def tune(self, values: dict[str, Any]) -> None:
        """Changes settings between two steps. Raises ValueError, one sentence, where one of them
        is not of those that may change during a run (``live``), or has no such value."""
        known = {f.name: f.metadata.get("live") for f in dataclasses.fields(self.config)}
        for key in values:
            if not known.get(key):
                raise ValueError(f"'{key}' cannot be changed during a run.")
        checked = vars(build_config(type(self.config), values))
        self.config = dataclasses.replace(self.config, **{key: checked[key] for key in values})

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
    def class_count(self) -> int:
        """How many classes one can ask for; 0 where the model takes none."""
        return max(0, getattr(self.config, "num_classes", 0))

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
        self, label: int | Tensor | None, n: int, rng: Generator
    ) -> int | Tensor | None:
        """label itself; where it is None and there are classes, (n,) of them, each as likely."""
        if label is None and self.class_count:
            return (uniform((n,), rng, self.device) * self.class_count).long()
        return label

    def sample_steps(
        self, n: int, rng: Generator, label: int | Tensor | None = None, **knobs: Any
    ) -> Iterator[Frame]:
        """Yields the generation of n images, step by step; the last frame is the result."""
        raise NotImplementedError

    def embed(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        """Codes (N, D) where their distances mean something, (N, E): maps are laid out there.

        The codes themselves, unless a family knows better. label: (N,) the classes that the codes
        were encoded with, where they were.
        """
        return z

    @torch.no_grad()
    def sample(
        self, n: int, rng: Generator, label: int | Tensor | None = None, **knobs: Any
    ) -> Tensor:
        """n images, (n, C, H, W) in [0, 1]: the last frame of ``sample_steps``."""
        return deque(self.sample_steps(n, rng, label, **knobs), maxlen=1)[0].x


@runtime_checkable
class Samples(Protocol):
    def sample_steps(self, n, rng, label=None, **knobs) -> Iterator[Frame]: ...


@runtime_checkable
class Encodes(Protocol):
    def encode(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Decodes(Protocol):
    def decode(self, z: Tensor) -> Tensor: ...


@runtime_checkable
class HasLikelihood(Protocol):
    def log_likelihood(self, x: Tensor, rng: Generator, **effort) -> Likelihood: ...


@runtime_checkable
class HasEnergy(Protocol):
    def energy(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Denoises(Protocol):
    def denoise(self, x_t: Tensor, t: Tensor) -> Tensor: ...


@runtime_checkable
class Completes(Protocol):
    def complete_steps(self, x: Tensor, known: Tensor, rng: Generator) -> Iterator[Frame]: ...


@runtime_checkable
class Flows(Protocol):
    """Bends pictures into noise by invertible layers, and noise into pictures by their inverses."""

    def flow_steps(self, x: Tensor, label=None) -> Iterator[Stage]: ...
    def inverse_steps(self, z: Tensor, label=None) -> Iterator[Tensor]: ...


@runtime_checkable
class WritesPixels(Protocol):
    """Writes a picture value by value. ``orders``: the names of the orders it can write in;
    ``order(k)`` the (D,) places of a flattened picture in order k; ``levels``: how many a value
    can take. ``predict``: log p of every level, (B, C, H, W, levels); ``receptive_field``:
    (C, H, W), how much each value sways the one at a place. Where it is masks that keep the
    order, ``masks(order)`` may give a list of ``Mask`` to look at."""

    @property
    def orders(self) -> tuple[str, ...]: ...
    @property
    def levels(self) -> int: ...
    def order(self, k: int) -> Tensor: ...
    def observed(self, x: Tensor, rng: Generator) -> Tensor: ...
    def write_steps(
        self, u, label=None, temperature=1.0, order=0, x=None, known=None, every=1
    ) -> Iterator[Frame]: ...
    def predict(self, x: Tensor, label=None, order=0) -> Tensor: ...
    def receptive_field(self, x: Tensor, place: int, label=None, order=0) -> Tensor: ...


@runtime_checkable
class Discriminates(Protocol):
    """Says how real pictures look to it, (B,), higher for more real. ``verdict_is_logit``: whether
    that is log odds, so that its sigma is a probability."""

    @property
    def verdict_is_logit(self) -> bool: ...
    def verdict(self, x: Tensor, label=None) -> Tensor: ...


@runtime_checkable
class HasCodes(Protocol):
    @property
    def codes(self) -> tuple[Code, ...]: ...


@runtime_checkable
class Classifies(Protocol):
    def features(self, x: Tensor) -> Tensor: ...
    def classify(self, x: Tensor) -> Tensor: ...


CAPABILITIES = {
    protocol.__name__: protocol
    for protocol in (
        Samples,
        Encodes,
        Decodes,
        HasLikelihood,
        HasEnergy,
        Denoises,
        Completes,
        Flows,
        WritesPixels,
        Discriminates,
        HasCodes,
        Classifies,
    )
}


def capabilities(model: Model) -> tuple[str, ...]:
    """The names of what a model can do; "Conditional" where it honours a class label."""
    names = [name for name, protocol in CAPABILITIES.items() if isinstance(model, protocol)]
    if isinstance(model, GenerativeModel) and getattr(model.config, "num_classes", 0) > 0:
        names.append("Conditional")
    return tuple(names)


def generator(*seed: int, device: torch.device | str = "cpu") -> Generator:
    """A generator for a seed, or for a tuple of whole numbers such as (seed, step).

    The numbers are mixed by splitmix64, so that neighbouring seeds and steps give unrelated
    streams; this is what lets training resume bit for bit without storing any generator's state.
    """
    state = 0
    for part in seed:
        state = (state + (part & (2**64 - 1)) + 0x9E3779B97F4A7C15) % 2**64
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % 2**64
        state ^= state >> 31
    return torch.Generator(device=device).manual_seed(state % 2**63)


def normal(shape: Sequence[int], rng: Generator, device: torch.device | str) -> Tensor:
    """Standard normal noise drawn where the generator lives, then moved: a seed means the same
    picture on every device."""
    return torch.randn(tuple(shape), generator=rng, device=rng.device).to(device)


def uniform(shape: Sequence[int], rng: Generator, device: torch.device | str) -> Tensor:
    """Uniform noise in [0, 1), drawn where the generator lives, then moved."""
    return torch.rand(tuple(shape), generator=rng, device=rng.device).to(device)


def binarised(x: Tensor, rng: Generator) -> Tensor:
    """Pixels drawn 0 or 1 with their grey level as the probability, anew each time: dynamic
    binarisation (Salakhutdinov and Murray 2008)."""
    return (uniform(x.shape, rng, x.device) < x).to(x.dtype)


def mutated(x: Tensor, part: float, rng: Generator) -> Tensor:
    """Values replaced, each with probability ``part``, by one of 256 levels, all as likely: what
    is left is the background of a picture more than what it shows (Ren et al. 2019)."""
    chosen = uniform(x.shape, rng, x.device) < part
    level = (uniform(x.shape, rng, x.device) * 256).floor() / 255
    return torch.where(chosen, level.to(x.dtype), x)


def log_normal(x: Tensor, mean: Tensor | float = 0.0, std: Tensor | float = 1.0) -> Tensor:
    """log N(x; mean, std^2) of each number, in nats."""
    std = torch.as_tensor(std, dtype=x.dtype, device=x.device)
    return -0.5 * ((x - mean) / std).square() - std.log() - 0.5 * math.log(2 * math.pi)
