"""Arrays to plotly figures. Pure functions; plotly is imported when the first figure is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def map_figure(
    coordinates: np.ndarray,
    labels: np.ndarray | None,
    classes: Sequence[str],
    palette: Sequence[str],
    axes: Sequence[str] | None = None,
) -> Figure:
    """Points drawn by WebGL, one trace a class in the class's colour.

    coordinates: (N, 2) or (N, 3). labels: (N,) or None. classes: names of the labels; a label
    without a name is named by its number. palette: class k has colour k, around again after the
    last. axes: names of the axes where their values mean something; without them none is drawn.
    ``customdata`` holds each point's row. Colours of text and lines are left to the page, which
    knows whether it is light or dark.

    Raises ValueError where the arrays do not fit each other.
    """
    import plotly.graph_objects as go

    coordinates = np.asarray(coordinates, np.float32)
    if coordinates.ndim != 2 or coordinates.shape[1] not in (2, 3):
        raise ValueError(f"A map has 2 or 3 coordinates a point, not shape {coordinates.shape}.")
    if labels is not None and len(labels) != len(coordinates):
        raise ValueError(f"{len(labels)} labels cannot belong to {len(coordinates)} points.")
    flat = coordinates.shape[1] == 2
    figure = go.Figure()
    for k, name, rows in _groups(len(coordinates), labels, classes):
        where = dict(zip("xyz", coordinates[rows].T, strict=False))
        size = _marker_size(len(coordinates)) * (1 if flat else 0.6)
        marker = {"size": size, "color": palette[k % len(palette)], "opacity": 0.85}
        marker["line"] = {"width": 0}
        trace = go.Scattergl if flat else go.Scatter3d
        figure.add_trace(
            trace(
                **where,
                mode="markers",
                name=name,
                marker=marker,
                customdata=rows.astype(np.int32),
                hoverinfo="none",
            )
        )
    figure.update_layout(
        template="none",
        showlegend=False,
        margin={"l": 0, "r": 0, "t": 0, "b": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        hovermode="closest",
        dragmode="pan" if flat else "orbit",
    )
    _add_axes(figure, axes, flat)
    if flat:  # given, as whoever draws the points before plotly has come must know it
        for axis, values in zip(("xaxis", "yaxis"), coordinates.T, strict=True):
            figure.update_layout({axis: {"range": _range(values)}})
    return figure


def _groups(
    n: int, labels: np.ndarray | None, classes: Sequence[str]
) -> list[tuple[int, str, np.ndarray]]:
    """(class, name, rows), in the order of the classes."""
    if labels is None:
        return [(0, "Pictures", np.arange(n))]
    return [
        (int(k), str(classes[k]) if k < len(classes) else str(k), np.flatnonzero(labels == k))
        for k in np.unique(labels)
    ]


def _range(values: np.ndarray) -> list[float]:
    """From the least to the greatest value, with a little air."""
    low, high = float(values.min()), float(values.max())
    air = 0.04 * (high - low) or 1.0
    return [low - air, high + air]


def _marker_size(n: int) -> float:
    """Points of a map in pixels: large where there are few."""
    return float(np.clip(9 - 1.2 * np.log2(max(n, 1) / 500), 4.5, 10))


def _add_axes(figure: Figure, names: Sequence[str] | None, flat: bool) -> None:
    if flat:
        margin = {"l": 44, "b": 40} if names else {}
        figure.update_layout(margin=margin)
        figure.update_xaxes(visible=bool(names), zeroline=False, ticks="", showline=False)
        figure.update_yaxes(
            visible=bool(names), zeroline=False, ticks="", showline=False, scaleanchor="x"
        )
        if names:
            figure.update_xaxes(title_text=names[0])
            figure.update_yaxes(title_text=names[1])
        return
    shown = [
        {
            "title": {"text": names[i] if names else ""},
            "showticklabels": bool(names),
            "showspikes": False,
            "showbackground": False,
        }
        for i in range(3)
    ]
    axes = dict(zip(("xaxis", "yaxis", "zaxis"), shown, strict=True))
    figure.update_layout(scene={**axes, "aspectmode": "data", "dragmode": "orbit"})
