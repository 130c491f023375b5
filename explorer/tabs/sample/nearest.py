"""The training picture nearest to a picture: is it a copy, or an invention?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)

ABSENT = "The training pictures are not on this server, so the nearest one cannot be shown."
TO_FETCH = "The training pictures are not on this server; the Train tab fetches them, once."


class Nearest(NamedTuple):
    """image: (C, H, W) uint8, or None where the data is not at hand. note: a sentence or two."""

    image: np.ndarray | None
    note: str


def training_set(context: Context, name: str) -> Any:
    """What the model was trained on (``datasets.Dataset``); None where it is not at hand.

    Nothing is fetched: only the data folder and what is always there are looked at.
    """
    from models.data import datasets

    of = context.store.header(name).data.get("name", "")
    try:
        return context.ask.kept(
            ("data", of, "train"),
            lambda: datasets.load(of, "train", context.data_dir, download=False),
        )
    except (datasets.DataError, OSError) as error:
        log.info("No training pictures of %s: %s", of, error)
        return None


def _absent(context: Context, name: str) -> str:
    """Why there is no nearest one, and whether somebody can do something about it on the page."""
    from models.data import datasets

    of = context.store.header(name).data.get("name", "")
    trains = context.visitors is not None and context.visitors.jobs.limits.jobs > 0
    can = trains and context.hub and datasets.megabytes_to_fetch(of, context.data_dir) > 0
    return TO_FETCH if can else ABSENT


def nearest_training_image(context: Context, name: str, image: np.ndarray) -> Nearest:
    """The training picture of least root mean square difference. image: (C, H, W) uint8."""
    from models.data.pictures import nearest

    dataset = training_set(context, name)
    if dataset is None or tuple(dataset.images.shape[1:]) != image.shape:
        return Nearest(None, _absent(context, name))
    query = dataset.images.new_tensor(image[None])
    [k], [rms] = (each.tolist() for each in nearest(dataset.images, query))
    label = ""
    if dataset.labels is not None and dataset.classes:
        label = f", {dataset.classes[int(dataset.labels[k])]}"
    return Nearest(
        np.asarray(dataset.images[k]),
        f"Nearest of {len(dataset):,} training pictures: number {k + 1:,}{label}. "
        f"Root mean square difference {rms:.1%}.",
    )
