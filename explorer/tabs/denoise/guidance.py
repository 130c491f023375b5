"""The same noises at rising guidance: a strip of pictures, pushed towards a class ever harder."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_table.picture_table import as_table
from explorer.page.context import Context
from explorer.pictures import images
from explorer.server.abilities import classes_of
from explorer.tabs.denoise.trajectory import Settings, Trajectory, arguments, collect, read_settings

log = logging.getLogger(__name__)

COUNT = 4
GUIDANCES = (0, 1, 2, 3, 4, 6, 8)


class Drawn(NamedTuple):
    """way: as much as is done. final: (N, C, H, W) float32, the newest picture, not rounded."""

    way: Trajectory
    final: np.ndarray


def drawn(context: Context, name: str, settings: Settings) -> Iterator[Drawn]:
    """Runs a sampler, yielding after every step; what was run before is there at once."""
    key = ("denoise-drawn", name, settings)
    if (kept := context.recent.get(key)) is not None:
        yield kept
        return
    from models.contract.random import generator

    model = context.store.get(name)
    newest = []

    def noted() -> Iterator[Any]:
        frames = model.sample_steps(
            settings.count, generator(settings.seed), settings.label, **arguments(model, settings)
        )
        for frame in frames:
            newest[:] = [frame.x.float().cpu().numpy()]
            yield frame

    for way in collect(noted()):
        found = Drawn(way, newest[0])
        yield found
    context.recent.put(key, found)


def strip(
    context: Context, name: str, seed: Any, label: Any, steps: int = 20
) -> Iterator[tuple[Any, Any, Any]]:
    """The same noises at rising guidance: yields (table, status, pictures so far).

    The pictures, (rows, columns) of (C, H, W) uint8 or None, are for ``save``.
    """
    header = context.store.header(name)
    if not (classes := classes_of(header)):
        yield None, say("This model takes no class, so there is nothing to guide it to."), None
        return
    try:
        base = read_settings(header, seed, COUNT, label=label, steps=steps)
    except ValueError as error:
        yield gr.skip(), say(str(error), kind="problem"), gr.skip()
        return
    label = base.label or 0
    columns: list[np.ndarray | None] = [None] * len(GUIDANCES)
    words = f"Class {classes[label]}, {COUNT} noises of seed {base.seed}"
    told = 0.0
    try:
        for k, guidance in enumerate(GUIDANCES):
            settings = base._replace(label=label, guidance=float(guidance))
            for found in drawn(context, name, settings):
                if found.way.done or time.monotonic() - told < 0.1:
                    yield None
                    continue
                told = time.monotonic()
                part = (k + found.way.evaluations[-1] / steps) / len(GUIDANCES)
                yield gr.skip(), say(f"{words}: {part:.0%}", min(1.0, part), "busy"), gr.skip()
            columns[k] = found.way.x[-1]
            part = (k + 1) / len(GUIDANCES)
            yield _table(header, columns), say(f"{words}: {part:.0%}", part, "busy"), gr.skip()
    except (ValueError, RuntimeError) as error:
        log.exception("Guidance of %s failed.", name)
        yield gr.skip(), say(f"Sampling failed: {error}", kind="problem"), gr.skip()
        return
    yield _table(header, columns), say(f"{words}."), np.stack(columns, 1)


def strip_after(
    context: Context, finished: Any, name: str, *controls: Any
) -> Iterator[tuple[Any, Any, Any]]:
    """What ``strip`` yields, unless what came before it was stopped."""
    if finished:
        yield from strip(context, name, *controls)


def _table(header: Any, columns: list[np.ndarray | None]) -> dict[str, Any]:
    places = [None if c is None else c[row] for row in range(COUNT) for c in columns]
    notes = ["no class", "as trained", *[""] * (len(GUIDANCES) - 2)]
    return as_table(
        places, [str(g) for g in GUIDANCES], [(f"Noise {k + 1}", "") for k in range(COUNT)],
        shape=header.config["image"], axis="Guidance", notes=notes,
    )  # fmt: skip


def save_strip(name: str, pictures: Any) -> tuple[Any, Any]:
    """(file for the saver, status): the guidance strip as one sheet."""
    if pictures is None:
        return gr.skip(), say("The strip is not finished yet.", kind="problem")
    rows, columns = pictures.shape[:2]
    sheet = images.grid_image(
        pictures.reshape(rows * columns, *pictures.shape[2:]), columns=columns, scale=4, gap=6
    )
    data = images.png_bytes(sheet)
    return components.file(f"{name}-guidance.png", data, "image/png"), gr.skip()
