"""Which weights, settings and capabilities of a model go into a page, by its family.

A family that can be exported has an entry in ``PORTABLE``: a function of the loaded model. It gives
what the pass ``FORWARD.NAME`` of ``forward/`` reads, and nothing else: no encoder, no
discriminator.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from models.contract.knobs import named

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Model

STEPS = (5, 10, 20, 40)  # of a walk from noise to picture that a page offers
LONGEST_CODE = 256  # numbers that one may look at; a longer code is as good as a picture


@dataclass(frozen=True)
class Portable:
    """What goes into a page of a model.

    forward: the pass's name. config: its settings, plain values. tensors: weights by their names in
    the model, and tables that the pass would have to compute otherwise. whole: names of tensors
    that keep every digit, as they are no weights. can: capabilities that the pass has. knobs: those
    of ``sample_steps`` that it takes.
    """

    forward: str
    config: dict[str, Any]
    tensors: dict[str, Tensor]
    can: tuple[str, ...] = ("Samples",)
    knobs: tuple[str, ...] = ()
    whole: tuple[str, ...] = field(default=())


def portable(model: Model, family: str) -> Portable:
    """What goes into a page of the model. Raises ValueError, one sentence, where it has no pass."""
    if family not in PORTABLE:
        raise ValueError(
            f"A model of the family '{family}' cannot be exported yet; these can: "
            f"{', '.join(PORTABLE)}."
        )
    return PORTABLE[family](model)


def knobs_of(model: Model, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The knobs of these names that the model samples with, as plain values for the page."""
    known = named(model.knobs("sample_steps"))
    return [asdict(known[name]) for name in names if name in known]


def under(model: Model, *parts: str) -> dict[str, Tensor]:
    """The weights of these parts of a model, by their names."""
    return {
        name: value for name, value in model.state_dict().items() if name.split(".")[0] in parts
    }


def _rbm(model: Model) -> Portable:
    return Portable(
        "rbm",
        {},
        under(model, "W", "b", "c", "chains"),
        knobs=("temperature", "steps"),
        whole=("chains",),
    )


def _autoregressive(model: Model) -> Portable:
    c = model.config
    if c.pixels not in ("bernoulli", "categorical", "logistic"):
        raise ValueError(
            f"A model whose values are '{c.pixels}' cannot be exported yet; bernoulli, categorical "
            "and logistic can."
        )
    config = {
        "network": c.network,
        "pixels": c.pixels,
        "levels": model.levels,
        "ends": c.ends,
        "patch": c.patch,
        "heads": max(1, c.width // c.head_width),
        "head": c.head,
        "orders": list(model.orders),
    }
    tensors = under(model, "net") | {"net.orders": model.net.orders}
    return Portable(
        "autoregressive",
        config,
        tensors,
        ("Samples", "WritesPixels"),
        ("temperature", "order", "guidance"),
        ("net.orders",),
    )


def _decoder(model: Model, forward: str, config: dict, tensors: dict, *knobs: str) -> Portable:
    """A model that makes a picture of a code at once."""
    can = ("Samples", "Decodes") if model.latent <= LONGEST_CODE else ("Samples",)
    tables = tuple(name for name in tensors if name.split(".")[-1] in ("scale", "order"))
    return Portable(forward, {"latent": model.latent, **config}, tensors, can, knobs, tables)


def _vae(model: Model) -> Portable:
    c = model.config
    config = {"width": c.width, "halvings": c.halvings, "likelihood": c.likelihood}
    return _decoder(model, "vae", config, under(model, "decoder", "prior"), "temperature")


def _gan(model: Model) -> Portable:
    c = model.config
    if c.attention or c.generator_spectral:
        raise ValueError(
            "A GAN with self-attention or a normalised generator cannot be exported yet; leave "
            "attention and generator_spectral out."
        )
    config = {
        "width": c.width,
        "halvings": c.halvings,
        "noise": c.noise,
        "categories": c.categories,
        "continuous": c.continuous,
    }
    tensors = under(model, "generator") | {"generator.scale": model.generator.scale}
    return _decoder(model, "gan", config, tensors, "truncation")


def _diffusion(model: Model) -> Portable:
    c = model.config
    config = {
        "patch": c.patch,
        "heads": c.heads,
        "prediction": c.prediction,
        "centre": c.centre,
        "sigmaData": c.sigma_data,
        "steps": {n: _levels(model, n) for n in STEPS},
    }
    knobs = ("steps", "sampler", "guidance", "temperature")
    whole = ("net.embed.scales",)
    return Portable("diffusion", config, under(model, "net"), ("Samples", "Denoises"), knobs, whole)


def _levels(model: Model, steps: int) -> dict[str, list[float]]:
    """The noise levels of a walk in so many steps, and what x is scaled by at each."""
    levels = model.levels(steps)
    return {"levels": levels.tolist(), "alphas": model.schedule.alpha(levels).tolist()}


PORTABLE: dict[str, Callable[[Any], Portable]] = {
    "rbm": _rbm,
    "autoregressive": _autoregressive,
    "vae": _vae,
    "gan": _gan,
    "diffusion": _diffusion,
}
