"""film.webp: a few seconds of how a model makes pictures, for a page that computes nothing.

    FOLDER/film.webp    a sheet, a row a picture and a column a moment; its EXIF description says
                        what passes from left to right, a key of ``FILMS``

What is filmed follows from what the model can do, and every frame is what the model made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from models.checkpoints.film import DESCRIPTION, FILM
from models.checkpoints.snapshots import moments, read_snapshots
from models.checkpoints.weights import load
from models.contract.abilities import WritesIndices
from models.contract.capabilities import Decodes, Flows, HasEnergy, Samples, WritesPixels
from models.contract.model import Model
from models.contract.random import generator, normal, uniform
from models.contract.streams import Streams
from models.data.pictures import to_bytes
from models.machine.files import write_atomically

PICTURES, MOMENTS, SEED, QUALITY = 4, 24, 0, 55


def film(
    folder: Path, device: str = "cpu", seed: int = SEED, tell: Callable[[], Any] = lambda: None
) -> Path:
    """Makes a checkpoint's film and writes it beside the weights.

    tell: called after each moment that was computed.

    Raises ValueError where the model makes no pictures, or makes them in one go.
    """
    model = load(folder, device)
    what, frames = _frames(folder, model, device, seed, partial(_told, tell))
    sheet = _sheet(frames)
    exif = Image.Exif()
    exif[DESCRIPTION] = what
    write_atomically(
        folder / FILM,
        lambda path: sheet.save(path, format="webp", quality=QUALITY, method=6, exif=exif),
    )
    return folder / FILM


@torch.no_grad()
def _frames(
    folder: Path, model: Model, device: str, seed: int, told: Callable[[Any], Iterator[Any]]
) -> tuple[str, list[Tensor]]:
    """(a key of ``FILMS``, frames of (PICTURES, C, H, W) in [0, 1]), at most MOMENTS of them."""
    if not isinstance(model, Samples):
        raise ValueError("This model makes no pictures, so there is nothing to film.")
    if read_snapshots(folder):
        every = moments(folder, device)
        return "training", _spread([m.sample(PICTURES, generator(seed)) for _, m in told(every)])
    if isinstance(model, Flows):
        return "layers", _spread(list(told(_unbent(model, seed))))
    if isinstance(model, WritesPixels):
        D = math.prod(model.image_shape)
        u = uniform((PICTURES, D), Streams.of(generator(seed), PICTURES), model.device)
        every = model.write_steps(u, every=math.ceil(D / MOMENTS))
        return "writing", [frame.x.clone() for frame in told(every)]
    every = model.sample_steps(PICTURES, generator(seed))
    steps = [frame.x.clone() for frame in told(every)]
    if len(steps) > 2:
        written = "codes" if isinstance(model, WritesIndices) else "steps"
        return "chain" if isinstance(model, HasEnergy) else written, _spread(steps)
    if isinstance(model, Decodes) and model.code_prior == "normal":
        return "walk", list(told(_walk(model, seed)))
    raise ValueError("This model makes a picture in one go: its preview says as much as a film.")


def _told(tell: Callable[[], Any], moments: Iterable[Any]) -> Iterator[Any]:
    for moment in moments:
        yield moment
        tell()


def _unbent(model: Flows, seed: int) -> Iterator[Tensor]:
    """Noise on its way through the inverse layers, and the picture. What lies between is no picture
    yet: its middle 96 % of values go from black to white."""
    z = normal((PICTURES, model.latent), Streams.of(generator(seed), PICTURES), model.device)
    for h in model.inverse_steps(z):
        low, high = torch.quantile(h.flatten(), torch.tensor([0.02, 0.98], device=h.device))
        yield ((h - low) / (high - low)).clamp(0, 1)
    yield model.decode(z)


def _walk(model: Decodes, seed: int) -> Iterator[Tensor]:
    """Pictures of codes along great circles from one random code to the next and to the first
    again, so that the film has no end; each picture begins at another of them."""
    corners = normal((PICTURES, model.latent), Streams.of(generator(seed), PICTURES), model.device)
    each = MOMENTS // PICTURES
    for k in range(PICTURES * each):
        at, part = k // each, (k % each) / each
        a, b = corners.roll(-at, 0), corners.roll(-at - 1, 0)
        cosine = torch.nn.functional.cosine_similarity(a, b, dim=1).clamp(-0.99, 0.99)
        angle = cosine.arccos()[:, None]
        # Shoemake 1985, spherical linear interpolation.
        z = (torch.sin((1 - part) * angle) * a + torch.sin(part * angle) * b) / torch.sin(angle)
        yield model.decode(z)


def _spread(frames: list[Tensor]) -> list[Tensor]:
    """At most MOMENTS of the frames, evenly spaced, the first and the last among them."""
    n = min(MOMENTS, len(frames))
    return [frames[round(k * (len(frames) - 1) / max(n - 1, 1))] for k in range(n)]


def _sheet(frames: list[Tensor]) -> Image.Image:
    """T frames of (n, C, H, W) as n rows of T pictures."""
    pixels = to_bytes(torch.stack(frames, 1).flatten(0, 1))
    n, T = len(frames[0]), len(frames)
    H, W, C = pixels.shape[1:]
    sheet = pixels.reshape(n, T, H, W, C).swapaxes(1, 2).reshape(n * H, T * W, C)
    return Image.fromarray(sheet[:, :, 0] if C == 1 else sheet)
