"""The training picture nearest to a picture: is it a copy, or an invention?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from explorer.page.context import Context

log = logging.getLogger(__name__)


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
    if (found := context.datasets.get(of)) is None:
        try:
            found = datasets.load(of, "train", context.data_dir, download=False)
        except (datasets.DataError, OSError) as error:
            log.info("No training pictures of %s: %s", of, error)
            found = False
        context.datasets.put(of, found)
    return found or None


def nearest_training_image(context: Context, name: str, image: np.ndarray) -> Nearest:
    """The training picture of least root mean square difference. image: (C, H, W) uint8."""
    import torch

    from models.data.pictures import nearest

    of = context.store.header(name).data.get("name", "its data set")
    dataset = training_set(context, name)
    if dataset is None or tuple(dataset.images.shape[1:]) != image.shape:
        return Nearest(
            None,
            f"To see the nearest training picture, start with --data-dir FOLDER, "
            f"where FOLDER/{of} holds the data set.",
        )
    [k], [rms] = (each.tolist() for each in nearest(dataset.images, torch.from_numpy(image)[None]))
    label = ""
    if dataset.labels is not None and dataset.classes:
        label = f", {dataset.classes[int(dataset.labels[k])]}"
    return Nearest(
        dataset.images[k].numpy(),
        f"Nearest of {len(dataset):,} training pictures: number {k + 1:,}{label}. "
        f"Root mean square difference {rms:.1%}.",
    )
