"""What the Map tab shows: plain values in, values of its components out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from explorer.components import say
from explorer.components.point_map.point_map import as_points, load_library
from explorer.components.theme import PALETTE
from explorer.page.code import in_code
from explorer.page.context import Context
from explorer.page.snippet import call, loading, raw, snippet
from explorer.pictures import images
from explorer.tabs.map import layouts
from explorer.tabs.map.layouts import METHODS, Layout

NEAR = 8
FRAMES = 24


# -- reading the controls -------------------------------------------------------------------------


def read_layout(method: Any, components: Any, neighbours: Any, min_dist: Any) -> Layout:
    """A layout from the controls' values. Raises ValueError with one sentence."""
    if method not in METHODS:
        raise ValueError(f"Choose one of {', '.join(METHODS.values())}.")
    if components not in (2, 3):
        raise ValueError("A map has 2 or 3 dimensions.")
    for value, what in ((neighbours, "number of neighbours"), (min_dist, "smallest distance")):
        if not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ValueError(f"The {what} must be a number.")
    if not 2 <= neighbours <= 200 or neighbours != int(neighbours):
        raise ValueError("The number of neighbours must be a whole number from 2 to 200.")
    if not 0 <= min_dist <= 0.99:
        raise ValueError("The smallest distance must be from 0 to 0.99.")
    return Layout(method, int(components), int(neighbours), float(min_dist)).plain


def read_choice(text: Any, n: int = 10**9) -> list[int]:
    """Rows that are selected, the last one first: "", "12" or "12,7". Raises ValueError."""
    rows = [int(part) for part in str(text or "").split(",") if part]
    if len(rows) > 2 or not all(0 <= row < n for row in rows):
        raise ValueError(f"'{text}' names no points of this map.")
    return rows


def choice_text(text: str) -> str:
    """A checked choice, for the address."""
    return ",".join(map(str, read_choice(text)))


def one_of(values: Iterable[str]) -> Callable[[str], str]:
    """A parser for the address that takes one of these texts."""

    def parse(text: str) -> str:
        if text not in values:
            raise ValueError(f"'{text}' is none of {', '.join(values)}.")
        return text

    return parse


def rows_here(context: Context, name: str, choice: Any) -> list[int]:
    """The selected rows; none where a link or another model left rows that are not here."""
    try:
        return read_choice(choice, len(layouts.points(context, name)))
    except ValueError:
        return []


# -- words ----------------------------------------------------------------------------------------


def classes(context: Context, name: str) -> list[str]:
    return [str(c) for c in context.store.header(name).data.get("classes") or []]


def class_name(context: Context, name: str, row: int) -> str:
    """The class of a point in words, "" where it is not known."""
    labels = layouts.points(context, name).labels
    if labels is None:
        return ""
    label, names = int(labels[row]), classes(context, name)
    return names[label] if label < len(names) else str(label)


def describe(context: Context, name: str, layout: Layout) -> str:
    """The layout on screen in one line."""
    fitted = layouts.points(context, name)
    how = {
        "umap": "laid out by UMAP",
        "pca": f"along the {layout.components} directions in which they vary most",
        "code": "as they are",
    }[layout.method]
    return f"Codes of {len(fitted):,} test pictures, {how}."


def facts(quality: layouts.Quality) -> dict[str, str]:
    """The map's figures, and a word on each."""
    knn = quality.knn
    return {
        "knn": "" if knn is None else f"{knn:.1%}",
        "knn_note": "There are no classes to vote with."
        if knn is None
        else "Share of points whose five nearest neighbours have its class.",
        "trust": f"{quality.trustworthiness:.3f}",
        "trust_note": "1 = neighbours on the map are neighbours in code space.",
    }


def axes(layout: Layout) -> list[str] | None:
    if layout.method == "umap":
        return None  # UMAP's axes mean nothing
    sign = "PC " if layout.method == "pca" else "z"
    return [f"{sign}{i + 1}" for i in range(layout.components)]


