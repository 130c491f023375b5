"""Which scores there are: in words, what each needs, and where it is computed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from models.contract.abilities import FINER

if TYPE_CHECKING:
    from torch import Tensor

    from models.contract.model import Likelihood, Model


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
    likelihood: what the model said, for the scores that are made of it. stderr: (B,) of ``values``
    that are means over several draws of a picture's pixels (``models.scores.each``).
    """

    values: Tensor
    per_pixel: Tensor | None = None
    details: dict[str, Tensor] = field(default_factory=dict)
    likelihood: Likelihood | None = None
    stderr: Tensor | None = None


def _can(*names: str) -> Callable[[Model], bool]:
    """Whether a model has all these capabilities, by their names: these come with torch."""

    def can(model: Model) -> bool:
        from models.contract.capabilities import CAPABILITIES

        known = {**CAPABILITIES, **FINER}
        return all(isinstance(model, known[name]) for name in names)

    return can


def compresses(model: Model) -> bool:
    """Whether a code is shorter than the picture; else nothing has to be lost on the way."""
    C, H, W = model.image_shape
    return _can("Encodes", "Decodes")(model) and model.latent < C * H * W


SCORES = {
    "several": Score(
        title="Combined score",
        about="How unusual all its scores are together, compared with training images: likelihood, "
        "code length, reconstruction and denoising errors, where the model has them.",
        paper="Morningstar et al. 2021",
        unit="nats",
        fn="models.scores.typical:several",
        can=lambda model: any(s.can(model) for name, s in SCORES.items() if name != "several"),
        fitted=("several_mean", "several_whitening", "several_points"),
    ),
    "likelihood": Score(
        title="Likelihood",
        about="-log p(x): how unlikely the model finds the picture. Simple pictures are likely, "
        "whatever they show.",
        paper="Bishop 1994; Nalisnick et al. 2019a",
        unit="nats",
        fn="models.scores.functions:likelihood",
        can=_can("HasLikelihood"),
    ),
    "typicality": Score(
        title="Typicality",
        about="How far -log p(x) is from its mean on training images, in either direction: what is "
        "too likely is strange as well.",
        paper="Nalisnick et al. 2019b",
        unit="nats",
        fn="models.scores.functions:typicality",
        can=_can("HasLikelihood"),
        fitted=("entropy",),
    ),
    "complexity": Score(
        title="Input complexity",
        about="-log p(x) less the picture's length in a lossless codec: how much better a codec "
        "that knows nothing of the data does.",
        paper="Serrà et al. 2020",
        unit="nats",
        fn="models.scores.functions:complexity",
        can=_can("HasLikelihood"),
    ),
    "ratio": Score(
        title="Likelihood ratio",
        about="-log p(x) less that of a background model, trained on the same images with noise "
        "in them: what any picture with such a background has in common cancels.",
        paper="Ren et al. 2019",
        unit="nats",
        fn="models.scores.functions:ratio",
        can=_can("HasLikelihood"),
        background=True,
    ),
    "regret": Score(
        title="Likelihood regret",
        about="How much the bound gains when the posterior is fitted to this one picture instead "
        "of being guessed by the encoder.",
        paper="Xiao et al. 2020",
        unit="nats",
        fn="models.scores.functions:regret",
        can=_can("HasPosterior"),
    ),
    "reconstruction": Score(
        title="Reconstruction error",
        about="The squared error of the picture that its code gives back.",
        paper="An and Cho 2015",
        unit="squared error",
        fn="models.scores.functions:reconstruction",
        can=compresses,
    ),
    "denoising": Score(
        title="Denoising error",
        about="The squared error after noise was added and removed, at several levels, each "
        "measured against training images.",
        paper="Graham et al. 2023",
        unit="deviations",
        fn="models.scores.functions:denoising",
        can=_can("Denoises", "Noises"),
    ),
    "energy": Score(
        title="Energy",
        about="The model's energy, -log p(x) up to a constant that no one knows.",
        paper="Du and Mordatch 2019",
        unit="nats",
        fn="models.scores.functions:energy",
        can=_can("HasEnergy"),
    ),
}
