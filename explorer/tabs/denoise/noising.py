"""Pictures on the way to noise: whose they are, what is left of them, and how much of it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from typing import Any, NamedTuple

import numpy as np

from explorer.page.context import Context
from explorer.page.snippet import call, raw
from explorer.pictures import images
from explorer.pictures.received import read_picture
from explorer.server.abilities import classes_of, most_steps, takes
from explorer.tabs.denoise import trajectory
from explorer.tabs.denoise.trajectory import Settings
from models.contract.abilities import HasSchedule, Noises


class Picture(NamedTuple):
    """pixels: (C, H, W) float32 in [0, 1], levels of 8 bits. seed: of the sample that it is, None
    for one that a person brought. note: a few words on it."""

    pixels: np.ndarray
    seed: int | None
    note: str


def picture_of(context: Context, name: str, given: Any, seed: int) -> Picture:
    """What a person brought (the value of a ``picture_input``), else the model's sample of a seed.

    Raises ``explorer.images.ImageError``, a ValueError, with one sentence.
    """
    header = context.store.header(name)
    prepared = read_picture(given, header)
    if prepared is None:
        settings = sample_settings(context, name, seed)
        pixels = trajectory.finished(context, name, settings).x[-1, 0].astype(np.float32) / 255
        return Picture(pixels, seed, f"A sample of the model, seed {seed}.")
    pixels = np.rint(prepared.pixels * 255).astype(np.float32) / 255
    return Picture(pixels, None, f"Your picture, as the model sees it: {prepared.note}")


def sample_settings(context: Context, name: str, seed: int) -> Settings:
    """One picture of a seed; of class ``seed`` modulo their number, so that classes take turns."""
    header = context.store.header(name)
    count, steps = len(classes_of(header)), min(Settings().steps, most_steps(header))
    return Settings(seed=seed, steps=steps, label=seed % count if count else None)


def noised(
    context: Context,
    name: str,
    picture: Picture,
    times: np.ndarray,
    seed: int,
    schedule: str | None,
) -> np.ndarray:
    """(T, C, H, W): the picture at each time, all under the same noise, in the units of a picture
    and not cut off to [0, 1]. Raises ValueError where the model has no way to noise a picture."""
    model = context.store.get(name)
    if not isinstance(model, Noises):
        raise ValueError("This model does not say how it noises a picture.")
    T = len(times)
    x = np.broadcast_to(picture.pixels, (T, *picture.pixels.shape))
    noise = np.broadcast_to(noise_of(picture, seed), x.shape)
    knobs = {"schedule": schedule} if takes(model, "schedule", "noised") else {}
    return context.ask(name, "noised", x, np.asarray(times, np.float32), noise, **knobs)


def noise_of(picture: Picture, seed: int) -> np.ndarray:
    """(1, C, H, W) standard normal noise of a seed."""
    from models.contract.random import generator, normal

    return normal((1, *picture.pixels.shape), generator(seed, 1), "cpu").numpy()


def levels_at(context: Context, name: str, times: np.ndarray, schedule: str | None) -> np.ndarray:
    """(T,) noise levels at times, kept within what the model was trained on."""
    model = context.store.get(name)
    own = model.schedule.name if isinstance(model, HasSchedule) else None
    if (chosen := schedule or own) is None:
        return np.full(len(times), np.nan)
    import torch

    from models.families.diffusion import schedules

    process = model.schedule if chosen == own else schedules.schedule(chosen)
    level = process.level(torch.as_tensor(times, dtype=torch.float64)).numpy()
    return level.clip(*model.level_range) if isinstance(model, HasSchedule) else level


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Pixels in the units of a picture as uint8: what lies beyond black and white is cut off."""
    return np.rint(np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def difference(a: np.ndarray, b: np.ndarray) -> float:
    """Root mean square of a - b, 1 being black against white."""
    return float(np.sqrt(np.square(a.astype(np.float64) - b).mean()))


def code_of(context: Context, name: str, picture: Picture) -> str:
    """For code to show: the lines that make ``picture``."""
    shape = (1, *picture.pixels.shape)
    if picture.seed is not None:
        settings = sample_settings(context, name, picture.seed)
        knobs = trajectory.arguments(context.store.get(name), settings)
        drawn = call(
            "picture = model.sample", 1, raw(f"generator({picture.seed})"), label=settings.label,
            **knobs,
        )  # fmt: skip
        return f"{drawn}\npicture = picture.mul(255).round().div(255)  # {shape}, from 0 to 1"
    packed = base64.b64encode(zlib.compress(as_bytes(picture.pixels).tobytes(), 9)).decode("ascii")
    lines = "\n".join(f'    "{packed[k : k + 88]}"' for k in range(0, len(packed), 88))
    return (
        f"packed = (\n{lines}\n)\n"
        "levels = bytearray(zlib.decompress(base64.b64decode(packed)))\n"
        f"picture = torch.frombuffer(levels, dtype=torch.uint8).view{shape} / 255"
    )


def digest(picture: Picture) -> str:
    """A few letters that tell pictures apart."""
    return hashlib.sha256(picture.pixels.tobytes()).hexdigest()[:12]


def sprite_of(pixels: np.ndarray) -> dict[str, Any]:
    """A sprite of (N, C, H, W) in the units of a picture, cut off to [0, 1]."""
    return images.sprite(as_bytes(pixels))