def code_of(context: Context, name: str, layout: Layout, rows: list[int]) -> str:
    """The lines that give the codes, the coordinates and the selected picture on screen."""
    header, fitted = context.store.header(name), layouts.points(context, name)
    kept = fitted.facts.get("map") != "pca"
    # A conditional model's codes are those of pictures given their classes.
    asks = "Conditional" in header.capabilities and fitted.labels is not None
    told, one = (", torch.from_numpy(labels)", ", int(labels[row])") if asks else ("", "")
    lines = [loading(context, name)]
    if kept:
        some = f"[:: {layouts.stride(len_of_kept(header))}]"
        folder = in_code(header.folder)
        lines += [
            call("fitted = load_map", raw(call("resolve", folder) + ".parent")),
            f"codes = fitted.codes{some}",
        ]
        lines += [f"labels = fitted.labels{some}"] if asks else []
    else:
        step = int(fitted.indices[1] - fitted.indices[0]) if len(fitted) > 1 else 1
        lines += [
            call("test = load_data", header.data["name"], "test"),
            f"images = test.images[:: {step}].float() / 255",
        ]
        lines += [f"labels = test.labels[:: {step}].numpy()"] if asks else []
        lines += [f"codes = model.encode(images{told}).detach().numpy()"]
    space = "codes"
    if fitted.embedding is not None:
        space = "space"
        lines += [
            f"space = fitted.embedding{some}"
            if kept
            else f"space = model.embed(torch.from_numpy(codes){told}).detach().numpy()"
        ]
    if kept and layout == layouts.kept_layout(fitted):
        where = f"coordinates = fitted.coordinates{some}"
    elif layout.method == "code":
        where = f"coordinates = codes[:, : {layout.components}]"
    elif layout.method == "pca":
        where = call("coordinates = fit_map", raw(space), "pca", layout.components)
    else:
        where = call(
            "coordinates = fit_map", raw(space), "umap", layout.components,
            neighbours=layout.neighbours, min_dist=layout.min_dist,
        )  # fmt: skip
    lines += [f"{where}  # ({len(fitted)}, {layout.components})"]
    if rows:
        lines += [
            "",
            f"row = {rows[0]}",
            f"picture = model.decode(torch.from_numpy(codes[row : row + 1]){one})",
            f"near = neighbours({space}, {space}[row], {NEAR + 1})[0, 1:]",
        ]
    return snippet(*lines)


def len_of_kept(header: Any) -> int:
    from models.checkpoints.codes import load_map

    return len(load_map(header.folder))


# -- what is on screen ----------------------------------------------------------------------------


def layout_parts(context: Context, name: str, layout: Layout, rows: list[int], yours: Any) -> dict:
    """Everything on screen that follows from a layout that is known."""
    from explorer.tabs.map.figure import map_figure

    key = f"{name} {'-'.join(map(str, layout))}"

    def view() -> dict:
        fitted = layouts.points(context, name)
        coordinates = layouts.layout_now(context, name, layout)
        figure = map_figure(
            coordinates, fitted.labels, classes(context, name), PALETTE, axes(layout)
        )
        return as_points(figure, layout.components, key)

    return {
        "view": context.ask.kept(("map-view", name, key), view),
        "library": load_library(),
        "marks": marks(context, name, layout, rows, yours),
        "status": say(describe(context, name, layout)),
        "code": code_of(context, name, layout, rows),
    }


