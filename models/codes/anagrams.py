r"""One picture that is to be two things: read two ways, or both at once, by a denoiser of classes.

At a noise level a denoiser D guesses the picture under the noise, and its guess is a score: where
probability grows. Guesses add up as scores do. With views $v_i$ (ways to look at a picture that
keep white noise white) and classes $y_i$

    x0 = mean_i v_i^-1 D(v_i x) + sum_i s_i v_i^-1 (D(v_i x; y_i) - D(v_i x))

With one view for all it is the product p(x) prod_i p(y_i given x)^s_i (Liu et al. 2022,
"Compositional Visual Generation with Composable Diffusion Models", conjunction). With other views
it is a visual anagram: a 6 that is a 9 upside down (Geng et al. 2024, "Visual Anagrams", parallel
denoising, whose guidance is N s_i for N views). The walk from noise to picture is DDIM's without
fresh noise (Song et al. 2021, eq. 12), written with what every model says that ``Denoises`` and
``Noises``: nothing here is of one family.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor

from models.contract.abilities import Noises
from models.contract.model import Frame, Model
from models.contract.random import normal
from models.contract.streams import Streams

# Ways to look at a picture (B, C, H, W), each with its inverse. They move pixels about, so noise
# stays white noise.
VIEWS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "upright": (lambda x: x, lambda x: x),
    "half turn": (lambda x: x.flip(2, 3), lambda x: x.flip(2, 3)),
    "quarter turn": (lambda x: x.rot90(1, (2, 3)), lambda x: x.rot90(-1, (2, 3))),
    "mirrored": (lambda x: x.flip(3), lambda x: x.flip(3)),
    "upside down": (lambda x: x.flip(2), lambda x: x.flip(2)),
}
MOST_STRENGTH = 10.0


def in_view(x: Tensor, view: str) -> Tensor:
    """Pictures (B, C, H, W) in one of the views."""
    return VIEWS[view][0](x)


@torch.no_grad()
def anagram_steps(
    model: Model,
    n: int,
    rng: Generator | Streams,
    labels: Sequence[int],
    views: Sequence[str],
    strengths: Sequence[float] | None = None,
    steps: int = 30,
) -> Iterator[Frame]:
    """Yields the way from noise to n pictures that are class labels[i] in views[i]; the last frame
    is the result, and every one has the guess ``x0``.

    strengths: s_i above, 1 each unless given. Raises ValueError, one sentence, for a model that
    takes no class or says nothing of its noise, for a view there is not, and for one that does not
    fit a picture that is higher than wide.
    """
    strengths = [1.0] * len(labels) if strengths is None else list(strengths)
    _check(model, labels, views, strengths, steps)
    rng = Streams.of(rng, n)
    shape = (n, *model.image_shape)
    noise = normal(shape, rng, model.device)
    black = torch.zeros(shape, device=model.device)
    times = torch.linspace(1, 0, steps + 1, dtype=torch.float64).tolist()
    x = model.noised(black + 0.5, times[0], noise)
    for k, (t, s) in enumerate(pairwise(times)):
        x0 = guess(model, x, t, labels, views, strengths)
        yield Frame(k, steps, x.clamp(0, 1), x0.clamp(0, 1), {"time": t})
        # ``noised`` is affine in picture and noise: what noise is left follows from both.
        clean = model.noised(x0, t, black)
        scale = model.noised(black, t, black + 1) - model.noised(black, t, black)
        x = model.noised(x0, s, (x - clean) / scale)
    yield Frame(steps, steps, x0.clamp(0, 1), x0.clamp(0, 1), {"time": 0.0})


def guess(
    model: Model,
    x: Tensor,
    t: float,
    labels: Sequence[int],
    views: Sequence[str],
    strengths: Sequence[float],
) -> Tensor:
    """The guess x0 at time t, (B, C, H, W), of the formula above; not clamped."""
    free, pulls = torch.zeros_like(x), torch.zeros_like(x)
    for label, view, strength in zip(labels, views, strengths, strict=True):
        there, back = VIEWS[view]
        looked = there(x)
        without = model.denoise(looked, t)
        free += back(without) / len(views)
        pulls += strength * back(model.denoise(looked, t, label=label) - without)
    return free + pulls


def _check(
    model: Model,
    labels: Sequence[int],
    views: Sequence[str],
    strengths: Sequence[float],
    steps: int,
) -> None:
    if not isinstance(model, Noises) or not model.takes("label", "denoise"):
        raise ValueError("This needs a denoiser that can be asked for a class.")
    if not len(labels) == len(views) == len(strengths) > 0:
        raise ValueError("Give as many views and strengths as classes, at least one.")
    for view in views:
        if view not in VIEWS:
            raise ValueError(f"There is no view '{view}'. Views: {', '.join(VIEWS)}.")
        _, H, W = model.image_shape
        if view == "quarter turn" and H != W:
            raise ValueError("A quarter turn needs pictures as high as they are wide.")
    if not all(0 <= strength <= MOST_STRENGTH for strength in strengths):
        raise ValueError(f"A strength is a number from 0 to {MOST_STRENGTH:g}.")
    if steps < 1:
        raise ValueError("At least one step must be taken.")
