"""The distribution of a picture's code, q(z given x), where codes are two numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from explorer.page.context import Context
from explorer.pictures import images
from explorer.pictures.bytes import packed
from explorer.server.ask import Seed
from explorer.tabs.latent import codes as latents
from models.contract.abilities import HasPosterior

DOTS, DRAWS = 1200, 12


def posterior(
    context: Context, name: str, x: np.ndarray, label: int | None = None
) -> dict[str, Any] | None:
    """The value of ``posterior_plane`` for a picture (C, H, W) in [0, 1]; None where a code is not
    two numbers, or the model has no distribution over them, or not one of these very numbers."""
    if latents.dimensions(context, name) != 2:
        return None
    if not isinstance(context.store.get(name), HasPosterior):
        return None
    from models.codes.posterior import posterior_of

    found = context.ask(name, posterior_of, x[None].astype(np.float32), Seed(0), DRAWS, label)
    if not np.allclose(found.mean, latents.encode(context, name, x[None], label)[0], atol=1e-4):
        return None  # the prior is learned: q is of other numbers than the code's
    (a, b), (s, t) = found.mean, found.std
    return {
        "mean": [float(a), float(b)],
        "std": [float(s), float(t)],
        "dots": _dots(context, name),
        "draws": found.draws.tolist(),
        "sprite": images.sprite(latents.decode(context, name, found.draws, label)),
        "note": (
            f"q(z given x) has mean ({a:.2f}, {b:.2f}) and standard deviation ({s:.2f}, {t:.2f}): "
            f"the ellipses at one and two of them. KL(q, p) is {found.kl:.1f} nats; the dashed "
            f"circles are the prior's. Below: what {DRAWS} codes drawn from q give."
        ),
    }


def _dots(context: Context, name: str) -> dict[str, Any] | None:
    shipped = latents.shipped_codes(context, name)
    if shipped is None:
        return None
    chosen = np.linspace(0, len(shipped.codes) - 1, min(DOTS, len(shipped.codes))).astype(int)
    labels = [None] * len(chosen) if shipped.labels is None else shipped.labels[chosen].tolist()
    return {"xy": packed(shipped.codes[chosen]), "labels": labels}