def marks(context: Context, name: str, layout: Layout, rows: list[int], yours: Any) -> dict:
    """What lies over the points: the selected ones, their neighbours, the way between them."""
    fitted = layouts.points(context, name)
    coordinates = layouts.layout_now(context, name, layout)
    if coordinates is None:
        return {}
    drawn: dict[str, Any] = {}
    mine = _code_of(yours, name, fitted.codes.shape[1])
    if mine is not None:
        drawn["yours"] = layouts.place(context, name, layout, mine[None])[0]
    if rows:
        drawn["now"] = coordinates[rows[0]]
        drawn["near"] = coordinates[
            layouts.near(context, name, fitted.codes[rows[0]], NEAR, rows[0])
        ]
    elif mine is not None:
        drawn["near"] = coordinates[layouts.near(context, name, mine, NEAR)]
    if rows[1:]:
        drawn["before"] = coordinates[rows[1]]
    if (way := _way(context, name, rows, mine)) is not None:
        path = layouts.place(context, name, layout, way)
        path[-1] = coordinates[rows[0]]
        path[0] = coordinates[rows[1]] if rows[1:] else drawn["yours"]
        drawn["path"] = path
    return {key: np.round(values, 4).tolist() for key, values in drawn.items()}


def _way(
    context: Context, name: str, rows: list[int], mine: np.ndarray | None
) -> np.ndarray | None:
    """Codes on the straight line to the selected point from the one before, or from yours."""
    codes = layouts.points(context, name).codes
    if not rows or (len(rows) < 2 and mine is None):
        return None
    start, end = (codes[rows[1]] if rows[1:] else mine), codes[rows[0]]
    share = np.linspace(0, 1, FRAMES, dtype=np.float32)[:, None]
    return (1 - share) * start + share * end


def _code_of(yours: Any, name: str, dimensions: int) -> np.ndarray | None:
    if not yours or yours.get("model") != name or len(yours["z"]) != dimensions:
        return None
    return np.asarray(yours["z"], np.float32)


def selection_parts(context: Context, name: str, rows: list[int], yours: Any) -> dict:
    """The card, the film and the code that can be handed on, for the selected points."""
    fitted = layouts.points(context, name)
    if not rows:
        return {"card": None, "player": None, "selected": None}
    row = rows[0]
    mine = _code_of(yours, name, fitted.codes.shape[1])
    near = layouts.near(context, name, fitted.codes[row], NEAR, row)
    way = _way(context, name, rows, mine)
    wanted = [row, *near]
    codes = fitted.codes[wanted] if way is None else np.concatenate([fitted.codes[wanted], way])
    told = None
    if fitted.labels is not None:
        told = fitted.labels[[*wanted, *([row] * (len(codes) - len(wanted)))]]
    drawn = layouts.decode(context, name, codes, told)
    source = layouts.original(context, name, row)
    pictures, captions = [drawn[0]], ["reconstruction"]
    if source is not None:
        pictures, captions = [source, drawn[0]], ["test picture", captions[0]]
    title = class_name(context, name, row)
    index = int(fitted.indices[row])
    card = {
        "pictures": images.sprite(np.stack(pictures)),
        "captions": captions,
        "title": title or f"Picture {index:,}",
        "note": f"Number {index:,} of the test set." + _vote(context, name, near, title),
        "near": images.sprite(drawn[1 : 1 + len(near)]),
        "near_names": [class_name(context, name, r) or f"{r:,}" for r in near],
        "near_rows": [int(r) for r in near],
    }
    selected = {
        "model": name,
        "z": [float(v) for v in fitted.codes[row]],
        "label": None if fitted.labels is None else int(fitted.labels[row]),
        "source": f"test picture {index:,}",
    }
    player = None
    if way is not None:
        shares = np.linspace(0, 1, FRAMES)
        player = images.sprite(drawn[len(wanted) :])
        player["captions"] = [f"{share:.0%} of the way" for share in shares]
    return {"card": card, "player": player, "selected": selected}


def _vote(context: Context, name: str, near: np.ndarray, title: str) -> str:
    """How many of the neighbours are of its class, as a sentence; "" without classes."""
    if not title:
        return ""
    same = sum(class_name(context, name, row) == title for row in near)
    return f" {same} of its {len(near)} nearest in code are of its class."
