"""From noise to a picture: what is sampled, and what the model takes it for, at every step."""

from __future__ import annotations

from functools import partial

from explorer import components, images
from explorer.components import say
from explorer.components.film import film
from explorer.context import Context
from explorer.denoising import trajectory

TITLE = "Watch"


def show(context: Context, name: str):
    for part in trajectory.run(context, name, trajectory.Settings()):
        rows = [
            {"name": title, "sprite": images.sprite(trajectory.mosaic(frames))}
            for title, frames in (("Noisy", part.x), ("Guess", part.x0))
        ]
        yield {"rows": rows, "run": name, "running": not part.done}, say(f"{len(part.x)}")


def build(context: Context) -> None:
    status = components.status()
    view = film("watch")
    context.on_show(partial(show, context), [], [view, status])
