"""A map of points drawn by plotly: hover shows a point's picture, a click selects it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import gradio as gr

from explorer.components import HOLD, component, source

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class PointMap(NamedTuple):
    """The map and the invisible parts that carry its values, so that none has to travel twice.

    view: shows the points; value: ``as_points``.
    library: brings plotly.js with it when it is first given ``load_library()``; always invisible.
    thumbs: pictures for the hover, one sheet; value: ``as_sheet``.
    marks: what is drawn over the points; value: None or a dict of lists of coordinates, each part
    optional: "now" and "before" (the selected points), "near" (neighbours), "path", "yours".
    choice: value "" or "now" or "now,before", rows of the points selected last and before that;
    triggers ``pick`` when a person selects.
    """

    view: gr.HTML
    library: gr.Plot
    thumbs: gr.HTML
    marks: gr.HTML
    choice: gr.HTML


def point_map(*, label: str) -> PointMap:
    """A map that fills its column. label: what a screen reader calls it."""
    view = component("point_map", None, label=label)
    hidden = ["ge-hidden"]
    library = gr.Plot(None, elem_classes=hidden, show_label=False)

    def part(name: str, value: Any = None) -> gr.HTML:
        # In the script, not in a prop: a prop beside an empty value does not reach the browser.
        script = f"const PART = {name!r};\n" + source("map_part.js")
        if name != "choice":  # the one that tells the server something
            script = HOLD + script
        return component("map_part", value, script=script, elem_classes=hidden)

    return PointMap(view, library, part("thumbs"), part("marks"), part("choice", ""))


def load_library() -> Figure:
    """The smallest figure: a page that shows one has plotly.js."""
    import plotly.graph_objects as go

    return go.Figure(layout={"template": "none", "width": 10, "height": 10})


def as_points(figure: Figure, components: int, key: str) -> dict[str, Any]:
    """The value of ``view``. components: 2 or 3. key: while it stays, so do zoom and rotation."""
    return {"figure": figure.to_json(), "components": components, "key": key}


def as_sheet(pictures: Any, quality: int = 88) -> dict[str, Any]:
    """The value of ``thumbs``: (N, C, H, W) uint8 pictures as one WebP sheet.

    Lossy, a tenth of the raw bytes: 5,000 pictures of 28 x 28 pixels are some 1.3 MB.
    """
    import base64
    import io
    import math

    import numpy as np
    from PIL import Image

    n, c, h, w = pictures.shape
    columns = math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    sheet = np.zeros((rows * columns, c, h, w), np.uint8)
    sheet[:n] = pictures
    sheet = sheet.reshape(rows, columns, c, h, w).transpose(0, 3, 1, 4, 2)
    sheet = sheet.reshape(rows * h, columns * w, c)
    buffer = io.BytesIO()
    image = Image.fromarray(sheet[..., 0] if c == 1 else sheet)
    image.save(buffer, "WEBP", quality=quality, method=2)
    b64 = base64.b64encode(buffer.getvalue()).decode("ascii")
    return {"b64": b64, "media": "image/webp", "n": n, "h": h, "w": w, "columns": columns}
