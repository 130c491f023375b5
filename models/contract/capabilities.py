"""What a model can do: having the method is having the capability."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from torch import Generator, Tensor

from models.contract.abilities import KINDS
from models.contract.model import Code, Frame, GenerativeModel, Likelihood, Model, Stage


@runtime_checkable
class Samples(Protocol):
    def sample_steps(self, n, rng, label=None, **knobs) -> Iterator[Frame]: ...


@runtime_checkable
class Encodes(Protocol):
    def encode(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class Decodes(Protocol):
    """Makes a picture of a code z (B, D): (B, C, H, W). ``code_prior``: what codes are drawn from,
    a key of ``CODE_PRIORS``."""

    @property
    def code_prior(self) -> str: ...
    def decode(self, z: Tensor) -> Tensor: ...


@runtime_checkable
class Rebuilds(Protocol):
    """Reads pictures, spoilt ones too, and writes each as it takes it to be: rebuild(x, known),
    (B, C, H, W) in [0, 1] of x (B, C, H, W), by way of what it keeps of a picture. known: bool, as
    x, False where x is hidden; a model that knows nothing of hiding sees what stands there."""

    def rebuild(self, x: Tensor, known: Tensor | None = None) -> Tensor: ...


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
class Truncates(Protocol):
    """Can keep its codes near what is typical: ``sample_steps`` takes ``truncation=threshold`` in
    place of a temperature, draws as it would have, then truncates. At infinity a code stays as it
    is."""

    def truncate(self, z: Tensor, threshold: float) -> Tensor: ...


@runtime_checkable
class TellsClasses(Protocol):
    """Says how likely a picture is of every class, (B, K) nats, and so, by Bayes' rule, which class
    a picture is of."""

    def class_nats(self, x: Tensor, rng: Generator) -> Tensor: ...


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
        Rebuilds,
        HasLikelihood,
        HasEnergy,
        Denoises,
        Completes,
        Flows,
        WritesPixels,
        Discriminates,
        HasCodes,
        Truncates,
        TellsClasses,
        Classifies,
    )
} | KINDS


def capabilities(model: Model) -> tuple[str, ...]:
    """The names of what a model can do; "Conditional" where it honours a class label."""
    names = [name for name, protocol in CAPABILITIES.items() if isinstance(model, protocol)]
    if isinstance(model, GenerativeModel) and model.class_count:
        names.append("Conditional")
    return tuple(names)
