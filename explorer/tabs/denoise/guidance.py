"""The same noises at rising guidance: a strip of pictures, pushed towards a class ever harder."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from explorer import components
from explorer.components import say
from explorer.components.picture_table.picture_table import as_table
from explorer.page.context import Context
from explorer.page.part import Asked, Screen, screen
from explorer.pictures import images
from explorer.server.abilities import classes_of, guides
from explorer.server.ask import Seed
from explorer.tabs.denoise.trajectory import Settings, Trajectory, arguments, collect, read_settings

COUNT = 4
GUIDANCES = (0, 1, 2, 3, 4, 6, 8)


class Run(NamedTuple):
    """A sampler's run. way: as much as is done. final: (N, C, H, W) float32, the newest picture,
    not rounded."""

    way: Trajectory
    final: np.ndarray


def runs(context: Context, name: str, settings: Settings) -> Iterator[Run]:
    """Runs a sampler, yielding after every step; what was run before is there at once."""

    def begin() -> Iterator[Run]:
        newest = []

        def noted() -> Iterator[Any]:
            for frame in context.ask.steps(
                name, "sample_steps", settings.count, Seed(settings.seed), settings.label, **knobs
            ):
                newest[:] = [frame.x]
                yield frame

        for way in collect(noted()):
            yield Run(way, newest[0])

    knobs = arguments(context.store.get(name), settings)
    return context.ask.kept_steps(("denoise-run", name, settings), begin)


def strip(context: Context, name: str, asked: Asked, steps: int = 20) -> Iterator[Screen | None]:
    """The same noises at rising guidance. ``pictures``, (rows, columns, C, H, W) uint8 or None,
    are for ``save_strip``."""
    header = context.store.header(name)
    if not guides(header):
        what = "guidance" if classes_of(header) else "class"
        words = f"This model takes no {what}, so there is nothing to show here."
        yield screen(table=None, said=say(words), pictures=None)
        return
    classes = classes_of(header)
    base = read_settings(header, asked.seed, COUNT, label=asked.of, steps=steps)
    label = base.label or 0
    columns: list[np.ndarray | None] = [None] * len(GUIDANCES)
    words = f"Class {classes[label]}, {COUNT} noises of seed {base.seed}"
    shown = 0.0
    for k, guidance in enumerate(GUIDANCES):
        settings = base._replace(label=label, guidance=float(guidance))
        for found in runs(context, name, settings):
            if found.way.done or time.monotonic() - shown < 0.1:
                yield None
                continue
            shown = time.monotonic()
            part = (k + found.way.evaluations[-1] / steps) / len(GUIDANCES)
            yield screen(said=say(f"{words}: {part:.0%}", min(1.0, part), "busy"))
        columns[k] = found.way.x[-1]
        part = (k + 1) / len(GUIDANCES)
        busy = say(f"{words}: {part:.0%}", part, "busy")
        yield screen(table=_table(header, columns), said=busy)
    yield screen(
        table=_table(header, columns), said=say(f"{words}."), pictures=np.stack(columns, 1)
    )


def strip_after(context: Context, name: str, asked: Asked) -> Iterator[Screen | None]:
    """The strip, unless what came before it was stopped."""
    if asked.finished:
        yield from strip(context, name, asked)


def _table(header: Any, columns: list[np.ndarray | None]) -> dict[str, Any]:
    places = [None if c is None else c[row] for row in range(COUNT) for c in columns]
    notes = ["no class", "as trained", *[""] * (len(GUIDANCES) - 2)]
    return as_table(
        places, [str(g) for g in GUIDANCES], [(f"Noise {k + 1}", "") for k in range(COUNT)],
        shape=header.config["image"], axis="Guidance", notes=notes,
    )  # fmt: skip


def save_strip(context: Context, name: str, asked: Asked, kind: str) -> dict[str, str]:
    """The file: the guidance strip as one sheet."""
    if (pictures := asked.pictures) is None:
        raise ValueError("The strip is not finished yet.")
    rows, columns = pictures.shape[:2]
    sheet = images.grid_image(
        pictures.reshape(rows * columns, *pictures.shape[2:]), columns=columns, scale=4, gap=6
    )
    return components.file(f"{name}-guidance.png", images.png_bytes(sheet), "image/png")
