"""Capabilities beside those of every lecture: finer ones, and those of kinds of models to come.

Having the methods is having the capability, as everywhere. ``FINER`` are asked of a loaded model
(``isinstance(model, Restores)``) and stand in no header; ``KINDS`` are as those of
``models.contract.model``: a header lists them, and a tab may need them.

Nothing here needs torch, so that the page may import it. B pictures are (B, C, H, W) in [0, 1].
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from models.contract.model import Frame, Mask

# What a code is drawn from, as a model that decodes says by ``code_prior``. Parts of a code that
# ``HasCodes`` describes have values of their own under every one of these.
CODE_PRIORS = {
    "normal": "each number standard normal, N(0, 1)",
    "uniform": "each number uniform in [0, 1)",
    "none": "codes are of pictures alone: nothing says how to draw one",
}

# Evaluations that a sample takes at most of a model that ``TakesFewSteps``.
FEW_STEPS = 8

# -- finer -----------------------------------------------------------------------------------------


@runtime_checkable
class Observes(Protocol):
    """Says what of a picture its likelihood is of.

    observed(x, rng): B pictures in, as many out: drawn 0 or 1 with their grey levels as
    probabilities, or brought to the levels that the model knows.
    """

    def observed(self, x: Tensor, rng: Generator) -> Tensor: ...


@runtime_checkable
class HasPosterior(Protocol):
    """A distribution over codes for each picture, with all that a bound on log p(x) is made of.

    encode_distribution(x): mean and standard deviation, (B, D) each, of q(h | x). log_p_x(x, h):
    log p(x | h) by pixel, (B, C, H, W) nats, for h (B, D). prior.log_prob(h): log p(h), (...) nats,
    for h (..., D). Differentiable in x and h.
    """

    @property
    def prior(self) -> Any: ...
    def encode_distribution(self, x: Tensor, label=None) -> tuple[Tensor, Tensor]: ...
    def log_p_x(self, x: Tensor, h: Tensor) -> Tensor: ...


@runtime_checkable
class WeighsCodes(Protocol):
    """Estimates log p(x) with codes of its encoder or its prior.

    log_weights(x, rng, samples): log p(x | h) p(h) / r(h) of codes h drawn from r, (samples, B)
    nats, for B pictures x as ``observed`` gives them.
    """

    def observed(self, x: Tensor, rng: Generator) -> Tensor: ...
    def log_weights(
        self, x: Tensor, rng: Generator, samples: int, label=None, from_prior: bool = False
    ) -> Tensor: ...


@runtime_checkable
class Noises(Protocol):
    """Says how a picture drowns: noised(x, t, noise) is x_t, B pictures in the units of a picture,
    not clamped; t: (B,) or a number, 0 the picture and 1 noise; noise: standard normal, as x."""

    def noised(self, x: Tensor, t: float | Tensor, noise: Tensor) -> Tensor: ...


@runtime_checkable
class Restores(Protocol):
    """Goes on from a noisy picture to a clean one: restore_steps(x_t, t, rng) yields frames from
    what ``Noises.noised`` gives at time t, the last one clean."""

    def restore_steps(
        self, x_t: Tensor, t: float, rng: Generator, label=None, **knobs
    ) -> Iterator[Frame]: ...


@runtime_checkable
class HasSchedule(Protocol):
    """Has noise levels of its own. schedule: one of ``models.families.diffusion.schedules``, with
    ``name`` and ``title``. level_range: the lowest and the highest level that it was trained on."""

    @property
    def schedule(self) -> Any: ...
    @property
    def level_range(self) -> tuple[float, float]: ...


@runtime_checkable
class RunsChains(Protocol):
    """Walks in its energy by Markov chains.

    chain_steps(start, rng): yields frames of B chains, the first of step 0, from pictures ``start``
    (B, C, H, W) or, where it is a number, of so many from noise. x: where the chains are, cut to
    [0, 1]; x0: the pictures that they would be without their noise; info["energy"]: (B,) nats of
    the chains, at the noise level info["sigma"] where there are several.
    """

    def chain_steps(
        self, start: Tensor | int, rng: Generator, steps: int = 100, **knobs
    ) -> Iterator[Frame]: ...


@runtime_checkable
class HasEarlyFeatures(Protocol):
    """Tells what its first layers make of codes z (B, D): early_features(z), (B, F)."""

    def early_features(self, z: Tensor, label=None) -> Tensor: ...


@runtime_checkable
class ReadsCodes(Protocol):
    """Reads off B pictures the parts of a code that ``HasCodes`` describes: read_codes(x),
    (B, numbers), in their order; of a categorical one the probabilities."""

    def read_codes(self, x: Tensor) -> Tensor: ...


@runtime_checkable
class ShowsMasks(Protocol):
    """Keeps to its order of writing by masks: masks(order) are those, to be looked at."""

    def masks(self, order: int = 0) -> Sequence[Mask]: ...


@runtime_checkable
class ShowsAttention(Protocol):
    """Attends to a text's symbols, and shows how: attention(k) of (B, T) symbols gives, of each
    layer, (B, heads, T + 1, T + 1), rows that sum to one; place 0 stands before the first symbol.
    context: how many places there are at most; ValueError for a text that needs more."""

    @property
    def context(self) -> int: ...
    def attention(self, k: Tensor) -> list[Tensor]: ...


@runtime_checkable
class HasTeacher(Protocol):
    """Is trained on what another model does.

    teacher: that model's name among those shipped, "" where it learns from pictures alone; a
    setting of its Config too, so that a header tells. learn_from(model): takes that model as its
    teacher, before the training; the weights that are stored are its own alone. ValueError where
    the two do not fit.
    """

    @property
    def teacher(self) -> str: ...
    def learn_from(self, model: Any) -> None: ...


FINER = {
    protocol.__name__: protocol
    for protocol in (
        Observes,
        HasPosterior,
        WeighsCodes,
        Noises,
        Restores,
        HasSchedule,
        RunsChains,
        HasEarlyFeatures,
        ReadsCodes,
        ShowsMasks,
        ShowsAttention,
        HasTeacher,
    )
}

# -- kinds of models -------------------------------------------------------------------------------


@runtime_checkable
class HasLevels(Protocol):
    """Latent variables in levels, each drawn given those above it.

    levels: their names, from the uppermost. encode_levels(x, rng): B pictures' codes of each level,
    (B, d, h, w). level_kl(x, rng): the nats that a picture puts into each, (B, L).
    sample_held(level, codes, rng, n): pictures that have the codes' levels above one, and what is
    below drawn anew, (n B, C, H, W); ValueError for a level there is not.
    """

    @property
    def levels(self) -> tuple[str, ...]: ...
    def encode_levels(self, x: Tensor, rng: Generator) -> tuple[Tensor, ...]: ...
    def level_kl(self, x: Tensor, rng: Generator) -> Tensor: ...
    def sample_held(
        self,
        level: int,
        codes: Sequence[Tensor],
        rng: Generator,
        n: int = 1,
        temperature: float = 1.0,
    ) -> Tensor: ...


@runtime_checkable
class QuantisesCodes(Protocol):
    """Codes are grids of whole numbers, each the index of a vector in a codebook.

    codebook_size: how many vectors there are, K. encode_indices(x): (B, h, w) int64 in [0, K), the
    same for the same picture. decode_indices(k): B pictures of (B, h, w) indices; ValueError for
    one outside [0, K) or a grid of another size.
    """

    @property
    def codebook_size(self) -> int: ...
    def encode_indices(self, x: Tensor) -> Tensor: ...
    def decode_indices(self, k: Tensor) -> Tensor: ...


@runtime_checkable
class WritesIndices(Protocol):
    """The second of two stages: a distribution over the index grids of ``QuantisesCodes``.

    index_steps(n, rng, label): yields (n, h, w) int64 as the grid fills, -1 where nothing is
    written yet; the last has none. index_log_likelihood(k): log p(k), (B,) nats. A model of both
    stages is both, and what it samples is the last grid decoded.
    """

    def index_steps(self, n: int, rng: Generator, label=None, **knobs) -> Iterator[Tensor]: ...
    def index_log_likelihood(self, k: Tensor, label=None) -> Tensor: ...


@runtime_checkable
class Translates(Protocol):
    """Makes a picture of another kind out of a picture.

    directions: the names of its ways, each "from to to" in words ("horse to zebra"). translate(x,
    direction): B pictures in, B out, where ``direction`` is one of the names; ValueError for
    another. Where the other way is among them, the two lead back to about the same picture.
    """

    @property
    def directions(self) -> tuple[str, ...]: ...
    def translate(self, x: Tensor, direction: str) -> Tensor: ...


@runtime_checkable
class HasDomains(Protocol):
    """Translates between two kinds of pictures, each of which has a discriminator of its own: it
    learned from unpaired ones, all of one data set.

    domains: their names, a and b; ``directions`` are "a to b" and "b to a". belonging(x): of B
    pictures of the data set, the places of those that serve the first domain and of those that
    serve the second, (n,) int64 each. in_domain(x, domain): what B pictures look like there, the
    same for the same picture. domain_verdict(x, domain): (B,), how far its discriminator takes
    pictures for real ones of the domain, 1 for those and 0 for translations; no measure of quality.
    ValueError for a domain there is not.
    """

    @property
    def domains(self) -> tuple[str, str]: ...
    def belonging(self, x: Tensor) -> tuple[Tensor, Tensor]: ...
    def in_domain(self, x: Tensor, domain: str) -> Tensor: ...
    def domain_verdict(self, x: Tensor, domain: str) -> Tensor: ...


@runtime_checkable
class WritesText(Protocol):
    """Writes sequences of symbols, each given those before it; no pictures.

    symbols: the vocabulary, V of them. read_text(text): (T,) int64, ValueError for what is not in
    it; say_text(k): the text of (T,) symbols, its inverse. text_steps(n, length, rng, prompt):
    yields (n, t) int64 for growing t up to ``length``, beginning with the prompt's (T,).
    text_predict(k): log p of every symbol at each place of (B, T), and at the next, given those
    before, (B, T + 1, V). text_log_likelihood(k): of the symbols that stand there, (B, T) nats.
    """

    @property
    def symbols(self) -> tuple[str, ...]: ...
    def read_text(self, text: str) -> Tensor: ...
    def say_text(self, k: Tensor) -> str: ...
    def text_steps(
        self, n: int, length: int, rng: Generator, prompt: Tensor | None = None, **knobs
    ) -> Iterator[Tensor]: ...
    def text_predict(self, k: Tensor) -> Tensor: ...
    def text_log_likelihood(self, k: Tensor) -> Tensor: ...


@runtime_checkable
class TakesFewSteps(Protocol):
    """Goes from noise to picture in ``FEW_STEPS`` evaluations at most, one at least: ``steps`` of
    ``sample_steps``, which yields a frame for each and one for the end.

    Where it has a teacher that it learned this from (``HasTeacher``), both start from the same seed
    with the same noise, and are asked for the same classes.
    """

    @property
    def teacher(self) -> str: ...
    def sample_steps(self, n, rng, label=None, **knobs) -> Iterator[Frame]: ...


@runtime_checkable
class HasAttentionMaps(Protocol):
    """A generator and a discriminator that each attend among the places of a map of features.

    attention_side: (h, w) of that map, N = h w places row by row, each a rectangle of pixels.
    code_attention(z): of B codes (B, D) what the generator does while it makes their pictures,
    picture_attention(x): of B pictures what the discriminator does while it judges them, both
    (B, N, N): row j is how place j shares its look out among all, and sums to one.
    attention_gains: by "generator" and "discriminator", what either multiplies by before it adds
    what was looked up; at 0 nothing is taken of it.
    """

    @property
    def attention_side(self) -> tuple[int, int]: ...
    @property
    def attention_gains(self) -> dict[str, float]: ...
    def code_attention(self, z: Tensor, label=None) -> Tensor: ...
    def picture_attention(self, x: Tensor, label=None) -> Tensor: ...


KINDS = {
    protocol.__name__: protocol
    for protocol in (
        HasLevels,
        QuantisesCodes,
        WritesIndices,
        Translates,
        HasDomains,
        WritesText,
        TakesFewSteps,
        HasAttentionMaps,
    )
}
