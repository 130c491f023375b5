r"""How strange a picture is to a model: anomaly scores, each by what a model can do.

A model of clothes gives a digit a higher likelihood than a shirt (Nalisnick et al. 2019a): what is
simple is likely, however strange. So the literature has many scores, and this is where they stand
side by side, each as its paper has it and all in one direction: **higher is stranger**.

* The likelihood itself, $-\log p(x)$, and how far it is from what it is on training images.
* Corrections for what makes any picture likely: its length in a lossless codec, or its likelihood
  under a background model; and what a VAE's bound gains when the code is fitted to this picture.
* What is lost on the way: in a code and back, or under noise and back.
* The density of several such numbers together, the choice to begin with: a picture is strange
  where any of them, or their combination, is not what it is on training images.

``SCORES`` says what there is, ``applicable`` what a model can do, ``score`` computes. Importing
this module costs nothing: torch comes with the first score.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models import checkpoint
from models.checkpoint import Header
from models.reference import Reference, read_reference, save_reference

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from models.base import Likelihood, Model

__all__ = [
    "SCORES",
    "Reference",
    "Score",
    "Scored",
    "applicable",
    "background_of",
    "read_reference",
    "save_reference",
    "score",
]


@dataclass(frozen=True)
class Score:
    """One score: words for people, and how it is computed.

    title, about: for the page. paper: where it is from. unit: of its values. fn: dotted path of the
    function that computes it. can: whether a model has what it needs. fitted: which arrays of a
    reference it cannot do without; background: whether it needs a background model.
    """

    title: str
    about: str
    paper: str
    unit: str
    fn: str
    can: Callable[[Model], bool]
    fitted: tuple[str, ...] = ()
    background: bool = False


@dataclass(frozen=True)
class Scored:
    """A score of a batch of pictures.

    values: (B,) float32, higher is stranger. per_pixel: (B, C, H, W), sums to ``values``, where
    there is such a split. details: further (B,) tensors by name (code lengths, both bounds).
    likelihood: what the model said, for the scores that are made of it.
    """

    values: Tensor
    per_pixel: Tensor | None = None
    details: dict[str, Tensor] = field(default_factory=dict)
    likelihood: Likelihood | None = None


def _has(*names: str) -> Callable[[Model], bool]:
    return lambda model: all(hasattr(model, name) for name in names)


def compresses(model: Model) -> bool:
    """Whether a code is shorter than the picture; else nothing has to be lost on the way."""
    C, H, W = model.image_shape
    return _has("encode", "decode")(model) and model.latent < C * H * W


SCORES = {
    "several": Score(
        title="Several together",
        about="How rare this combination of numbers is among training images: likelihood, code "
        "length, reconstruction, denoising errors, whatever the model has.",
        paper="Morningstar et al. 2021",
        unit="nats",
        fn="models.typical:several",
        can=lambda model: any(s.can(model) for name, s in SCORES.items() if name != "several"),
        fitted=("several_mean", "several_whitening", "several_points"),
    ),
    "likelihood": Score(
        title="Likelihood",
        about="-log p(x): how unlikely the model finds the picture. Simple pictures are likely, "
        "whatever they show.",
        paper="Bishop 1994; Nalisnick et al. 2019a",
        unit="nats",
        fn="models.score_functions:likelihood",
        can=_has("log_likelihood"),
    ),
    "typicality": Score(
        title="Typicality",
        about="How far -log p(x) is from its mean on training images, in either direction: what is "
        "too likely is strange as well.",
        paper="Nalisnick et al. 2019b",
        unit="nats",
        fn="models.score_functions:typicality",
        can=_has("log_likelihood"),
        fitted=("entropy",),
    ),
    "complexity": Score(
        title="Input complexity",
        about="-log p(x) less the picture's length in a lossless codec: how much better a codec "
        "that knows nothing of the data does.",
        paper="Serrà et al. 2020",
        unit="nats",
        fn="models.score_functions:complexity",
        can=_has("log_likelihood"),
    ),
    "ratio": Score(
        title="Likelihood ratio",
        about="-log p(x) less that of a background model, trained on the same images with noise "
        "in them: what any picture with such a background has in common cancels.",
        paper="Ren et al. 2019",
        unit="nats",
        fn="models.score_functions:ratio",
        can=_has("log_likelihood"),
        background=True,
    ),
    "regret": Score(
        title="Likelihood regret",
        about="How much the bound gains when the posterior is fitted to this one picture instead "
        "of being guessed by the encoder.",
        paper="Xiao et al. 2020",
        unit="nats",
        fn="models.score_functions:regret",
        can=_has("encode_distribution", "log_p_x", "prior"),
    ),
    "reconstruction": Score(
        title="Reconstruction error",
        about="The squared error of the picture that its code gives back.",
        paper="An and Cho 2015",
        unit="squared error",
        fn="models.score_functions:reconstruction",
        can=compresses,
    ),
    "denoising": Score(
        title="Denoising error",
        about="The squared error after noise was added and removed, at several levels, each "
        "measured against training images.",
        paper="Graham et al. 2023",
        unit="deviations",
        fn="models.score_functions:denoising",
        can=_has("denoise", "noised"),
    ),
    "energy": Score(
        title="Energy",
        about="The model's energy, -log p(x) up to a constant that no one knows.",
        paper="Du and Mordatch 2019",
        unit="nats",
        fn="models.score_functions:energy",
        can=_has("energy"),
    ),
}


def applicable(
    model: Model, reference: Reference | None = None, background: Model | None = None
) -> tuple[str, ...]:
    """The names of the scores that a model can be asked for, in the order of ``SCORES``.

    Those that compare with training images need the reference in which these were measured;
    the ratio needs a background model, which the reference's having one stands for.
    """
    fitted = reference.fitted if reference else {}
    compared = background is not None or (reference is not None and "ratio" in reference.scores)
    return tuple(
        name
        for name, s in SCORES.items()
        if s.can(model) and set(s.fitted) <= set(fitted) and (compared or not s.background)
    )


def score(
    model: Model,
    x: Tensor,
    names: Iterable[str],
    rng: Generator,
    reference: Reference | None = None,
    background: Model | None = None,
) -> dict[str, Scored]:
    """Those scores of a batch, by name; they share what they have in common.

    x: (B, C, H, W) in [0, 1]. Every score is of the same picture, as the model observes it: pixels
    drawn 0 or 1 by ``rng`` for a model of binary ones, the nearest level otherwise. A score's value
    does not depend on which others are asked for.

    Raises ValueError for a score there is not, or one that the model cannot give, in one sentence.
    """
    from models.score_functions import Evidence

    names = tuple(names)
    for name in names:
        _check(name, model, reference, background)
    evidence = Evidence(model, x, rng, reference, background)
    return {name: _function(SCORES[name].fn)(evidence) for name in names}


def _check(name: str, model: Model, reference: Reference | None, background: Model | None) -> None:
    if name not in SCORES:
        raise ValueError(f"There is no score '{name}'. Scores: {', '.join(SCORES)}.")
    s, can = SCORES[name], ", ".join(applicable(model, reference, background)) or "none"
    if not s.can(model):
        raise ValueError(f"This model has no score '{name}'. It has: {can}.")
    if s.background and background is None:
        raise ValueError(f"The score '{name}' needs a background model, and there is none here.")
    if not set(s.fitted) <= set(reference.fitted if reference else {}):
        raise ValueError(
            f"The score '{name}' is read against training images, which were not measured yet: "
            "run 'python -m models evaluate NAME --only scores'."
        )


def _function(path: str) -> Callable[..., Scored]:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def background_of(
    header: Header, folders: Sequence[Path | str], device: Any = "cpu"
) -> Model | None:
    """The background model of the data that a model was trained on, ready to use, or None.

    header: the model's, on ``device``. folders: where to look for checkpoints. See
    ``background_header``.
    """
    headers = []
    for folder in folders:
        for candidate in checkpoint.find(folder):
            try:
                headers.append(checkpoint.read_header(candidate))
            except checkpoint.CheckpointError:  # of no concern to the model asked about
                continue
    found = background_header(header, headers)
    return None if found is None else checkpoint.load(found.folder, device)


def background_header(header: Header, headers: Iterable[Header]) -> Header | None:
    """Which of these is a background of that model: a recipe says that it is one, of the same data,
    with a likelihood, and in the same space where that is known of both."""
    for other in headers:
        if (
            other.recipe.get("background")
            and other.data["name"] == header.data["name"]
            and other.name != header.name
            and "HasLikelihood" in other.capabilities
            and len({space_of(header), space_of(other)} - {None}) < 2
        ):
            return other
    return None


def space_of(header: Header) -> str | None:
    """The space of a model's likelihood, "binary" or "uint8": as it was measured, or, of a model
    that was only just trained, as its configuration has it; None where neither tells."""
    if measured := header.metrics.get("nll_nats", {}).get("space"):
        return measured
    pixels = header.config.get("pixels", header.config.get("likelihood"))
    if pixels is None:
        return None
    levels = 2 if pixels == "bernoulli" else header.config.get("levels", 256)
    return {2: "binary", 256: "uint8"}.get(levels, f"{levels} levels")
