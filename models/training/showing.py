"""What a run shows of itself where it draws no samples: texts it writes, pictures it translates."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from models.contract.abilities import HasDomains, Translates, WritesText
from models.contract.model import GenerativeModel, Model
from models.contract.random import generator

PICTURES, TEXTS, TRANSLATIONS = "pictures", "texts", "translations"
WRITTEN = 200  # characters of a text that is shown
TEMPERATURE = 1.0
ACROSS = 4  # pictures in a row of translations


def made_by(model: Model) -> str:
    """What the model makes: PICTURES, TEXTS or TRANSLATIONS. Raises ValueError where it makes
    nothing that can be shown."""
    if isinstance(model, WritesText):
        return TEXTS
    if isinstance(model, Translates) and isinstance(model, HasDomains):
        return TRANSLATIONS
    if isinstance(model, GenerativeModel):
        return PICTURES
    raise ValueError("Models of this kind make nothing that a run could show.")


@torch.no_grad()
def text(model: WritesText, seed: int) -> dict[str, Any]:
    """A text that the model writes from nothing, of the same random numbers each time: ``text``,
    and ``bits``, its mean surprise a character to the model itself."""
    *_, k = model.text_steps(1, WRITTEN, generator(seed), temperature=TEMPERATURE)
    bits = -float(model.text_log_likelihood(k).mean()) / math.log(2)
    return {"text": model.say_text(k[0]), "bits": bits}


def strips(model: WritesText, x: Tensor, count: int) -> list[str]:
    """The first ``count`` strips of a batch x (B, 1, 1, T) in [0, 1] as texts."""
    codes = (x[:count].flatten(1) * 255).round().byte().cpu().numpy()
    return [row.tobytes().decode("latin-1") for row in codes]


@torch.no_grad()
def translations(model: HasDomains, x: Tensor) -> dict[str, Tensor]:
    """By direction: pictures of a domain, what is made of them, and what comes back, in three rows
    of ``ACROSS``: (12, C, H, W) in [0, 1]. x: (B, C, H, W) of the data set.

    Rows are of the same pictures each time; a domain of which x has none is left out.
    """
    shown = {}
    there, back = model.directions
    for way, other, domain, places in zip(
        (there, back), (back, there), model.domains, model.belonging(x), strict=True
    ):
        if len(places):
            some = places.repeat(ACROSS)[:ACROSS]  # full rows, where there are fewer
            begin = model.in_domain(x[some], domain)
            made = model.translate(begin, way)
            shown[way] = torch.cat([begin, made, model.translate(made, other)])
    return shown
