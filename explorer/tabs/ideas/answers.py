"""What the laboratories ask of shipped models, by a button: files of pictures, and log p(x)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from explorer.page.context import Context
from explorer.server.ask import Seed
from explorer.server.previews import real_pictures
from explorer.server.reading import is_whole

log = logging.getLogger(__name__)

POSTERIOR, PRIOR = 512, 2048  # codes for log p(x), of the encoder and of the prior


def functions(context: Context) -> list[Callable[[Any], Any]]:
    """The functions that the browser may call, each of one value that JSON can carry."""
    named = (coders, code, length, bounded, evidence)
    found = []
    for function in named:
        call = partial(function, context)
        call.__name__ = function.__name__
        found.append(call)
    return found


def _picture(context: Context, name: str, k: Any) -> np.ndarray:
    """(1, C, H, W) float32 in [0, 1], the k-th of the model's data."""
    found = real_pictures(context.store, name)
    if found is None:
        raise ValueError("No test pictures are shipped for this model.")
    if not is_whole(k) or not 0 <= k < len(found):
        raise ValueError(f"Pictures go from 0 to {len(found) - 1}.")
    return found[int(k) : int(k) + 1].astype(np.float32) / 255


def _title(context: Context, name: str) -> str:
    return context.store.header(name).title


# -- coding ---------------------------------------------------------------------------------------


def coders(context: Context, _: Any = None) -> list[dict[str, str]]:
    """The models that can code a picture, those for which test pictures are shipped first."""
    names = [
        n
        for n in context.store.having({"WritesPixels"})
        if real_pictures(context.store, n) is not None
    ]
    # One that has to be told the class would need that in its file, too.
    names = [n for n in names if "Conditional" not in context.store.header(n).capabilities]
    # The likeliest first, among those of the first one's data: the best code.
    names.sort(key=lambda n: context.store.header(n).metrics.get("nll_nats", {}).get("value", 1e9))
    return [{"name": n, "title": _title(context, n)} for n in names]


def _file(model: Any, picture: np.ndarray) -> dict[str, Any]:
    """A picture as a model's file, and read back. picture: (1, C, H, W) in [0, 1].

    It is coded on the model's own levels; black and white at half, so that all models code the same
    picture.
    """
    import torch

    from models.scores import coding
    from models.scores.code_length import code_lengths

    top = model.levels - 1
    x = (picture > 0.5).float() if top == 1 else (picture * top).round() / top
    label = 0 if model.class_count else None
    start = time.perf_counter()
    coded = coding.encode(model, x, label)
    back = coding.decode(model, coded.files, label).to(x)
    seconds = time.perf_counter() - start
    lengths = code_lengths(x.cpu())
    return {
        "bytes": len(coded.files[0]),
        "hex": coded.files[0].hex(" "),
        "same": bool(torch.equal(back, x)),
        "bits": [round(b, 5) for b in coded.bits.flatten().tolist()],
        "values": (back.flatten() * top).round().int().tolist(),
        "order": model.order(0).tolist(),
        "width": x.shape[3],
        "height": x.shape[2] * x.shape[1],
        "levels": model.levels,
        "png": int(lengths["png"].item()) // 8,
        "webp": int(lengths["webp"].item()) // 8,
        "raw": -(-x.numel() * top.bit_length() // 8),
        "seconds": seconds,
    }


def code(context: Context, asked: Any) -> dict[str, Any]:
    """A picture's file by a model, read back. asked: [model, picture]."""
    name, k = asked
    picture = _picture(context, name, k)
    found = context.ask.kept(("coded", name, int(k)), lambda: context.ask(name, _file, picture))
    return {**found, "title": _title(context, name)}


def length(context: Context, asked: Any) -> dict[str, Any] | None:
    """How long another model's file of a picture is. asked: [other model, model, picture], where
    the picture is one of the second model's data; None where it is of another size.
    """
    other, name, k = asked
    picture = _picture(context, name, k)
    if list(context.store.header(other).config["image"]) != list(picture.shape[1:]):
        return None
    key = ("coded", other, name, int(k))
    found = context.ask.kept(key, lambda: context.ask(other, _file, picture))
    levels = found["levels"]
    return {
        "title": _title(context, other),
        "bytes": found["bytes"],
        "bits": sum(found["bits"]),
        "space": "black and white" if levels == 2 else f"{levels} grey levels",
    }


# -- log p(x) by sampling -------------------------------------------------------------------------


def bounded(context: Context, _: Any = None) -> list[dict[str, str]]:
    """The models whose log p(x) is estimated with codes of their encoder."""
    from models import family
    from models.contract.abilities import WeighsCodes

    found = []
    for name in context.store.having({"Encodes", "Decodes", "HasLikelihood"}):
        weighs = issubclass(family(context.store.header(name).family), WeighsCodes)
        if weighs and real_pictures(context.store, name) is not None:
            found.append({"name": name, "title": _title(context, name)})
    return found


def _weights(model: Any, picture: np.ndarray, seeds: tuple[Any, ...]) -> dict[str, Any]:
    """log weights (samples,) of a picture (1, C, H, W) in [0, 1], and the picture as observed."""
    seen, of_posterior, of_prior = seeds
    x = model.observed(picture, seen)
    label = 0 if model.class_count else None
    return {
        "posterior": model.log_weights(x, of_posterior, POSTERIOR, label)[:, 0].double(),
        "prior": model.log_weights(x, of_prior, PRIOR, label, from_prior=True)[:, 0].double(),
        "picture": x,
    }


def evidence(context: Context, asked: Any) -> dict[str, Any]:
    """log weights of a picture under a model, of the encoder's codes and of the prior's.

    asked: [model, picture, seed].
    """
    from explorer.pictures.images import sprite

    name, k, seed = asked
    if not is_whole(seed):
        raise ValueError("The seed must be a whole number.")
    picture = _picture(context, name, k)
    if name not in [one["name"] for one in bounded(context)]:
        raise ValueError("This model's log p(x) is not estimated with codes of an encoder.")
    seeds = tuple(Seed(int(seed), part) for part in (1, 2, 3))
    found = context.ask(name, _weights, picture, seeds)
    return {
        "title": _title(context, name),
        "posterior": found["posterior"].tolist(),
        "prior": found["prior"].tolist(),
        "picture": sprite(found["picture"]),
    }
