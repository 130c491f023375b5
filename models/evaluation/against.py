"""Samples of a model held against pictures that it may never have seen: any data set, any folder.

It is how a model is measured whose data nobody names, such as one of another program. A folder of
pictures is read as for training (``models.data.collection``): a folder for each class, or none.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.checkpoints import weights
from models.checkpoints.header import SHIPPED, Header, find, read_header
from models.checkpoints.judges import is_judge
from models.contract.capabilities import Samples
from models.contract.model import Model
from models.data import datasets, pictures
from models.data.datasets import Dataset
from models.evaluation import metrics, samples

log = logging.getLogger(__name__)

MOST = 2048  # samples, unless told otherwise
FEWEST = 6  # each needs five neighbours


def quality_against(
    model: Model,
    data: str,
    folder: Path,
    data_dir: str | Path | None = None,
    n: int = 0,
    seed: int = 0,
    progress: bool = False,
) -> dict[str, dict[str, Any]]:
    """``metrics.sample_quality`` of n samples against the test pictures of ``data``, with the floor
    of its training pictures; 0 is as many as there are, 2,048 at most.

    data: as ``datasets.load`` takes it; pictures of another size or colour are brought to the
    model's. folder: the model's own, beside which a judge may lie. The entries' ``space`` says
    which judge it was. Raises ValueError, one sentence, where there is none, or no such data.
    """
    if not isinstance(model, Samples):
        raise ValueError(
            "This model draws no pictures, so there is nothing to hold against others."
        )
    header = judge_for(data, model.image_shape, (folder.parent, SHIPPED))
    test, train = (_fitting(model, data, split, data_dir) for split in datasets.SPLITS[::-1])
    judge = weights.load(header.folder).to(model.device)
    n = min(n or MOST, len(test), len(train))
    if n < FEWEST:
        raise ValueError(
            f"These are too few pictures to be held against: {FEWEST} test pictures and as many "
            "others are the least."
        )
    real = metrics.real_features(
        test.images, train.images, judge, f"judge of {header.data['name']}", n, seed
    )
    same = train.labels is not None and len(train.classes) == model.class_count
    made, _ = samples.drawn(model, n, seed, "sample", progress, train.labels if same else None)
    return metrics.sample_quality(made, real, judge, seed=seed)


def _fitting(model: Model, data: str, split: str, data_dir: str | Path | None) -> Dataset:
    _, height, width = model.image_shape
    size = height if height == width else None
    found = datasets.load(data, split, data_dir, size=size)
    for note in found.notes:
        log.info("%s", note)
    if found.image_shape == model.image_shape:
        return found
    images = pictures.fitted(found.images, model.image_shape)
    return Dataset(found.name, split, images, found.labels, found.classes)


def judge_for(data: str, shape: tuple[int, ...], folders: Iterable[Path]) -> Header:
    """The header of the classifier of that data, or else of one of pictures of that size.

    Raises ValueError, one sentence, where there is none.
    """
    others = []
    for folder in (path for place in folders for path in find(place)):
        try:
            header = read_header(folder)
        except ValueError as error:  # of no concern to the model measured here
            log.warning("%s", error)
            continue
        if is_judge(header) and tuple(header.config["image"]) == shape:
            if header.data["name"] == data:
                return header
            others.append(header)
    if not others:
        size = "x".join(map(str, shape))
        raise ValueError(
            f"There is no classifier of {size} pictures to judge by: train one of the same "
            f"pictures, python -m models train judge-mnist --set data.name={data}."
        )
    known = others[0].data["name"]
    log.warning("No classifier of '%s' is here; that of '%s' judges in its place.", data, known)
    return others[0]
